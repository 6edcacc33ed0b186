"""Why somebody is known, and what would be lost without somebody. Pure.

Rules:

- a way is one vouch that counts, and the shortest path to who gives it; told are all ways, the shortest first, so that
  whoever asks sees how many would have to be wrong together
- what is lost is told as the difference of two answers: before, and with the node blocked and no partner any more

    >>> [[step.node for step in way.steps] for way in ways(me, munich, vouches, known, depth=4)]
    [[lund, munich], [lund, tartu, munich]]
"""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import NamedTuple

from node.protocol.names import NodeId
from node.trust.reach import Known, Standing
from node.trust.vouches import Endorsement, Vouches

MOST_WAYS = 20


class Step(NamedTuple):
    """One node of a path, and how the one before it (this node, before the first) came to know it, if it says so."""

    node: NodeId
    date: str = ""
    method: str = ""


class Way(NamedTuple):
    """`steps`: the first hop first, the node itself last. `vouch`: the last step. `honours`: its author is honoured."""

    steps: tuple[Step, ...]
    vouch: Endorsement
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
    *,
    depth: int,
    silent: Collection[NodeId] = (),
    most: int = MOST_WAYS,
) -> list[Way]:
    """The vouches of a node that count, shortest path first, then those that came here first; at most `most`."""
    if node not in known:
        return []
    counting = [
        each
        for by, each in vouches.of(node).items()
        if by in known and by not in silent and known[by].standing >= Standing.LISTED and len(known[by].path) < depth
    ]
    counting.sort(key=lambda each: (len(known[each.by].path), each.arrival))
    return [_way(me, each, vouches, known) for each in counting[:most]]


def lost(before: Mapping[NodeId, Known], after: Mapping[NodeId, Known], without: NodeId) -> Lost:
    """What the second answer takes from the first; `without` itself isn't told."""

    def fell(standing: Standing, to: Standing) -> tuple[NodeId, ...]:
        return tuple(
            node
            for node, known in before.items()
            if node != without and known.standing >= standing and _standing(after, node) == to
        )

    return Lost(
        unreachable=fell(Standing.REACHED, Standing.UNKNOWN),
        unlisted=fell(Standing.LISTED, Standing.REACHED),
        unhonoured=fell(Standing.HONOURED, Standing.LISTED),
    )


def _way(me: NodeId, vouch: Endorsement, vouches: Vouches, known: Mapping[NodeId, Known]) -> Way:
    path = (me, *known[vouch.by].path, vouch.of)
    steps = []
    for by, node in pairwise(path):
        said = vouches.of(node).get(by)
        steps.append(Step(node, said.date, said.method) if said else Step(node))
    honours = vouch.by != me and known[vouch.by].standing is Standing.HONOURED
    return Way(tuple(steps), vouch, honours)


def _standing(known: Mapping[NodeId, Known], node: NodeId) -> Standing:
    return known[node].standing if node in known else Standing.UNKNOWN
