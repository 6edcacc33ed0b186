"""Requests are signed for one recipient, once, now, with all that matters under the signature."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from node.errors import Forged, Malformed, ProtocolError
from node.federation.signatures import CARD, LASTS, RECIPIENT, TAG, RequestSigner, RequestVerifier, caller
from node.federation.signatures import _Message as Message
from node.protocol.names import encode_base64
from tests.protocol.builders import Author, key_named

# The library that verifies looks at the machine's own clock, so these tests live now.
START = 1_795_262_400.0
TARTU, LUND = Author("tartu"), Author("lund")
URL = "http://node/federation/v1/pull?a=1&b=2"
BODY = b'[{"author":"x"}]'


@dataclass
class Request:
    """A request on its way: what is verified, and by whom it says to be signed."""

    method: str = "POST"
    url: str = URL
    body: bytes = BODY
    now: float = START + 10
    signing: bytes = LUND.signing_key.public
    headers: dict[str, str] = field(default_factory=dict)

    def verify(self, verifier: RequestVerifier | None = None) -> None:
        verifier = verifier or RequestVerifier(TARTU.id, lambda: START)
        check = verifier.verify(self.method, self.url, CIMultiDict(self.headers), self.signing, now=self.now)
        check(self.body)


def signed(method: str = "POST", url: str = URL, body: bytes | None = BODY, **others: Any) -> Request:
    recipient = others.get("recipient", TARTU.id)
    headers = RequestSigner(LUND.signing_key, LUND.card).headers(
        method, url, recipient, body=body, now=others.get("at", START + 10), nonce=others.get("nonce", b"n" * 16)
    )
    return Request(method, url, body or b"", headers=headers)


class Lunds(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        del key_id
        return LUND.signing_key.ed25519()

    def resolve_public_key(self, key_id: str) -> None:
        raise NotImplementedError


def signed_otherwise(method: str = "POST", url: str = URL, **different: Any) -> Request:
    """A request signed by the library itself, with members that this node's own signer would never choose."""
    created = datetime.fromtimestamp(START + 10, UTC)
    members: dict[str, Any] = {
        "key_id": LUND.id,
        "created": created,
        "expires": created + timedelta(seconds=LASTS),
        "nonce": encode_base64(b"n" * 16),
        "label": "bra",
        "tag": TAG,
        "covered_component_ids": ("@method", "@path", "@query", "bra-recipient"),
        "body": BODY,
    }
    message = Message(method, url, {RECIPIENT: TARTU.id})
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Lunds()).sign(message, **members | different)
    return Request(headers=message.headers)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(signed(), id="with a body"),
        pytest.param(signed("GET", body=None), id="without a body"),
        pytest.param(signed(body=b""), id="with an empty body"),
        pytest.param(signed("GET", "http://node/federation/v1/feed", None), id="without a query"),
        pytest.param(replace(signed(at=START + LASTS - 30), now=START), id="by a clock ahead"),
        pytest.param(replace(signed(at=START), now=START + LASTS - 5), id="by a clock behind"),
        pytest.param(signed_otherwise(), id="by another implementation"),
        pytest.param(signed_otherwise(label="sig1"), id="under another label"),
        pytest.param(
            signed_otherwise(covered_component_ids=("bra-recipient", "@query", "@path", "@method", "@authority")),
            id="that covers more, in another order",
        ),
    ],
)
def test_a_rightly_signed_request_is_let_through(request_: Request) -> None:
    request_.verify()


SEGMENTS = st.lists(st.from_regex(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2}){0,8}", fullmatch=True), max_size=4)
QUERY = st.from_regex(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2}){0,20}", fullmatch=True)


@given(st.sampled_from(["GET", "POST", "PUT"]), SEGMENTS, st.none() | QUERY, st.none() | st.binary(max_size=20))
def test_what_this_node_signs_is_what_the_library_would_sign(
    method: str, segments: list[str], query: str | None, body: bytes | None
) -> None:
    url = "http://node" + "".join(f"/{segment}" for segment in segments) + (f"?{query}" if query is not None else "")
    ours, theirs = (each.headers for each in (signed(method, url, body), signed_otherwise(method, url, body=body)))
    covered, digest = '("@method" "@path" "@query" "bra-recipient"', ' "content-digest"' if body is not None else ""
    assert ours["Signature-Input"].startswith(f"bra={covered}{digest});created=")
    assert {name: ours[name] for name in theirs} == theirs


def edited(**headers: str | None) -> Request:
    """A good request with headers replaced, or taken away."""
    request = signed()
    for name, value in headers.items():
        name_ = name.replace("_", "-")
        [actual] = [each for each in request.headers if each.lower() == name_] or [name_]
        if value is None:
            del request.headers[actual]
        else:
            request.headers[actual] = value
    return request


