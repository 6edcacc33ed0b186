"""The pages that don't need to know who looks at them: the API's, and the one behind a letter's link."""

from datetime import date, timedelta

import pytest

from node.roaming.links import PATH as VISIT
from tests.browser.checks import accessible, all_by_keyboard, by_keyboard, fits
from tests.browser.conftest import Visit
from tests.browser.park import Park


async def test_the_api_page_is_sound_with_every_endpoint_unfolded(visit: Visit, park: Park) -> None:
    page = (await visit(park.home)).page
    await page.goto("/api")
    assert (await page.title()).startswith("The API of this node")
    for summary in await page.locator("summary").all():
        await summary.click()
    await page.get_by_text("Words are forgiving").first.wait_for()
    await accessible(page)
    await fits(page)


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
async def test_a_host_answers_behind_the_link(javascript: bool, visit: Visit, park: Park) -> None:
    page = (await visit(park.host, javascript=javascript)).page
    await page.goto(park.link(f"To be answered, scripts: {javascript}"))
    await accessible(page)
    await fits(page)
    await all_by_keyboard(page)
    await page.get_by_label("A word to the guests").first.fill("Ring twice")
    await page.get_by_role("button", name="Accept").click()
    await page.get_by_role("status").get_by_text("Accepted").wait_for()
    await accessible(page)
    await fits(page)


async def test_a_host_offers_another_date_by_keyboard_alone(visit: Visit, park: Park) -> None:
    page = (await visit(park.host)).page
    await page.goto(park.link("On another date"))
    await by_keyboard(page, "#first")
    await page.locator("#first").fill((date.today() + timedelta(days=7)).isoformat())
    await page.keyboard.press("Enter")
    await page.get_by_role("status").get_by_text("Another date was offered").wait_for()


async def test_a_link_that_is_none_says_so(visit: Visit, park: Park) -> None:
    page = (await visit(park.host)).page
    answer = await page.goto(f"{VISIT}/nothing")
    assert answer is not None and answer.status == 404
    await page.get_by_text("this link is not good any more").wait_for()
    await accessible(page)
    await fits(page)
