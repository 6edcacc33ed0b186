"""What a round with nothing new costs: requests, bytes on the wire both ways, and database writes.

Two serving nodes on loopback in step; a relay between them counts the bytes of the TCP stream and the requests in it.
The floor: the smallest HTTP exchange with the same server, `GET /healthz`, counted the same way.

    make bench NAME=idle_round
"""

import asyncio
import threading
import time
import urllib.request

from benchmarks.harness import arguments, ending, report, scratch
from benchmarks.population import populate
from tests.nodes import Node, free_port, until


class Counter:
    """A relay on loopback that counts what passes."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.bytes = self.requests = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._relay, "127.0.0.1", self.port))
        started.set()
        self._loop.run_forever()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._pass(reader, back, asked=True), self._pass(there, writer, asked=False))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asked: bool) -> None:
        while data := await reader.read(65536):
            self.bytes += len(data)
            if asked and data.startswith((b"GET ", b"POST ")):
                self.requests += 1
            writer.write(data)
            await writer.drain()
        writer.close()


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
        author.configure(node={"url": f"http://127.0.0.1:{counter.port}"})
        with ending(author, reader):
            author.add(reader)
            author.serve()
            reader.add(author, "--url", f"http://127.0.0.1:{counter.port}")
            reader.serve()
            until(lambda: reader.status()["records"] > options.records, "the two don't get in step", deadline=120)
            time.sleep(3)
            before, start = (counter.bytes, counter.requests, written(reader), written(author)), time.monotonic()
            time.sleep(10)
            after, took = (counter.bytes, counter.requests, written(reader), written(author)), time.monotonic() - start
            size, requests, *writes = (late - early for early, late in zip(before, after, strict=True))
            counter.bytes = 0
            urllib.request.urlopen(f"http://127.0.0.1:{counter.port}/healthz").read()
            floor = counter.bytes
    rounds = took / 1.0
    print(f"{requests} requests in {took:.1f} s of rounds of 1 s; written: {writes} bytes")
    report(
        "idle_round",
        size / requests,
        "bytes",
        floor=floor,
        requests_per_round=round(requests / rounds, 2),
        database_bytes_written=sum(writes),
        records=options.records,
    )


if __name__ == "__main__":
    main()
