"""What a node signs: cards, heads, beats and hellos. One head signs all records at once (see `record`).

A signed statement travels as `{"signature":"<base64url>","statement":{...}}`; its signature is over
`b"BRA1\\n"` + the statement's canonical bytes. Rules (SPEC, "Statements"):

- a card is signed by the root key, everything else by the signing key that the newest card names
- `parse` checks form alone, `verify` the signature; a card does both, because it carries its own root key
- members that this version doesn't know are kept: they are under the signature, and a newer node may know them
- the bytes that were received are the bytes that are stored, hashed and passed on

    >>> card = Card.parse(value)         # Forged unless author = hash(root) and root signed it
    >>> head = Head.parse(other_value)
    >>> head.verify(card)                # Forged unless card's signing key signed it
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from node.errors import Forged, Malformed
from node.protocol import keys, names
from node.protocol.canonical import decode, encode
from node.protocol.names import NodeId, Seconds

NO_HASH = bytes(32)
"""`prev` of an epoch's first head."""
DEEPEST_STATEMENT = 8
"""Levels of a statement other than a record, so that evidence of it always fits a line (SPEC, "Limits")."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement's canonical bytes and the 64-byte signature over them."""

    statement: bytes
    signature: bytes

    @property
    def line(self) -> bytes:
        """The canonical form in which it travels."""
        return b'{"signature":"%s","statement":%s}' % (names.encode_base64(self.signature).encode(), self.statement)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the statement: what `prev` and a beat's `head` name."""
        return hashlib.sha256(self.statement).digest()


def sign(key: keys.PrivateKey, statement: Mapping[str, object]) -> Signed:
    """The statement signed with `key`."""
    encoded = encode(statement)
    return Signed(encoded, key.sign(encoded))


@dataclass(frozen=True, slots=True)
class Card:
    """Who an author is: its root key, and which signing key speaks for it in this epoch."""

    signed: Signed
    network: str
    author: NodeId
    epoch: int
    root: bytes
    signing: bytes
    issued: Seconds

    @classmethod
    def make(cls, root: keys.PrivateKey, *, network: str, epoch: int, signing: bytes, issued: float) -> Self:
        return cls.parse(
            _value(
                sign(
                    root,
                    {
                        "type": "card",
                        "network": network,
                        "author": names.node_id(root.public),
                        "epoch": epoch,
                        "root": names.encode_base64(root.public),
                        "signing": names.encode_base64(signing),
                        "issued": names.format_time(issued),
                    },
                )
            )
        )

    @classmethod
    def parse(cls, value: object) -> Self:
        """A card whose author is the hash of its root key and whose root key signed it; Malformed or Forged."""
        signed, members = opened(value, "card")
        card = cls(
            signed,
            names.parse_network(members.get("network")),
            names.parse_node_id(members.get("author")),
            names.parse_integer(members.get("epoch")),
            names.decode_base64(members.get("root"), 32),
            names.decode_base64(members.get("signing"), 32),
            names.parse_time(members.get("issued")),
        )
        if card.epoch < 1:
            raise Malformed("a card's epoch starts at 1")
        if names.node_id(card.root) != card.author:
            raise Forged("the card's author is not the hash of its root key")
        keys.verify(card.root, signed.signature, signed.statement)
        return card


@dataclass(frozen=True, slots=True)
class Head:
    """The state of an author's whole set, after `seq` changes: `count` records, `size` canonical bytes, one root."""

    signed: Signed
    author: NodeId
    epoch: int
    seq: int
    count: int
    size: int
    root: bytes
    prev: bytes

    @classmethod
    def make(
        cls,
        key: keys.PrivateKey,
        *,
        author: NodeId,
        epoch: int,
        seq: int,
        count: int,
        size: int,
        root: bytes,
        prev: bytes,
    ) -> Self:
        statement = {
            "type": "head",
            "author": author,
            "epoch": epoch,
            "seq": seq,
            "count": count,
            "bytes": size,
            "root": root.hex(),
            "prev": prev.hex(),
        }
        return cls.parse(_value(sign(key, statement)))

    @classmethod
    def parse(cls, value: object) -> Self:
        signed, members = opened(value, "head", names.LARGEST_HEAD)
        return cls(
            signed,
            names.parse_node_id(members.get("author")),
            names.parse_integer(members.get("epoch")),
            names.parse_integer(members.get("seq")),
            names.parse_integer(members.get("count")),
            names.parse_integer(members.get("bytes")),
            names.parse_hash(members.get("root")),
            names.parse_hash(members.get("prev")),
        )

    def verify(self, card: Card) -> None:
        verify_under(self.signed, self.author, self.epoch, card, "head")

    @property
    def hash(self) -> bytes:
        return self.signed.hash

    @property
    def order(self) -> tuple[int, int]:
        """Heads are ordered by (epoch, seq), never by a clock."""
        return self.epoch, self.seq


