"""What goes wrong before any page is asked is told to people on a page, and to programs as before."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.api.access import Access
from node.api.tokens import Tokens
from node.config import Api, Oidc
from node.problem import plain_errors
from node.web.page import Page, Pages, View
from node.web.sessions import Sessions
from tests.directory.small_node import SmallNode
from tests.web.served import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SPOKEN_TO: dict[str, tuple[str, str, int, bool]] = {
    "a browser at no page": ("/nothing/here", BROWSER, 404, True),
    "a program at no page": ("/nothing/here", "*/*", 404, False),
    "a program that takes JSON": ("/nothing/here", "application/json", 404, False),
    "a browser at a form's address": ("/language", BROWSER, 405, True),
    "a program at a form's address": ("/language", "*/*", 405, False),
    "a browser at the API": ("/api/v1/nothing/here/at/all", BROWSER, 404, False),
    "a browser at the nodes' own door": ("/federation/v1/nothing", BROWSER, 404, False),
    "a browser at a missing file": ("/assets/nothing.js", BROWSER, 404, False),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(tmp_path_factory.mktemp("wrong")) as node:
        yield node


@pytest.mark.parametrize("name", SPOKEN_TO)
async def test_a_page_or_a_problem_is_what_fits(node: Served, name: str) -> None:
    path, accept, status, page = SPOKEN_TO[name]
    response, text = await node.get(path, Accept=accept)
    form = "text/html" if page else "application/problem+json"
    assert (response.status, response.content_type) == (status, form)
    assert ("That did not work" in text) == page
    if status == 405:
        assert response.headers["Allow"] == "POST"


async def _breaks(*_: object) -> View:
    raise RuntimeError("a bug with a secret in it")


async def _named() -> str:
    return "Riverside Park"


OWNERS: dict[str, tuple[Callable[[], Awaitable[Any]], str]] = {
    "a bug is told on a page": (_named, "text/html"),
    "where no page can be made either, it is told as to a program": (_breaks, "application/problem+json"),
}


@pytest.mark.parametrize("name", OWNERS)
async def test_a_bug(name: str, tmp_path: Path) -> None:
    owner, form = OWNERS[name]
    node = SmallNode(tmp_path)
    async with aiohttp.ClientSession() as http:
        access = Access(Tokens(node.database, node.world), http, api=Api(), oidc=Oidc(), world=node.world)
        sessions = Sessions(access, node.database, node.world, secure=False)
        pages = Pages(sessions, access, owner, [Page("/broken", show=_breaks)])
        app = web.Application(middlewares=[pages.middleware(), plain_errors])
        app.add_routes(pages.routes())
        async with (
            TestServer(app) as server,
            http.get(server.make_url("/broken"), headers={"Accept": BROWSER}) as answer,
        ):
            assert (answer.status, answer.content_type) == (500, form)
            assert "an error of its own" in await answer.text()
            assert "secret" not in await answer.text()
    node.close()
