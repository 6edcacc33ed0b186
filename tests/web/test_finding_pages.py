"""The pages on which people find: what others wrote stays text, parts come alone, feeds show what members may see."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from node.api.role import Role
from node.directory.draft import Change
from tests.nodes import venue
from tests.web.served import Served, served

HOSTILE = "</script><img src=x onerror=alert(1)>\"'"
EVENT = {
    "title": {"en": "Demo day", "de": HOSTILE},
    "start": "2027-06-02T09:00",
    "end": "2027-06-04T17:00",
    "time_zone": "Europe/Tallinn",
    "status": "confirmed",
    "organiser": HOSTILE,
    "online_url": "https://park.example/live",
    "open_to": "members",
}


def body(**fields: Any) -> dict[str, Any]:
    made = venue("-", **fields)
    del made["ref"]
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder: Path = tmp_path_factory.mktemp("finding")
    async with served(folder) as node:
        await node.publish(
            Change("venue", body(name=f"Yard {HOSTILE}", alert={"en": HOSTILE}), id="hostile"),
            *(Change("venue", body(name=f"Hall {n}"), id=f"hall-{n}") for n in range(25)),
            Change("event", EVENT, id="open"),
            Change("event", {**EVENT, "title": {"en": "Breakfast of members"}}, id="hidden", visibility="members"),
        )
        yield node


pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = {
    "the first page": "/",
    "a search": "/search?q=yard",
    "a search with its reasons": "/search?q=yard&explain=true&view=map",
    "what was asked": '/search?q="><img src=x onerror=alert(1)>',
    "a place that is none": '/search?near="><img src=x onerror=alert(1)>',
    "events": "/search?kind=event",
    "a month": "/calendar?month=2027-06&zone=Asia/Tokyo",
    "a month as a list": "/calendar?month=2027-06&view=agenda",
    "a month that is none": '/calendar?month="><img src=x onerror=alert(1)>',
}


@pytest.mark.parametrize("name", PAGES)
async def test_what_others_wrote_stays_text_on(name: str, node: Served) -> None:
    path = PAGES[name].replace(" ", "%20").replace('"', "%22").replace("<", "%3C").replace(">", "%3E")
    answer, html = await node.get(path, accept_language="de")
    assert answer.status in (200, 400)
    assert "<img" not in html
    assert "</script><" not in html.replace("></script><", "")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


PARTS = {
    "the whole page to who goes there": ({}, "<!DOCTYPE html>", True),
    "what was found alone": ({"hx_request": "true", "hx_target": "results"}, '<div id="results">', True),
    "more of it alone": ({"hx_request": "true", "hx_target": "more"}, "<li", False),
    "the whole page for another part": ({"hx_request": "true", "hx_target": "main"}, "<!DOCTYPE html>", True),
    "the whole page without htmx": ({"hx_target": "results"}, "<!DOCTYPE html>", True),
}


@pytest.mark.parametrize("name", PARTS)
async def test_a_search_answers_with(name: str, node: Served) -> None:
    headers, begins, counted = PARTS[name]
    _, html = await node.get("/search?q=hall", **headers)
    assert html.strip().startswith(begins)
    assert ("25 found" in html) == counted
    assert html.count('class="card"') == 20


async def test_the_first_page_counts_for_each_what_it_may_see(node: Served) -> None:
    for role, events in ((Role.MEMBER, 2), (Role.PUBLIC, 1), (Role.MEMBER, 2)):
        _, html = await node.get("/", role)
        assert f'/search?kind=event">Events <span>{events}<' in html, role
        assert '/search?country=EE">Estonia <span>27<' in html


async def test_the_address_that_is_put_into_the_bar_is_the_shortest(node: Served) -> None:
    answer, _ = await node.get("/search?q=hall&near=&kind=venue&kind=event&view=map&other=1")
    assert answer.headers["HX-Push-Url"] == "/search?q=hall&kind=venue,event&view=map"


async def test_a_question_that_cannot_be_asked_is_shown_again(node: Served) -> None:
    answer, html = await node.get("/search?q=hall&open_at=soon&radius_km=0")
    assert answer.status == 400
    assert 'value="soon"' in html
    assert 'value="hall"' in html
    assert "is not a time" in unescape(html)


async def own_address(node: Served, role: Role, form: dict[str, str]) -> tuple[int, str]:
    """What the form for an own address is answered: its status, and the address."""
    _, page = await node.get("/calendar", role)
    csrf = re.search(r'name="csrf" value="([^"]*)"', page)
    answer, html = await node.post("/feeds", {"csrf": csrf[1] if csrf else "", **form}, role)
    address = re.search(r"<textarea[^>]*>([^<]*)<", html)
    return answer.status, unescape(address[1]) if address else ""


async def test_an_address_of_ones_own_has_what_members_see_until_the_next_one(node: Served) -> None:
    form = {"feed": "event.ics", "query": "q=of&unknown=1"}
    status, address = await own_address(node, Role.MEMBER, form)
    assert status == 200
    path = f"{urlsplit(address).path}?{urlsplit(address).query}"
    assert path.startswith("/api/v1/event.ics?q=of&token=bra_")
    assert "Breakfast of members" in (await node.get(path))[1]
    assert "Breakfast of members" not in (await node.get("/api/v1/event.ics?q=of"))[1]
    elsewhere, _ = await node.get(path.replace("event.ics", "event.atom"))
    assert elsewhere.status == 401
    await own_address(node, Role.MEMBER, form)
    ended, _ = await node.get(path)
    assert ended.status == 401


async def test_an_operators_address_has_no_more_than_a_members(node: Served) -> None:
    await node.publish(Change("event", {**EVENT, "title": {"en": "Of this node alone"}}, id="own", visibility="local"))
    _, address = await own_address(node, Role.OPERATOR, {"feed": "event.ics", "query": ""})
    _, calendar = await node.get(f"{urlsplit(address).path}?{urlsplit(address).query}")
    assert "Breakfast of members" in calendar
    assert "Of this node alone" not in calendar


FORMS = {
    "nobody who hasn't logged in": (Role.PUBLIC, "event.ics", 303),
    "another path": (Role.MEMBER, "../../operate", 400),
    "no feed": (Role.MEMBER, "", 400),
}


@pytest.mark.parametrize("name", FORMS)
async def test_an_own_address_is_for(name: str, node: Served) -> None:
    role, feed, expected = FORMS[name]
    status, address = await own_address(node, role, {"feed": feed, "query": ""})
    assert (status, address) == (expected, "")
