"""Deleted is overwritten: in the database's file, in its log and, a little later, in the full text's segments."""

import random
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.protocol.record import Record
from node.storage import authors, database, erasure, records
from node.storage.database import Database
from tests.directory.small_node import adoption_body
from tests.nodes import until
from tests.protocol.builders import Author

PROMPTLY = 10.0


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(database, "QUIET", 0.05)
    store = Database(tmp_path / "node.db")
    yield store
    store.close()


def in_files(store: Database, pattern: str) -> set[str]:
    """What of this pattern stands in the database's file or its log."""
    data = b"".join(path.read_bytes() for path in store.path.parent.glob("node.db*"))
    return {found.decode() for found in re.findall(pattern.encode(), data)}


def log_size(store: Database) -> int:
    return store.path.with_name("node.db-wal").stat().st_size


def replace(store: Database, author: Author, *put: Record, removed: Any = ()) -> None:
    def job(db: sqlite3.Connection) -> None:
        number = authors.adopt(db, author.card)
        records.replace(db, number, records={record.key: record for record in put}, removed=removed)

    store.write_now(job)


def contact(author: Author, id: str, mark: str, length: int = 0) -> Record:  # noqa: A002
    body = {"role": f"Desk {'x' * length}", "languages": ["en"], "email": f"{mark}@desk.example"}
    return author.put("contact", body, id)


@pytest.mark.parametrize("seed", range(4))
def test_between_rows_that_stay_no_copy_of_a_deleted_personal_line_is_left(seed: int, store: Database) -> None:
    draw, author = random.Random(seed), Author()
    alive: dict[bytes, str] = {}
    for step in range(400):
        removed = set(draw.sample(sorted(alive), len(alive) // 12))
        put: dict[bytes, Record] = {}
        for place in range(draw.randint(1, 20)):
            # Of many lengths, so that pages are split and rows move to their neighbours.
            mark = f"mark-{step:03}-{place:02}"
            record = contact(author, f"r{draw.randrange(600)}", mark, draw.choice([0, 150, 250, 600, 1600]))
            put[record.key] = record
            alive[record.key] = mark
        replace(store, author, *put.values(), removed=removed - put.keys())
        for key in removed - put.keys():
            del alive[key]
    kept = set(alive.values())
    marks = r"mark-\d{3}-\d\d"
    until(lambda: not log_size(store), "the log is never emptied", PROMPTLY)
    assert in_files(store, marks) == kept


def test_the_log_is_emptied_when_the_writer_has_nothing_else_to_do(store: Database) -> None:
    replace(store, Author(), contact(Author(), "a", "mark-a"))
    until(lambda: not log_size(store), "the log is never emptied", PROMPTLY)
    assert in_files(store, "mark-a") == {"mark-a"}


def test_a_reader_that_holds_the_log_back_only_delays_it(store: Database) -> None:
    author = Author()
    reading, go = threading.Event(), threading.Event()

    def read(db: sqlite3.Connection) -> None:
        db.execute("SELECT count(*) FROM records").fetchone()
        reading.set()
        assert go.wait(PROMPTLY)

    record = contact(author, "a", "mark-a")
    replace(store, author, record)
    reader = threading.Thread(target=partial(store.read_now, read))
    reader.start()
    assert reading.wait(PROMPTLY)
    replace(store, author, removed=[record.key])
    time.sleep(10 * database.QUIET)
    assert log_size(store) and in_files(store, "mark-a")
    # The writer wasn't held up by the one that it waits for.
    replace(store, author, contact(author, "b", "mark-b"))
    go.set()
    reader.join(PROMPTLY)
    until(lambda: not in_files(store, "mark-a"), "the log is never emptied", PROMPTLY)


def test_a_writer_that_is_never_quiet_empties_the_log_when_it_is_overdue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "QUIET", PROMPTLY)
    monkeypatch.setattr(database, "OVERDUE", 0.3)
    store, author = Database(tmp_path / "node.db"), Author()
    record = contact(author, "a", "mark-a")
    replace(store, author, record)
    replace(store, author, removed=[record.key])
    assert in_files(store, "mark-a")

    def busy() -> bool:
        replace(store, author, contact(author, "b", "mark-b"))
        return not in_files(store, "mark-a")

    until(busy, "the log is never emptied", PROMPTLY / 2)
    store.close()


async def test_the_words_of_a_deleted_record_leave_the_full_text_in_small_steps(store: Database) -> None:
    author = Author()
    secret = author.put("adoption", adoption_body("Zephyrina"), "secret")
    replace(store, author, *(author.put("adoption", adoption_body(f"word{n} other{n}"), f"r{n}") for n in range(3000)))
    replace(store, author, secret)
    replace(store, author, removed=[secret.key])
    until(lambda: not log_size(store), "the log is never emptied", PROMPTLY)
    assert in_files(store, "zephyrina"), "there is nothing to take out: let the test find another way to show it"
    await erasure.forget_words(store)
    until(lambda: not log_size(store), "the log is never emptied", PROMPTLY)
    assert not in_files(store, "zephyrina")
    assert not store.write_now(records.forget_words), "an index that is in order is left alone"
    found = "SELECT count(*) FROM texts_fts WHERE texts_fts MATCH 'word7'"
    assert store.read_now(lambda db: db.execute(found).fetchone()) == (1,)
