"""Tokens of an organisation's own provider: hostile ones are refused by name, and its keys are fetched with care."""

import asyncio
import base64
import hmac
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey

from node.api import oidc
from node.api.jwt import Jwt, read_keys
from node.api.oidc import DISCOVERY
from node.errors import BraError, Forged, InputError, Malformed
from tests.api.provider import AUDIENCE, EC, MOVED, NOW, OKP, RSA, STRANGERS, Provider, Time, jwk, signed


class Node:
    """A node's side of it: what it makes of a token, at a time that the test sets."""

    def __init__(self, provider: Provider, http: aiohttp.ClientSession) -> None:
        self.provider = provider
        self.time = Time()
        self.http = http
        self.side = self.anew()

    def anew(self) -> oidc.Provider:
        return oidc.Provider(self.http, issuer=self.provider.issuer, audience=AUDIENCE, world=self.time.world())

    async def verdict(self, token: str) -> str:
        """Whose the token is, or the refusal."""
        try:
            return str((await self.side.claims(token))["sub"])
        except BraError as error:
            assert token not in str(error)
            return f"{type(error).__name__}: {error}"


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with Provider.running() as provider, aiohttp.ClientSession(auto_decompress=False) as http:
        yield Node(provider, http)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "Ed25519"])
async def test_a_token_that_the_provider_signed_says_whose_it_is(node: Node, algorithm: str) -> None:
    assert await node.verdict(node.provider.token(algorithm)) == "mari"


async def test_the_old_name_of_ed25519_is_known(node: Node) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = signed({"alg": "EdDSA", "kid": "okp"}, orjson.dumps(node.provider.claims()), OKP)
    assert await node.verdict(old) == "mari"


