"""The trip pack: one file that needs nothing from anywhere, and in which nothing of others runs."""

import base64
import io
import re
import zipfile
from html.parser import HTMLParser
from typing import Any

import icalendar
import pytest

from node.roaming import trip_pack
from node.roaming.calendars import calendar
from node.roaming.trip_pack import Trip
from tests.kinds.kind_examples import example
from tests.roaming.parks import venue_body

HOST = "bra1" + "a" * 32
EVIL = '"><script>alert(1)</script><img src=https://evil.example/x>'


def trip(text: str = "Plain", **changes: Any) -> Trip:
    """A trip in which every text of others is `text`."""
    request = {
        "venue": f"{HOST}/desk",
        "company": text,
        "people": [{"name": text, "email": "a@b.example"}],
        "purpose": text,
    }
    visit = {"visit": "v1", "guest": HOST, "host": HOST, "venue": f"{HOST}/desk", "state": "accepted", "moves": [],
             "days": ["2027-06-02", "2027-06-03"], "time_zone": "Europe/Tallinn",
             "request": {**request, "language": "en", "arrival": "09:30"}}  # fmt: skip
    body = venue_body(name=text, address=text, city=text, hours=text, directions={"en": text}, wifi={"en": text})
    contact = {**example("contact"), "role": text, "name": text, "topics": [text], "email": "x@y.example"}
    guide = {**example("culture_guide"), "sections": {"greeting": text, "taboos": {"et": text}}}
    event = {
        **example("event"),
        "title": {"en": text},
        "organiser": text,
        "registration": "https://events.example/a?b=1&c=2",
    }
    made = {
        "visit": visit,
        "venue": shown("venue", body, text),
        "host": text,
        "contacts": [shown("contact", contact, text)],
        "guide": shown("culture_guide", guide, text),
        "events": [shown("event", event, text)],
        "calendar": calendar(visit, body, 0),
        "passes": [(text, "eyJ.a.b", b"\x89PNG")],
        "revoked": [],
        "made": "2027-06-01T09:00:00Z",
    }
    return Trip(**{**made, **changes})


def shown(kind: str, body: dict[str, Any], organisation: str) -> dict[str, Any]:
    known = {"known": {"standing": "honoured", "path": []}, "seq": 1, "updated": "2027-01-15T09:00:00Z"}
    return {"kind": kind, "id": "x", "author": HOST, "organisation": organisation, "body": body, **known}


class Page(HTMLParser):
    """The tags of a page and their attributes, and its text."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", ["Plain", EVIL, "javascript:alert(1)", "&lt;b&gt;", "'; x:expression(1)", "\u202egnp"])
def test_nothing_is_loaded_or_run_whatever_others_wrote(text: str) -> None:
    page = Page(trip_pack.html(trip(text)))
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "iframe", "object", "embed", "link", "form", "base", "svg"}
    )
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("srcset", "style", "background")]
        assert tag != "img" or str(attributes["src"]).startswith("data:image/png;base64,")
        if "href" in attributes:
            assert re.match(r"(https://|mailto:|tel:|data:text/calendar;base64,)", str(attributes["href"])), attributes
    [policy] = [str(attributes["content"]) for tag, attributes in page.tags if "http-equiv" in attributes]
    assert policy.startswith("default-src 'none'") and "http" not in policy
    assert text in page.text, "what others wrote is shown as they wrote it"


def test_the_pack_has_passes_venue_people_guide_events_and_the_calendar_file() -> None:
    page = Page(trip_pack.html(trip()))
    for said in ("eyJ.a.b", "2027-06-02 to 2027-06-03", "Plain", "x@y.example", "Greeting", "2027"):
        assert said in page.text, said
    [file] = [str(attributes["href"]) for _, attributes in page.tags if attributes.get("download") == "visit.ics"]
    found = icalendar.Calendar.from_ical(base64.b64decode(file.partition(",")[2]))
    [event] = found.walk("VEVENT")
    assert (str(event.decoded("DTSTART")), str(event.decoded("DTEND"))) == ("2027-06-02", "2027-06-04")
    assert event["STATUS"] == "CONFIRMED"


def test_what_there_is_none_of_has_no_heading() -> None:
    page = Page(trip_pack.html(trip(contacts=[], guide=None, events=[], passes=[])))
    for heading in ("Passes", "People to call", "How business is done there", "Events near"):
        assert heading not in page.text


def test_whose_pass_was_revoked_is_told_so_and_has_no_code() -> None:
    page = Page(trip_pack.html(trip(passes=[], revoked=[EVIL])))
    assert EVIL in page.text and "This pass was revoked" in page.text
    assert not [tag for tag, _ in page.tags if tag == "img"]


def test_an_address_that_is_not_https_leads_nowhere() -> None:
    event = {**example("event"), "registration": "javascript:alert(1)"}
    page = Page(trip_pack.html(trip(events=[shown("event", event, "x")])))
    assert not [1 for _, attributes in page.tags if "javascript" in str(attributes.get("href"))]


def test_the_zip_has_the_same_in_files_and_is_the_same_each_time() -> None:
    packed = trip(venue=shown("venue", venue_body(), "Plain"))
    made = trip_pack.bundle(packed)
    with zipfile.ZipFile(io.BytesIO(made)) as files:
        assert files.namelist() == ["trip.html", "visit.ics", "people.vcf", "pass-1.png"]
        assert files.read("people.vcf").count(b"BEGIN:VCARD") == 1 + len(packed.contacts)
        assert files.read("trip.html") == trip_pack.html(packed)
    assert trip_pack.bundle(packed) == made
