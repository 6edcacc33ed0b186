"""The database: jobs that happen whole or not at all, readers beside the writer, errors that say what to do."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils

from node.errors import HomeError, InputError
from node.storage import transactions
from node.storage.database import Database
from node.storage.migrations import migrations

UNANSWERED = "storage/database.py: a job whose transaction can't begin is never answered"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "node.db")
    yield database
    database.close()


def note(text: str) -> Callable[[sqlite3.Connection], str]:
    def job(db: sqlite3.Connection) -> str:
        db.execute("INSERT INTO meta (name, value) VALUES (?, '')", (text,))
        return text

    return job


def notes(database: Database) -> list[str]:
    return database.read_now(lambda db: [name for (name,) in db.execute("SELECT name FROM meta ORDER BY rowid")])


async def together(database: Database, *jobs: Callable[[sqlite3.Connection], Any]) -> list[Any]:
    """The results of jobs that all wait while the writer is busy with another one."""
    busy, go = threading.Event(), threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        busy.set()
        assert go.wait(10)

    first = asyncio.ensure_future(database.write(hold))
    await asyncio.to_thread(busy.wait, 10)
    rest = [asyncio.ensure_future(database.write(job)) for job in jobs]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(first, return_exceptions=True)
    return await asyncio.gather(*rest, return_exceptions=True)


def test_what_was_written_is_read(database: Database) -> None:
    assert database.write_now(note("a")) == "a"
    assert notes(database) == ["a"]


async def test_jobs_that_wait_together_share_a_commit(database: Database) -> None:
    commits: list[None] = []
    database.on_commit(lambda _: commits.append(None))
    assert await together(database, *map(note, "abcdefgh")) == list("abcdefgh")
    # The job that held them up is in their transaction, or in one before.
    assert 1 <= len(commits) <= 2


def test_who_listens_sees_a_commit_before_who_asked_for_it_hears_of_it(database: Database) -> None:
    seen: list[tuple[bool, bool]] = []
    go = threading.Event()
    held_up = database._submit(lambda _: go.wait(10))
    job = database._submit(note("a"))
    there = "SELECT count(*) FROM meta WHERE name = 'a'"
    database.on_commit(lambda db: seen.append((db.execute(there).fetchone() == (1,), job.done())))
    go.set()
    assert (held_up.result(), job.result()) == (True, "a")
    assert seen[-1] == (True, False)


async def test_a_failing_job_rolls_back_alone(database: Database) -> None:
    def fails(db: sqlite3.Connection) -> None:
        note("half done")(db)
        raise InputError("no")

    a, failed, c = await together(database, note("a"), fails, note("c"))
    assert (a, str(failed), c) == ("a", "no", "c")
    assert notes(database) == ["a", "c"]


async def test_even_an_exit_in_a_job_ends_neither_the_writer_nor_the_others(database: Database) -> None:
    def leaves(db: sqlite3.Connection) -> None:
        note("half done")(db)
        raise ZeroDivisionError

    a, failed, c = await together(database, note("a"), leaves, note("c"))
    assert (a, type(failed), c) == ("a", ZeroDivisionError, "c")
    assert database.write_now(note("later")) == "later"
    assert notes(database) == ["a", "c", "later"]


async def test_a_caller_hears_of_success_only_after_the_commit(database: Database) -> None:
    seen: list[list[str]] = []
    for name in "abc":
        await database.write(note(name))
        seen.append(notes(database))
    assert seen == [["a"], ["a", "b"], ["a", "b", "c"]]


async def test_a_job_that_was_given_up_before_its_turn_does_not_happen(database: Database) -> None:
    busy, go = threading.Event(), threading.Event()

    def hold(db: sqlite3.Connection) -> None:
        busy.set()
        assert go.wait(10)

    first = asyncio.ensure_future(database.write(hold))
    await asyncio.to_thread(busy.wait, 10)
    given_up = asyncio.ensure_future(database.write(note("given up")))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    go.set()
    await first
    await database.write(note("after"))
    assert given_up.cancelled()
    assert notes(database) == ["after"]


def test_a_job_that_is_given_up_while_its_transaction_fails_does_not_end_the_writer(database: Database) -> None:
    class GivenUp(Future[Any]):
        def done(self) -> bool:
            answer = super().done()
            self.cancel()
            return answer

    given_up = GivenUp()
    with closing(sqlite3.connect(":memory:")) as nowhere:
        nowhere.execute("BEGIN")
        assert not transactions.together(nowhere, database.path, (note("late"), given_up), ())
    assert given_up.cancelled()


def test_closing_waits_for_what_is_queued(tmp_path: Path) -> None:
    database = Database(tmp_path / "node.db")
    queued = [database._submit(note(name)) for name in "abc"]
    database.close()
    assert [future.result(0) for future in queued] == ["a", "b", "c"]
    again = Database(tmp_path / "node.db")
    assert notes(again) == ["a", "b", "c"]
    again.close()


def test_a_reader_can_not_write(database: Database) -> None:
    with pytest.raises(HomeError, match=r"can't be written"):
        database.read_now(note("a"))
    assert notes(database) == []


def test_a_reader_sees_one_moment_while_the_writer_goes_on(database: Database) -> None:
    def read(db: sqlite3.Connection) -> tuple[int, int]:
        [before] = db.execute("SELECT count(*) FROM meta").fetchone()
        database.write_now(note("meanwhile"))
        [after] = db.execute("SELECT count(*) FROM meta").fetchone()
        return before, after

    assert database.read_now(read) == (0, 0)
    assert notes(database) == ["meanwhile"]


async def test_a_reader_that_fails_leaves_its_connection_usable(database: Database) -> None:
    for _ in range(8):
        with pytest.raises(InputError):
            await database.read(_refuses)
    assert await database.read(lambda db: db.execute("SELECT 1").fetchone()) == (1,)


def _refuses(db: sqlite3.Connection) -> None:
    db.execute("SELECT count(*) FROM meta").fetchone()
    raise InputError("no")


def _full(database: Database, *, spare: int) -> None:
    def limit(db: sqlite3.Connection) -> None:
        [pages] = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages + spare}")

    database.write_now(limit)


def _large(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO meta (name, value) VALUES ('large', ?)", ("x" * 1_000_000,))


def test_a_full_disk_is_told_changes_nothing_and_ends_when_there_is_space(database: Database) -> None:
    database.write_now(note("before"))
    _full(database, spare=1)
    with pytest.raises(HomeError, match=r"is full: free some space; nothing was changed"):
        database.write_now(_large)
    assert notes(database) == ["before"]
    _full(database, spare=10_000)
    database.write_now(_large)
    assert notes(database) == ["before", "large"]


async def test_who_shares_a_transaction_with_a_full_disk_hears_the_truth(database: Database) -> None:
    _full(database, spare=1)
    results = await together(database, note("a"), _large, note("c"))
    assert isinstance(results[1], HomeError)
    told = [result for result in results if isinstance(result, str)]
    assert notes(database) == told
    assert all(isinstance(result, str | HomeError) for result in results)


async def test_a_database_that_another_program_holds_is_told_not_waited_for_for_ever(database: Database) -> None:
    database.write_now(lambda db: db.execute("PRAGMA busy_timeout = 1"))
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        async with asyncio.timeout(1):
            with pytest.raises(HomeError, match=r"another program has .* locked"):
                await database.write(note("a"))
    finally:
        other.close()


async def test_a_file_that_may_not_be_written_any_more_is_told(database: Database) -> None:
    # Permissions don't stop root, under whom tests may run; SQLite's own switch gives the same answer.
    database.write_now(lambda db: db.execute("PRAGMA query_only = ON"))
    async with asyncio.timeout(1):
        with pytest.raises(HomeError, match=r"can't be written: check who owns it"):
            await database.write(note("a"))


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        pytest.param(lambda path: path.write_bytes(b"no database " * 1000), "is damaged", id="something else"),
        pytest.param(lambda path: path.mkdir(), "can't be written", id="a folder"),
        pytest.param(lambda path: path.with_name("gone").rmdir(), "can't be written", id="no folder to be in"),
    ],
)
def test_what_can_not_be_opened_is_told(prepare: Callable[[Path], None], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    path = tmp_path / "node.db"
    prepare(path)
    if not (tmp_path / "gone").exists():
        path = tmp_path / "gone" / "node.db"
    with pytest.raises(HomeError, match=sentence):
        Database(path)


def test_damage_inside_the_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    database = Database(path)
    database.write_now(lambda db: [note(f"{number:04d}" * 50)(db) for number in range(500)])
    database.close()
    data = bytearray(path.read_bytes())
    for place in range(4096 * 4, len(data), 4096):
        data[place : place + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    with pytest.raises(HomeError, match=r"is damaged .*: restore it from a backup"):
        _use(path)


def _use(path: Path) -> None:
    database = Database(path)
    try:
        database.read_now(lambda db: db.execute("SELECT max(value), count(*) FROM meta").fetchall())
        database.read_now(lambda db: db.execute("SELECT name FROM meta ORDER BY rowid").fetchall())
    finally:
        database.close()


def test_migrations_apply_once_and_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    database = Database(path)
    database.write_now(note("kept"))
    schema = database.read_now(_schema)
    database.close()
    again = Database(path)
    again.write_now(lambda db: None)
    assert again.read_now(_schema) == schema
    assert notes(again) == ["kept"]
    again.close()
    connection = sqlite3.connect(path)
    migrations.apply(sqlite_utils.Database(connection))
    assert _schema(connection) == schema
    connection.close()


def _schema(db: sqlite3.Connection) -> list[tuple[str, str]]:
    return db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
