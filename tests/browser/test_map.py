"""The map beside a search: outlines and points of the node itself, by mouse and by keyboard, and when it fails."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.browser.checks import accessible, by_keyboard, fits
from tests.browser.conftest import Make, Visit
from tests.browser.visitor import Visitor
from tests.nodes import Node, venue

MUNICH = {"city": "Munich", "country": "DE", "time_zone": "Europe/Berlin"}
HOSTILE = "<img src=x onerror=alert(1)>"
VENUES = 12
ALL = "/search?view=map&kind=venue,organisation"
ONE = "/search?view=map&near=Munich&kind=venue"
MARK = ".map .map-mark:has(.venue)"


@pytest.fixture(scope="module")
def node(make_once: Make) -> Iterator[Node]:
    """Many desks in Tartu, and one room in Munich."""
    node = make_once("Tartu Park")
    desks = [
        venue(f"desk-{n}", name=f"Desk {n}", geo={"lat_e6": 58_378_000 + n * 10_000, "lon_e6": 26_729_000})
        for n in range(VENUES - 1)
    ]
    room = venue("room", name=HOSTILE, type="meeting", geo={"lat_e6": 48_124_000, "lon_e6": 11_604_000}, **MUNICH)
    node.publish("venue", [*desks, room])
    node.serve()
    yield node
    node.stop()


async def shown(page: Page, path: str, many: int) -> None:
    """Goes to a page and waits for so many points on its map."""
    await page.goto(path)
    await expect(page.locator(".map-status")).to_have_text(f"On the map: {many}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_what_was_found_stands_on_a_map_close_ones_together(visit: Visit, node: Node, dark: bool) -> None:
    visitor = await visit(node, dark=dark)
    page = visitor.page
    await shown(page, ALL, VENUES + 1)
    await expect(page.locator(".map-cluster")).to_have_attribute("aria-label", f"{VENUES} together: zoom in")
    await expect(page.locator(".map-legend li")).to_have_text(["Organisation", "Venue"])
    assert drawn_from(visitor) == ["outlines.json"]
    sea, land = await colours(page)
    assert sea != land
    assert (sum(land) < 200) == dark
    await accessible(page)
    await fits(page)


async def colours(page: Page) -> tuple[list[int], list[int]]:
    """Red, green and blue of the sea, and of what most of the drawn squares hold: Europe is land."""
    return await page.locator(".map").evaluate(
        """(map) => {
          const drawn = {}, numbers = (colour) => colour.match(/\\d+/g).map(Number);
          for (const square of map.querySelectorAll("canvas")) {
            const { data } = square.getContext("2d").getImageData(0, 0, square.width, square.height);
            for (let at = 0; at < data.length; at += 400) {
              const colour = data.slice(at, at + 3).join();
              if (data[at + 3] === 255) drawn[colour] = (drawn[colour] ?? 0) + 1;
            }
          }
          const [[land]] = Object.entries(drawn).sort((a, b) => b[1] - a[1]);
          return [numbers(getComputedStyle(map).backgroundColor), numbers(land)];
        }"""
    )  # type: ignore[no-any-return]


def drawn_from(visitor: Visitor) -> list[str]:
    """The outlines that were asked for."""
    return re.findall(r"/(outlines[a-z-]*\.json)\?v=", "\n".join(visitor.requests))


async def test_by_keyboard_a_point_is_opened_left_and_followed(visit: Visit, node: Node) -> None:
    visitor = await visit(node)
    page = visitor.page
    await shown(page, ONE, 1)
    assert drawn_from(visitor) == ["outlines.json", "outlines-near.json"]
    await by_keyboard(page, MARK)
    await page.keyboard.press("Enter")
    link = page.locator(".map-popup a")
    await expect(link).to_be_focused()
    await accessible(page)
    await page.keyboard.press("Escape")
    await expect(link).to_have_count(0)
    await expect(page.locator(MARK)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(link).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/venue/*/*")
    await expect(page.locator("h1")).to_have_text(HOSTILE)


async def test_what_a_record_is_called_is_only_ever_text(visit: Visit, node: Node) -> None:
    page = (await visit(node)).page
    await shown(page, ONE, 1)
    await page.locator(MARK).click()
    await expect(page.locator(".map-popup a")).to_have_text(HOSTILE)
    await expect(page.locator(".map img")).to_have_count(0)


async def test_by_keyboard_one_comes_closer_until_those_together_stand_apart(visit: Visit, node: Node) -> None:
    page = (await visit(node)).page
    await shown(page, ALL, VENUES + 1)
    await by_keyboard(page, ".map-cluster")
    await page.keyboard.press("Enter")
    # The map has the focus again.
    await expect(page.locator(".map")).to_be_focused()
    for _ in range(4):
        await page.keyboard.press("+")
    await expect(page.locator(MARK)).not_to_have_count(0)


async def test_the_wheel_scrolls_the_page_until_the_map_was_chosen(visit: Visit, node: Node) -> None:
    page = (await visit(node, height=400)).page
    await shown(page, ALL, VENUES + 1)
    await page.locator(".map").scroll_into_view_if_needed()
    await page.locator(".map").hover(position={"x": 200, "y": 100})
    apart, scrolled = await distance(page), await page.evaluate("scrollY")
    await page.mouse.wheel(0, -100)
    await page.wait_for_function("(before) => scrollY < before", arg=scrolled)
    assert await distance(page) == apart
    await page.locator(".map").focus()
    await page.locator(".map").hover(position={"x": 200, "y": 100})
    await page.mouse.wheel(0, 100)
    await page.wait_for_function(f"(before) => ({DISTANCE})() !== before", arg=apart)


DISTANCE = f"""() => {{
  const [a, b] = [".map-cluster", "{MARK}"].map((each) => document.querySelector(each));
  return a && b ? Math.round(a.getBoundingClientRect().x - b.getBoundingClientRect().x) : 0;
}}"""


async def distance(page: Page) -> int:
    """Pixels that Tartu stands to the right of Munich; 0 where one of them isn't seen."""
    return int(await page.evaluate(DISTANCE))


