"""Logging in at an organisation's provider: who comes back is who set out, and nobody else's word for it counts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import pytest

from node.api import code_flow, oidc
from node.api.code_flow import CodeFlow
from node.config import Oidc
from node.errors import BraError, HomeError
from tests.api.provider import AUDIENCE, CLIENT, SECRET, STRANGERS, Provider, Time, jwk

RETURNS = "https://node.park.example/login/oidc/callback"
MINE = "m" * 43


@dataclass
class Node:
    """A node's side of it, at a time that the test sets, and a browser that only goes where it is sent."""

    provider: Provider
    http: aiohttp.ClientSession
    secret_file: Path
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.secret_file.write_text(f"{SECRET}\n")
        self.flow = self.anew()

    def anew(self, *, public: bool = False) -> CodeFlow:
        settings = Oidc(
            issuer=self.provider.issuer, audience=AUDIENCE, client_id=CLIENT, scope="openid groups",
            client_secret_file="" if public else str(self.secret_file),
        )  # fmt: skip
        world = self.time.world()
        side = oidc.Provider(self.http, issuer=settings.issuer, audience=AUDIENCE, world=world)
        return CodeFlow(side, settings, returns=RETURNS)

    async def come_back(self, secret: str = MINE) -> dict[str, str]:
        """The query with which a browser that set out with this secret comes back."""
        async with self.http.get(await self.flow.address(secret), allow_redirects=False) as response:
            where = urlsplit(response.headers["Location"])
        assert where._replace(query="").geturl() == RETURNS
        return dict(parse_qsl(where.query))

    async def verdict(self, came: Mapping[str, str], secret: str = MINE) -> str:
        """Who came back, or the refusal."""
        try:
            return str((await self.flow.redeem(secret, came))["sub"])
        except BraError as error:
            assert not {came.get("code"), secret, SECRET} & set(str(error).split())
            return f"{type(error).__name__}: {error}"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with Provider.running() as provider, aiohttp.ClientSession(auto_decompress=False) as http:
        yield Node(provider, http, tmp_path / "secret")


async def test_who_sets_out_comes_back_as_whom_the_provider_knows(node: Node) -> None:
    node.provider.person = {"sub": "mari", "groups": ["bra-desk"]}
    claims = await node.flow.redeem(MINE, await node.come_back())
    assert (claims["sub"], claims["groups"]) == ("mari", ["bra-desk"])


async def test_the_address_tells_the_provider_what_it_needs_and_nothing_of_the_secret(node: Node) -> None:
    address = await node.flow.address(MINE)
    asked = {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}
    assert (asked["redirect_uri"], asked["scope"], asked["response_type"]) == (RETURNS, "openid groups", "code")
    spelled = [asked[name] for name in ("state", "nonce", "code_challenge")]
    assert len({*spelled, MINE}) == 4
    assert SECRET not in address and MINE not in address
    assert [asked[name] for name in ("state", "nonce")] != [
        parse_qs(urlsplit(await node.flow.address("n" * 43)).query)[name][0] for name in ("state", "nonce")
    ]


async def test_an_endpoint_with_a_query_of_its_own_keeps_it(node: Node) -> None:
    node.provider.about = {"authorization_endpoint": f"{node.provider.issuer}/authorize?tenant=park"}
    assert parse_qs(urlsplit(await node.flow.address(MINE)).query)["tenant"] == ["park"]


async def test_a_client_tells_its_secret_as_the_provider_wants_or_has_none(node: Node) -> None:
    node.provider.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    node.flow = node.anew()
    assert await node.verdict(await node.come_back()) == "mari"
    node.provider.about, node.provider.secret = {}, ""
    node.flow = node.anew(public=True)
    assert await node.verdict(await node.come_back()) == "mari"
    node.provider.secret = "another one"
    assert "did not confirm this login" in await node.verdict(await node.come_back())


async def test_a_code_is_good_once(node: Node) -> None:
    came = await node.come_back()
    assert await node.verdict(came) == "mari"
    assert "did not confirm this login" in await node.verdict(came)


CAME = {
    "in another browser": (lambda came: came, "n" * 43, "not begun in this browser"),
    "in a browser that never set out": (lambda came: came, "", "not begun in this browser"),
    "without a state": (lambda came: {"code": came["code"]}, MINE, "not begun in this browser"),
    "with a state of other letters": (lambda came: {**came, "state": "ä"}, MINE, "not begun in this browser"),
    "from another provider": (lambda came: {**came, "iss": "https://evil.example"}, MINE, "another provider"),
    "with a refusal": (
        lambda came: {"state": came["state"], "error": "access_denied\x1b[2J"}, MINE, "says 'access_denied [2J'",
    ),
    "without a code": (lambda came: {"state": came["state"]}, MINE, "sent no code"),
    "with a code too long": (lambda came: {**came, "code": "c" * 5_000}, MINE, "sent no code"),
    "with a code that nobody gave": (lambda came: {**came, "code": "c"}, MINE, "did not confirm this login"),
}  # fmt: skip


