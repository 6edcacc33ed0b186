"""Logging in and out at the pages: by a token that is typed in, and at the organisation's provider."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from node.api.access import Access
from node.api.role import Role
from node.api.tokens import DAY, Tokens, mint
from node.config import Api, Oidc
from node.errors import InputError
from node.problem import plain_errors
from node.web.page import Asked, Page, Pages, View
from node.web.pages.login import CALLBACK, LoginPages
from node.web.sessions import Sessions
from tests.api.provider import AUDIENCE, CLIENT, NOW, SECRET, Provider
from tests.directory.small_node import SmallNode
from tests.nodes import free_port
from tests.web.forms import hidden

TIGHT = Api(refused_tokens=3, public_reads=10_000)
OWN = {"Sec-Fetch-Site": "same-origin"}


class Site:
    """A node's pages for logging in, one for operators, and a browser that keeps cookies and goes where it is sent."""

    def __init__(self, node: SmallNode, http: aiohttp.ClientSession, oidc: Oidc | None = None) -> None:
        self.http = http
        self.oidc = oidc or Oidc()
        self.base = f"http://127.0.0.1:{free_port()}"
        self.tokens = Tokens(node.database, node.world)
        self._access = access = Access(self.tokens, http, api=TIGHT, oidc=self.oidc, world=node.world)
        self.sessions = Sessions(access, node.database, node.world, secure=False)
        login = LoginPages(self.sessions, access, self.base, node.world)
        operators = Page("/operate", show=self._operate, do=self._operate, role=Role.OPERATOR)
        self._pages = Pages(self.sessions, access, self._owner, [*login.pages(), operators])

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Site"]:
        app = web.Application(middlewares=[plain_errors])
        self.sessions.protect(app)
        self._access.protect(app)
        app.add_routes(self._pages.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", URL(self.base).port).start()
        yield self
        await runner.cleanup()

    async def _operate(self, asked: Asked) -> View:
        return View("wrong.html", {"sentence": f"operated by {asked.visitor.caller.id}"})

    async def _owner(self) -> str:
        return "Tartu Park"

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> tuple[aiohttp.ClientResponse, str]:
        async with self.http.get(self.base + path, headers=headers, allow_redirects=follow) as response:
            return response, await response.text()

    async def post(
        self, path: str, form: dict[str, str], headers: dict[str, str] | None = None
    ) -> tuple[aiohttp.ClientResponse, str]:
        told = OWN if headers is None else headers
        async with self.http.post(self.base + path, data=form, headers=told, allow_redirects=False) as response:
            return response, await response.text()

    def cookie(self) -> str:
        """The browser's session, which it has no more."""
        found = self.http.cookie_jar.filter_cookies(URL(self.base))["session"].value
        self.http.cookie_jar.clear()
        return found

    async def token(self, role: Role = Role.OPERATOR, **options: Any) -> str:
        return (await self.tokens.create(role, "Reception", DAY, **options))[0]

    async def log_in(self, token: str, *, then: str = "/operate") -> aiohttp.ClientResponse:
        _, page = await self.get("/login")
        response, _ = await self.post("/login", {**hidden(page, "/login"), "token": token, "next": then})
        return response


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=True) as http:
        yield http


@pytest.fixture
async def site(tartu: SmallNode, http: aiohttp.ClientSession) -> AsyncIterator[Site]:
    async with Site(tartu, http).serving() as site:
        yield site


async def test_whoever_may_not_see_a_page_logs_in_and_comes_back_to_it(site: Site) -> None:
    response, page = await site.get("/operate?q=a%26b")
    assert (response.status, response.url.path) == (200, "/login")
    assert hidden(page, "/login")["next"] == "/operate?q=a%26b"
    response, _ = await site.post("/login", {**hidden(page, "/login"), "token": f" {await site.token()}\n"})
    assert (response.status, response.headers["Location"]) == (303, "/operate?q=a%26b")
    response, page = await site.get("/operate?q=a%26b")
    assert (response.url.path, "Operated by" in page) == ("/operate", True)
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_form_or_a_part_of_a_page_that_comes_after_the_session_is_over_leads_to_the_login(site: Site) -> None:
    response, _ = await site.post("/operate", {"name": "typed"})
    assert (response.status, response.headers["Location"]) == (303, "/login?next=%2Foperate")
    response, part = await site.get("/operate?q=a", **{"HX-Request": "true"})
    assert (response.status, response.headers["HX-Redirect"], part) == (200, "/login?next=%2Foperate%3Fq%3Da", "")
    assert response.headers["Cache-Control"] == "no-store"


