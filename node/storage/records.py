"""Records: exact bytes, and the columns and indexes by which they are found.

A record has one row for as long as its author has it: `no` stays while its value changes, so that pages that were cut
at a row stay stable. What is indexed of it is made anew from its bytes with every change.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

from node.errors import Malformed
from node.kinds import PERSONAL, interpret
from node.protocol.blocks import Leaf
from node.protocol.canonical import decode
from node.protocol.names import NodeId
from node.protocol.record import Record, kind_byte, tree_key
from node.protocol.tree import prefix_range
from node.storage import authors, bulk, meta
from node.storage.bulk import Row, Rows
from node.storage.index import Entry, entry

_MERGED_AT_ONCE = 500
"""Pages of the full text."""
_MANY = 500
"""Keys looked up in one statement; beyond that the author's whole set is read."""

REMOVALS_KEPT = 50_000
"""Removals remembered of one author; the newest stay. Readers that would need older ones compare."""


class Stored(NamedTuple):
    """A row as it is handed to peers. Without a line it is a leaf."""

    key: bytes
    value: bytes
    seq: int
    kind: str | None
    visibility: str | None
    line: bytes | None


_STORED = "key, value, seq, kind, visibility, line"


def replace(
    db: sqlite3.Connection,
    author: int,
    *,
    records: Mapping[bytes, Record],
    entries: Mapping[bytes, Entry] | None = None,
    leaves: Mapping[bytes, Leaf] | None = None,
    removed: Collection[bytes] = (),
) -> int:
    """Makes the author's rows: `removed` gone, then `records` and `leaves` (by key) put.

    A leaf never takes away the body of a record that is held with the same value. `entries`: what is searched of the
    records put, where it is worked out already; those it lacks go into the backlog. Returns by how many bytes the
    shared bodies that are held have grown.
    """
    held = _held(db, author, {*records, *(leaves or ()), *removed})
    fresh_leaves = [
        leaf for leaf in (leaves or {}).values() if leaf.key not in held or held[leaf.key].value != leaf.value
    ]
    gone = held.keys() & {*removed, *records, *(leaf.key for leaf in fresh_leaves)}
    bulk.delete(db, [held[key].no for key in gone])
    fresh = [key for key in (*records, *(leaf.key for leaf in fresh_leaves)) if key not in held]
    numbers = {key: row.no for key, row in held.items()}
    if fresh:
        numbers |= dict(zip(fresh, count(meta.give_numbers(db, len(fresh)))))
    if records:
        bulk.insert(db, author, _rows(numbers, records, entries))
    bulk.insert(db, author, Rows.of(Row(numbers[leaf.key], *leaf) for leaf in fresh_leaves))
    return sum(len(record.line) for record in records.values() if record.seq) - sum(held[key].size for key in gone)


def _rows(numbers: Mapping[bytes, int], records: Mapping[bytes, Record], entries: Mapping[bytes, Entry] | None) -> Rows:
    lines, _, kinds, ids, seqs, visibilities, expires, keys, values = zip(*records.values(), strict=True)
    if entries is None:
        shown: list[Entry | None] = [entry(record.kind, record.body) for record in records.values()]
    else:
        shown = [entries.get(key) for key in keys]
    problems = [each.problem if each else None for each in shown]
    return Rows(
        [numbers[key] for key in keys], keys, values, seqs, kinds, ids, visibilities, expires, lines, problems, shown
    )


def leaves_of(db: sqlite3.Connection, author: int) -> dict[bytes, bytes]:
    """The author's shared set, as its tree takes it: key -> value."""
    return dict(db.execute("SELECT key, value FROM records WHERE author = ? AND seq > 0", (author,)))


def bodies(db: sqlite3.Connection, author: int) -> tuple[set[bytes], int]:
    """Keys of the author's shared records of which only the leaf is held, and the bytes of all the others' bodies."""
    missing = db.execute("SELECT key FROM records WHERE author = ? AND seq > 0 AND line IS NULL", (author,))
    size = db.execute("SELECT coalesce(sum(length(line)), 0) FROM records WHERE author = ? AND seq > 0", (author,))
    return {key for (key,) in missing}, int(size.fetchone()[0])


