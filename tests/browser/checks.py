"""What every page has to hold, whatever is on it. Each check fails with all that it found.

Rules:

- `accessible`: axe-core finds nothing that breaks WCAG 2.1, levels A and AA, light and dark. It comes over the
  browser's own debugging line, so the page's policy stands as it is while it is looked at
- `fits`: at 360 px, and in a window of 1280 px at 200 % zoom, no text and no control is cut off or squeezed until words
  break, and the page needs no scrolling sideways. What scrolls by itself (a wide table) may be wide, and a map may show
  a part of the world
- `by_keyboard`, `all_by_keyboard`: Tab alone gets there, and one sees at each step where one is
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import JSHandle, Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
NARROW = 360
ZOOMED = 640
"""Pixels of CSS that a window of 1280 has at 200 %."""
LONGEST_WALK = 500
"""Steps of Tab on one page."""

_DARK = "matchMedia('(prefers-color-scheme: dark)').matches"
_MAPS_ARE_THERE = """() => [...document.querySelectorAll(".map")].every((map) => {
  const status = map.parentElement.querySelector(".map-status")?.textContent;
  return status && status !== JSON.parse(map.dataset.texts).loading;
})"""
_SCRIPTS = (Path(__file__).parent / "checks.js").read_text()


async def accessible(page: Page, *, but: Sequence[str] = ()) -> None:
    """Fails where axe-core finds fault with the page as it is now, light or dark. `but`: selectors to leave out."""
    parts = {"exclude": [[each] for each in but]} if but else None
    async with _scripted(page) as looked_at:
        found = await Axe().run(looked_at, parts, _only("tag", *WCAG))
        # Nothing but the colours differs.
        dark = await looked_at.evaluate(_DARK)
        await looked_at.emulate_media(color_scheme="light" if dark else "dark")
        script = "([parts, rules]) => axe.run(parts ?? document, rules)"
        again = await looked_at.evaluate(script, [parts, _only("rule", "color-contrast")])
        await looked_at.emulate_media(color_scheme="dark" if dark else "light")
    other = "light" if dark else "dark"
    told = [*_told(found.response), *(f"when it is {other}: {each}" for each in _told(again))]
    assert not told, f"{page.url}\n" + "\n".join(told)


async def fits(page: Page) -> None:
    """Fails where the page loses something in a narrow window, or zoomed. The window is as before afterwards."""
    before = page.viewport_size
    assert before is not None
    told: list[str] = []
    for width in (NARROW, ZOOMED):
        await page.set_viewport_size({"width": width, "height": before["height"]})
        told += [f"at {width} px: {each}" for each in await page.evaluate(f"() => {{ {_SCRIPTS}; return lost() }}")]
    await page.set_viewport_size(before)
    assert not told, f"{page.url}\n" + "\n".join(told)


async def by_keyboard(page: Page, selector: str) -> None:
    """Goes on by Tab until what `selector` finds first has the focus; fails where it never has, or one can't see it."""
    walk, seen = await _walk(page)
    target, names, ends = page.locator(selector).first, list[str](), 0
    # Once past the end of the page, and then on from its beginning.
    while ends < 2 and len(names) < LONGEST_WALK:
        step = await _step(page, walk, seen)
        if await target.evaluate("(element) => element === document.activeElement"):
            assert not step["fault"], f"{page.url}: {step['name']} {step['fault']}"
            return
        ends += step["end"]
        names.append(step["name"])
    raise AssertionError(f"{page.url}: Tab never gets to {selector}, only to {', '.join(dict.fromkeys(names))}")


async def all_by_keyboard(page: Page) -> None:
    """Goes through the page by Tab; fails where something that can be used is left out, or can't be seen then."""
    await _with_maps(page)
    walk, seen = await _walk(page)
    faults, left_out = list[str](), list[str]()
    # Twice where needed: a map is made when one comes near it, behind one who goes fast.
    for _ in range(2):
        again = await page.evaluate_handle("() => []")
        for _ in range(LONGEST_WALK):
            step = await _step(page, walk, again)
            if step["end"]:
                break
            faults += [f"{step['name']} {step['fault']}"] if step["fault"] else []
        left_out = await walk.evaluate(
            "(walk, [seen, again]) => { seen.push(...again); return walk.leftOut(seen) }", [seen, again]
        )
        if not left_out:
            break
    told = [*dict.fromkeys(faults), *(f"{name} is never reached by Tab" for name in left_out)]
    assert not told, f"{page.url}\n" + "\n".join(told)


async def _with_maps(page: Page) -> None:
    """Has the page make its maps, which come when one comes near them: what stands below moves then."""
    if await page.evaluate("matchMedia('(scripting: enabled)').matches"):
        for each in await page.locator(".map").all():
            await each.scroll_into_view_if_needed()
        await page.wait_for_function(_MAPS_ARE_THERE)
        await page.evaluate("scrollTo(0, 0)")


async def _walk(page: Page) -> tuple[JSHandle, JSHandle]:
    """What the scripts can tell of a walk by Tab, and what it has seen: nothing yet."""
    walk = await page.evaluate_handle(f"() => {{ {_SCRIPTS}; return {{ focused, leftOut }} }}")
    return walk, await page.evaluate_handle("() => []")


async def _step(page: Page, walk: JSHandle, seen: JSHandle) -> dict[str, Any]:
    """Where Tab goes from here; see `focused` of the scripts."""
    await page.keyboard.press("Tab")
    step: dict[str, Any] = await walk.evaluate("(walk, seen) => walk.focused(seen)", seen)
    return step


@asynccontextmanager
async def _scripted(page: Page) -> AsyncIterator[Page]:
    """The page itself; of one without scripts, a copy as its visitor has it, in which axe's can run."""
    browser = page.context.browser
    if browser is None or await page.evaluate("matchMedia('(scripting: enabled)').matches"):
        yield page
        return
    html = re.sub(r"<script\b.*?</script>", "", await page.content(), flags=re.DOTALL)
    shown = re.sub(r"<(/?)noscript>", r"<\1div>", html)
    dark = await page.evaluate(_DARK)
    async with await browser.new_context(
        storage_state=await page.context.storage_state(),
        viewport=page.viewport_size,
        color_scheme="dark" if dark else "light",
    ) as context:
        copy = await context.new_page()
        await copy.route(page.url, lambda route: route.fulfill(body=shown, content_type="text/html; charset=utf-8"))
        await copy.goto(page.url)
        yield copy


def _only(which: str, *values: str) -> dict[str, Any]:
    return {"runOnly": {"type": which, "values": list(values)}, "resultTypes": ["violations"]}


def _told(found: dict[str, Any]) -> list[str]:
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        + "\n".join(f"    {' '.join(map(str, node['target']))}  {_why(node)}" for node in violation["nodes"])
        for violation in found["violations"]
    ]


def _why(node: dict[str, list[dict[str, str]]]) -> str:
    return "; ".join(check["message"] for group in ("any", "all", "none") for check in node.get(group, ()))
