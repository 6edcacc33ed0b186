"""How long an empty node takes until everything a partner has is verified and durable, and until it is searchable, too.

The time runs from confirming a partner at the serving node until the last record is committed, and until the last one
can be found, over HTTP on loopback, two processes. The floor, in the same run: SHA-256 of all records, and the same
rows with the same indexes (full text and R*Tree included) in one bulk transaction from memory.

    make bench NAME=cold_sync RECORDS=20000
"""

import asyncio
import json
import sqlite3
import time

from benchmarks.floors import floor, rows
from benchmarks.harness import (
    arguments,
    ending,
    held,
    is_read,
    median,
    memory,
    operate,
    reading,
    report,
    scratch,
    seconds,
    waited,
)
from benchmarks.population import AUTHORS, populate
from node.storage import meta
from node.trust.safety_words import safety_words
from tests.nodes import Node


def numbered(db: sqlite3.Connection) -> int:
    """How many numbers a node has given to records."""
    return int(meta.get(db, "records") or 0)


def sync(reader: Node, source: Node, expected: int) -> tuple[float, float]:
    """Seconds that a new node takes to hold `expected` records, and to find them. It still serves."""
    source.add(reader)
    card, words = json.loads(source.card()), " ".join(safety_words(reader.id, source.id))
    reader.serve()
    operate(reader, "partner-add", key_card=card)
    # The reader's own first head was a moment ago: its endorsement of the source must not wait for the next second.
    time.sleep(1.1)
    with reading(reader.home) as db:
        before, numbers = held(db), numbered(db)
        start = time.perf_counter()
        operate(reader, "partner-confirm", node_id=source.id, words=words)
        # Looked at as often as the other systems are (`peers`), and as cheaply: counting all rows slows it down.
        waited(lambda: numbered(db) - numbers > expected, "the reader does not get everything")
        durable = seconds(start)
        assert held(db) - before > expected
        waited(lambda: is_read(db), "the reader does not look into everything")
        searchable = seconds(start)
    assert not operate(reader, "status")["refusals"]
    return durable, searchable


def main() -> None:
    options = arguments(records=20_000)
    with scratch() as folder:
        source = Node(folder / "source", "Source")
        asyncio.run(populate(source.home, options.records))
        with ending(source):
            source.serve()
            held_after, times, floors = [], [], []
            for number in range(options.repeat):
                reader = Node(folder / f"reader{number}", "Reader")
                with ending(reader):
                    durable, took = sync(reader, source, options.records)
                    memories = memory(source=source, reader=reader)
                held_after.append(durable)
                times.append(took)
                floors.append(floor(folder / f"floor{number}" / "node.db", rows(reader.home)))
                print(f"{options.records}: durable {durable:.2f} s, searchable {took:.2f} s, floor {floors[-1]:.2f} s")
    took, durable = median(times), median(held_after)
    report(
        "cold_sync",
        took,
        "s",
        floor=median(floors),
        records=options.records,
        authors=AUTHORS,
        durable_seconds=round(durable, 3),
        searchable_seconds=round(took, 3),
        durable_per_second=round(options.records / durable),
        records_per_second=round(options.records / took),
        memory_mb=memories,
    )


if __name__ == "__main__":
    main()
