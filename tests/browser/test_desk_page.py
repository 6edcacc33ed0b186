"""The desk: a pass is scanned or typed, also where the node is out of reach, and one verdict shown."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.async_api import Browser, Page

from node.protocol.names import format_time
from node.roaming import verdicts
from node.roaming.rendering import png
from node.roaming.visit import Days
from node.storage import visits
from node.trust.reach import Standing
from node.web import assets
from node.web.languages import Language
from node.web.pages.desk import sentences
from tests.browser import chromium
from tests.browser.checks import accessible, all_by_keyboard, by_keyboard, fits
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.nodes import Node, until, venue
from tests.protocol.builders import DAY, NOW, Author
from tests.roaming.test_hostile_passes import (
    BENT,
    FORGED,
    REFUSED,
    TODAY,
    TOMORROW,
    YESTERDAY,
    Reception,
    key_of,
    received,
)
from tests.system.conftest import Make

GERMAN = Language("de", ("de",))
JUDGE = """
async ([shown, told, now, arrived, sentences]) => {
  const given = {};
  for (const [name, token] of Object.entries(shown)) {
    given[name] = await judge(token, told, { venue: "desk", asOf: now, now, arrived, sentences });
  }
  return given;
}
"""


async def judging(browser: Browser) -> Page:
    """A page that has the desk's judgement, and nothing else."""
    page = await (await browser.new_context()).new_page()
    await page.route("http://localhost/", lambda route: route.fulfill(body="", content_type="text/html"))
    await page.goto("http://localhost/")
    await page.add_script_tag(path=assets.FOLDER / "verdict.js")
    return page


async def agree(page: Page, it: Reception, shown: dict[str, str]) -> set[str]:
    """Has the node and the page judge the same passes by the same knowledge; the words that both came to."""
    at = int(it.node.world.now())
    told = json.loads(json.dumps(await it.desk.told()))
    ours: dict[str, Any] = {name: await it.says(token) for name, token in shown.items()}
    theirs = await page.evaluate(JUDGE, [shown, told, at, {}, {}])
    differ = [f"{name}: {ours[name]}\n    {theirs[name]}" for name in shown if ours[name] != theirs[name]]
    assert not differ, "\n".join(differ)
    # The same in German, to the word.
    german = await page.evaluate(JUDGE, [shown, told, at, {}, sentences(GERMAN)])
    assert {name: each["sentence"] for name, each in german.items()} == {
        name: GERMAN.told(each["sentence"]).text for name, each in ours.items()
    }
    assert not [name for name, each in ours.items() if GERMAN.told(each["sentence"]).tag]
    return {str(each["verdict"]) for each in ours.values()}


IN_HASTE = """
([pass, next]) => {
  const form = document.getElementById("desk"), field = form.elements.token;
  field.focus();
  field.value = pass;
  form.requestSubmit();
  const empty = !document.querySelector(".verdict");
  // As whoever clicks into the field.
  field.setSelectionRange(field.value.length, field.value.length);
  document.execCommand("insertText", false, next);
  return empty;
}
"""
"""Shows a pass, and types the next before there is a verdict; whether that of the guest before was gone at once."""

HOSTED = {
    "declined": ("declined", "desk", Days(TODAY, TODAY)),
    "elsewhere": ("accepted", "lab", Days(TODAY, TODAY)),
    "over": ("accepted", "desk", YESTERDAY),
    "to-come": ("accepted", "desk", TOMORROW),
    "agreed": ("accepted", "desk", Days(TODAY, format_time(NOW + 6 * DAY)[:10])),
}


def hosting(it: Reception, name: str, state: str, where: str, days: Days, db: sqlite3.Connection) -> None:
    """Has the host know a visit of Tartu's."""
    when = {"first": days.first, "last": days.last, "ends": NOW + 30 * DAY}
    place = f"{it.node.id}/{where}"
    no = visits.add(
        db, guest=it.home.id, id_=name, side="host", venue=place, zone="Europe/Tallinn", asker=None, asked=NOW,
        request=b"{}", **when,
    )  # fmt: skip
    visits.settle(db, no, state=state, **when)