def since(db: sqlite3.Connection, author: int, seq: int) -> Iterator[Stored]:
    """The shared records whose seq is above `seq`, in that order. Records of this node alone have none."""
    rows = db.execute(
        f"SELECT {_STORED} FROM records WHERE author = ? AND seq > max(?, 0) ORDER BY seq",
        (author, seq),
    )
    return (Stored(*row) for row in rows)


def below(db: sqlite3.Connection, author: int, prefixes: Iterable[str], after: int) -> Iterator[Stored]:
    """The shared records whose key begins with one of the prefixes, with seq above `after`, by seq.

    A prefix within another is not looked at again, so that no wish costs more than the whole set; bodies are read
    one by one, as far as the caller goes on.
    """
    places: list[tuple[int, int]] = []
    outer = None
    for prefix in sorted(set(prefixes)):
        if outer is not None and prefix.startswith(outer):
            continue
        outer = prefix
        places += db.execute(
            "SELECT seq, no FROM records WHERE author = ? AND key BETWEEN ? AND ? AND seq > max(?, 0)",
            (author, *prefix_range(prefix), after),
        )
    for _, no in sorted(places):
        row = db.execute(f"SELECT {_STORED} FROM records WHERE no = ?", (no,)).fetchone()
        yield Stored(*row)


def find(db: sqlite3.Connection, author: int, key: bytes) -> Stored | None:
    row = db.execute(f"SELECT {_STORED} FROM records WHERE author = ? AND key = ?", (author, key)).fetchone()
    return Stored(*row) if row else None


def of_kind(db: sqlite3.Connection, author: int, kind: str, most: int = -1) -> Iterator[tuple[int, str, bytes]]:
    """Number, id and line of an author's shared, well-formed records of a kind, in the order in which they came here.

    They lie in one range of keys (SPEC, "The tree"), so that an author's other records cost nothing. At most `most`;
    bodies are read one by one, as far as the caller goes on. What the disk altered is left out: trust hangs on these.
    """
    first = tree_key(kind, "")[:1]
    found = db.execute(
        "SELECT no, id FROM records INDEXED BY idx_records_author_key "
        "WHERE author = ? AND key BETWEEN ? AND ? AND kind = ? AND line IS NOT NULL AND problem IS NULL AND seq > 0 "
        "ORDER BY no LIMIT ?",
        (author, first.ljust(32, b"\x00"), first.ljust(32, b"\xff"), kind, most),
    ).fetchall()
    for no, id_ in found:
        if (found_line := line(db, no)) is not None:
            yield no, id_, found_line


def body(db: sqlite3.Connection, author: int, kind: str, id_: str) -> Any:
    """What an author's shared record says, if it is held as it was verified and is well-formed; None where not."""
    found = db.execute(
        "SELECT no FROM records WHERE author = ? AND key = ? AND seq > 0 AND problem IS NULL",
        (author, tree_key(kind, id_)),
    ).fetchone()
    if found is None or (whole := line(db, found[0])) is None:
        return None
    said = decode(whole)["body"]
    try:
        # It may not have been looked into yet.
        interpret(kind, said)
    except Malformed:
        return None
    return said


def line(db: sqlite3.Connection, no: int) -> bytes | None:
    """The bytes of the record with this number; None where they aren't there as they were verified."""
    query = "SELECT CAST(line AS BLOB), value FROM records WHERE no = ? AND line IS NOT NULL"
    found = db.execute(query, (no,)).fetchone()
    return found[0] if found and hashlib.sha256(found[0]).digest() == found[1] else None


def without_bodies(
    db: sqlite3.Connection,
    of: Collection[NodeId] | None = None,
    *,
    kinds: Collection[str] = (),
    heard_since: float = 0,
    of_each: int = 200,
    of_all: int = 5_000,
) -> dict[str, tuple[bytes, ...]]:
    """By author (everybody, or these), keys of records of which only the leaf is held: so many of each, and of all.

    Each author's first come before anybody's second, so that none who withholds many keeps the others' from being
    asked for. With `kinds` only what may be of one of them. Of those who haven't been heard from since `heard_since`
    none are given: what was purged stays away.
    """
    chosen, ids = authors.among("node_id", of)
    if chosen:
        chosen = f"AND author IN (SELECT no FROM authors WHERE true {chosen})"
    rows = db.execute(
        "SELECT node_id, key FROM (SELECT author, key, row_number() OVER (PARTITION BY author ORDER BY key) AS place "
        "FROM records INDEXED BY records_without_body WHERE line IS NULL "
        f"{chosen} {_of_kinds(kinds)}) AS found "
        "JOIN authors ON authors.no = found.author "
        "WHERE place <= ? AND coalesce(beat_time, head_at, 0) >= ? ORDER BY place LIMIT ?",
        (*ids, of_each, heard_since, of_all),
    )
    found: dict[str, list[bytes]] = {}
    for author, key in rows:
        found.setdefault(author, []).append(key)
    return {author: tuple(keys) for author, keys in found.items()}


