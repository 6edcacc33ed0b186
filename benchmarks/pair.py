"""Two nodes for the benchmarks: a source that holds a population, and a reader that asks only when it is told to.

Both are processes of their own, as operators run them; a relay between them counts what passes. The reader's own rounds
find nobody at its start and then wait for an hour, so that what is measured is one round, from its command to its end.

    pair = Pair(folder, records=20_000)
    with ending(*pair.nodes):
        pair.start()
        took, calls = pair.sync()
"""

import asyncio
import sys
import time
from pathlib import Path

from benchmarks.counter import Call, Counter
from benchmarks.harness import operate, seconds
from benchmarks.population import AUTHORS, change_venues, populate
from node.protocol.record import Record
from tests.nodes import Node, until

ROUNDS_AT_MOST = 20
"""Of one sync: each goes on where a request's time was over in the one before."""
_ONLY_WHEN_TOLD = {"retry_first_seconds": 3600, "retry_longest_seconds": 86_400}
_EVERYBODY = {"introductions": 1_000_000}


class Pair:
    """A source with so many records by so many authors, and an empty reader that is its partner."""

    def __init__(self, folder: Path, *, records: int, authors: int = AUTHORS) -> None:
        self.source = Node(folder / "source", "Source", trust=_EVERYBODY)
        self.counter = Counter(self.source.port)
        self.source.configure(node={"url": self.counter.url})
        asyncio.run(populate(self.source.home, records, authors))
        self.reader = Node(folder / "reader", "Reader", url="", trust=_EVERYBODY, federation=_ONLY_WHEN_TOLD)
        self.source.add(self.reader)
        self.reader.add(self.source, "--url", self.counter.url)
        self.nodes = (self.source, self.reader)

    def start(self) -> None:
        """Starts both anew, with nothing in memory."""
        self.stop()
        self.reader.serve()
        until(self._gave_up, "the reader found somebody at its partner's URL")
        self.source.serve()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def change(self, counts: dict[int, int], seed: int) -> list[Record]:
        """Gives so many venues of each author, by number, a new body at the source; the source serves afterwards."""
        self.source.stop()
        changed = asyncio.run(change_venues(self.source.home, counts, seed))
        self.source.serve()
        return changed

    def sync(self, *, refused: bool = False) -> tuple[float, list[Call]]:
        """Seconds that the reader takes until it has everything that the source has, and what was asked.

        A round that is cut short, because a request has its time, is gone on with, as by a node that serves. With
        `refused`, the reader may refuse some of what the source has.
        """
        self.counter.take()
        start = time.perf_counter()
        for _ in range(ROUNDS_AT_MOST):
            found = operate(self.reader, "sync")
            if found["partners"] == [{"partner": self.source.id}]:
                break
            print(f"cut short after {seconds(start):.0f} s: {found['partners']}", file=sys.stderr, flush=True)
        else:
            raise AssertionError(found["partners"])
        took = seconds(start)
        assert refused or not found["refusals"], found["refusals"]
        return took, self.counter.take()

    def refusals(self) -> list[str]:
        """The sentences by which the reader refuses something, each once."""
        return sorted({each["sentence"] for each in operate(self.reader, "status")["refusals"]})

    def _gave_up(self) -> bool:
        return bool(operate(self.reader, "partner-list")["partners"][0]["failures"])
