"""What a session plans by: read in one moment, of everybody or of those alone who are in question."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from node.protocol.names import NodeId
from node.storage import authors, partners, records
from node.storage.partners import Heard


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the partner has, what is held here, who is accepted, which bodies are missing.

    `own_beat`: the time of the newest beat of `me`, this node's own author. `forked`: of whom that is proven
    here, and the epoch.
    """

    heard: dict[NodeId, Heard]
    held: dict[NodeId, Heard]
    accepted: frozenset[NodeId]
    without_body: dict[NodeId, tuple[bytes, ...]]
    me: NodeId | None = None
    own_beat: int = 0
    forked: Mapping[NodeId, int] = field(default_factory=dict)


def survey(
    db: sqlite3.Connection,
    *,
    partner: NodeId,
    of: Collection[NodeId] | None,
    me: NodeId,
    accepted: frozenset[NodeId],
    kinds: Collection[str],
    now: float,
) -> Holdings:
    """The holdings of everybody, or of these authors. `kinds`: of which bodies are kept; none named: all."""
    missing = records.without_bodies(db, of, kinds=kinds, heard_since=now - authors.SILENT_AFTER)
    own = authors.find(db, me)
    return Holdings(
        partners.heard(db, partner, of),
        {NodeId(row[0]): Heard(*row) for row in authors.states(db, of)},
        accepted,
        {NodeId(node): keys for node, keys in missing.items()},
        me,
        own.beat_time or 0 if own else 0,
        authors.forked(db, of),
    )
