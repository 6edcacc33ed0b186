"""The checks of these tests find what they are there for: a page with one fault each, and one with none."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Page

from tests.browser import chromium
from tests.browser.checks import accessible, all_by_keyboard, by_keyboard, fits
from tests.browser.conftest import Visit

STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src *"
STYLE = """
body { margin: 0; overflow-wrap: anywhere; }
.wide { width: 50rem; } .short { height: 1rem; overflow: hidden; } .dots { overflow: hidden; text-overflow: ellipsis; }
.dots, .line { white-space: nowrap; } .scrolls { overflow: auto; } .left { position: absolute; left: -5rem; }
@media (prefers-color-scheme: dark) { .night { color: #ccc; } }
.hides { overflow: hidden; } .column { width: 2rem; } .unseen:focus { outline: none; } .pale { color: #ccc; }
.over { position: fixed; inset: 0 0 auto 0; height: 20rem; background: white; }
.reader { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
"""
LONG = "A sentence that is longer than a narrow window has room for in one line of it."
PAGES: dict[str, str] = {
    "sound": '<p>Text</p><a href="/sound">A link</a><label>A field <input></label>'
    f'<div class="scrolls" tabindex="0"><p class="line">{LONG}</p></div><p class="reader">{LONG}</p>'
    f"<p>{'Donaudampfschiff' * 9}</p>"
    '<fieldset><legend>One of</legend><label><input type="radio" name="one"> 1</label>'
    '<label><input type="radio" name="one"> 2</label></fieldset>',
    "a picture from elsewhere": '<img alt="" src="{elsewhere}/picture.png">',
    "a script in the page": "<script>document.title = 'run'</script>",
    "a style in the page": '<p style="color: red">Text</p>',
    "a script that fails": '<script src="/fails.js"></script>',
    "a script that asks elsewhere": '<script src="/asks.js"></script>',
    "a file that is missing": '<link rel="stylesheet" href="/missing.css">',
    "a field without a label": "<input>",
    "a field without a label where no scripts run": "<noscript><input></noscript>",
    "pale text": '<p class="pale">Text</p>',
    "text that is pale in the dark": '<p class="night">Text</p>',
    "a box too wide": '<p class="wide">Text</p>',
    "text in too small a box": f'<p class="short">{LONG}</p>',
    "text that ends in dots": f'<p class="dots">{LONG}</p>',
    "text that is hidden beyond the edge": f'<div class="hides"><p class="line">{LONG}</p></div>',
    "text beyond the left edge": '<p class="left">Text that begins outside</p>',
    "a column that is squeezed": '<p class="column">Calendar</p>',
    "a button that Tab leaves out": '<button tabindex="-1">Press</button>',
    "a link that doesn't show the focus": '<a class="unseen" href="/sound">A link</a>',
    "a link below something": '<a href="/sound">A link</a><div class="over"></div>',
}
SCRIPTS = {"fails": "throw new Error('oh')", "asks": "fetch('{elsewhere}/').catch(() => {})"}


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def site() -> AsyncIterator[str]:
    """The address of a server that has these pages, each under its name."""

    async def serve(request: web.Request) -> web.Response:
        name, elsewhere = request.match_info["name"], f"http://localhost:{request.url.port}"
        if name == "style.css":
            return web.Response(text=STYLE, content_type="text/css")
        if script := SCRIPTS.get(name.removesuffix(".js")):
            return web.Response(text=script.replace("{elsewhere}", elsewhere), content_type="text/javascript")
        if name not in PAGES:
            raise web.HTTPNotFound
        head = '<!doctype html><html lang="en"><title>A page</title><link rel="stylesheet" href="/style.css">'
        body = f"{head}<main><h1>A page</h1>{PAGES[name].replace('{elsewhere}', elsewhere)}</main>"
        return web.Response(text=body, content_type="text/html", headers={"Content-Security-Policy": STRICT})

    app = web.Application()
    app.add_routes([web.get("/{name:.+}", serve)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_sound_page_passes_all_checks_with_and_without_scripts_and_in_the_dark(visit: Visit, site: str) -> None:
    for options in ({}, {"dark": True, "javascript": False}):
        visitor = await visit(site, **options)
        await visitor.page.goto("/sound")
        await accessible(visitor.page)
        await fits(visitor.page)
        await all_by_keyboard(visitor.page)
        assert visitor.faults == []


WITNESSED = {
    "a picture from elsewhere": (r"a request left the node: http://localhost", r"forbidden by its own policy: img-src"),
    "a script in the page": (r"forbidden by its own policy: script-src-elem inline",),
    "a style in the page": (r"forbidden by its own policy: style-src-attr inline",),
    "a script that fails": (r"error of the page: .*oh",),
    "a script that asks elsewhere": (r"a request left the node: http://localhost",),
    "a file that is missing": (r"Failed to load resource: .* 404",),
}


@pytest.mark.parametrize("name", WITNESSED)
async def test_a_visitor_is_witness_of(name: str, visit: Visit, site: str) -> None:
    visitor = await visit(site, expects=[".*"])
    await visitor.page.goto(f"/{name}")
    told = visitor.witnessed
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while not all(any(re.search(pattern, each) for each in told()) for pattern in WITNESSED[name]):
                await asyncio.sleep(0.01)
    for pattern in WITNESSED[name]:
        assert any(re.search(pattern, each) for each in told()), told()


Check = Callable[[Page], Coroutine[Any, Any, None]]
FOUND: dict[str, tuple[Check, str]] = {
    "a field without a label": (accessible, "label"),
    "pale text": (accessible, "color-contrast"),
    "text that is pale in the dark": (accessible, "when it is dark: color-contrast"),
    "a box too wide": (fits, "at 640 px: the page is 800 px wide"),
    "text in too small a box": (fits, "the text of <p.short> .* is cut off by <p.short>"),
    "text that ends in dots": (fits, "the text of <p.dots> .* is cut off by <p.dots>"),
    "text that is hidden beyond the edge": (fits, "the text of <p.line> .* is cut off by <div.hides>"),
    "a column that is squeezed": (fits, 'the text of <p.column> .* is broken within the word "Calendar"'),
    "text beyond the left edge": (fits, "the text of <p.left> .* is beyond the edge"),
    "a button that Tab leaves out": (all_by_keyboard, '<button> "Press" is never reached'),
    "a link that doesn't show the focus": (all_by_keyboard, '<a.unseen> "A link" doesn\'t show'),
    "a link below something": (all_by_keyboard, '<a> "A link" is hidden'),
}


@pytest.mark.parametrize("name", FOUND)
async def test_a_check_finds(name: str, visit: Visit, site: str) -> None:
    visitor = await visit(site)
    await visitor.page.goto(f"/{name}")
    check, said = FOUND[name]
    with pytest.raises(AssertionError, match=said):
        await check(visitor.page)


async def test_what_only_visitors_without_scripts_see_is_looked_at_as_well(visit: Visit, site: str) -> None:
    visitor = await visit(site, javascript=False)
    await visitor.page.goto("/a field without a label where no scripts run")
    with pytest.raises(AssertionError, match="label"):
        await accessible(visitor.page)


async def test_a_link_is_reached_by_keyboard_and_one_that_is_not_there_never(visit: Visit, site: str) -> None:
    visitor = await visit(site)
    await visitor.page.goto("/sound")
    await by_keyboard(visitor.page, "a")
    await visitor.page.goto("/a button that Tab leaves out")
    with pytest.raises(AssertionError, match="Tab never gets to button"):
        await by_keyboard(visitor.page, "button")


async def test_where_there_is_no_browser_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRA_CHROMIUM", "/nowhere")
    with pytest.raises(chromium.NoChromium, match="install the package 'chromium'"):
        chromium.program()
    # Without apt-get nothing is tried, and nothing fails but these tests.
    monkeypatch.setenv("PATH", "/nowhere")
    assert chromium.main() == 0


async def test_a_page_that_is_missing_is_no_fault_where_it_was_gone_to(visit: Visit, site: str) -> None:
    visitor = await visit(site)
    answer = await visitor.page.goto("/missing.html")
    assert answer is not None and answer.status == 404
    assert visitor.faults == []
