"""Whose vouches come by different ways: first hops, and who is honoured because of them. Pure.

Rules (SPEC, "Who is accepted"):

- a *first hop* is a partner, or a listed node that I endorse myself
- a voucher's first hops are those from which it is reached, within the depth, by a way over listed nodes that passes
  no other partner of mine; a partner's is itself alone. Otherwise partners that endorse each other would let all that
  stands behind one of them count as through another, too
- a node is honoured when so many honoured nodes vouch for it that can each be given a first hop of its own
- a silent node is on no way and vouches for nobody

Which voucher is given which hop is a matching, found by augmenting paths (Kuhn) and followed only as far as `needed`.
Sets of hops are bit masks. Nobody's grow beyond `needed` hops: whoever has as many can always be given one, and so can
all behind it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from node.protocol.names import NodeId
from node.trust.vouches import Vouches

Hops = int
"""A set of first hops, a bit each."""


def first_hops(
    partners: Collection[NodeId],
    own: Collection[NodeId],
    strangers: Collection[NodeId],
    vouches: Vouches,
    *,
    depth: int,
    enough: int,
    silent: Collection[NodeId] = (),
) -> dict[NodeId, Hops]:
    """The first hops of everybody who is listed: of each stranger all, or at least `enough`.

    `own`: the strangers whom I endorse myself. `strangers`: all who are listed and no partners.
    """
    hops: dict[NodeId, Hops] = {node: 1 << place for place, node in enumerate((*partners, *own))}
    growing = {node for node in strangers if node not in hops or enough > 1}
    news: Mapping[NodeId, Hops] = dict(hops)
    for _ in range(depth - 1):
        coming: dict[NodeId, Hops] = {}
        for node, its in news.items():
            if node in silent:
                continue
            for of in growing.intersection(vouches.by(node)):
                if gained := its & ~hops.get(of, 0):
                    coming[of] = coming.get(of, 0) | gained
        for node, gained in coming.items():
            hops[node] = hops.get(node, 0) | gained
        growing -= {node for node in coming if hops[node].bit_count() >= enough}
        news = coming
    return hops


def honoured(
    trusted: Iterable[NodeId],
    strangers: Collection[NodeId],
    hops: Mapping[NodeId, Hops],
    vouches: Vouches,
    *,
    needed: int,
    silent: Collection[NodeId] = (),
) -> set[NodeId]:
    """The `trusted`, who are honoured whatever others say, and every stranger who is honoured because of vouches."""
    speaking = list(trusted)
    found = set(speaking)
    waiting = set(strangers) - found
    matchings: dict[NodeId, _Matching] = defaultdict(_Matching)
    for voucher in speaking:  # grows while it is walked
        if voucher in silent:
            continue
        for node in waiting.intersection(vouches.by(voucher)):
            if matchings[node].give(hops[voucher]) >= needed:
                waiting.remove(node)
                found.add(node)
                speaking.append(node)
    return found


@dataclass(slots=True)
class _Matching:
    """The first hops that one node's vouchers were given: hop -> all the hops of the voucher that has it."""

    taken: Hops = 0
    given: dict[Hops, Hops] = field(default_factory=dict)

    def give(self, hops: Hops) -> int:
        """Gives one more voucher a hop of its own, if there is a way to; how many have one then."""
        if free := hops & ~self.taken:
            hop = free & -free
            self.taken |= hop
            self.given[hop] = hops
        else:
            self._move(hops, set())
        return len(self.given)

    def _move(self, hops: Hops, tried: set[Hops]) -> bool:
        """Takes a hop from a voucher that can have another instead."""
        for hop in _each(hops):
            if hop not in tried:
                tried.add(hop)
                if hop not in self.given or self._move(self.given[hop], tried):
                    self.taken |= hop
                    self.given[hop] = hops
                    return True
        return False


def _each(hops: Hops) -> Iterator[Hops]:
    while hops:
        hop = hops & -hops
        yield hop
        hops ^= hop
