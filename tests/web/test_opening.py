"""When a place is open, as its page says it: by its own clock, holidays and nights included."""

from datetime import UTC, datetime
from typing import Any

import pytest

from node.web.opening import week

TUESDAY = datetime(2027, 6, 1, 9, tzinfo=UTC).timestamp()
"""Noon in Tallinn."""

CASES: dict[str, tuple[str, bool, str | None, str | None]] = {
    "open until the evening": ("Mo-Fr 09:00-17:00", True, "2027-06-01T17:00", "2027-06-02T09:00"),
    "closed over noon": ("Mo-Fr 09:00-11:00,13:00-17:00", False, None, "2027-06-01T13:00"),
    "closed until the week ends": ("Sa 10:00-14:00", False, None, "2027-06-05T10:00"),
    "open over midnight": ("Mo-Su 11:00-02:00", True, "2027-06-02T02:00", "2027-06-02T00:00"),
    "open always": ("24/7", True, None, "2027-06-02T00:00"),
    "closed for longer than is shown": ("Jan 09:00-17:00", False, None, None),
    "not known to be open": ('Mo-Su 09:00-17:00 unknown "by appointment"', False, None, None),
}


def place(hours: str) -> dict[str, Any]:
    return {"hours": hours, "time_zone": "Europe/Tallinn", "country": "EE"}


@pytest.mark.parametrize("name", CASES)
def test_a_place_is(name: str) -> None:
    hours, is_open, until, opens = CASES[name]
    found = week(place(hours), TUESDAY)
    assert found is not None
    told = [None if each is None else f"{each:%Y-%m-%dT%H:%M}" for each in (found.until, found.opens)]
    assert (found.open, *told) == (is_open, until, opens)


def test_the_week_begins_today_there_and_knows_the_holidays_of_its_country() -> None:
    # 23 and 24 June are holidays in Estonia; in Tallinn it is the 22nd already.
    found = week(place("Mo-Su 09:00-17:00; PH off"), datetime(2027, 6, 21, 22, tzinfo=UTC).timestamp())
    assert found is not None
    assert [(day.date.day, len(day.open)) for day in found.days] == [
        (22, 1), (23, 0), (24, 0), (25, 1), (26, 1), (27, 1), (28, 1),
    ]  # fmt: skip


def test_hours_that_cant_be_read_have_no_week() -> None:
    assert week(place("whenever we like"), TUESDAY) is None
