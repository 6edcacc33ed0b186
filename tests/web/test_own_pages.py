"""The operator's own records by the pages: made, changed, confirmed, withdrawn; and whole sheets imported."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from html import unescape
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image

from node.api.role import Role
from node.directory import own
from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.importing.template import KINDS
from node.web import page, sheets
from tests.kinds.kind_examples import example
from tests.web.served import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 10.0
VENUES = (
    "ref,name,type,address,city,country,latitude,longitude,time_zone,hours,contact,free_days,notice_hours\n"
    + "".join(
        f"room-{number},Room {number},meeting,Narva mnt 18,Tartu,EE,58.385,26.725,Europe/Tallinn,24/7,"
        "desk@park.example,1,24\n"
        for number in (1, 2, 3)
    )
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(Path(tmp_path_factory.mktemp("own"))) as node:
        yield node


async def sent_back(node: Served, path: str) -> dict[str, list[str]]:
    """What the last form of a page sends when nobody has touched it."""
    response, html = await node.get(path, Role.OPERATOR)
    assert response.status == 200, html
    # The first is the one for logging out, the last the one for another language.
    form = re.findall("<form.*?</form>", html, re.DOTALL)[-2]
    sent: dict[str, list[str]] = {}
    for tag in re.findall("<input[^>]*>", form):
        told = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if told.get("type") not in ("checkbox", "radio", "file") or " checked" in tag:
            sent.setdefault(told["name"], []).append(unescape(told.get("value", "")))
    for name, text in re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        sent[name] = [unescape(text)]
    for name, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        sent[name] = [unescape(value) for value in re.findall('value="([^"]*)" selected', options)] or [""]
    return sent


async def send(
    node: Served, path: str, sent: Mapping[str, Sequence[str]], **files: tuple[str, bytes]
) -> tuple[aiohttp.ClientResponse, str]:
    """Sends a form as a browser does that brings files."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, values in sent.items():
        for value in values:
            form.add_field(name, value.replace("\n", "\r\n"))
    for name, (filename, data) in files.items():
        form.add_field(name, data, filename=filename, content_type="application/octet-stream")
    return await node.post(path, form, Role.OPERATOR)  # type: ignore[arg-type] # aiohttp takes either


def told(html: str) -> str:
    """What the page says is wrong."""
    return unescape(" ".join(re.findall('class="(?:notice bad|wrong)"[^>]*>(.*?)</(?:div|small)>', html, re.DOTALL)))


async def body(node: Served, kind: str, id_: str) -> dict[str, object]:
    return dict((await node.does("show", kind=kind, id=id_))["body"])


# --- one record ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "organisation"])
async def test_a_form_that_is_sent_untouched_changes_nothing_of(kind: str, node: Served) -> None:
    said = example(kind, newer={"kept": ["as it is"]})
    if kind == "venue":
        said["directions"] = {"en": "\nFirst a line\n\n that is empty", "et": "<b>&amp;</b>"}
    await node.publish(Change(kind, said, id="kept"))
    path = f"/operate/records/{kind}/kept"
    response, html = await send(node, path, await sent_back(node, path))
    assert response.headers.get("Location") == f"{path}?done=same", told(html)
    assert await body(node, kind, "kept") == said


async def test_a_record_is_made_found_changed_and_withdrawn(node: Served) -> None:
    sent = await sent_back(node, "/operate/records/new/contact")
    typed = {"role": ["Front desk"], "languages": ["et\nen"], "phone": ["+372 5612 3456"], "ref": ["front-desk"]}
    response, html = await send(node, "/operate/records/new/contact", {**sent, **typed})
    assert response.status == 303, told(html)
    path = response.headers["Location"].partition("?")[0]
    id_ = path.rpartition("/")[2]
    assert await body(node, "contact", id_) == {
        "role": "Front desk",
        "languages": ["et", "en"],
        "phone": "+37256123456",
    }
    response, html = await send(node, "/operate/records/new/contact", {**sent, **typed})
    assert response.status == 422
    assert "another record has this name" in told(html).lower()

    await node.app.indexer.done()
    for query in ("q=front", "q=front-d", "kind=contact"):
        _, html = await node.get(f"/operate/records?{query}", Role.OPERATOR)
        assert path in html, query
    _, html = await node.get("/operate/records?kind=venue", Role.OPERATOR)
    assert path not in html

    sent = await sent_back(node, path)
    response, _ = await send(node, path, {**sent, "role": ["Reception"], "visibility": ["public"]})
    assert response.headers["Location"] == f"{path}?done=saved"
    shown = await node.does("show", kind="contact", id=id_)
    assert (shown["body"]["role"], shown["visibility"]) == ("Reception", "public")
    asked = {name: values[0] for name, values in (await sent_back(node, f"{path}/withdraw")).items()}
    response, _ = await node.post(f"{path}/withdraw", asked, Role.OPERATOR)
    assert response.headers["Location"] == "/operate/records?done=withdrawn"
    response, _ = await node.get(path, Role.OPERATOR)
    assert response.status == 404


