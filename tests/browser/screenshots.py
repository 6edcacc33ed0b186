"""Pictures of the pages, made of the demonstration as it is now: `make screenshots` writes `docs/screenshots`.

Rules:

- a picture is a row of `SHOTS`; a page that isn't there is told, and leaves its picture as it was
- what a page does wrong while it is taken (see `visitor`) fails the script
- few colours and no more than a window's worth, so that the repository doesn't grow by them

python -m tests.browser.screenshots search     # those whose names begin so
"""

import asyncio
import io
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from node.demo.federation import Federation, standing
from tests.browser import chromium
from tests.browser.visitor import Visitor

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
COLOURS = 64
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Shot:
    """A page, and what is done on it first. `path` may name records of the demonstration, see `places`.

    `site`: at whose node; `role`: as whom, public without a token.
    """

    path: str
    role: str = "public"
    site: str = "tartu"
    width: int = 1280
    height: int = 800
    dark: bool = False
    first: Callable[[Page], Awaitable[object]] | None = None


SHOTS: Mapping[str, Shot] = {
    "search": Shot("/search?kind=venue&view=map", role="member"),
    "search-dark": Shot("/search?q=desk&near=Munich", role="member", dark=True),
    "search-narrow": Shot("/search?q=desk&near=Munich", role="member", width=360, height=740),
    "calendar": Shot("/calendar?month={month}", role="member"),
    "network": Shot("/network"),
    "venue": Shot("/venue/{venue}", role="member"),
    "event": Shot("/event/{event}", role="member"),
    "culture-guide": Shot("/culture_guide/{culture_guide}", role="member"),
    "organisation": Shot("/organisation/{organisation}"),
    "ask-to-visit": Shot("/venue/{venue}/visit", role="member"),
    "trip": Shot("/trip?near=Munich&from={day}&until={day}", role="member"),
    "desk": Shot("/desk", role="desk", site="munich"),
    "operate": Shot("/operate", role="operator"),
    "partners": Shot("/operate/partners", role="operator"),
    "trust": Shot("/operate/trust", role="operator"),
    "keys": Shot("/operate/keys", role="operator"),
    "health": Shot("/operate/health", role="operator"),
    "login": Shot("/login"),
    "api": Shot("/api"),
}


async def places(federation: Federation) -> dict[str, str]:
    """Munich's first record of some kinds, as Tartu's node finds it; the `day` and `month` of its event."""
    kinds = ("venue", "event", "offer", "culture_guide", "organisation")
    found: dict[str, str] = {}
    async with aiohttp.ClientSession(federation.members["tartu"].process.url) as http:
        for kind in kinds:
            async with http.get(f"/api/v1/{kind}", params={"near": "Munich", "limit": "1"}) as answer:
                [record] = (await answer.json())["records"]
                found[kind] = f"{record['author']}/{record['id']}"
                if kind == "event":
                    found["day"], found["month"] = record["body"]["start"][:10], record["body"]["start"][:7]
    return found


async def take(browser: Browser, federation: Federation, name: str, shot: Shot, named: Mapping[str, str]) -> None:
    """Writes one picture."""
    process = federation.members[shot.site].process
    token = ""
    if shot.role != "public":
        made = await process.ask("token-create", role=shot.role, label="Screenshots", lasts=DAY, feed=None)
        token = made["token"]
    window = {"width": shot.width, "height": shot.height, "dark": shot.dark}
    visitor = await Visitor.enter(browser, process.url, token=token, **window)
    answer = await visitor.page.goto(shot.path.format(**named))
    if answer is None or answer.status == 404:
        sys.stderr.write(f"{name}: there is no page {shot.path}\n")
        return
    assert answer.ok, f"{name}: {shot.path} is answered {answer.status}"
    if shot.first is not None:
        await shot.first(visitor.page)
    await visitor.page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(await visitor.page.screenshot())).convert("RGB")
    # Without dithering, a plain background stays one: that is what makes the file small.
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(FOLDER / f"{name}.png", optimize=True)
    await visitor.leave()
    assert not visitor.faults, "\n".join([name, *visitor.faults])


async def main(beginning: str = "") -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            # The browser first: the demonstration forgets the environment's settings, and BRA_CHROMIUM with them.
            playwright = await stack.enter_async_context(async_playwright())
            browser = await stack.enter_async_context(await chromium.started(playwright))
            federation = await stack.enter_async_context(standing(Path(folder), lambda *_: None))
            await federation.converge()
            named = await places(federation)
            for name, shot in SHOTS.items():
                if name.startswith(beginning):
                    await take(browser, federation, name, shot, named)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:2]))
