"""One SQLite file: a single writer thread, readers beside it, and errors that tell a person what to do.

Rules:

- every change is a job for the writer thread: a function that takes the connection and returns a value
- jobs that wait together share one transaction and one fsync (see `transactions`)
- readers have connections of their own that can't write; WAL lets them work while the writer does
- what is deleted is overwritten: in the file at once (`secure_delete`), in the log, which keeps each page as it was,
  as soon as the writer has nothing else to do, or is overdue

    database = Database(path)
    number = await database.write(lambda db: db.execute("insert …").lastrowid)
    rows = await database.read(lambda db: db.execute("select …").fetchall())
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

import sqlite_utils
import structlog

from node.storage.migrations import migrations
from node.storage.transactions import PATIENCE, Job, Waiting, connect, snapshot, together, told

log = structlog.get_logger()

T = TypeVar("T")
Listener = Callable[[sqlite3.Connection], None]

READERS = 4
QUERIERS = 2
_STEPS = 20_000
"""Steps of SQLite's machine between two looks at the time: a few milliseconds."""
LONGEST_BATCH = 0.1
"""Seconds for which the writer goes on adding waiting jobs to a transaction."""
QUIET = 1.0
"""Seconds without a job after which the log is emptied: a burst of changes pays for it once."""
OVERDUE = 10.0
"""Seconds after which it is emptied although jobs are waiting."""
_READERS_LEAVE = 0.1
"""Seconds for which the writer then waits for readers that still need it."""


class Database:
    """The node's database. Safe to use from any thread; `close` ends its threads after the last queued job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listeners: list[Listener] = []
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._ends = False
        self._written: float | None = time.monotonic()
        """When the writer first wrote after the log was emptied last. Whoever ended before this may have left a log."""
        with told(path):
            connection = _open(path)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._queriers = ThreadPoolExecutor(QUERIERS, thread_name_prefix="querier")
        self._writer = threading.Thread(target=self._write_jobs, args=(connection,), name="writer", daemon=True)
        self._writer.start()

    def on_commit(self, listener: Listener) -> None:
        """Calls `listener` after each commit, before who asked for it hears of it, in the writer thread and with its
        connection. It must be quick and thread-safe, and change nothing.
        """
        self._listeners.append(listener)

    async def write(self, job: Job[T]) -> T:
        """Runs `job` in the writer thread; returns when its transaction is committed."""
        return await asyncio.wrap_future(self._submit(job))

    def write_now(self, job: Job[T]) -> T:
        """`write` for callers without an event loop; blocks."""
        return self._submit(job).result()

    async def read(self, job: Job[T]) -> T:
        """Runs `job` on a read-only connection, in one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, job)

    async def query(self, job: Job[T], seconds: float) -> T:
        """`read` for questions that anybody may ask: in threads of their own, and TooSlow after `seconds`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._queriers, partial(self.read_now, job, seconds=seconds))

    def read_now(self, job: Job[T], *, seconds: float | None = None) -> T:
        """`read` in the calling thread; blocks."""
        connection = self._reader()
        if seconds is None:
            return snapshot(connection, self.path, job)
        ends = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        try:
            return snapshot(connection, self.path, job)
        finally:
            connection.set_progress_handler(None, 0)

    def close(self) -> None:
        self._readers.shutdown()
        self._queriers.shutdown()
        for connection in self._opened:
            connection.close()
        # Last, because only a connection that may write folds the log into the file when it is the last to close.
        self._queue.put(None)
        self._writer.join()

    def _submit(self, job: Job[T]) -> "Future[T]":
        future: Future[T] = Future()
        self._queue.put((job, future))
        return future

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with told(self.path):
                connection = connect(f"{self.path.absolute().as_uri()}?mode=ro")
                connection.execute("PRAGMA query_only = ON")
                # A search looks at a narrow row for each of its hits: those of 100,000 records are some 16 MB.
                connection.execute("PRAGMA cache_size = -16000")
            self._local.connection = connection
            self._opened.append(connection)
        return connection

    def _write_jobs(self, connection: sqlite3.Connection) -> None:
        # Partners who wait for news go first: what the callers do next holds up the event loop.
        committed = partial(self._tell_listeners, connection)
        while not self._ends and (first := self._next(connection)) is not None:
            if together(connection, self.path, first, self._following(), committed):
                self._written = self._written or time.monotonic()
        connection.close()

    def _next(self, connection: sqlite3.Connection) -> Waiting | None:
        """The job to go on with, None at the end. In between, the log of what was written is emptied."""
        while self._written is not None:
            if time.monotonic() - self._written < OVERDUE:
                with suppress(Empty):
                    return self._queue.get(timeout=QUIET)
            # Where readers are in the way: again after as long.
            self._written = None if _empty_log(connection) else time.monotonic()
        return self._queue.get()

    def _tell_listeners(self, connection: sqlite3.Connection) -> None:
        for listener in self._listeners:
            try:
                listener(connection)
            except Exception:
                # Those who wait for news ask again anyhow; without this thread nothing is written any more.
                log.exception("a listener failed after a commit")

    def _following(self) -> Iterator[Waiting]:
        """The jobs that wait behind the first one of a transaction, for a while."""
        ends = time.monotonic() + LONGEST_BATCH
        while time.monotonic() < ends:
            try:
                following = self._queue.get_nowait()
            except Empty:
                return
            if following is None:
                self._ends = True
                return
            yield following


def _open(path: Path) -> sqlite3.Connection:
    connection = connect(str(path))
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Makes a connection the writer's: its pragmas, and the newest schema."""
    # A page's size is what `bulk` counts on. FULL: what this node says it published or holds survives a power cut. The
    # log is folded into the file after so many pages (32 MB), and each time that takes some 30 ms.
    for pragma in (
        "page_size = 4096",
        "journal_mode = WAL",
        "secure_delete = ON",
        "synchronous = FULL",
        "wal_autocheckpoint = 8000",
        "cache_size = -32000",
    ):
        connection.execute(f"PRAGMA {pragma}")
    migrations.apply(sqlite_utils.Database(connection))


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Folds the log into the file and cuts it to nothing; whether readers let it."""
    connection.execute(f"PRAGMA busy_timeout = {_READERS_LEAVE * 1000:.0f}")
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        # A full or broken disk: the next job meets the same and tells its caller.
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")
    return not busy
