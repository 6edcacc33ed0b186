"""The files that pages are made with: packed, kept for good by who knows their version, and no others of the disk."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from node.problem import plain_errors
from node.web import assets

OTHERS = "vendor/leaflet/leaflet.js"
OURS = "static/map.js"


@pytest.fixture
async def base() -> AsyncIterator[str]:
    app = web.Application(middlewares=[plain_errors])
    app.add_routes(assets.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def asked(url: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
    told = {"Accept-Encoding": "identity", **headers}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.get(URL(url, encoded=True), headers=told) as answer,
    ):
        return answer, await answer.read()


@pytest.mark.parametrize("name", [OURS, OTHERS])
async def test_a_file_is_kept_for_good_by_its_version_and_for_a_day_by_its_name(base: str, name: str) -> None:
    kept = {}
    for address in (assets.url(name), f"/assets/{name}", f"/assets/{name}?v=0123456789abcdef", f"/assets/{name}?v="):
        answer, data = await asked(base + address)
        assert (answer.status, data) == (200, (assets.FOLDER.parent / name).read_bytes())
        kept[address] = answer.headers["Cache-Control"]
    good, *others = kept.values()
    assert good == "public, max-age=31536000, immutable"
    assert set(others) == {"public, max-age=86400"}


@pytest.mark.parametrize("name", [OURS, OTHERS])
async def test_a_file_comes_packed_where_the_browser_can_unpack_it(base: str, name: str) -> None:
    whole = (assets.FOLDER.parent / name).read_bytes()
    answer, data = await asked(base + assets.url(name), **{"Accept-Encoding": "gzip"})
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(data) == whole
    assert len(data) * 2 < len(whole)
    part, data = await asked(base + assets.url(name), **{"Accept-Encoding": "deflate", "Range": "bytes=10-19"})
    assert (part.status, data) == (206, whole[10:20])


@pytest.mark.parametrize(
    "path",
    [
        "vendor/leaflet/leaflet.js.gz",
        "static/../assets.py",
        "static/%2e%2e/assets.py",
        "vendor/../../config.py",
        "static//etc/passwd",
        "vendor/made-from/",
    ],
)
async def test_nothing_else_of_the_disk_is_served(base: str, path: str) -> None:
    answer, _ = await asked(f"{base}/assets/{path}")
    assert answer.status == 404


def test_a_name_that_a_template_misspells_is_an_error() -> None:
    with pytest.raises(KeyError):
        assets.url("static/mapp.js")


@pytest.mark.parametrize("sheet", sorted(name for name in assets._FILES if name.endswith(".css")))
def test_what_a_stylesheet_asks_for_is_served(sheet: str) -> None:
    text = assets._FILES[sheet].path.read_text()
    named = [each for each in re.findall(r"url\([\"']?([^\"')]+)", text) if not each.startswith(("data:", "#"))]
    assert [each for each in named if str(PurePosixPath(sheet).parent / each) not in assets._FILES] == []
