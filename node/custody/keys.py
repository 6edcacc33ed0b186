"""Where a new signing key's card comes from: the words typed here, or another machine, which has no network.

Rules (SPEC, "Cards"):

- the root key signs nothing but cards, exists in memory only while it does, and is stored nowhere
- the epoch is above every epoch of this author that is known here, and never so high that none is left above it
- on the offline way the signing key never leaves this machine, and the words never come to it

    request = Request.parse(...)                     # made by 'bra rotate --request', carried to the other machine
    card = signed_card(words, request, now=now)      # 'bra sign-card' there; the card is carried back
"""

from dataclasses import dataclass
from typing import Any, Self

from node.errors import InputError, Malformed, ProtocolError
from node.protocol import names
from node.protocol.keys import root_from_words
from node.protocol.names import NodeId
from node.protocol.statements import Card

HIGHEST_EPOCH = 1_000_000
"""More changes of keys than any node will see: one that is asked for beyond is an attempt to leave it no next one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a card is asked for: whose, of which epoch, for which public signing key."""

    network: str
    author: NodeId
    epoch: int
    signing: bytes

    def as_value(self) -> dict[str, Any]:
        return {
            "type": "card-request",
            "network": self.network,
            "author": self.author,
            "epoch": self.epoch,
            "signing": names.encode_base64(self.signing),
        }

    @classmethod
    def parse(cls, value: Any) -> Self:
        """The request that a JSON value is; InputError where it is none."""
        try:
            if not isinstance(value, dict) or value.get("type") != "card-request" or len(value) != 5:
                raise Malformed("it has the members type, network, author, epoch and signing")
            found = cls(
                names.parse_network(value.get("network")),
                names.parse_node_id(value.get("author")),
                names.parse_integer(value.get("epoch")),
                names.decode_base64(value.get("signing"), 32),
            )
        except ProtocolError as error:
            raise InputError(f"this is not what 'bra rotate --request' wrote ({error}): carry it over again") from error
        _check_epoch(found)
        return found


def signed_card(words: str, request: Request, *, now: float) -> Card:
    """The card that the root key signs; InputError where the words are another node's, or the epoch is too high."""
    _check_epoch(request)
    root = root_from_words(words)
    if names.node_id(root.public) != request.author:
        raise InputError(f"these words are another node's, not {request.author}'s: look for the right sheet")
    return Card.make(root, network=request.network, epoch=request.epoch, signing=request.signing, issued=now)


def _check_epoch(request: Request) -> None:
    if request.epoch > HIGHEST_EPOCH:
        raise InputError(
            f"no card is signed for epoch {request.epoch}, because none above {HIGHEST_EPOCH} is ever needed: find out "
            "who asks for it"
        )


def check_card(card: Card, request: Request) -> None:
    """Raises InputError unless the card is the one that was asked for, or one of a later epoch."""
    if (card.network, card.author, card.signing) != (request.network, request.author, request.signing):
        raise InputError("this card is for another key than the one that waits here: sign the newest request")
    if card.epoch < request.epoch:
        raise InputError(
            f"this card is of epoch {card.epoch}, and epoch {request.epoch} is needed by now: ask for it anew with "
            "'bra rotate --request'"
        )
