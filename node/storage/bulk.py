"""Rows by the thousand: one statement a table, whatever their number.

Full text does its bookkeeping once a statement, so one statement for many rows takes half the time of many; and while
SQLite works through it, the interpreter is free for the threads that read and judge the next blocks. Row by row the
writer would have to win the interpreter back for each.

What is not text goes in as one blob with all rows' bytes, cut by offsets: JSON has no bytes.

A personal record's bytes lie on pages of their own, behind a page of zeros (`apart`). SQLite clears what a deleted row
leaves behind (`secure_delete`), but where a page is split and its rows move, it forgets copies of them between the
rows that stay: a few in 10,000 deleted lines could still be read in the file. Pages of its own never move.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from node.kinds import PERSONAL
from node.storage.facts import Facts
from node.storage.index import Entry

_FACTS = ", ".join(Facts._fields)
_FACTS_GIVEN = ", ".join(
    f"substr(:venues, given.value ->> {place}, 32)" if field == "venue" else f"given.value ->> {place}"
    for place, field in enumerate(Facts._fields, 1)
)
_PERSONAL = ",".join(f"'{kind}'" for kind in sorted(PERSONAL))
_PAGE = 4096
"""Bytes of the database's pages. What comes after so many in a row never lies on a page that rows share."""


_LARGE = 2 * 1024 * 1024
"""Bytes of lines in one statement: while SQLite copies its parameters, no other thread has the interpreter."""


class Row(NamedTuple):
    """A record as it is stored and searched. A leaf has neither kind nor line; one without entry isn't searched yet."""

    no: int
    key: bytes
    value: bytes
    seq: int
    kind: str | None = None
    id: str | None = None
    visibility: str | None = None
    expires: int | None = None
    line: bytes | None = None
    problem: str | None = None
    entry: Entry | None = None


def insert(db: sqlite3.Connection, author: int, rows: Sequence[Row]) -> None:
    """Inserts rows whose numbers are not in use, and what is searched of them, or their places in the backlog."""
    begin = size = 0
    for end, row in enumerate(rows, 1):
        size += len(row.line or b"")
        if size >= _LARGE or end == len(rows):
            _insert(db, author, rows[begin:end])
            begin, size = end, 0


def _insert(db: sqlite3.Connection, author: int, rows: Sequence[Row]) -> None:
    columns: list[tuple[object, ...]] = []
    offset = 1  # SQLite counts from 1
    for row in rows:
        length = -1 if row.line is None else len(row.line)
        columns.append((row.no, row.seq, row.kind, row.id, row.visibility, row.expires, row.problem, offset, length))
        offset += max(length, 0)
    db.execute(
        "INSERT INTO records (author, no, seq, kind, id, visibility, expires, problem, apart, line, key, value) "
        "SELECT :author, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, "
        f"CASE WHEN value ->> 2 IN ({_PERSONAL}) THEN zeroblob({_PAGE}) END, "
        "CASE WHEN value ->> 8 >= 0 THEN substr(:lines, value ->> 7, value ->> 8) END, "
        "substr(:hashes, key * 64 + 1, 32), substr(:hashes, key * 64 + 33, 32) FROM json_each(:columns)",
        {
            "author": author,
            "columns": orjson.dumps(columns).decode(),
            "lines": b"".join(row.line for row in rows if row.line is not None),
            "hashes": b"".join(row.key + row.value for row in rows),
        },
    )
    insert_searched(db, [(row.no, row.entry) for row in rows if row.entry is not None])
    unread = [row for row in rows if row.line is not None and row.entry is None]
    db.execute(
        "INSERT INTO backlog (no, value) SELECT value, substr(?, key * 32 + 1, 32) FROM json_each(?)",
        (b"".join(row.value for row in unread), orjson.dumps([row.no for row in unread]).decode()),
    )


def insert_searched(db: sqlite3.Connection, entries: Iterable[tuple[int, Entry]]) -> None:
    """Makes records searchable by their numbers."""
    entries = list(entries)
    texts = [(no, entry.heading, entry.words) for no, entry in entries if entry.heading]
    # What an earlier version made searchable is looked into again for the facts: its text and its place stand already.
    db.execute(
        "INSERT OR IGNORE INTO texts (no, heading, words) "
        "SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)",
        (orjson.dumps(texts).decode(),),
    )
    places = [(no, *entry.place) for no, entry in entries if entry.place]
    db.execute(
        "INSERT OR REPLACE INTO places (no, south, north, west, east) "
        "SELECT value ->> 0, value ->> 1, value ->> 1, value ->> 2, value ->> 2 FROM json_each(?)",
        (orjson.dumps(places).decode(),),
    )
    found: list[tuple[object, ...]] = []
    venues = b""
    for no, entry in entries:
        if entry.facts:
            found.append((no, *(len(venues) + 1 if type(each) is bytes else each for each in entry.facts)))
            venues += entry.facts.venue or b""
    db.execute(
        f"INSERT INTO facts (no, author, kind, visibility, expires, {_FACTS}) "
        f"SELECT records.no, author, kind, visibility, expires, {_FACTS_GIVEN} "
        # In the order of the list: its rows are inserted one behind the other.
        "FROM json_each(:found) AS given CROSS JOIN records ON records.no = given.value ->> 0",
        {"found": orjson.dumps(found).decode(), "venues": venues},
    )


def delete(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes rows, and what is searched of them."""
    chosen = orjson.dumps(numbers).decode()
    for table in ("records", "texts", "places", "facts", "backlog"):
        db.execute(f"DELETE FROM {table} WHERE no IN (SELECT value FROM json_each(?))", (chosen,))
