"""An operator's own records: published by a spreadsheet from its first faults to the search, changed, and confirmed."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page

from node.web.pages.operate import importing
from tests.browser.checks import accessible, all_by_keyboard, by_keyboard, fits
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.nodes import Node, until
from tests.system.conftest import Make

HEADER = (
    "ref;Nimi;type;address;city;country;latitude;longitude;time_zone;hours;contact;free_days;notice_hours;"
    "price;currency"
)
GOOD = (
    "garage;Büro Süd;desk;Hauptstraße 1;Munich;DE;48,124;11,604;Europe/Berlin;Mo-Fr 09:00-17:00;+49 89 1234567;2;24;"
    "12,50;EUR"
)
FAULTY = (
    "hall;Große Halle;hall;Hauptstraße 2;Munich;Germoney;481,24;11,604;Europe/Berlin;24/7;desk@werk.example;1;24;"
    "1,200;EUR"
)
MENDED = (
    "hall;Große Halle;event;Hauptstraße 2;Munich;DE;48,125;11,605;Europe/Berlin;24/7;desk@werk.example;1;24;1200;EUR"
)
KNOWN = HEADER.replace("Nimi", "name")


def sheet(*rows: str, header: str = HEADER) -> FilePayload:
    """A file as Excel saves it in Germany."""
    return {"name": "räume.csv", "mimeType": "text/csv", "buffer": "\r\n".join((header, *rows)).encode("cp1252")}


@pytest.fixture(scope="module")
def node(make_once: Make) -> Iterator[Node]:
    patient = {"reads": 1_000_000, "searches": 1_000_000, "writes": 1_000_000}
    node = make_once("WERK1", city="Munich", country="DE", api=patient)
    node.serve()
    yield node


def operator(node: Node) -> str:
    return str(node.json("token", "create", "--role", "operator", "--label", "An operator of these tests")["token"])


def bodies(node: Node, kind: str) -> list[Any]:
    """What its records of a kind say, as its operator sees them."""
    return [each["body"] for each in node.json("list", kind)["records"]]


async def sound(visitor: Visitor) -> None:
    await accessible(visitor.page)
    await fits(visitor.page)
    await all_by_keyboard(visitor.page)


async def send(visitor: Visitor, file: FilePayload) -> None:
    await visitor.page.get_by_label("File").set_input_files(file)
    await visitor.page.get_by_label("What the rows are").select_option("venue")
    await visitor.page.get_by_role("button", name="Look what it would do").click()


async def test_a_spreadsheet_is_published_from_its_first_faults_to_the_search(visit: Visit, node: Node) -> None:
    visitor = await visit(node, token=operator(node))
    page = visitor.page
    await page.goto("/operate/import")
    await sound(visitor)
    await send(visitor, sheet(GOOD, FAULTY))
    problems = page.get_by_role("region", name="Problems")
    await problems.get_by_role("row", name="1 Nimi No such column: did you mean name?").wait_for()
    await page.get_by_label("Nimi", exact=True).select_option("name")
    await page.get_by_role("button", name="Read it again with these").click()
    await page.get_by_role("heading", name="4 things to mend: nothing is published yet").wait_for()
    for told in ("3 type", "3 country", "3 latitude", "3 price"):
        await problems.get_by_role("row", name=told).wait_for()
    assert "windows-1252" in await page.get_by_role("main").inner_text()
    await sound(visitor)

    await page.get_by_role("link", name="Send the mended file").click()
    await send(visitor, sheet(GOOD, MENDED))
    # Other rows have the same headers: what they mean is known only when something was published with it.
    await page.get_by_label("Nimi", exact=True).select_option("name")
    await page.get_by_role("button", name="Read it again with these").click()
    await page.get_by_role("heading", name="What would be published").wait_for()
    await page.get_by_text("On the map: 2").wait_for()
    assert bodies(node, "venue") == []
    await sound(visitor)
    await by_keyboard(page, "button[value=publish]")
    await page.keyboard.press("Enter")
    await page.get_by_text("2 new, 0 changed, 0 unchanged, 0 withdrawn").wait_for()
    await accessible(page)
    await page.get_by_role("link", name="See them as others do").click()
    await page.get_by_role("link", name="Büro Süd").wait_for()
    until(lambda: {each["terms"]["price"] for each in bodies(node, "venue")} == {"12.50", "1200"}, "a price is another")

    # The next month's file: its headers are known, one row is gone and one is new.
    await page.goto("/operate/import")
    await send(visitor, sheet(GOOD.replace("Süd", "Süd 1"), GOOD.replace("garage", "attic").replace("Süd", "Dach")))
    await page.get_by_role("checkbox", name="hall").check()
    await sound(visitor)
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_text("1 new, 1 changed, 0 unchanged, 1 withdrawn").wait_for()
    until(lambda: {each["name"] for each in bodies(node, "venue")} == {"Büro Dach", "Büro Süd 1"}, "others are there")


async def test_a_record_is_changed_beside_another_who_changes_it_too(visit: Visit, node: Node) -> None:
    visitor = await visit(node, token=operator(node), width=360, dark=True)
    page = visitor.page
    await page.goto("/operate/records")
    await page.get_by_text("Make a new record").click()
    await sound(visitor)
    await page.get_by_role("link", name="Contact", exact=True).click()
    await sound(visitor)
    await page.get_by_label("Role needed").fill("Front desk")
    await page.get_by_label("Languages needed").fill("de\nen")
    await page.get_by_label("Phone").fill("089 1234567")
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_text("put + and the country code before it").first.wait_for()
    assert await page.get_by_label("Languages").input_value() == "de\nen"
    await accessible(page)
    await page.get_by_label("Phone").fill("+49 89 1234567")
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_text("Published: it is on its way").wait_for()

    colleague = await visit(node, token=operator(node))
    await colleague.page.goto(page.url)
    await colleague.page.get_by_label("Role").fill("Reception")
    await colleague.page.get_by_role("button", name="Save and publish").click()
    await colleague.page.get_by_text("Saved: the change is on its way").wait_for()
    await page.get_by_label("Role").fill("Welcome desk")
    await page.get_by_role("button", name="Save and publish").click()
    await page.get_by_role("row", name="Role Reception Welcome desk").wait_for()
    await sound(visitor)
    await page.get_by_role("button", name="Save and publish").click()
    await page.get_by_text("Saved: the change is on its way").wait_for()
    said = {"role": "Welcome desk", "languages": ["de", "en"], "phone": "+49891234567"}
    until(lambda: bodies(node, "contact") == [said], "the contact says something else")
    await page.get_by_role("link", name="JSON").click()
    await sound(visitor)
    await page.get_by_role("link", name="Withdraw").click()
    await sound(visitor)
    await page.get_by_role("button", name="Withdraw it").click()
    await page.get_by_text("Withdrawn: it leaves every node").wait_for()
    until(lambda: not bodies(node, "contact"), "the contact is still there")


async def test_without_scripts_a_record_is_changed_and_a_sheet_is_published(visit: Visit, node: Node) -> None:
    visitor = await visit(node, token=operator(node), javascript=False)
    page = visitor.page
    await page.goto("/operate/records/organisation/self")
    await accessible(page)
    await page.get_by_role("checkbox", name="Cluster").check()
    await page.get_by_label("Text Description 1").fill("Ein Werk.")
    await page.get_by_label("Language Description 1").fill("de")
    await page.get_by_role("button", name="Save and publish").click()
    await page.get_by_text("Saved: the change is on its way").wait_for()
    until(
        lambda: (
            [(each.get("description"), each["roles"][-1]) for each in bodies(node, "organisation")]
            == [({"de": "Ein Werk."}, "cluster")]
        ),
        "the organisation says something else",
    )

    await page.goto("/operate/import")
    await send(visitor, sheet(GOOD.replace("garage", "cellar").replace("Süd", "Keller"), header=KNOWN))
    await looked(page, "What would be published")
    await page.get_by_role("button", name="Publish").click()
    await looked(page, "Published")
    until(lambda: "Büro Keller" in {each["name"] for each in bodies(node, "venue")}, "the cellar isn't there")


async def looked(page: Page, heading: str) -> None:
    """Looks again and again, as one does without scripts, until there is this heading."""
    found, again = page.get_by_role("heading", name=heading, exact=True), page.get_by_role("link", name="Look again")
    await found.or_(again).wait_for()
    while await again.count():
        await again.click()
    await found.wait_for()


async def test_a_large_sheet_says_how_far_it_is(visit: Visit, node: Node) -> None:
    rows = [GOOD.replace("garage", f"many-{number}") for number in range(20_000)]
    visitor = await visit(node, token=operator(node))
    page = visitor.page
    await page.goto("/operate/import")
    await send(visitor, {**sheet(*rows, header=KNOWN), "name": "many.csv"})
    await page.get_by_role("progressbar").wait_for()
    await accessible(page)
    await page.get_by_role("heading", name="What would be published").wait_for(timeout=60_000)
    await page.get_by_text(f"On the map: the first {importing.MOST_PLACES:,}").wait_for()


async def test_photos_and_records_to_look_at_are_looked_at(visit: Visit, node: Node) -> None:
    guide = {"place": "Munich", "language": "en", "sections": {"greeting": "Shake hands."}, "reviewed": "2020-01-15"}
    node.publish("culture_guide", [{"ref": "guide", **guide}])
    visitor = await visit(node, token=operator(node), dark=True)
    page = visitor.page
    await page.goto("/operate")
    await page.get_by_role("link", name="Records to look at").click()
    await sound(visitor)
    await by_keyboard(page, "input[name=record]")
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Confirm those ticked").click()
    await page.get_by_text("Confirmed: the others see that it was checked today").wait_for()
    await page.get_by_text("Nothing to look at").wait_for()
    assert bodies(node, "culture_guide")[0]["reviewed"] > "2026"

    picture = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(picture, "PNG")
    await page.goto("/operate/photos")
    file: FilePayload = {"name": "hall.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    await page.get_by_label("Picture").set_input_files(file)
    await page.get_by_role("button", name="Add").click()
    await page.get_by_text("Added. Unless a record names it within a day").wait_for()
    await sound(visitor)
    await page.get_by_role("link", name="Erase").click()
    await sound(visitor)
    await page.get_by_role("button", name="Erase it").click()
    await page.get_by_text("There are no photos").wait_for()
