"""The desk over real HTTP: who may ask, what is answered, and what is wrong with a request."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from node.api.access import Access
from node.api.desk import DeskEndpoints
from node.api.endpoint import Endpoint
from node.api.role import Role
from node.api.tokens import DAY, Tokens
from node.config import Api, Oidc
from node.control.desk import PassDesk
from node.control.operations import Operations
from node.control.parts import unreported
from node.problem import plain_errors
from tests.roaming.test_desk import Two, room, two
from tests.roaming.test_issuing import TODAY

__all__ = ["two"]


class Site:
    """A host's API with its desk alone, and who asks it."""

    def __init__(self, two: Two, http: aiohttp.ClientSession) -> None:
        self.two = two
        self.http = http
        self.tokens = Tokens(two.host.database, two.host.world)
        self.access = Access(self.tokens, http, api=Api(), oidc=Oidc(), world=two.host.world)
        operations = Operations((PassDesk(two),))  # type: ignore[arg-type] # of the parts it takes the desk alone
        self.endpoints: list[Endpoint] = DeskEndpoints(
            lambda name, parameters: operations.run(name, parameters, unreported)
        ).endpoints()
        self.base = ""

    async def post(self, path: str, role: Role = Role.DESK, **body: Any) -> tuple[int, Any, aiohttp.ClientResponse]:
        headers = {}
        if role is not Role.PUBLIC:
            token, _ = await self.tokens.create(role, "x", DAY)
            headers["Authorization"] = f"Bearer {token}"
        async with self.http.post(f"{self.base}/api/v1/desk/{path}", json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None), response


@pytest.fixture
async def site(two: Two) -> AsyncIterator[Site]:
    async with aiohttp.ClientSession() as http:
        made = Site(two, http)
        app = web.Application(middlewares=[plain_errors])
        made.access.protect(app)
        for endpoint in made.endpoints:
            app.add_routes(endpoint.routes(made.access))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
        await runner.cleanup()


async def test_a_desk_verifies_and_notes_who_arrived(site: Site) -> None:
    token = site.two.token()
    status, said, response = await site.post("verify", token=token)
    assert (status, said["verdict"], said["pass"]["name"]) == (200, "OK", "Liis Tamm")
    assert response.headers["Cache-Control"] == "no-store"
    status, said, _ = await site.post("arrivals", token=token, venue="desk")
    assert (status, said["verdict"], len(said["arrived"])) == (200, "OK", 1)
    status, said, _ = await site.post("verify", token=token)
    assert (status, said["verdict"]) == (200, "EXPIRED")


async def test_what_is_answered_is_what_the_document_says(site: Site) -> None:
    for token in (site.two.token(), "x", site.two.token(("lab",), TODAY)):
        _, said, _ = await site.post("verify", token=token)
        schema = site.endpoints[0].gives[200].media["application/json"]
        assert set(schema["required"]) <= said.keys() <= schema["properties"].keys()
        for name, part in schema["properties"].items():
            if part.get("type") == "object" and name in said:
                assert said[name].keys() == part["properties"].keys()


@pytest.mark.parametrize(("role", "status"), [(Role.PUBLIC, 401), (Role.MEMBER, 403), (Role.OPERATOR, 200)])
async def test_only_a_desk_may_ask(site: Site, role: Role, status: int) -> None:
    for path in ("verify", "arrivals"):
        found, said, _ = await site.post(path, role, token="x")
        assert found == status
        assert ("verdict" in said) == (status == 200)


WRONG: dict[str, tuple[dict[str, Any], int]] = {
    "no token": ({}, 422),
    "a token that is no text": ({"token": 7}, 422),
    "a venue that is no text": ({"token": "x", "venue": ["desk"]}, 422),
    "something else": ({"token": "x", "name": "Eve"}, 422),
    "a venue that isn't there": ({"token": "x", "venue": "bar"}, 400),
    "a body without end": ({"token": "x" * 100_000}, 413),
}


@pytest.mark.parametrize(("body", "status"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_with_a_request_is_told(site: Site, body: dict[str, Any], status: int) -> None:
    found, said, _ = await site.post("verify", **body)
    assert found == status
    assert "verdict" not in said


async def test_whichever_venue_is_not_said_has_to_be_the_only_one(site: Site, tmp_path: Path) -> None:
    await room(site.two.host, "lab")
    status, said, _ = await site.post("verify", token="x")
    assert status == 400
    assert "desk, lab" in said["detail"]