async def test_who_logs_out_is_the_public_again_also_with_the_cookie_that_was(site: Site) -> None:
    await site.log_in(await site.token())
    cookie = site.http.cookie_jar.filter_cookies(URL(site.base))["session"].value
    _, page = await site.get("/operate")
    response, _ = await site.post("/logout", hidden(page, "/logout"))
    assert (response.status, response.headers["Location"]) == (303, "/login")
    assert (await site.get("/operate", follow=False))[0].status == 303
    assert (await site.get("/operate", follow=False, Cookie=f"session={cookie}"))[0].status == 303


async def test_a_role_that_is_too_low_is_told_so_and_not_asked_to_log_in(site: Site) -> None:
    await site.log_in(await site.token(Role.DESK))
    response, page = await site.get("/operate", follow=False)
    assert (response.status, "needs the role operator" in page) == (403, True)


async def test_getting_a_page_logs_nobody_in_or_out(site: Site) -> None:
    token = await site.token()
    await site.get(f"/login?token={token}")
    assert (await site.get("/operate", follow=False))[0].status == 303
    await site.log_in(token)
    assert (await site.get("/logout"))[0].status == 405
    assert (await site.get("/operate", follow=False))[0].status == 200


async def test_wrong_tokens_are_refused_above_the_form_and_soon_not_told_why_and_a_good_one_works_beside_them(
    site: Site,
) -> None:
    feed = await site.token(Role.MEMBER, feed="/api/v1/event.ics")
    expected = ("not known here", "not known here", "for /api/v1/event.ics alone", "too many tokens were refused")
    wrong = ("", mint(b"other", bytes(32)), feed, "bra_" + "x" * 10_000)
    for token, sentence in zip(wrong, expected, strict=True):
        response, page = await site.post("/login", {"token": token, "next": "/operate"})
        assert sentence.replace("'", "&#39;") in page.lower() and not response.cookies
        assert not token or token not in page
        assert (response.status, "Retry-After" in response.headers) == (
            (429, True) if "too many" in sentence else (401, False)
        )
        assert hidden(page, "/login")["next"] == "/operate"
    assert (await site.log_in(await site.token())).status == 303


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
async def test_nobody_is_sent_elsewhere_after_the_login(site: Site, then: str) -> None:
    _, page = await site.get(f"/login?next={quote(then, safe='')}")
    assert hidden(page, "/login")["next"] == "/"
    assert (await site.log_in(await site.token(), then=then)).headers["Location"] == "/"


async def test_a_page_of_another_site_logs_nobody_in_as_somebody_else(site: Site) -> None:
    token = await site.token()
    for told in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        response, _ = await site.post("/login", {"token": token}, told)
        assert (response.status, len(response.cookies)) == (403, 0)
    assert (await site.post("/login", {"token": token}, {"Origin": site.base}))[0].status == 303


async def test_without_a_provider_none_is_offered_or_asked(site: Site) -> None:
    assert "/login/oidc" not in (await site.get("/login"))[1]
    assert (await site.get("/login/oidc"))[0].status == 404


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider.running() as provider:
        provider.person = {"sub": "mari", "groups": ["bra-admin"]}
        yield provider


@pytest.fixture
async def by_provider(
    tartu: SmallNode, http: aiohttp.ClientSession, provider: Provider, tmp_path: Path
) -> AsyncIterator[Site]:
    (tmp_path / "secret").write_text(SECRET)
    tartu.clock.time = NOW
    oidc = Oidc(
        issuer=provider.issuer, audience=AUDIENCE, client_id=CLIENT, client_secret_file=str(tmp_path / "secret"),
        roles={"bra-admin": "operator"},
    )  # fmt: skip
    async with Site(tartu, http, oidc).serving() as site:
        yield site


