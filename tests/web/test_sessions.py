"""Sessions: whose cookie it is, how long it counts, and which forms are a visitor's own."""

import re
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from node.api.access import Access, Caller
from node.api.refusals import Refused
from node.api.role import Role
from node.api.tokens import DAY, Tokens
from node.config import Api, Oidc
from node.errors import HomeError
from node.housekeeping import Housekeeping, Work
from node.problem import plain_errors
from node.storage import sessions as rows
from node.storage.sessions import UNUSED_AFTER
from node.web.sessions import LASTS, MOST, Sessions, own_path
from node.world import World
from tests.directory.small_node import SmallNode
from tests.web.served import served

MARI = Caller(Role.DESK, "oidc:mari", "mari")
OWN = {"Sec-Fetch-Site": "same-origin"}


class Site:
    """A node whose pages say who looks at them, log in whoever has a token, and log out."""

    def __init__(self, node: SmallNode, http: aiohttp.ClientSession, *, secure: bool = False) -> None:
        self.node = node
        self.http = http
        self.tokens = Tokens(node.database, node.world)
        self.access = Access(self.tokens, http, api=Api(), oidc=Oidc(), world=node.world)
        self.sessions = Sessions(self.access, node.database, node.world, secure=secure)
        self.base = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Site"]:
        app = web.Application(middlewares=[plain_errors])
        app.add_routes([web.get("/", self._who), web.post("/form", self._form)])
        app.add_routes([web.post("/in", self._log_in), web.post("/person", self._person), web.post("/out", self._out)])
        self.sessions.protect(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    async def _who(self, request: web.Request) -> web.Response:
        found = await self.sessions.visitor(request)
        said = {"role": found.caller.role.label, "id": found.caller.id, "in": found.logged_in}
        return web.json_response({**said, "csrf": found.csrf, "session": found.session})

    async def _form(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            self.sessions.check(request, await self.sessions.visitor(request), form)
        except Refused as error:
            return web.Response(status=error.status, text=str(error))
        return web.Response(text="done")

    async def _log_in(self, request: web.Request) -> web.Response:
        caller, until = await self.access.typed(request, await request.text())
        await self.sessions.begin(request, caller, until)
        raise web.HTTPSeeOther("/")

    async def _person(self, request: web.Request) -> web.Response:
        await self.sessions.begin(request, MARI)
        return web.Response()

    async def _out(self, request: web.Request) -> web.Response:
        await self.sessions.end(request)
        return web.Response()

    async def ask(
        self, method: str, path: str, cookie: str = "", **sent: Any
    ) -> tuple[aiohttp.ClientResponse, Morsel[str] | None]:
        """The answer, and the cookie that it sets."""
        headers = {**sent.pop("headers", {}), **({"Cookie": f"{self.name}={cookie}"} if cookie else {})}
        async with self.http.request(
            method, self.base + path, headers=headers, allow_redirects=False, **sent
        ) as response:
            await response.read()
            return response, response.cookies.get(self.name)

    @property
    def name(self) -> str:
        return self.sessions._spelled("session")

    async def who(self, cookie: str = "") -> dict[str, Any]:
        found: dict[str, Any] = await (await self.ask("GET", "/", cookie))[0].json()
        return found

    async def log_in(self, role: Role = Role.MEMBER, *, lasts: int = 90 * DAY, before: str = "") -> str:
        """The cookie of a new session of a new token."""
        text, _ = await self.tokens.create(role, "Reception", lasts)
        return await self.with_token(text, before)

    async def with_token(self, text: str, before: str = "") -> str:
        _, cookie = await self.ask("POST", "/in", before, data=text)
        assert cookie is not None
        return cookie.value

    async def send(self, cookie: str, csrf: str | None, headers: Mapping[str, str]) -> tuple[int, str]:
        data = {} if csrf is None else {"csrf": csrf}
        response, _ = await self.ask("POST", "/form", cookie, data={"a": "b", **data}, headers=dict(headers))
        return response.status, await response.text()


@pytest.fixture
async def site(tartu: SmallNode) -> AsyncIterator[Site]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http, Site(tartu, http).serving() as site:
        yield site


def held(node: SmallNode) -> int:
    found: int = node.database.read_now(lambda db: db.execute("SELECT count(*) FROM sessions").fetchone()[0])
    return found


async def test_a_cookie_stands_for_whoever_logged_in_also_after_a_restart(site: Site) -> None:
    assert await site.who() == {"role": "public", "id": "", "in": False, "csrf": "", "session": ""}
    cookie = await site.log_in(Role.OPERATOR)
    found = await site.who(cookie)
    assert (found["role"], found["in"], len(found["session"])) == ("operator", True, 12)
    async with Site(site.node, site.http).serving() as again:
        assert (await again.who(cookie))["id"] == found["id"]


async def test_the_cookie_is_for_no_script_no_other_site_and_no_other_host(tartu: SmallNode, site: Site) -> None:
    token, _ = await site.tokens.create(Role.MEMBER, "Reception", DAY)
    async with Site(tartu, site.http, secure=True).serving() as by_https:
        for each, name, secure in ((site, "session", ""), (by_https, "__Host-session", True)):
            response, cookie = await each.ask("POST", "/in", data=token)
            assert cookie is not None and cookie.key == name
            assert re.fullmatch("[A-Za-z0-9_-]{43}", cookie.value)
            assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
            assert (cookie["secure"], cookie["domain"]) == (secure, "")
            assert cookie["max-age"] == str(LASTS)
            assert response.headers["Cache-Control"] == "no-store"
        assert not (await by_https.who(cookie.value + "x"))["in"]


async def test_neither_the_cookie_nor_what_a_form_sends_back_stands_on_the_disk(site: Site, tmp_path: Path) -> None:
    cookie = await site.log_in()
    csrf = (await site.who(cookie))["csrf"]
    assert cookie not in csrf
    site.node.close()
    for file in tmp_path.glob("tartu.db*"):
        data = file.read_bytes()
        assert cookie.encode() not in data
        assert csrf[22:].encode() not in data


BAD = {
    "no secret at all": "x",
    "the empty text": '""',
    "another one of its form": "A" * 43,
    "too long": "A" * 4_000,
    "with other letters": "A" * 42 + "%",
}


async def test_a_bad_cookie_is_the_public_and_is_forgotten_by_the_browser(site: Site) -> None:
    await site.log_in()
    for what, bad in BAD.items():
        response, cookie = await site.ask("GET", "/", bad)
        assert (response.status, (await response.json())["role"]) == (200, "public"), what
        assert cookie is not None and (cookie.value, cookie["max-age"], cookie["path"]) == ("", "0", "/"), what


async def test_without_a_cookie_none_is_set(site: Site) -> None:
    assert (await site.ask("GET", "/"))[1] is None
    assert (await site.ask("GET", "/", await site.log_in()))[1] is None
    assert (await site.ask("POST", "/out"))[1] is None


ENDS = {
    "a member's": (Role.MEMBER, 90 * DAY, LASTS),
    "an operator's": (Role.OPERATOR, 90 * DAY, LASTS),
    "one of a token that ends before": (Role.MEMBER, 3_600, 3_600),
    "a desk's": (Role.DESK, 20 * DAY, 20 * DAY),
}


@pytest.mark.parametrize("whose", ENDS)
async def test_a_session_ends_at_its_second_when_it_is(site: Site, whose: str) -> None:
    role, lasts, ends = ENDS[whose]
    cookie = await site.log_in(role, lasts=lasts)
    site.node.clock.pass_by(ends - 1)
    assert (await site.who(cookie))["in"]
    site.node.clock.pass_by(1)
    assert not (await site.who(cookie))["in"]


async def test_a_person_of_the_provider_is_logged_in_for_half_a_day_whatever_the_role(site: Site) -> None:
    site.access.provider = object()  # type: ignore[assignment] # it is there, and isn't asked
    _, cookie = await site.ask("POST", "/person")
    assert cookie is not None
    assert (await site.who(cookie.value)) | {"csrf": "", "session": ""} == {
        "role": "desk", "id": "oidc:mari", "in": True, "csrf": "", "session": "",
    }  # fmt: skip
    site.access.provider = None
    assert not (await site.who(cookie.value))["in"], "the operator has taken the provider out of the configuration"
    site.access.provider = object()  # type: ignore[assignment]
    site.node.clock.pass_by(LASTS)
    assert not (await site.who(cookie.value))["in"]


async def test_a_desk_that_is_used_stays_on_and_one_that_is_forgotten_does_not(site: Site) -> None:
    used, forgotten = await site.log_in(Role.DESK), await site.log_in(Role.DESK)
    for _ in range(2):
        site.node.clock.pass_by(UNUSED_AFTER // 2 * DAY)
        assert (await site.who(used))["in"]
    site.node.clock.pass_by(DAY)
    assert (await site.who(used))["in"]
    assert not (await site.who(forgotten))["in"]


async def test_use_is_written_once_a_day_and_a_full_disk_logs_nobody_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = await site.log_in(Role.DESK)
    before = await site.node.database.write(lambda db: db.total_changes)
    for day in range(3):
        for _ in range(5):
            await site.who(cookie)
        # Of the token, too.
        assert await site.node.database.write(lambda db: db.total_changes) == before + 2 * day
        site.node.clock.pass_by(DAY)

    def full(*_: object, **__: object) -> None:
        raise HomeError("the disk is full")

    monkeypatch.setattr(rows, "used", full)
    assert (await site.who(cookie))["in"]


async def test_a_session_is_over_at_once_when_its_token_is_revoked(site: Site) -> None:
    text, made = await site.tokens.create(Role.MEMBER, "Reception", DAY)
    cookies = [await site.with_token(text) for _ in range(3)]
    other = await site.log_in()
    await site.tokens.revoke(made.id)
    assert [(await site.who(cookie))["in"] for cookie in (*cookies, other)] == [False, False, False, True]
    assert held(site.node) == 1


async def test_logging_out_ends_the_session_and_no_other(site: Site) -> None:
    one, other = await site.log_in(), await site.log_in()
    _, cookie = await site.ask("POST", "/out", one)
    assert cookie is not None and (cookie.value, cookie["max-age"]) == ("", "0")
    assert [(await site.who(each))["in"] for each in (one, other)] == [False, True]


async def test_each_login_has_a_new_secret_and_ends_what_the_browser_had_before(site: Site) -> None:
    planted = await site.log_in()
    mine = await site.log_in(before=planted)
    assert mine != planted
    assert not (await site.who(planted))["in"]
    assert (await site.who(mine))["in"]
    _, cookie = await site.ask("POST", "/in", "A" * 43, data=(await site.tokens.create(Role.MEMBER, "x", DAY))[0])
    assert cookie is not None and cookie.value != "A" * 43


async def test_a_token_has_only_so_many_sessions_and_the_longest_unused_makes_room(site: Site) -> None:
    text, _ = await site.tokens.create(Role.DESK, "Reception", 90 * DAY)
    other = await site.log_in(Role.DESK)
    cookies = [await site.with_token(text) for _ in range(MOST)]
    site.node.clock.pass_by(DAY)
    for cookie in cookies[1:]:
        assert (await site.who(cookie))["in"]
    newest = await site.with_token(text)
    assert [(await site.who(each))["in"] for each in (*cookies, newest, other)] == [False] + [True] * (MOST + 1)


async def test_what_has_ended_is_erased(site: Site) -> None:
    await site.log_in()
    await site.log_in(Role.DESK)

    async def left(seconds: float) -> int:
        site.node.clock.pass_by(seconds)
        await site.node.database.write(partial(rows.forget_old, now=site.node.clock.time))
        assert len(site.node.database.read_now(partial(rows.everything, now=site.node.clock.time))) == held(site.node)
        return held(site.node)

    assert [await left(LASTS - 1), await left(1), await left((UNUSED_AFTER - 1) * DAY), await left(2 * DAY)] == [
        2,
        1,
        1,
        0,
    ]


async def test_a_node_that_serves_erases_what_has_ended_every_hour(tmp_path: Path) -> None:
    ahead, chores = [0.0], {}

    class Told(Housekeeping):
        def every(self, seconds: float, work: Work, name: str) -> None:
            chores[name] = seconds, work

    async with served(tmp_path, world=World(now=lambda: time.time() + ahead[0])) as node:
        await node.get("/login", Role.MEMBER)
        node.app.chores.hand_to(Told())
        seconds, erase = chores["sessions"]
        for later, left in ((0.0, 1), (LASTS, 0)):
            ahead[0] = later
            await erase()
            assert await node.app.database.read(lambda db: len(db.execute("SELECT 1 FROM sessions").fetchall())) == left
        assert seconds == 3_600


@given(st.integers(0, 100), st.integers(0, 100), st.integers(-2 * DAY, 100 * DAY))
def test_what_is_erased_is_what_counts_no_more(used: int, days: int, later: int) -> None:
    now = used * DAY + later
    session = rows.Session(b"h", "a", "desk", "", 0, days * DAY, used)
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE sessions (hash, caller, role, label, created, ends, used_on)")
        rows.add(db, session, most=1)
        assert bool(rows.everything(db, now)) is session.good(now)
        rows.forget_old(db, now)
        assert (rows.find(db, b"h") is not None) is session.good(now)


FORMS = {
    "its own page's, in a browser": (True, "own", OWN, 200),
    "its own page's, over plain http": (True, "own", {"Origin": "{base}"}, 200),
    "its own, of a browser that says nothing": (True, "own", {}, 200),
    "another site's": (True, "own", {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
    "a sister host's": (True, "own", {"Sec-Fetch-Site": "same-site"}, 403),
    "typed into the address": (True, "own", {"Sec-Fetch-Site": "none"}, 403),
    "another site's that names this one": (True, "own", {"Sec-Fetch-Site": "cross-site", "Origin": "{base}"}, 403),
    "another site's over plain http": (True, "own", {"Origin": "http://evil.example"}, 403),
    "another port's": (True, "own", {"Origin": "http://127.0.0.1:1"}, 403),
    "of a page without an origin": (True, "own", {"Origin": "null"}, 403),
    "of an origin that can't be read": (True, "own", {"Origin": "http://[::1"}, 403),
    "without what the page had in it": (True, None, OWN, 403),
    "with nothing for it": (True, "", OWN, 403),
    "with another session's": (True, "other", OWN, 403),
    "with it spelled otherwise": (True, "padded", OWN, 403),
    "with letters that it never has": (True, "ä" * 64, OWN, 403),
    "with one letter changed": (True, "changed", OWN, 403),
    "the public's own": (False, None, OWN, 200),
    "the public's own, over plain http": (False, "", {"Origin": "{base}"}, 200),
    "the public's from another site": (False, None, {"Sec-Fetch-Site": "cross-site"}, 403),
    "the public's from another site over plain http": (False, None, {"Origin": "http://evil.example"}, 403),
    "the public's from nowhere": (False, None, {}, 403),
}


async def test_a_form_counts_where_it_is_the_visitors_own(site: Site) -> None:
    cookie, found = await site.log_in(), {}
    own, other = (await site.who(cookie))["csrf"], (await site.who(await site.log_in()))["csrf"]
    spelled = {
        "own": own, "other": other, "padded": own + "=", "changed": own[:-1] + ("A" if own[-1:] != "A" else "B"),
    }  # fmt: skip
    for what, (logged_in, csrf, told, _) in FORMS.items():
        headers = {name: value.format(base=site.base) for name, value in told.items()}
        sent = spelled.get(csrf, csrf) if csrf else csrf
        found[what], _ = await site.send(cookie if logged_in else "", sent, headers)
    assert found == {what: expected for what, (_, _, _, expected) in FORMS.items()}


async def test_what_a_page_has_in_its_forms_is_spelled_anew_each_time_and_counts_as_long_as_the_session(
    site: Site,
) -> None:
    cookie = await site.log_in()
    first, second = [(await site.who(cookie))["csrf"] for _ in range(2)]
    assert first[:20] != second[:20] and first[-20:] != second[-20:]
    site.node.clock.pass_by(LASTS - 1)
    assert {(await site.send(cookie, csrf, OWN))[0] for csrf in (first, second)} == {200}


async def test_a_form_of_a_page_from_before_the_login_is_refused_with_what_to_do(site: Site) -> None:
    status, said = await site.send(await site.log_in(), "", OWN)
    assert (status, "load the page again" in said) == (403, True)


PATHS = {
    "/search?q=a&after=b": "/search?q=a&after=b",
    "/venue/bra1x/desk-1": "/venue/bra1x/desk-1",
    "/": "/",
    None: "/",
    "": "/",
    "search": "/",
    "//evil.example": "/",
    "///evil.example": "/",
    "/\\evil.example": "/",
    "\\\\evil.example": "/",
    "/\t/evil.example": "/",
    "/\n/evil.example": "/",
    " //evil.example": "/",
    "https://evil.example": "/",
    "https:evil.example": "/",
    "javascript:alert(1)": "/",
    "/search\r\nSet-Cookie: a=b": "/",
    "/ä": "/",
    "/" + "a" * 3_000: "/",
}


@pytest.mark.parametrize("text", PATHS, ids=lambda text: str(text)[:20].encode("unicode_escape").decode())
def test_one_goes_on_at_an_address_of_this_node_or_at_the_first_page(text: str | None) -> None:
    assert own_path(text) == PATHS[text]
