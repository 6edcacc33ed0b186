"""A time zone's real transitions, as a VTIMEZONE (RFC 5545, section 3.6.5).

Rules:

- each year in which an event begins or ends is covered whole: its transitions, and before the first of several years in
  a row what held on 1 January; so a calendar holds at most two years an event, however long an event claims to last
- an onset is told by the clock as it was until then (TZOFFSETFROM), which is what the RFC asks for
- no RRULE: rules change, and what is in the tables now is all that is known
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from node.exports.content import Property

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Observance(NamedTuple):
    """From `onset`, by the clock until then, `before` from UTC becomes `after`."""

    onset: datetime
    before: timedelta
    after: timedelta
    name: str
    daylight: bool


def component(zone: str, years: Collection[int]) -> Iterator[Property]:
    """The VTIMEZONE of an IANA zone for local times in these years."""
    yield "BEGIN", "VTIMEZONE"
    yield "TZID", zone
    for year in sorted(years):
        new = () if year - 1 in years else (_on_new_year(zone, year),)
        for each in (*new, *transitions(zone, year)):
            name = "DAYLIGHT" if each.daylight else "STANDARD"
            yield "BEGIN", name
            yield "DTSTART", each.onset.strftime("%Y%m%dT%H%M%S").zfill(15)
            yield "TZOFFSETFROM", _written(each.before)
            yield "TZOFFSETTO", _written(each.after)
            yield "TZNAME", each.name
            yield "END", name
    yield "END", "VTIMEZONE"


def _written(offset: timedelta) -> str:
    """`+0200`; with seconds where a zone had them, as all had before clocks were set by the hour."""
    seconds = int(abs(offset).total_seconds())
    text = f"{'-' if offset < timedelta() else '+'}{seconds // 3600:02}{seconds // 60 % 60:02}"
    return f"{text}{seconds % 60:02}" if seconds % 60 else text


@lru_cache(4096)
def transitions(zone: str, year: int) -> tuple[Observance, ...]:
    """The zone's transitions in a local year; none in the calendar's first and last, where there is no day beside."""
    if not 1 < year < 9999:
        return ()
    place = ZoneInfo(zone)
    day = datetime(year, 1, 1, tzinfo=UTC) - _DAY
    found = []
    before = _offset(place, day)
    for _ in range(368):
        if (after := _offset(place, day + _DAY)) != before:
            found.append(_between(place, day, day + _DAY))
        day, before = day + _DAY, after
    return tuple(each for each in found if each.onset.year == year)


def _between(place: ZoneInfo, low: datetime, high: datetime) -> Observance:
    """The transition after `low` and not after `high`: no zone has had two in a day."""
    before = _offset(place, low)
    while high - low > _SECOND:
        middle = low + (high - low) // (2 * _SECOND) * _SECOND
        low, high = (middle, high) if _offset(place, middle) == before else (low, middle)
    there = high.astimezone(place)
    return Observance((high + before).replace(tzinfo=None), before, _offset(place, high), *_called(there))


def _on_new_year(zone: str, year: int) -> Observance:
    there = datetime(year, 1, 1, tzinfo=ZoneInfo(zone))
    offset = there.utcoffset() or timedelta()
    return Observance(there.replace(tzinfo=None), offset, offset, *_called(there))


def _called(there: datetime) -> tuple[str, bool]:
    return there.tzname() or "", bool(there.dst())


def _offset(place: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(place).utcoffset() or timedelta()
