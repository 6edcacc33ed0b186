"""The race: the node and one peer in turns, on the same records, so that both see the machine in the same mood.

Each lap syncs an empty node, then a peer's empty receiver, then an empty node, then the next peer's. As root it runs in
a network of its own that has loopback only: nothing leaves the machine, and the byte counter sees one system alone.
A peer that isn't installed or fails is told, and the others go on.

    make bench NAME=peers.race RECORDS=20000
    make bench NAME=peers.race RECORDS=20000 ARGS="--repeat 1 hypercore git"
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.harness import report, scratch
from benchmarks.peers.floor import Floor
from benchmarks.peers.git import Git, GitCheckout
from benchmarks.peers.ground import Records, Wire, export
from benchmarks.peers.hypercore import Hypercore, Packed
from benchmarks.peers.peer import ColdSync, Peer
from benchmarks.peers.postgresql import PostgreSql
from benchmarks.peers.pouchdb import PouchDb
from benchmarks.peers.syncthing import Syncthing

PEERS: Mapping[str, type[Peer]] = {
    "floor": Floor,
    "hypercore": Hypercore,
    "hypercore-packed": Packed,
    "pouchdb": PouchDb,
    "git": Git,
    "git-checkout": GitCheckout,
    "postgresql": PostgreSql,
    "syncthing": Syncthing,
}
OURS = "this node"
ALONE = "BRA_RACE_ALONE"
"""Set in the environment once the process is in a network of its own."""
FAULTS = (AssertionError, OSError, subprocess.SubprocessError, LookupError, ValueError)
"""What a system that doesn't do what its driver expects raises."""


@dataclass
class Runner:
    """One peer in the race: its runs, and those of the node right before each."""

    peer: Peer
    records: Records
    runs: list[ColdSync] = field(default_factory=list)
    ours: list[dict[str, Any]] = field(default_factory=list)
    fault: str | None = None


def main() -> None:
    options = _arguments()
    alone = _alone()
    # Servers are processes of their own: they have to be ended, also when this one is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with scratch() as folder, ExitStack() as ending:
        populations: dict[int, Records] = {}
        runners = []
        for name in options.names:
            kind = PEERS[name]
            if why := kind.missing():
                _tell(kind, missing=why)
                continue
            count = min(options.records, kind.most or options.records)
            if count not in populations:
                populations[count] = export(folder, count)
            runners.append(Runner(ending.enter_context(kind(folder / name)), populations[count]))
        for runner in runners:
            _try(runner, lambda r=runner: r.peer.seed(r.records))
        for lap in range(options.repeat):
            for runner in runners:
                _try(runner, lambda r=runner: _turn(r))
                print(f"lap {lap + 1}, {runner.peer.name}: {runner.fault or runner.runs[-1]}", flush=True)
        for runner in runners:
            _finish(runner, options.updates, alone=alone)
    _tell_ours([run for runner in runners for run in runner.ours if run["records"] == options.records], alone=alone)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(PEERS), help=f"of {', '.join(PEERS)}; all if none is given")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--updates", type=int, default=20, help="0 leaves updates and idle rounds out")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(PEERS)):
        parser.error(f"name peers of {', '.join(PEERS)} instead of {', '.join(unknown)}")
    return options


def _alone() -> bool:
    """Whether this process has loopback for itself; where that can be had, it starts anew there."""
    if ALONE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return True
    if os.geteuid() or not shutil.which("ip") or subprocess.run(["unshare", "--net", "true"], check=False).returncode:
        print("not root: whatever else uses loopback now is counted as well", file=sys.stderr)
        return False
    command = ["unshare", "--net", sys.executable, "-m", "benchmarks.peers.race", *sys.argv[1:]]
    return os.execvpe("unshare", command, {**os.environ, ALONE: "1"})


def _try(runner: Runner, work: Callable[[], object]) -> None:
    if runner.fault is None:
        try:
            work()
        except FAULTS as fault:
            runner.fault = f"{type(fault).__name__}: {fault}"


def _turn(runner: Runner) -> None:
    runner.ours.append(_ours(len(runner.records.lines)))
    os.sync()
    runner.runs.append(runner.peer.cold_sync())


def _ours(records: int) -> dict[str, Any]:
    """One run of the node's own benchmark: its line, and the bytes on the wire."""
    os.sync()
    wire = Wire()
    command = [sys.executable, "-m", "benchmarks.cold_sync", "--records", str(records), "--repeat", "1"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"benchmarks.cold_sync failed; run it alone:\n{done.stderr.decode()[-2000:]}")
    line = json.loads(done.stdout.splitlines()[-1])
    return {"durable_seconds": line["figure"], "searchable_seconds": line["figure"], **line, "wire": wire.bytes}


def _finish(runner: Runner, updates: int, *, alone: bool) -> None:
    more: dict[str, Any] = {}

    def last() -> None:
        if updates:
            times = runner.peer.updates(updates)
            more["update_ms"] = _spread([each.after * 1000 for each in times])
            more["update_with_write_ms"] = _spread([each.whole * 1000 for each in times])
            idle = runner.peer.idle()
            more["idle"] = {"wire": idle.wire, "round": idle.round, "requests": idle.requests}
        more["version"] = runner.peer.version()

    _try(runner, last)
    if runner.fault:
        _tell(type(runner.peer), missing=f"it failed: {runner.fault}")
    if not runner.runs:
        return
    beside = runner.ours[: len(runner.runs)]
    _report(
        runner.peer.name,
        [run.seconds for run in runner.runs],
        records=len(runner.records.lines),
        wire=median(run.wire for run in runner.runs),
        memory_mb=max(run.memory for run in runner.runs),
        beside={moment: [run[f"{moment}_seconds"] for run in beside] for moment in ("durable", "searchable")},
        verifies=runner.peer.verifies,
        durable=runner.peer.durable,
        alone=alone,
        **more,
    )


def _tell(kind: type[Peer], *, missing: str) -> None:
    print(json.dumps({"name": "race", "system": kind.name, "missing": missing}), flush=True)


def _tell_ours(runs: Sequence[Mapping[str, Any]], *, alone: bool) -> None:
    if not runs:
        return
    _report(
        OURS,
        [run["durable_seconds"] for run in runs],
        records=runs[0]["records"],
        wire=median(run["wire"] for run in runs),
        memory_mb=max(run["memory_mb"]["reader"]["peak"] for run in runs),
        searchable_seconds=[run["searchable_seconds"] for run in runs],
        floors=[run["floor"] for run in runs],
        verifies="a signature an author, and every hash",
        durable="all",
        alone=alone,
    )


def _report(system: str, times: Sequence[float], *, records: int, **more: Any) -> None:
    took = median(times)
    report(
        "race",
        took,
        "s",
        system=system,
        records=records,
        seconds=[round(each, 4) for each in times],
        records_per_second=round(records / took),
        **more,
    )


def _spread(times: Sequence[float]) -> dict[str, float]:
    return {"median": round(median(times), 2), "least": round(min(times), 2), "most": round(max(times), 2)}


if __name__ == "__main__":
    main()