async def test_a_person_logs_in_at_the_provider_with_the_role_of_a_group_and_comes_back(by_provider: Site) -> None:
    _, page = await by_provider.get("/operate?q=a")
    link = re.search('href="(/login/oidc[^"]*)"', page)
    assert link
    response, page = await by_provider.get(link[1])
    assert (response.status, response.url.path_qs) == (200, "/operate?q=a")
    assert f"Operated by oidc:{by_provider.oidc.issuer}#mari" in page
    assert not {"login"} & {each.key for each in by_provider.http.cookie_jar}, "what it set out with is forgotten"
    assert [each.url.path for each in response.history] == ["/login/oidc", "/authorize", CALLBACK]


async def test_a_login_at_the_provider_ends_the_session_that_the_browser_had(by_provider: Site) -> None:
    await by_provider.log_in(await by_provider.token())
    before = by_provider.http.cookie_jar.filter_cookies(URL(by_provider.base))["session"].value
    await by_provider.get("/login/oidc")
    by_provider.http.cookie_jar.clear()
    assert (await by_provider.get("/operate", follow=False, Cookie=f"session={before}"))[0].status == 303


CHANGES: dict[str, dict[str, Any]] = {
    "a group that has its role no more": {"roles": {}},
    "another claim that names groups": {"role_claim": "teams"},
    "another provider": {"issuer": "https://id.park.example"},
    "no provider": {"issuer": ""},
}


@pytest.mark.parametrize("what", CHANGES)
async def test_people_of_the_provider_log_in_again_at_a_node_that_starts_with(
    tartu: SmallNode, by_provider: Site, what: str
) -> None:
    await by_provider.get("/login/oidc")
    person = by_provider.cookie()
    await by_provider.log_in(await by_provider.token())
    cookies = person, by_provider.cookie()
    feed, _ = await by_provider.tokens.create_own("/api/v1/event.ics", "oidc:mari", "Mari")
    assert (await by_provider.tokens.find(feed)).maker == "oidc:mari"
    for changes, by_person in (({}, 200), (CHANGES[what], 303), ({}, 303)):
        async with Site(tartu, by_provider.http, by_provider.oidc.model_copy(update=changes)).serving() as again:
            answers = [await again.get("/operate", follow=False, Cookie=f"session={each}") for each in cookies]
        assert [response.status for response, _ in answers] == [by_person, 200]
    with pytest.raises(InputError, match="revoked"):
        await again.tokens.find(feed)


async def test_whoever_did_not_set_out_here_is_not_logged_in_and_soon_not_told_why(
    by_provider: Site, provider: Provider
) -> None:
    """Somebody sets out, and has a victim's browser come back: it would be logged in as them."""
    response, _ = await by_provider.get("/login/oidc", follow=False)
    async with by_provider.http.get(response.headers["Location"], allow_redirects=False) as back:
        theirs = URL(back.headers["Location"]).path_qs
    by_provider.http.cookie_jar.clear()
    for status in (401, 401, 401, 429):
        response, page = await by_provider.get(theirs)
        assert (response.status, len(response.cookies)) == (status, 0), page
    assert "/token" not in provider.asked


async def test_a_provider_that_is_silent_is_said_above_the_form(by_provider: Site, provider: Provider) -> None:
    provider.status = 500
    response, page = await by_provider.get("/login/oidc")
    assert (response.status, response.headers["Retry-After"]) == (503, "60")
    assert "try again in a minute" in page
    assert (await by_provider.log_in(await by_provider.token())).status == 303


async def test_nobody_is_sent_elsewhere_after_the_login_at_the_provider(by_provider: Site) -> None:
    for then in ("//evil.example", "https://evil.example", "/" + "%" * 1_999):
        response, _ = await by_provider.get(f"/login/oidc?next={quote(then, safe='')}", follow=False)
        async with by_provider.http.get(response.headers["Location"], allow_redirects=False) as back:
            returned = URL(back.headers["Location"]).path_qs
        response, _ = await by_provider.get(returned, follow=False)
        assert (response.status, response.headers["Location"]) == (303, "/"), then


async def test_a_node_without_an_address_has_nothing_to_come_back_to(
    tartu: SmallNode, http: aiohttp.ClientSession
) -> None:
    oidc = Oidc(issuer="https://id.park.example", audience=AUDIENCE, client_id=CLIENT)
    access = Access(Tokens(tartu.database, tartu.world), http, api=TIGHT, oidc=oidc, world=tartu.world)
    sessions = Sessions(access, tartu.database, tartu.world, secure=False)
    with pytest.raises(InputError, match=r"needs the url of \[node\]"):
        LoginPages(sessions, access, "", tartu.world)
