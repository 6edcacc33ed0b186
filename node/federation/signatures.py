"""Requests between nodes are signed: RFC 9421, in one fixed profile.

Rules (SPEC, "The wire"):

- covered: @method, @path, @query, bra-recipient, and content-digest (RFC 9530, SHA-256) where there is a body
- parameters: created, expires (at most 300 s later), nonce (16 bytes), keyid (the caller's node id), alg "ed25519",
  tag "bra-federation-1"
- the recipient refuses what names another node, what was created before it started, and a nonce it has seen
- the caller's card may come along in `BRA-Card`, so that a rotated key introduces itself
- what others sign in whatever order and form is parsed and verified by the library; what this node signs has one form,
  and is written here, in an eighth of the time
"""

import base64
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from node.errors import Forged, Malformed
from node.protocol import names
from node.protocol.keys import PrivateKey, public_key
from node.protocol.names import NodeId
from node.protocol.statements import Card

TAG = "bra-federation-1"
RECIPIENT = "BRA-Recipient"
CARD = "BRA-Card"
LASTS = 300
"""Seconds that a signed request is good for."""

_NONCES_KEPT = 20_000
"""Requests of one caller within twice `LASTS`."""
_COMPONENTS = ("@method", "@path", "@query", "bra-recipient")
_KEYID = re.compile(r';keyid="(bra1[a-z2-7]{32})"')
_CREATED = re.compile(r";created=(\d{1,10})")


@dataclass
class _Message:
    """A request in the form that the library takes. `url` is only looked at for its path and query."""

    method: str
    url: str
    headers: dict[str, str]


class _Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: object, max_age: timedelta | None = None) -> None:
        """`RequestVerifier` compares clocks, with the time it is handed, and says so in plain words."""


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, public: bytes) -> None:
        self._public = public

    def resolve_private_key(self, key_id: str) -> None:
        del key_id

    def resolve_public_key(self, key_id: str) -> object:
        del key_id
        return public_key(self._public)


class RequestSigner:
    """Signs this node's requests."""

    def __init__(self, key: PrivateKey, card: Card) -> None:
        self._author = card.author
        self._card = names.encode_base64(card.signed.line)
        self._key = key

    def headers(
        self,
        method: str,
        url: str,
        recipient: NodeId,
        *,
        body: bytes | None,
        now: float,
        nonce: bytes,
        introduced: bool = False,
    ) -> dict[str, str]:
        """The headers that sign this request to `recipient`, who knows this node's card already where `introduced`.

        `url`: absolute and encoded, as it is sent. `nonce`: 16 random bytes.
        """
        parts, headers = urlsplit(url), {RECIPIENT: str(recipient)}
        covered = dict(zip(_COMPONENTS, (method, parts.path or "/", f"?{parts.query}", recipient), strict=True))
        if body is not None:
            digest = f"sha-256={_in_colons(hashlib.sha256(body).digest())}"
            headers["Content-Digest"] = covered["content-digest"] = digest
        # The signature base (RFC 9421, section 2.5).
        components = " ".join(f'"{name}"' for name in covered)
        parameters = (
            f'({components});created={int(now)};keyid="{self._author}";alg="ed25519";expires={int(now) + LASTS};'
            f'nonce="{names.encode_base64(nonce)}";tag="{TAG}"'
        )
        base = "\n".join(f'"{name}": {value}' for name, value in [*covered.items(), ("@signature-params", parameters)])
        headers["Signature-Input"] = f"bra={parameters}"
        headers["Signature"] = f"bra={_in_colons(self._key.ed25519().sign(base.encode('ascii')))}"
        return headers if introduced else {**headers, CARD: self._card}


class RequestVerifier:
    """Verifies requests to this node. Each caller's nonces are remembered for as long as its requests are good for."""

    def __init__(self, me: NodeId, started: Callable[[], float]) -> None:
        self._me = me
        self._started = started
        self._nonces: dict[str, OrderedDict[str, float]] = {}

    def verify(
        self, method: str, url: str, headers: Mapping[str, str], signing: bytes, *, now: float
    ) -> Callable[[bytes], None]:
        """Raises Forged unless the owner of the public key `signing` signed this request to this node, just now.

        The result checks the body, as it was sent, once that is read: Forged unless it is the one that was signed.
        """
        if headers.get(RECIPIENT) != self._me:
            raise Forged(f"the request is meant for {headers.get(RECIPIENT, 'nobody')}, this node is {self._me}")
        self._check_clock(headers.get("Signature-Input", ""), now)
        verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=_OneKey(signing))
        message = _Message(method, url, dict(headers))
        try:
            [result] = verifier.verify(
                message, max_age=timedelta(seconds=LASTS), expect_tag=TAG, require_components=_COMPONENTS
            )
        except (HTTPMessageSignaturesException, ValueError) as error:
            raise Forged(f"the request's signature does not hold: {error}") from error
        if result.parameters.get("keyid") != caller(headers):
            raise Forged("the request's signature names another key than its caller's")
        self._use(result.parameters, now)

        def check_body(body: bytes) -> None:
            try:
                verifier.verify_body(message, [result], body)
            except (HTTPMessageSignaturesException, ValueError) as error:
                raise Forged(f"the request's body is not the one that was signed: {error}") from error

        return check_body

    def _check_clock(self, signature_input: str, now: float) -> None:
        # Of a parameter given twice the library takes the last; what is compared here must be what was signed.
        if any(signature_input.count(f";{name}=") != 1 for name in ("created", "expires", "keyid", "nonce", "tag")):
            raise Forged("a request's signature has created, expires, keyid, nonce and tag, each once")
        found = _CREATED.search(signature_input)
        created = int(found[1]) if found else 0
        if abs(created - now) > LASTS:
            raise Forged(
                f"the request was signed at {names.format_time(created)}, here it is {names.format_time(now)}, so "
                "one of the two clocks is wrong: set that one"
            )
        # By the clock as it is now: one that was ahead when the process began would shut everybody out until then.
        if created < int(self._started()):
            raise Forged("the request was signed before this node started: sign it anew")

    def _use(self, parameters: Mapping[str, int | str], now: float) -> None:
        created, expires = parameters.get("created"), parameters.get("expires")
        if not isinstance(created, int) or not isinstance(expires, int) or not 0 < expires - created <= LASTS:
            raise Forged(f"a request's signature has created and expires, at most {LASTS} s apart")
        if now > expires:
            raise Forged("the request's signature has expired: sign it anew")
        nonce = str(parameters.get("nonce", ""))
        if not 22 <= len(nonce) <= 64:
            raise Forged("a request's signature has a nonce of 16 bytes")
        used = self._nonces.setdefault(str(parameters.get("keyid")), OrderedDict())
        while used and next(iter(used.values())) < now:
            used.popitem(last=False)
        if nonce in used:
            raise Forged("the request was sent before: its nonce is used")
        if len(used) >= _NONCES_KEPT:
            # Forgetting one instead would let it be replayed.
            raise Forged("this node signed too many requests within ten minutes: ask less often")
        # A clock may be LASTS ahead, and the signature then be good for LASTS more.
        used[nonce] = now + 2 * LASTS


def _in_colons(data: bytes) -> str:
    """A byte sequence of RFC 8941."""
    return f":{base64.b64encode(data).decode()}:"


def caller(headers: Mapping[str, str]) -> NodeId:
    """The node id that a request says it comes from; Malformed if it says none. Nothing is proven by it."""
    found = _KEYID.search(headers.get("Signature-Input", ""))
    if found is None:
        raise Malformed("the request is not signed: nodes sign their requests (RFC 9421)")
    return names.parse_node_id(found[1])
