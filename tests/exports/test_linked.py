"""JSON-LD, as pyld reads it with schema.org's context (a local one: its vocabulary, and what it says are addresses)."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyld import jsonld

from node.exports import Collection, opening
from node.exports.linked import KINDS
from tests.exports.shown import HOSTILE, LICENCE, NAMES, TARTU, records, shown, written
from tests.kinds.kind_examples import LUND, example

SCHEMA = "https://schema.org/"
CONTEXT = {
    "@context": {
        "@vocab": SCHEMA,
        **{name: {"@type": "@id"} for name in ("url", "logo", "eventStatus", "eventAttendanceMode", "citation")},
    }
}


def load(url, options):
    assert url.rstrip("/") == "https://schema.org"
    return {"contextUrl": None, "documentUrl": url, "document": CONTEXT}


def expanded(*found, about=None):
    data = written("jsonld", *found, **({"about": about} if about else {}))
    return jsonld.expand(json.loads(data), {"documentLoader": load, "processingMode": "json-ld-1.1"})


def values(thing, name):
    return [each.get("@value", each.get("@id")) for each in thing.get(SCHEMA + name, [])]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_an_event_says_when_and_where_in_all_its_languages(name):
    venues = {f"{LUND}/hall": shown("venue", author=LUND)}
    [event] = expanded(
        shown("event", example("event", title={"en": "Day", "et": name})), about=Collection("", venues=venues)
    )
    assert (event["@id"], event["@type"]) == (f"urn:bra:{TARTU}:event:x", [f"{SCHEMA}Event"])
    assert event[f"{SCHEMA}name"] == [{"@value": "Day", "@language": "en"}, {"@value": name, "@language": "et"}]
    assert values(event, "startDate") == ["2027-06-02T09:00+03:00"]
    assert values(event, "eventStatus") == [f"{SCHEMA}EventScheduled"]
    assert values(event, "eventAttendanceMode") == [f"{SCHEMA}MixedEventAttendanceMode"]
    place, online = event[f"{SCHEMA}location"]
    assert (place["@id"], values(place, "name")) == (f"urn:bra:{LUND}:venue:x", ["Delta Centre, desk room"])
    assert values(online, "url") == ["https://park.example/live"]
    assert values(event[f"{SCHEMA}offers"][0], "priceCurrency") == ["SEK"]


def test_a_cancelled_event_says_so():
    [event] = expanded(shown("event", example("event", status="cancelled")))
    assert values(event, "eventStatus") == [f"{SCHEMA}EventCancelled"]


def test_a_venue_says_where_it_is_and_when_it_is_open():
    [venue] = expanded(shown("venue"))
    [geo] = venue[f"{SCHEMA}geo"]
    assert (values(geo, "latitude"), values(geo, "longitude")) == ([58.385], [26.725])
    week, holidays = venue[f"{SCHEMA}openingHoursSpecification"]
    assert values(week, "dayOfWeek") == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    assert (values(week, "opens"), values(week, "closes")) == (["09:00"], ["17:00"])
    assert values(holidays, "opens") == values(holidays, "closes") == ["00:00"]
    assert venue[f"{SCHEMA}parentOrganization"][0]["@id"] == f"urn:bra:{TARTU}:organisation:self"


def test_where_a_record_is_from_stands_apart_from_the_thing():
    [venue] = expanded(shown("venue", licence=LICENCE, warning="signed two histories"))
    [record] = venue[f"{SCHEMA}subjectOf"]
    assert values(record, "license") == [LICENCE]
    assert (values(record, "version"), values(record, "dateModified")) == ([7], ["2027-01-15T09:00:00Z"])
    assert values(record, "description") == ["signed two histories"]


def test_a_person_is_named_and_a_role_is_a_way_to_reach_somebody():
    person, role = expanded(shown("contact"), shown("contact", example("contact", name=..., consent=...), id="y"))
    assert (person["@type"], values(person, "name")) == ([f"{SCHEMA}Person"], ["Mari Maasikas"])
    assert (role["@type"], values(role, "contactType")) == ([f"{SCHEMA}ContactPoint"], ["Soft-landing manager"])


HOURS = [
    pytest.param("Mo-Fr 09:00-17:00", [("MTWTF", "09:00-17:00")], id="a week"),
    pytest.param("Mo-Fr 09:00-12:00,13:00-17:00", [("MTWTF", "09:00-12:00"), ("MTWTF", "13:00-17:00")], id="a break"),
    pytest.param("Sa-Mo 10:00-14:00", [("SSM", "10:00-14:00")], id="round the week's end"),
    pytest.param("Mo,We 08:00-09:00; Su 10:00-11:00", [("MW", "08:00-09:00"), ("S", "10:00-11:00")], id="single days"),
    pytest.param("Mo-Fr 09:00-17:00; We 09:00-12:00", None, id="a later rule takes the place of an earlier"),
    pytest.param("Mo-Fr 22:00-02:00", None, id="over midnight"),
    pytest.param("24/7", None, id="always"),
    pytest.param("Jun-Aug Mo-Fr 09:00-15:00", None, id="a season"),
    pytest.param('Mo-Fr 09:00-17:00 "by appointment"', None, id="a comment"),
    pytest.param("Mo-Fr sunrise-sunset", None, id="the sun"),
    pytest.param("PH,Mo-Fr 09:00-17:00", None, id="open on holidays"),
    pytest.param("Mo,Mo 09:00-17:00", None, id="a day twice"),
]


@pytest.mark.parametrize(("hours", "wanted"), HOURS)
def test_hours_are_told_in_schema_orgs_way_only_where_that_is_exact(hours, wanted):
    found = opening.specification(hours)
    told = found and [
        ("".join(day[0] for day in each["dayOfWeek"]), f"{each['opens']}-{each['closes']}") for each in found
    ]
    assert told == wanted
    [venue] = expanded(shown("venue", example("venue", hours=hours)))
    assert values(venue, "openingHours") == ([] if wanted else [hours])


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_ends_the_script_that_it_stands_in(text):
    data = written(
        "jsonld", shown("venue", example("venue", directions={"en": f"x{text}"}), licence=text, organisation=text)
    )
    assert not set(data) & set(b"<>&")
    graph = json.loads(data)["@graph"]
    assert graph[0]["additionalProperty"][-4]["value"][0]["@value"] == f"x{text}"


@given(st.lists(records(*sorted(KINDS)), max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_record_is_read_again_and_nothing_is_lost_to_the_context(found):
    graph = json.loads(written("jsonld", *found))["@graph"]
    for single in graph:
        [thing] = jsonld.expand({"@context": CONTEXT["@context"], **single}, {"documentLoader": load})
        assert thing["@id"] == single["@id"]
        assert {key.removeprefix(SCHEMA) for key in thing} == {
            name for name, value in single.items() if value not in (None, [])
        }
        jsonld.flatten(thing)
