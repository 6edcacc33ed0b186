"""What the benchmarks share: arguments, scratch nodes, and the one line of JSON at the end."""

import argparse
import asyncio
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from node.control import socket
from node.home import Home
from node.storage import backlog
from tests.nodes import Node

MEGABYTE = 1_000_000
DEADLINE = 600.0
"""Seconds for which a benchmark waits for anything."""


def arguments(records: int, **more: int) -> argparse.Namespace:
    """What the command was given: `records`, `repeat`, and further numbers by name, each with its default."""
    parser = argparse.ArgumentParser()
    for name, default in {"records": records, "repeat": 3, **more}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bra-bench-") as folder:
        yield Path(folder)


@contextmanager
def ending(*nodes: Node) -> Iterator[None]:
    """Ends the nodes' processes, whatever happens."""
    try:
        yield
    finally:
        for node in nodes:
            node.stop()


def report(name: str, figure: float, unit: str, *, floor: float | None = None, **more: object) -> None:
    """The last line of a benchmark."""
    line = {"name": name, "figure": round(figure, 4), "unit": unit}
    if floor is not None:
        line |= {"floor": round(floor, 4), "ratio": round(figure / floor, 3)}
    print(json.dumps({**line, **more, "load": round(os.getloadavg()[0], 2), "cores": os.cpu_count()}), flush=True)


def operate(node: Node, operation: str, **parameters: Any) -> dict[str, Any]:
    """What a command does, without the start of a Python process in it."""
    return asyncio.run(socket.call(Home(node.home), operation, parameters))


def memory(**nodes: Node) -> dict[str, dict[str, float]]:
    """Megabytes that each serving node has in memory now (`rss`), and had at most since `forget_peaks` (`peak`)."""
    return {name: {"rss": _megabytes(node, "VmRSS"), "peak": _megabytes(node, "VmHWM")} for name, node in nodes.items()}


def forget_peaks(*nodes: Node) -> None:
    """From now on a peak is that of what follows (Linux, proc(5): clear_refs)."""
    for node in nodes:
        _proc(node, "clear_refs").write_text("5")


def _megabytes(node: Node, row: str) -> float:
    lines = _proc(node, "status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith(f"{row}:"))
    return round(kibibytes * 1024 / MEGABYTE, 1)


def _proc(node: Node, name: str) -> Path:
    assert node.process is not None, f"{node.name} does not serve"
    return Path(f"/proc/{node.process.pid}/{name}")


def waited(condition: Callable[[], Any], otherwise: str, *, every: float = 0.002, deadline: float = DEADLINE) -> Any:
    """The condition's first true value, asked in short steps because the time counts; fails at the deadline."""
    ends = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < ends, otherwise
        time.sleep(every)
    return found


def held(db: sqlite3.Connection) -> int:
    """Records in a node's database, read beside it."""
    return int(db.execute("SELECT count(*) FROM records").fetchone()[0])


def unread(home: Path) -> int:
    """Records in a node's database that it doesn't find yet, read beside it."""
    with reading(home) as db:
        return backlog.size(db)


@contextmanager
def reading(home: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a node's database, beside the node."""
    with closing(sqlite3.connect(f"file:{home / 'var' / 'node.db'}?mode=ro", uri=True)) as db:
        yield db


def is_read(db: sqlite3.Connection) -> bool:
    """Whether a node finds all that it holds."""
    return db.execute("SELECT 1 FROM backlog LIMIT 1").fetchone() is None


def seconds(since: float) -> float:
    return time.perf_counter() - since


__all__ = [
    "DEADLINE",
    "arguments",
    "ending",
    "forget_peaks",
    "held",
    "is_read",
    "median",
    "memory",
    "operate",
    "reading",
    "report",
    "scratch",
    "seconds",
    "unread",
    "waited",
]
