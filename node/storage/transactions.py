"""Transactions on one connection, whatever thread it is in: all that decides what happens whole and what not at all.

Rules:

- a job is a function that takes the connection and returns a value; it runs inside a savepoint: it happens whole or
  not at all, and one that fails harms no other
- jobs that wait together share one transaction; a caller hears of success only after the commit
- who reads sees one moment, and changes nothing
- SQLite's errors are told in words that say what to do

    future: Future[int] = Future()
    together(connection, path, (job, future), ())
    future.result()
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from node.errors import HomeError, TooSlow
from node.sentence import said

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Waiting = tuple[Job[Any], "Future[Any]"]
"""A job, and who is told what became of it."""

PATIENCE = 10.0
"""Seconds for which another program may have the database locked."""


def together(
    connection: sqlite3.Connection,
    path: Path,
    first: Waiting,
    following: Iterable[Waiting],
    committed: Callable[[], None] = lambda: None,
) -> bool:
    """Runs jobs in one transaction and tells each caller what became of its own; whether it was committed.

    `committed` is called once it was, before the callers hear of it; it raises nothing.
    """
    done: list[tuple[Future[Any], Any]] = []
    try:
        with told(path):
            connection.execute("BEGIN IMMEDIATE")
            for job, future in chain((first,), following):
                _run(connection, path, job, future, done)
            connection.execute("COMMIT")
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the callers, not to this thread
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        # The first job has not even begun where the transaction could not.
        for future in dict.fromkeys([*(each for each, _ in done), first[1]]):
            # One that did not begin may be given up at this very moment.
            if not future.done() and (future.running() or future.set_running_or_notify_cancel()):
                future.set_exception(error)
        return False
    committed()
    for future, result in done:
        future.set_result(result)
    return True


def snapshot(connection: sqlite3.Connection, path: Path, job: Job[T]) -> T:
    """What `job` reads, all of it in one moment."""
    with told(path):
        connection.execute("BEGIN")
        try:
            return job(connection)
        finally:
            connection.execute("ROLLBACK")


def connect(name: str, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """A connection to a path or a `file:` URI, as both the writer and the readers have it."""
    connection = sqlite3.connect(
        name,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
        uri=name.startswith("file:"),
        factory=factory,
    )
    for pragma in ("foreign_keys = ON", "temp_store = MEMORY", "recursive_triggers = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def told(path: Path) -> Iterator[None]:
    """SQLite's errors as ours, with what to do about them."""
    try:
        yield
    except sqlite3.Error as error:
        problem = str(error)
        if problem == "interrupted":
            raise TooSlow(said("this question takes too long here: ask for less, with more or longer words")) from error
        if "full" in problem:
            raise HomeError(f"the disk that holds {path} is full: free some space; nothing was changed") from error
        if "readonly" in problem or "unable to open" in problem:
            raise HomeError(f"{path} can't be written: check who owns it and its permissions") from error
        if "malformed" in problem or "not a database" in problem:
            raise HomeError(
                f"{path} is damaged ({problem}): restore it from a backup, or move it away and sync"
            ) from error
        if "disk I/O" in problem:
            raise HomeError(f"{path} can't be read or written ({problem}): check the disk that holds it") from error
        if "locked" in problem:
            raise HomeError(f"another program has {path} locked: end it and try again") from error
        raise


def _run(
    connection: sqlite3.Connection,
    path: Path,
    job: Job[Any],
    future: "Future[Any]",
    done: list[tuple["Future[Any]", Any]],
) -> None:
    if not future.set_running_or_notify_cancel():
        return
    connection.execute("SAVEPOINT job")
    try:
        with told(path):
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
