"""How a session opens: a server proves by signing our nonce that it is the partner, not the new owner of its domain."""

from dataclasses import dataclass

from node.errors import Declined
from node.federation.wire import VERSION
from node.protocol.names import NodeId
from node.protocol.statements import Card, Hello


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server answers to a nonce, checked for form alone."""

    card: Card
    hello: Hello
    protocols: tuple[int, ...]

    def check(self, partner: NodeId, *, network: str, newest_card: Card | None, nonce: str, url: str) -> None:
        """Raises Declined or Forged unless it is `partner` that answers at `url`, now, with its newest key."""
        card, hello = self.card, self.hello
        if card.author != partner:
            raise Declined(
                f"{card.author} answers there, not {partner}: ask the partner where its node is reached now", 421
            )
        if newest_card and card.epoch < newest_card.epoch:
            raise Declined(
                f"the node shows a card of epoch {card.epoch}, its newest known one is of epoch "
                f"{newest_card.epoch}: an old key is in use there, ask the partner",
                421,
            )
        if card.network != network:
            raise Declined(f"the node belongs to the network {card.network!r}, this one to {network!r}", 421)
        hello.verify(card)
        if hello.nonce != nonce or hello.url != url:
            raise Declined("the node signed another greeting than it was given: somebody may be in between", 421)
        if VERSION not in self.protocols:
            raise Declined(f"the node speaks the protocols {self.protocols}, this one {VERSION}: update it", 421)