@dataclass(frozen=True, slots=True)
class Beat:
    """An author says: at this time this is my newest head, and I am reached here."""

    signed: Signed
    author: NodeId
    epoch: int
    head: bytes
    time: Seconds
    expires: Seconds
    urls: tuple[str, ...]

    @classmethod
    def make(
        cls, key: keys.PrivateKey, *, head: Head, time: float, lasts: int = names.LONGEST_BEAT, urls: tuple[str, ...]
    ) -> Self:
        statement = {
            "type": "beat",
            "author": head.author,
            "epoch": head.epoch,
            "head": head.hash.hex(),
            "time": names.format_time(time),
            "expires": names.format_time(int(time) + lasts),
            "urls": list(urls),
        }
        return cls.parse(_value(sign(key, statement)))

    @classmethod
    def parse(cls, value: object) -> Self:
        signed, members = opened(value, "beat")
        urls = members.get("urls")
        if not isinstance(urls, list) or len(urls) > 8 or not all(isinstance(u, str) and len(u) <= 200 for u in urls):
            raise Malformed("a beat's urls are up to 8 strings of up to 200 characters")
        beat = cls(
            signed,
            names.parse_node_id(members.get("author")),
            names.parse_integer(members.get("epoch")),
            names.parse_hash(members.get("head")),
            names.parse_time(members.get("time")),
            names.parse_time(members.get("expires")),
            tuple(urls),
        )
        if not 0 < beat.expires - beat.time <= names.LONGEST_BEAT:
            raise Malformed("a beat expires after its time, and within 14 days")
        return beat

    def verify(self, card: Card) -> None:
        verify_under(self.signed, self.author, self.epoch, card, "beat")


@dataclass(frozen=True, slots=True)
class Hello:
    """A server's answer to a client's nonce: whoever holds the signing key is reached at this very address.

    `url` is what the client called; a server signs none but its own, so that nobody can pass a greeting on.
    """

    signed: Signed
    author: NodeId
    epoch: int
    nonce: str
    url: str
    time: Seconds

    @classmethod
    def make(cls, key: keys.PrivateKey, *, author: NodeId, epoch: int, nonce: str, url: str, time: float) -> Self:
        statement = {
            "type": "hello",
            "author": author,
            "epoch": epoch,
            "nonce": nonce,
            "url": url,
            "time": names.format_time(time),
        }
        return cls.parse(_value(sign(key, statement)))

    @classmethod
    def parse(cls, value: object) -> Self:
        signed, members = opened(value, "hello")
        nonce, url = members.get("nonce"), members.get("url")
        names.decode_base64(nonce, 32)
        if not isinstance(url, str) or len(url) > 200:
            raise Malformed("a hello names the URL that was called, of up to 200 characters")
        return cls(
            signed,
            names.parse_node_id(members.get("author")),
            names.parse_integer(members.get("epoch")),
            str(nonce),
            url,
            names.parse_time(members.get("time")),
        )

    def verify(self, card: Card) -> None:
        verify_under(self.signed, self.author, self.epoch, card, "hello")


def opened(value: object, type_: str, largest: int = names.LARGEST_STATEMENT) -> tuple[Signed, dict[str, Any]]:
    """The signed form and the statement's members, if `value` is a signed statement of that type."""
    if not isinstance(value, dict) or value.keys() != {"signature", "statement"}:
        raise Malformed("a signed statement has two members: signature and statement")
    members = value["statement"]
    if not isinstance(members, dict) or members.get("type") != type_:
        raise Malformed(f'expected a statement of type "{type_}"')
    statement = encode(members, deepest=DEEPEST_STATEMENT)
    if len(statement) > largest:
        raise Malformed(f"a {type_} has at most {largest} bytes")
    return Signed(statement, names.decode_base64(value["signature"], 64)), members


def _value(signed: Signed) -> Any:
    return decode(signed.line)


def verify_under(signed: Signed, author: NodeId, epoch: int, card: Card, what: str) -> None:
    if (author, epoch) != (card.author, card.epoch):
        raise Forged(f"the {what} is of {author} in epoch {epoch}, the card of {card.author} in epoch {card.epoch}")
    keys.verify(card.signing, signed.signature, signed.statement)
