"""What grows with what: time and bytes of a difference against its size, and against how much is already equal.

Three rows of sizes, each size with a source and a reader of its own:

- `records`: 100 authors with 10 to 10,000 records each, so up to 1,000,000
- `authors`: 10 to 10,000 authors with 20 records each
- `difference`: 1 to 10,000 changed records, of up to 100 authors, where 100,000 are held

For each size: the cold sync; a difference of 50 records of 10 authors, met by a reader that was just started (`cold`:
it has no tree in memory) and by one that goes on (`warm`); and a round without news. Lines of progress go to stderr;
the last line has all `rows`. RECORDS caps the sizes: 1,000,000 takes half an hour and 6 GB of disk.

    make bench NAME=growth RECORDS=100000
"""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.catch_up import compressed
from benchmarks.counter import Call
from benchmarks.harness import (
    MEGABYTE,
    arguments,
    ending,
    forget_peaks,
    median,
    memory,
    report,
    scratch,
    seconds,
    unread,
)
from benchmarks.pair import Pair
from tests.nodes import until

AUTHORS = 100
OF_EACH = 20
TOUCHED = 10
FIXED = 50
"""Records of the difference whose size doesn't change."""
HELD = 100_000
"""Records beside differences of other sizes."""

_SEEDS = count()
"""No change is like another."""

Row = dict[str, Any]


def asked(calls: Iterable[Call]) -> Row:
    """What a round cost on the wire."""
    calls = list(calls)
    return {"requests": len(calls), "bytes": sum(call.size for call in calls)}


def differ(pair: Pair, changed: int, touched: int, repeat: int, *, cold: bool = False) -> Row:
    """What the reader's catching up with so many changed records of so many authors costs: the median of some times.

    `cold`: both nodes were just started.
    """
    took = []
    for _ in range(repeat):
        records = pair.change(dict.fromkeys(range(touched), changed // touched), next(_SEEDS))
        if cold:
            pair.start()
        each, calls = pair.sync()
        took.append(each)
    return {
        "changed": len(records),
        "touched": touched,
        "seconds": round(median(took), 4),
        **asked(calls),
        "compressed": compressed(record.line for record in records),
    }


def idle(pair: Pair) -> Row:
    """What a round without news costs; the greeting that begins a command's round is not in its bytes."""
    took, calls = min((pair.sync() for _ in range(5)), key=lambda each: each[0])
    return {"seconds": round(took, 4), **asked(call for call in calls if call.name == "feed")}


def first_sync(pair: Pair) -> Row:
    """What it took the reader to get everything, from nothing."""
    pair.start()
    start = time.perf_counter()
    took, calls = pair.sync()
    until(lambda: not unread(pair.reader.home), "the reader does not look into everything", deadline=1_800)
    return {"seconds": round(took, 3), "searchable_seconds": round(seconds(start), 3), **asked(calls)}


def size(folder: Path, of: str, records: int, authors: int, repeat: int) -> Iterator[Row]:
    """The row of one size; where it is that of the differences, a row for each of them as well."""
    pair = Pair(folder, records=records, authors=authors)
    row: Row = {"of": of, "records": records, "authors": authors}
    with ending(*pair.nodes):
        row["first_sync"] = first_sync(pair)
        row["memory_of_first_sync_mb"] = memory(source=pair.source, reader=pair.reader)
        pair.start()
        row["database_mb"] = round((pair.reader.home / "var" / "node.db").stat().st_size / MEGABYTE, 1)
        row["cold"] = differ(pair, FIXED, TOUCHED, repeat, cold=True)
        forget_peaks(*pair.nodes)
        row["warm"] = differ(pair, FIXED, TOUCHED, repeat)
        row["idle"] = idle(pair)
        row["memory_mb"] = memory(source=pair.source, reader=pair.reader)
        yield row
        if (of, records) == ("records", HELD):
            for changed in (1, 10, 100, 1_000, 10_000):
                yield {"of": "difference", **differ(pair, changed, min(changed, AUTHORS), repeat)}


def main() -> None:
    options = arguments(records=1_000_000)
    sizes = [("records", AUTHORS * each, AUTHORS) for each in (10, 100, 1_000, 10_000)]
    sizes += [("authors", OF_EACH * each, each) for each in (10, 100, 1_000, 10_000)]
    rows: list[Row] = []
    for of, records, authors in sizes:
        if records > options.records:
            continue
        with scratch() as folder:
            for row in size(folder, of, records, authors, options.repeat):
                rows.append(row)
                print(row, file=sys.stderr, flush=True)
    held = [row["warm"]["seconds"] for row in rows if row["of"] == "records"]
    report("growth", held[-1] / held[0], "times the smallest's time", rows=rows)


if __name__ == "__main__":
    main()
