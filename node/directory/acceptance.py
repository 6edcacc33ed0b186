"""Who is accepted here now: the rules of `trust.reach` fed with what this database holds.

It is worked out anew in the transaction that changes an input, kept in each author's row for the views to filter by,
and in memory for the network side to ask.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from node.protocol.blocks import Block
from node.protocol.names import NodeId, format_time
from node.storage import authors, partners
from node.trust.reach import Endorsement, Known, Rules, Standing, reach

INPUTS = frozenset(("agreement", "endorsement"))
"""The kinds that acceptance depends on."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What this node's configuration decides: texts whose signatories it accepts (SHA-256, hex), and by hand whom."""

    recognised: Collection[str]
    rules: Rules
    honoured: Collection[NodeId] = ()
    blocked: Collection[NodeId] = ()


class Acceptance:
    """The newest answer; `known` is replaced as a whole, after the commit that it follows from."""

    def __init__(self, me: NodeId, choices: Choices) -> None:
        self.me = me
        self.choices = choices
        self.known: Mapping[NodeId, Known] = {}
        self.taken: frozenset[NodeId] = frozenset()
        """Whose sets are taken."""
        self.partners: frozenset[NodeId] = frozenset()
        """Whose keys were exchanged directly, and who aren't blocked."""
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after the answer has changed."""
        self._listeners.append(listener)

    def replace(self, known: Mapping[NodeId, Known]) -> None:
        """Takes a recomputed answer, after its transaction was committed."""
        if known != self.known:
            self.known = known
            self.taken = frozenset(node for node, found in known.items() if found.standing >= Standing.REACHED)
            self.partners = frozenset(
                node for node, found in known.items() if found.path == (node,) and not found.since
            )
            for listener in self._listeners:
                listener()

    def standing(self, node: str) -> Standing:
        found = self.known.get(NodeId(node))
        return found.standing if found else Standing.UNKNOWN

    def recompute(self, db: sqlite3.Connection, now: float) -> Mapping[NodeId, Known]:
        """Works it out from the transaction's state and keeps it in the authors' rows. The caller sets `known`."""
        known = reach(
            self.me,
            partners=[partner.node_id for partner in partners.everyone(db)],
            endorsements=_endorsements(db, format_time(now)[:10]),
            signatories=_signatories(db, self.choices.recognised),
            rules=self.choices.rules,
            blocked=frozenset(self.choices.blocked),
            by_hand=frozenset(self.choices.honoured),
        )
        rows = db.execute("SELECT no, node_id, standing FROM authors").fetchall()
        standings = [(known[id_].standing if id_ in known else Standing.UNKNOWN, no, was) for no, id_, was in rows]
        for new, no, was in standings:
            if new != was:
                db.execute("UPDATE authors SET standing = ? WHERE no = ?", (int(new), no))
                if was == Standing.UNKNOWN:
                    authors.arrive(db, no)
        return known


def concerns(block: Block) -> bool:
    """Whether applying the block can change who is accepted."""
    # A leaf may stand where an endorsement was.
    return bool(block.removed or block.leaves) or any(record.kind in INPUTS for record in block.records.values())


def _endorsements(db: sqlite3.Connection, today: str) -> Iterator[Endorsement]:
    for author, body in _bodies(db, "endorsement"):
        if "withdrawn" not in body and body.get("expires", today) >= today:
            yield Endorsement(author, NodeId(body["node_id"]), body["date"])


def _signatories(db: sqlite3.Connection, recognised: Collection[str]) -> set[NodeId]:
    return {author for author, body in _bodies(db, "agreement") if body["text_sha256"] in recognised}


def _bodies(db: sqlite3.Connection, kind: str) -> Iterator[tuple[NodeId, dict[str, str]]]:
    """Author and body of the well-formed records of a kind, in a stable order."""
    rows = db.execute(
        "SELECT authors.node_id, records.line FROM records JOIN authors ON authors.no = records.author "
        "WHERE kind = ? AND line IS NOT NULL AND problem IS NULL AND records.seq > 0 ORDER BY authors.no, records.no",
        (kind,),
    )
    return ((NodeId(author), json.loads(line)["body"]) for author, line in rows)
