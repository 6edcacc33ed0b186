"""Links, proofs and messages of joining: read strictly, and the secret shown nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import BraError, InputError, Malformed
from node.joining.invitation import Link, proof, proves
from node.joining.messages import LONGEST, JoinAnswer, JoinRequest
from node.protocol.canonical import encode
from node.protocol.names import encode_base64
from tests.protocol.builders import Author

LUND, TARTU = Author("lund").id, Author("tartu").id
SECRET = bytes(range(16))
SPELT = encode_base64(SECRET)
LINK = f"https://node.lund.example/join#{LUND}.{SPELT}"

MALFORMED = {
    "nothing": ("", "not an invitation's link"),
    "a word": ("invitation", "not an invitation's link"),
    "the page alone": ("https://node.lund.example/join", "cut short"),
    "no secret": (f"https://node.lund.example/join#{LUND}", "cut short"),
    "a secret cut short": (LINK[:-1], "cut short"),
    "a secret with a letter more": (f"{LINK}A", "cut short"),
    "a second spelling of the secret": (f"{LINK[:-1]}x", "cut short"),
    "an id cut short": (f"https://node.lund.example/join#{LUND[:-1]}.{SPELT}", "cut short"),
    "another page": (LINK.replace("/join", "/joins"), "not an invitation's link"),
    "a query": (LINK.replace("/join", "/join?next=1"), "not an invitation's link"),
    "http to another machine": (LINK.replace("https", "http"), "not encrypted"),
    "another scheme": (LINK.replace("https", "ftp"), "not a node's URL"),
    "a user name": (LINK.replace("https://", "https://me:secret@"), "no user name"),
    "no host": (f"https:///join#{LUND}.{SPELT}", "not a node's URL"),
    "far too long": ("https://" + "a" * 2_000 + LINK, "not an invitation's link"),
    "control characters": (LINK.replace("node.", "node\x1b[2J."), "not a node's URL"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_link_is_refused_with_a_sentence_that_does_not_hold_the_secret(what: str) -> None:
    text, part = MALFORMED[what]
    with pytest.raises(InputError, match=part) as refused:
        Link.parse(text)
    assert SPELT[:8] not in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_link_reads_as_it_was_written_also_with_space_around_it() -> None:
    link = Link("https://node.lund.example", LUND, SECRET)
    assert str(link) == LINK
    assert Link.parse(f" {LINK}\n") == link


def test_neither_a_links_name_nor_its_representation_tells_the_secret() -> None:
    link = Link.parse(LINK)
    for said in (repr(link), link.id, link.key.hex(), encode_base64(link.key)):
        assert SPELT not in said
        assert SECRET.hex() not in said


@given(
    st.text(max_size=300)
    | st.text(max_size=60).map(LINK.__add__)
    | st.text(max_size=60).map(lambda end: LINK[:40] + end)
)
def test_whatever_is_pasted_is_a_link_or_a_sentence(text: str) -> None:
    try:
        assert Link.parse(str(Link.parse(text))) == Link.parse(text)
    except BraError as error:
        assert SPELT not in str(error)


KEY = bytes(32)
OTHERS = {
    "another key": {"key": bytes(31) + b"\x01"},
    "the other side's": {"side": "inviter"},
    "of another node": {"by": Author("paris").id},
    "to another node": {"to": Author("paris").id},
    "turned around": {"by": LUND, "to": TARTU},
    "not confirmed": {"confirmed": False},
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_proof_is_no_proof_of(what: str) -> None:
    said = {"key": KEY, "side": "newcomer", "by": TARTU, "to": LUND, "confirmed": True}
    made = proof(**said)
    assert proves(made, **said)
    assert not proves(made, **(said | OTHERS[what]))


SOUND = {"invitation": "0123456789abcdef", "key_card": {"a": 1}, "confirmed": False, "proof": encode_base64(bytes(32))}
WRONG = {
    "a member more": SOUND | {"more": 1},
    "a member less": {name: value for name, value in SOUND.items() if name != "proof"},
    "an invitation in capitals": SOUND | {"invitation": "0123456789ABCDEF"},
    "an invitation cut short": SOUND | {"invitation": "0123"},
    "an invitation that is a number": SOUND | {"invitation": 1},
    "a number for a flag": SOUND | {"confirmed": 1},
    "a proof cut short": SOUND | {"proof": encode_base64(bytes(31))},
    "a proof that is a list": SOUND | {"proof": []},
    "a list": [SOUND],
}


@pytest.mark.parametrize("what", WRONG)
def test_a_request_is_refused_with(what: str) -> None:
    assert JoinRequest.parse(encode(SOUND)).line == encode(SOUND)
    with pytest.raises(Malformed):
        JoinRequest.parse(encode(WRONG[what]))


def test_neither_message_is_read_as_the_other_nor_when_it_is_too_long() -> None:
    answer = {name: value for name, value in SOUND.items() if name != "invitation"}
    assert JoinAnswer.parse(encode(answer)).line == encode(answer)
    for body in (encode(SOUND), encode(answer | {"key_card": "x" * LONGEST}), b"", b"\xff", b"[" * 100_000):
        with pytest.raises(Malformed):
            JoinAnswer.parse(body)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_a_message_or_malformed(body: bytes) -> None:
    for form in (JoinRequest, JoinAnswer):
        with pytest.raises(Malformed):
            form.parse(body)
