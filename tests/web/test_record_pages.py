"""The pages of records of every kind: what each shows, to people and to search engines, whatever its author wrote."""

import io
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from node.api.role import Role
from node.directory.draft import OWN_ORGANISATION, Change
from node.kinds import KINDS
from node.web.languages import Language
from node.web.rendering import Rendering
from tests.kinds.kind_examples import LUND, example
from tests.web.served import NAME, Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOWN: dict[str, tuple[str, ...]] = {
    "organisation": (NAME, "https://park.example/", "Estonian, English", "Venues", "Contacts", "Delta Centre"),
    "venue": (
        "Delta Centre, desk room", "Narva mnt 18", "Estonia", "3 days are free.", "After that a day costs €12.50.",
        "Ask at least 24 hours ahead.", "Room for 12 people.", "Monday", "Mo-Fr 09:00-17:00; PH off", "Closed in July",
        "tel:+37256123456", "mailto:desk@park.example", "Soft-landing manager", "Step-free from the street",
        "Bus 3\nto the end", "Wi-Fi", "Meeting room", "Demo day", "Nobody honoured here has written of a visit",
        "Photo 2, elsewhere",
    ),
    "event": (
        "Demo day", "2 June 2027", "Europe/Tallinn", "Delta Centre, desk room", "https://park.example/live",
        "Register", "members of any signatory", "SEK", "Put it into my calendar", "x.ics",
    ),
    "offer": ("Mentoring", "Mentorship programme", "available", "All members", "Write to the desk", "Soft landing"),
    "contact": (
        "Mari Maasikas", "Soft-landing manager", "tel:+37256123456", "mailto:landing@park.example", "Visas",
        "Chinese (Traditional)", "It is ", "(Europe/Tallinn)", "Mo-Fr 10:00-16:00",
    ),
    "culture_guide": ("Doing business in Tartu", "Contents", "Greeting", "Shake hands.", "Be early.", "Cluster Munich"),
    "practice": ("Soft landing week", "A week to try.", "tested", "Lund", "Start early", "Taken over by"),
    "need": ("A distributor in Bavaria", "A wholesaler", "30 Jun 2027", "Germany, Austria", "Business request"),
    "agreement": ("Managing director", "ab" * 32, "15 Jan 2027"),
    "endorsement": ("Lund Park", LUND, "by phone", "They closed."),
    "status_list": ("eNrbuRgAAhcBXQ", "86,400"),
    "receipt": ("June 2027", "14", "10 hours"),
    "adoption": ("Soft landing week", "15 Jan 2027", "Good"),
}  # fmt: skip
"""What a member finds on the page of each kind."""
UNSHOWN = {"node_key", "farewell"}
"""Keys are this node's own alone, and a farewell stands beside nothing: see the end of this file."""


INDEXED: dict[str, tuple[str, str, bool]] = {
    "a venue for everybody": ("venue", "public", True),
    "a venue for members": ("venue", "members", False),
    "a venue for this node": ("venue", "local", False),
    "a contact that everybody may see": ("contact", "public", False),
    "an agreement": ("agreement", "public", True),
}


BLUE, RED = (90, 140, 160), (200, 40, 40)
HOSTILE = [kind for kind in SHOWN if kind not in ("organisation", "status_list", "receipt")]
"""Kinds that hold a text which may be any."""
EVIL = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&lt;{{ 7*7 }} \u05e9\u05dc\u05d5\u05dd "
    + "W" * 60
)


def _spoiled(value: Any) -> Any:
    """The body with each text that may be any made hostile."""
    if isinstance(value, dict):
        return {key: each if key in KEPT else _spoiled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_spoiled(each) for each in value]
    return EVIL if isinstance(value, str) else value