async def test_what_is_wrong_is_told_beside_its_field_and_all_that_was_typed_is_still_there(node: Served) -> None:
    await node.publish(Change("venue", example("venue"), id="wrong"))
    path = "/operate/records/venue/wrong"
    typed = {"geo.lat_e6": ["58,37.8"], "capacity": ["many"], "name": ["A <new> name"], "country": [""]}
    response, html = await send(node, path, {**await sent_back(node, path), **typed})
    assert response.status == 422
    for sentence in ("is not a coordinate", "is not a whole number", "missing: give the country"):
        assert sentence in told(html).replace("Missing", "missing"), sentence
    for text in ("58,37.8", "many", "A &lt;new&gt; name"):
        assert f'value="{text}"' in html
    assert await body(node, "venue", "wrong") == example("venue")


async def test_what_another_changed_meanwhile_is_shown_beside_what_was_typed_and_not_overwritten(node: Served) -> None:
    path = "/operate/records/venue/both"
    await node.publish(Change("venue", example("venue"), id="both"))
    before = await sent_back(node, path)
    await node.publish(Change("venue", example("venue", name="Theirs"), id="both"))
    response, html = await send(node, path, {**before, "name": ["Mine"]})
    assert response.status == 422
    assert "somebody changed this record while you had it open" in told(html).lower()
    assert re.search("<td[^>]*>Theirs</td>\\s*<td[^>]*>Mine</td>", html)
    assert (await body(node, "venue", "both"))["name"] == "Theirs"
    # Whoever was told so may save.
    [version] = re.findall('name="version" value="([^"]+)"', html)
    response, _ = await send(node, path, {**before, "name": ["Mine"], "version": [version]})
    assert response.status == 303
    assert (await body(node, "venue", "both"))["name"] == "Mine"


JSON = {
    "no JSON": ("{", "this is no json"),
    "no object": ("[]", "this is no object"),
    "a key twice": ('{"a": 1, "a": 2}', "the same key twice"),
    "no venue": ('{"name": "x"}', "things have to be mended"),
    "a venue of which nothing has its form": ('{"facilities": 5, "geo": [1], "wifi": 7}', "things have to be mended"),
}


@pytest.mark.parametrize("name", JSON)
async def test_as_json_is_refused(name: str, node: Served) -> None:
    text, sentence = JSON[name]
    path = "/operate/records/venue/json"
    await node.publish(Change("venue", example("venue"), id="json"))
    sent = await sent_back(node, f"{path}?as=json")
    response, html = await send(node, f"{path}?as=json", {**sent, "json": [text]})
    assert response.status == 422
    assert sentence in told(html).lower()
    assert text in unescape(html)


async def test_what_no_form_can_send_is_changed_as_json_and_nothing_of_it_is_lost(node: Served) -> None:
    tests = [{"tester": f"Park {number}", "lessons": {"en": "One", "et": "Üks"}} for number in range(40)]
    await node.publish(Change("practice", example("practice", field_tests=tests), id="long"))
    path = "/operate/records/practice/long"
    sent = await sent_back(node, path)
    assert "field_tests[0].tester" not in sent
    changed = sent["json"][0].replace("Park 39", "Park forty")
    response, html = await send(node, f"{path}?as=json", {**sent, "json": [changed]})
    assert response.status == 303, told(html)
    said = (await body(node, "practice", "long"))["field_tests"]
    assert said == [*tests[:39], {**tests[39], "tester": "Park forty"}]