def _of_kinds(kinds: Collection[str]) -> str:
    """A further condition on `key`: it begins like those of one of these kinds (SPEC, "The tree")."""
    if not kinds:
        return ""
    firsts = ",".join(f"x'{kind_byte(kind).hex()}'" for kind in sorted(kinds))
    return f"AND substr(key, 1, 1) IN ({firsts})"


def purge(db: sqlite3.Connection, author: int, kinds: Collection[str] = PERSONAL) -> int:
    """Makes leaves of the author's records of these kinds, so that its root still verifies; how many bytes went."""
    marks = ",".join("?" * len(kinds))
    rows = db.execute(
        "SELECT no, key, value, seq, length(line) FROM records "
        f"WHERE author = ? AND kind IN ({marks}) AND line IS NOT NULL AND seq > 0",
        (author, *kinds),
    ).fetchall()
    bulk.delete(db, [no for no, *_ in rows])
    bulk.insert(db, author, Rows.of(Row(no, key, value, seq) for no, key, value, seq, _ in rows))
    return sum(size for *_, size in rows)


def forget_words(db: sqlite3.Connection) -> bool:
    """One small step (some 10 ms) of taking words of deleted records out of the full text; whether there are more.

    FTS5 only notes that a row is gone; its words leave the index when the segments that hold them are merged.
    """
    before = db.total_changes
    db.execute("INSERT INTO texts_fts (texts_fts, rank) VALUES ('merge', ?)", (-_MERGED_AT_ONCE,))
    # A merge that had nothing to do counts as less than two changes, says its documentation.
    return db.total_changes - before >= 2


def remember_removals(db: sqlite3.Connection, author: int, keys: Collection[bytes], seq: int, now: float) -> None:
    """Keeps what a head proved gone, under that head's seq, for readers that still have it."""
    if not keys:
        return
    db.executemany(
        "INSERT OR REPLACE INTO removals (author, key, seq, at) VALUES (?, ?, ?, ?)",
        [(author, key, seq, int(now)) for key in keys],
    )
    db.execute(
        "DELETE FROM removals WHERE rowid IN "
        "(SELECT rowid FROM removals WHERE author = ? ORDER BY at DESC, seq DESC LIMIT -1 OFFSET ?)",
        (author, REMOVALS_KEPT),
    )


def forget_removals(db: sqlite3.Connection, author: int, keys: Iterable[bytes]) -> None:
    """A key that came back is not gone."""
    if db.execute("SELECT 1 FROM removals WHERE author = ? LIMIT 1", (author,)).fetchone() is None:
        return
    db.executemany("DELETE FROM removals WHERE author = ? AND key = ?", [(author, key) for key in keys])


def removals_since(db: sqlite3.Connection, author: int, seq: int) -> list[tuple[bytes, int]]:
    rows = db.execute("SELECT key, seq FROM removals WHERE author = ? AND seq > ? ORDER BY seq, key", (author, seq))
    return list(rows)


class _Row(NamedTuple):
    no: int
    value: bytes
    size: int
    """Bytes of a shared body, 0 of a leaf."""


def _held(db: sqlite3.Connection, author: int, keys: Collection[bytes]) -> dict[bytes, _Row]:
    """The rows at these keys."""
    # Of a first set, which may have thousands, none is looked for.
    if db.execute("SELECT 1 FROM records WHERE author = ? LIMIT 1", (author,)).fetchone() is None:
        return {}
    columns = "key, no, value, CASE WHEN seq > 0 THEN coalesce(length(line), 0) ELSE 0 END"
    if len(keys) > _MANY:
        rows = db.execute(f"SELECT {columns} FROM records WHERE author = ?", (author,))
    else:
        marks = ",".join("?" * len(keys))
        rows = db.execute(f"SELECT {columns} FROM records WHERE author = ? AND key IN ({marks})", (author, *keys))
    return {key: _Row(*row) for key, *row in rows}
