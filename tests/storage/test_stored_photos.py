"""Erased photos are overwritten, also between those that stay; and triggers see all ways in which records change."""

import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from node.config import Photos as Caps
from node.protocol.record import Record
from node.storage import authors, database, photos, records
from node.storage.database import Database
from tests.directory.small_node import SmallNode, signatory
from tests.nodes import until, venue
from tests.protocol.builders import NOW, Author
from tests.storage.test_migrations import as_if_made_before

PROMPTLY = 10.0
BODY = {key: value for key, value in venue("desk").items() if key != "ref"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(database, "QUIET", 0.05)
    store = Database(tmp_path / "node.db")
    yield store
    store.close()


def in_files(store: Database, pattern: bytes) -> set[bytes]:
    data = b"".join(path.read_bytes() for path in store.path.parent.glob("node.db*"))
    return set(re.findall(pattern, data))


@pytest.mark.parametrize("seed", range(3))
def test_between_photos_that_stay_no_copy_of_an_erased_one_is_left(seed: int, store: Database) -> None:
    draw, caps = random.Random(seed), Caps(per_author=10_000)
    author = store.write_now(lambda db: authors.adopt(db, Author().card))
    alive: dict[str, bytes] = {}
    for step in range(200):
        put: dict[str, bytes] = {}
        for place in range(draw.randint(1, 8)):
            mark = b"mark-%03d-%02d" % (step, place)
            put[f"{draw.getrandbits(256):064x}"] = mark
        gone = draw.sample(sorted(alive), len(alive) // 4)

        def job(db: sqlite3.Connection, put: dict[str, bytes] = put, gone: list[str] = gone) -> None:
            for hash_, mark in put.items():
                # Of many lengths, so that pages are split and rows move to their neighbours.
                data = b"\xff\xd8\xff" + mark + bytes(draw.choice([0, 90, 200, 700, 1_500, 20_000]))
                photos.add(db, author, hash_, data, data, NOW, caps)
            for hash_ in gone:
                assert photos.remove(db, author, hash_)

        store.write_now(job)
        alive |= put
        for hash_ in gone:
            del alive[hash_]
    until(lambda: not store.path.with_name("node.db-wal").stat().st_size, "the log is never emptied", PROMPTLY)
    assert in_files(store, rb"mark-\d{3}-\d\d") == set(alive.values())


def uses(store: Database) -> set[tuple[str, str]]:
    query = "SELECT photo, id FROM photo_uses JOIN records ON records.no = photo_uses.record"
    return set(store.read_now(lambda db: db.execute(query).fetchall()))


def test_what_names_a_photo_is_known_however_records_come_and_go(store: Database) -> None:
    author = Author()
    one, two = "1" * 64, "2" * 64

    def named(id_: str, *hashes: str, visibility: str = "public") -> Record:
        return author.put("venue", {**BODY, "photos": [f"sha256:{each}" for each in hashes]}, id_, visibility)

    def replace(*put: Record, removed: tuple[bytes, ...] = ()) -> None:
        def job(db: sqlite3.Connection) -> None:
            number = authors.adopt(db, author.card)
            records.replace(db, number, records={each.key: each for each in put}, entries={}, removed=removed)

        store.write_now(job)

    first, second = named("a", one, two), named("b", two)
    replace(first, second)
    assert uses(store) == {(one, "a"), (two, "a"), (two, "b")}
    replace(named("a", one))
    assert uses(store) == {(one, "a"), (two, "b")}
    replace(author.put("organisation", {"name": "Tartu", "logo": f"sha256:{two}"}, "self"), removed=(second.key,))
    assert uses(store) == {(one, "a"), (two, "self")}
    store.write_now(lambda db: records.purge(db, authors.adopt(db, author.card), ["venue", "organisation"]))
    assert uses(store) == set()
    assert store.read_now(lambda db: db.execute("SELECT count(*) FROM photo_uses").fetchone()) == (0,)


def test_what_records_named_when_triggers_noted_it_stays_known_and_is_noted_once(tmp_path: Path) -> None:
    author, photo, other, path = Author(), "4" * 64, "5" * 64, tmp_path / "node.db"
    named = author.put("venue", {**BODY, "photos": [f"sha256:{photo}"]}, "a")
    again = author.put("venue", {**BODY, "photos": [f"sha256:{photo}", f"sha256:{other}"]}, "b")
    with closing(Database(path)) as before:
        before.write_now(lambda db: records.replace(db, authors.adopt(db, author.card), records={named.key: named}))
    as_if_made_before(path, "m018_photo_uses")
    with closing(Database(path)) as store:
        assert uses(store) == {(photo, "a")}
        store.write_now(lambda db: records.replace(db, authors.adopt(db, author.card), records={again.key: again}))
        assert uses(store) == {(photo, "a"), (photo, "b"), (other, "b")}
        gone = (named.key, again.key)
        store.write_now(lambda db: records.replace(db, authors.adopt(db, author.card), records={}, removed=gone))
        assert store.read_now(lambda db: db.execute("SELECT count(*) FROM photo_uses").fetchone()) == (0,)


async def test_photos_that_records_named_before_this_version_are_known_and_a_damaged_line_stops_nothing(
    tmp_path: Path,
) -> None:
    paris, photo = signatory("paris"), "3" * 64
    sound = paris.put("venue", {**BODY, "photos": [f"sha256:{photo}"]}, "sound")
    damaged = paris.put("venue", {**BODY, "photos": [f"sha256:{photo}"]}, "damaged")
    paris.commit()
    with closing(SmallNode(tmp_path)) as before:
        before.befriend(paris)
        await before.take(paris.block_lines(), paris)
    as_if_made_before(tmp_path / "tartu.db", "m010_photos")
    with closing(sqlite3.connect(tmp_path / "tartu.db")) as db:
        line = damaged.line.replace(b"{", b"[", 1)
        db.execute("UPDATE records SET line = ? WHERE key = ?", (line, damaged.key))
        db.commit()
    with closing(SmallNode(tmp_path)) as node:
        assert uses(node.database) == {(photo, sound.id)}