@pytest.mark.parametrize("how", CAME)
async def test_nobody_is_let_in_who_comes_back(node: Node, how: str) -> None:
    change, secret, sentence = CAME[how]
    assert sentence in await node.verdict(change(await node.come_back()), secret)
    assert ("/token" in node.provider.asked) is ("did not confirm" in sentence)


async def test_a_code_of_another_browser_is_no_good_in_this_one(node: Node) -> None:
    """Somebody has a victim's browser bring the code of their own login: PKCE ties it to the browser that set out."""
    theirs, mine = await node.come_back("n" * 43), await node.come_back()
    assert "did not confirm this login" in await node.verdict({**mine, "code": theirs["code"]})


TOKENS = {
    "of another login": ({"nonce": "another"}, "of another login"),
    "of no login": ({"nonce": None}, "of another login"),
    "of a nonce that is no text": ({"nonce": 5}, "of another login"),
    "for the API, not for the pages": ({"aud": AUDIENCE}, "for another service"),
    "for another service, too": ({"aud": [CLIENT, "mail"]}, "for another service, too"),
    "for another service, which asked for it": ({"azp": "mail"}, "for another service, too"),
    "of another provider": ({"iss": "https://evil.example"}, "of another provider"),
    "expired": ({"iat": 1_000, "exp": 2_000}, "has expired"),
}


@pytest.mark.parametrize("what", TOKENS)
async def test_an_id_token_is_refused_that_is(node: Node, what: str) -> None:
    node.provider.person, sentence = TOKENS[what]
    assert sentence in await node.verdict(await node.come_back())


async def test_an_id_token_that_a_stranger_signed_is_refused(node: Node) -> None:
    node.provider.keys = [jwk(STRANGERS, "rsa")]
    assert "signature doesn't hold" in await node.verdict(await node.come_back())


async def test_an_id_token_for_several_that_was_made_for_this_client_counts(node: Node) -> None:
    node.provider.person = {"sub": "mari", "aud": ["mail", CLIENT], "azp": CLIENT}
    assert await node.verdict(await node.come_back()) == "mari"


LIES: dict[str, dict[str, Any]] = {
    "an error": {"status": 500},
    "a redirect": {"status": 302},
    "a compressed answer": {"headers": {"Content-Encoding": "gzip"}},
}


@pytest.mark.parametrize("what", LIES)
async def test_nobody_is_judged_by_a_provider_that_answers_with(node: Node, what: str) -> None:
    came = await node.come_back()
    for name, value in LIES[what].items():
        setattr(node.provider, name, value)
    assert (await node.verdict(came)).startswith("Unreachable: the organisation's provider doesn't answer now")


async def test_an_endpoint_is_asked_over_https_or_on_this_machine_alone(node: Node) -> None:
    for place in ("http://id.park.example/token", "file:///etc/passwd", 5, None):
        node.provider.about = {"token_endpoint": place}
        node.flow = node.anew()
        assert "Unreachable: nobody can log in" in await node.verdict(await node.come_back())


async def test_while_the_provider_was_never_reached_nobody_sets_out(node: Node) -> None:
    node.provider.status = 500
    with pytest.raises(BraError, match="try again in a minute"):
        await node.flow.address(MINE)
    node.provider.status = 200
    node.time.pass_by(60)
    assert await node.verdict(await node.come_back()) == "mari"


async def test_a_crowd_with_made_up_codes_has_the_provider_asked_only_so_often_at_once(node: Node) -> None:
    came = await node.come_back()
    before = len(node.provider.asked)
    node.provider.gate.clear()
    crowd = [asyncio.create_task(node.verdict({**came, "code": str(number)})) for number in range(20)]
    while len(node.provider.asked) < before + code_flow.AT_ONCE:
        await asyncio.sleep(0.01)
    assert "too many people log in just now" in await node.verdict(came)
    node.provider.gate.set()
    verdicts = await asyncio.gather(*crowd)
    assert sum("did not confirm" in each for each in verdicts) == code_flow.AT_ONCE
    assert len(node.provider.asked) == before + code_flow.AT_ONCE
    assert await node.verdict(came) == "mari"


async def test_without_the_clients_secret_the_node_does_not_start(node: Node) -> None:
    node.secret_file.unlink()
    with pytest.raises(HomeError, match=r"put the client's secret into it \(\[oidc\] client_secret_file\)"):
        node.anew()
