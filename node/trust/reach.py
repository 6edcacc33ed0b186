"""Who is accepted: a breadth-first walk over endorsements. Pure.

Rules (SPEC, "Who is accepted"):

- a partner's keys were exchanged directly: it is always listed and honoured, at distance 1
- an author is *reached* when I, a partner, or an author that is itself listed endorses it, at most `depth` steps away
- it is *listed* when it is reached, has signed an agreement that this node recognises, and enough listed nodes vouch
- it is *honoured* when it is listed and enough honoured nodes vouch that can be given different first hops (see
  `first_hops`), or when it was accepted by hand
- through one first hop come so many authors at most, the nearer first, then those whose endorsement came here first: a
  flood drowns only its own source
- who is silent vouches for nobody, but stays what others make of it
- a blocked node is nothing, whoever endorses it; loops are skipped; nobody vouches for itself

One more endorsement by anybody never costs anyone anything, except through the bound on introductions. What is reached
has to be pulled before it can be listed, because the agreement is one of its own records.

    >>> reach(me, partners=[b], vouches=Vouches([Endorsement(b, c)]), signatories={b, c}, rules=Rules())[c].path
    (b, c)
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from operator import itemgetter
from typing import NamedTuple

from node.protocol.names import NodeId
from node.trust.first_hops import first_hops, honoured
from node.trust.vouches import Vouches


class Standing(IntEnum):
    """How far an author is accepted; each includes the ones before. Stored as its number."""

    UNKNOWN = 0
    REACHED = 1
    LISTED = 2
    HONOURED = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """A node's own choice of how far trust goes.

    `depth`: steps from here, a partner being one away. `introductions`: authors that come in through one first hop.
    """

    depth: int = 4
    vouches_listed: int = 1
    vouches_honoured: int = 2
    introductions: int = 1_000


class Known(NamedTuple):
    """One author's standing. `path`: the first hop first, the author last; `since`: the last step's date."""

    standing: Standing
    path: tuple[NodeId, ...]
    since: str = ""


def reach(
    me: NodeId,
    *,
    partners: Iterable[NodeId],
    vouches: Vouches,
    signatories: Collection[NodeId],
    rules: Rules,
    blocked: Collection[NodeId] = (),
    by_hand: Collection[NodeId] = (),
    silent: Collection[NodeId] = (),
) -> dict[NodeId, Known]:
    """Everybody who is at least reached, with the shortest path to each. `me` is honoured, at distance 0."""
    met = {partner: None for partner in partners if partner not in blocked and partner != me}
    walk = _Walk({me: ()} | {partner: (partner,) for partner in met}, {}, {me, *met})
    _walk(walk, me, met, vouches, signatories, rules, blocked, silent)
    own = [node for node in vouches.by(me) if node in walk.listed and node not in met]
    strangers = walk.listed - met.keys() - {me}
    hops = first_hops(met, own, strangers, vouches, depth=rules.depth, enough=rules.vouches_honoured, silent=silent)
    trusted = [*met, *(strangers & set(by_hand))]
    welcome = {me, *honoured(trusted, strangers, hops, vouches, needed=rules.vouches_honoured, silent=silent)}

    return {
        node: Known(
            Standing.HONOURED if node in welcome else Standing.LISTED if node in walk.listed else Standing.REACHED,
            path,
            walk.dates.get(node, ""),
        )
        for node, path in walk.paths.items()
    }


@dataclass(slots=True)
class _Walk:
    """Where the walk has come to: the path to everybody who is reached, the date of its last step, who is listed."""

    paths: dict[NodeId, tuple[NodeId, ...]]
    dates: dict[NodeId, str]
    listed: set[NodeId]


def _walk(
    walk: _Walk,
    me: NodeId,
    met: Iterable[NodeId],
    vouches: Vouches,
    signatories: Collection[NodeId],
    rules: Rules,
    blocked: Collection[NodeId],
    silent: Collection[NodeId],
) -> None:
    """Goes level by level. A node speaks once, on the level on which it is listed."""
    paths, passed = walk.paths, {*walk.paths, *blocked}
    votes: Counter[NodeId] = Counter()
    through: Counter[NodeId] = Counter()
    waiting: list[NodeId] = []
    speaking = [me]
    for distance in range(1, rules.depth + 1):
        said = [(node, vouches.by(node)) for node in speaking if node not in silent]
        news = [(*vouch, of, paths[by]) for by, one in said for of, vouch in one.items() if of not in passed]
        for _, date, of, way in sorted(news, key=itemgetter(0)):
            if of in passed:
                continue
            if way:
                if through[way[0]] >= rules.introductions:
                    continue
                through[way[0]] += 1
            passed.add(of)
            paths[of] = (*way, of)
            walk.dates[of] = date
            if of in signatories:
                waiting.append(of)
        for _, one in said:
            votes.update(one.keys())
        # Whoever was found earlier with too few vouches may have enough now.
        speaking = [node for node in waiting if votes[node] >= rules.vouches_listed]
        walk.listed.update(speaking)
        waiting = [node for node in waiting if node not in walk.listed]
        if distance == 1:
            speaking += met
