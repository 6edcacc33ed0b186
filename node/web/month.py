"""A month of events as a calendar has it: each event on all of its days, by its own clock.

Rules:

- an event is on each day on which it still goes on: one that ends at midnight isn't on the day that begins then
- weeks are whole; their days in other months hold nothing

    >>> june = weeks(parse("2027-06"), [], first=0)
    >>> june[0][0].date.isoformat(), june[0][0].within, len(june)
    ('2027-05-31', False, 5)
"""

import re
from calendar import Calendar
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from node.sentence import said

Shown = Mapping[str, Any]
"""An event as `node.directory.views` shows it."""

FIRST_YEAR, LAST_YEAR = 1971, 2199
"""The years that a question may ask for."""
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event on one of its days: the `day`-th of so many `days`."""

    record: Shown
    day: int
    days: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day with what is on; `within`: whether it is of the month that is shown."""

    date: date
    within: bool
    entries: Sequence[Entry]


def parse(text: str) -> date:
    """The first day of a month such as 2027-06; ValueError with a sentence."""
    match = _MONTH.fullmatch(text)
    if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        raise ValueError(said("that is no month: write it like 2027-06"))
    return date(int(match[1]), int(match[2]), 1)


def last(month: date) -> date:
    """The last day of a month, by its first."""
    return (month + 31 * _DAY).replace(day=1) - _DAY


def beside(month: date, by: int) -> date | None:
    """The first day of the month before (-1) or after (1); None beyond the years that can be asked for."""
    other = (month - _DAY if by < 0 else month + 31 * _DAY).replace(day=1)
    return other if FIRST_YEAR <= other.year <= LAST_YEAR else None


def weeks(month: date, events: Iterable[Shown], *, first: int) -> list[list[Day]]:
    """The month's weeks. `first`: the day that a week begins with, 0 is Monday."""
    on = _by_day(month, events)
    return [
        [Day(day, day.month == month.month, on.get(day, ())) for day in week]
        for week in Calendar(first).monthdatescalendar(month.year, month.month)
    ]


def agenda(month: date, events: Iterable[Shown]) -> list[Day]:
    """The month's days on which something begins; what began before stands on its first."""
    begun = {
        day: [entry for entry in entries if entry.day == 1 or day == month]
        for day, entries in sorted(_by_day(month, events).items())
    }
    return [Day(day, True, entries) for day, entries in begun.items() if entries]


def _by_day(month: date, events: Iterable[Shown]) -> Mapping[date, list[Entry]]:
    on: dict[date, list[Entry]] = defaultdict(list)
    for record in events:
        first, final = _days(record)
        # Somebody's event may be said to last for ages.
        for place in range(max(0, (month - first).days), (min(final, last(month)) - first).days + 1):
            on[first + place * _DAY].append(Entry(record, place + 1, (final - first).days + 1))
    return on


def _days(record: Shown) -> tuple[date, date]:
    """The first and the last day of an event."""
    start, end = (datetime.fromisoformat(record["body"][name]) for name in ("start", "end"))
    return start.date(), max(start, end - _MINUTE).date()


def by_clock_of(zone: str, record: Shown) -> tuple[datetime, datetime] | None:
    """Start and end of an event by the clock of another zone; None where that shows the same, or no zone is given."""
    if not zone:
        return None
    own = ZoneInfo(record["body"]["time_zone"])
    start, end = (datetime.fromisoformat(record["body"][name]).replace(tzinfo=own) for name in ("start", "end"))
    try:
        there = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    except OverflowError:  # In the year 9999.
        return None
    return None if there[0].utcoffset() == start.utcoffset() else there
