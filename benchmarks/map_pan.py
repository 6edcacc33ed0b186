"""How smoothly the map of a search moves under the hand, with RECORDS venues on it.

A node publishes the venues around the cities of the demonstration. A real browser opens its map and drags it to and fro
by the mouse: as the page shows it, and after it came closer by one and by two clusters, where more points stand apart.
Each frame is timed by the browser's own clock, from one to the next: on a calm machine it takes 16.7 ms. Beside it, as
the floor, the same without touching the map: what else the machine does makes frames long, too. So the longest piece of
the page's own work is told as well, in milliseconds of the processor's time: no neighbour adds to that.

    make bench NAME=map_pan RECORDS=10000
"""

import asyncio
import itertools
import json
import random
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.harness import arguments, ending, median, report, scratch
from node.demo.sites import sites
from tests.browser import chromium
from tests.nodes import Node, venue

CLUSTERS = 2
"""Steps by which the map comes closer, each to what a cluster holds."""
WINDOW = {"width": 880, "height": 1000}
"""In a wider one the list is beside the map, which is smaller then."""
STEPS = 60
"""Of the mouse, in each direction, some 10 ms and 12 pixels each."""
SPREAD = 300_000
"""Microdegrees that venues are away from their city's centre, typically."""
NAMES = ("longest of each run", "longest at rest")
_WATCH = """() => {
  window.frames_ = [];
  let before;
  const step = (now) => {
    if (before) frames_.push(now - before);
    before = now;
    window.watching = requestAnimationFrame(step);
  };
  window.watching = requestAnimationFrame(step);
}"""
_SEEN = "() => { cancelAnimationFrame(window.watching); return frames_; }"


def venues(count: int) -> list[dict[str, Any]]:
    chance = random.Random(42)
    entries = [entry for site in sites() for entry in site.entries]
    return [
        venue(
            f"v{number}",
            city=entry["city"],
            country=entry["country"],
            time_zone=entry["time_zone"],
            geo={name: round(chance.gauss(entry["geo"][name], SPREAD)) for name in ("lat_e6", "lon_e6")},
        )
        for number, entry in zip(range(count), itertools.cycle(entries), strict=False)
    ]


async def frames(page: Page, *, dragged: bool) -> list[float]:
    """Milliseconds of each frame while the map is dragged there and back and rolls on, or while the mouse rests."""
    box = await page.locator(".map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.7
    await page.mouse.move(x, y)
    await page.evaluate(_WATCH)
    if dragged:
        await page.mouse.down()
    for step in (*range(STEPS), *range(STEPS, 0, -1)):
        await page.mouse.move(x - 12 * step * dragged, y - 3 * step * dragged)
        await page.wait_for_timeout(8)
    await page.mouse.up()
    await page.wait_for_timeout(300)
    return list(await page.evaluate(_SEEN))


async def work(browser: Browser, page: Page) -> float:
    """Milliseconds of the processor that the page took longest without a pause, while the map was dragged."""
    await browser.start_tracing(page=page, categories=["toplevel"])
    await frames(page, dragged=True)
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    main = {(each["pid"], each["tid"]) for each in events if each.get("args", {}).get("name") == "CrRendererMain"}
    return max(each["tdur"] for each in events if (each["pid"], each["tid"]) in main and "tdur" in each) / 1000


async def measured(url: str, many: int, runs: int) -> dict[str, dict[str, Any]]:
    """The frames by how close the map is."""
    found = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.program())
        page = await browser.new_page(viewport=WINDOW)  # type: ignore[arg-type]
        await page.goto(f"{url}/search?view=map&kind=venue")
        await page.locator(".map").scroll_into_view_if_needed()
        await page.locator(".map-status", has_text=f"{many:,}").wait_for()
        for closer in range(CLUSTERS + 1):
            if closer:
                await page.locator(".map-cluster").first.press("Enter")
            await page.wait_for_timeout(1000)
            marks = await page.locator(".map .leaflet-marker-icon").count()
            # Turn by turn, so that both meet the same neighbours on the machine.
            times = [(await frames(page, dragged=True), await frames(page, dragged=False)) for _ in range(runs)]
            found[f"{closer} closer"] = {
                "marks": marks,
                "median": round(median([each for moved, _ in times for each in moved]), 1),
                "longest work": round(await work(browser, page), 1),
                NAMES[0]: [round(max(moved), 1) for moved, _ in times],
                NAMES[1]: [round(max(still), 1) for _, still in times],
            }
        await browser.close()
    return found


def main() -> None:
    options = arguments(records=10_000, repeat=5)
    with scratch() as folder:
        node = Node(folder / "node", "Node")
        node.publish("venue", venues(options.records))
        with ending(node):
            node.serve()
            found = asyncio.run(measured(node.url, options.records, options.repeat))
    for name, each in found.items():
        print(f"{name}: {each}")
    longest, still = ([most for each in found.values() for most in each[name]] for name in NAMES)
    told = {
        "records": options.records,
        "longest": max(longest),
        "longest at rest": max(still),
        "longest work": max(each["longest work"] for each in found.values()),
        **found,
    }
    report("longest frame of a run while a map is panned", median(longest), "ms", floor=median(still), **told)


if __name__ == "__main__":
    main()
