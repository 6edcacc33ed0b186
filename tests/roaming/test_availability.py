"""Notice, hours and room: by the venue's own clock, with a sentence that says what to ask for instead."""

from datetime import UTC, datetime

import pytest

from node.errors import InputError
from node.roaming.availability import ends, hindrance, starts
from node.roaming.request import Request
from node.roaming.visit import Days
from tests.nodes import venue

HOST = "bra1" + "a" * 32
# A Tuesday; it is 12:00 in Tallinn.
NOW = datetime(2027, 6, 1, 9, tzinfo=UTC).timestamp()


def body(**fields: object) -> dict:
    found = venue("desk", **fields)
    del found["ref"]
    return found


def asked(first: str = "2027-06-03", last: str | None = None, **fields: object) -> dict:
    return {
        "venue": f"{HOST}/desk",
        "days": [first, last or first],
        "company": "Nordic Sensors",
        "people": [{"name": "Liis Tamm", "email": "liis@sensors.example"}],
        "purpose": "A first customer",
        **fields,
    }


CASES = {
    "two days ahead": (asked(), {}, None),
    "over a weekend": (asked("2027-06-04", "2027-06-07"), {}, None),
    "yesterday": (asked("2027-05-31"), {}, "is over there"),
    "in two years": (asked("2029-06-04"), {}, "within a year"),
    "from a Saturday on": (asked("2027-06-05", "2027-06-07"), {}, "closed on 2027-06-05"),
    "until a Sunday": (asked("2027-06-04", "2027-06-06"), {}, "closed on 2027-06-06"),
    "on a public holiday": (asked("2027-06-23"), {"hours": "Mo-Fr 09:00-17:00; PH off"}, "closed on 2027-06-23"),
    "before it opens": (asked(arrival="08:59"), {}, "at 08:59"),
    "when it opens": (asked(arrival="09:00"), {}, None),
    "when it closes": (asked(arrival="17:00"), {}, "at 17:00"),
    "less than the notice ahead": (asked("2027-06-02"), {}, "24 hours ahead"),
    "in the hour in which the notice ends": (asked("2027-06-02", arrival="12:00"), {}, None),
    "a minute before that": (asked("2027-06-02", arrival="11:59"), {}, "24 hours ahead"),
    "today where no notice is wanted": (asked("2027-06-01"), {"terms": {"free_days": 1, "notice_hours": 0}}, None),
    "this morning": (
        asked("2027-06-01", arrival="10:00"),
        {"terms": {"free_days": 1, "notice_hours": 0}},
        "over there",
    ),
    "more people than it has room for": (asked(), {"capacity": 0}, "room for 0 more"),
    "exactly as many": (asked(), {"capacity": 1}, None),
    "where it is yesterday still": (asked("2027-06-03"), {"time_zone": "Pacific/Honolulu", "country": "US"}, None),
    "hours that nobody can read": (asked(), {"hours": "by appointment"}, None),
}


@pytest.mark.parametrize("what", CASES)
def test_a_venue_can_be_asked_for(what: str) -> None:
    given, fields, expected = CASES[what]
    found = hindrance(body(**fields), Request.parse(given), NOW)
    assert found is None if expected is None else found is not None and expected in found, found


def test_the_room_is_what_those_who_come_anyhow_leave() -> None:
    request = Request.parse(asked("2027-06-03", "2027-06-04"))
    taken = {"2027-06-04": 2}.get
    assert hindrance(body(capacity=3), request, NOW, taken=lambda day: taken(day, 0)) is None
    full = hindrance(body(capacity=2), request, NOW, taken=lambda day: taken(day, 0))
    assert full is not None and "on 2027-06-04" in full


def test_a_day_begins_and_ends_by_the_venues_own_clock_also_when_clocks_are_set() -> None:
    night = Days("2027-03-28", "2027-03-28")
    assert ends("Europe/Tallinn", night) - starts("Europe/Tallinn", night) == 23 * 3600
    assert starts("Pacific/Honolulu", night) - starts("Europe/Tallinn", night) == 12 * 3600


WRONG = {
    "no venue of a node": ({**asked(), "venue": "desk"}, "venue"),
    "days backwards": ({**asked(), "days": ["2027-06-03", "2027-06-02"]}, "days"),
    "a month and a day": ({**asked(), "days": ["2027-06-01", "2027-07-02"]}, "days"),
    "nobody": ({**asked(), "people": []}, "people"),
    "a crowd": ({**asked(), "people": [{"name": "A", "email": "a@b.example"}] * 21}, "people"),
    "nobody to write to": ({**asked(), "people": [{"name": "A"}]}, "people"),
    "an address with a line end": (
        {**asked(), "people": [{"name": "A", "email": "a@b.example\nBcc: c@d.example"}]},
        "email",
    ),
    "a name with a line end": ({**asked(), "people": [{"name": "A\r\nBcc: x", "email": "a@b.example"}]}, "name"),
    "a name that is read backwards": ({**asked(), "company": "Park \u202egnp"}, "company"),
    "a long story": ({**asked(), "purpose": "x" * 2001}, "purpose"),
    "a language that is none": ({**asked(), "language": "english"}, "language"),
    "a time that is none": ({**asked(), "arrival": "25:00"}, "arrival"),
    "what nobody asked": ({**asked(), "admin": True}, "admin"),
    "numbers as text": ({**asked(), "days": [20270602, 20270603]}, "days"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_request_is_refused_by_the_name_of_the_field_for(what: str) -> None:
    given, field = WRONG[what]
    with pytest.raises(InputError) as refused:
        Request.parse(given)
    assert field in str(refused.value)