async def test_whatever_is_wrong_with_json_as_long_as_may_be_is_told_soon(node: Served) -> None:
    sent = await sent_back(node, "/operate/records/new/practice?as=json")
    text = '{"field_tests": [' + ", ".join(["{}"] * 15_000) + "]}"
    async with asyncio.timeout(PATIENCE):
        response, html = await send(node, "/operate/records/new/practice?as=json", {**sent, "json": [text]})
    assert response.status == 422
    assert "things have to be mended" in told(html)


async def test_the_organisation_is_changed_and_never_withdrawn_or_made_twice(node: Served) -> None:
    path = f"/operate/records/organisation/{OWN_ORGANISATION}"
    sent = await sent_back(node, path)
    response, html = await send(node, path, {**sent, "description#0.tag": ["en"], "description#0.text": ["A park."]})
    assert response.status == 303, told(html)
    _, html = await node.get(path, Role.OPERATOR)
    assert "/withdraw" not in html
    response, _ = await send(node, "/operate/records/new/organisation", sent)
    assert response.status == 422
    refused, _ = await node.post(
        f"{path}/withdraw", {name: sent[name][0] for name in ("csrf", "version")}, Role.OPERATOR
    )
    assert refused.status == 422
    assert (await body(node, "organisation", OWN_ORGANISATION))["description"] == {"en": "A park."}


async def test_what_the_node_makes_of_what_it_does_is_shown_and_not_changed(node: Served) -> None:
    _, html = await node.get("/operate/records?kind=agreement", Role.OPERATOR)
    [id_] = re.findall(rf"/agreement/{node.id}/([a-z0-9_-]+)", html)[:1]
    assert "/operate/records/agreement" not in html
    for method in (node.get, node.post):
        response, _ = await (
            method(f"/operate/records/agreement/{id_}", Role.OPERATOR)
            if method == node.get
            else node.post(f"/operate/records/agreement/{id_}", {}, Role.OPERATOR)
        )
        assert response.status == 404


# --- those to look at ------------------------------------------------------------------------------------------------


async def test_what_nobody_confirmed_for_long_is_confirmed_as_it_was_shown(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"reviewed": "2020-01-15"}
    await node.publish(
        Change("culture_guide", example("culture_guide", **old), id="old-1"),
        Change("culture_guide", example("culture_guide", **old), id="old-2"),
        Change("contact", example("contact", consent="2020-01-15"), id="agreed"),
        Change("venue", example("venue"), id="looked-at"),
    )
    path = "/operate/expiring"
    _, html = await node.get(path, Role.OPERATOR)
    assert "Mari Maasikas agreed on" in html
    assert "/operate/records/venue/" not in html
    sent = await sent_back(node, path)
    first = next(each for each in sent["shown"] if "/old-1/" in each)
    response, _ = await send(node, path, {"csrf": sent["csrf"], "what": ["ticked"]})
    assert response.status == 415  # it brings no file
    response, html = await node.post(path, {"csrf": sent["csrf"][0], "what": "ticked", "record": first}, Role.OPERATOR)
    assert response.headers.get("Location") == f"{path}?done=confirmed", told(html)
    today = (await node.does("show", kind="culture_guide", id="old-1"))["checked"][:10]
    assert (await body(node, "culture_guide", "old-1"))["reviewed"] == today
    # What another changed meanwhile was not what somebody looked at.
    await node.publish(Change("culture_guide", example("culture_guide", place="Riga", **old), id="old-2"))
    second = next(each for each in sent["shown"] if "/old-2/" in each)
    response, _ = await node.post(path, {"csrf": sent["csrf"][0], "what": "ticked", "record": second}, Role.OPERATOR)
    assert response.status == 422
    response, _ = await node.post(path, {"csrf": sent["csrf"][0], "what": "ticked"}, Role.OPERATOR)
    assert response.status == 422
    assert (await body(node, "contact", "agreed"))["consent"] == "2020-01-15"

    # A day from now everything else is old, too.
    monkeypatch.setattr(own, "LONG", -own.DAY)
    sent = await sent_back(node, path)
    venue = next(each for each in sent["shown"] if each.startswith("venue/looked-at/"))
    response, _ = await node.post(path, {"csrf": sent["csrf"][0], "what": "ticked", "record": venue}, Role.OPERATOR)
    assert response.status == 303
    confirmed = await node.does("show", kind="venue", id="looked-at")
    assert confirmed["checked"][:10] == today
    # A change of its text is no look at all of it, and takes nothing from the one before.
    await node.publish(Change("venue", {**confirmed["body"], "name": "Renamed"}, id=confirmed["id"]))
    assert (await node.does("show", kind="venue", id=confirmed["id"]))["checked"] == confirmed["checked"]


