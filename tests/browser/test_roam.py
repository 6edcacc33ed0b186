"""Roaming on the pages: a member asks, the host answers, the guests have their passes; two real nodes.

Without scripts and by keyboard, too; what each page has to hold is checked where the journey passes it.
"""

import asyncio
from datetime import datetime, timedelta
from io import BytesIO
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import zxingcpp
from PIL import Image
from playwright.async_api import Page

from node.roaming.passes import Token
from tests.browser.checks import accessible, all_by_keyboard, by_keyboard, fits
from tests.browser.conftest import Visit
from tests.browser.park import MUNICH, Park
from tests.browser.visitor import PATIENCE, Visitor


def day(ahead: int) -> str:
    return (datetime.now(ZoneInfo(MUNICH)).date() + timedelta(days=ahead)).isoformat()


async def sound(page: Page) -> None:
    await accessible(page)
    await fits(page)


async def comes(page: Page, path: str, text: str) -> None:
    """Opens a page again and again until what the other node has to tell is there."""
    for _ in range(int(PATIENCE / 100)):
        await page.goto(path)
        if await page.get_by_text(text).count():
            return
        await page.wait_for_timeout(100)
    raise AssertionError(f"{path} never says {text!r}: {await page.inner_text('main')}")


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


async def member(visit: Visit, park: Park, **options: object) -> Visitor:
    visitor = await visit(park.home, **options)
    await visitor.log_in(park.token("member"))
    return visitor


async def ask(page: Page, park: Park, purpose: str, company: str = "Nordic Sensors", ahead: int = 1) -> str:
    """Fills and sends the form, for a day from today on; the path of the visit."""
    await page.goto(f"{park.path('venue', 'desk')}/visit")
    await page.get_by_label("First day").fill(day(ahead))
    await page.get_by_label("Name").first.fill("Liis Tamm")
    await page.get_by_label("E-mail").first.fill("liis@sensors.example")
    await page.get_by_label("Company").fill(company)
    await page.get_by_label("What you come for").fill(purpose)
    await page.get_by_role("button", name="Ask to visit").click()
    await page.get_by_role("status").get_by_text("Asked.").wait_for()
    return path_of(page)


async def test_a_member_asks_the_host_accepts_and_the_pass_is_read_from_the_screen(visit: Visit, park: Park) -> None:
    guest, desk = await member(visit, park, dark=True), await visit(park.host)
    await desk.log_in(park.token("desk", park.host))
    page = guest.page
    await page.goto(f"{park.path('venue', 'desk')}/visit")
    await all_by_keyboard(page)
    await page.get_by_role("button", name="One more person").click()
    await page.locator("#name2:focus").fill("Jaan Kask")
    assert await page.get_by_label("Name").count() == 2
    await sound(page)
    here = await ask(page, park, "To meet a first customer", ahead=0)
    await sound(page)
    await all_by_keyboard(page)
    # The host's inbox.
    await comes(desk.page, "/host", "Nordic Sensors")
    await by_keyboard(desk.page, "summary")
    await desk.page.keyboard.press("Enter")
    await sound(desk.page)
    await desk.page.get_by_label("A word to the guests").first.fill("Ring twice")
    await desk.page.get_by_role("button", name="Accept").click()
    await desk.page.get_by_role("status").get_by_text("Accepted").wait_for()
    await desk.page.get_by_role("link", name="Nordic Sensors").click()
    await sound(desk.page)
    await all_by_keyboard(desk.page)
    # The guest's passes.
    await comes(page, "/", "Your next visits")
    await page.get_by_role("link", name="Desks in the Yard").click()
    await comes(page, here, "Ring twice")
    await sound(page)
    for file, holds in (("ics", b"STATUS:CONFIRMED"), ("vcf", b"BEGIN:VCARD"), ("zip", b"PK"), ("html", b"Ring")):
        answer = await guest.context.request.get(f"{here}/trip.{file}")
        assert answer.headers["cache-control"] == "no-store"
        assert holds in await answer.body() or file == "html"
    await page.get_by_role("link", name="Passes").click()
    await sound(page)
    read = zxingcpp.read_barcode(Image.open(BytesIO(await page.screenshot(full_page=True))))
    assert read is not None and read.text == await page.locator(".code").first.text_content()
    await page.emulate_media(media="print")
    assert not await page.get_by_role("navigation").is_visible()
    await page.emulate_media(media="screen")
    # What is lost is revoked, and whoever it was for sees that.
    park.home.bra("pass", "revoke", Token.parse(read.text).claims.id)
    await page.reload()
    await page.get_by_text("This pass was revoked").wait_for()
    await sound(page)
    assert await page.locator(".code").count() == 0
    assert (await guest.context.request.get(f"{here}/pass/1.svg")).status == 404
    # They come, and nobody scans a pass: so both sides say so.
    await desk.page.get_by_role("button", name="They came").click()
    await desk.page.get_by_role("status").get_by_text("They came").wait_for()
    await comes(page, here, "The host says that you came")
    await page.get_by_role("button", name="We came").click()
    await page.get_by_role("status").get_by_text("Confirmed").wait_for()
    operator = await visit(park.host)
    await operator.log_in(park.token("operator", park.host))
    await comes(operator.page, "/host/reciprocity", park.home.name)
    await sound(operator.page)


