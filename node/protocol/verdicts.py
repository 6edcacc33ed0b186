"""The verdict on a block: is it the author's own, newer state, whole and unaltered?

Rules (SPEC, "Applying a block"):

- the card is the author's, of this network, and not older than the one held
- every head is signed under it; (epoch, seq) does not go back; the chain links to the head held
- a chain that misses the head held is evidence of a fork; one whose links are older than 90 days may be pruned
- the recomputed root and count equal the newest head's; a leaf without its body counts like its record
- a first mismatch means `Compare`: diff the trees and judge again; only then is it held against the peer
- it is applied whole or not at all, and bodies are interpreted only after that

    >>> judge(block, held, network="bra", now=1795262400, limits=Limits())
    Accepted(...)  |  Compare(block)  |  Refusal(Reason.ROLLED_BACK, "the head offered is …")
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from node.errors import Forged, Malformed
from node.protocol import evidence as forks
from node.protocol.blocks import Block, Limits, over_quota
from node.protocol.statements import Beat, Card, Head
from node.protocol.tree import Tree

PRUNED_AFTER = 90 * 86_400
"""Seconds after which an old head or removal may be forgotten, so that a chain may have a gap."""

CLOCK_TOLERANCE = 600
"""Seconds that another clock may be ahead of ours."""


class Reason(StrEnum):
    """Why a block was refused."""

    MALFORMED = "malformed"
    FORGED = "forged"
    FOREIGN_NETWORK = "foreign network"
    ROLLED_BACK = "rolled back"
    BROKEN_CHAIN = "broken chain"
    FORKED = "forked"
    OVER_QUOTA = "over quota"
    WRONG_SET = "wrong set"
    INCOMPLETE = "incomplete"
    NOT_ACCEPTED = "not accepted"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Held:
    """What this node holds of an author. `head_at`: seconds since 1970 when the head came here."""

    card: Card
    head: Head
    head_at: float
    tree: Tree
    forked_epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A block that is not applied, and why, for a person. What was held before stays."""

    reason: Reason
    sentence: str
    evidence: forks.Evidence | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """The changes don't add up to the head: diff the trees against it, then judge again."""

    block: Block


@dataclass(frozen=True, slots=True)
class Accepted:
    """A verified new state, and how many records it puts and removes; the records themselves are the block's.

    `continuous` is False where the chain back to the head held before was pruned.
    """

    card: Card
    heads: tuple[Head, ...]
    beat: Beat | None
    tree: Tree
    changes: int
    continuous: bool = True

    @property
    def head(self) -> Head:
        return self.heads[-1]


Verdict = Accepted | Compare | Refusal


def judge(
    block: Block, held: Held | None, *, network: str, now: float, limits: Limits, compared: bool = False
) -> Verdict:
    """The verdict on a block that was read whole, against what is held. Pure; raises nothing."""
    try:
        return _judge(block, held, network, now, limits, compared=compared)
    except Forged as error:
        return Refusal(Reason.FORGED, str(error))
    except Malformed as error:
        return Refusal(Reason.MALFORMED, str(error))


def _judge(block: Block, held: Held | None, network: str, now: float, limits: Limits, *, compared: bool) -> Verdict:
    card = _card(block, held, network)
    if isinstance(card, Refusal):
        return card
    continuous = _chain(block, card, held, now)
    if isinstance(continuous, Refusal):
        return continuous
    head = block.head
    if head.count > limits.records or head.size > limits.size:
        return Refusal(Reason.OVER_QUOTA, over_quota(head.count, head.size, limits))
    if block.compare:
        return _unequal(block, compared=compared)
    base = held.tree if held else Tree()
    puts = {key: record.value for key, record in block.records.items()}
    puts.update((leaf.key, leaf.value) for leaf in block.leaves.values())
    tree = base.changed(puts, block.removed)
    if tree.root != head.root or len(tree) != head.count:
        return _unequal(block, compared=compared)
    beat = block.beat if block.beat and block.beat.head == head.hash and fresh(block.beat, card, now) else None
    return Accepted(card, block.heads, beat, tree, len(puts) + len(block.removed), continuous)