KEPT = {
    "geo", "country", "countries", "languages", "language", "time_zone", "hours", "type", "status", "category",
    "service", "open_to", "start", "end", "currency", "price", "website", "email", "phone", "consent", "photos",
    "free_busy_url", "online_url", "registration", "venue", "venues", "practice", "logo", "links", "reviewed",
    "expires", "roles", "facilities", "sectors", "text_sha256", "date", "node_id", "method", "version", "since",
    "month", "bits", "list", "issued", "use", "public_key", "record",
}  # fmt: skip
"""Fields whose form is checked: no record with anything else in them is shown."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A node with a record of each kind, `x`, that belong together, one that is hostile, and some for the few."""
    async with served(tmp_path_factory.mktemp("records")) as node:
        photos = [await node.app.parts.photos.add(_picture(colour)) for colour in (BLUE, RED)]
        blue, red = (f"sha256:{photo.hash}" for photo in photos)
        here = {
            "venue": {"photos": [blue, "https://park.example/a.jpg"]}, "event": {"venue": "x"},
            "offer": {"venues": ["x"], "practice": "x"}, "adoption": {"practice": "x"},
            "culture_guide": {"place": "Tartu"},
        }  # fmt: skip
        others = [kind for kind in SHOWN if kind != "organisation"]
        # Who publishes again in the same second has to wait for the next.
        await node.publish(
            *(Change(kind, example(kind, **here.get(kind, {})), id="x") for kind in others),
            *(Change(kind, _spoiled(example(kind)), id="evil", visibility="public") for kind in HOSTILE),
            *(Change(kind, example(kind), id=seen, visibility=seen) for kind, seen, _ in INDEXED.values()),
            Change("venue", example("venue", contact__email="desk?bcc=all@park.example"), id="mail"),
            Change("venue", example("venue", photos=[red]), id="photographed", visibility="members"),
        )
        yield node


def _picture(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (600, 400), colour).save(file, "JPEG")
    return file.getvalue()


def address(node: Served, kind: str, id_: str = "x") -> str:
    return f"/{kind}/{node.id}/{OWN_ORGANISATION if kind == 'organisation' else id_}"


