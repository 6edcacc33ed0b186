"""The queue of e-mails about visits: which is to be sent of which visit, and when it is tried next.

Neither text nor address is kept here: a letter is written when it is sent, from what is true then.
"""

import sqlite3
from typing import NamedTuple


class Letter(NamedTuple):
    """`what`: which letter; `due`: the moment of the next try, in seconds; `tries`: those that failed."""

    no: int
    visit: int
    what: str
    due: int
    tries: int
    problem: str | None


def queue(db: sqlite3.Connection, visit: int, what: str, now: float) -> None:
    db.execute("INSERT INTO letters (visit, what, due, tries) VALUES (?, ?, ?, 0)", (visit, what, int(now)))


def due(db: sqlite3.Connection, now: float, most: int) -> list[Letter]:
    """Those to be sent now, the longest due first."""
    rows = db.execute(
        "SELECT no, visit, what, due, tries, problem FROM letters WHERE due <= ? ORDER BY due, no LIMIT ?",
        (int(now), most),
    )
    return [Letter(*row) for row in rows]


def later(db: sqlite3.Connection, no: int, due: float, problem: str) -> None:
    """It failed: it is tried again at `due`."""
    db.execute("UPDATE letters SET due = ?, tries = tries + 1, problem = ? WHERE no = ?", (int(due), problem, no))


def drop(db: sqlite3.Connection, no: int) -> None:
    """It was sent, or there is nothing more to send."""
    db.execute("DELETE FROM letters WHERE no = ?", (no,))


def waiting(db: sqlite3.Connection) -> list[Letter]:
    """All that are not sent yet."""
    rows = db.execute("SELECT no, visit, what, due, tries, problem FROM letters ORDER BY no")
    return [Letter(*row) for row in rows]