def fresh(beat: Beat, card: Card, now: float) -> bool:
    """Whether a beat is the card's own and not from the future. An expired one is kept: it tells when."""
    try:
        beat.verify(card)
    except Forged:
        return False
    return beat.time <= now + CLOCK_TOLERANCE


def _unequal(block: Block, *, compared: bool) -> Verdict:
    if not compared:
        return Compare(block)
    return Refusal(
        Reason.WRONG_SET,
        "the records don't add up to the root that their author signed: one was altered, hidden or added on the way",
    )


def _card(block: Block, held: Held | None, network: str) -> Card | Refusal:
    given = block.card
    for each in (*((given,) if given else ()), *(block.evidence.cards if block.evidence else ())):
        if each.network != network:
            return Refusal(
                Reason.FOREIGN_NETWORK, f"the author belongs to the network {each.network!r}, not {network!r}"
            )
    if held is None:
        return given or Refusal(Reason.INCOMPLETE, "the block has no card, and none is held")
    if given is None or given.signed.statement == held.card.signed.statement:
        return held.card
    if given.epoch < held.card.epoch:
        return Refusal(
            Reason.ROLLED_BACK, f"the card is of epoch {given.epoch}, the one held of epoch {held.card.epoch}"
        )
    if proof := forks.of_cards(held.card, given):
        return Refusal(Reason.FORKED, f"the author signed two cards of epoch {given.epoch}", proof)
    return given


def _proven(block: Block, held: Held | None) -> Refusal | None:
    """The refusal where the block brings evidence that counts against what is held, perhaps without any head."""
    proof = block.evidence
    if held is None or proof is None:
        return None
    # The proof alone is of what is held; a head may be of a newer epoch, which heals.
    counts = max(held.card.epoch, *(head.epoch for head in block.heads)) if block.heads else held.head.epoch
    if proof.epoch < counts:
        return None
    return Refusal(Reason.FORKED, "the author signed two histories of one epoch", proof)


def _chain(block: Block, card: Card, held: Held | None, now: float) -> bool | Refusal:
    """Whether the chain reaches back to the head held; a refusal where it contradicts it."""
    heads = block.heads
    if not heads:
        return _proven(block, held) or Refusal(Reason.INCOMPLETE, "the block has no head")
    for head in heads:
        head.verify(card)
    for before, after in pairwise(heads):
        if after.prev != before.hash or after.seq <= before.seq:
            return Refusal(Reason.BROKEN_CHAIN, "the heads of the block don't follow each other")
    newest = heads[-1]
    if held is None:
        return True
    mine = held.head
    if proven := _proven(block, held):
        return proven
    if held.forked_epoch is not None and newest.epoch <= held.forked_epoch:
        return Refusal(
            Reason.FORKED, f"the author forked in epoch {newest.epoch}: it has to publish under a new epoch first"
        )
    # Before the order: of two machines on one key the slower one is the proof too, while it is still behind.
    if newest.epoch == mine.epoch and (proof := forks.of_heads(card, mine, heads)):
        return Refusal(Reason.FORKED, "the author signed two histories of one epoch", proof)
    if newest.order < mine.order:
        return Refusal(
            Reason.ROLLED_BACK,
            f"the head offered is epoch {newest.epoch} seq {newest.seq}, older than the one held, "
            f"epoch {mine.epoch} seq {mine.seq}",
        )
    if newest.epoch > mine.epoch or newest.hash == mine.hash:
        return True
    if any(head.prev == mine.hash for head in heads):
        return True
    if now - held.head_at > PRUNED_AFTER:
        return False
    return Refusal(Reason.BROKEN_CHAIN, "the chain of heads does not reach back to the one held")
