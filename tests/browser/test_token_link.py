"""Logging in with a token link: the token is in the form, and in nothing that is sent but that.

That the page is accessible and fits is said in `test_pages_are_sound`.
"""

from collections.abc import Iterator

import pytest

from tests.browser.checks import accessible, by_keyboard
from tests.browser.conftest import Make, Visit
from tests.nodes import Node

BUTTON = "#with-token button"


@pytest.fixture(scope="module")
def node(make_once: Make) -> Iterator[Node]:
    node = make_once("Tartu Science Park")
    node.serve()
    yield node
    node.stop()


@pytest.fixture(scope="module")
def link(node: Node) -> str:
    return node.bra("token", "create", "--role", "desk", "--label", "Tablet", "--link").strip()


async def test_a_link_fills_in_the_form_and_one_key_logs_in(visit: Visit, node: Node, link: str) -> None:
    visitor = await visit(node)
    page, token = visitor.page, link.partition("#")[2]
    await page.goto("/login?next=/search")
    await page.goto(link.replace("#", "?next=/search#"))
    await page.wait_for_function("location.hash === ''")
    assert await page.get_by_label("Token").input_value() == token
    assert await page.get_by_role("button", name="Log out").count() == 0, "nobody is logged in by a link alone"
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Log out").wait_for()
    assert page.url == f"{node.url}/search"
    await page.go_back()
    assert token not in page.url
    assert not [each for each in visitor.requests if token in each.partition("#")[0]]


async def test_a_link_counts_on_a_page_that_is_open_already(visit: Visit, node: Node, link: str) -> None:
    page = (await visit(node)).page
    await page.goto("/login")
    await page.evaluate("location.hash = 'bra_of-another-link'")
    await page.wait_for_function("location.hash === ''")
    await page.goto(link)
    await page.wait_for_function("location.hash === ''")
    assert await page.get_by_label("Token").input_value() == link.partition("#")[2]


async def test_without_scripts_a_token_is_pasted_and_a_wrong_one_is_told_in_words(
    visit: Visit, node: Node, link: str
) -> None:
    page = (await visit(node, javascript=False)).page
    await page.goto("/login")
    await page.get_by_label("Token").fill("bra_wrong")
    await by_keyboard(page, BUTTON)
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").get_by_text("This token is not known here").wait_for()
    await accessible(page)
    await page.get_by_label("Token").fill(link.partition("#")[2])
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_role("link", name="Log in").wait_for()
