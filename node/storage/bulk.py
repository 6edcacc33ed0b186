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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import orjson

from node.kinds import PERSONAL
from node.storage import photos
from node.storage.facts import Facts
from node.storage.index import Entry

_PERSONAL = ",".join(f"'{kind}'" for kind in sorted(PERSONAL))
_BY_NUMBER = {"records": "no", "texts": "no", "places": "no", "facts": "no", "backlog": "no", "photo_uses": "record"}
"""Tables that have rows of a record, and the column of its number."""
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


class Rows(NamedTuple):
    """Rows by column: each holds as many values as there are rows, those of one `Row` at the same place in all."""

    no: Sequence[int]
    key: Sequence[bytes]
    value: Sequence[bytes]
    seq: Sequence[int]
    kind: Sequence[str | None]
    id: Sequence[str | None]
    visibility: Sequence[str | None]
    expires: Sequence[int | None]
    line: Sequence[bytes | None]
    problem: Sequence[str | None]
    entry: Sequence[Entry | None]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        return cls._make(list(zip(*rows, strict=True)) or [()] * len(cls._fields))


def insert(db: sqlite3.Connection, author: int, rows: Rows) -> None:
    """Inserts rows whose numbers are not in use, and what is searched of them, or their places in the backlog."""
    begin = size = 0
    for end, line in enumerate(rows.line, 1):
        size += len(line or b"")
        if size >= _LARGE or end == len(rows.line):
            _insert(db, author, Rows._make(column[begin:end] for column in rows))
            begin, size = end, 0


def _insert(db: sqlite3.Connection, author: int, rows: Rows) -> None:
    told = _told(
        {
            "no": rows.no,
            "seq": rows.seq,
            "kind": rows.kind,
            "id": rows.id,
            "visibility": rows.visibility,
            "expires": rows.expires,
            "problem": rows.problem,
            "begin": _begins(rows.line),
            "size": [len(line or b"") for line in rows.line],
        }
    )
    given, lines = dict(told.given), b"".join([line for line in rows.line if line is not None])
    begin, size = given.pop("begin"), given.pop("size")
    db.execute(
        f"INSERT INTO records (author, {', '.join(given)}, apart, line, key, value) "
        f"SELECT :author, {', '.join(given.values())}, "
        f"CASE WHEN {given['kind']} IN ({_PERSONAL}) THEN zeroblob({_PAGE}) END, substr(:lines, {begin}, {size}), "
        "substr(:keys, told.key * 32 + 1, 32), substr(:hashes, told.key * 32 + 1, 32) FROM json_each(:rows) AS told",
        {**told.values, "author": author, "lines": lines, "keys": b"".join(rows.key), "hashes": b"".join(rows.value)},
    )
    if photos.MARK in lines:
        named = [no for no, line in zip(rows.no, rows.line, strict=True) if line is not None and photos.MARK in line]
        photos.note_uses(db, author, named)
    insert_searched(db, [(no, entry) for no, entry in zip(rows.no, rows.entry, strict=True) if entry is not None])
    unread = [
        (no, value)
        for no, value, line, entry in zip(rows.no, rows.value, rows.line, rows.entry, strict=True)
        if line is not None and entry is None
    ]
    if unread:
        db.execute(
            "INSERT INTO backlog (no, value) SELECT value, substr(?, key * 32 + 1, 32) FROM json_each(?)",
            (b"".join([value for _, value in unread]), orjson.dumps([no for no, _ in unread]).decode()),
        )


def insert_searched(db: sqlite3.Connection, entries: Iterable[tuple[int, Entry]]) -> None:
    """Makes records searchable by their numbers."""
    entries = list(entries)
    # What an earlier version made searchable is looked into again for the facts: its text and its place stand already.
    if texts := [(no, entry.heading, entry.words) for no, entry in entries if entry.heading]:
        db.execute(
            "INSERT OR IGNORE INTO texts (no, heading, words) "
            "SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)",
            (orjson.dumps(texts).decode(),),
        )
    if places := [(no, *entry.place) for no, entry in entries if entry.place]:
        db.execute(
            "INSERT OR REPLACE INTO places (no, south, north, west, east) "
            "SELECT value ->> 0, value ->> 1, value ->> 1, value ->> 2, value ->> 2 FROM json_each(?)",
            (orjson.dumps(places).decode(),),
        )
    if found := [(no, entry.facts) for no, entry in entries if entry.facts]:
        _insert_facts(db, found)


def _insert_facts(db: sqlite3.Connection, found: Sequence[tuple[int, Facts]]) -> None:
    columns = dict(zip(Facts._fields, zip(*(facts for _, facts in found), strict=True), strict=True))
    told = _told({"no": [no for no, _ in found], **columns, "venue": _begins(columns["venue"])})
    given = {**told.given, "venue": f"substr(:venues, {told.given['venue']}, 32)"}
    no = given.pop("no")
    db.execute(
        f"INSERT INTO facts (no, author, kind, visibility, expires, {', '.join(given)}) "
        f"SELECT records.no, author, kind, visibility, expires, {', '.join(given.values())} "
        # In the order of the list: its rows are inserted one behind the other.
        f"FROM json_each(:rows) AS told CROSS JOIN records ON records.no = {no}",
        {**told.values, "venues": b"".join([facts.venue or b"" for _, facts in found])},
    )


def _begins(pieces: Iterable[bytes | None]) -> list[int | None]:
    """Where each begins in all of them joined, as SQLite counts, from 1; None of what isn't there."""
    found: list[int | None] = []
    begin = 1
    for piece in pieces:
        found.append(None if piece is None else begin)
        begin += len(piece or b"")
    return found


class _Told(NamedTuple):
    """Rows as a statement takes them: what each column is given, in SQL, and the values of its parameters."""

    given: dict[str, str]
    values: dict[str, object]


def _told(columns: Mapping[str, Sequence[Any]]) -> _Told:
    """Rows by column: `json_each(:rows) AS told` has one for each.

    SQLite looks for each value anew in a row's JSON, a quarter of a microsecond: what all rows share is told once, and
    so is with what a column begins that counts them.
    """
    given: dict[str, str] = {}
    values: dict[str, object] = {}
    varying: list[Sequence[Any]] = []
    for name, column in columns.items():
        first = column[0]
        if column.count(first) == len(column):
            given[name], values[name] = f":{name}", first
        elif type(first) is int and list(column) == list(range(first, first + len(column))):
            given[name], values[name] = f":{name} + told.key", first
        else:
            given[name] = f"told.value ->> {len(varying)}"
            varying.append(column)
    rows = list(zip(*varying, strict=True)) or [()] * len(next(iter(columns.values())))
    return _Told(given, {**values, "rows": orjson.dumps(rows).decode()})


def delete(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes rows, and what is searched of them."""
    if not numbers:
        return
    chosen = orjson.dumps(numbers).decode()
    for table, number in _BY_NUMBER.items():
        db.execute(f"DELETE FROM {table} WHERE {number} IN (SELECT value FROM json_each(?))", (chosen,))
