"""The API's page: whatever host it is asked by, it runs nothing of it, and nobody else is shown it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from node.problem import plain_errors
from node.web import documentation


@pytest.fixture
async def page() -> AsyncIterator[str]:
    """The address of a server that has the page alone."""
    app = web.Application(middlewares=[plain_errors])
    app.add_routes(documentation.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}{documentation.PATH}"
    await runner.cleanup()


async def asked(page: str, host: str) -> tuple[aiohttp.ClientResponse, str]:
    async with aiohttp.ClientSession() as http, http.get(page, headers={"Host": host}) as response:
        return response, await response.text()


async def test_its_examples_ask_where_it_came_from_and_no_cache_shows_them_to_others(page: str) -> None:
    response, html = await asked(page, "node.park.example")
    assert "curl 'http://node.park.example/api/v1/venue" in html
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ['"><script>alert(1)</script>', "x'; rm -rf ~; '", "[::1", "a b"])
async def test_what_a_host_says_is_never_more_than_text(page: str, host: str) -> None:
    response, html = await asked(page, host)
    assert response.status in (200, 400)
    assert "<script>alert" not in html
    assert "'; rm" not in html
    assert "script-src 'self'" in response.headers.get("Content-Security-Policy", "script-src 'self'")


async def test_a_host_that_is_no_address_is_refused_with_a_sentence(page: str) -> None:
    response, text = await asked(page, "node.park.example:99999")
    assert (response.status, "the Host header holds no address" in text) == (400, True)
