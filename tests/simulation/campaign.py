"""Runs seeds on all cores, and tells what they showed.

    make simulate SEEDS=1000
    make simulate FIRST=4711 SEEDS=1 ARGS=--trace     # one run again, with all that happened in it
    make simulate SEEDS=10 NODES=200

The last line is one JSON object with the figures. Exit code 1 where a seed failed.
"""

import argparse
import gc
import json
import logging
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.plan import Plan
from tests.simulation.shrink import shrink
from tests.simulation.simulation import Outcome, simulate

# As the program itself does: see `node.cli.main`.
gc.set_threshold(100_000, 50, 100)

RENEWED = 250
"""Runs after which a process makes room for a new one: what libraries keep of each run is not kept for ever."""


@dataclass
class Summary:
    """What many runs showed together."""

    seeds: int = 0
    nodes: int = 0
    virtual_hours: float = 0.0
    events: int = 0
    requests: int = 0
    megabytes: float = 0.0
    commits: int = 0
    checks: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    failing: dict[int, str] = field(default_factory=dict)

    def add(self, outcome: Outcome, problem: str) -> None:
        self.seeds += 1
        self.nodes += outcome.nodes
        self.virtual_hours += outcome.seconds / 3600
        self.events += outcome.events
        self.requests += outcome.requests
        self.megabytes += outcome.sent / 1e6
        self.commits += outcome.commits
        self.checks += outcome.checks
        self.faults += outcome.faults
        if problem:
            self.failing[outcome.seed] = problem

    def figures(self, seconds: float) -> dict[str, Any]:
        return {
            "seeds": self.seeds,
            "failing": sorted(self.failing),
            "minutes": round(seconds / 60, 1),
            "virtual_hours": round(self.virtual_hours, 1),
            "nodes": self.nodes,
            "events": self.events,
            "requests": self.requests,
            "megabytes": round(self.megabytes, 1),
            "commits": self.commits,
            "checks": self.checks,
            "faults": dict(sorted(self.faults.items())),
        }


def one(seed: int, nodes: int | None) -> tuple[Outcome, str]:
    """One run, and what was wrong with it: nothing, a violation, or an error of the simulator itself."""
    logging.disable(logging.CRITICAL)
    try:
        outcome = simulate(Plan.drawn(seed, nodes))
    except Exception:  # noqa: BLE001 - whatever it is, the other seeds go on
        return Outcome(seed), traceback.format_exc(limit=-3)
    return outcome, str(outcome.violation or "")


def campaign(seeds: Iterable[int], nodes: int | None, jobs: int, console: Console) -> Summary:
    """Runs all seeds; those that fail are told as soon as they do."""
    seeds, summary = list(seeds), Summary()
    columns = (
        TextColumn("seeds"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failing]}"),
    )
    with (
        Progress(*columns, console=console) as progress,
        multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=RENEWED) as pool,
    ):
        task = progress.add_task("seeds", total=len(seeds), failing="")
        for outcome, problem in pool.imap_unordered(partial(one, nodes=nodes), seeds):
            summary.add(outcome, problem)
            if problem:
                console.print(f"seed {outcome.seed}: {problem}", markup=False, highlight=False)
            progress.update(task, advance=1, failing=f"{len(summary.failing)} failing" if summary.failing else "")
    return summary


def explain(seed: int, nodes: int | None, patience: float, console: Console) -> None:
    """Prints how to replay a failing seed, and the shortest trace found."""
    plan = Plan.drawn(seed, nodes)
    violation = simulate(plan).violation
    if violation is None:
        return
    shortest = shrink(plan, violation.invariant, seconds=patience)
    again = simulate(shortest, traced=True)
    options = f" NODES={nodes}" if nodes else ""
    console.rule(f"seed {seed}: {violation.invariant}")
    for line in (
        *again.trace,
        "",
        f"{again.violation}",
        "",
        f"replay: make simulate FIRST={seed} SEEDS=1{options} ARGS=--trace",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"the shortest plan found: {shortest!r}", markup=False, highlight=False, soft_wrap=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--nodes", type=int, default=None, help="so many nodes in each run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at the same time")
    parser.add_argument(
        "--patience", type=float, default=60.0, help="seconds to look for a shorter trace, for each failing seed"
    )
    parser.add_argument("--trace", action="store_true", help="print all that happens")
    chosen = parser.parse_args()
    console = Console()
    logging.disable(logging.CRITICAL)
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    if chosen.trace:
        return max(_traced(seed, chosen.nodes, console) for seed in seeds)
    began = time.monotonic()
    summary = campaign(seeds, chosen.nodes, chosen.jobs, console)
    seconds = time.monotonic() - began
    # A few failures tell it all; a thousand of them would take a day to shorten.
    for seed in sorted(summary.failing)[:5]:
        explain(seed, chosen.nodes, chosen.patience, console)
    print(json.dumps(summary.figures(seconds)))  # noqa: T201
    return 1 if summary.failing else 0


def _traced(seed: int, nodes: int | None, console: Console) -> int:
    plan = Plan.drawn(seed, nodes)
    console.print(repr(plan), markup=False, highlight=False, soft_wrap=True)
    outcome = simulate(plan, traced=True)
    for line in (*outcome.trace, outcome.digest, str(outcome.violation or "all invariants hold")):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 1 if outcome.violation else 0
