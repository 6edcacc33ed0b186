"""What one record and one author cost a node: the constants from which docs/scale.md reckons.

A reader syncs records of many authors from nothing. Then: bytes of its database by table (`dbstat`), a record and an
author; bytes on the wire and seconds of the first sync; bytes and processor time of a beat that comes alone, and of
many beats at once; bytes of a round without news; memory of a node that was just started, and of a leaf of the trees
that it keeps.

    make bench NAME=constants RECORDS=20000 ARGS="--authors 1000"
"""

import asyncio
import hashlib
import os
import sqlite3
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.counter import Call
from benchmarks.harness import MEGABYTE, arguments, ending, median, memory, report, scratch, unread
from benchmarks.pair import Pair
from benchmarks.population import beat
from node.protocol.tree import Tree
from tests.nodes import Node, until

LEAVES = 20_000
OF_RECORDS = ("records", "texts", "texts_fts", "places", "facts")
OF_AUTHORS = ("authors", "heads", "heard")


def tables(home: Path) -> Counter[str]:
    """Bytes of a stopped node's database by table; the indexes of a table, and what a virtual one is made of, apart."""
    with closing(sqlite3.connect(home / "var" / "node.db")) as db:
        found = db.execute(
            "SELECT dbstat.name, tbl_name, pgsize FROM "
            "(SELECT name, sum(pgsize) AS pgsize FROM dbstat GROUP BY name) AS dbstat "
            "LEFT JOIN sqlite_master ON sqlite_master.name = dbstat.name"
        ).fetchall()
    sizes: Counter[str] = Counter()
    for name, table, size in found:
        whole = next((virtual for virtual in ("texts_fts", "places") if name.startswith(f"{virtual}_")), table or name)
        sizes[whole if whole == name or whole != table else f"{whole} indexes"] += size
    return sizes


def each(sizes: Counter[str], of: Iterable[str], count: int) -> dict[str, int]:
    """Bytes of one of so many, by table."""
    names = [name for table in of for name in (table, f"{table} indexes") if name in sizes]
    return {"all": round(sum(sizes[name] for name in names) / count), **{n: round(sizes[n] / count) for n in names}}


def leaf() -> float:
    """Bytes of memory that one leaf of a kept tree takes, with its key and value."""
    tracemalloc.start()
    tree = Tree.of({hashlib.sha256(b"%d" % n).digest(): hashlib.sha256(b"-%d" % n).digest() for n in range(LEAVES)})
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(tree)


def processor(node: Node) -> float:
    """Seconds of processor time that a serving node has used."""
    assert node.process is not None
    fields = Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def beats(pair: Pair, authors: range) -> dict[str, Any]:
    """What it costs the reader that these authors have each beaten once more."""
    pair.source.stop()
    asyncio.run(beat(pair.source.home, authors))
    pair.source.serve()
    used = processor(pair.reader)
    took, calls = pair.sync()
    used = processor(pair.reader) - used
    first = next(call for call in calls if call.name == "feed")
    return {"seconds": round(took, 4), "processor": round(used, 3), **feed(first)}


def feed(call: Call) -> dict[str, int]:
    return {"bytes": call.size, "answer_body": call.answer.body}


def main() -> None:
    options = arguments(records=20_000, authors=1_000)
    records, authors = options.records, options.authors
    with scratch() as folder:
        pair = Pair(folder, records=records, authors=authors)
        with ending(*pair.nodes):
            pair.start()
            took, calls = pair.sync()
            until(lambda: not unread(pair.reader.home), "the reader does not look into everything", deadline=600)
            memories = {"after_sync": memory(reader=pair.reader)["reader"]}
            pair.start()
            pair.sync()
            memories["started"] = memory(reader=pair.reader)["reader"]
            alone = [beats(pair, range(number, number + 1)) for number in range(options.repeat)]
            together = beats(pair, range(min(authors, 500)))
            idle = [call for _, calls in (pair.sync(), pair.sync()) for call in calls if call.name == "feed"]
            pair.stop()
            sizes = tables(pair.reader.home)
            file = (pair.reader.home / "var" / "node.db").stat().st_size
    # The endorsements by which the source introduces everybody are records, too.
    held = records + authors
    report(
        "constants",
        file / held,
        "bytes of database a record",
        records=records,
        authors=authors,
        database_mb=round(file / MEGABYTE, 1),
        a_record=each(sizes, OF_RECORDS, held),
        an_author=each(sizes, OF_AUTHORS, authors),
        tables=dict(sizes.most_common()),
        first_sync={
            "seconds": round(took, 2),
            "microseconds_a_record": round(took / held * 1e6),
            "bytes_a_record": round(sum(call.size for call in calls) / held),
        },
        idle_round=feed(idle[-1]),
        beat_alone={**alone[0], "seconds": median([one["seconds"] for one in alone])},
        beats_together={**together, "beats": min(authors, 500)},
        memory_mb=memories,
        memory_of_a_leaf=round(leaf()),
    )


if __name__ == "__main__":
    main()
