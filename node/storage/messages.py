"""Messages on their way out, until they are acknowledged, and the ids of those that came in.

Rules:

- a message is in the outbox from the commit of what caused it to the commit of what follows from its acknowledgement
- the inbox keeps of each message who sent it, its id, and what was answered: so it takes effect once, however often it
  comes; it may be forgotten when the message has expired, because then it is taken no more

Every function takes the connection of the transaction that its caller owns. Times are seconds since 1970.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from node.plain import plain
from node.protocol.canonical import decode, encode
from node.protocol.names import NodeId

_PAGE = 4096
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that waits to be acknowledged. `due`: when it is tried next; `problem`: why the last try failed."""

    no: int
    recipient: NodeId
    id: str
    kind: str
    sent: int
    expires: int
    tries: int
    due: float
    problem: str | None
    body_line: bytes

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = decode(self.body_line)
        return body


_COLUMNS = "no, recipient, id, kind, sent, expires, tries, due, problem, body"


def put(
    db: sqlite3.Connection, to: NodeId, id_: str, kind: str, body: dict[str, Any], *, now: float, expires: float
) -> None:
    """Puts a message into the outbox; one with the same recipient and id stays as it is."""
    db.execute(
        "INSERT INTO outbox (recipient, id, kind, sent, expires, due, apart, body) VALUES (?, ?, ?, ?, ?, 0, "
        "zeroblob(?), ?) ON CONFLICT (recipient, id) DO NOTHING",
        (to, id_, kind, int(now), int(expires), _PAGE, encode(body)),
    )


def outgoing(db: sqlite3.Connection, to: str, id_: str) -> Outgoing | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE recipient = ? AND id = ?", (to, id_)).fetchone()
    return Outgoing(*row) if row else None


def recipients_due(db: sqlite3.Connection, now: float) -> list[NodeId]:
    """To whom messages are due."""
    return [node for (node,) in db.execute("SELECT DISTINCT recipient FROM outbox WHERE due <= ?", (now,))]


def due(db: sqlite3.Connection, to: NodeId, now: float, most: int) -> list[Outgoing]:
    """The messages to a recipient whose turn it is, in the order in which they were sent."""
    query = f"SELECT {_COLUMNS} FROM outbox WHERE recipient = ? AND due <= ? ORDER BY no LIMIT ?"
    return [Outgoing(*row) for row in db.execute(query, (to, now, most))]


def next_due(db: sqlite3.Connection, now: float) -> float | None:
    """When the next message is due after `now`; None where none is."""
    found: float | None = db.execute("SELECT min(due) FROM outbox WHERE due > ?", (now,)).fetchone()[0]
    return found


def expired(db: sqlite3.Connection, now: float, most: int) -> list[Outgoing]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE expires <= ? ORDER BY no LIMIT ?", (int(now), most))
    return [Outgoing(*row) for row in rows]


def postpone(db: sqlite3.Connection, nos: Collection[int], until: float, problem: str) -> None:
    """These messages were tried once more and aren't acknowledged: they are tried again then."""
    marks = ",".join("?" * len(nos))
    db.execute(
        f"UPDATE outbox SET tries = tries + 1, due = ?, problem = ? WHERE no IN ({marks})",
        (until, plain(problem), *nos),
    )


def try_now(db: sqlite3.Connection) -> None:
    """All that waits is tried at once: after a start, nothing is known of who can't be reached."""
    db.execute("UPDATE outbox SET due = 0, tries = 0")


def remove(db: sqlite3.Connection, no: int) -> bool:
    return bool(db.execute("DELETE FROM outbox WHERE no = ?", (no,)).rowcount)


class Waiting(NamedTuple):
    """How many messages wait for a recipient, since when, and why the last one that was tried wasn't acknowledged."""

    recipient: NodeId
    messages: int
    since: int
    problem: str | None


def waiting(db: sqlite3.Connection) -> list[Waiting]:
    """For whom messages wait, the longest first."""
    # Beside one aggregate of a group, SQLite gives the columns of the very row that it is of: the last try's.
    rows = db.execute(
        "SELECT recipient, count(*), (SELECT min(sent) FROM outbox AS all_ WHERE all_.recipient = outbox.recipient), "
        "problem, max(due) FROM outbox GROUP BY recipient ORDER BY 3, 1"
    )
    return [Waiting(*row) for *row, _ in rows]


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a message that came in. `refused`: why it wasn't taken."""

    refused: str | None


def received(db: sqlite3.Connection, sender: str, id_: str) -> Received | None:
    """What became of a message; None where none with this id is known of the sender."""
    row = db.execute("SELECT refused FROM inbox WHERE sender = ? AND id = ?", (sender, id_)).fetchone()
    return Received(*row) if row else None


def receive(
    db: sqlite3.Connection, sender: str, id_: str, refused: str | None, *, now: float, expires: float
) -> Received:
    db.execute(
        "INSERT INTO inbox (sender, id, refused, at, expires) VALUES (?, ?, ?, ?, ?)",
        (sender, id_, refused, int(now), int(expires)),
    )
    return Received(refused)


def received_within_a_day(db: sqlite3.Connection, sender: str, now: float) -> int:
    """How many messages of a sender came in the last 24 hours."""
    query = "SELECT count(*) FROM inbox WHERE sender = ? AND at > ?"
    return int(db.execute(query, (sender, int(now) - _DAY)).fetchone()[0])


def known(db: sqlite3.Connection, senders: Collection[str] | None = None) -> int:
    """How many messages of all senders are remembered; or of these."""
    if senders is None:
        return int(db.execute("SELECT count(*) FROM inbox").fetchone()[0])
    query = "SELECT count(*) FROM inbox WHERE sender IN (SELECT value FROM json_each(?))"
    return int(db.execute(query, (orjson.dumps([*senders]).decode(),)).fetchone()[0])


def forget_expired(db: sqlite3.Connection, before: float) -> None:
    """Forgets the messages that came in and expired before a moment."""
    db.execute("DELETE FROM inbox WHERE expires < ?", (int(before),))
