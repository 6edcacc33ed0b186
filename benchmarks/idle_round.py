"""What a round with nothing new costs: requests, bytes on the wire both ways, and database writes.

Two serving nodes on loopback in step; a relay between them counts the bytes of the TCP stream and the requests in it.
The floor: the smallest HTTP exchange with the same server, `GET /healthz`, counted the same way.

    make bench NAME=idle_round
"""

import asyncio
import time
import urllib.request

from benchmarks.counter import Counter, by_call
from benchmarks.harness import arguments, ending, memory, report, scratch
from benchmarks.population import populate
from tests.nodes import Node, until


def written(node: Node) -> int:
    """Size of the database's write-ahead log, which grows with each write."""
    log = node.home / "var" / "node.db-wal"
    return log.stat().st_size if log.exists() else 0


def main() -> None:
    options = arguments(records=2_000)
    with scratch() as folder:
        author = Node(folder / "author", "Author")
        asyncio.run(populate(author.home, options.records))
        reader = Node(folder / "reader", "Reader", url="")
        reader.configure(federation={"poll_seconds": 1})
        counter = Counter(author.port)
        author.configure(node={"url": counter.url})
        with ending(author, reader):
            author.add(reader)
            author.serve()
            reader.add(author, "--url", counter.url)
            reader.serve()
            until(lambda: reader.status()["records"] > options.records, "the two don't get in step", deadline=120)
            time.sleep(3)
            before, start = (written(reader), written(author)), time.monotonic()
            counter.take()
            time.sleep(10)
            calls, took = counter.take(), time.monotonic() - start
            writes = [late - early for early, late in zip(before, (written(reader), written(author)), strict=True)]
            memories = memory(author=author, reader=reader)
            urllib.request.urlopen(f"{counter.url}/healthz").read()
            floor = sum(call.size for call in counter.take() if call.name == "healthz")
    print(f"{len(calls)} requests in {took:.1f} s of rounds of 1 s; written: {writes} bytes")
    report(
        "idle_round",
        sum(call.size for call in calls) / len(calls),
        "bytes",
        floor=floor,
        requests_per_round=round(len(calls) / took, 2),
        by_call=by_call(calls),
        database_bytes_written=sum(writes),
        records=options.records,
        memory_mb=memories,
    )


if __name__ == "__main__":
    main()
