"""What one node says to another alone: messages, their acknowledgements, and the sealed form of both. Pure.

Rules (SPEC, "Messages"):

- a message is signed by its sender, with its recipient inside the signature, and then sealed: whoever opens it can pass
  it on to nobody as if it had been meant for them
- outside a sealed form says only who sends it to whom, under which id, and for which key; all of that is bound to what
  is inside
- an acknowledgement is made, signed and sealed alike; it says that the message was taken, or why it was refused

    >>> message = Message.make(key, sender=tartu, to=munich, epoch=1, id="q7x2", kind="visit", body={}, …)
    >>> Sealed.parse(line).header
    b'BRA1 sealed\\n{"from":"bra1…","id":"q7x2","key":"sealing-1","to":"bra1…"}'
"""

from dataclasses import dataclass
from typing import Any, Self

from node.errors import Malformed
from node.protocol import names
from node.protocol.canonical import decode, encode
from node.protocol.keys import PrivateKey
from node.protocol.names import Kind, NodeId, RecordId, Seconds
from node.protocol.statements import Card, Signed, opened, sign, verify_under

LARGEST_MESSAGE = 32 * 1024
"""Bytes of a message's canonical form, without its signature."""
LARGEST_SEALED = 48 * 1024
"""Bytes of a sealed form's line: a message of that size grows by a third."""
LONGEST_LIFE = 14 * 86_400
"""Seconds after which a message expires at most."""
LONGEST_REASON = 300
"""Characters of the sentence that refuses a message."""
OVERHEAD = 48
"""Bytes that sealing adds: the ephemeral public key and the tag."""

_DOMAIN = b"BRA1 sealed\n"
_HEADER = ("from", "id", "key", "to")


@dataclass(frozen=True, slots=True)
class Message:
    """What `sender` says to `to`. `id` is the sender's own and random: a second one with it says nothing new."""

    signed: Signed
    sender: NodeId
    to: NodeId
    epoch: int
    id: RecordId
    kind: Kind
    sent: Seconds
    expires: Seconds
    body: dict[str, Any]

    @classmethod
    def make(
        cls,
        key: PrivateKey,
        *,
        sender: NodeId,
        to: NodeId,
        epoch: int,
        id: str,  # noqa: A002 - the member's own name
        kind: str,
        body: dict[str, Any],
        sent: float,
        expires: float,
    ) -> Self:
        """A message signed with the sender's signing key of its epoch; Malformed where it breaks a rule."""
        statement = {
            "type": "message",
            "from": sender,
            "to": to,
            "epoch": epoch,
            "id": id,
            "kind": kind,
            "sent": names.format_time(sent),
            "expires": names.format_time(expires),
            "body": body,
        }
        return cls.parse(decode(sign(key, statement).line))

    @classmethod
    def parse(cls, value: object) -> Self:
        signed, members = opened(value, "message", LARGEST_MESSAGE)
        body = members.get("body")
        if type(body) is not dict:
            raise Malformed("a message's body is an object")
        message = cls(
            signed,
            names.parse_node_id(members.get("from")),
            names.parse_node_id(members.get("to")),
            names.parse_integer(members.get("epoch")),
            names.parse_record_id(members.get("id")),
            names.parse_kind(members.get("kind")),
            names.parse_time(members.get("sent")),
            names.parse_time(members.get("expires")),
            body,
        )
        if not 0 < message.expires - message.sent <= LONGEST_LIFE:
            raise Malformed("a message expires after it was sent, and within 14 days")
        return message

    def verify(self, card: Card) -> None:
        verify_under(self.signed, self.sender, self.epoch, card, "message")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The word of `sender` that the message `id` of `to` was taken; with `refused`, that it wasn't, and why."""

    signed: Signed
    sender: NodeId
    to: NodeId
    epoch: int
    id: RecordId
    refused: str | None

    @classmethod
    def make(
        cls,
        key: PrivateKey,
        *,
        sender: NodeId,
        to: NodeId,
        epoch: int,
        id: str,  # noqa: A002 - the member's own name
        refused: str | None,
    ) -> Self:
        statement = {
            "type": "acknowledgement",
            "from": sender,
            "to": to,
            "epoch": epoch,
            "id": id,
            **({} if refused is None else {"refused": refused}),
        }
        return cls.parse(decode(sign(key, statement).line))

    @classmethod
    def parse(cls, value: object) -> Self:
        signed, members = opened(value, "acknowledgement")
        refused = members.get("refused")
        if refused is not None and (not isinstance(refused, str) or not 0 < len(refused) <= LONGEST_REASON):
            raise Malformed(f"a refusal's reason is a sentence of up to {LONGEST_REASON} characters")
        return cls(
            signed,
            names.parse_node_id(members.get("from")),
            names.parse_node_id(members.get("to")),
            names.parse_integer(members.get("epoch")),
            names.parse_record_id(members.get("id")),
            refused,
        )

    def verify(self, card: Card) -> None:
        verify_under(self.signed, self.sender, self.epoch, card, "acknowledgement")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A message or an acknowledgement that only `to` can open, with its sealing key `key`.

    `id`: the message's; an acknowledgement has that of the message it answers.
    """

    sender: NodeId
    to: NodeId
    id: RecordId
    key: RecordId
    ciphertext: bytes

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """The sealed form that this canonical line is; Malformed otherwise."""
        if len(line) > LARGEST_SEALED:
            raise Malformed(f"a sealed message has at most {LARGEST_SEALED} bytes")
        return cls.of(decode(line, deepest=1))

    @classmethod
    def of(cls, value: object) -> Self:
        """The sealed form that a decoded value is."""
        if not isinstance(value, dict) or value.keys() != {*_HEADER, "sealed"}:
            raise Malformed(f"a sealed message has exactly the members {', '.join(sorted((*_HEADER, 'sealed')))}")
        text = value["sealed"]
        length = len(text) * 3 // 4 if isinstance(text, str) else 0
        if not OVERHEAD < length < LARGEST_SEALED:
            raise Malformed(f"what is sealed has more than {OVERHEAD} bytes, and less than {LARGEST_SEALED}")
        return cls(
            names.parse_node_id(value["from"]),
            names.parse_node_id(value["to"]),
            names.parse_record_id(value["id"]),
            names.parse_record_id(value["key"]),
            names.decode_base64(text, length),
        )

    @property
    def header(self) -> bytes:
        """What is bound to the sealed bytes: HPKE's `info`."""
        return _DOMAIN + encode(self._outside())

    @property
    def line(self) -> bytes:
        """The canonical form in which it travels."""
        return encode(self.as_value())

    def as_value(self) -> dict[str, str]:
        return {**self._outside(), "sealed": names.encode_base64(self.ciphertext)}

    def _outside(self) -> dict[str, str]:
        return {"from": self.sender, "id": self.id, "key": self.key, "to": self.to}
