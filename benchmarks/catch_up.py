"""What it costs to catch up: 1 % of the source's records changed while the reader was away.

Seconds, and bytes on the wire both ways: those of the changed records themselves (gzip, level 6, all lines in one
stream), and where the rest goes. The floor of the time: hashing the changed records and storing their rows, in a copy
of the reader's database. Aim: no more bytes than 1.3 times those of the records, and 1 KB an author touched.

    make bench NAME=catch_up RECORDS=20000
"""

import random
import shutil
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from benchmarks.counter import by_call
from benchmarks.floors import floor, rows
from benchmarks.harness import arguments, ending, forget_peaks, median, memory, report, scratch
from benchmarks.pair import Pair
from benchmarks.population import AUTHORS
from node.protocol.record import Record

CHANGED = 0.01
"""Part of the records."""


def compressed(lines: Iterable[bytes]) -> int:
    """Bytes of lines in one gzip stream of level 6."""
    return len(zlib.compress(b"".join(b"%b\n" % line for line in lines), 6, zlib.MAX_WBITS | 16))


def away(pair: Pair, records: int, seed: int) -> list[Record]:
    """Both were stopped, the source's records changed in the meantime, and both serve again."""
    pair.stop()
    counts = Counter(random.Random(seed).choices(range(AUTHORS), k=round(records * CHANGED)))
    changed = pair.change(counts, seed)
    pair.start()
    return changed


def main() -> None:
    options = arguments(records=20_000)
    took, floors = [], []
    with scratch() as folder:
        pair = Pair(folder, records=options.records)
        with ending(*pair.nodes):
            pair.start()
            pair.sync()
            for number in range(options.repeat):
                changed = away(pair, options.records, number)
                copy = folder / f"floor{number}" / "node.db"
                before(pair, copy)
                forget_peaks(*pair.nodes)
                seconds, calls = pair.sync()
                took.append(seconds)
                memories = memory(source=pair.source, reader=pair.reader)
                floors.append(floor(copy, rows(pair.reader.home, {record.value for record in changed})))
                print(f"{len(changed)} records: {seconds:.3f} s, floor {floors[-1]:.3f} s", flush=True)
    size, own = sum(call.size for call in calls), compressed(record.line for record in changed)
    authors = len({record.author for record in changed})
    report(
        "catch_up",
        median(took),
        "s",
        floor=median(floors),
        records=options.records,
        changed=len(changed),
        authors_touched=authors,
        bytes=size,
        compressed=own,
        rest=size - own,
        within_aim=size <= 1.3 * own + 1024 * authors,
        by_call=by_call(calls),
        memory_mb=memories,
    )


def before(pair: Pair, copy: Path) -> None:
    """The reader's database as it is now, copied."""
    copy.parent.mkdir()
    for name in ("node.db", "node.db-wal"):
        if (path := pair.reader.home / "var" / name).exists():
            shutil.copy(path, copy.with_name(name))


if __name__ == "__main__":
    main()
