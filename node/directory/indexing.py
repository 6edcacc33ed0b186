"""Works off the backlog: looks into records that came in large blocks, and makes them searchable.

Rules:

- blocks come first: while one is in hand, or was a moment ago, the backlog waits, but never longer than `PATIENCE`
- the next records are interpreted in a thread while the writer stores what was found in the last ones
- nothing is lost when a process ends: the backlog is a table
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Self

import orjson
import structlog

from node.errors import BraError
from node.storage import backlog
from node.storage.backlog import Unread
from node.storage.database import Database
from node.storage.index import Entry, entry

log = structlog.get_logger()

AT_FIRST = 500
"""Records of the first step: while they are looked into the writer has nothing to do. Each has half as many more."""
AT_ONCE = 2_000
"""Records of one step at most: some 100 ms of the writer's time. Full text takes less in larger steps, but the last one
is stored while nobody looks into another: of 20,000 records 4,000 at once took 4 to 16 % longer, of 100,000 7 %."""
PATIENCE = 1.0
"""Seconds that a step waits at most for blocks in hand."""
MOMENT = 0.02
"""Seconds without one after which no more are expected."""
AGAIN = 10.0
"""Seconds after which a step that failed (a full disk) is tried again."""


class Indexer:
    """Works off the database's backlog while `running`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_hand = 0
        self._last = -MOMENT
        """When the last block was in hand, by the loop's clock."""
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="index")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Goes on with what an earlier process left, and then with what comes."""
        self.wake()
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._idle.set()
            self._worker.shutdown(cancel_futures=True)

    def wake(self) -> None:
        """There is something in the backlog."""
        self._idle.clear()
        self._woken.set()

    async def done(self) -> None:
        """Returns when the backlog is worked off, or can't be for now."""
        await self._idle.wait()

    @contextmanager
    def block_in_hand(self) -> Iterator[None]:
        """While this lasts the backlog waits."""
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1
            self._last = asyncio.get_running_loop().time()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._work_off()
            except Exception as error:
                if isinstance(error, BraError):
                    log.error("records can't be made searchable: tried again", problem=str(error))
                else:
                    # A bug must not end this for good, nor leave anybody waiting, and must be seen.
                    log.exception("records can't be made searchable: tried again")
                self._idle.set()
                await asyncio.sleep(AGAIN)
                self.wake()
            if not self._woken.is_set():
                self._idle.set()

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        storing: asyncio.Future[None] | None = None
        after, most = 0, AT_FIRST
        while True:
            await self._turn()
            unread = await self._database.read(partial(backlog.first, after=after, most=most))
            entries = await loop.run_in_executor(self._worker, look_into, unread)
            if storing is not None:
                await storing
                storing = None
            if unread:
                settle = partial(backlog.settle, unread=unread, entries=entries)
                storing = asyncio.ensure_future(self._database.write(settle))
                after = unread[-1].no
                most = min(most * 3 // 2, AT_ONCE)
            elif after == 0:
                return
            else:
                # A record that came anew keeps its number: look below, too.
                after = 0

    async def _turn(self) -> None:
        clock = asyncio.get_running_loop().time
        ends = clock() + PATIENCE
        while (self._in_hand or clock() < self._last + MOMENT) and clock() < ends:  # noqa: ASYNC110 - a span of quiet
            await asyncio.sleep(MOMENT)


def look_into(unread: Sequence[Unread]) -> list[Entry]:
    """What is searched of each of these records; runs in a worker thread. Their bytes were verified when they came."""
    return [_entry(each) for each in unread]


def _entry(unread: Unread) -> Entry:
    try:
        body = orjson.loads(unread.line)["body"]
    except (ValueError, TypeError, KeyError):
        # It keeps no other waiting. `scrub` notices it, too, and has it asked for again.
        return Entry("", "", None, "what is held of it was altered on this node's disk")
    return entry(unread.kind, body)
