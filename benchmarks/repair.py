"""What repairs a replica whose rows were damaged on disk, and what that costs.

1 % of the venues that a reader holds are damaged beneath it while it is stopped, each time in another way: `lost` (the
rows are gone), `altered` (another value and other bytes), `altered beneath` (other bytes under the right value) and
`added` (as many rows that nobody signed). Then the reader is started, checks all that it holds, and syncs. Reported for
each: seconds of the check, seconds and bytes of the sync that repairs, call by call (`tree` compares), how many rows
were still wrong after it, and the bytes of the damaged records (gzip, level 6). The floor: hashing and storing the
damaged rows.

    make bench NAME=repair RECORDS=20000
"""

import hashlib
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.catch_up import before, compressed
from benchmarks.counter import by_call
from benchmarks.floors import floor, rows
from benchmarks.harness import arguments, ending, operate, report, scratch, seconds
from benchmarks.pair import Pair
from node.storage import bulk
from node.storage.bulk import Row, Rows
from tests.nodes import Node

DAMAGED = 0.01
"""Part of the records."""

Lines = dict[int, bytes]
"""Exact bytes of records by the numbers of their rows."""


def lose(db: sqlite3.Connection, lines: Lines) -> None:
    bulk.delete(db, list(lines))


def alter(db: sqlite3.Connection, lines: Lines) -> None:
    alter_beneath(db, lines)
    db.executemany("UPDATE records SET value = zeroblob(32) WHERE no = ?", [(no,) for no in lines])


def alter_beneath(db: sqlite3.Connection, lines: Lines) -> None:
    altered = [(line.replace(b"street", b"avenue"), no) for no, line in lines.items()]
    db.executemany("UPDATE records SET line = ? WHERE no = ?", altered)


def add(db: sqlite3.Connection, lines: Lines) -> None:
    after = db.execute("SELECT max(no) FROM records").fetchone()[0]
    for place, no in enumerate(lines, 1):
        author = db.execute("SELECT author FROM records WHERE no = ?", (no,)).fetchone()[0]
        bulk.insert(db, author, Rows.of([Row(after + place, hashlib.sha256(b"%d" % no).digest(), bytes(32), 1)]))


WAYS: dict[str, Callable[[sqlite3.Connection, Lines], None]] = {
    "lost": lose,
    "altered": alter,
    "altered beneath": alter_beneath,
    "added": add,
}


def database(node: Node) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(node.home / "var" / "node.db"))


def damage(node: Node, way: str, count: int) -> tuple[Counter[str], list[bytes]]:
    """Damages so many venues of a node that is stopped: how many of each author, and what they were."""
    with database(node) as db, db:
        venues = db.execute(
            "SELECT records.no, node_id, line FROM records JOIN authors ON authors.no = author "
            "WHERE kind = 'venue' ORDER BY records.no"
        ).fetchall()
        chosen = random.Random(1).sample(venues, count)
        WAYS[way](db, {no: line for no, _, line in chosen})
    return Counter(author for _, author, _ in chosen), [line for *_, line in chosen]


def wrong(pair: Pair) -> int:
    """How many records the reader holds otherwise than the source, or it alone, or not at all. Both may serve."""
    held = []
    for node in (pair.source, pair.reader):
        with database(node) as db:
            query = (
                "SELECT node_id, key, value, line FROM records JOIN authors ON authors.no = author "
                "WHERE kind = 'venue' OR kind IS NULL"
            )
            held.append({(author, key): row for author, key, *row in db.execute(query)})
    source, reader = held
    return sum(reader.get(key) != source.get(key) for key in source.keys() | reader.keys())


def repaired(folder: Path, way: str, records: int) -> dict[str, Any]:
    """What a replica that was damaged in this way does about it."""
    pair = Pair(folder, records=records)
    with ending(*pair.nodes):
        pair.start()
        pair.sync()
        assert not wrong(pair)
        pair.stop()
        whole = rows(pair.reader.home)
        touched, lines = damage(pair.reader, way, round(records * DAMAGED))
        before(pair, folder / "floor" / "node.db")
        pair.start()
        began = time.perf_counter()
        operate(pair.reader, "check")
        checked = seconds(began)
        assert wrong(pair)
        took, calls = pair.sync()
        return {
            "authors": len(touched),
            "damaged": len(lines),
            "damaged_bytes": compressed(lines),
            "check_seconds": round(checked, 3),
            "seconds": round(took, 3),
            "floor": round(floor(folder / "floor" / "node.db", only(whole, lines)), 4),
            "bytes": sum(call.size for call in calls),
            "by_call": by_call(calls),
            "wrong": wrong(pair),
        }


def only(whole: dict[int, list[Row]], lines: list[bytes]) -> dict[int, list[Row]]:
    """The rows with these lines."""
    chosen = set(lines)
    return {author: [row for row in each if row.line in chosen] for author, each in whole.items()}


def main() -> None:
    options = arguments(records=20_000)
    found = {}
    for way in WAYS:
        with scratch() as folder:
            found[way] = repaired(folder, way, options.records)
        print(f"{way}: {found[way]}", flush=True)
    lost = found["lost"]
    report("repair", lost["seconds"], "s", floor=lost["floor"], records=options.records, ways=found)


if __name__ == "__main__":
    main()
