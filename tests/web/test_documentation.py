"""The API's page: whatever host it is asked by, it runs nothing of it, and nobody else is shown it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.web.served import served


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[str]:
    """The address of the page, of a node that has none of its own."""
    async with served(tmp_path, url="") as node:
        yield f"{node.base}/api"


async def asked(page: str, host: str) -> tuple[aiohttp.ClientResponse, str]:
    told = {"Host": host, "Accept": "text/html"}
    async with aiohttp.ClientSession() as http, http.get(page, headers=told) as response:
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
    for address in (page, page.replace("/api", "/calendar")):
        response, text = await asked(address, "node.park.example:99999")
        assert (response.status, "he Host header holds no address" in text) == (400, True), address
