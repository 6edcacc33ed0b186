"""A database in memory that survives the process that writes it, and crashes of it at any statement.

Rules:

- the transactions are the product's (`node.storage.transactions`): only the threads are left out
- a crash happens before or after a statement that the writer gives to SQLite, COMMIT among them; what was committed
  stays, what was not is gone, and nobody hears of either
- a platter outlives processes; it can be set back to what it was before, as a restored backup would

    platter = Platter()
    disk = Disk(platter, loop, latency=lambda: 0.001, on_commit=…, on_crash=…)
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from node.storage.database import Database
from node.storage.transactions import Job, Waiting, connect, snapshot, together
from tests.storage.prepared import prepared

T = TypeVar("T")


class Crash(BaseException):
    """The machine stops here. Nobody handles it: nobody is left."""


class Counted(sqlite3.Connection):
    """A connection that crashes at a statement: after so many more, before it or just after it."""

    left: int | None = None
    after = False
    writing = False
    crashed = False

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        if self.left is None or not self.writing or (self.crashed and statement == "ROLLBACK"):
            return super().execute(statement, *parameters)
        if self.crashed:
            raise Crash
        self.left -= 1
        if self.left > 0:
            return super().execute(statement, *parameters)
        self.crashed = True
        if self.after:
            super().execute(statement, *parameters)
        raise Crash


class Platter:
    """What is on one node's disk."""

    def __init__(self) -> None:
        self.connection = _open(prepared())

    def copy(self) -> bytes:
        return self.connection.serialize()

    def set_back(self, copy: bytes) -> None:
        # On a connection of its own: what full text keeps in memory belongs to the database that it was read from.
        self.connection.close()
        self.connection = _open(copy)

    def close(self) -> None:
        self.connection.close()


def _open(data: bytes) -> Counted:
    connection = connect(":memory:", Counted)
    assert isinstance(connection, Counted)
    connection.deserialize(data)
    return connection


class Disk(Database):
    """The database of one process on a platter, without threads."""

    def __init__(
        self,
        platter: Platter,
        loop: asyncio.AbstractEventLoop,
        *,
        latency: Callable[[], float],
        on_commit: Callable[[], None],
        on_crash: Callable[[], None],
    ) -> None:
        self.path = Path("node.db")
        self.platter = platter
        self.alive = True
        self.longest_queue = 0
        self._listeners = []
        self._readers = self._queriers = None  # type: ignore[assignment]
        self._loop = loop
        self._latency = latency
        self._on_commit = on_commit
        self._on_crash = on_crash
        self._waiting: list[Waiting] = []

    def crash_at(self, statement: int, *, after: bool) -> None:
        """The process is to end at the n-th statement that it writes from now on."""
        connection = self.platter.connection
        connection.left, connection.after = statement, after

    def write_now(self, job: Job[T]) -> T:
        future: Future[T] = Future()
        self._waiting.append((job, future))
        self._drain()
        return future.result()

    def read_now(self, job: Job[T], *, seconds: float | None = None) -> T:
        del seconds
        self._require_alive()
        return snapshot(self.platter.connection, self.path, job)

    def close(self) -> None:
        self.alive = False
        connection = self.platter.connection
        connection.left, connection.crashed = None, False

    def _submit(self, job: Job[T]) -> "Future[T]":
        self._require_alive()
        future: Future[T] = Future()
        self._waiting.append((job, future))
        self.longest_queue = max(self.longest_queue, len(self._waiting))
        if len(self._waiting) == 1:
            self._loop.call_later(self._latency(), self._drain)
        return future

    def _drain(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting or not self.alive:
            return
        self._write(waiting)
        if self.platter.connection.crashed:
            self._on_crash()

    def _write(self, waiting: list[Waiting]) -> None:
        connection = self.platter.connection
        before = connection.total_changes
        connection.writing = True
        together(connection, self.path, waiting[0], waiting[1:], self._committed)
        connection.writing = False
        if connection.total_changes != before:
            # Also where the process ended right after the commit.
            self._on_commit()

    def _committed(self) -> None:
        # What listeners read is no step that a crash is counted by.
        self.platter.connection.writing = False
        self._tell_listeners(self.platter.connection)

    def _require_alive(self) -> None:
        if not self.alive:
            # A task that outlives its process's end for a moment goes no further.
            raise asyncio.CancelledError
