"""Arrivals: what host and guest signed of a visit. They name no person: what both signed stays when the visit goes."""

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Arrival:
    """`side`: this node's; `day`: the local day; `days`: how many the visit has; `statement`: canonical bytes.

    `answer_minutes`: how long the host's answer took by the guest's clock, known on the guest's side alone.
    `guest_signature`: 64 bytes, None until the guest's node has signed, too.
    """

    guest: str
    visit: str
    side: str
    venue: str
    day: str
    days: int
    answer_minutes: int | None
    statement: bytes
    host_signature: bytes
    guest_signature: bytes | None = None


_COLUMNS = "guest, visit, side, venue, day, days, answer_minutes, statement, host_signature, guest_signature"


def put(db: sqlite3.Connection, arrival: Arrival) -> None:
    """Keeps an arrival; the first of a visit stays."""
    values = tuple(getattr(arrival, name) for name in _COLUMNS.split(", "))
    db.execute(f"INSERT OR IGNORE INTO arrivals ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def find(db: sqlite3.Connection, guest: str, visit: str) -> Arrival | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM arrivals WHERE guest = ? AND visit = ?", (guest, visit)).fetchone()
    return Arrival(*row) if row else None


def named(db: sqlite3.Connection, visit: str) -> Arrival | None:
    """The arrival of a visit of this id."""
    row = db.execute(f"SELECT {_COLUMNS} FROM arrivals WHERE visit = ? ORDER BY guest", (visit,)).fetchone()
    return Arrival(*row) if row else None


def countersigned(db: sqlite3.Connection, guest: str, visit: str, signature: bytes) -> None:
    db.execute(
        "UPDATE arrivals SET guest_signature = ? WHERE guest = ? AND visit = ? AND guest_signature IS NULL",
        (signature, guest, visit),
    )


def travelled(db: sqlite3.Connection, since: str, before: str) -> list[tuple[str, str, int]]:
    """(month, venue, answer minutes) of each visit of own people from a day on and before another."""
    rows = db.execute(
        "SELECT substr(day, 1, 7), venue, answer_minutes FROM arrivals "
        "WHERE side = 'guest' AND guest_signature IS NOT NULL AND day >= ? AND day < ?",
        (since, before),
    )
    return rows.fetchall()


class Shared(NamedTuple):
    """Visits and their days that two organisations share; `side`: this node's in them."""

    other: str
    side: str
    visits: int
    days: int


def shared(db: sqlite3.Connection) -> list[Shared]:
    """Of each other organisation, what both signed."""
    rows = db.execute(
        "SELECT CASE side WHEN 'host' THEN guest ELSE substr(venue, 1, instr(venue, '/') - 1) END AS other, side, "
        "count(*), sum(days) FROM arrivals WHERE guest_signature IS NOT NULL GROUP BY other, side ORDER BY other, side"
    )
    return [Shared(*row) for row in rows]
