"""Every page that a node has, walked by everybody who may see it: what all pages have to hold, each of them holds.

Rules:

- the walk goes by the node's own table of routes: a new page is walked without a word here. Only where its address
  names something does `EXAMPLES` say what; a route that needs one and has none fails
- each page is looked at as the least of those who may see it; and as the operator, where the operator is shown more
"""

import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import APIResponse, Browser, Page

from node.app import App
from node.federation.connections import Connections
from node.federation.server import Arrivals
from node.home import Home
from tests.browser.checks import accessible, all_by_keyboard, fits
from tests.browser.conftest import Make
from tests.browser.park import Park
from tests.browser.visitor import Visitor
from tests.nodes import until

ROLES = ("public", "member", "desk", "operator")
KINDS = ("organisation", "venue", "event", "offer", "contact", "culture_guide", "need")
EXAMPLES: Mapping[str, Sequence[str]] = {
    "/search": (
        "/search",
        "/search?q=desk&near=Munich",
        "/search?q=nothing-of-the-kind",
        "/search?kind=venue&near=Tartu",
    ),
    "/calendar": ("/calendar", "/calendar?view=agenda"),
    "/{kind}/{author}/{id}": [f"/{kind}/{{{kind}}}" for kind in KINDS],
    "/trip": ("/trip", "/trip?near=Munich&from={day}&until={day}"),
    "/why/{author}": ("/why/{home}",),
    "/venue/{author}/{id}/visit": ("/venue/{elsewhere}/visit",),
    "/visits/{visit}": ("/visits/{out}",),
    "/visits/{visit}/cancel": ("/visits/{out}/cancel",),
    "/visits/{visit}/pass": ("/visits/{out}/pass",),
    "/host/{guest}/{visit}": ("/host/{home}/{asked}",),
    "/visit/{secret}": ("{link}",),
    "/operate/partners/{node}": ("/operate/partners/{home}",),
    "/operate/partners/{node}/{act}": [
        f"/operate/partners/{{home}}/{act}" for act in ("block", "remove", "expel", "withdraw")
    ],
    "/operate/tokens/{id}/revoke": ("/operate/tokens/{token}/revoke",),
    "/operate/partners/{node}/confirm": (),  # walked where two nodes join
    "/operate/records": ("/operate/records", "/operate/records?kind=event&q=demo"),
    "/operate/records/new/{kind}": ("/operate/records/new/practice",),
    "/operate/records/{kind}/{id}": ("/operate/records/venue/{desk}", "/operate/records/venue/{desk}?as=json"),
    "/operate/records/{kind}/{id}/withdraw": ("/operate/records/venue/{desk}/withdraw",),
    "/operate/import/{sheet}": (),  # walked where something is imported
    "/operate/photos/{hash}/remove": (),  # walked where there are photos
    # Not for looking at.
    "/assets/{path}": (),
    "/photo/{hash}": (),
    "/{kind}/{author}/{id}.{format}": (),
    "/visits/{visit}/trip.{form}": (),
    "/visits/{visit}/pass/{number}.{form}": (),
    "/operate/live": (),
}


@dataclass
class Walk:
    """Visitors of one node by their roles; and each page's path, under the route that it belongs to."""

    visitors: Mapping[str, Visitor]
    paths: Mapping[str, Sequence[str]]
    _shown: dict[str, dict[str, str]] = field(default_factory=dict)

    async def shown(self, path: str) -> Mapping[str, str]:
        """The main part of the page by who is shown it, the least of them first. No other is shown more than that it
        isn't there, or not for them."""
        if path not in self._shown:
            answers = {
                role: await visitor.context.request.get(path, max_redirects=0)
                for role, visitor in self.visitors.items()
            }
            statuses = {role: answer.status for role, answer in answers.items()}
            assert set(statuses.values()) <= {200, 303, 403, 404}, f"{path} is answered {statuses}"
            shown = [role for role, status in statuses.items() if status == 200]
            assert shown == list(ROLES[len(ROLES) - len(shown) :]), f"{path} is not for all above the least: {statuses}"
            self._shown[path] = {role: await main_part(answers[role]) for role in shown}
        return self._shown[path]


async def main_part(answer: APIResponse) -> str:
    """The page's, without what is new each time; empty for what is no page."""
    if not answer.headers["content-type"].startswith("text/html"):
        return ""
    main = (await answer.text()).partition("<main")[2].partition("</main>")[0]
    return re.sub(r'<input type="hidden" name="csrf"[^>]*>', "", main)


def templates(app: web.Application) -> list[str]:
    """The routes of pages: those that `node.web` answers to GET."""
    return sorted(
        {
            route.resource.canonical
            for route in app.router.routes()
            if route.method == "GET" and route.resource is not None
            if route.handler.__module__.startswith("node.web")
        }
    )


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def walk(park: Park, make_once: Make, browser: Browser) -> AsyncIterator[Walk]:
    names = named(park)
    idle = make_once("A node for its routes")
    async with App.opened(Home(idle.home)) as app:
        routes = templates(app._web(Arrivals(), Connections(most=1, idle_seconds=1.0, clock=time.monotonic)))
    visitors = {role: await Visitor.enter(browser, park.host.url, token=park.token(role, park.host)) for role in ROLES}
    paths = {
        route: [each.format(**names) for each in EXAMPLES.get(route, () if "{" in route else (route,))]
        for route in routes
    }
    yield Walk(visitors, paths)
    for visitor in visitors.values():
        await visitor.leave()


