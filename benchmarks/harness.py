"""What the benchmarks share: arguments, scratch nodes, and the one line of JSON at the end."""

import argparse
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.nodes import Node


def arguments(records: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=records)
    parser.add_argument("--repeat", type=int, default=3)
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


def held(home: Path) -> int:
    """Searchable records in a node's database, read beside it."""
    db = sqlite3.connect(f"file:{home / 'var' / 'node.db'}?mode=ro", uri=True)
    try:
        return int(db.execute("SELECT count(*) FROM records").fetchone()[0])
    finally:
        db.close()


def seconds(since: float) -> float:
    return time.perf_counter() - since


__all__ = ["arguments", "ending", "held", "median", "report", "scratch", "seconds"]
