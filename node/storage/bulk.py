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
from typing import Any, NamedTuple

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


def insert(db: sqlite3.Connection, author: int, rows: Sequence[Row]) -> None:
    """Inserts rows whose numbers are not in use, and what is searched of them, or their places in the backlog."""
    begin = size = 0
    for end, row in enumerate(rows, 1):
        size += len(row.line or b"")
        if size >= _LARGE or end == len(rows):
            _insert(db, author, rows[begin:end])
            begin, size = end, 0


def _insert(db: sqlite3.Connection, author: int, rows: Sequence[Row]) -> None:
    columns = _columns(Row._fields, rows)
    told = _told(
        {
            **{name: columns[name] for name in ("no", "seq", "kind", "id", "visibility", "expires", "problem")},
            "begin": _begins(columns["line"]),
            "size": [len(row.line or b"") for row in rows],
        }
    )
    given, lines = dict(told.given), b"".join([row.line for row in rows if row.line is not None])
    begin, size = given.pop("begin"), given.pop("size")
    db.execute(
        f"INSERT INTO records (author, {', '.join(given)}, apart, line, key, value) "
        f"SELECT :author, {', '.join(given.values())}, "
        f"CASE WHEN {given['kind']} IN ({_PERSONAL}) THEN zeroblob({_PAGE}) END, substr(:lines, {begin}, {size}), "
        "substr(:hashes, told.key * 64 + 1, 32), substr(:hashes, told.key * 64 + 33, 32) FROM json_each(:rows) AS told",
        {**told.values, "author": author, "lines": lines, "hashes": b"".join([row.key + row.value for row in rows])},
    )
    if photos.MARK in lines:
        photos.note_uses(db, author, [row.no for row in rows if row.line is not None and photos.MARK in row.line])
    insert_searched(db, [(row.no, row.entry) for row in rows if row.entry is not None])
    if unread := [row for row in rows if row.line is not None and row.entry is None]:
        db.execute(
            "INSERT INTO backlog (no, value) SELECT value, substr(?, key * 32 + 1, 32) FROM json_each(?)",
            (b"".join(row.value for row in unread), orjson.dumps([row.no for row in unread]).decode()),
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
    columns = _columns(Facts._fields, [facts for _, facts in found])
    begins = _begins([facts.venue for _, facts in found])
    told = _told({"no": [no for no, _ in found], **columns, "venue": begins})
    given = {**told.given, "venue": f"substr(:venues, {told.given['venue']}, 32)"}
    no = given.pop("no")
    db.execute(
        f"INSERT INTO facts (no, author, kind, visibility, expires, {', '.join(given)}) "
        f"SELECT records.no, author, kind, visibility, expires, {', '.join(given.values())} "
        # In the order of the list: its rows are inserted one behind the other.
        f"FROM json_each(:rows) AS told CROSS JOIN records ON records.no = {no}",
        {**told.values, "venues": b"".join([facts.venue or b"" for _, facts in found])},
    )


def _columns(names: Sequence[str], rows: Iterable[tuple[object, ...]]) -> dict[str, tuple[Any, ...]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))


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


def _told(columns: Mapping[str, Sequence[object]]) -> _Told:
    """Rows by column, of which `no` is one: `json_each(:rows) AS told` has one for each.

    SQLite looks for each value anew in a row's JSON, a quarter of a microsecond: what all rows share is told once.
    """
    shared = {name: each[0] for name, each in columns.items() if name != "no" and each.count(each[0]) == len(each)}
    varying = [name for name in columns if name not in shared]
    given = {name: f":{name}" for name in shared}
    given |= {name: f"told.value ->> {place}" for place, name in enumerate(varying)}
    rows = list(zip(*(columns[name] for name in varying), strict=True))
    return _Told(given, {**shared, "rows": orjson.dumps(rows).decode()})


def delete(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Deletes rows, and what is searched of them."""
    if not numbers:
        return
    chosen = orjson.dumps(numbers).decode()
    for table, number in _BY_NUMBER.items():
        db.execute(f"DELETE FROM {table} WHERE {number} IN (SELECT value FROM json_each(?))", (chosen,))
