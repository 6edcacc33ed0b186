"""Evidence that an author forked: it signed two histories, or two cards, of one epoch.

Rules (SPEC, "Evidence"). Any of these, all signed by the keys of one card, needs nobody's word:

- two different heads of one epoch with the same `prev`, or with the same seq
- three heads of one epoch, the second naming the first as `prev`, and a third whose seq lies between the two:
  the chain from the first to the second misses it
- two different cards of one epoch

A fork is told and healed by a new epoch, never by guessing which side is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from node.errors import Forged, Malformed
from node.protocol.canonical import decode
from node.protocol.names import NodeId
from node.protocol.statements import Card, Head


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verified proof of a fork of `author` in `epoch`."""

    cards: tuple[Card, ...]
    heads: tuple[Head, ...]

    @property
    def author(self) -> NodeId:
        return self.cards[0].author

    @property
    def epoch(self) -> int:
        return self.cards[0].epoch

    @classmethod
    def parse(cls, value: object) -> Self:
        """Evidence whose signatures and contradiction both hold; Malformed or Forged otherwise."""
        if not isinstance(value, dict) or value.keys() not in ({"cards"}, {"cards", "heads"}):
            raise Malformed("evidence is an object of cards and, perhaps, heads")
        cards, heads = value["cards"], value.get("heads", [])
        if not isinstance(cards, list) or not isinstance(heads, list):
            raise Malformed("the cards and heads of evidence are arrays")
        shapes = ((1, 2), (1, 3)) if "heads" in value else ((2, 0),)
        if (len(cards), len(heads)) not in shapes:
            raise Malformed("evidence holds two cards, or one card and two or three heads")
        found = cls(tuple(map(Card.parse, cards)), tuple(map(Head.parse, heads)))
        for head in found.heads:
            head.verify(found.cards[0])
        if not (_contradict(found.heads) if heads else _two_cards(found.cards)):
            raise Forged("the evidence does not contradict itself: an honest author may have signed all of it")
        return found

    def of(self, author: NodeId) -> Self:
        """The evidence, if it is against this author; Malformed otherwise."""
        if self.author != author:
            raise Malformed(f"evidence against {self.author} stands among the statements of {author}")
        return self

    def as_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {"cards": [decode(card.signed.line) for card in self.cards]}
        if self.heads:
            value["heads"] = [decode(head.signed.line) for head in self.heads]
        return value


def of_cards(held: Card, given: Card) -> Evidence | None:
    """The evidence in two cards of one author, if there is any."""
    return Evidence((held, given), ()) if _two_cards((held, given)) else None


def of_heads(card: Card, held: Head, chain: Sequence[Head]) -> Evidence | None:
    """The evidence in a head that I hold and a linked chain, oldest first, of the same author, if there is any.

    Both sides have been verified under `card`.
    """
    for head in chain:
        if _contradict((held, head)):
            return Evidence((card,), (held, head))
    for first, second in pairwise(chain):
        if _contradict((first, second, held)):
            return Evidence((card,), (first, second, held))
    return None


def _two_cards(cards: Sequence[Card]) -> bool:
    first, second = cards
    same = (first.author, first.epoch) == (second.author, second.epoch)
    return same and first.signed.statement != second.signed.statement


def _contradict(heads: Sequence[Head]) -> bool:
    if len({(head.author, head.epoch) for head in heads}) != 1 or len({head.hash for head in heads}) != len(heads):
        return False
    if len(heads) == 2:
        first, second = heads
        return first.prev == second.prev or first.seq == second.seq
    if len(heads) == 3:
        first, second, missed = heads
        return second.prev == first.hash and first.seq < missed.seq < second.seq
    return False