class Read(HTMLParser):
    """A page as a browser reads it: its text, the attributes of its elements, and its data blocks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.blocks, self._block = "", list[tuple[str, dict[str, str]]](), dict[str, str](), ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        self._block = given.get("type", "script") if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        self._block = "" if tag == "script" else self._block

    def handle_data(self, data: str) -> None:
        if self._block:
            self.blocks[self._block] = self.blocks.get(self._block, "") + data
        else:
            self.text += data

    def every(self, tag: str, attribute: str) -> list[str]:
        return [given[attribute] for name, given in self.tags if name == tag and attribute in given]


async def test_every_kind_has_a_page_that_is_looked_at_here() -> None:
    assert SHOWN.keys() | UNSHOWN == KINDS.keys()


@pytest.mark.parametrize("kind", SHOWN)
async def test_a_page_shows_what_its_record_says_and_where_it_is_from(node: Served, kind: str) -> None:
    response, html = await node.get(address(node, kind), Role.MEMBER)
    assert response.status == 200
    page = Read(html)
    said = page.text + " ".join(value for _, given in page.tags for value in given.values())
    assert [each for each in SHOWN[kind] if each not in said] == []
    for told in ("Where this is from", "Published by", node.id, "this is our own record", "Last heard from", "Changed"):
        assert told in page.text, told
    assert next(name for name, _ in page.tags if re.fullmatch("h[1-6]", name)) == "h1"


async def test_a_page_of_another_kind_of_address_is_none(node: Served) -> None:
    for path, status in {
        f"/venue/{node.id}/nothing": 404, f"/venue/{LUND}/x": 404, "/venue/bra1x/x": 400, f"/venue/{node.id}/X!": 400,
        f"/dance/{node.id}/x": 404, f"/venue/{node.id}/x.exe": 404, f"/venue/{node.id}/x.ics": 404,
    }.items():  # fmt: skip
        response, html = await node.get(path)
        assert (response.status, response.content_type, "That did not work" in html) == (status, "text/html", True), (
            path
        )


# --- what others wrote --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HOSTILE)
async def test_whatever_a_record_says_is_text(node: Served, kind: str) -> None:
    _, html = await node.get(address(node, kind, "evil"))
    page = Read(html)
    assert "img" not in {tag for tag, _ in page.tags}
    assert not [name for _, given in page.tags for name in given if name == "style" or name.startswith("on")]
    # What has no address and no type would run.
    assert "script" not in page.blocks
    assert EVIL[:80] in page.text
    assert all(link.startswith(("/", "#", "https://", "tel:", "mailto:")) for link in page.every("a", "href"))


async def test_an_address_that_could_say_more_to_a_mail_program_is_only_an_address(node: Served) -> None:
    body = {"role": "Desk", "languages": ["en"], "email": "desk?bcc=all@park.example"}
    await node.publish(Change("contact", body, id="mail", visibility="public"))
    for path in (address(node, "venue", "mail"), "/search?kind=contact"):
        _, html = await node.get(path)
        assert "mailto:desk%3Fbcc%3Dall@park.example" in Read(html).every("a", "href"), path
        assert "mailto:desk?bcc" not in html, path


async def test_an_event_of_all_times_has_a_page_by_every_clock(node: Served) -> None:
    ages = {**example("event"), "start": "0001-01-01T00:00", "end": "9999-12-31T23:59", "time_zone": "Europe/Tallinn"}
    await node.publish(Change("event", ages, id="ages", visibility="public"))
    for zone in ("Asia/Tokyo", "America/New_York"):
        response, _ = await node.get(f"{address(node, 'event', 'ages')}?zone={zone}")
        assert response.status == 200, zone


async def test_an_address_that_others_wrote_leads_on_by_https_alone() -> None:
    # A record's addresses are checked before it is shown; its licence is any text.
    parts: Any = (
        Rendering()._templates.get_template("records/parts.html").make_module({"language": Language("en", ("en",))})
    )
    for address_, leads in {
        "https://park.example/": True, "javascript:alert(1)": False, "http://park.example": False,
        "//evil.example": False, "data:text/html,x": False, "CC BY 4.0": False,
    }.items():  # fmt: skip
        assert ("<a " in str(parts.link(address_))) == leads, address_


# --- search engines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", INDEXED)
async def test_search_engines_are_told_of(node: Served, case: str) -> None:
    kind, visibility, indexed = INDEXED[case]
    response, html = await node.get(address(node, kind, visibility), Role.OPERATOR)
    told = (response.headers.get("X-Robots-Tag"), 'name="robots" content="noindex"' in html)
    assert told == ((None, False) if indexed else ("noindex", True))
    assert ("application/ld+json" in html) == (indexed and kind != "agreement")
    if not indexed:
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["organisation", "venue", "event", "offer", "culture_guide", "practice", "need"])
async def test_a_public_page_says_the_same_in_json_ld_and_where_it_stands(node: Served, kind: str) -> None:
    _, html = await node.get(address(node, kind))
    page = Read(html)
    [thing] = json.loads(page.blocks["application/ld+json"])["@graph"]
    assert thing["@id"] == f"urn:bra:{node.id}:{kind}:{address(node, kind).rsplit('/', 1)[1]}"
    canonical = [given["href"] for tag, given in page.tags if tag == "link" and given.get("rel") == "canonical"]
    assert canonical == [node.base + address(node, kind)]
    metas = {
        given.get("name") or given.get("property"): given.get("content") for tag, given in page.tags if tag == "meta"
    }
    assert metas["description"] and metas["og:title"]


async def test_crawlers_are_told_of_own_pages_for_everybody_and_of_no_others(node: Served) -> None:
    _, robots = await node.get("/robots.txt")
    assert f"Sitemap: {node.base}/sitemap.xml" in robots
    for role in (Role.PUBLIC, Role.OPERATOR):
        response, text = await node.get("/sitemap.xml", role)
        listed = set(re.findall("<loc>(.*?)</loc>", text))
        assert response.content_type == "application/xml"
        assert {node.base + address(node, kind) for kind in ("organisation", "venue", "event", "offer")} <= listed
        assert not [each for each in listed if "/contact/" in each or each.endswith(("/members", "/photographed"))]


# --- what belongs to a record -------------------------------------------------------------------------------------


async def test_a_member_takes_a_contact_along_that_the_public_may_not_see(node: Served) -> None:
    path = f"{address(node, 'contact')}.vcf"
    response, text = await node.get(path, Role.MEMBER)
    assert (response.status, response.content_type) == (200, "text/vcard")
    assert "Mari Maasikas" in text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == 'attachment; filename="contact-x.vcf"'
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert (await node.get(path))[0].status == 404


async def test_a_photo_is_shown_to_whoever_may_see_a_record_that_names_it(node: Served) -> None:
    _, html = await node.get(address(node, "venue", "photographed"), Role.MEMBER)
    [path] = Read(html).every("img", "src")
    assert (await node.get(path, Role.MEMBER))[0].content_type == "image/jpeg"
    assert (await node.get(path))[0].status == 404


# --- kinds that nobody publishes by hand --------------------------------------------------------------------------


async def test_a_key_of_the_node_has_a_page(node: Served) -> None:
    keys = (await node.does("list", kind="node_key"))["records"]
    told = [Read((await node.get(address(node, "node_key", key["id"])))[1]).text for key in keys]
    assert sorted("signs passes" in text for text in told) == [False, True]
    assert all(key["body"]["public_key"] in text for key, text in zip(keys, told, strict=True))


async def test_a_farewell_is_the_last_page_of_who_has_left(tmp_path: Path) -> None:
    async with served(tmp_path) as node:
        left = await node.does("leave", reason="We merge with our neighbour.")
        response, html = await node.get(address(node, "farewell", left["id"]))
        assert response.status == 200
        assert "We merge with our neighbour." in Read(html).text
        assert (await node.get(address(node, "organisation")))[0].status == 404
