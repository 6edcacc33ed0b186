"""The operator's pages: two nodes joined without a command line, seen as it happens, and one of them expelled again."""

import re
from collections.abc import Iterator

import pytest

from tests.browser.checks import accessible, all_by_keyboard, by_keyboard, fits
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.nodes import Node, until
from tests.system.conftest import Make

OSLO = "bra1" + "o" * 32
"""Whom Tartu vouches for, and nobody has met."""
SOON = 30_000.0
"""Milliseconds that one node's news has to come to the other's page."""


@pytest.fixture(scope="module")
def two(make_once: Make) -> Iterator[tuple[Node, Node]]:
    """Lund is there for longer; Tartu is new and has signed nothing."""
    lund, tartu = make_once("Lund Park", city="Lund", country="SE"), make_once("Tartu Science Park", signed=False)
    lund.serve()
    tartu.serve()
    yield lund, tartu


def operator(node: Node) -> str:
    return str(node.json("token", "create", "--role", "operator", "--label", "An operator of these tests")["token"])


async def sound(visitor: Visitor) -> None:
    await accessible(visitor.page)
    await fits(visitor.page)
    await all_by_keyboard(visitor.page)


async def words(visitor: Visitor) -> list[str]:
    return await visitor.page.locator("ol.words li").all_inner_texts()


async def test_two_nodes_are_joined_by_their_pages_and_each_sees_it_happen(
    visit: Visit, two: tuple[Node, Node]
) -> None:
    lund, tartu = two
    host, guest = await visit(lund, token=operator(lund)), await visit(tartu, token=operator(tartu), width=360)
    await guest.page.goto("/operate")
    await guest.page.get_by_text("First steps: 1 of 9 done").wait_for()
    await sound(guest)

    await host.page.goto("/operate/partners")
    await host.page.get_by_text("This page follows what happens").wait_for()
    watching = host.page
    inviting = await host.context.new_page()
    await inviting.goto("/operate/partners/invite")
    await inviting.get_by_label("Whom it is for").fill("Tartu")
    await inviting.get_by_role("button", name="Make the link").click()
    link = await inviting.get_by_label("The link", exact=True).input_value()
    assert link.startswith(f"{lund.url}/join#{lund.id}.")
    assert not any(link.rpartition(".")[2] in url for url in host.requests)
    await accessible(inviting)
    await fits(inviting)
    await inviting.goto("/operate/partners/invite")
    assert link not in await inviting.content()

    await guest.page.goto("/operate/partners/join")
    await guest.page.get_by_label("The link").fill(link)
    await guest.page.get_by_role("button", name="Go on").click()
    await guest.page.get_by_role("heading", name="Safety words").wait_for()
    await sound(guest)

    # Nobody loads this page again.
    await watching.get_by_role("link", name="Compare and confirm").click(timeout=SOON)
    assert await words(host) == await words(guest)
    assert len(await words(host)) == 8
    await guest.page.get_by_role("button", name="Confirm", exact=True).click()
    await guest.page.get_by_role("alert").get_by_text("Tick the box").first.wait_for()
    await guest.page.get_by_label("I called them").check()
    await guest.page.get_by_role("button", name="Confirm", exact=True).click()
    await guest.page.get_by_text("The other side has to confirm, too").wait_for()
    await host.page.get_by_label("I called them").check()
    await host.page.get_by_role("button", name="Confirm", exact=True).click()
    await host.page.get_by_text("it is a partner now, and endorsed").wait_for()
    await sound(host)
    await guest.page.get_by_text("Lund Park is a partner now, and endorsed").wait_for(timeout=SOON)

    await host.page.goto("/operate/trust")
    await host.page.get_by_role("link", name="Tartu Science Park, partner, honoured").wait_for()
    await guest.page.goto("/operate/agreement")
    await sound(guest)
    await guest.page.get_by_label("Your role").fill("Managing director")
    await guest.page.get_by_label("I have read the text").check()
    await guest.page.get_by_role("button", name="Sign").click()
    await guest.page.get_by_text("Everybody who knows this node will see it").wait_for()
    await guest.page.goto("/operate")
    await guest.page.get_by_text("First steps: 3 of 9 done").wait_for()
    assert tartu.author(lund)["standing"] == lund.author(tartu)["standing"] == "honoured"


async def test_whom_it_would_cost_is_named_before_a_partner_is_expelled_and_only_its_name_expels_it(
    visit: Visit, two: tuple[Node, Node]
) -> None:
    lund, tartu = two
    if not lund.author(tartu):
        lund.befriend(tartu)
    if not tartu.json("agreement", "show").get("signed"):
        tartu.bra("agreement", "sign", "--role", "Managing director")
    tartu.bra("endorse", OSLO, "--method", "phone", "--organisation", "Oslo Hub")
    until(lambda: lund.json("trust", "why", OSLO)["ways"], "whom Tartu endorses does not come")

    visitor = await visit(lund, token=operator(lund), dark=True)
    page = visitor.page
    await page.goto("/operate/trust")
    await sound(visitor)
    await by_keyboard(page, f"svg a[href='/operate/partners/{OSLO}']")
    await page.get_by_role("checkbox", name="Without Tartu Science Park").check()
    await page.get_by_role("button", name="What if these were blocked?").click()
    lost = page.get_by_role("region", name="Without Tartu Science Park")
    await lost.get_by_role("link", name="Oslo Hub").wait_for()
    await accessible(page)

    await page.goto(f"/operate/partners/{tartu.id}")
    await page.get_by_role("link", name="Expel it").click()
    await page.get_by_text("1 organisation becomes unreachable").wait_for()
    assert await page.get_by_role("main").get_by_role("link", name="Oslo Hub").count() == 1
    await sound(visitor)
    await page.get_by_label("Why").fill("They do not honour visits.")
    await page.get_by_label("Type Tartu Science Park to go on").fill("Tartu")
    await page.get_by_role("button", name="Expel").click()
    await page.get_by_role("alert").get_by_text("to go on, exactly as it is written here").first.wait_for()
    assert await page.get_by_label("Why").input_value() == "They do not honour visits."
    assert lund.author(tartu)["standing"] == "honoured"
    await page.get_by_label("Type Tartu Science Park to go on").fill("Tartu Science Park")
    await page.get_by_role("button", name="Expel").click()
    await page.get_by_text("Expelled: no partner any more").wait_for()
    assert lund.author(tartu)["standing"] == "unknown"
    await page.goto("/operate/trust")
    assert await page.get_by_role("link", name="Oslo Hub").count() == 0
    await page.goto(f"/operate/partners/{tartu.id}")
    await page.get_by_role("button", name="Take the block back").click()
    await page.get_by_text("The block is taken back").wait_for()


