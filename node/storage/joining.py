"""Joining: invitations of this node, and joins that wait until both sides have confirmed.

A join is trusted with nothing: it stands in no other table until it is confirmed. All of it is forgotten after a week.
"""

import hashlib
import sqlite3
from dataclasses import dataclass, replace
from typing import Any, Literal

from node.plain import plain
from node.protocol.names import NodeId

LASTS = 7 * 86_400
"""Seconds that a join may wait; its invitation's key is kept no longer."""
MOST = 100
"""Joins that wait at the same time, and invitations that nobody has used yet."""

Side = Literal["newcomer", "inviter", "card"]
"""What this node is in a join; "card": a key card was carried here, and each side confirms for itself alone."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that was handed out; times in seconds since 1970. `key`: 32 bytes (see `node.joining.invitation`)."""

    id: str
    key: bytes
    label: str
    created: int
    expires: int
    used_by: NodeId | None
    used_at: int | None
    cancelled_at: int | None

    def __repr__(self) -> str:
        return f"Invitation({self.id})"


@dataclass(frozen=True, slots=True)
class Join:
    """A node that may become a partner, and who has confirmed that.

    `key_card`: its line as it came; `key`: the invitation's, with a newcomer alone; `problem`: of the last question.
    """

    node_id: NodeId
    side: Side
    invitation: str
    key: bytes | None
    organisation: str
    website: str
    url: str
    key_card: bytes
    confirmed_here: bool
    confirmed_there: bool
    at: int
    problem: str | None

    def __repr__(self) -> str:
        return f"Join({self.node_id}, {self.side})"

    @property
    def agreed(self) -> bool:
        return self.confirmed_here and self.confirmed_there

    @property
    def digest(self) -> str:
        """Of what an operator is shown of the other side: SHA-256, hex."""
        return hashlib.sha256(self.key_card + b"\n" + self.url.encode()).hexdigest()

    def confirmed_by(self, invitation: str) -> bool:
        """Whether this side has confirmed what still waits, and by this very invitation."""
        return self.confirmed_here and not self.agreed and self.invitation == invitation


_INVITATION = "id, key, label, created, expires, used_by, used_at, cancelled_at"
_JOIN = (
    "node_id, side, invitation, key, organisation, website, url, key_card, confirmed_here, confirmed_there, at, problem"
)


def invite(db: sqlite3.Connection, invitation: Invitation) -> None:
    db.execute(
        f"INSERT INTO invitations ({_INVITATION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            invitation.id,
            invitation.key,
            plain(invitation.label),
            invitation.created,
            invitation.expires,
            invitation.used_by,
            invitation.used_at,
            invitation.cancelled_at,
        ),
    )


def invitation(db: sqlite3.Connection, id_: str) -> Invitation | None:
    row = db.execute(f"SELECT {_INVITATION} FROM invitations WHERE id = ?", (id_,)).fetchone()
    return Invitation(*row) if row else None


def invitations(db: sqlite3.Connection) -> list[Invitation]:
    return [Invitation(*row) for row in db.execute(f"SELECT {_INVITATION} FROM invitations ORDER BY created, id")]


def use(db: sqlite3.Connection, id_: str, by: NodeId, now: float) -> None:
    """The invitation is this newcomer's from now on, unless it was somebody's before."""
    db.execute("UPDATE invitations SET used_by = ?, used_at = ? WHERE id = ? AND used_by IS NULL", (by, int(now), id_))


def cancel(db: sqlite3.Connection, id_: str, now: float) -> None:
    """Nobody can use the invitation any more; who tries hears why."""
    db.execute("UPDATE invitations SET cancelled_at = ? WHERE id = ?", (int(now), id_))


def wait(db: sqlite3.Connection, join: Join) -> None:
    """Keeps a join, in the place of an earlier one with the same node."""
    db.execute(
        f"INSERT OR REPLACE INTO joins ({_JOIN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            join.node_id,
            join.side,
            join.invitation,
            join.key,
            join.organisation,
            join.website,
            join.url,
            join.key_card,
            join.confirmed_here,
            join.confirmed_there,
            join.at,
            join.problem,
        ),
    )


def find(db: sqlite3.Connection, node_id: str) -> Join | None:
    row = db.execute(f"SELECT {_JOIN} FROM joins WHERE node_id = ?", (node_id,)).fetchone()
    return _join(row) if row else None


def waiting(db: sqlite3.Connection) -> list[Join]:
    return [_join(row) for row in db.execute(f"SELECT {_JOIN} FROM joins ORDER BY at, node_id")]


def failed(db: sqlite3.Connection, node_id: str, problem: str) -> None:
    """The other side could not be asked, or said no."""
    db.execute("UPDATE joins SET problem = ? WHERE node_id = ?", (plain(problem), node_id))


def forget_key(db: sqlite3.Connection, node_id: str) -> None:
    """The invitation's key is needed no more: both sides have confirmed."""
    db.execute("UPDATE joins SET key = NULL WHERE node_id = ?", (node_id,))


def end(db: sqlite3.Connection, node_id: str) -> None:
    """The join is over, and what was known of it with it."""
    db.execute("DELETE FROM joins WHERE node_id = ?", (node_id,))


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Joins and keys of invitations that nobody needs any more: after a week, or when its newcomer was met.

    A join that both have confirmed, and whose endorsement can't be published, has a second week.
    """
    db.execute("DELETE FROM joins WHERE at + ? * (1 + (confirmed_here AND confirmed_there)) < ?", (LASTS, int(now)))
    db.execute("DELETE FROM invitations WHERE coalesce(used_at, created) < ?", (int(now) - LASTS,))
    db.execute(
        "DELETE FROM invitations WHERE EXISTS (SELECT 1 FROM partners WHERE node_id = used_by AND last_sync > used_at)"
    )


def _join(row: Any) -> Join:
    join = Join(*row)
    return replace(join, confirmed_here=bool(join.confirmed_here), confirmed_there=bool(join.confirmed_there))
