"""Sealing: what is said to one node alone, signed first and then encrypted so that only that node can read it.

Rules (SPEC, "Messages"):

- HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; `info` is the header, which
  binds the sender, the recipient, the id and the key; `aad` is empty. Who sent it, the signature inside says
- opened is only what is sealed to a key of this node, and taken only what says the same inside as outside, is signed
  with the newest key of a sender that is honoured here and has not forked, and is good now

    sealed = sealing.message(db, outgoing)             # one's own, to its recipient's newest key
    message = sealing.open_message(db, sealed)         # another's, verified; ProtocolError or InputError otherwise
"""

import sqlite3
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from node.directory.acceptance import Acceptance
from node.errors import Forged, InputError, Malformed
from node.protocol.canonical import decode
from node.protocol.keys import PrivateKey
from node.protocol.messages import Acknowledgement, Message, Sealed
from node.protocol.names import NodeId, RecordId, format_time
from node.protocol.statements import Card
from node.protocol.verdicts import CLOCK_TOLERANCE
from node.roaming.node_keys import NodeKeys, sealing_key
from node.storage import authors
from node.storage.messages import Outgoing
from node.trust.reach import Standing
from node.world import World

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def seal(plaintext: bytes, public: bytes, *, sender: NodeId, to: NodeId, id_: RecordId, key: RecordId) -> Sealed:
    """`plaintext`, sealed to the X25519 key `public` (32 bytes), which `to` calls `key`.

    InputError where that is a point with which nobody shares a secret (RFC 7748, section 6.1).
    """
    outside = Sealed(sender, to, id_, key, b"")
    try:
        ciphertext = _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info=outside.header)
    except ValueError as error:
        raise InputError(f"the sealing key that {to} has published is none: ask its operator") from error
    return Sealed(sender, to, id_, key, ciphertext)


def unseal(sealed: Sealed, private: X25519PrivateKey) -> bytes:
    """The plaintext; Forged unless it was sealed to this key, under this very header."""
    try:
        return _SUITE.decrypt(sealed.ciphertext, private, info=sealed.header)
    except (InvalidTag, ValueError) as error:
        raise Forged("the message does not open: it was altered, or sealed to another key than it names") from error


class Sealing:
    """Signs and seals what this node says, opens and verifies what it is told."""

    def __init__(self, key: PrivateKey, card: Card, node_keys: NodeKeys, acceptance: Acceptance, world: World) -> None:
        self._key = key
        self._card = card
        self._node_keys = node_keys
        self._acceptance = acceptance
        self._world = world

    def message(self, db: sqlite3.Connection, sent: Outgoing) -> Sealed:
        """An own message, sealed to its recipient's newest key; InputError where none is known."""
        message = Message.make(
            self._key,
            sender=self._card.author,
            to=sent.recipient,
            epoch=self._card.epoch,
            id=sent.id,
            kind=sent.kind,
            body=sent.body,
            sent=sent.sent,
            expires=sent.expires,
        )
        return self._sealed(db, message)

    def acknowledgement(self, db: sqlite3.Connection, message: Message, refused: str | None) -> Sealed:
        """The answer to a message that was received; InputError where no key of its sender is known."""
        return self._sealed(
            db,
            Acknowledgement.make(
                self._key,
                sender=self._card.author,
                to=message.sender,
                epoch=self._card.epoch,
                id=message.id,
                refused=refused,
            ),
        )

    def open_message(self, db: sqlite3.Connection, sealed: Sealed) -> Message:
        """The message that is sealed, once all of it holds."""
        message = Message.parse(self._opened(sealed))
        self._verify(db, sealed, message)
        now = self._world.now()
        if message.sent > now + CLOCK_TOLERANCE:
            raise Malformed(
                f"the message was sent at {format_time(message.sent)}, here it is {format_time(now)}, so one of the "
                "two clocks is wrong: set that one"
            )
        if message.expires <= now:
            raise Malformed(f"the message expired at {format_time(message.expires)}")
        return message

    def open_acknowledgement(self, db: sqlite3.Connection, sealed: Sealed) -> Acknowledgement:
        """The acknowledgement that is sealed, once all of it holds."""
        acknowledgement = Acknowledgement.parse(self._opened(sealed))
        self._verify(db, sealed, acknowledgement)
        return acknowledgement

    def check_answerable(self, db: sqlite3.Connection, node: NodeId) -> None:
        """Raises InputError where nothing can be sealed to a node."""
        self._public(db, node)

    def _sealed(self, db: sqlite3.Connection, said: Message | Acknowledgement) -> Sealed:
        key, public = self._public(db, said.to)
        return seal(said.signed.line, public, sender=said.sender, to=said.to, id_=said.id, key=RecordId(key))

    def _public(self, db: sqlite3.Connection, node: NodeId) -> tuple[str, bytes]:
        found = sealing_key(db, node)
        if found is None:
            raise InputError(f"no sealing key of {node} is known here yet: try again when its newest records have come")
        return found

    def _opened(self, sealed: Sealed) -> Any:
        if sealed.to != self._card.author:
            raise Malformed(f"the message is meant for {sealed.to}, this node is {self._card.author}")
        private = self._node_keys.opening_key(sealed.key)
        if private is None:
            raise Malformed(f"the message is sealed to {sealed.key}, which is no key of this node: read its newest one")
        return decode(unseal(sealed, private))

    def _verify(self, db: sqlite3.Connection, sealed: Sealed, said: Message | Acknowledgement) -> None:
        """Raises unless what is inside says the same as outside, and its sender is heard here and signed it."""
        if (said.sender, said.to, said.id) != (sealed.sender, sealed.to, sealed.id):
            raise Forged("the message says something else inside than outside")
        author = authors.find(db, said.sender)
        if author is None or self._acceptance.standing(said.sender) is not Standing.HONOURED:
            raise InputError(f"{said.sender} is not honoured here: exchange key cards, or find more who vouch for it")
        if author.forked_epoch is not None and author.forked_epoch >= author.newest_card.epoch:
            raise InputError(f"{said.sender} has signed two histories: it is heard again when it has healed")
        said.verify(author.newest_card)