def _raw(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (orjson.dumps(header), orjson.dumps(claims), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _hs256(claims: dict[str, Any]) -> str:
    """As joserfc itself refuses to sign it: with the public key, which everybody knows, for a secret."""
    header, said, _ = _raw({"alg": "HS256", "kid": "rsa"}, claims).split(".")
    signature = hmac.digest(RSA.as_pem(private=False), f"{header}.{said}".encode(), "sha256")
    return f"{header}.{said}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _with(algorithm: str = "RS256", key: Any = RSA, claims: Any = None, **header: Any) -> Callable[[Provider], str]:
    def make(provider: Provider) -> str:
        said = {name: value for name, value in {"alg": algorithm, "kid": "rsa", **header}.items() if value is not None}
        return signed(said, orjson.dumps(provider.claims(**(claims or {}))), key)

    return make


def _claims(**claims: Any) -> Callable[[Provider], str]:
    return lambda provider: provider.token(**claims)


def _swapped(provider: Provider) -> str:
    header, _, signature = provider.token().split(".")
    _, claims, _ = provider.token(sub="somebody else").split(".")
    return f"{header}.{claims}.{signature}"


_MADE_HERE = jwk(STRANGERS, "mine")

HOSTILE = {
    "signed with nothing": (lambda p: _raw({"alg": "none", "kid": "rsa"}, p.claims()), "signed with RS256"),
    "NONE in capitals": (lambda p: _raw({"alg": "NONE", "kid": "rsa"}, p.claims()), "signed with RS256"),
    "signed with the public key as a secret": (lambda p: _hs256(p.claims()), "signed with RS256"),
    "an algorithm that is no text": (lambda p: _raw({"alg": ["RS256"], "kid": "rsa"}, p.claims()), "signed with RS256"),
    "RS512, which is not agreed": (_with("RS512"), "signed with RS256"),
    "no signature at all": (lambda p: _raw({"alg": "RS256", "kid": "rsa"}, p.claims()), "signature doesn't hold"),
    "a stranger's key under a known name": (_with(key=STRANGERS), "signature doesn't hold"),
    "claims of another token": (_swapped, "signature doesn't hold"),
    "an EC signature named as RSA": (
        lambda p: _raw({"alg": "RS256", "kid": "ec"}, p.claims(), b"0" * 64),
        "a key that its provider doesn't show",
    ),
    "an RSA key named for ES256": (
        lambda p: _raw({"alg": "ES256", "kid": "rsa"}, p.claims(), b"0" * 64),
        "a key that its provider doesn't show",
    ),
    "an ES256 signature of the wrong length": (
        lambda p: _raw({"alg": "ES256", "kid": "ec"}, p.claims(), b"0" * 63),
        "signature doesn't hold",
    ),
    "an Ed25519 signature of zeros": (
        lambda p: _raw({"alg": "Ed25519", "kid": "okp"}, p.claims(), bytes(64)),
        "signature doesn't hold",
    ),
    "an unknown key": (_with(kid="other"), "a key that its provider doesn't show"),
    "no key named": (_with(kid=None), "doesn't name its key"),
    "a key's name that is a path": (_with(kid="../../etc/passwd"), "a key that its provider doesn't show"),
    "a key's name too long": (_with(kid="k" * 256), "doesn't name its key"),
    "its own key in the header (jwk)": (_with(key=STRANGERS, kid="mine", jwk=_MADE_HERE), "doesn't show"),
    "its own key set named (jku)": (_with(key=STRANGERS, kid="mine", jku="https://evil.example/keys"), "doesn't show"),
    "its own certificate named (x5u)": (_with(key=STRANGERS, x5u="https://evil.example/c.pem"), "doesn't hold"),
    "something critical that nobody knows": (
        lambda p: _raw({"alg": "RS256", "kid": "rsa", "crit": ["exp"], "exp": 1}, p.claims()),
        "of another kind",
    ),
    "a logout token": (_with(typ="logout+jwt"), "of another kind"),
    "a proof of possession": (_with(typ="dpop+jwt"), "of another kind"),
    "another provider's": (_claims(iss="https://evil.example"), "of another provider"),
    "the provider with a slash more": (lambda p: p.token(iss=p.issuer + "/"), "of another provider"),
    "no provider named": (_claims(iss=None), "of another provider"),
    "for another service": (_claims(aud="mail"), "for another service"),
    "for several others": (_claims(aud=["mail", "files"]), "for another service"),
    "for a service whose name holds ours": (_claims(aud="bra-node-2"), "for another service"),
    "for nobody": (_claims(aud=None), "for another service"),
    "expired": (_claims(iat=NOW - 7_200, exp=NOW - 61), "has expired"),
    "never expiring": (_claims(exp=None), "'exp' is no time"),
    "expiring at a text": (_claims(exp="2100-01-01"), "'exp' is no time"),
    "expiring at true": (_claims(exp=True), "'exp' is no time"),
    "expiring beyond all time": (_claims(exp=1e300), "'exp' is no time"),
    "lasting for a week": (_claims(exp=NOW + 7 * 86_400), "lasts longer than a day"),
    "not good yet": (_claims(nbf=NOW + 61), "of the future"),
    "made in the future": (_claims(iat=NOW + 61), "of the future"),
    "made in the future and good already": (_claims(iat=NOW + 61, nbf=NOW), "of the future"),
    "made at no time": (_claims(iat=None), "'iat' is no time"),
    "nobody's": (_claims(sub=None), "doesn't say whose it is"),
    "of a number": (_claims(sub=5), "doesn't say whose it is"),
    "of a name too long": (_claims(sub="m" * 256), "doesn't say whose it is"),
    "two parts": (lambda p: p.token().rpartition(".")[0], "not a token"),
    "five parts, as if encrypted": (lambda p: p.token() + ".a.b", "not a token"),
    "padded base64": (lambda p: p.token() + "=", "cut short or was changed"),
    "no base64": (lambda p: "!." + p.token().partition(".")[2], "cut short or was changed"),
    "a list for claims": (lambda p: signed({"alg": "RS256", "kid": "rsa"}, b"[]", RSA), "holds no claims"),
    "no JSON for claims": (lambda p: signed({"alg": "RS256", "kid": "rsa"}, b"\xff{", RSA), "cut short or was changed"),
    "longer than any": (_claims(groups=["g" * 100] * 200), "not a token"),
    "other letters": (lambda p: p.token() + "ä", "not a token"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_token_is_refused_by_name_when_it_is(node: Node, what: str) -> None:
    make, sentence = HOSTILE[what]
    assert await node.verdict(node.provider.token()) == "mari", "the provider answers"
    found = await node.verdict(make(node.provider))
    assert found.startswith(("Forged: ", "Malformed: ")), found
    assert sentence in found


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["rsa", "RS256"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def _said(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, _JSON))


@given(
    st.text() | st.builds("{}.{}.{}".format, st.text("aZ9-_=+."), st.text("aZ9-_"), st.text("aZ9-_"))
    | st.builds(_raw, _said("alg", "kid", "typ", "crit"), _said("iss", "aud", "sub", "exp", "iat", "nbf"))
)  # fmt: skip
def test_whatever_is_sent_instead_of_a_token_raises_our_errors_alone(text: str) -> None:
    try:
        token = Jwt.parse(text)
    except Malformed:
        return
    with pytest.raises(Forged):
        token.believed(RSA, issuer="https://id.park.example", audience=AUDIENCE, now=NOW)


@given(_said("iss", "aud", "sub", "exp", "iat", "nbf"))
def test_whatever_the_provider_itself_signs_raises_our_errors_alone(claims: dict[str, Any]) -> None:
    token = Jwt.parse(signed({"alg": "Ed25519", "kid": "okp"}, orjson.dumps(claims), OKP))
    with pytest.raises(Forged):
        token.believed(OKP, issuer="https://id.park.example", audience=AUDIENCE, now=NOW)


GOOD = {
    "among several audiences": {"aud": ["mail", AUDIENCE]},
    "a minute late": {"exp": NOW - 59, "iat": NOW - 600},
    "a minute early": {"iat": NOW + 59, "nbf": NOW + 59},
    "times with fractions": {"iat": NOW - 0.5, "exp": NOW + 0.5},
}


@pytest.mark.parametrize("what", GOOD)
async def test_a_token_is_believed_when_it_is(node: Node, what: str) -> None:
    assert await node.verdict(node.provider.token(**GOOD[what])) == "mari"


async def test_an_access_token_with_headers_that_nobody_here_reads_is_believed(node: Node) -> None:
    token = _with(typ="at+jwt", x5t="abc", nonce="n", jku="https://id.park.example/keys")(node.provider)
    assert await node.verdict(token) == "mari"


UNFIT = {
    "a secret": OctKey.generate_key(256).as_dict() | {"kid": "k"},
    "for encryption": jwk(RSA, "k", use="enc"),
    "of another algorithm": jwk(RSA, "k", alg="RS512"),
    "of another curve": jwk(ECKey.generate_key("P-384"), "k"),
    "of another Edwards curve": jwk(OKPKey.generate_key("Ed448"), "k"),
    "without a name": {name: value for name, value in jwk(RSA, "k").items() if name != "kid"},
    "with a tiny exponent": jwk(RSA, "k") | {"e": "Aw"},
    "not on its curve": jwk(EC, "k") | {"y": jwk(EC, "k")["x"]},
    "cut short": jwk(OKP, "k") | {"x": "AAAA"},
    "of 512 bits": jwk(RSA, "k") | {"n": jwk(RSA, "k")["n"][:86]},
    "of 100,000 bits": jwk(RSA, "k") | {"n": "_" * 16_668},
    "no base64": jwk(RSA, "k") | {"n": "!" * 342},
    "no text": jwk(RSA, "k") | {"n": 5},
    "of no type": {"kid": "k"},
    "of a type that is a list": {"kid": "k", "kty": ["RSA"]},
    "no object": "k",
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_key_is_left_aside_and_the_others_count_when_it_is(what: str) -> None:
    assert list(read_keys({"keys": [UNFIT[what], jwk(OKP, "good")]})) == [("good", "OKP")]


def test_of_very_many_keys_the_first_hundred_count() -> None:
    assert len(read_keys({"keys": [jwk(OKP, str(number)) for number in range(200)]})) == 100


async def test_the_keys_are_fetched_once_for_many_who_come_together(node: Node) -> None:
    node.provider.gate.clear()
    waiting = [asyncio.create_task(node.verdict(node.provider.token())) for _ in range(20)]
    while not node.provider.asked:
        await asyncio.sleep(0.01)
    waiting.pop().cancel()
    node.provider.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"mari"}
    assert node.provider.asked == [DISCOVERY, "/keys"]


async def test_a_new_key_is_fetched_when_it_is_named_but_at_most_once_a_minute(node: Node) -> None:
    token = _with(key=STRANGERS, kid="new")(node.provider)
    assert "doesn't show" in await node.verdict(token)
    node.provider.keys.append(jwk(STRANGERS, "new"))
    for number in range(50):
        assert "doesn't show" in await node.verdict(_with(kid=f"unknown-{number}")(node.provider))
    assert len(node.provider.asked) == 2
    node.time.pass_by(60)
    assert await node.verdict(token) == "mari"
    assert len(node.provider.asked) == 4


async def test_a_key_that_the_provider_took_back_counts_no_more_after_an_hour(node: Node) -> None:
    token = node.provider.token(exp=NOW + 7_000)
    assert await node.verdict(token) == "mari"
    node.provider.keys = []
    node.time.pass_by(3_600)
    assert await node.verdict(token) == "mari", "nobody waits for what is fetched meanwhile"
    assert node.side._flight is not None
    await node.side._flight
    assert "doesn't show" in await node.verdict(token)


async def test_while_the_provider_is_down_known_keys_count_for_a_day_and_others_are_not_judged(node: Node) -> None:
    def token(**header: Any) -> str:
        now = int(node.time.world().now())
        return _with(claims={"iat": now, "exp": now + 60}, **header)(node.provider)

    assert await node.verdict(token()) == "mari"
    node.provider.status = 500
    node.time.pass_by(86_000)
    assert "Unreachable" in await node.verdict(token(kid="other"))
    assert await node.verdict(token()) == "mari"
    node.time.pass_by(500)
    assert "Unreachable" in await node.verdict(token())
    node.provider.status = 200
    assert "Unreachable" in await node.verdict(token()), "it was asked less than a minute ago"
    node.time.pass_by(60)
    assert await node.verdict(token()) == "mari"


async def test_a_provider_that_was_never_reached_is_not_judged_by(node: Node) -> None:
    node.provider.status = 500
    assert "Unreachable: the organisation's provider doesn't answer now" in await node.verdict(node.provider.token())
    node.provider.issuer = "http://127.0.0.1:9"
    node.side = node.anew()
    assert "Unreachable" in await node.verdict(node.provider.token())


LIES = {
    "another issuer": {"about": {"issuer": "https://evil.example"}},
    "keys over http at another address": {"keys_at": "127.0.0.2"},
    "keys in a file": {"about": {"jwks_uri": "file:///etc/passwd"}},
    "no place for its keys": {"about": {"jwks_uri": 5}},
    "more than a document has": {"padding": 300_000},
    "compressed": {"headers": {"Content-Encoding": "gzip"}},
    "a redirect": {"status": 302},
    "an error": {"status": 503},
}


@pytest.mark.parametrize("what", LIES)
async def test_no_key_is_taken_of_a_provider_that_answers_with(node: Node, what: str) -> None:
    for name, value in LIES[what].items():
        setattr(node.provider, name, value)
    assert "Unreachable" in await node.verdict(node.provider.token())
    assert node.provider.asked[0] == DISCOVERY
    assert MOVED not in node.provider.asked


async def test_a_provider_that_never_ends_its_answer_is_waited_for_briefly(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "SECONDS", 0.05)
    node.provider.gate.clear()
    async with asyncio.timeout(5):
        assert "Unreachable" in await node.verdict(node.provider.token())
    node.provider.gate.set()


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.park.example",
        "http://127.0.0.1.evil.example",
        "ftp://id.park.example",
        "id.park.example",
        "https://",
        "https://[",
        "",
    ],
)
async def test_an_issuer_has_to_be_reached_over_https(node: Node, issuer: str) -> None:
    with pytest.raises(InputError, match="issuer is an https URL"):
        oidc.Provider(node.http, issuer=issuer, audience=AUDIENCE, world=node.time.world())


async def test_a_provider_without_an_audience_is_refused(node: Node) -> None:
    with pytest.raises(InputError, match="audience names this node"):
        oidc.Provider(node.http, issuer="https://id.park.example", audience="", world=node.time.world())