PAGES = ("/partners", "/partners/invite", "/partners/join", "/partners/card", "/keys", "/health")
FOLLOWING = ("/partners", "/health")
"""Those that show by themselves what changes."""


async def test_pages_that_follow_what_happens_say_so_and_all_that_is_held_is_checked(
    visit: Visit, two: tuple[Node, Node]
) -> None:
    lund, _ = two
    visitor = await visit(lund, token=operator(lund), dark=True)
    for path in PAGES:
        await visitor.page.goto(f"/operate{path}")
        follows = visitor.page.get_by_text("This page follows what happens")
        if path in FOLLOWING:
            await follows.wait_for()
        else:
            assert not await visitor.page.locator("[data-live]").count(), path
            assert not await follows.count(), path
    # The last one is the page on health.
    await visitor.page.get_by_role("button", name="Check all that is held").click()
    await visitor.page.get_by_text("everything is as it was signed").wait_for()
    await accessible(visitor.page)


async def test_what_fails_of_what_one_asked_for_is_told_until_one_asks_again(
    visit: Visit, two: tuple[Node, Node]
) -> None:
    lund, _ = two
    visitor = await visit(lund, token=operator(lund), expects=["net::ERR_FAILED", "htmx:", "503"])
    page = visitor.page
    await page.goto("/operate/health")
    check = page.get_by_role("button", name="Check all that is held")
    for sentence, failing in (
        ("The node can't be reached", lambda route: route.abort()),
        ("That did not work", lambda route: route.fulfill(status=503)),
    ):
        await page.route("**/operate/health", failing)
        await check.click()
        await page.get_by_role("alert").get_by_text(sentence).wait_for()
        await accessible(page)
        await fits(page)
        await page.unroute("**/operate/health")
    await check.click()
    await page.get_by_text("everything is as it was signed").wait_for()
    assert await page.get_by_role("alert").count() == 0


async def test_without_scripts_partners_are_decided_about_all_the_same(visit: Visit, two: tuple[Node, Node]) -> None:
    lund, _ = two
    lund.bra("endorse", OSLO, "--method", "phone", "--organisation", "Oslo Hub")
    page = (await visit(lund, token=operator(lund), javascript=False)).page
    await page.goto("/operate/trust")
    await page.get_by_role("checkbox", name="Without Oslo Hub").check()
    await page.get_by_role("button", name="What if these were blocked?").click()
    await page.get_by_text("Nobody else is lost.").wait_for()
    await page.goto(f"/operate/partners/{OSLO}/withdraw")
    await page.get_by_label("Why").fill("It was a mistake.")
    await page.get_by_label("Type Oslo Hub to go on").fill("Oslo Hub")
    await page.get_by_role("button", name="Withdraw").click()
    await page.get_by_text("The endorsement is withdrawn, and everybody can read why.").wait_for()
    await accessible(page)
    await page.get_by_role("link", name="Load it again").wait_for()


async def test_three_of_the_words_are_checked_and_nothing_of_them_is_kept(visit: Visit, two: tuple[Node, Node]) -> None:
    lund, _ = two
    all_words = lund.words.read_text().split("\n")[1].split()
    visitor = await visit(lund, token=operator(lund))
    page = visitor.page
    await page.goto("/operate/keys")
    labels = await page.locator("label[for^=word-]").all_inner_texts()
    places = [int(label.removeprefix("Word ")) for label in labels]
    assert len(places) == 3
    for place in places:
        await page.get_by_label(f"Word {place}", exact=True).fill("zebra")
    await page.get_by_role("button", name="Check").click()
    await page.get_by_role("alert").get_by_text("These are not this node's words").wait_for()
    assert "zebra" not in await page.content()
    for place in places:
        await page.get_by_label(f"Word {place}", exact=True).fill(all_words[place - 1])
    await page.get_by_role("button", name="Check").click()
    await page.get_by_text("These are the right words").wait_for()
    # One or two of them may be words of the log's own.
    assert not {all_words[place - 1] for place in places} <= {*re.findall("[a-z]+", lund.log())}


async def test_a_stream_that_is_lost_is_told_and_a_session_that_ended_hears_nothing(
    visit: Visit, two: tuple[Node, Node]
) -> None:
    lund, _ = two
    visitor = await visit(lund, token=operator(lund), expects=("401", "ERR_", "MIME type"))
    await visitor.page.goto("/operate")
    await visitor.page.get_by_text("This page follows what happens").wait_for()
    await visitor.context.clear_cookies()
    tokens = [each for each in lund.json("token", "list")["tokens"] if each["role"] == "operator"]
    lund.bra("token", "revoke", tokens[-1]["id"])
    await visitor.page.get_by_text("what stands here may be old").wait_for()
