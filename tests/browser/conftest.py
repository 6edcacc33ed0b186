"""A browser for the tests of this folder, and those who visit real nodes with it.

Rules:

- one browser serves all these tests of a process, so they share one event loop ("package"): starting it costs most of
  a second, a visitor of its own (cookies, cache, window) a tenth of one. An async fixture that touches a page says
  `@pytest_asyncio.fixture(loop_scope="package")`
- a test ends with what its visitors witnessed (see `visitor`): any fault fails it

    async def test_a_desk_in_munich_is_found(visit: Visit, park: Park) -> None:
        visitor = await visit(park.node, width=360)
        await visitor.page.goto("/search?q=desk+munich")
        await accessible(visitor.page)
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser import chromium
from tests.browser.park import Park, opened
from tests.browser.visitor import Visitor
from tests.nodes import Node
from tests.system.conftest import Make, make, make_once

__all__ = ["Make", "make", "make_once"]

Visit = Callable[..., Awaitable[Visitor]]
"""A new visitor of nodes (or of addresses), with the options of `Visitor.enter`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="package"), append=False)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    # What a service worker asks for is told, too.
    os.environ["PW_EXPERIMENTAL_SERVICE_WORKER_NETWORK_EVENTS"] = "1"
    async with async_playwright() as playwright:
        started = await chromium.started(playwright)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="package")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    visitors: list[Visitor] = []

    async def enter(*nodes: Node | str, **options: object) -> Visitor:
        urls = [each if isinstance(each, str) else each.url for each in nodes]
        visitors.append(await Visitor.enter(browser, *urls, **options))  # type: ignore[arg-type]
        return visitors[-1]

    yield enter
    for visitor in visitors:
        await visitor.leave()
    faults = [fault for visitor in visitors for fault in visitor.faults]
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def park(make_once: Make) -> Iterator[Park]:
    with opened(make_once) as park:
        yield park