async def test_without_scripts_a_member_is_told_each_fault_asks_once_and_takes_another_date(
    visit: Visit, park: Park
) -> None:
    guest, host = await member(visit, park, javascript=False), await visit(park.host, javascript=False)
    page, purpose = guest.page, "Without any scripts"
    await page.goto(f"{park.path('venue', 'desk')}/visit?from={day(2)}&until={day(1)}")
    assert await page.get_by_label("First day").input_value() == day(2)
    await page.get_by_role("button", name="One more person").click()
    await page.get_by_label("Name").first.fill("Liis Tamm")
    await page.get_by_label("E-mail").first.fill("liis@sensors.example")
    await page.get_by_label("Name").nth(1).fill("Jaan Kask")
    await page.get_by_label("E-mail").nth(1).fill("jaan@sensors")
    await page.get_by_label("Company").fill("Nordic Sensors")
    await page.get_by_label("What you come for").fill(purpose)
    await page.get_by_role("button", name="Ask to visit").click()
    assert await page.locator("#from").get_attribute("aria-invalid") == "true"
    assert "e-mail" in (await page.locator("#email2-wrong").inner_text()).lower()
    assert await page.locator("#name2").input_value() == "Jaan Kask"
    await sound(page)
    await page.get_by_label("First day").fill(day(1))
    await page.get_by_label("E-mail").nth(1).fill("jaan@sensors.example")
    form = await page.locator("form:has(#purpose)").evaluate("form => Object.fromEntries(new FormData(form))")
    await page.get_by_role("button", name="Ask to visit").click()
    await page.get_by_role("status").get_by_text("Asked.").wait_for()
    here = path_of(page)
    again = await guest.context.request.post(
        f"{park.path('venue', 'desk')}/visit", form=form, headers={"Origin": park.home.url}, max_redirects=0
    )
    assert again.headers["location"].startswith(here)
    # The host, from the letter.
    await host.page.goto(await asyncio.to_thread(park.link_to, purpose))
    await host.page.locator("#first").fill(day(8))
    await host.page.get_by_role("button", name="Offer this date").click()
    await host.page.get_by_role("status").get_by_text("Another date was offered").wait_for()
    await sound(host.page)
    await comes(page, here, "The host offers these days instead")
    await sound(page)
    await page.get_by_role("button", name="Take this date").click()
    await page.get_by_role("status").get_by_text("You took the other date.").wait_for()
    assert await page.get_by_role("link", name="Passes").count() == 1


async def test_what_is_cancelled_is_asked_once_more_its_pass_is_gone_and_the_inbox_follows(
    visit: Visit, park: Park
) -> None:
    guest, operator = await member(visit, park), await visit(park.host)
    await operator.log_in(park.token("operator", park.host))
    page, inbox = guest.page, operator.page
    await inbox.goto("/host")
    here = await ask(page, park, "To be called off", company="Late Changes")
    # It comes by itself, and what is being written in the list stays.
    await inbox.get_by_role("link", name="Late Changes").wait_for()
    card = inbox.get_by_role("listitem").filter(has_text="Late Changes")
    await card.locator("summary").click()
    await card.get_by_label("A word to the guests").first.fill("We are looking forward")
    await inbox.get_by_role("heading", level=1).click()
    await sound(inbox)
    await ask(page, park, "Another one", company="Second Thoughts")
    await inbox.get_by_role("link", name="Second Thoughts").wait_for()
    assert await card.get_by_label("A word to the guests").first.input_value() == "We are looking forward"
    await page.goto(here)
    await page.get_by_role("link", name="Cancel the visit").click()
    await sound(page)
    await by_keyboard(page, "main button")
    await page.keyboard.press("Enter")
    await page.get_by_role("status").get_by_text("Cancelled").wait_for()
    assert (await guest.context.request.get(f"{here}/pass")).status == 400
    await page.goto("/visits")
    await sound(page)
    await page.get_by_role("heading", name="Over, or called off").wait_for()
    await card.get_by_text("The guests called it off.").wait_for()


async def test_a_trip_is_planned_by_its_address_alone(visit: Visit, park: Park) -> None:
    page = (await member(visit, park, width=360)).page
    await page.goto("/trip")
    await page.get_by_label("Where?").fill("Munhic")
    await page.get_by_label("From").fill(day(3))
    await page.get_by_role("button", name="Plan").click()
    await page.get_by_role("alert").get_by_text("did you mean Munich").wait_for()
    await page.get_by_label("Where?").fill("Munich")
    await page.get_by_label("Until").fill(day(9))
    await page.get_by_role("button", name="Plan").click()
    for heading in ("A trip to Munich", "Places to work", "What goes on there", "Whom to call"):
        await page.get_by_role("heading", name=heading).wait_for()
    await page.get_by_text("Demo day").first.wait_for()
    await sound(page)
    await all_by_keyboard(page)
    await page.get_by_role("link", name="Ask to visit Desks in the Yard").click()
    assert await page.get_by_label("First day").input_value() == day(3)
    assert await page.get_by_label("Last day").input_value() == day(9)


async def test_nobody_sees_the_visits_of_others_and_only_the_operator_what_was_hosted(visit: Visit, park: Park) -> None:
    one, other = await member(visit, park), await visit(park.home)
    here = await ask(one.page, park, "For these eyes only")
    made = park.home.json("token", "create", "--role", "desk", "--label", "Another one")
    await other.log_in(made["token"])
    for path in (here, f"{here}/pass", f"{here}/cancel", f"{here}/trip.html", f"{here}/pass/1.svg"):
        assert (await other.context.request.get(path)).status == 404, path
    assert (await one.context.request.get("/host")).status == 403
    assert (await other.context.request.get("/host/reciprocity")).status == 403
    operator = await visit(park.home)
    await operator.log_in(park.token("operator"))
    await operator.page.goto(here)
    assert await operator.page.get_by_text("For these eyes only").count()
