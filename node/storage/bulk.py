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


class Sheet(NamedTuple):
    """Rows in the form in which statements take them, so that they can be made elsewhere: another thread, or process.

    `columns`: JSON, an array a row. `lines`: all their lines; `hashes`: key and value of each. `entries`: by place,
    what is searched of them. `unread`: places of rows that go into the backlog, and their values. `size`: bytes of the
    lines.
    """

    numbers: tuple[int, ...]
    columns: str
    lines: bytes
    hashes: bytes
    entries: tuple[tuple[int, Entry], ...]
    unread: tuple[int, ...]
    unread_values: bytes
    size: int


def sheet(rows: Iterable[Row]) -> Sheet:
    """The sheet of these rows."""
    numbers: list[int] = []
    columns: list[tuple[object, ...]] = []
    lines: list[bytes] = []
    hashes: list[bytes] = []
    entries: list[tuple[int, Entry]] = []
    unread: list[int] = []
    values: list[bytes] = []
    offset = 1  # SQLite counts from 1
    for place, row in enumerate(rows):
        length = -1
        if row.line is not None:
            length = len(row.line)
            lines.append(row.line)
            if row.entry is None:
                unread.append(place)
                values.append(row.value)
        if row.entry is not None:
            entries.append((place, row.entry))
        numbers.append(row.no)
        hashes += (row.key, row.value)
        columns.append((row.no, row.seq, row.kind, row.id, row.visibility, row.expires, row.problem, offset, length))
        offset += max(length, 0)
    return Sheet(
        tuple(numbers),
        orjson.dumps(columns).decode(),
        b"".join(lines),
        b"".join(hashes),
        tuple(entries),
        tuple(unread),
        b"".join(values),
        offset - 1,
    )


def insert(db: sqlite3.Connection, author: int, rows: Sequence[Row]) -> None:
    """Inserts rows whose numbers are not in use, and what is searched of them, or their places in the backlog."""
    begin = size = 0
    for end, row in enumerate(rows, 1):
        size += len(row.line or b"")
        if size >= _LARGE or end == len(rows):
            insert_sheet(db, author, sheet(rows[begin:end]))
            begin, size = end, 0


def insert_sheet(db: sqlite3.Connection, author: int, made: Sheet, *, first: int = 0) -> None:
    """Inserts a sheet's rows, like `insert`. `first` is added to their numbers: whoever made it may not know them."""
    db.execute(
        "INSERT INTO records (author, no, seq, kind, id, visibility, expires, problem, apart, line, key, value) "
        "SELECT :author, :first + (value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, "
        "value ->> 6, "
        f"CASE WHEN value ->> 2 IN ({_PERSONAL}) THEN zeroblob({_PAGE}) END, "
        "CASE WHEN value ->> 8 >= 0 THEN substr(:lines, value ->> 7, value ->> 8) END, "
        "substr(:hashes, key * 64 + 1, 32), substr(:hashes, key * 64 + 33, 32) FROM json_each(:columns)",
        {"author": author, "first": first, "columns": made.columns, "lines": made.lines, "hashes": made.hashes},
    )
    insert_searched(db, [(first + made.numbers[place], entry) for place, entry in made.entries])
    unread = [first + made.numbers[place] for place in made.unread]
    db.execute(
        "INSERT INTO backlog (no, value) SELECT value, substr(?, key * 32 + 1, 32) FROM json_each(?)",
        (made.unread_values, orjson.dumps(unread).decode()),
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


def delete(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes rows, and what is searched of them."""
    chosen = orjson.dumps(numbers).decode()
    for table in ("records", "texts", "places", "backlog"):
        db.execute(f"DELETE FROM {table} WHERE no IN (SELECT value FROM json_each(?))", (chosen,))
