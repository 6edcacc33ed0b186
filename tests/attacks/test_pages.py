"""What other sites' pages, other people and links do to who looks at a node's pages: nothing is done in their name."""

import asyncio
import contextlib
import http.client
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest

from node.api import oidc
from node.api.code_flow import CodeFlow
from node.api.tokens import mint
from node.config import Oidc
from node.errors import BraError
from node.roaming.links import PATH as LINK
from node.web import page
from tests.api.provider import AUDIENCE, CLIENT, Provider, Time
from tests.nodes import Node
from tests.system.conftest import Make
from tests.web.forms import hidden
from tests.web.served import served

EVIL = "https://evil.example"
OWN = {"Sec-Fetch-Site": "same-origin"}
LOOKED_AT = "/login"
"""A page on which stands whether one is logged in."""


@pytest.fixture(scope="module")
def tartu(make_once: Make) -> Iterator[Node]:
    node = make_once("Tartu", api={"refused_tokens": 3})
    node.serve()
    yield node
    node.stop()


def send(
    node: Node, path: str, form: Mapping[str, str] | None, *, cookie: str = "", **told: str
) -> tuple[int, http.client.HTTPMessage, str]:
    """Status, headers and page of the answer to a form, or to a GET where there is none."""
    headers = {name.replace("_", "-"): value for name, value in told.items()}
    if cookie:
        headers["Cookie"] = f"session={cookie}"
    body = None
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form)
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    try:
        connection.request("GET" if form is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def token(node: Node, role: str = "operator") -> str:
    made: str = node.json("token", "create", "--role", role, "--label", "a test")["token"]
    return made


def session(answer: tuple[int, http.client.HTTPMessage, str]) -> str:
    """The cookie's secret that an answer sets; empty for none."""
    for cookie in answer[1].get_all("Set-Cookie", []):
        name, _, value = cookie.partition(";")[0].partition("=")
        if name == "session":
            return value
    return ""


def log_in(node: Node, text: str, *, cookie: str = "", csrf: str = "") -> str:
    form = {"token": text, "csrf": csrf}
    found = session(send(node, "/login", form, cookie=cookie, Sec_Fetch_Site="same-origin"))
    assert found
    return found


def logged_in(node: Node, cookie: str) -> bool:
    return 'action="/logout"' in send(node, LOOKED_AT, None, cookie=cookie)[2]


def csrf(node: Node, cookie: str) -> str:
    return hidden(send(node, LOOKED_AT, None, cookie=cookie)[2], "/logout")["csrf"]


FORGED = {
    "by a form": {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
    "by a form of a sister host": {"Sec-Fetch-Site": "same-site", "Origin": "https://other.park.example"},
    "by a form in a frame without an origin": {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    "by a form over plain http": {"Origin": "http://evil.example"},
    "by a form over plain http, in a frame without an origin": {"Origin": "null"},
}


@pytest.mark.parametrize("how", FORGED)
def test_another_sites_page_does_nothing_in_a_visitors_name(tartu: Node, how: str) -> None:
    text = token(tartu)
    mine = log_in(tartu, text)
    told = {name.replace("-", "_"): value for name, value in FORGED[how].items()}
    # Even one that has found out what the visitor's pages have in their forms.
    status, _, _ = send(tartu, "/logout", {"csrf": csrf(tartu, mine)}, cookie=mine, **told)
    assert (status, logged_in(tartu, mine)) == (403, True)
    forged = send(tartu, "/login", {"token": text}, **told)
    assert (forged[0], session(forged)) == (403, "")


def test_what_a_browser_sends_that_does_not_say_where_a_form_comes_from_is_the_pages_own_or_nothing(
    tartu: Node,
) -> None:
    text = token(tartu)
    mine, theirs = log_in(tartu, text), log_in(tartu, token(tartu, "member"))
    for forged in ("", csrf(tartu, theirs), mine):
        status, _, _ = send(tartu, "/logout", {"csrf": forged}, cookie=mine)
        assert (status, logged_in(tartu, mine)) == (403, True)
    status, _, _ = send(tartu, "/logout", {"csrf": csrf(tartu, mine)}, cookie=mine)
    assert (status, logged_in(tartu, mine)) == (303, False)


def test_nobody_is_logged_in_as_somebody_else_by_a_form_from_nowhere(tartu: Node) -> None:
    forged = send(tartu, "/login", {"token": token(tartu, "member")})
    assert (forged[0], session(forged)) == (403, "")


def test_a_session_that_was_planted_in_a_browser_is_not_the_one_of_who_logs_in_there(tartu: Node) -> None:
    planted = log_in(tartu, token(tartu, "member"))
    mine = log_in(tartu, token(tartu), cookie=planted, csrf=csrf(tartu, planted))
    assert mine != planted
    assert (logged_in(tartu, mine), logged_in(tartu, planted)) == (True, False)


def test_a_session_is_over_when_its_token_is(tartu: Node) -> None:
    made = tartu.json("token", "create", "--role", "operator", "--label", "a test")
    stolen = log_in(tartu, made["token"])
    assert logged_in(tartu, stolen)
    tartu.bra("token", "revoke", made["id"])
    assert not logged_in(tartu, stolen)


def test_who_reads_the_database_is_logged_in_as_nobody(tartu: Node) -> None:
    mine = log_in(tartu, token(tartu))
    for path in (tartu.home / "var").rglob("*"):
        assert not path.is_file() or mine.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("then", ["//evil.example", EVIL, "/\\evil.example", "/\t/evil.example"])
def test_a_link_to_the_login_leads_to_no_other_site(tartu: Node, then: str) -> None:
    status, headers, _ = send(tartu, "/login", {"token": token(tartu), "next": then}, Sec_Fetch_Site="same-origin")
    assert (status, headers["Location"]) == (303, "/")


def test_tokens_are_guessed_no_faster_at_the_pages_than_at_the_api(tartu: Node) -> None:
    guesses = [
        send(tartu, "/login", {"token": mint(bytes([number] * 5), bytes(32))}, Sec_Fetch_Site="same-origin")[0]
        for number in range(4)
    ]
    assert guesses == [401, 401, 401, 429]
    assert logged_in(tartu, log_in(tartu, token(tartu)))


@pytest.mark.parametrize("path", ["/login", f"{LINK}/{'x' * 43}"])
async def test_a_form_that_trickles_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(page, "FORM_SECONDS", 0.2)
    async with served(tmp_path) as node:
        host = node.base.removeprefix("http://")
        told = f"Host: {host}\r\nOrigin: {node.base}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        reader, writer = await asyncio.open_connection(*host.split(":"))
        writer.write(f"POST {path} HTTP/1.1\r\n{told}Content-Length: 1000\r\n\r\ntoken=".encode())
        answered = b""
        with contextlib.suppress(TimeoutError):
            answered = await asyncio.wait_for(reader.readline(), 20)
        writer.close()
        assert answered.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 404 ")), "the node waits without an end"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider.running() as provider:
        provider.secret = ""
        yield provider


async def came_back(flow: CodeFlow, secret: str, http_: aiohttp.ClientSession) -> dict[str, str]:
    async with http_.get(await flow.address(secret), allow_redirects=False) as response:
        return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


async def let_in(flow: CodeFlow, secret: str, came: Mapping[str, str]) -> bool:
    try:
        await flow.redeem(secret, came)
    except BraError:
        return False
    return True


async def test_nobody_is_logged_in_at_the_provider_by_what_another_began(provider: Provider) -> None:
    settings = Oidc(issuer=provider.issuer, audience=AUDIENCE, client_id=CLIENT)
    async with aiohttp.ClientSession(auto_decompress=False) as http_:
        side = oidc.Provider(http_, issuer=provider.issuer, audience=AUDIENCE, world=Time().world())
        flow = CodeFlow(side, settings, returns="https://node.park.example/back")
        mine, theirs = "m" * 43, "n" * 43
        assert await let_in(flow, mine, await came_back(flow, mine, http_))
        provider.asked.clear()
        assert not await let_in(flow, mine, await came_back(flow, theirs, http_))
        assert provider.asked == []
        # A provider that doesn't look at the verifier gives a token, which is of the other login.
        code = (await came_back(flow, theirs, http_))["code"]
        back = await came_back(flow, mine, http_)
        provider.codes[code]["code_challenge"] = provider.codes[back["code"]]["code_challenge"]
        assert not await let_in(flow, mine, {**back, "code": code})
        assert provider.asked == ["/token"]


async def test_a_link_that_comes_back_from_the_provider_logs_nobody_in_who_did_not_set_out(provider: Provider) -> None:
    settings = Oidc(issuer=provider.issuer, audience=AUDIENCE, client_id=CLIENT)
    async with aiohttp.ClientSession(auto_decompress=False) as http_:
        side = oidc.Provider(http_, issuer=provider.issuer, audience=AUDIENCE, world=Time().world())
        flow = CodeFlow(side, settings, returns="https://node.park.example/back")
        # A browser that never set out keeps no secret, and whoever knows this can work out all that follows from none.
        back = await came_back(flow, "", http_)
        provider.asked.clear()
        assert not await let_in(flow, "", back)
        assert provider.asked == []