def named(park: Park) -> dict[str, str]:
    """What the examples name: records that the host's node shows, and a visit in each direction."""
    park.token("member", park.host)
    out = park.ask("To be walked on both sides", back=True)
    until(partial(arrived, park, out), f"the visit never comes: {park.home.log()}")
    park.home.json("visit", "answer", out, "accept")
    until(lambda: state(park, out) == "accepted", f"the answer never comes: {park.host.log()}")
    link = park.link("To be answered by a link")
    [asked] = [each["visit"] for each in park.host.json("visit", "list")["visits"] if each["side"] == "host"]
    records = {kind: park.host.json("list", kind)["records"] for kind in KINDS}
    return {
        **{kind: f"{found[0]['author']}/{found[0]['id']}" for kind, found in records.items()},
        "venue": park.place("desk"),
        "home": park.home.id,
        "elsewhere": park.home_desk,
        "desk": park.ids["desk"],
        "day": date.today().isoformat(),
        "token": park.host.json("token", "list")["tokens"][0]["id"],
        "out": out,
        "asked": asked,
        "link": re.sub(r"^https?://[^/]+", "", link),
    }


def arrived(park: Park, visit: str) -> bool:
    return any(each["visit"] == visit for each in park.home.json("visit", "list")["visits"])


def state(park: Park, visit: str) -> str:
    return next(str(each["state"]) for each in park.host.json("visit", "list")["visits"] if each["visit"] == visit)


async def outline(page: Page) -> list[str]:
    """What is wrong with the page's title, language, landmark and headings."""
    found: dict[str, Any] = await page.evaluate(
        """() => ({
          title: document.title,
          lang: document.documentElement.lang,
          mains: document.querySelectorAll("main").length,
          levels: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
            .filter((each) => each.checkVisibility())
            .map((each) => Number(each.localName[1])),
        })"""
    )
    levels = found["levels"]
    jumps = [each for each in pairwise(levels) if each[1] > each[0] + 1]
    return [
        *([] if re.match(r"\w", found["title"]) else [f"its title is {found['title']!r}"]),
        *([] if found["lang"] == "en" else [f"its language is {found['lang']!r}"]),
        *([] if found["mains"] == 1 else [f"it has {found['mains']} main parts"]),
        *([] if levels[:1] == [1] and levels.count(1) == 1 else [f"its headings are {levels}: one h1 begins them"]),
        *[f"an h{second} follows an h{first}" for first, second in jumps],
    ]


async def faults(visitor: Visitor, path: str) -> list[str]:
    """What is wrong with a page, as this visitor sees it."""
    page, before = visitor.page, len(visitor.witnessed())
    await page.goto(path)
    found = await outline(page)
    for check in (accessible, fits, all_by_keyboard):
        try:
            await check(page)
        except AssertionError as error:
            found.append(str(error))
    return [*found, *visitor.witnessed()[before:]]


def test_each_page_whose_address_names_something_has_an_example(walk: Walk) -> None:
    assert [route for route in walk.paths if "{" in route and route not in EXAMPLES] == []


@pytest.mark.parametrize("least", [True, False], ids=["the least of those who may see it", "the operator"])
async def test_every_page_is_sound_and_leads_somewhere_for(least: bool, walk: Walk) -> None:
    told: list[str] = []
    links: set[tuple[str, str]] = set()
    for path in (each for paths in walk.paths.values() for each in paths):
        shown = await walk.shown(path)
        if not shown:
            told.append(f"{path} is shown to nobody")
            continue
        first = next(iter(shown))
        role = first if least else "operator"
        if shown[role] and (least or shown[role] != shown[first]):
            told += [f"{path} as {role}: {each}" for each in await faults(walk.visitors[role], path)]
            links |= {(role, link) for link in await leading(walk.visitors[role].page)}
    assert len(links) > 30
    for role, link in sorted(links):
        answer = await walk.visitors[role].context.request.get(link)
        told += [f"the {role}'s link to {link} leads nowhere: {answer.status}"] if answer.status >= 400 else []
    assert not told, "\n".join(told)


async def leading(page: Page) -> list[str]:
    """Where the page's links lead on this node; of those that differ by what they ask alone, one."""
    found: list[str] = await page.evaluate(
        """[...document.links]
          .filter((each) => each.origin === origin)
          .map((each) => each.href)"""
    )
    return list({link.partition("?")[0]: link.partition("#")[0] for link in found}.values())


WRONG = {
    "a page that isn't there": ("public", "/nothing-of-the-kind", 404),
    "a record that isn't there": ("member", "/venue/bra1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaa", 404),
    "a link that is none": ("public", "/visit/nothing", 404),
    "a page for others": ("member", "/operate", 403),
    "a place that nobody knows": ("public", "/search?near=Nowhereville", 400),
    "a question that is none": ("public", "/search?open_at=yesterday", 400),
}


@pytest.mark.parametrize("what", WRONG)
async def test_one_is_told_on_a_sound_page_of(what: str, walk: Walk) -> None:
    role, path, status = WRONG[what]
    visitor = walk.visitors[role]
    answer = await visitor.page.goto(path)
    assert answer is not None
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (status, "text/html")
    assert await faults(visitor, path) == []


async def test_who_is_not_logged_in_is_asked_to_and_comes_back_to_the_page(walk: Walk, park: Park) -> None:
    page = walk.visitors["public"].page
    await page.goto("/operate/health?of=all")
    assert page.url == f"{park.host.url}/login?next=%2Foperate%2Fhealth%3Fof%3Dall"
    await page.get_by_label("Token").fill(park.token("operator", park.host))
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{park.host.url}/operate/health?of=all")
