"""Who is accepted, and why: a breadth-first walk over endorsements. Pure.

Rules (SPEC, "Who is accepted"):

- a partner's keys were exchanged directly: it is always listed and honoured, at distance 1
- an author is *reached* when I, a partner, or an author that is itself listed endorses it, at most `depth` steps away
- it is *listed* when it is reached, has signed an agreement that this node recognises, and enough listed nodes vouch
- it is *honoured* when it is listed and enough honoured nodes vouch that I reach through different partners of mine,
  or when it was accepted by hand
- through one partner come so many authors at most, the first endorsed first: a flood drowns only its own source
- a blocked node is nothing, whoever endorses it; loops are skipped; nobody vouches for itself

What is reached has to be pulled before it can be listed, because the agreement is one of its own records.

    >>> reach(me, partners=[b], endorsements=[Endorsement(b, c)], signatories={b, c}, rules=Rules())[c].path
    (b, c)
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from node.protocol.names import NodeId


class Standing(IntEnum):
    """How far an author is accepted; each includes the ones before. Stored as its number."""

    UNKNOWN = 0
    REACHED = 1
    LISTED = 2
    HONOURED = 3


class Endorsement(NamedTuple):
    """`by` says: I know this node id, `of`, as the organisation that it says it is."""

    by: NodeId
    of: NodeId
    date: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """A node's own choice of how far trust goes.

    `depth`: steps from here, a partner being one away. `introductions`: authors that come in through one partner.
    """

    depth: int = 4
    vouches_listed: int = 1
    vouches_honoured: int = 2
    introductions: int = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """One author's standing. `path`: the partner first, the author last; `since`: the last step's date."""

    standing: Standing
    path: tuple[NodeId, ...]
    since: str = ""


def reach(
    me: NodeId,
    *,
    partners: Iterable[NodeId],
    endorsements: Iterable[Endorsement],
    signatories: Collection[NodeId],
    rules: Rules,
    blocked: Collection[NodeId] = (),
    by_hand: Collection[NodeId] = (),
) -> dict[NodeId, Known]:
    """Everybody who is at least reached, with the shortest path to each. `me` is honoured, at distance 0."""
    vouchers: dict[NodeId, list[Endorsement]] = defaultdict(list)
    vouched: dict[NodeId, list[Endorsement]] = defaultdict(list)
    for each in endorsements:
        if each.by != each.of and each.by not in blocked and each.of not in blocked:
            vouchers[each.of].append(each)
            vouched[each.by].append(each)

    known: dict[NodeId, Known] = {me: Known(Standing.HONOURED, ())}
    met = [partner for partner in dict.fromkeys(partners) if partner not in blocked and partner != me]
    known.update((partner, Known(Standing.HONOURED, (partner,))) for partner in met)

    through: Counter[NodeId] = Counter()
    frontier = [me]
    for distance in range(1, rules.depth + 1):
        for voucher in frontier:
            for each in vouched[voucher]:
                first = known[voucher].path[0] if known[voucher].path else me
                if each.of not in known and through[first] < rules.introductions:
                    through[first] += 1
                    known[each.of] = Known(Standing.REACHED, (*known[voucher].path, each.of), each.date)
        # Whoever was found earlier with too few vouches may have enough now.
        waiting = [node for node, found in known.items() if found.standing is Standing.REACHED]
        frontier = [node for node in waiting if _listed(node, known, vouchers, signatories, rules)]
        for node in frontier:
            known[node] = Known(Standing.LISTED, known[node].path, known[node].since)
        if distance == 1:
            frontier += met
    _honour(known, vouchers, rules, by_hand)
    return known


def _listed(
    node: NodeId,
    known: dict[NodeId, Known],
    vouchers: dict[NodeId, list[Endorsement]],
    signatories: Collection[NodeId],
    rules: Rules,
) -> bool:
    vouches = {each.by for each in vouchers[node] if _standing(known, each.by) >= Standing.LISTED}
    return node in signatories and len(vouches) >= rules.vouches_listed


def _honour(
    known: dict[NodeId, Known],
    vouchers: dict[NodeId, list[Endorsement]],
    rules: Rules,
    by_hand: Collection[NodeId],
) -> None:
    """Raises listed nodes to honoured until nothing changes; each pass raises at least one, so it ends."""
    waiting = [node for node, found in known.items() if found.standing is Standing.LISTED]
    raised = True
    while raised:
        raised = False
        for node in tuple(waiting):
            through = {
                known[each.by].path[0]
                for each in vouchers[node]
                if _standing(known, each.by) is Standing.HONOURED and known[each.by].path
            }
            if node in by_hand or len(through) >= rules.vouches_honoured:
                known[node] = Known(Standing.HONOURED, known[node].path, known[node].since)
                waiting.remove(node)
                raised = True


def _standing(known: dict[NodeId, Known], node: NodeId) -> Standing:
    return known[node].standing if node in known else Standing.UNKNOWN