# --- sheets ----------------------------------------------------------------------------------------------------------


async def uploaded(node: Served, text: str, name: str = "rooms.csv") -> str:
    """The path of a sheet's preview."""
    sent = {**await sent_back(node, "/operate/import"), "kind": ["venue"]}
    response, html = await send(node, "/operate/import", sent, file=(name, text.encode()))
    assert response.status == 303, told(html)
    return response.headers["Location"]


async def decided(node: Served, path: str, *pairs: tuple[str, str]) -> str:
    """The page after a form with these fields was sent, when it is no more at work."""
    csrf = (await sent_back(node, path))["csrf"][0]
    http = node.browsers[Role.OPERATOR]
    data = aiohttp.FormData([("csrf", csrf), *pairs])
    async with http.post(node.base + path, data=data, headers={"Origin": node.base}, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
    return await quiet(node, path)


async def quiet(node: Served, path: str) -> str:
    async with asyncio.timeout(PATIENCE):
        while True:
            _, html = await node.get(path, Role.OPERATOR)
            if 'id="progress"' not in html:
                return html
            await asyncio.sleep(0.05)


async def test_a_sheet_is_published_as_it_was_looked_at_and_missing_rows_go_where_they_are_ticked(node: Served) -> None:
    path = await uploaded(node, VENUES)
    html = await quiet(node, path)
    assert '[58385000, 26725000, "venue", "Room 1"]' in html
    assert "<dt>New</dt><dd>3</dd>" in html
    assert not [each for each in await listed(node) if each.startswith("Room")]
    assert "3 new, 0 changed" in await decided(node, path, ("what", "publish"))
    assert {"Room 1", "Room 2", "Room 3"} <= set(await listed(node))

    path = await uploaded(node, "\n".join(VENUES.splitlines()[:2]).replace("Room 1", "Room One"))
    html = await quiet(node, path)
    assert re.findall('name="withdraw" value="([^"]+)"', html) == ["room-2", "room-3"]
    html = await decided(node, path, ("what", "publish"), ("withdraw", "room-3"), ("withdraw", "kept"))
    assert "0 new, 1 changed, 0 unchanged, 1 withdrawn" in html
    assert [each for each in await listed(node) if each.startswith("Room")] == ["Room One", "Room 2"]


async def listed(node: Served) -> list[str]:
    await node.app.indexer.done()
    return [each["body"]["name"] for each in (await node.does("list", kind="venue"))["records"]]


async def test_a_header_is_mapped_on_the_page_and_remembered(node: Served) -> None:
    text = VENUES.replace("name,", "Nimetus,", 1).replace("room-", "mapped-")
    path = await uploaded(node, text, "nimed.csv")
    html = await quiet(node, path)
    assert "Did you mean name?" in html
    assert 'value="publish"' not in html
    html = await decided(node, path, ("what", "read"), ("column-1", "name"))
    assert "<dt>New</dt><dd>3</dd>" in html
    await decided(node, path, ("what", "publish"))
    again = await quiet(node, await uploaded(node, text, "nimed.csv"))
    assert "<dt>Unchanged</dt><dd>3</dd>" in again


async def test_what_changed_since_the_preview_is_looked_at_again_first(node: Served) -> None:
    path = await uploaded(node, VENUES.replace("room-", "late-"), "late.csv")
    await quiet(node, path)
    await node.publish(Change("venue", example("venue", name="Changed meanwhile"), id="meanwhile"))
    html = await decided(node, path, ("what", "publish"))
    assert "changed since the preview" in html
    html = await decided(node, path, ("what", "read"))
    assert 'value="publish"' in html


async def test_a_sheet_is_nobody_else_s_and_is_gone_in_time(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await uploaded(node, VENUES, "mine.csv")
    browser = node.browsers.pop(Role.OPERATOR)
    response, html = await node.get(path, Role.OPERATOR)
    assert (response.status, "mine.csv" in html) == (404, False)
    node.browsers[Role.OPERATOR] = browser
    response, _ = await node.get(path, Role.OPERATOR)
    assert response.status == 200
    monkeypatch.setattr(sheets, "LASTS", 0.0)
    another = await uploaded(node, VENUES, "another.csv")
    for gone in (path, another):
        response, _ = await node.get(gone, Role.OPERATOR)
        assert response.status == 404


async def test_more_sheets_than_there_is_room_for_are_not_taken(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST", 1)
    path = await uploaded(node, VENUES, "first.csv")
    browser = node.browsers.pop(Role.OPERATOR)
    sent = {**await sent_back(node, "/operate/import"), "kind": ["venue"]}
    response, html = await send(node, "/operate/import", sent, file=("second.csv", b"ref\n"))
    assert response.status == 422
    assert "others import at the moment" in told(html).lower()
    node.browsers[Role.OPERATOR] = browser
    # The own one makes room.
    assert await uploaded(node, VENUES, "third.csv") != path


async def test_what_is_no_sheet_is_told(node: Served) -> None:
    html = await quiet(node, await uploaded(node, "%PDF-1.7", "rooms.pdf"))
    assert "Rooms.pdf is a PDF" in html
    response, html = await send(node, "/operate/import", await sent_back(node, "/operate/import"))
    assert response.status == 422
    assert "choose a file" in told(html).lower()


# --- photos ----------------------------------------------------------------------------------------------------------


async def test_a_photo_is_added_for_a_venue_and_erased_from_it(node: Served) -> None:
    await node.publish(Change("venue", example("venue", photos=[]), id="pictured"))
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(file, "PNG")
    sent = {**await sent_back(node, "/operate/photos"), "venue": ["pictured"]}
    response, html = await send(node, "/operate/photos", sent, photo=("a.png", file.getvalue()))
    assert response.status == 303, told(html)
    [photo] = (await body(node, "venue", "pictured"))["photos"]  # type: ignore[misc]
    hash_ = str(photo).removeprefix("sha256:")
    _, html = await node.get("/operate/photos", Role.OPERATOR)
    assert f"/photo/{hash_}?size=preview" in html
    assert "/operate/records/venue/pictured" in html
    remove = f"/operate/photos/{hash_}/remove"
    csrf = (await sent_back(node, remove))["csrf"][0]
    response, _ = await node.post(remove, {"csrf": csrf}, Role.OPERATOR)
    assert response.status == 303
    assert (await body(node, "venue", "pictured"))["photos"] == []
    response, _ = await node.get(remove, Role.OPERATOR)
    assert response.status == 404


async def test_a_form_of_more_fields_than_are_read_is_not_taken_for_a_whole_one(node: Served) -> None:
    path = "/operate/records/new/contact"
    sent = await sent_back(node, path)
    response, _ = await send(node, path, {**sent, "topics": ["one more"] * 201})
    assert response.status == 413


async def test_a_file_that_trickles_is_given_up(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "BODY_SECONDS", 0.2)
    await node.get("/operate/import", Role.OPERATOR)

    async def without_end() -> AsyncIterator[bytes]:
        yield b"--x\r\n"
        await asyncio.sleep(PATIENCE)

    headers = {"Origin": node.base, "Content-Type": "multipart/form-data; boundary=x"}
    asking = node.browsers[Role.OPERATOR].post(f"{node.base}/operate/import", data=without_end(), headers=headers)
    async with asyncio.timeout(PATIENCE / 2), asking as response:
        assert response.status == 408


async def test_a_form_that_no_browser_sends_is_refused_with_a_sentence(node: Served) -> None:
    path = "/operate/records/new/contact"
    response, html = await send(node, path, {"x" * 20_000: ["1"]})
    assert (response.status, "end the form of this page" in html) == (400, True)
