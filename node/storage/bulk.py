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
from node.storage.index import Entry

_PERSONAL = ",".join(f"'{kind}'" for kind in sorted(PERSONAL))
_PAGE = 4096
"""Bytes of the database's pages. What comes after so many in a row never lies on a page that rows share."""


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
    _insert_records(db, author, rows)
    insert_searched(db, [(row.no, row.entry) for row in rows if row.entry])
    unread = [row for row in rows if row.line is not None and row.entry is None]
    db.execute(
        "INSERT INTO backlog (no, value) SELECT value, substr(?, key * 32 + 1, 32) FROM json_each(?)",
        (b"".join(row.value for row in unread), orjson.dumps([row.no for row in unread]).decode()),
    )


def insert_searched(db: sqlite3.Connection, entries: Iterable[tuple[int, Entry]]) -> None:
    """Makes records searchable by their numbers."""
    entries = list(entries)
    texts = [(no, entry.heading, entry.words) for no, entry in entries if entry.heading]
    db.execute(
        "INSERT INTO texts (no, heading, words) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)",
        (orjson.dumps(texts).decode(),),
    )
    places = [(no, *entry.place) for no, entry in entries if entry.place]
    db.execute(
        "INSERT INTO places (no, south, north, west, east) "
        "SELECT value ->> 0, value ->> 1, value ->> 1, value ->> 2, value ->> 2 FROM json_each(?)",
        (orjson.dumps(places).decode(),),
    )


def _insert_records(db: sqlite3.Connection, author: int, rows: Sequence[Row]) -> None:
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


def delete(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes rows, and what is searched of them."""
    chosen = orjson.dumps(numbers).decode()
    for table in ("records", "texts", "places", "backlog"):
        db.execute(f"DELETE FROM {table} WHERE no IN (SELECT value FROM json_each(?))", (chosen,))
