"""Rows by the thousand are stored as each would be by itself, whatever they share."""

import sqlite3
from collections.abc import Sequence

import pytest

from node.protocol.record import Record
from node.storage import bulk
from node.storage.bulk import Row, Rows
from node.storage.facts import Facts
from node.storage.index import Entry
from tests.directory.small_node import adoption_body, contact_body
from tests.protocol.builders import Author

TARTU = Author("tartu")
ONE, TWO, CONTACT, DATED = (
    TARTU.record("adoption", adoption_body("a"), "one", 1),
    TARTU.record("adoption", adoption_body("b"), "two", 2, visibility="members"),
    TARTU.record("contact", contact_body("landing"), "contact", 3),
    TARTU.record("adoption", adoption_body("c"), "dated", 4, expires="2027-01-01T00:00:00Z"),
)


def whole(no: int, record: Record, problem: str | None = None) -> Row:
    said = (record.kind, record.id, record.visibility, record.expires, record.line, problem)
    return Row(no, record.key, record.value, record.seq, *said)


def leaf(no: int) -> Row:
    return Row(no, bytes([no] * 32), bytes([no + 100] * 32), seq=no)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([whole(1, ONE)], id="one"),
        pytest.param([leaf(1)], id="one leaf"),
        pytest.param([leaf(1), leaf(2)], id="leaves"),
        pytest.param([leaf(1), whole(2, ONE), leaf(3), whole(4, TWO)], id="leaves between records"),
        pytest.param([whole(1, ONE), whole(2, ONE._replace(key=bytes(32)))], id="twice the same but for the key"),
        pytest.param([whole(1, ONE), whole(2, TWO)], id="two visibilities"),
        pytest.param([whole(1, CONTACT)], id="a personal one"),
        pytest.param([whole(1, ONE), whole(2, CONTACT), whole(3, TWO)], id="a personal one between others"),
        pytest.param([whole(1, ONE), whole(2, DATED)], id="one that expires, one that doesn't"),
        pytest.param([whole(1, ONE, "it is malformed"), whole(2, TWO)], id="one malformed"),
        pytest.param([whole(9, TWO), whole(3, ONE)], id="in another order"),
    ],
)
@pytest.mark.parametrize("at_once", [pytest.param(bulk._LARGE, id="together"), pytest.param(1, id="each by itself")])
def test_each_row_is_stored_as_it_is(
    db: sqlite3.Connection, rows: Sequence[Row], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_LARGE", at_once)
    bulk.insert(db, 7, Rows.of(rows))
    columns = "no, key, value, seq, kind, id, visibility, expires, line, problem"
    stored = db.execute(f"SELECT {columns}, author, length(apart) FROM records ORDER BY no").fetchall()
    expected = sorted(rows)
    assert [row[:10] for row in stored] == [row[:10] for row in expected]
    assert {row[10] for row in stored} == {7}
    assert [row[11] for row in stored] == [4096 if row.kind == "contact" else None for row in expected]
    unread = db.execute("SELECT no, value FROM backlog ORDER BY no").fetchall()
    assert unread == [(row.no, row.value) for row in expected if row.line is not None]


def test_columns_stand_in_the_order_of_a_row() -> None:
    assert Rows._fields == Row._fields


def at(venue: bytes | None, name: str = "Room", **others: int) -> Entry:
    return Entry(name, "room", None, None, Facts(name, venue=venue, length=4, **others))


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([at(None)], id="one"),
        pytest.param([at(None), at(None, "Hall")], id="without a venue"),
        pytest.param([at(b"v" * 32), at(None)], id="one at a venue"),
        pytest.param([at(None), at(b"v" * 32), at(b"w" * 32, starts=5)], id="two at venues"),
        pytest.param([at(b"v" * 32), at(b"v" * 32)], id="both at the same"),
    ],
)
def test_each_row_of_what_is_searched_is_stored_as_it_is(db: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    rows = [leaf(no)._replace(kind="event", visibility="public", line=b"{}") for no in range(1, len(entries) + 1)]
    bulk.insert(db, 7, Rows.of(row._replace(entry=entry) for row, entry in zip(rows, entries, strict=True)))
    stored = db.execute(f"SELECT {', '.join(Facts._fields)} FROM facts ORDER BY no").fetchall()
    assert stored == [entry.facts for entry in entries]
    assert db.execute("SELECT no, author, kind, visibility FROM facts ORDER BY no").fetchall() == [
        (row.no, 7, "event", "public") for row in rows
    ]
