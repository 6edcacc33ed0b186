"""Sealing: the fixed bytes of the vectors, another implementation of HPKE, and that nothing altered ever opens."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from node.errors import Forged, Malformed
from node.protocol.canonical import decode, encode
from node.protocol.messages import (
    LARGEST_MESSAGE,
    LARGEST_SEALED,
    LONGEST_LIFE,
    LONGEST_REASON,
    OVERHEAD,
    Acknowledgement,
    Message,
    Sealed,
)
from node.protocol.names import RecordId
from node.protocol.statements import Card, sign
from node.roaming.sealing import seal, unseal
from tests.vectors.generate import AUTHOR, DAY, NOON, SIGNING
from tests.vectors.messages import ID, RECIPIENT, SUITE, generate, pair

FILE = Path(__file__).parent.parent / "vectors" / "messages.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
SAID = ("message", "taken", "refused")
KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def test_the_generator_makes_the_file() -> None:
    assert json.dumps(generate(), sort_keys=True) == json.dumps(VECTORS, sort_keys=True)


@pytest.mark.parametrize("name", SAID)
def test_the_program_opens_what_another_implementation_sealed(name: str) -> None:
    vector = VECTORS[name]
    sealed = Sealed.parse(encode(vector["sealed"]))
    assert sealed.header.decode() == vector["info"]
    assert sealed.line == encode(vector["sealed"])
    opened = unseal(sealed, private(vector))
    assert opened == encode(vector["signed"])
    keys = VECTORS["keys"]
    if name == "message":
        message = Message.parse(decode(opened))
        message.verify(Card.parse(keys["sender_card"]))
        assert (message.sender, message.to, message.id) == (sealed.sender, sealed.to, sealed.id)
    else:
        answer = Acknowledgement.parse(decode(opened))
        answer.verify(Card.parse(keys["recipient_card"]))
        assert (answer.sender, answer.to, answer.id) == (keys["recipient"], keys["sender"], ID)
        assert (answer.refused is None) == (name == "taken")


@given(plaintext=st.binary(max_size=2000))
def test_another_implementation_opens_what_the_program_sealed(plaintext: bytes) -> None:
    sealed = sealed_with(plaintext)
    encapsulated, ciphertext = sealed.ciphertext[:32], sealed.ciphertext[32:]
    context = SUITE.create_recipient_context(encapsulated, pair(bytes(range(32))).private_key, sealed.header)
    assert context.open(ciphertext) == plaintext
    assert len(sealed.ciphertext) == len(plaintext) + OVERHEAD


def test_the_other_implementation_makes_the_bytes_of_rfc_9180() -> None:
    # Appendix A.2.1: base mode of this very suite, encryption 0.
    recipient = pair(bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"))
    ephemeral = pair(bytes.fromhex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600"))
    encapsulated, context = SUITE.create_sender_context(recipient.public_key, b"Ode on a Grecian Urn", eks=ephemeral)
    assert encapsulated.hex() == "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
    ciphertext = context.seal(b"Beauty is truth, truth beauty", b"Count-0")
    assert ciphertext.hex() == (
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
    )


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_with_any_bit_of_what_is_sealed_changed_it_does_not_open(place: int, bit: int) -> None:
    sealed = sealed_with(b"x" * 100)
    altered = bytearray(sealed.ciphertext)
    altered[place % len(altered)] ^= 1 << bit
    # The highest bit of an X25519 key is ignored in the exchange (RFC 7748), but not in what HPKE derives from it.
    with pytest.raises(Forged):
        unseal(Sealed(sealed.sender, sealed.to, sealed.id, sealed.key, bytes(altered)), KEY)


@pytest.mark.parametrize(
    "changed",
    [
        {"sender": RECIPIENT},
        {"to": AUTHOR},
        {"id": RecordId("other")},
        {"key": RecordId("sealing-2")},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_is_sealed_opens_under_no_other_header(changed: dict[str, Any]) -> None:
    sealed = sealed_with(b"hello")
    members = {name: getattr(sealed, name) for name in ("sender", "to", "id", "key")} | changed
    with pytest.raises(Forged):
        unseal(Sealed(**members, ciphertext=sealed.ciphertext), KEY)


def test_what_is_sealed_twice_is_never_the_same() -> None:
    assert sealed_with(b"hello").ciphertext != sealed_with(b"hello").ciphertext


def test_what_is_sealed_shows_nothing_of_what_is_in_it() -> None:
    line = sealed_with(b"a visit of Maria Tamm").line
    assert b"Maria" not in line
    assert decode(line).keys() == {"from", "id", "key", "sealed", "to"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"body": []}, "body is an object"),
        ({"expires": "2026-11-21T12:00:00Z"}, "expires after"),
        ({"expires": "2026-12-05T12:00:01Z"}, "within 14 days"),
        ({"from": "tartu"}, "node id"),
        ({"id": "a/b"}, "record id"),
        ({"kind": "Visit"}, "kind"),
        ({"sent": "yesterday"}, "a time looks like"),
        ({"epoch": -1}, "integer"),
        ({"type": "acknowledgement"}, 'type "message"'),
        ({"body": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {}}}}}}}}}, "too deep"),
        ({"body": {"text": "x" * LARGEST_MESSAGE}}, "32768 bytes"),
        ({"body": {"share": 0.5}}, "integer"),
        ({"body": {"nothing": None}}, "null"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_message_that_breaks_a_rule_is_malformed(change: dict[str, Any], sentence: str) -> None:
    statement = VECTORS["message"]["signed"]["statement"] | change
    with pytest.raises(Malformed, match=sentence):
        Message.parse({"signature": VECTORS["message"]["signed"]["signature"], "statement": statement})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sealed": "AAAA"}, "more than 48 bytes"),
        ({"sealed": "A" * 64}, "more than 48 bytes"),
        ({"sealed": 5}, "more than 48 bytes"),
        ({"sealed": "=" * 100}, "base64url"),
        ({"sealed": "A" * 101}, "base64url"),
        ({"more": "x"}, "exactly the members"),
        ({"key": "SEALING"}, "record id"),
        ({"to": ["a"]}, "nested|node id"),
        ({"sealed": "A" * LARGEST_SEALED}, "49152 bytes"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_sealed_form_that_breaks_a_rule_is_malformed(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Malformed, match=sentence):
        Sealed.parse(encode(VECTORS["message"]["sealed"] | change))


def test_a_refusal_without_a_sentence_or_with_a_long_one_is_malformed() -> None:
    for sentence in ("", "x" * (LONGEST_REASON + 1), 5):
        signed = sign(SIGNING, VECTORS["refused"]["signed"]["statement"] | {"refused": sentence})
        with pytest.raises(Malformed, match="sentence"):
            Acknowledgement.parse(decode(signed.line))


def test_the_largest_message_fits_its_sealed_form() -> None:
    def of(length: int) -> Message:
        return Message.make(
            SIGNING,
            sender=AUTHOR,
            to=RECIPIENT,
            epoch=1,
            id="a" * 64,
            kind="k" * 64,
            body={"text": "x" * length},
            sent=NOON,
            expires=NOON + LONGEST_LIFE,
        )

    longest = LARGEST_MESSAGE - len(of(0).signed.statement)
    message = of(longest)
    assert len(message.signed.statement) == LARGEST_MESSAGE
    assert Sealed.parse(sealed_with(message.signed.line, id_="a" * 64).line).ciphertext
    with pytest.raises(Malformed, match="32768"):
        of(longest + 1)
    assert LONGEST_LIFE == 14 * DAY


def sealed_with(plaintext: bytes, id_: str = "q7x2") -> Sealed:
    return seal(plaintext, PUBLIC, sender=AUTHOR, to=RECIPIENT, id_=RecordId(id_), key=RecordId("sealing-1"))


def private(vector: dict[str, Any]) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["sealing_private"]))