def input_with(old: str, new: str) -> Request:
    request = signed()
    assert old in request.headers["Signature-Input"]
    request.headers["Signature-Input"] = request.headers["Signature-Input"].replace(old, new)
    return request


def twice_signed() -> Request:
    first, second = signed_otherwise(), signed_otherwise(label="other", nonce=encode_base64(b"m" * 16))
    for name in ("Signature", "Signature-Input"):
        first.headers[name] += f", {second.headers[name]}"
    return first


NO_DIGEST = ("@method", "@path", "@query", "bra-recipient")


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        pytest.param(signed(recipient=LUND.id), "is meant for", id="for another node"),
        pytest.param(edited(bra_recipient=LUND.id), "is meant for", id="turned to another node"),
        pytest.param(edited(bra_recipient=None), "is meant for nobody", id="for nobody"),
        pytest.param(signed(at=START - 1), "before this node started", id="signed before the start"),
        pytest.param(signed(at=START + 10 + LASTS + 60), "one of the two clocks is wrong", id="by a clock far ahead"),
        pytest.param(replace(signed(at=START + 1), now=START + LASTS + 60), "two clocks is wrong", id="expired"),
        pytest.param(replace(signed(), method="GET"), "does not hold", id="another method"),
        pytest.param(replace(signed(), url=URL.replace("pull", "push")), "does not hold", id="another path"),
        pytest.param(replace(signed(), url=URL.replace("a=1", "a=2")), "does not hold", id="another query"),
        pytest.param(replace(signed(), url=URL.replace("a=1&b=2", "b=2&a=1")), "does not hold", id="query reordered"),
        pytest.param(replace(signed(), url=URL.partition("?")[0]), "does not hold", id="query cut off"),
        pytest.param(replace(signed(), body=BODY + b" "), "body is not the one", id="another body"),
        pytest.param(replace(signed(), body=b""), "body is not the one", id="body cut off"),
        pytest.param(replace(signed("GET", body=None), body=b"x"), "does not hold|body", id="a body where none was"),
        pytest.param(edited(content_digest=None), "does not hold", id="digest taken away"),
        pytest.param(
            replace(signed_otherwise(body=None, covered_component_ids=NO_DIGEST), body=BODY),
            "body is not the one",
            id="a body without a digest",
        ),
        pytest.param(replace(signed(), signing=TARTU.signing_key.public), "does not hold", id="another's key"),
        pytest.param(replace(signed(), signing=LUND.root_key.public), "does not hold", id="the root key"),
        pytest.param(signed_otherwise(tag="bra-federation-2"), "does not hold", id="another tag"),
        pytest.param(signed_otherwise(tag=None), "each once", id="no tag"),
        *(
            pytest.param(
                signed_otherwise(covered_component_ids=tuple(each for each in NO_DIGEST if each != missing)),
                "does not hold",
                id=f"{missing} not covered",
            )
            for missing in NO_DIGEST
        ),
        pytest.param(
            signed_otherwise(expires=datetime.fromtimestamp(START + 11 + LASTS, UTC)),
            "at most 300 s",
            id="good too long",
        ),
        pytest.param(signed_otherwise(expires=None), "each once", id="good for ever"),
        pytest.param(signed_otherwise(nonce=None), "nonce", id="no nonce"),
        pytest.param(signed_otherwise(nonce="short"), "nonce", id="a short nonce"),
        pytest.param(signed_otherwise(nonce="x" * 65), "nonce", id="an endless nonce"),
        pytest.param(input_with('alg="ed25519"', 'alg="hmac-sha256"'), "does not hold", id="another algorithm"),
        pytest.param(input_with(f';keyid="{LUND.id}"', f';keyid="{TARTU.id}"'), "does not hold", id="another's name"),
        pytest.param(input_with(f";created={START + 10:.0f}", f";created={START + 11:.0f}"), "hold", id="made younger"),
        pytest.param(input_with(f";created={START + 10:.0f}", ""), "each once", id="no date"),
        pytest.param(twice_signed(), "each once", id="two signatures"),
        pytest.param(edited(signature=None), "does not hold", id="no signature"),
        pytest.param(edited(signature="bra=:AAAA:"), "does not hold", id="a short signature"),
        pytest.param(edited(signature="%%%"), "does not hold", id="a signature that is nonsense"),
        pytest.param(edited(signature=f"bra=:{'A' * 86}==:"), "does not hold", id="zeros for a signature"),
    ],
)
def test_a_request_is_refused(request_: Request, sentence: str) -> None:
    with pytest.raises(Forged, match=sentence):
        request_.verify()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bra",
        "bra=",
        "bra=();created=",
        "bra=(" + '"@method" ' * 2000 + ")",
        'bra=("@method" "@method");created=1',
        "bra=1;created=" + "9" * 12,
        "\x00",
        "ä",
        f';keyid="{LUND.id}";created={START + 10:.0f}',
        f'bra=("@method" "@path" "@query" "bra-recipient");created={START + 10:.0f};expires="x";tag="{TAG}"',
        f'bra=("@method";req "@path" "@query" "bra-recipient");created={START + 10:.0f};tag="{TAG}"',
        f'bra=("@status");created={START + 10:.0f};tag="{TAG}"',
        f'bra=("@query-param";name="a");created={START + 10:.0f};tag="{TAG}"',
    ],
)
def test_garbage_in_the_signatures_header_is_refused_not_stumbled_over(value: str) -> None:
    request = signed()
    request.headers["Signature-Input"] = value
    with pytest.raises(ProtocolError):
        request.verify()