async def test_a_map_that_could_not_be_loaded_says_so_and_tries_again(visit: Visit, node: Node) -> None:
    page = (await visit(node, expects=["net::ERR_FAILED"])).page
    await page.route("**/points?*", lambda route: route.abort())
    await page.goto(ALL)
    await expect(page.locator(".map-status")).to_contain_text("The map could not be loaded.")
    await accessible(page)
    await page.unroute("**/points?*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".map-status")).to_have_text(f"On the map: {VENUES + 1}")


async def test_a_map_that_comes_later_shows_the_points_that_stand_in_the_page(visit: Visit, node: Node) -> None:
    page = (await visit(node)).page
    await shown(page, ONE, 1)
    elsewhere = "//elsewhere.example/"
    preview = {
        "points": [[58_378_000, 26_729_000, "venue", "Not yet published", elsewhere], [0, 0, "odd", "?"]],
        "more": False,
    }
    # As htmx puts it there.
    await page.evaluate(
        """(preview) => {
          const other = document.createElement("div");
          other.className = "map";
          Object.assign(other.dataset, document.querySelector(".map").dataset, { block: "preview" });
          const block = `<script type="application/json" id="preview">${preview}</script>`;
          const below = '<ul class="map-legend"></ul><p class="map-status" role="status"></p>';
          htmx.swap("#results", block + other.outerHTML + below, { swapStyle: "innerHTML" });
        }""",
        json.dumps(preview),
    )
    await expect(page.locator(".map-status")).to_have_text("On the map: 2")
    await page.locator(MARK).click()
    await expect(page.locator(".map-popup strong")).to_have_text("Not yet published")
    await expect(page.locator(".map-popup a")).to_have_count(0)


async def test_on_paper_a_dark_map_is_light(visit: Visit, node: Node) -> None:
    page = (await visit(node, dark=True)).page
    await shown(page, ALL, VENUES + 1)
    await page.emulate_media(media="print")
    sea, land = await colours(page)
    assert sea != land
    assert min(sum(sea), sum(land)) > 600
