"""Finding: a desk in Munich next Tuesday at ten, by keyboard and without JavaScript; and what is on in a month."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Error, Page, Route, expect

from node.web.pages.search import PAGE
from tests.browser.checks import accessible, all_by_keyboard, by_keyboard, fits
from tests.browser.conftest import Make, Visit
from tests.nodes import Node, venue

MUNICH = {
    "city": "Munich",
    "country": "DE",
    "time_zone": "Europe/Berlin",
    "geo": {"lat_e6": 48_124_000, "lon_e6": 11_604_000},
}
TUESDAY = date.today() + timedelta(days=(1 - date.today().weekday()) % 7 or 7)
AT_TEN = f"{TUESDAY}T10:00"
MANY = PAGE + 3
MONTH = f"{TUESDAY:%Y-%m}"


@pytest.fixture(scope="module")
def node(make_once: Make) -> Iterator[Node]:
    """Two places in Munich, of which one is open in the mornings; many rooms in Tartu; and events."""
    node = make_once("Tartu Park")
    node.publish(
        "venue",
        [
            venue("yard", name="Desks in the Yard", **MUNICH),
            venue("night", name="Desks of the Night", hours="Mo-Su 20:00-23:00", **MUNICH),
            *(venue(f"{n}", name=f"Hall {n:02}", type="meeting", facilities=["wifi"] * (n % 2)) for n in range(MANY)),
        ],
    )
    event = {"time_zone": "Asia/Tokyo", "organiser": "Tartu Park", "online_url": "https://park.example/live"}
    day = f"{TUESDAY}T09:00", f"{TUESDAY}T17:00"
    node.publish(
        "event",
        [
            {
                "ref": "a",
                "title": {"en": "Demo day"},
                "start": day[0],
                "end": day[1],
                "status": "confirmed",
                "open_to": "public",
                **event,
            },
            {
                "ref": "b",
                "title": {"de": "Frühstück"},
                "start": day[0],
                "end": day[1],
                "status": "cancelled",
                "open_to": "members",
                **event,
            },
        ],
    )
    node.serve()
    yield node
    node.stop()


def asked(page: Page) -> dict[str, str]:
    """What the address asks."""
    return {name: value for name, [value] in parse_qs(urlsplit(page.url).query).items()}


async def test_a_desk_in_munich_next_tuesday_at_ten_is_found_by_keyboard(visit: Visit, node: Node) -> None:
    page = (await visit(node)).page
    await page.goto("/")
    await accessible(page)
    await fits(page)
    await all_by_keyboard(page)
    for field, typed in (("q", "desk"), ("near", "Munich")):
        await by_keyboard(page, f"#{field}")
        await page.keyboard.type(typed)
    await by_keyboard(page, "#open_at")
    # By which keys a date is typed depends on the browser's own language.
    await page.locator("#open_at").fill(AT_TEN)
    await page.keyboard.press("Enter")
    await expect(page.locator("#count")).to_have_text("1 found")
    assert asked(page) == {"q": "desk", "near": "Munich", "open_at": AT_TEN}
    told = page.locator("#results")
    await expect(told).to_contain_text("Near Munich, Germany, within 25 km.")
    await expect(told).to_contain_text("That is Munich's own time (Central European Time).")
    card = page.locator(".card")
    await expect(card).to_contain_text("open then")
    await expect(card).to_contain_text("3 days free, ask 24 hours ahead")
    await accessible(page)
    await fits(page)
    await all_by_keyboard(page)
    await by_keyboard(page, ".card a")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Desks in the Yard")


async def test_who_goes_back_twice_at_once_sees_the_second_page(visit: Visit, node: Node) -> None:
    page = (await visit(node)).page
    await page.goto("/search?q=hall")
    count, came = page.locator("#count"), asyncio.Event()
    await by_keyboard(page, "#facets a:has-text('Wi-Fi')")
    await page.keyboard.press("Enter")
    await expect(count).to_have_text(f"{MANY // 2} found")
    await page.locator("#q").fill("hall 03")
    await page.keyboard.press("Enter")
    await expect(count).to_have_text("1 found")
    await page.locator("#sort").select_option("name")
    await expect(page).to_have_url(re.compile("sort=name"))

    async def late(route: Route) -> None:
        await came.wait()
        with suppress(Error):
            await route.continue_()

    await page.route(re.compile(r"03(?!.*sort=name)"), late)
    async with page.expect_event("requestfailed"):
        await page.go_back()
        await page.go_back()
    await expect(count).to_have_text(f"{MANY // 2} found")
    came.set()


async def test_what_is_changed_comes_into_the_page_is_read_out_and_goes_back(visit: Visit, node: Node) -> None:
    visitor = await visit(node)
    page = visitor.page
    await page.goto("/search?q=hall")
    count, said = page.locator("#count"), page.locator("#said")
    await expect(count).to_have_text(f"{MANY} found")
    loaded = len([url for url in visitor.requests if "base.css" in url])
    await by_keyboard(page, "#facets a:has-text('Wi-Fi')")
    await page.keyboard.press("Enter")
    await expect(count).to_have_text(f"{MANY // 2} found")
    await expect(count).to_be_focused()
    await expect(said).to_have_text(f"{MANY // 2} found")
    assert asked(page) == {"q": "hall", "facilities": "wifi"}
    # What was chosen stays where the box is asked for something else, and so does the focus.
    await page.locator("#q").fill("hall 03")
    await page.keyboard.press("Enter")
    await expect(count).to_have_text("1 found")
    await expect(page.locator("#q")).to_be_focused()
    assert asked(page) == {"q": "hall 03", "facilities": "wifi"}
    await page.locator("#sort").select_option("name")
    await expect(page).to_have_url(re.compile("sort=name"))
    assert len([url for url in visitor.requests if "base.css" in url]) == loaded, "the whole page was loaded again"
    await page.go_back()
    await page.go_back()
    await expect(count).to_have_text(f"{MANY // 2} found")
    await expect(page.locator("#q")).to_have_value("hall")
    await page.get_by_role("link", name="Wi-Fi (remove)").click()
    await expect(count).to_have_text(f"{MANY} found")
    await page.locator(".card a").first.click()
    await page.wait_for_url("**/venue/**")
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("Search")
    await expect(count).to_have_text(f"{MANY} found")


async def test_more_of_an_answer_is_added_to_its_list(visit: Visit, node: Node) -> None:
    page = (await visit(node)).page
    await page.goto("/search?q=hall&sort=name")
    await expect(page.locator(".card")).to_have_count(PAGE)
    await by_keyboard(page, "#more a")
    await page.keyboard.press("Enter")
    await expect(page.locator(".card")).to_have_count(MANY)
    await expect(page.locator("#said")).to_have_text("3 more")
    assert asked(page) == {"q": "hall", "sort": "name"}
    await by_keyboard(page, f".card:nth-of-type({PAGE + 2}) a")


async def test_without_javascript_all_of_it_works(visit: Visit, node: Node) -> None:
    page = (await visit(node, javascript=False, width=360)).page
    await page.goto("/")
    await page.get_by_label("What?").fill("desk")
    await page.get_by_label("Where?").fill("Munich")
    await page.get_by_label("Open when?").fill(AT_TEN)
    await page.keyboard.press("Enter")
    await expect(page.locator(".card")).to_have_count(1)
    await accessible(page)
    await fits(page)
    await page.goto("/search?q=hall&sort=name&explain=true")
    await expect(page.locator(".card").first).to_contain_text("“hall” in the title, as a word")
    await page.get_by_role("link", name="Show more").click()
    await expect(page.locator(".card")).to_have_count(3)
    await page.get_by_label("Sort by").select_option("start")
    await page.get_by_role("button", name="Search").click()
    assert asked(page) == {"q": "hall", "sort": "start", "explain": "true"}
    await page.goto("/search?q=desk&view=map")
    await page.get_by_role("link", name="The list alone").click()
    assert asked(page) == {"q": "desk"}


async def test_what_cannot_be_answered_says_what_to_change(visit: Visit, node: Node) -> None:
    page = (await visit(node, expects=["400"])).page
    await page.goto("/search?near=Tratu&q=hall")
    await expect(page.get_by_role("alert")).to_contain_text("No city is called")
    await expect(page.get_by_label("Where?")).to_have_value("Tratu")
    await expect(page.get_by_label("What?")).to_have_value("hall")
    await accessible(page)
    await fits(page)
    await page.get_by_label("Where?").fill("Trtau")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**near=Trtau**")
    await expect(page.get_by_role("alert")).to_contain_text("Trtau")
    await page.goto("/search?q=nothing+of+it&near=Tartu")
    await expect(page.locator(".empty")).to_contain_text("Nothing here answers that.")
    await accessible(page)
    await fits(page)
    await page.get_by_role("link", name="Without the words").click()
    await expect(page.locator(".card").first).to_be_visible()
    assert asked(page) == {"near": "Tartu"}
    await page.goto("/search?q=hlal")
    await expect(page.locator("#results")).to_contain_text("Nothing here has “hlal”: showing what has “hall”.")


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
async def test_a_month_shows_what_is_on_by_its_own_clock_and_the_visitors(
    javascript: bool, visit: Visit, node: Node
) -> None:
    page = (await visit(node, javascript=javascript)).page
    await page.goto("/")
    await page.goto(f"/calendar?month={MONTH}")
    if not javascript:
        await page.get_by_label("Your own clock").select_option("Europe/Tallinn")
        await page.get_by_role("button", name="Show").click()
    day = page.locator("td", has=page.get_by_role("link", name="Demo day"))
    await expect(day).to_contain_text(TUESDAY.strftime("%A"))
    begins = datetime.fromisoformat(f"{TUESDAY}T09:00").replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    own = begins.astimezone(ZoneInfo("Europe/Tallinn"))
    await expect(day.locator("li", has_text="Demo day")).to_contain_text(f"(your clock: {own:%H:%M})")
    await expect(day.locator("li", has_text="Frühstück")).to_contain_text("cancelled")
    await expect(day.locator("s")).to_have_text("Frühstück")
    if javascript:
        await accessible(page)
        await fits(page)
        await all_by_keyboard(page)
    await page.get_by_role("link", name="As a list").click()
    await expect(page.locator(".card")).to_have_count(2)
    if javascript:
        await accessible(page)
        await fits(page)
    await page.get_by_label("Open to").select_option("public")
    if not javascript:
        await page.get_by_role("button", name="Show").click()
    await expect(page.locator(".card")).to_have_count(1)
    await by_keyboard(page, "#after")
    await page.keyboard.press("Enter")
    await expect(page.locator(".empty")).to_have_text("Nothing is on in this month.")
    href = await page.get_by_role("link", name="The address itself").get_attribute("href")
    assert href is not None
    answer = await page.request.get(href)
    assert "SUMMARY" in await answer.text()


async def test_a_member_gets_an_address_of_their_own_for_a_calendar_program(visit: Visit, node: Node) -> None:
    visitor = await visit(node)
    page = visitor.page
    await visitor.log_in(node.json("token", "create", "--role", "member", "--label", "Liis")["token"])
    await page.goto("/calendar?near=Tartu")
    await page.get_by_role("button", name="Make my own address").click()
    address = await page.get_by_label("Address").input_value()
    assert f"{node.url}/api/v1/event.ics?near=Tartu&token=bra_" in address
    assert (await page.request.get(address)).status == 200
    await accessible(page)
    await fits(page)
