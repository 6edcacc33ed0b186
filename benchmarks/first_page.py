"""How much the first pages of a visitor weigh, and how long they take until they can be used.

Each of LOADS times a visitor with an empty cache comes to a serving node that holds RECORDS records, with a real
browser on the same machine. Counted are all bytes that come over the line for it: headers, page, style, scripts, as
they are packed. A page is interactive when it is drawn and all its scripts have run. The floor is what the page alone
takes a plain HTTP client: the node's own work, without a browser.

    make bench NAME=first_page RECORDS=100000
"""

import asyncio
import http.client
import time
from typing import Any

from playwright.async_api import Browser, async_playwright

from benchmarks.harness import arguments, ending, median, operate, report, scratch, seconds
from benchmarks.population import populate
from benchmarks.search_load import event
from tests.browser import chromium
from tests.nodes import Node

PAGES = {
    "search": "/search",
    "home": "/",
    "words": "/search?q=Munich",
    "desk": "/search?q=street&near=Munich&type=desk&open_at=2027-06-01T10:00",
    "calendar": "/calendar?month=2027-06",
}
LOADS = 20
INTERACTIVE = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [drawn] = performance.getEntriesByName("first-contentful-paint");
  return Math.max(page.domContentLoadedEventEnd, drawn.startTime);
}"""
"""Milliseconds after the page was asked for."""


async def loaded(browser: Browser, url: str) -> tuple[int, float]:
    """One visit with an empty cache: bytes, and milliseconds until it is interactive."""
    async with await browser.new_context() as context:
        page = await context.new_page()
        line = await context.new_cdp_session(page)
        came: list[float] = []
        line.on("Network.loadingFinished", lambda told: came.append(told["encodedDataLength"]))
        await line.send("Network.enable")
        await page.goto(url, wait_until="networkidle")
        await page.wait_for_function('performance.getEntriesByName("first-contentful-paint").length > 0')
        return int(sum(came)), float(await page.evaluate(INTERACTIVE))


def fetched(port: int, path: str) -> float:
    """Milliseconds until a plain client has the page."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    return seconds(start) * 1000


async def measured(node: Node) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    async with async_playwright() as playwright:
        browser = await chromium.started(playwright)
        for name, path in PAGES.items():
            fetched(node.port, path)
            alone = [fetched(node.port, path) for _ in range(LOADS)]
            loads = [await loaded(browser, f"{node.url}{path}") for _ in range(LOADS)]
            found[name] = {
                "kb": round(max(size for size, _ in loads) / 1000, 1),
                "median_ms": round(median(took for _, took in loads), 1),
                "worst_ms": round(max(took for _, took in loads), 1),
                "page_alone_ms": round(median(alone), 1),
            }
        await browser.close()
    return found


def main() -> None:
    options = arguments(records=100_000)
    with scratch() as folder:
        node = Node(folder / "node", "Node", url="")
        asyncio.run(populate(node.home, options.records))
        node.publish("event", [event(number) for number in range(200)])
        with ending(node):
            node.serve()
            operate(node, "status")
            found = asyncio.run(measured(node))
    first = found["search"]
    report(
        "first_page", first["median_ms"], "ms", floor=first["page_alone_ms"], records=options.records, loads=LOADS,
        kilobytes=first["kb"], pages=found,
    )  # fmt: skip


if __name__ == "__main__":
    main()
