"""Who endorses whom: an index that changes by whole authors, so that one author's news costs no more than its own.

Rules:

- whoever fills it leaves out what doesn't count: endorsements that were withdrawn or have expired
- an author's newest word replaces all that it said before
- nobody endorses itself, and saying a thing twice is saying it once: what came here first stands
- kept is what a walk asks, because a hostile partner can bring hundreds of thousands

    >>> vouches = Vouches([Endorsement(lund, munich)])
    >>> vouches.put(lund, [])
    >>> vouches.of(munich)
    {}
"""

from collections.abc import Iterable, Mapping
from copy import copy
from types import MappingProxyType
from typing import NamedTuple, Self

from node.protocol.names import NodeId

_NOTHING: Mapping[NodeId, "Vouch"] = MappingProxyType({})


class Vouch(NamedTuple):
    """What is kept of an endorsement that counts: see there."""

    arrival: int
    date: str


class Endorsement(NamedTuple):
    """`by` says: I know this node id, `of`, as `organisation`; keys were compared by `method`, on `date`.

    `arrival` is its place in the order in which endorsements came to this node. A date is the endorser's word alone.
    """

    by: NodeId
    of: NodeId
    date: str = ""
    method: str = ""
    organisation: str = ""
    arrival: int = 0


class Vouches:
    """All endorsements that count, by their author."""

    def __init__(self, endorsements: Iterable[Endorsement] = ()) -> None:
        self._by: dict[NodeId, dict[NodeId, Vouch]] = {}
        for each in endorsements:
            self._add(each)

    def put(self, by: NodeId, endorsements: Iterable[Endorsement]) -> None:
        """Makes `endorsements` all that `by` says."""
        self._by.pop(by, None)
        for each in endorsements:
            self._add(each)

    def but(self, by: NodeId, of: NodeId) -> Self:
        """The same, but that `by` says nothing of `of`."""
        others = copy(self)
        others._by = self._by | {by: {node: vouch for node, vouch in self.by(by).items() if node != of}}  # noqa: SLF001
        return others

    def by(self, voucher: NodeId) -> Mapping[NodeId, Vouch]:
        """What `voucher` says, by whom it is of."""
        return self._by.get(voucher, _NOTHING)

    def of(self, node: NodeId) -> dict[NodeId, Vouch]:
        """What is said of `node`, by who says it. Asks every author: for what a person waits for."""
        return {by: said[node] for by, said in self._by.items() if node in said}

    def _add(self, each: Endorsement) -> None:
        if each.by != each.of:
            self._by.setdefault(each.by, {}).setdefault(each.of, Vouch(each.arrival, each.date))
