"""The mailbox: sealed messages that this node keeps for partners which can't be reached, and the answers they leave.

Rules (SPEC, "Messages"):

- what is kept is sealed: this node sees who sends it to whom, and how large it is
- a message with the same sender, recipient and id takes the earlier one's place: its sender sealed it anew
- its recipient puts an answer in its place, or only takes it away; the sender gets that answer when it asks again
- each recipient, each sender, and all senders that are known through one first hop, have so much room: no partner fills
  it for the others, under however many names. What nobody fetched is dropped after 14 days

Every function takes the connection of the transaction that its caller owns. Times are seconds since 1970.
"""

import sqlite3
from collections.abc import Collection

import orjson

from node.errors import InputError
from node.protocol.messages import LONGEST_LIFE, Sealed
from node.protocol.names import NodeId

MIB = 1024 * 1024
OF_RECIPIENT = 1_000, 16 * MIB
"""Messages that are kept for one recipient, and their bytes."""
OF_SENDER = 100, 2 * MIB
"""Messages of one sender, and their bytes, whoever they are for."""
OF_HOP = 250, 4 * MIB
"""Messages of all senders that are known through one first hop."""
OF_ALL = 5_000


class Full(InputError):
    """There is no room for another message."""


def hold(db: sqlite3.Connection, sealed: Sealed, now: float, *, beside: Collection[NodeId]) -> bytes | None:
    """Keeps a message; the answer (a sealed form's line) where its recipient has left one, which ends it.

    `beside`: the nodes that are known through the sender's first hop, itself among them. Full where there is no room.
    """
    place = sealed.to, sealed.sender, sealed.id
    where = "recipient = ? AND sender = ? AND id = ?"
    found = db.execute(f"SELECT answered, sealed, size FROM mailbox WHERE {where}", place).fetchone()
    if found and found[0]:
        db.execute(f"DELETE FROM mailbox WHERE {where}", place)
        return bytes(found[1])
    line = sealed.line
    if not found or len(line) > found[2]:
        _check_room(db, sealed, beside, more=0 if found else 1, size=len(line) - (found[2] if found else 0))
    db.execute(
        "INSERT INTO mailbox (recipient, sender, id, size, at, sealed) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (recipient, sender, id) DO UPDATE SET size = excluded.size, sealed = excluded.sealed",
        (*place, len(line), int(now), line),
    )
    return None


def _check_room(db: sqlite3.Connection, sealed: Sealed, beside: Collection[NodeId], *, more: int, size: int) -> None:
    """Full where there is no room for so many more messages, and bytes."""
    for whose, column, nodes, (most, bytes_) in (
        ("this recipient", "recipient", (sealed.to,), OF_RECIPIENT),
        ("this sender", "sender", (sealed.sender,), OF_SENDER),
        ("those who are known through this sender's partner", "sender", beside, OF_HOP),
    ):
        query = (
            f"SELECT count(*), coalesce(sum(size), 0) FROM mailbox WHERE {column} IN (SELECT value FROM json_each(?))"
        )
        count, held = db.execute(query, (orjson.dumps([*nodes]).decode(),)).fetchone()
        if count + more > most or held + size > bytes_:
            raise Full(f"the mailbox has no room for more messages of {whose}: try again in an hour")
    if db.execute("SELECT count(*) FROM mailbox").fetchone()[0] + more > OF_ALL:
        raise Full("the mailbox has no room for more messages: try again in an hour")


def fetch(db: sqlite3.Connection, recipient: NodeId, most: int) -> list[bytes]:
    """The lines of the sealed messages that wait for a recipient, the first ones first."""
    rows = db.execute(
        "SELECT sealed FROM mailbox WHERE recipient = ? AND NOT answered ORDER BY no LIMIT ?", (recipient, most)
    )
    return [line for (line,) in rows]


def waits_for(db: sqlite3.Connection, recipient: NodeId) -> bool:
    """Whether there is anything to fetch for a recipient."""
    query = "SELECT EXISTS (SELECT 1 FROM mailbox WHERE recipient = ? AND NOT answered)"
    return bool(db.execute(query, (recipient,)).fetchone()[0])


def take_away(db: sqlite3.Connection, recipient: NodeId, sender: NodeId, id_: str, answer: Sealed | None) -> bool:
    """Ends a message of this recipient, with an answer for its sender or without; whether it was there."""
    place = recipient, sender, id_
    where = "recipient = ? AND sender = ? AND id = ? AND NOT answered"
    if answer is None:
        return bool(db.execute(f"DELETE FROM mailbox WHERE {where}", place).rowcount)
    line = answer.line
    query = f"UPDATE mailbox SET answered = 1, size = ?, sealed = ? WHERE {where}"
    return bool(db.execute(query, (len(line), line, *place)).rowcount)


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Drops what nobody fetched, or asked for, until it had expired."""
    db.execute("DELETE FROM mailbox WHERE at < ?", (int(now) - LONGEST_LIFE,))


def waiting(db: sqlite3.Connection) -> int:
    """How many messages wait to be fetched."""
    return int(db.execute("SELECT count(*) FROM mailbox WHERE NOT answered").fetchone()[0])