async def test_the_page_alone_comes_to_the_nodes_verdict_on_whatever_pass(browser: Browser, tmp_path: Path) -> None:
    it, page = await received(tmp_path), await judging(browser)
    for name, (state, where, days) in HOSTED.items():
        it.node.database.write_now(partial(hosting, it, name, state, where, days))

    def signed(author: Author, name: str, **fields: Any) -> str:
        return it.good(issuer=author.id, **fields).sign("pass-1", key_of(name))

    good, week = signed(it.home, "tartu"), Days(TODAY, format_time(NOW + 6 * DAY)[:10])
    shown = {
        "good": good,
        "for days that are not free": signed(it.home, "tartu", days=week, ends=NOW + 6 * DAY),
        "of a visit that was declined": signed(it.home, "tartu", visit="declined"),
        "of a visit to elsewhere": signed(it.home, "tartu", visit="elsewhere"),
        "of a visit that is over": signed(it.home, "tartu", visit="over"),
        "of a visit to come": signed(it.home, "tartu", visit="to-come"),
        "of a visit that is agreed": signed(it.home, "tartu", visit="agreed", days=week, ends=NOW + 6 * DAY),
        "of nobody known": signed(Author("nobody"), "nobody"),
        "with space around it": f"  {good}\n",
        **{name: made(it) for name, made in FORGED.items()},
        **{name: signed(it.home, "tartu", **fields) for name, (fields, _) in BENT.items()},
    }
    words = await agree(page, it, shown)
    assert words == {word.value for word in verdicts.Word}
    await it.desk.arrive(good)
    assert await agree(page, it, {"used": good}) == {"EXPIRED"}
    it.desk = type(it.desk)(it.node.database, it.node.acceptance, verdicts.Rules(replay="note"), it.node.world)
    assert await agree(page, it, {"noted": good}) == {"OK"}
    # One author each: what befalls one is for good. The last one befalls all.
    befalling = sorted(REFUSED.items(), key=lambda case: case[0] == "who is not accepted any more")
    for (name, author), (case, (befall, _)) in zip(it.others.items(), befalling, strict=False):
        token = signed(author, name)
        assert await agree(page, it, {case: token}) == {"OK"}
        befall(it, author)
        assert await agree(page, it, {case: token}) == {"UNKNOWN ISSUER"}
    # Heard from, and yet its list of a month ago is the newest.
    it.node.clock.pass_by(31 * DAY)
    it.home.beat(NOW + 31 * DAY - 60)
    await it.node.take(it.home.block_lines(), it.home)
    it.node.accept(it.home, Standing.HONOURED)
    then = Days(*2 * (format_time(NOW + 31 * DAY)[:10],))
    late = signed(it.home, "tartu", days=then, begins=NOW + 30 * DAY, ends=NOW + 32 * DAY)
    assert await agree(page, it, {"a list that is too old": late}) == {"STALE"}
    assert "the list of passes" in (await it.says(late))["sentence"]
    REFUSED["who is not accepted any more"][0](it, it.home)
    assert await agree(page, it, {"who is not accepted any more": good}) == {"UNKNOWN ISSUER"}
    it.node.clock.pass_by(15 * DAY)
    await agree(page, it, {"long after": good})
    it.node.close()
    await page.context.close()


@pytest.fixture(scope="module")
def pair(make_once: Make) -> Iterator[tuple[Node, Node]]:
    """A guest's organisation and a host's, both serving, partners, the host with two rooms that the guest knows of."""
    guest, host = make_once("Tartu Park"), make_once("Munich Park")
    rooms = [venue(ref, name=ref.title(), terms={"free_days": 1, "notice_hours": 0}) for ref in ("desk", "lab")]
    host.publish("venue", rooms)
    guest.publish("contact", [{"ref": "c", "role": "Desk", "languages": ["et"], "phone": "+3725551234"}])
    guest.serve()
    host.serve()
    guest.befriend(host)
    until(lambda: len(guest.json("list", "venue")["records"]) == 2, "the rooms never came to the guest's node")
    until(lambda: host.json("list", "contact")["records"], "the guest's contact never came to the host's node")
    yield guest, host


