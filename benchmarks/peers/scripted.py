"""A peer that comes from npm: both sides are a Node.js script of this folder, commanded by lines of JSON (lines.js).

What the scripts understand: `seed` and `serve` at the sender, `write` there for an update; `open`, `sync`, `count`,
`follow` and `round` at the receiver, which is always told the peer's `source`: where the sender is, and what it has.
"""

import json
import shutil
import subprocess
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

from benchmarks.peers.ground import INSTALLED, Peak, Records, Wire, process
from benchmarks.peers.peer import ColdSync, Idle, Peer, Update

HERE = Path(__file__).parent


class Script:
    """A script that runs."""

    def __init__(self, running: "subprocess.Popen[bytes]") -> None:
        self.pid = running.pid
        self._process = running

    @classmethod
    @contextmanager
    def started(cls, name: str, folder: Path, packages: Path) -> Iterator[Self]:
        """The script of this name, with a folder to keep things in. `packages`: where npm put what it needs."""
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            "NODE_PATH": str(packages / "node_modules"),
            "NODE_OPTIONS": "--no-deprecation --max-old-space-size=4096",
        }
        command = ["node", HERE / name, folder]
        with process(command, env=environment, log=folder.with_suffix(".log"), talks=True) as running:
            yield cls(running)

    def ask(self, what: str, **parameters: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **parameters}).encode() + b"\n")
        self._process.stdin.flush()
        return self.hear()

    def hear(self) -> dict[str, Any]:
        """The next line of its output that is JSON; AssertionError if it ended or told an error."""
        assert self._process.stdout is not None
        while not (line := self._process.stdout.readline()).startswith(b"{"):
            assert line, "the script ended; its log is beside its folder"
        heard: dict[str, Any] = json.loads(line)
        assert "error" not in heard, heard["error"]
        return heard


class Scripted(Peer):
    packages: ClassVar[tuple[str, ...]]
    """The first names the script, and the folder that `install.py` puts them all into."""
    round: ClassVar[str]

    @classmethod
    def installed(cls) -> Path:
        return INSTALLED / cls.packages[0]

    @classmethod
    def missing(cls) -> str | None:
        if shutil.which("node") and (cls.installed() / "node_modules").exists():
            return None
        return f"{cls.packages[0]} is not installed: run `make bench-peers` where there are Node.js and npm."

    def version(self) -> str:
        paths = {name: self.installed() / "node_modules" / name / "package.json" for name in self.packages}
        return ", ".join(f"{name} {json.loads(path.read_text())['version']}" for name, path in paths.items())

    @abstractmethod
    def serve(self, records: Records) -> dict[str, Any]:
        """Seeds the sender and has it serve; what a receiver is told of it."""

    def seed(self, records: Records) -> None:
        self.records = records
        self.sender = self.running.enter_context(self._script(self.folder / "sender"))
        self.source = self.serve(records)

    def cold_sync(self) -> ColdSync:
        self.last = self.receiver()
        with self._script(self.last) as receiver, Peak(receiver.pid) as peak:
            receiver.ask("open", **self.source)
            wire, start = Wire(), time.perf_counter()
            took = receiver.ask("sync", **self.source)["done"] - start
            sent, most = wire.bytes, peak.megabytes
            assert receiver.ask("count")["records"] == len(self.records.lines)
        return ColdSync(took, sent, most)

    def updates(self, count: int) -> list[Update]:
        times = []
        with self._script(self.last) as receiver:
            receiver.ask("open", **self.source)
            receiver.ask("follow", **self.source)
            time.sleep(1)
            for number, each in enumerate(self.records.venues(count)):
                written = self.sender.ask("write", author=each.author, line=each.changed(number).decode())
                seen = receiver.hear()["seen"]
                times.append(Update(seen - written["returned"], seen - written["called"]))
                time.sleep(0.3)
        return times

    def idle(self) -> Idle:
        with self._script(self.last) as receiver:
            receiver.ask("open", **self.source)
            before, wire = self.requests(), Wire()
            receiver.ask("round", **self.source)
            sent, after = wire.bytes, self.requests()
        return Idle(sent, self.round, None if before is None or after is None else after - before)

    def requests(self) -> int | None:
        """How many the sender has answered so far, if it has such a thing."""
        return None

    def _script(self, folder: Path) -> AbstractContextManager[Script]:
        return Script.started(f"{self.packages[0]}.js", folder, self.installed())
