"""How long an empty node takes until everything a partner has is verified, durable and searchable.

The time runs from confirming a partner at the serving node until the last record is committed, over HTTP on loopback,
two processes. The floor, in the same run: SHA-256 of all records, and the same rows with the same indexes (full text
and R*Tree included) in one bulk transaction from memory.

    make bench NAME=cold_sync RECORDS=20000
"""

import asyncio
import hashlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import arguments, ending, held, median, report, scratch, seconds
from benchmarks.population import AUTHORS, populate
from node.control import socket
from node.home import Home
from node.storage import bulk
from node.storage.bulk import Row
from node.storage.database import Database
from node.trust.safety_words import safety_words
from tests.nodes import Node, until


def sync(folder: Path, source: Node, expected: int) -> tuple[float, Path]:
    """Seconds that a new node takes to hold `expected` records, and its home."""
    reader = Node(folder, "Reader")
    source.add(reader)
    card, words = json.loads(source.card()), " ".join(safety_words(reader.id, source.id))
    with ending(reader):
        reader.serve()
        operate(reader, "partner-add", key_card=card)
        # The reader's own first head was a moment ago: its endorsement of the source must not wait for the next second.
        time.sleep(1.1)
        before = held(reader.home)
        start = time.perf_counter()
        operate(reader, "partner-confirm", node_id=source.id, words=words)
        until(lambda: held(reader.home) - before > expected, "the reader does not get everything", deadline=180)
        took = seconds(start)
        assert not reader.status()["refusals"]
    return took, reader.home


def operate(node: Node, operation: str, **parameters: Any) -> None:
    """What a command does, without the start of a Python process in it."""
    asyncio.run(socket.call(Home(node.home), operation, parameters))


def floor(folder: Path, home: Path) -> float:
    """Seconds that hashing and storing the same rows takes."""
    db = sqlite3.connect(home / "var" / "node.db")
    stored = db.execute(
        "SELECT author, no, key, value, seq, kind, id, visibility, expires, line, problem, heading, words, south, west "
        "FROM records LEFT JOIN texts USING (no) LEFT JOIN places USING (no)"
    ).fetchall()
    db.close()
    rows: dict[int, list[Row]] = {}
    for author, *columns, heading, words, south, west in stored:
        place = None if south is None else (south, west)
        rows.setdefault(author, []).append(Row(*columns, heading=heading or "", words=words or "", place=place))
    lines = [row.line for each in rows.values() for row in each if row.line]

    def store(db: sqlite3.Connection) -> None:
        # The fastest way to fill the tables and indexes that we know, the node's own.
        for author, each in rows.items():
            bulk.insert(db, author, each)

    folder.mkdir()
    database = Database(folder / "floor.db")
    start = time.perf_counter()
    for line in lines:
        hashlib.sha256(line).digest()
    database.write_now(store)
    took = seconds(start)
    database.close()
    return took


def main() -> None:
    options = arguments(records=20_000)
    with scratch() as folder:
        source = Node(folder / "source", "Source")
        asyncio.run(populate(source.home, options.records))
        with ending(source):
            source.serve()
            times, floors = [], []
            for number in range(options.repeat):
                took, home = sync(folder / f"reader{number}", source, options.records)
                times.append(took)
                floors.append(floor(folder / f"floor{number}", home))
                print(f"{options.records} records: {took:.2f} s, floor {floors[-1]:.2f} s", flush=True)
    took = median(times)
    report(
        "cold_sync",
        took,
        "s",
        floor=median(floors),
        records=options.records,
        authors=AUTHORS,
        records_per_second=round(options.records / took),
    )


if __name__ == "__main__":
    main()
