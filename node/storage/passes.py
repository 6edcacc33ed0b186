"""Passes: those that this node issued, and those that let somebody in at its desk. Neither names anybody."""

import sqlite3
from collections.abc import Collection, Iterable
from typing import NamedTuple


class Issued(NamedTuple):
    """A pass of this node's own. `place`: in the status list; `ends`, `revoked_at`: seconds since 1970."""

    id: str
    place: int
    visit: str
    ends: int
    revoked_at: int | None


_COLUMNS = ", ".join(Issued._fields)


def add(db: sqlite3.Connection, issued: Issued) -> None:
    db.execute(f"INSERT INTO passes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)", issued)


def taken(db: sqlite3.Connection, place: int) -> bool:
    """Whether a place in the status list belongs to a pass."""
    return db.execute("SELECT 1 FROM passes WHERE place = ?", (place,)).fetchone() is not None


def count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM passes").fetchone()[0])


def everything(db: sqlite3.Connection) -> list[Issued]:
    """Those that haven't ended, or not for long; the first to end first."""
    return [Issued(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM passes ORDER BY ends, id")]


def revoked(db: sqlite3.Connection) -> set[int]:
    """The places in the status list of those that are revoked."""
    return {place for (place,) in db.execute("SELECT place FROM passes WHERE revoked_at IS NOT NULL")}


def ended(db: sqlite3.Connection, now: float) -> set[int]:
    """The places of those that have ended."""
    return {place for (place,) in db.execute("SELECT place FROM passes WHERE ends <= ?", (int(now),))}


def revoke(db: sqlite3.Connection, now: float, *, ids: Iterable[str] = (), visit: str | None = None) -> int:
    """Revokes the passes with these ids, and all of a visit; how many were good until now."""
    change = "UPDATE passes SET revoked_at = ? WHERE revoked_at IS NULL AND"
    done = sum(db.execute(f"{change} id = ?", (int(now), id_)).rowcount for id_ in ids)
    return done + (db.execute(f"{change} visit = ?", (int(now), visit)).rowcount if visit is not None else 0)


def arrive(db: sqlite3.Connection, issuer: str, id_: str, venue: str, day: str, at: float, ends: int) -> None:
    """Writes down that a pass let somebody in at an own venue; of one local day, the first time alone."""
    db.execute(
        "INSERT OR IGNORE INTO admissions (issuer, pass, venue, day, at, ends) VALUES (?, ?, ?, ?, ?, ?)",
        (issuer, id_, venue, day, int(at), ends),
    )


def arrivals(db: sqlite3.Connection, issuer: str, id_: str, venue: str) -> list[int]:
    """When a pass let somebody in at an own venue, the first first."""
    rows = db.execute(
        "SELECT at FROM admissions WHERE issuer = ? AND pass = ? AND venue = ? ORDER BY at", (issuer, id_, venue)
    )
    return [at for (at,) in rows]


def admissions(db: sqlite3.Connection) -> list[tuple[str, str, str, int]]:
    """Issuer, pass, own venue and time of all arrivals with passes that haven't ended for long; the first first."""
    return db.execute("SELECT issuer, pass, venue, at FROM admissions ORDER BY at").fetchall()


def forget_ended(db: sqlite3.Connection, now: float, *, but: Collection[int] = ()) -> None:
    """Forgets what has ended, and is refused whatever else is known of it; `but` passes at these places.

    Of a pass that is kept with its visit it is known for as long that it was revoked.
    """
    db.execute("DELETE FROM admissions WHERE ends <= ?", (int(now),))
    kept = "SELECT 1 FROM visit_passes JOIN visits ON visits.no = visit_passes.visit WHERE visits.id = passes.visit"
    db.executemany(
        f"DELETE FROM passes WHERE place = ? AND (revoked_at IS NULL OR NOT EXISTS ({kept}))",
        [(place,) for place in ended(db, now) - set(but)],
    )
