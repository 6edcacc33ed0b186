"""Atom, as feedparser reads it, and as XML."""

import xml.etree.ElementTree as ET

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.exports import Collection
from tests.exports.shown import ABOUT, HOSTILE, LICENCE, NAMES, NO_CHARACTERS, TARTU, records, shown, written
from tests.kinds.kind_examples import example

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_feed_reader_reads_what_was_published(name):
    about = Collection(
        name, url="https://node.example/new.atom?a=1&b=2", licence=LICENCE, link=lambda _: "https://n.example/x"
    )
    newer = shown("event", example("event", title={"et": name}), updated="2027-02-01T00:00:00Z")
    found = feedparser.parse(written("atom", shown("venue"), newer, about=about))
    assert (found.bozo, found.version, found.feed.title, found.feed.rights) == (False, "atom10", name, LICENCE)
    assert (found.feed.id, found.feed.links[0].rel) == (about.url, "self")
    assert found.feed.updated == "2027-02-01T00:00:00Z"
    entry = found.entries[1]
    assert (entry.id, entry.title, entry.title_detail.language) == (f"urn:bra:{TARTU}:event:x", name, "et")
    assert (entry.author_detail.name, entry.author_detail.href) == ("Tartu Science Park", f"urn:bra:{TARTU}")
    assert (entry.link, entry.updated) == ("https://n.example/x", "2027-02-01T00:00:00Z")
    assert (entry.tags[0].term, entry.rights) == ("event", LICENCE)
    assert "Start: 2027-06-02T09:00" in entry.content[0].value


def test_a_feed_without_records_is_a_feed():
    found = feedparser.parse(written("atom"))
    assert (found.bozo, found.entries, found.feed.updated) == (False, [], "1970-01-01T00:00:00Z")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    body = example("venue", directions={"en": f"x{text}"})
    about = Collection(f"x{text}", url=f"https://x/{text}")
    feed = ET.fromstring(written("atom", shown("venue", body, licence=f"x{text}"), about=about))
    plain = ET.fromstring(written("atom", shown("venue", licence="x"), about=Collection("x", url="https://x/")))
    assert [element.tag for element in feed.iter()] == [element.tag for element in plain.iter()]
    said = text.replace("\r\n", "\n").translate({**NO_CHARACTERS, 13: "\n", 0x2028: "\n", 0x2029: "\n"})
    assert f"Directions: x{said}\n" in (feed.findtext(f"{ATOM}entry/{ATOM}content") or "")
    assert feed.findtext(f"{ATOM}title") == f"x{said}".translate({10: " ", 9: " "})


@given(st.lists(records(), max_size=4))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_any_record_is_read_again(found):
    feed = ET.fromstring(written("atom", *found, about=ABOUT))
    for element in feed.iter(f"{ATOM}entry"):
        assert [child.tag[len(ATOM) :] for child in element][:4] == ["id", "title", "updated", "author"]
        assert all((element.findtext(f"{ATOM}{name}") or "").strip() for name in ("id", "title", "updated", "content"))
    assert len(feed.findall(f"{ATOM}entry")) == len(found)
