"""iCalendar, as vobject (with dateutil's time zones) and the package icalendar read it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.exports import Collection
from node.exports.zones import component
from tests.exports.shown import ABOUT, HOSTILE, NAMES, NO_CHARACTERS, TARTU, lines_of, records, shown, written
from tests.kinds.kind_examples import LUND, example

HALL = {f"{LUND}/hall": shown("venue", author=LUND)}


def calendar(*found, about=ABOUT):
    data = written("ics", *found, about=about)
    lines_of(data)
    return vobject.readOne(data.decode())


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_calendar_program_reads_what_was_published(name):
    record = shown("event", example("event", title={"et": name}))
    event = calendar(record, about=Collection("Events", venues=HALL)).vevent
    assert (event.summary.value, event.summary.params) == (name, {"LANGUAGE": ["et"]})
    assert event.uid.value == f"urn:bra:{TARTU}:event:x"
    assert event.dtstart.value.isoformat() == "2027-06-02T09:00:00+03:00"
    assert event.dtend.value.isoformat() == "2027-06-02T17:00:00+03:00"
    assert event.last_modified.value == datetime(2027, 1, 15, 9, tzinfo=UTC) == event.dtstamp.value
    assert (event.sequence.value, event.status.value, event.transp.value) == ("7", "CONFIRMED", "TRANSPARENT")
    assert event.location.value == "Delta Centre, desk room, Narva mnt 18, Tartu"
    assert event.geo.value == "58.385000;26.725000"
    assert event.contact.value == "Tartu Science Park, desk@park.example, +37256123456"
    assert (event.url.value, event.conference.value) == ("https://park.example/register", "https://park.example/live")
    assert "Price: 10\nCurrency: SEK" in event.description.value
    assert "organizer" not in event.contents


def test_a_calendar_says_what_it_is_and_when_to_come_back():
    about = Collection("Üritused", url="https://node.example/events.ics", licence="CC BY 4.0")
    data = written("ics", about=about)
    told = {name: text for name, _, text in lines_of(data)}
    assert told["NAME"] == told["X-WR-CALNAME"] == "Üritused"
    assert told["METHOD"] == "PUBLISH"
    assert told["REFRESH-INTERVAL"] == told["X-PUBLISHED-TTL"] == "PT1H"
    assert told["SOURCE"] == "https://node.example/events.ics"
    assert told["DESCRIPTION"] == "Licence: CC BY 4.0"


def test_a_cancelled_event_stays_and_says_so():
    before, after = shown("event"), shown("event", example("event", status="cancelled"), seq=8)
    first, then = calendar(before).vevent, calendar(after).vevent
    assert (first.uid.value, first.status.value) == (then.uid.value, "CONFIRMED")
    assert (then.status.value, int(then.sequence.value) > int(first.sequence.value)) == ("CANCELLED", True)


def test_a_withdrawn_event_is_gone():
    assert "vevent" not in calendar(about=Collection("Events")).contents


def test_an_event_that_is_not_public_is_not_shown_to_whom_a_calendar_is_shared_with():
    classes = [calendar(shown("event", visibility=level)).vevent for level in ("public", "members", "local")]
    assert [event.contents["class"][0].value for event in classes] == ["PUBLIC", "PRIVATE", "PRIVATE"]


def test_a_seq_beyond_the_largest_integer_of_a_calendar_is_the_largest():
    assert calendar(shown("event", seq=2**53 - 1)).vevent.sequence.value == str(2**31 - 1)


def test_an_event_without_its_venue_at_hand_is_where_it_is_online():
    event = calendar(shown("event", example("event", registration=...))).vevent
    assert (event.location.value, "geo" in event.contents) == ("https://park.example/live", False)
    assert event.url.value == "https://park.example/live"


ZONES = ("Europe/Tallinn", "America/New_York", "Asia/Hong_Kong", "Africa/Casablanca", "Australia/Lord_Howe",
         "Europe/Dublin", "Asia/Kathmandu", "Pacific/Apia", "UTC", "America/Nuuk")  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_the_offsets_of_a_calendar_are_those_of_the_zone_on_every_day_of_the_year(zone):
    place = ZoneInfo(zone)
    days = [datetime(2027, 1, 1, 12) + timedelta(days=day) for day in range(365)]
    events = [
        shown("event", example("event", start=f"{day:%Y-%m-%dT%H:%M}", end=f"{day:%Y-%m-%dT}13:00", time_zone=zone))
        for day in days
    ]
    read = calendar(*events).vevent_list
    assert [event.dtstart.value.utcoffset() for event in read] == [
        day.replace(tzinfo=place).utcoffset() for day in days
    ]


# The hours beside a transition: (zone, last minute before, first minute after), by the clock.
TRANSITIONS = [
    pytest.param("Europe/Tallinn", "2027-03-28T02:59", "2027-03-28T04:00", id="forward"),
    pytest.param("Europe/Tallinn", "2027-10-31T02:59", "2027-10-31T04:00", id="back"),
    pytest.param("America/New_York", "2027-03-14T01:59", "2027-03-14T03:00", id="forward in the west"),
    pytest.param("Australia/Lord_Howe", "2027-10-03T01:59", "2027-10-03T02:30", id="half an hour"),
    pytest.param("Africa/Casablanca", "2027-02-07T01:59", "2027-02-07T03:00", id="for the month of Ramadan"),
]


@pytest.mark.parametrize(("zone", "before", "after"), TRANSITIONS)
def test_both_sides_of_a_transition_have_their_own_offset(zone, before, after):
    event = calendar(shown("event", example("event", start=before, end=after, time_zone=zone))).vevent
    for found, local in (event.dtstart.value, before), (event.dtend.value, after):
        assert found.utcoffset() == datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).utcoffset(), local


def test_an_event_that_claims_to_last_for_ever_costs_two_years_of_transitions():
    body = example("event", start="0002-01-01T00:00", end="9998-12-31T23:59")
    data = written("ics", shown("event", body))
    assert sum(name == "BEGIN" for name, _, _ in lines_of(data)) < 10


def test_years_in_a_row_begin_once():
    assert [value for name, value in component("Europe/Tallinn", {2027, 2028, 2030}) if name == "DTSTART"] == [
        "20270101T000000", "20270328T030000", "20271031T040000", "20280326T030000", "20281029T040000",
        "20300101T000000", "20300331T030000", "20301027T040000",
    ]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_line_to_a_calendar(text):
    body = example("event")
    plain = written("ics", shown("event", body), about=Collection("Events"))
    data = written("ics", shown("event", body, licence=text), about=Collection(text))
    names = [name for name, _, _ in lines_of(data)]
    assert names == [name for name, _, _ in lines_of(plain)]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    told = text.replace("\r\n", " ").translate({**NO_CHARACTERS, **dict.fromkeys((9, 10, 13, 0x2028, 0x2029), " ")})
    data = written("ics", shown("event", example("event", title={"en": f"x{text}x"})))
    [event] = icalendar.Calendar.from_ical(data).walk("VEVENT")
    assert str(event["SUMMARY"]) == f"x{told}x"


@given(st.lists(records("event"), max_size=4))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_any_event_is_read_again(found):
    data = written("ics", *found, about=Collection("Events", venues=HALL))
    lines = lines_of(data)
    assert [text for name, _, text in lines if name == "UID"] == [f"urn:bra:{TARTU}:event:x"] * len(found)
    starts = [(text, parameters["TZID"]) for name, parameters, text in lines if name == "DTSTART" and parameters]
    assert starts == [
        (f"{each['body']['start'].replace('-', '').replace(':', '')}00", each["body"]["time_zone"]) for each in found
    ]
    assert len(icalendar.Calendar.from_ical(data).walk("VEVENT")) == len(found)
    modern = all("1900" < each["body"][when][:4] < "9000" for each in found for when in ("start", "end"))
    if modern:  # dateutil knows no offsets with seconds, as the zones had before, and no year beside the last
        assert len(vobject.readOne(data.decode()).contents.get("vevent", [])) == len(found)
