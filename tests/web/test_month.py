"""A month holds each event on all of its days, and on no other."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from node.web import month

JUNE = month.parse("2027-06")


def event(start: str, end: str, zone: str = "Europe/Tallinn", id_: str = "e") -> dict[str, Any]:
    return {"id": id_, "body": {"start": start, "end": end, "time_zone": zone}}


def days_of(*events: dict[str, Any]) -> list[str]:
    """`day: place/of so many` of all entries in June 2027."""
    return [
        f"{day.date.day}: {entry.day}/{entry.days}"
        for week in month.weeks(JUNE, events, first=0)
        for day in week
        for entry in day.entries
    ]


DAYS = {
    "one morning": (event("2027-06-02T09:00", "2027-06-02T12:00"), ["2: 1/1"]),
    "three days": (event("2027-06-02T09:00", "2027-06-04T12:00"), ["2: 1/3", "3: 2/3", "4: 3/3"]),
    "until midnight": (event("2027-06-02T20:00", "2027-06-03T00:00"), ["2: 1/1"]),
    "a minute past midnight": (event("2027-06-02T20:00", "2027-06-03T00:01"), ["2: 1/2", "3: 2/2"]),
    "from May": (event("2027-05-31T20:00", "2027-06-01T02:00"), ["1: 2/2"]),
    "into July": (event("2027-06-30T20:00", "2027-07-02T02:00"), ["30: 1/3"]),
    "for ages": (
        event("0001-01-01T00:00", "9999-12-31T23:59"),
        [f"{day}: {date(2027, 6, day).toordinal()}/3652059" for day in range(1, 31)],
    ),
}


@pytest.mark.parametrize("name", DAYS)
def test_an_event_stands_on_its_days(name: str) -> None:
    given, expected = DAYS[name]
    assert days_of(given) == expected


WEEKS = {
    "from Monday": (0, 5, "2027-05-31", "2027-07-04"),
    "from Sunday": (6, 5, "2027-05-30", "2027-07-03"),
}


@pytest.mark.parametrize("name", WEEKS)
def test_weeks_are_whole(name: str) -> None:
    first, many, begins, ends = WEEKS[name]
    weeks = month.weeks(JUNE, [], first=first)
    assert (len(weeks), {len(week) for week in weeks}) == (many, {7})
    assert (weeks[0][0].date.isoformat(), weeks[-1][-1].date.isoformat()) == (begins, ends)
    assert [day.date.day for week in weeks for day in week if day.within] == list(range(1, 31))


def test_a_list_has_each_event_once_on_its_first_day_here() -> None:
    long, short = event("2027-05-30T09:00", "2027-06-05T10:00"), event("2027-06-03T09:00", "2027-06-04T10:00")
    assert [(day.date.day, len(day.entries)) for day in month.agenda(JUNE, [long, short])] == [(1, 1), (3, 1)]


@pytest.mark.parametrize("text", ["2027-13", "2027-6", "1970-12", "2200-01", "2027-06-01", "", "２０２７-06"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 2027-06"):
        month.parse(text)


def test_months_go_on_until_nobody_can_ask_for_them() -> None:
    assert month.beside(JUNE, -1) == date(2027, 5, 1)
    assert month.beside(month.parse("2027-12"), 1) == date(2028, 1, 1)
    assert month.beside(month.parse("1971-01"), -1) is None
    assert month.beside(month.parse("2199-12"), 1) is None
    assert month.last(month.parse("2028-02")) == date(2028, 2, 29)


CLOCKS: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "another hour": ("Asia/Tokyo", event("2027-06-02T09:00", "2027-06-02T10:00"), "2027-06-02T15:00"),
    "another day": ("Pacific/Honolulu", event("2027-06-02T09:00", "2027-06-02T10:00"), "2027-06-01T20:00"),
    "the same zone": ("Europe/Tallinn", event("2027-06-02T09:00", "2027-06-02T10:00"), None),
    "another zone with the same clock": ("Europe/Helsinki", event("2027-06-02T09:00", "2027-06-02T10:00"), None),
    "no zone": ("", event("2027-06-02T09:00", "2027-06-02T10:00"), None),
    "the end of all calendars": ("Asia/Tokyo", event("2027-06-02T09:00", "9999-12-31T23:59"), None),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_by_the_clock_of_another_zone_an_event_begins(name: str) -> None:
    zone, given, expected = CLOCKS[name]
    found = month.by_clock_of(zone, given)
    assert (found and found[0]) == (
        datetime.fromisoformat(expected).replace(tzinfo=ZoneInfo(zone)) if expected else None
    )
