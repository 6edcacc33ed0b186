"""Who endorses whom: an index that changes by whole authors, so that one author's news costs no more than its own.

Rules:

- whoever fills it leaves out what doesn't count: endorsements that were withdrawn or have expired
- an author's newest word replaces all that it said before
- nobody endorses itself, and saying a thing twice is saying it once: what came here first stands

    >>> vouches = Vouches([Endorsement(lund, munich)])
    >>> vouches.put(lund, [])
    >>> vouches.of(munich)
    {}
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from node.protocol.names import NodeId

_NOTHING: Mapping[NodeId, "Endorsement"] = MappingProxyType({})


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
    """All endorsements that count, by their author and by whom they are of."""

    def __init__(self, endorsements: Iterable[Endorsement] = ()) -> None:
        self._by: dict[NodeId, dict[NodeId, Endorsement]] = {}
        self._of: dict[NodeId, dict[NodeId, Endorsement]] = {}
        for each in endorsements:
            self._add(each)

    def put(self, by: NodeId, endorsements: Iterable[Endorsement]) -> None:
        """Makes `endorsements` all that `by` says."""
        for of in self._by.pop(by, {}):
            vouchers = self._of[of]
            del vouchers[by]
            if not vouchers:
                del self._of[of]
        for each in endorsements:
            self._add(each)

    def by(self, voucher: NodeId) -> Mapping[NodeId, Endorsement]:
        """What `voucher` says, by whom it is of."""
        return self._by.get(voucher, _NOTHING)

    def of(self, node: NodeId) -> Mapping[NodeId, Endorsement]:
        """What is said of `node`, by who says it."""
        return self._of.get(node, _NOTHING)

    def _add(self, each: Endorsement) -> None:
        if each.by != each.of:
            self._by.setdefault(each.by, {}).setdefault(each.of, each)
            self._of.setdefault(each.of, {}).setdefault(each.by, each)
