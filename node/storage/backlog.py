"""Records that are verified and durable, but not yet looked into: passed on to others, in no view of this node yet.

A large block is made durable first and searched a moment later, so that what a node has to lose is small and its
partners wait for no full text. What is left here when a process ends, the next one goes on with.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from node.storage import bulk
from node.storage.index import Entry

BYTES_AT_ONCE = 8 * 1024 * 1024
"""Bytes of records that are looked into together: of the largest, a few, and not the thousands of a step."""


class Unread(NamedTuple):
    """A record to be looked into; `value` tells whether it is still the same afterwards."""

    no: int
    value: bytes
    kind: str
    line: bytes


def first(db: sqlite3.Connection, after: int, most: int) -> list[Unread]:
    """The first records of the backlog whose number is above `after`: at most so many, and some `BYTES_AT_ONCE`."""
    rows = db.execute(
        "SELECT backlog.no, backlog.value, kind, line FROM backlog JOIN records USING (no) "
        "WHERE backlog.no > ? ORDER BY backlog.no LIMIT ?",
        (after, most),
    )
    found: list[Unread] = []
    room = BYTES_AT_ONCE
    for row in rows:
        found.append(Unread(*row))
        room -= len(found[-1].line)
        if room <= 0:
            break
    return found


def size(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM backlog").fetchone()[0])


def settle(db: sqlite3.Connection, unread: Sequence[Unread], entries: Sequence[Entry]) -> None:
    """Makes what was looked into searchable, where it is still held and still the same.

    `unread`: as `first` gave them; `entries`: what is searched of each.
    """
    if not unread:
        return
    within = (unread[0].no, unread[-1].no)
    same = dict(db.execute("SELECT no, value FROM backlog WHERE no BETWEEN ? AND ?", within).fetchall())
    found = [(each.no, entry) for each, entry in zip(unread, entries, strict=True) if same.get(each.no) == each.value]
    bulk.insert_searched(db, found)
    db.executemany(
        "UPDATE records SET problem = ? WHERE no = ?", [(entry.problem, no) for no, entry in found if entry.problem]
    )
    settled = orjson.dumps([no for no, _ in found]).decode()
    db.execute("DELETE FROM backlog WHERE no IN (SELECT value FROM json_each(?))", (settled,))
