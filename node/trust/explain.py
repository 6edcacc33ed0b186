"""Why somebody is known, and what would be lost without somebody. Pure.

Rules:

- a way is one vouch that counts, and the shortest path to who gives it; told are all ways, the shortest first, so that
  whoever asks sees how many would have to be wrong together. Whose path leads through the node itself is no way to it
- what is lost is told as the difference of two answers: before, and without the node

    >>> [[step.node for step in way.steps] for way in ways(me, munich, vouches, known, told, depth=4)]
    [[lund, munich], [lund, tartu, munich]]
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from node.protocol.names import NodeId
from node.trust.reach import Known, Standing
from node.trust.vouches import Endorsement, Vouches

MOST_WAYS = 20

Told = Callable[[NodeId, NodeId], Endorsement | None]
"""All that the first says of the second, if it endorses it."""


class Step(NamedTuple):
    """One node of a path, and how the one before it (this node, before the first) came to know it, if it says so."""

    node: NodeId
    date: str = ""
    method: str = ""


class Way(NamedTuple):
    """`steps`: the first hop first, the node itself last. `honours`: who vouches in the last step is honoured."""

    steps: tuple[Step, ...]
    honours: bool


class Lost(NamedTuple):
    """Who would be unreachable, who reached but no longer listed, who listed but no longer honoured."""

    unreachable: tuple[NodeId, ...]
    unlisted: tuple[NodeId, ...]
    unhonoured: tuple[NodeId, ...]


def ways(
    me: NodeId,
    node: NodeId,
    vouches: Vouches,
    known: Mapping[NodeId, Known],
    told: Told,
    *,
    depth: int,
    silent: Collection[NodeId] = (),
    most: int = MOST_WAYS,
) -> list[Way]:
    """The vouches of a node that count, shortest path first, then those that came here first; at most `most`."""
    if node not in known:
        return []
    counting = [
        (len(known[by].path), vouch.arrival, by)
        for by, vouch in vouches.of(node).items()
        if by in known
        and by not in silent
        and known[by].standing >= Standing.LISTED
        and len(known[by].path) < depth
        and node not in known[by].path
    ]
    return [_way(me, by, node, known, told) for *_, by in sorted(counting)[:most]]


def nearest(me: NodeId, node: NodeId, known: Mapping[NodeId, Known], told: Told) -> tuple[Step, ...]:
    """The steps of the shortest path to a node that is known; none to this node itself."""
    return _steps((me, *known[node].path), told)


def lost(before: Mapping[NodeId, Known], after: Mapping[NodeId, Known], without: Collection[NodeId]) -> Lost:
    """What the second answer takes from the first; those `without` whom it is given aren't told themselves."""

    def fell(standing: Standing, to: Standing) -> tuple[NodeId, ...]:
        return tuple(
            node
            for node, known in before.items()
            if node not in without and known.standing >= standing and _standing(after, node) == to
        )

    return Lost(
        unreachable=fell(Standing.REACHED, Standing.UNKNOWN),
        unlisted=fell(Standing.LISTED, Standing.REACHED),
        unhonoured=fell(Standing.HONOURED, Standing.LISTED),
    )


def _way(me: NodeId, voucher: NodeId, node: NodeId, known: Mapping[NodeId, Known], told: Told) -> Way:
    steps = _steps((me, *known[voucher].path, node), told)
    return Way(steps, voucher != me and known[voucher].standing is Standing.HONOURED)


def _steps(nodes: Sequence[NodeId], told: Told) -> tuple[Step, ...]:
    """The nodes but the first, each with what the one before says of it."""
    said = [(of, told(by, of)) for by, of in pairwise(nodes)]
    return tuple(Step(of, found.date, found.method) if found else Step(of) for of, found in said)


def _standing(known: Mapping[NodeId, Known], node: NodeId) -> Standing:
    return known[node].standing if node in known else Standing.UNKNOWN
