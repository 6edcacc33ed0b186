"""Tokens: who may ask this node, by the hash of a secret that is kept nowhere else."""

import sqlite3
from dataclasses import dataclass, field

MOST = 1_000
"""Tokens that are good at the same time: so many of the operator's, and so many that members made for their feeds."""
SHOWN_AFTER = 30 * 86_400
"""Seconds for which one that expired or was revoked is still listed."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token; times in seconds since 1970. `hash`: SHA-256 of the whole token.

    `used_on`: the day on which it was last used, in days since 1970; `feed`: the one path that it is for, if any;
    `maker`: the caller that made it for itself, if it wasn't the operator.
    """

    id: str
    hash: bytes = field(repr=False)
    role: str
    label: str
    created: int
    expires: int
    revoked_at: int | None = None
    used_on: int | None = None
    feed: str | None = None
    maker: str | None = None

    def good(self, now: float) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and now < self.expires


_COLUMNS = "id, hash, role, label, created, expires, revoked_at, used_on, feed, maker"


def add(db: sqlite3.Connection, token: Token) -> None:
    db.execute(
        f"INSERT INTO tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            token.id,
            token.hash,
            token.role,
            token.label,
            token.created,
            token.expires,
            token.revoked_at,
            token.used_on,
            token.feed,
            token.maker,
        ),
    )


def everything(db: sqlite3.Connection) -> list[Token]:
    """All tokens, the oldest first."""
    return [Token(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM tokens ORDER BY created, id")]


def revoke(db: sqlite3.Connection, id_: str, now: float) -> None:
    """The token opens nothing any more, nor do those that its holder made; one revoked before stays as it was."""
    db.execute(
        "UPDATE tokens SET revoked_at = ? WHERE (id = ? OR maker = ?) AND revoked_at IS NULL", (int(now), id_, id_)
    )


def revoke_made(db: sqlite3.Connection, of: str, now: float) -> None:
    """Those that callers made whose names begin with `of` open nothing any more."""
    made = "substr(maker, 1, ?) = ? AND revoked_at IS NULL"
    db.execute(f"UPDATE tokens SET revoked_at = ? WHERE {made}", (int(now), len(of), of))


def used(db: sqlite3.Connection, id_: str, day: int) -> None:
    """Writes down that the token was used on a day. A day is enough to see which tokens nobody needs."""
    db.execute("UPDATE tokens SET used_on = ? WHERE id = ?", (day, id_))


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Tokens that have opened nothing for a month, and the labels that may name somebody."""
    db.execute("DELETE FROM tokens WHERE min(expires, coalesce(revoked_at, expires)) < ?", (int(now) - SHOWN_AFTER,))
