"""One SQLite file: a single writer thread, readers beside it, and errors that tell a person what to do.

Rules:

- every change is a job for the writer thread: a function that takes the connection and returns a value
- a job runs inside a savepoint: it happens whole or not at all, and one that fails harms no other
- jobs that wait together share one transaction and one fsync; a caller hears of success only after the commit
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
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import sqlite_utils
import structlog

from node.errors import HomeError, TooSlow
from node.storage.migrations import migrations

log = structlog.get_logger()

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

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
_PATIENCE = 10.0
"""Seconds for which another program may have the database locked."""


class Database:
    """The node's database. Safe to use from any thread; `close` ends its threads after the last queued job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listeners: list[Callable[[], None]] = []
        self._queue: SimpleQueue[tuple[Job[Any], Future[Any]] | None] = SimpleQueue()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._written: float | None = time.monotonic()
        """When the writer first wrote after the log was emptied last. Whoever ended before this may have left a log."""
        with _told(path):
            connection = _open(path)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._queriers = ThreadPoolExecutor(QUERIERS, thread_name_prefix="querier")
        self._writer = threading.Thread(target=self._write_jobs, args=(connection,), name="writer", daemon=True)
        self._writer.start()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Calls `listener` in the writer thread after each commit. It must be quick and thread-safe."""
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
        if seconds is not None:
            ends = time.monotonic() + seconds
            connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        with _told(self.path):
            connection.execute("BEGIN")
            try:
                return job(connection)
            finally:
                connection.set_progress_handler(None, 0)
                connection.execute("ROLLBACK")

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
            with _told(self.path):
                connection = _connect(f"{self.path.absolute().as_uri()}?mode=ro")
                connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._opened.append(connection)
        return connection

    def _write_jobs(self, connection: sqlite3.Connection) -> None:
        while (first := self._next(connection)) is not None:
            done: list[tuple[Future[Any], Any]] = []
            ends = False
            try:
                with _told(self.path):
                    connection.execute("BEGIN IMMEDIATE")
                    for job, future in self._batch(first):
                        if job is None:
                            ends = True
                        else:
                            self._run(connection, job, future, done)
                    connection.execute("COMMIT")
            except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the callers, not to this thread
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                # The first job has not even begun where the transaction could not.
                for future in dict.fromkeys([*(each for each, _ in done), first[1]]):
                    if not future.done():
                        future.set_exception(error)
            else:
                self._written = self._written or time.monotonic()
                for future, result in done:
                    future.set_result(result)
                self._tell_listeners()
            if ends:
                break
        connection.close()

    def _next(self, connection: sqlite3.Connection) -> tuple[Job[Any], Future[Any]] | None:
        """The job to go on with, None at the end. In between, the log of what was written is emptied."""
        while self._written is not None:
            if time.monotonic() - self._written < OVERDUE:
                with suppress(Empty):
                    return self._queue.get(timeout=QUIET)
            # Where readers are in the way: again after as long.
            self._written = None if _empty_log(connection) else time.monotonic()
        return self._queue.get()

    def _tell_listeners(self) -> None:
        for listener in self._listeners:
            try:
                listener()
            except Exception:
                # Those who wait for news ask again anyhow; without this thread nothing is written any more.
                log.exception("a listener failed after a commit")

    def _batch(self, first: tuple[Job[Any], Future[Any]]) -> Iterator[tuple[Job[Any] | None, Future[Any]]]:
        """The first job and those that wait behind it, for a while."""
        yield first
        ends = time.monotonic() + LONGEST_BATCH
        while time.monotonic() < ends:
            try:
                following = self._queue.get_nowait()
            except Empty:
                return
            if following is None:
                yield None, Future()
                return
            yield following

    def _run(
        self,
        connection: sqlite3.Connection,
        job: Job[Any],
        future: "Future[Any]",
        done: list[tuple["Future[Any]", Any]],
    ) -> None:
        if not future.set_running_or_notify_cancel():
            return
        connection.execute("SAVEPOINT job")
        try:
            with _told(self.path):
                result = job(connection)
        except BaseException as error:
            if not connection.in_transaction:
                # SQLite gave up the whole transaction (a full disk does that): nobody in it succeeded.
                future.set_exception(error)
                raise
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            future.set_exception(error)
        else:
            connection.execute("RELEASE job")
            done.append((future, result))


def _open(path: Path) -> sqlite3.Connection:
    connection = _connect(str(path))
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # A page's size is what `bulk` counts on. FULL: what this node says it published or holds survives a power cut.
    for pragma in (
        "page_size = 4096",
        "journal_mode = WAL",
        "secure_delete = ON",
        "synchronous = FULL",
        "wal_autocheckpoint = 4000",
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
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000:.0f}")
    return not busy


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=name.startswith("file:")
    )
    for pragma in ("foreign_keys = ON", "temp_store = MEMORY", "recursive_triggers = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, with what to do about them."""
    try:
        yield
    except sqlite3.Error as error:
        said = str(error)
        if said == "interrupted":
            raise TooSlow("this question takes too long here: ask for less, with more or longer words") from error
        if "full" in said:
            raise HomeError(f"the disk that holds {path} is full: free some space; nothing was changed") from error
        if "readonly" in said or "unable to open" in said:
            raise HomeError(f"{path} can't be written: check who owns it and its permissions") from error
        if "malformed" in said or "not a database" in said:
            raise HomeError(
                f"{path} is damaged ({said}): restore it from a backup, or move it away and sync"
            ) from error
        if "locked" in said:
            raise HomeError(f"another program has {path} locked: end it and try again") from error
        raise
