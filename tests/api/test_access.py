"""Who may ask what over real HTTP: tokens, roles, budgets, other sites' pages, and what caches are told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from node.api.access import Access, Budget
from node.api.refusals import Refused
from node.api.role import VISIBLE, Role
from node.api.tokens import DAY, Tokens, mint
from node.config import Api, Oidc
from node.problem import plain_errors, problem
from tests.api.provider import AUDIENCE, Provider, Time
from tests.directory.small_node import SmallNode

FEED = "/api/v1/event.ics"


class Site:
    """A node whose whole API says who asks it: `/api/v1/{role}/{budget}`, and one feed."""

    def __init__(self, node: SmallNode, http: aiohttp.ClientSession, api: Api, oidc: Oidc) -> None:
        self.time = Time()
        self.tokens = Tokens(node.database, self.time.world())
        self.access = Access(self.tokens, http, api=api, oidc=oidc, world=self.time.world())
        self.http = http
        self.base = ""

    async def begin(self) -> web.AppRunner:
        app = web.Application(middlewares=[plain_errors])
        app.add_routes([web.route("*", FEED, self._feed), web.route("*", "/api/v1/{role}/{budget}", self._who)])
        app.add_routes([web.get("/elsewhere", self._elsewhere)])
        self.access.protect(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _who(self, request: web.Request) -> web.Response:
        role, budget = Role[request.match_info["role"].upper()], Budget[request.match_info["budget"].upper()]
        return await self._answer(request, role, budget, feed=False)

    async def _feed(self, request: web.Request) -> web.Response:
        return await self._answer(request, Role.MEMBER, Budget.READ, feed=True)

    async def _elsewhere(self, request: web.Request) -> web.Response:
        return web.Response(text="a page")

    async def _answer(self, request: web.Request, role: Role, budget: Budget, *, feed: bool) -> web.Response:
        try:
            caller = await self.access.admit(request, role, budget, feed=feed)
        except Refused as error:
            return problem(error.status, str(error), headers=error.headers)
        said = {"role": caller.role.label, "id": caller.id, "sees": sorted(caller.visibilities)}
        keep = {"Cache-Control": request.query["keep"]} if "keep" in request.query else {}
        return web.json_response(said, headers=keep)

    async def ask(
        self, path: str = "/api/v1/public/read", token: str | None = None, *, method: str = "GET", **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON (the sentence of a refusal) and headers of the answer."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        async with self.http.request(method, self.base + path, headers=given) as response:
            value = await response.json(content_type=None) if method != "HEAD" and await response.read() else None
            return response.status, value["detail"] if response.status >= 400 and value else value, response.headers

    async def token(self, role: Role = Role.MEMBER, **options: Any) -> str:
        return (await self.tokens.create(role, "Reception", DAY, **options))[0]


ORIGIN = "https://park.example"
TIGHT = Api(
    reads=5, searches=2, writes=1, public_reads=3, public_searches=1, refused_tokens=2,
    trusted_proxies=("127.0.0.1",), cors_origins=(ORIGIN,),
)  # fmt: skip


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.fixture
async def site(tartu: SmallNode, http: aiohttp.ClientSession) -> AsyncIterator[Site]:
    site = Site(tartu, http, Api(), Oidc())
    runner = await site.begin()
    yield site
    await runner.cleanup()


@pytest.fixture
async def tight(tartu: SmallNode, http: aiohttp.ClientSession) -> AsyncIterator[Site]:
    """One with small budgets, behind a proxy, and with a site whose pages may ask."""
    site = Site(tartu, http, TIGHT, Oidc())
    runner = await site.begin()
    yield site
    await runner.cleanup()


async def test_without_a_token_one_is_the_public(site: Site) -> None:
    assert (await site.ask())[:2] == (200, {"role": "public", "id": "", "sees": ["public"]})


@pytest.mark.parametrize("role", [Role.MEMBER, Role.DESK, Role.OPERATOR])
async def test_a_token_gives_its_role_and_no_more(site: Site, role: Role) -> None:
    token = await site.token(role)
    for needed in Role:
        status, said, headers = await site.ask(f"/api/v1/{needed.label}/read", token)
        if needed <= role:
            assert (status, said["role"], set(said["sees"])) == (200, role.label, VISIBLE[role])
        else:
            assert status == 403
            assert f"needs the role {needed.label}, and your token has {role.label}" in said
            assert 'error="insufficient_scope"' in headers["WWW-Authenticate"]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.DESK, Role.OPERATOR])
async def test_who_sends_no_token_is_told_which_is_needed(site: Site, role: Role) -> None:
    status, said, headers = await site.ask(f"/api/v1/{role.label}/read")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="bra"')
    assert f"a token of the role {role.label}" in said


BAD = {
    "unknown": f"Bearer {mint(b'other', bytes(32))}",
    "no token": "Bearer nonsense",
    "empty": "Bearer ",
    "a JSON web token where there is no provider": "Bearer eyJhbGciOiJub25lIn0.e30.",
    "a password": "Basic bWFyaTpzZWNyZXQ=",
    "a word alone": "bra",
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_token_is_refused_and_never_quietly_public(site: Site, what: str) -> None:
    status, said, headers = await site.ask(Authorization=BAD[what])
    assert status == 401
    assert headers["WWW-Authenticate"] == 'Bearer realm="bra", error="invalid_token"'
    assert BAD[what].split()[-1] not in said or what in ("empty", "a word alone")


async def test_expired_and_revoked_tokens_are_refused(site: Site) -> None:
    expired, revoked = await site.token(), await site.token()
    await site.tokens.revoke(revoked.split("_")[1])
    status, said, _ = await site.ask(token=revoked)
    assert (status, "was revoked" in said) == (401, True)
    site.time.pass_by(DAY)
    status, said, _ = await site.ask(token=expired)
    assert (status, "has expired" in said) == (401, True)


async def test_two_tokens_are_refused_whichever_is_good(site: Site) -> None:
    token = await site.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {await site.token(Role.OPERATOR)}")]
    async with site.http.get(f"{site.base}/api/v1/public/read", headers=headers) as response:
        assert response.status == 400
    feed = await site.token(feed=FEED)
    assert (await site.ask(f"{FEED}?token={feed}", token))[0] == 400
    assert (await site.ask(f"{FEED}?token={feed}&token={feed}"))[0] == 400


async def test_a_token_in_the_url_counts_nowhere_but_in_its_feed(site: Site) -> None:
    token, feed = await site.token(Role.OPERATOR), await site.token(feed=FEED)
    other = await site.token(feed="/api/v1/venue.ics")
    assert (await site.ask(f"/api/v1/public/read?token={token}"))[1]["role"] == "public"
    assert (await site.ask(f"{FEED}?token={feed}"))[1]["role"] == "member"
    assert (await site.ask(f"{FEED}?token={feed}", method="HEAD"))[0] == 200
    assert (await site.ask(f"{FEED}?token={feed}", method="POST"))[0] == 401
    for path, shown, sentence in (
        (f"{FEED}?token={token}", None, "not for reading this URL"),
        (f"{FEED}?token={other}", None, "not for reading this URL"),
        (FEED, feed, f"for {FEED} alone"),
        ("/api/v1/public/read", feed, f"for {FEED} alone"),
    ):
        status, said, _ = await site.ask(path, shown)
        assert (status, sentence in said) == (401, True), said


async def test_each_token_has_budgets_of_its_own_and_is_told_what_is_left(tight: Site) -> None:
    one, other = await tight.token(), await tight.token(Role.OPERATOR)
    for left in (4, 3, 2, 1, 0):
        status, _, headers = await tight.ask(token=one)
        assert (status, headers["RateLimit"]) == (200, f'"reads";r={left};t=60')
        assert headers["RateLimit-Policy"] == '"reads";q=5;w=60'
    status, said, headers = await tight.ask(token=one)
    assert (status, headers["Retry-After"], headers["RateLimit"]) == (429, "60", '"reads";r=0;t=60')
    assert "5 reads a minute are enough: try again in 60 seconds" in said
    assert (await tight.ask("/api/v1/public/search", one))[0] == 200
    assert (await tight.ask("/api/v1/operator/write", other))[0] == 200
    assert (await tight.ask("/api/v1/operator/write", other))[0] == 429
    assert (await tight.ask(token=other))[0] == 200
    tight.time.pass_by(60)
    assert (await tight.ask(token=one))[0] == 200


async def test_the_public_is_counted_by_address_behind_the_proxy(tight: Site) -> None:
    for _ in range(3):
        assert (await tight.ask(X_Forwarded_For="192.0.2.7"))[0] == 200
    assert (await tight.ask(X_Forwarded_For="192.0.2.7"))[0] == 429
    assert (await tight.ask(X_Forwarded_For="6.6.6.6, 192.0.2.7"))[0] == 429
    assert (await tight.ask(X_Forwarded_For="192.0.2.8"))[0] == 200
    assert (await tight.ask(token=await tight.token(), X_Forwarded_For="192.0.2.7"))[0] == 200


async def test_what_a_role_may_not_do_is_counted_too(tight: Site) -> None:
    token = await tight.token()
    assert [(await tight.ask("/api/v1/operator/search", token))[0] for _ in range(3)] == [403, 403, 429]


async def test_bad_tokens_of_an_address_are_soon_answered_no_more_and_good_ones_still_are(tight: Site) -> None:
    bad = mint(b"other", bytes(32))
    assert [(await tight.ask(token=bad))[0] for _ in range(2)] == [401, 401]
    status, said, headers = await tight.ask(token=bad)
    assert (status, headers["Retry-After"]) == (429, "60")
    assert "too many tokens were refused" in said
    assert (await tight.ask(token=await tight.token()))[0] == 200
    assert (await tight.ask())[0] == 200
    assert (await tight.ask(token=bad, X_Forwarded_For="192.0.2.9"))[0] == 401


async def test_no_other_site_may_ask_unless_it_is_named(site: Site, tight: Site) -> None:
    for asked, origin in (
        (site, ORIGIN),
        (tight, "https://evil.example"),
        (tight, "https://park.example.evil.example"),
        (tight, "http://park.example"),
        (tight, "https://park.example:8443"),
        (tight, "null"),
    ):
        _, _, headers = await asked.ask(Origin=origin, X_Forwarded_For=origin)
        assert not [name for name in headers if name.lower().startswith("access-control")]
    _, _, headers = await tight.ask(Origin=ORIGIN)
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "ETag" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers


async def test_a_cache_keeps_the_answers_for_different_sites_apart(site: Site, tight: Site) -> None:
    assert "Origin" in (await tight.ask())[2]["Vary"].split(", ")
    assert (await site.ask())[2]["Vary"] == "Authorization"


async def test_a_named_sites_page_may_read_why_it_was_refused(tight: Site) -> None:
    status, _, headers = await tight.ask(token="wrong", Origin=ORIGIN)
    assert (status, headers["Access-Control-Allow-Origin"]) == (401, ORIGIN)


async def test_a_preflight_is_answered_without_a_token_and_spends_nothing(tight: Site) -> None:
    for _ in range(20):
        status, _, headers = await tight.ask(
            "/api/v1/operator/write", method="OPTIONS", Origin=ORIGIN, Access_Control_Request_Method="PUT"
        )
        assert (status, headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
        assert "PUT" in headers["Access-Control-Allow-Methods"]
        assert "Authorization" in headers["Access-Control-Allow-Headers"]
    status, _, headers = await tight.ask(
        "/api/v1/operator/write", method="OPTIONS", Origin="https://evil.example", Access_Control_Request_Method="PUT"
    )
    assert status == 204
    assert not [name for name in headers if name.lower().startswith("access-control")]
    elsewhere = await tight.ask("/elsewhere", method="OPTIONS", Origin=ORIGIN, Access_Control_Request_Method="GET")
    assert elsewhere[0] == 405


KEPT = {
    "the public, by default": (None, "", "no-store"),
    "the public, as it says": (None, "public, max-age=60", "public, max-age=60"),
    "a member, by default": (Role.MEMBER, "", "no-store"),
    "a member, whatever it says": (Role.MEMBER, "public, max-age=60", "private, max-age=60"),
    "an operator, as it says": (Role.OPERATOR, "private, no-cache", "private, no-cache"),
}


@pytest.mark.parametrize("whose", KEPT)
async def test_a_cache_keeps_no_answer_that_was_given_to_a_token(site: Site, whose: str) -> None:
    role, said, expected = KEPT[whose]
    token = await site.token(role) if role else None
    _, _, headers = await site.ask(f"/api/v1/public/read?keep={said}" if said else "/api/v1/public/read", token)
    assert headers["Cache-Control"] == expected
    assert headers["Vary"] == "Authorization"


async def test_every_answer_says_to_browsers_what_it_is_also_a_refusal(site: Site) -> None:
    for path, token in (("/api/v1/public/read", None), ("/api/v1/public/read", "wrong"), ("/api/none", None)):
        _, _, headers = await site.ask(path, token)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Content-Security-Policy" not in (await site.http.get(f"{site.base}/elsewhere")).headers


ROLES = {
    "no groups": ({}, "member"),
    "a group of the desk's": ({"groups": ["staff", "bra-desk"]}, "desk"),
    "two groups, of which the higher counts": ({"groups": ["bra-admin", "bra-desk"]}, "operator"),
    "one group that is a text": ({"groups": "bra-desk"}, "desk"),
    "a group whose name only begins so": ({"groups": ["bra-desks"]}, "member"),
    "groups that are no texts": ({"groups": [["bra-admin"], {"bra-admin": 1}, 5, None]}, "member"),
    "groups that are an object": ({"groups": {"bra-admin": True}}, "member"),
    "the role under another claim": ({"roles": ["bra-admin"]}, "member"),
}


@pytest.mark.parametrize("what", ROLES)
async def test_the_providers_word_gives_a_role_when_it_says(
    tartu: SmallNode, http: aiohttp.ClientSession, what: str
) -> None:
    claims, role = ROLES[what]
    async with Provider.running() as provider:
        oidc = Oidc(issuer=provider.issuer, audience=AUDIENCE, roles={"bra-desk": "desk", "bra-admin": "operator"})
        site = Site(tartu, http, TIGHT, oidc)
        runner = await site.begin()
        status, said, _ = await site.ask(token=provider.token(**claims))
        mari = f"oidc:{provider.issuer}#mari"
        assert (status, said) == (200, {"role": role, "id": mari, "sees": sorted(VISIBLE[Role.named(role)])})
        await runner.cleanup()


async def test_whoever_has_the_same_name_at_another_provider_is_somebody_else(
    tartu: SmallNode, http: aiohttp.ClientSession
) -> None:
    people = set()
    for _ in range(2):
        async with Provider.running() as provider:
            site = Site(tartu, http, TIGHT, Oidc(issuer=provider.issuer, audience=AUDIENCE))
            runner = await site.begin()
            _, said, _ = await site.ask(token=provider.token())
            people.add(said["id"])
            await runner.cleanup()
    assert len(people) == 2


async def test_tokens_of_both_kinds_are_taken_and_a_silent_provider_is_no_refusal(
    tartu: SmallNode, http: aiohttp.ClientSession
) -> None:
    async with Provider.running() as provider:
        site = Site(tartu, http, TIGHT, Oidc(issuer=provider.issuer, audience=AUDIENCE))
        runner = await site.begin()
        provider.status = 500
        for _ in range(4):
            status, said, headers = await site.ask(token=provider.token())
            assert (status, headers["Retry-After"]) == (503, "60")
            assert "try again in a minute" in said
        assert (await site.ask(token=await site.token()))[0] == 200
        provider.status = 200
        site.time.pass_by(60)
        statuses = [await site.ask(token=provider.token(sub=name)) for name in ("mari", "mari", "jaan")]
        assert [(status, said["id"]) for status, said, _ in statuses] == [
            (200, f"oidc:{provider.issuer}#{name}") for name in ("mari", "mari", "jaan")
        ]
        assert statuses[1][2]["RateLimit"].startswith('"reads";r=3')
        assert statuses[2][2]["RateLimit"].startswith('"reads";r=4')
        status, said, _ = await site.ask(token=provider.token(aud="mail"))
        assert (status, "for another service" in said) == (401, True)
        await runner.cleanup()


async def test_a_crowd_with_one_token_is_counted_exactly(tight: Site) -> None:
    token = await tight.token()
    found = await asyncio.gather(*(tight.ask(token=token) for _ in range(20)))
    assert sorted(status for status, _, _ in found) == [200] * 5 + [429] * 15