def test_a_request_counts_once() -> None:
    verifier = RequestVerifier(TARTU.id, lambda: START)
    signed().verify(verifier)
    with pytest.raises(Forged, match="sent before"):
        signed().verify(verifier)
    signed(nonce=b"m" * 16).verify(verifier)


def test_another_callers_nonce_is_its_own() -> None:
    verifier = RequestVerifier(TARTU.id, lambda: START)
    signed().verify(verifier)
    headers = RequestSigner(TARTU.signing_key, TARTU.card).headers(
        "GET", URL, TARTU.id, body=None, now=START + 10, nonce=b"n" * 16
    )
    Request("GET", body=b"", headers=headers, signing=TARTU.signing_key.public).verify(verifier)


def test_a_refused_signature_uses_up_no_nonce() -> None:
    verifier = RequestVerifier(TARTU.id, lambda: START)
    with pytest.raises(Forged):
        replace(signed(), signing=key_named("somebody").public).verify(verifier)
    signed().verify(verifier)


def test_nonces_are_kept_as_long_as_they_count_and_not_longer() -> None:
    verifier = RequestVerifier(TARTU.id, lambda: START)
    verifier._nonces[LUND.id] = OrderedDict(old=START, young=START + 2 * LASTS)
    signed().verify(verifier)
    assert "old" not in verifier._nonces[LUND.id]
    assert "young" in verifier._nonces[LUND.id]


def test_whoever_floods_is_refused_rather_than_its_old_nonces_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.federation.signatures._NONCES_KEPT", 3)
    verifier = RequestVerifier(TARTU.id, lambda: START)
    for number in range(3):
        signed(nonce=bytes([number]) * 16).verify(verifier)
    with pytest.raises(Forged, match="too many requests"):
        signed(nonce=b"x" * 16).verify(verifier)
    with pytest.raises(Forged, match="sent before"):
        signed(nonce=bytes(16)).verify(verifier)


def test_a_simulations_clock_is_the_one_that_counts() -> None:
    later = START + 10_000_000
    request = replace(signed(at=later), now=later)
    request.verify(RequestVerifier(TARTU.id, lambda: later))


def test_a_request_that_expired_after_a_second_is_refused() -> None:
    request = signed_otherwise(expires=datetime.fromtimestamp(START + 11, UTC))
    with pytest.raises(Forged):
        replace(request, now=START + 60).verify()


def test_the_card_comes_along_and_the_caller_is_named() -> None:
    headers = signed().headers
    assert caller(CIMultiDict(headers)) == LUND.id
    assert headers[CARD] == encode_base64(LUND.card.signed.line)


@pytest.mark.parametrize("headers", [{}, {"Signature-Input": "x"}, {"Signature-Input": 'bra=();keyid="somebody"'}])
def test_who_says_no_name_is_malformed(headers: dict[str, str]) -> None:
    with pytest.raises(Malformed, match="nodes sign their requests"):
        caller(CIMultiDict(headers))


@pytest.mark.parametrize("name", ["created", "expires", "keyid", "nonce", "tag"])
def test_a_parameter_that_is_given_twice_is_refused(name: str) -> None:
    """The library reads the last of two, a reader in a hurry the first: neither may pass for what was signed."""
    request = signed()
    value = request.headers["Signature-Input"]
    given = next(part for part in value.split(";") if part.startswith(f"{name}="))
    request.headers["Signature-Input"] = f"{value};{given}"
    with pytest.raises(Forged, match="each once"):
        request.verify()
