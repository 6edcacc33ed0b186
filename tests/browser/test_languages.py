"""The pages in each language: a narrow screen loses none of the long words, and one chooses without scripts, too."""

import pytest
from playwright.async_api import expect

from node.web.languages import SPOKEN, Language
from tests.browser.checks import accessible, fits
from tests.browser.conftest import Visit
from tests.browser.park import Park

# The widest tables, forms and buttons that there are.
OPERATORS = (
    "/search?q=desk&near=Munich",
    "/operate",
    "/operate/partners",
    "/operate/health",
    "/operate/keys",
    "/operate/tokens",
)


@pytest.mark.parametrize("tag", [tag for tag in SPOKEN if tag != "en"])
async def test_long_words_fit_a_narrow_screen(tag: str, visit: Visit, park: Park) -> None:
    visitor = await visit(park.host, locale=tag, width=360, token=park.token("operator", park.host))
    for path in OPERATORS:
        await visitor.page.goto(path)
        await expect(visitor.page.locator("html")).to_have_attribute("lang", tag)
        await fits(visitor.page)
    await visitor.page.goto("/search")
    await accessible(visitor.page)


@pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])
async def test_a_visitor_chooses_a_language_and_stays_where_they_were(
    javascript: bool, visit: Visit, park: Park
) -> None:
    page = (await visit(park.host, javascript=javascript)).page
    await page.goto("/search?q=desk")
    await page.get_by_label("Language", exact=True).select_option(label="Lietuvių")
    await page.get_by_role("button", name="Change").click()
    await expect(page.locator("html")).to_have_attribute("lang", "lt")
    assert page.url.endswith("/search?q=desk")
    await expect(page.get_by_role("link", name=Language("lt", ("lt",)).gettext("Calendar")).first).to_be_visible()
    # What a record says in no other language says which one it is in.
    await page.goto(park.path("venue", "desk"))
    await expect(page.locator("main small.tag").filter(has_text="kalba: ").first).to_be_visible()
