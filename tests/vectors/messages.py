"""Makes the whole of `messages.json`: a message and its acknowledgement, signed and sealed, from keys that stand here.

Sealing draws a key for each message; for a file of fixed bytes it is given here, to an implementation of HPKE that
takes it (pyhpke), which is not the program's own. `tests/roaming/test_sealing.py` compares the file with what this
makes, and has the program open it. To write the file:

    python -m tests.vectors.messages > tests/vectors/messages.json
"""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, KEMKeyPair

from node.protocol.canonical import decode
from node.protocol.keys import PrivateKey
from node.protocol.messages import Acknowledgement, Message, Sealed
from node.protocol.names import NodeId, RecordId, encode_base64, node_id
from node.protocol.statements import Card
from tests.vectors.generate import AUTHOR, DAY, NOON, ROOT, SIGNING

ABOUT = (
    "A message and its acknowledgement: see SPEC.md, Messages. Private keys are 32 raw bytes, hex, for tests alone; "
    "the sender's signing key is that of protocol.json. ephemeral_private: what the sender of a sealed form drew."
)
SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)

RECIPIENT_ROOT = PrivateKey(bytes(range(0x60, 0x80)))
RECIPIENT_SIGNING = PrivateKey(bytes(range(0x80, 0xA0)))
RECIPIENT = node_id(RECIPIENT_ROOT.public)
SEALING = {AUTHOR: bytes(range(0xA0, 0xC0)), RECIPIENT: bytes(range(0xC0, 0xE0))}
EPHEMERAL = {AUTHOR: bytes(range(0xE0, 0x100)), RECIPIENT: bytes(range(0x10, 0x30))}
ID = RecordId("4qk7m2xw9c3tz8vb")


def card(root: PrivateKey, signing: PrivateKey) -> Card:
    return Card.make(root, network="test", epoch=1, signing=signing.public, issued=NOON)


def generate() -> dict[str, Any]:
    """The whole document, as `json.load` would give it."""
    message = Message.make(
        SIGNING,
        sender=AUTHOR,
        to=RECIPIENT,
        epoch=1,
        id=ID,
        kind="visit",
        body={"note": "Kas teil on teisipäeval vaba laud?", "people": 2},
        sent=NOON,
        expires=NOON + 7 * DAY,
    )
    taken, refused = (
        Acknowledgement.make(RECIPIENT_SIGNING, sender=RECIPIENT, to=AUTHOR, epoch=1, id=ID, refused=sentence)
        for sentence in (None, "this node takes no messages of the kind visit: its operator may have to update it")
    )
    return {
        "about": ABOUT,
        "keys": {
            "sender": AUTHOR,
            "recipient": RECIPIENT,
            "recipient_root_private": RECIPIENT_ROOT.raw().hex(),
            "recipient_signing_private": RECIPIENT_SIGNING.raw().hex(),
            "sender_card": decode(card(ROOT, SIGNING).signed.line),
            "recipient_card": decode(card(RECIPIENT_ROOT, RECIPIENT_SIGNING).signed.line),
        },
        "message": _vector(message),
        "taken": _vector(taken),
        "refused": _vector(refused),
    }


def _vector(said: Message | Acknowledgement) -> dict[str, Any]:
    sealed = _sealed(said.sender, said.to, said.signed.line)
    return {
        "signed": decode(said.signed.line),
        "sealing_private": SEALING[said.to].hex(),
        "sealing_public": encode_base64(pair(SEALING[said.to]).public_key.to_public_bytes()),
        "ephemeral_private": EPHEMERAL[said.sender].hex(),
        "info": sealed.header.decode(),
        "sealed": sealed.as_value(),
    }


def _sealed(sender: NodeId, to: NodeId, plaintext: bytes) -> Sealed:
    key = RecordId("sealing-1")
    info = Sealed(sender, to, ID, key, b"").header
    recipient = pair(SEALING[to]).public_key
    encapsulated, context = SUITE.create_sender_context(recipient, info, eks=pair(EPHEMERAL[sender]))
    return Sealed(sender, to, ID, key, encapsulated + context.seal(plaintext))


def pair(private: bytes) -> KEMKeyPair:
    """An X25519 key in the form that pyhpke takes."""
    key = X25519PrivateKey.from_private_bytes(private)
    return KEMKeyPair(KEMKey.from_pyca_cryptography_key(key), KEMKey.from_pyca_cryptography_key(key.public_key()))


if __name__ == "__main__":
    print(json.dumps(generate(), indent=1, ensure_ascii=False))  # noqa: T201 - a generator prints
