"""A feed's lines, read: what a partner says of whom.

Rules:

- of whom this node knows, all is checked for form, and signed by its author
- of others there may be any number, and nothing follows but that the partner has their sets: that is its word alone.
  Whoever of them is accepted one day is pulled, and each signature checked then
"""

from collections.abc import Callable, Sequence
from typing import Any

from node.errors import Forged, Malformed
from node.federation import wire
from node.federation.actions import News
from node.federation.hearing import Told
from node.protocol import names
from node.protocol.blocks import parse_line
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.statements import Beat, Card, Head
from node.protocol.verdicts import Reason, Refusal
from node.storage.authors import stored_card
from node.storage.partners import Heard


def read_news(lines: Sequence[bytes], partner: NodeId, concerns: Callable[[NodeId], bool] = lambda _: True) -> News:
    """What a feed's lines say. What can't be of one author is refused, and keeps nothing else from being heard.

    `concerns`: whether an author is accepted here, or anything of it is held.
    """
    told: list[Told] = []
    others: list[Heard] = []
    refused: list[tuple[NodeId, Refusal]] = []
    evidence: dict[NodeId, Evidence] = {}
    author, card, stranger = partner, None, False
    for line in lines:
        tag, value = parse_line(line)
        if tag == "next":
            since = value.get("since") if isinstance(value, dict) else None
            if not isinstance(since, str) or len(since) > 100:
                raise Malformed("the feed's last line has no cursor")
            return News(tuple(told), since, tuple(refused), tuple(evidence.values()), tuple(others))
        try:
            if tag == "card":
                author, card, stranger = partner, None, False
                author = _author(value)
                stranger = not concerns(author)
                card = None if stranger else stored_card(line[8:-1])
            elif stranger and tag == "head":
                others.append(_heard(value, author))
            elif card is not None and tag == "evidence":
                # It needs nobody's word, and no head: its author's set may be damaged there.
                proof = Evidence.parse(value).of(card.author)
                # An author can make up any number; the one of its highest epoch counts.
                evidence[card.author] = max(proof, evidence.get(card.author, proof), key=lambda each: each.epoch)
            elif card is not None:
                _tell(told, card, tag, value, line)
        except Forged as error:
            refused.append((author, Refusal(Reason.FORGED, str(error))))
            card, stranger = None, False
        except Malformed as error:
            refused.append((author, Refusal(Reason.MALFORMED, str(error))))
            card, stranger = None, False
    raise Malformed("the feed breaks off: its last line is not `next`")


def _author(card: Any) -> NodeId:
    """Whose card it says that it is."""
    statement = card.get("statement") if isinstance(card, dict) else None
    return names.parse_node_id(statement.get("author") if isinstance(statement, dict) else None)


def _heard(value: Any, author: NodeId) -> Heard:
    head = Head.parse(value)
    if head.author != author:
        raise Malformed(f"the feed has a head of {head.author} behind the card of {author}")
    return Heard(author, head.epoch, head.seq, head.hash)


def _tell(told: list[Told], card: Card, tag: str, value: Any, line: bytes) -> None:
    """Adds one line to what is told of the card's author; its head comes first."""
    if tag == "head":
        head = Head.parse(value)
        head.verify(card)
        told.append(Told(card, head))
        return
    if not told or told[-1].card is not card:
        raise Malformed(f"the feed has a {tag} line before the author's head")
    current = told[-1]
    if tag == "beat":
        current.beat = Beat.parse(value)
    elif tag in ("del", "put", "leaf"):
        # They are judged in the writer's turn, so that they are quick: whoever brings more keeps everybody waiting.
        most, bytes_ = wire.CHANGES_AT_MOST, wire.CHANGES_BYTES
        if len(current.changes) == most or sum(map(len, (*current.changes, line))) > bytes_:
            raise Malformed(f"a feed brings up to {most} changes of an author, of {bytes_} bytes together")
        current.changes = (*current.changes, line)
    else:
        raise Malformed(f"a feed has no {tag} lines")
