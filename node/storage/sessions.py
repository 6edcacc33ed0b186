"""Sessions: who is logged in at the pages, by the hash of a secret that their cookie alone holds."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from node.storage import meta, tokens

UNUSED_AFTER = 30
"""Days without use after which a session has ended, however long it was meant to last."""
_DAY = 86_400
_SETTINGS = "settings of sessions"


@dataclass(frozen=True, slots=True)
class Session:
    """A session; times in seconds since 1970. `hash`: SHA-256 of the cookie's secret.

    `caller`, `role`, `label`: for whom it was begun, as an `Access` knew them; `used_on`: the day on which it was last
    used, in days since 1970.
    """

    hash: bytes = field(repr=False)
    caller: str
    role: str
    label: str
    created: int
    ends: int
    used_on: int

    @property
    def id(self) -> str:
        """What names it in lists and logs, and opens nothing."""
        return self.hash.hex()[:12]

    def good(self, now: float) -> bool:
        return now < self.ends and now // _DAY - self.used_on <= UNUSED_AFTER


_COLUMNS = "hash, caller, role, label, created, ends, used_on"
_OVER = f"(ends <= :now OR :now / {_DAY} - used_on > {UNUSED_AFTER})"


def add(db: sqlite3.Connection, session: Session, *, most: int) -> None:
    """Keeps a session, and of its caller's others those that were used last: `most` in all."""
    row = (session.hash, session.caller, session.role, session.label, session.created, session.ends, session.used_on)
    db.execute(f"INSERT INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    db.execute(
        "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE caller = ? AND hash != ? "
        "ORDER BY used_on DESC, created DESC, hash LIMIT -1 OFFSET ?)",
        (session.caller, session.hash, most - 1),
    )


def find(db: sqlite3.Connection, hash_: bytes) -> Session | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM sessions WHERE hash = ?", (hash_,)).fetchone()
    return Session(*row) if row else None


def used(db: sqlite3.Connection, hash_: bytes, day: int) -> None:
    """Writes down that it was used on a day."""
    db.execute("UPDATE sessions SET used_on = ? WHERE hash = ? AND used_on < ?", (day, hash_, day))


def end(db: sqlite3.Connection, hash_: bytes) -> None:
    db.execute("DELETE FROM sessions WHERE hash = ?", (hash_,))


def end_of(db: sqlite3.Connection, caller: str) -> int:
    """Ends all sessions of a caller; how many there were."""
    return db.execute("DELETE FROM sessions WHERE caller = ?", (caller,)).rowcount


def heed(db: sqlite3.Connection, settings: str, of: str, now: float) -> int:
    """Ends the sessions of callers whose names begin with `of`, where `settings` aren't those of before; how many.

    The tokens that they made open nothing any more either.
    """
    if (meta.get(db, _SETTINGS) or "") == settings:
        return 0
    meta.put(db, _SETTINGS, settings)
    tokens.revoke_made(db, of, now)
    return db.execute("DELETE FROM sessions WHERE substr(caller, 1, ?) = ?", (len(of), of)).rowcount


def everything(db: sqlite3.Connection, now: float) -> list[Session]:
    """The sessions that are good, the newest first."""
    asked: dict[str, Any] = {"now": int(now)}
    rows = db.execute(f"SELECT {_COLUMNS} FROM sessions WHERE NOT {_OVER} ORDER BY created DESC, hash", asked)
    return [Session(*row) for row in rows]


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Erases the sessions that have ended."""
    db.execute(f"DELETE FROM sessions WHERE {_OVER}", {"now": int(now)})
