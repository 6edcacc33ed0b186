"""What a member reads of a place abroad before going there, and of an event: on a screen, on paper, without scripts.

That every page is accessible and fits is said in `test_pages_are_sound`; here, what its looks and scripts do.
"""

import json
import re

from playwright.async_api import Page, expect

from tests.browser.checks import accessible, by_keyboard, fits
from tests.browser.conftest import Visit
from tests.browser.park import Park

MOVES = """
const found = [];
const observer = new PerformanceObserver((list) => found.push(...list.getEntries()));
observer.observe({ type: "layout-shift", buffered: true });
const frame = () => new Promise(requestAnimationFrame);
window.moved = async () => {
  await frame();
  await frame();
  found.push(...observer.takeRecords());
  return found.map(({ sources }) => sources.map(({ node }) => node?.nodeName));
};
"""
"""`moved()`: what has moved on the page by itself."""


async def at(page: Page, park: Park, kind: str, ref: str) -> None:
    """Opens the page of one of the host's records."""
    await page.goto(park.path(kind, ref))


async def test_a_member_learns_whom_to_call_in_munich_and_why_it_is_believed(visit: Visit, park: Park) -> None:
    page = (await visit(park.home, token=park.token("member"))).page
    await at(page, park, "venue", "desk")
    await expect(page.get_by_role("link", name="Ask to visit")).to_have_attribute("href", re.compile("/visit$"))
    await expect(page.get_by_text("After that a day costs €25.00.")).to_be_visible()
    await expect(page.get_by_text("in German")).to_be_visible()
    await expect(page.get_by_text("Open now")).to_be_visible()
    # Whom to call, by keyboard: only the contacts are asked for again, and the address can be kept.
    await by_keyboard(page, "#topic")
    await page.keyboard.type("keys")
    await page.evaluate("window.stays = true")
    await page.keyboard.press("Enter")
    await expect(page.locator("#contacts").get_by_text("knows about this")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?topic=keys$"))
    assert await page.evaluate("window.stays"), "the page was loaded anew"
    await expect(page.get_by_label("About what?")).to_be_focused()
    await accessible(page)
    # Why: by whom, how and since when.
    await page.get_by_role("link", name="Why do I see this?").click()
    await expect(page.get_by_text("yes: keys were exchanged directly")).to_be_visible()
    await accessible(page)
    await fits(page)


async def test_the_place_is_on_a_map_when_one_comes_to_it(visit: Visit, park: Park) -> None:
    page = (await visit(park.home, dark=True)).page
    await page.add_init_script(MOVES)
    await at(page, park, "venue", "desk")
    await page.locator(".map").scroll_into_view_if_needed()
    await expect(page.locator(".map-status")).to_have_text("On the map: 1")
    assert await page.evaluate("moved()") == [], "what stands below the map moves away when it comes"
    await accessible(page)
    # A name that is longer than a narrow window.
    await at(page, park, "venue", "long")
    await expect(page.get_by_text("Closed for building works")).to_be_visible()
    await accessible(page)
    await fits(page)


async def test_without_scripts_and_on_paper_nothing_of_a_place_is_lost(visit: Visit, park: Park) -> None:
    page = (await visit(park.home, token=park.token("member"), javascript=False)).page
    await at(page, park, "venue", "desk")
    await page.get_by_label("About what?").fill("keys")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("knows about this")).to_be_visible()
    await expect(page.locator(".map")).to_be_hidden()
    await accessible(page)
    await fits(page)
    await page.emulate_media(media="print")
    for shown in ("h1", "#terms", "table.week", "address", "#contacts", ".provenance dl"):
        await expect(page.locator(shown).first).to_be_visible()
    for hidden in ("header nav", "#topic", ".map", "#formats"):
        await expect(page.locator(hidden).first).to_be_hidden()


async def test_a_cancelled_event_says_so_loudly_and_another_by_the_visitors_own_clock(visit: Visit, park: Park) -> None:
    page = (await visit(park.home, zone="Asia/Tokyo")).page
    await at(page, park, "event", "cancelled")
    await expect(page.get_by_role("alert")).to_have_text("This event is cancelled.")
    await expect(page.locator("h1 s")).to_have_text("Breakfast for visitors")
    # Which clock it is, the browser has told by now.
    await at(page, park, "event", "demo-day")
    await expect(page.get_by_text("By your clock:")).to_contain_text("Asia/Tokyo")
    assert await page.get_by_role("alert").count() == 0


async def test_the_public_page_of_an_organisation_is_told_to_search_engines_and_the_network_lists_it(
    visit: Visit, park: Park
) -> None:
    page = (await visit(park.home)).page
    await page.goto("/network")
    await expect(page.get_by_role("heading", name="Germany")).to_be_visible()
    await page.get_by_label("Country").select_option("Germany")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("heading", name="Estonia")).to_have_count(0)
    await accessible(page)
    await page.get_by_role("link", name="WERK1", exact=True).click()
    block = await page.locator('script[type="application/ld+json"]').text_content()
    [thing] = json.loads(block or "")["@graph"]
    assert (thing["@type"], thing["name"]) == ("Organization", "WERK1")
    await expect(page.get_by_role("heading", name=re.compile("^Venues"))).to_be_visible()
    # What is for members alone is not even counted.
    await expect(page.get_by_role("heading", name=re.compile("^Contacts"))).to_have_count(0)
