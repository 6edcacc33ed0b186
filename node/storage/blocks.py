"""Blocks: whom this node accepts nothing of, whoever vouches. Local, and kept until the operator takes them back."""

import sqlite3
from dataclasses import dataclass

from node.protocol.names import NodeId


@dataclass(frozen=True, slots=True)
class BlockedNode:
    """A node that is blocked here, since when (seconds since 1970), and why as its operator wrote it, if at all."""

    node_id: NodeId
    at: int
    reason: str


def block(db: sqlite3.Connection, node_id: NodeId, reason: str, now: float) -> bool:
    """Blocks a node, or gives one that is blocked another reason, if there is one; whether it was new."""
    cursor = db.execute(
        "INSERT INTO blocks (node_id, at, reason) VALUES (?, ?, ?) ON CONFLICT (node_id) DO NOTHING",
        (node_id, int(now), reason),
    )
    if not cursor.rowcount and reason:
        db.execute("UPDATE blocks SET reason = ? WHERE node_id = ?", (reason, node_id))
    return bool(cursor.rowcount)


def unblock(db: sqlite3.Connection, node_id: NodeId) -> bool:
    """Takes a block back; whether there was one."""
    return bool(db.execute("DELETE FROM blocks WHERE node_id = ?", (node_id,)).rowcount)


def blocked(db: sqlite3.Connection) -> frozenset[NodeId]:
    return frozenset(NodeId(node_id) for (node_id,) in db.execute("SELECT node_id FROM blocks"))


def everything(db: sqlite3.Connection) -> list[BlockedNode]:
    """All blocks, the oldest first."""
    rows = db.execute("SELECT node_id, at, reason FROM blocks ORDER BY at, node_id")
    return [BlockedNode(*row) for row in rows]