def room(host: Node) -> str:
    return next(each["id"] for each in host.listed("venue") if each["body"]["name"] == "Desk")


def issue(guest: Node, host: Node, name: str) -> dict[str, Any]:
    """A pass of today's for the host's desk."""
    place, day = f"{host.id}/{room(host)}", datetime.now(ZoneInfo("Europe/Tallinn")).date().isoformat()
    person = ("--name", name, "--company", "Nordic Sensors")
    made: dict[str, Any] = guest.json("pass", "issue", "--venue", place, "--from", day, *person)
    return made


async def installable(page: Page) -> None:
    """Fails unless the browser would install the page, were its visitor's window one that is kept."""
    line = await page.context.new_cdp_session(page)
    errors = (await line.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    assert [each["errorId"] for each in errors] in ([], ["in-incognito"]), errors


async def shows(page: Page, token: str, word: str) -> None:
    """Types a pass as a hand reader does, wherever the focus is; fails unless the verdict is this one."""
    await page.locator("#token").focus()
    await page.keyboard.insert_text(token)
    await page.keyboard.press("Enter")
    await page.locator(".verdict .word").get_by_text(word, exact=True).wait_for()


async def test_a_desk_goes_on_while_its_node_is_out_of_reach_and_tells_it_later_who_came(
    visit: Visit, pair: tuple[Node, Node]
) -> None:
    guest, host = pair
    welcome, taken_back, early = (issue(guest, host, name) for name in ("Õnne Tamm", "Somebody Else", "Liis Saar"))
    guest.bra("pass", "revoke", taken_back["id"])
    verify = partial(verdict, host, at=room(host))
    until(lambda: verify(taken_back["token"])["verdict"] == "REVOKED", "the revocation never came to the host")
    first, second = (host.json("token", "create", "--role", "desk", "--label", each) for each in ("One", "Two"))
    visitor = await visit(host, token=first["token"], expects=["net::ERR", "Failed to fetch", "due to access control"])
    page = visitor.page
    await page.goto("/desk")
    await all_by_keyboard(page)
    await page.get_by_label("This desk is at").select_option(label="Desk")
    await shows(page, early["token"], "OK")
    assert await page.locator(".verdict").evaluate("(element) => element === document.activeElement")
    await page.get_by_text("Liis Saar of Nordic Sensors is welcome.").wait_for()
    await accessible(page)
    await fits(page)
    await by_keyboard(page, ".verdict button")
    await page.keyboard.press("Enter")
    await page.get_by_text("Noted.").wait_for()
    assert verify(early["token"])["verdict"] == "EXPIRED"
    await page.evaluate("navigator.serviceWorker.ready")
    await page.wait_for_function("caches.open('desk told').then((cache) => cache.match('/desk/bundle')).then(Boolean)")
    await installable(page)
    # Nobody is there any more.
    await asyncio.to_thread(host.stop)
    await page.reload()
    assert await page.get_by_label("This desk is at").locator("option:checked").inner_text() == "Desk"
    await shows(page, taken_back["token"], "REVOKED")
    await shows(page, welcome["token"][:-1], "UNKNOWN ISSUER")
    await shows(page, early["token"], "EXPIRED")
    # Two guests at once: neither stands under the other's verdict, and nothing of what is typed is lost.
    gone = await page.evaluate(IN_HASTE, [taken_back["token"], welcome["token"]])
    assert gone, "what was said of one guest is there while the next is looked at"
    await page.locator(".verdict .word").get_by_text("REVOKED", exact=True).wait_for()
    assert await page.locator("#token").input_value() == welcome["token"]
    await page.keyboard.press("Enter")
    await page.locator(".verdict .word").get_by_text("OK", exact=True).wait_for()
    for told in ("Õnne Tamm of Nordic Sensors is welcome.", "+3725551234", "judges by what it was told at"):
        await page.get_by_text(told).wait_for()
    assert await page.get_by_text("Revocations as of").count() == 1
    await accessible(page)
    await fits(page)
    await by_keyboard(page, ".verdict button")
    await page.keyboard.press("Enter")
    await page.get_by_text("it is sent when the node can be reached").wait_for()
    await shows(page, welcome["token"], "EXPIRED")
    await page.reload()
    await page.get_by_text("Arrivals that are kept on this device until the node can be reached: 1.").wait_for()
    # The node is there again, and the session is over.
    host.bra("token", "revoke", first["id"])
    await asyncio.to_thread(host.serve)
    assert verify(welcome["token"])["verdict"] == "OK"
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.get_by_text("Log in again, and the arrivals that this device keeps will be sent.").wait_for()
    await page.wait_for_function("caches.open('desk told').then((cache) => cache.keys()).then((keys) => !keys.length)")
    assert verify(welcome["token"])["verdict"] == "OK"
    await visitor.log_in(second["token"])
    await page.goto("/desk")
    await page.get_by_text("Arrivals that are kept on this device").wait_for(state="hidden")
    noted = verify(welcome["token"])
    assert (noted["verdict"], len(noted["arrived"])) == ("EXPIRED", 1)
    await page.reload()
    await shows(page, welcome["token"], "EXPIRED")
    assert verify(welcome["token"])["arrived"] == noted["arrived"]
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_role("link", name="Log in").wait_for()
    assert not await page.evaluate("caches.has('desk told')")


async def test_without_scripts_the_verdict_is_another_page(visit: Visit, pair: tuple[Node, Node]) -> None:
    guest, host = pair
    token = host.json("token", "create", "--role", "desk", "--label", "Plain")["token"]
    page = (await visit(host, token=token, javascript=False)).page
    await page.goto(f"/desk?venue={room(host)}")
    await page.get_by_label("The pass").fill(issue(guest, host, "Anu Kask")["token"])
    await page.keyboard.press("Enter")
    await page.get_by_text("Anu Kask of Nordic Sensors is welcome.").wait_for()
    assert await page.get_by_role("button", name="Scan").count() == 0
    await accessible(page)
    await page.get_by_role("button", name="Arrived").click()
    await page.locator(".verdict").get_by_text("Arrived").wait_for()
    assert await page.get_by_role("button", name="Arrived").count() == 0


def verdict(host: Node, token: str, *, at: str) -> Any:
    """What the desk's command says, whatever its exit code."""
    try:
        return host.json("desk", "verify", "-", "--venue", at, stdin=token.encode())
    except AssertionError as error:
        return json.loads(next(line for line in str(error).splitlines() if line.startswith("{")))


def filmed(token: str, to: Path) -> None:
    """What a camera sees before which somebody holds a pass: a film (YUV4MPEG2) of one picture."""
    code = Image.open(io.BytesIO(png(token))).convert("L")
    picture = Image.new("L", (1280, 960), 160)
    picture.paste(code, ((1280 - code.width) // 2, (960 - code.height) // 2))
    grey = bytes([128]) * (picture.width * picture.height // 2)
    to.write_bytes(b"YUV4MPEG2 W1280 H960 F5:1 Ip A1:1 C420jpeg\nFRAME\n" + picture.tobytes() + grey)


async def test_a_pass_is_read_with_the_camera(browser: Browser, pair: tuple[Node, Node], tmp_path: Path) -> None:
    guest, host = pair
    filmed(issue(guest, host, "Mart Mets")["token"], tmp_path / "pass.y4m")
    token = host.json("token", "create", "--role", "desk", "--label", "Camera")["token"]
    seeing = await browser.browser_type.launch(
        executable_path=chromium.program(),
        args=[
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={tmp_path / 'pass.y4m'}",
        ],
    )
    try:
        visitor = await Visitor.enter(seeing, host.url, token=token)
        page = visitor.page
        await page.goto("/desk")
        await page.get_by_label("This desk is at").select_option(label="Desk")
        await by_keyboard(page, "#scan")
        await page.keyboard.press("Enter")
        await page.get_by_text("Mart Mets of Nordic Sensors is welcome.").wait_for()
        await page.locator("#camera").wait_for(state="hidden")
        assert await page.locator("#camera").evaluate("(video) => video.srcObject") is None
        assert not visitor.faults
    finally:
        await seeing.close()
