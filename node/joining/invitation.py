"""An invitation: a link with a one-time secret, and what each side proves by it. Pure.

Rules (SPEC, "Joining"):

- `https://node.lund.example/join#<node id>.<secret>`: the secret is 16 random bytes and stands in the fragment, which
  a browser keeps to itself. It lasts a day, for one newcomer
- the inviter keeps the invitation's id and key, both hashes of the secret, and never the secret
- who knows the key proves it by an HMAC over who speaks, to whom, and whether that side has confirmed. A proof of one
  side is none of the other's
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal, Self

from node.errors import InputError, Malformed
from node.federation.wire import parse_url
from node.protocol import names
from node.protocol.names import NodeId

LASTS = 86_400
"""Seconds that an unused invitation is good for."""

SECRET_BYTES = 16
PAGE = "/join"

Side = Literal["newcomer", "inviter"]

_ASK_AGAIN = "ask your partner for the whole link, from https:// to its last letter"


@dataclass(frozen=True, slots=True)
class Link:
    """What an inviter hands over. `url`: where its node is reached; `secret`: 16 bytes, in no representation."""

    url: str
    node_id: NodeId
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The link that was pasted; InputError, which never repeats the secret, where it is none."""
        base, _, fragment = text.strip().partition("#")
        node_id, _, secret = fragment.partition(".")
        if not base.endswith(PAGE) or len(text) > 1_000:
            raise InputError(f"this is not an invitation's link: {_ASK_AGAIN}")
        try:
            return cls(
                parse_url(base.removesuffix(PAGE)),
                names.parse_node_id(node_id),
                names.decode_base64(secret, SECRET_BYTES),
            )
        except Malformed as error:
            raise InputError(f"the link is cut short or was changed on the way: {_ASK_AGAIN}") from error

    def __str__(self) -> str:
        return f"{self.url}{PAGE}#{self.node_id}.{names.encode_base64(self.secret)}"

    @property
    def id(self) -> str:
        """Names the invitation, and tells nothing of its secret: 16 hex digits."""
        return hashlib.sha256(b"bra-invitation-id" + self.secret).digest()[:8].hex()

    @property
    def key(self) -> bytes:
        """What both sides prove that they know: 32 bytes."""
        return hashlib.sha256(b"bra-invitation-key" + self.secret).digest()


def proof(key: bytes, side: Side, *, by: NodeId, to: NodeId, confirmed: bool) -> str:
    """What `side`, the node `by`, sends to the node `to`: only who was given the invitation's key can make it."""
    said = "confirmed" if confirmed else "pending"
    message = f"bra-join-1\n{side}\n{by}\n{to}\n{said}".encode()
    return names.encode_base64(hmac.digest(key, message, "sha256"))


def proves(given: str, key: bytes, side: Side, *, by: NodeId, to: NodeId, confirmed: bool) -> bool:
    """Whether `given` is that proof; takes the same time whatever it is."""
    return hmac.compare_digest(given.encode(), proof(key, side, by=by, to=to, confirmed=confirmed).encode())
