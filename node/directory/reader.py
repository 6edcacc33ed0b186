"""Who looks, and what they may see: the one place where visibility is decided.

Rules (SPEC, "Records"; the product, "Record kinds"):

- shown are records of listed authors, not expired, and of a visibility that the reader may see
- a farewell is shown of everybody who is reached: who leaves withdraws the signature by which it was listed
- personal kinds are hidden while their author has not been heard from for longer than its last beat lasts
- whatever is told of records (pages, counts, facets, corrections) is told through `Reader.may_see`
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from node import kinds
from node.directory.acceptance import Acceptance
from node.protocol.names import NodeId
from node.trust.look_alikes import Likeness
from node.trust.reach import Known, Standing

EVERYTHING = frozenset(("public", "members", "partners", "local"))
"""What the operator of this node sees."""

PUBLIC = frozenset(("public",))

_MAY_SEE = (
    "(authors.standing >= {listed} "
    "OR (authors.standing >= {reached} AND {table}.kind = 'farewell' AND authors.count = 1)) "
    "AND {table}.visibility IN ({visibilities}) AND ({table}.expires IS NULL OR {table}.expires > :now) "
    "AND ({table}.kind NOT IN ({personal}) OR coalesce(authors.beat_expires, 0) > :now "
    "OR authors.node_id = '{me}')"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: which visibilities it may see, at what time, and the acceptance that counts (see `Answer`)."""

    visibilities: Collection[str]
    now: float
    me: NodeId
    known: Mapping[NodeId, Known]
    called: Mapping[NodeId, str] = field(default_factory=dict)
    look_alikes: Mapping[NodeId, Likeness] = field(default_factory=dict)

    @classmethod
    def of(cls, acceptance: Acceptance, visibilities: Collection[str], now: float) -> Self:
        """One who looks with the acceptance of this moment."""
        answer = acceptance.answer
        return cls(visibilities, now, acceptance.me, answer.known, answer.called, answer.look_alikes)

    def may_see(self, table: str) -> str:
        """The condition for rows of `table` (`records` or `facts`) joined with their `authors`; see `parameters`.

        `facts` has rows for what is well formed and looked into alone; in `records` that is the caller's to ask.
        """
        # Every value here is this program's own: standings, known visibilities and kinds, this node's id. The time is
        # a parameter, so that SQLite needn't understand the same question anew each second.
        return _MAY_SEE.format(
            table=table,
            listed=int(Standing.LISTED),
            reached=int(Standing.REACHED),
            visibilities=",".join(f"'{each}'" for each in sorted(EVERYTHING & set(self.visibilities))),
            personal=",".join(f"'{kind}'" for kind in sorted(kinds.PERSONAL)),
            me=self.me,
        )

    def parameters(self, **others: Any) -> dict[str, Any]:
        """The parameters of a statement that asks `may_see`, with its `others`."""
        return {"now": int(self.now), **others}
