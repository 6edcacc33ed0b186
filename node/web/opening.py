"""When a place is open, as its page shows it: now, and on each of seven days, by its own clock. Pure.

week(venue["body"], now).days[0]
# Day(date(2027, 6, 1), (Span(datetime(2027, 6, 1, 9), datetime(2027, 6, 1, 17)),))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from node.roaming.availability import opening

DAYS = 7


class Span(NamedTuple):
    """Local times; until midnight is the next day's 00:00."""

    since: datetime
    until: datetime


class Day(NamedTuple):
    date: date
    open: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """`now`: the place's own time; `days`: from today on.

    `until`: when it closes, None where it is closed, or isn't known to close; `opens`: when it opens next.
    """

    now: datetime
    days: tuple[Day, ...]

    @property
    def open(self) -> bool:
        return self._current is not None

    @property
    def until(self) -> datetime | None:
        current = self._current
        if current is None:
            return None
        until = current.until
        for span in self._spans:
            # A night that is open right through is two spans.
            until = span.until if span.since == until else until
        end = self.days[-1].date + timedelta(days=1)
        return None if until.date() >= end else until

    @property
    def opens(self) -> datetime | None:
        return next((span.since for span in self._spans if span.since > self.now), None)

    @property
    def _spans(self) -> tuple[Span, ...]:
        return tuple(chain.from_iterable(day.open for day in self.days))

    @property
    def _current(self) -> Span | None:
        return next((span for span in self._spans if span.since <= self.now < span.until), None)


def week(body: Mapping[str, Any], now: float) -> Week | None:
    """The week of a place whose body has `hours`, `time_zone` and `country`; None where its hours can't be read."""
    here = datetime.fromtimestamp(now, ZoneInfo(body["time_zone"])).replace(tzinfo=None)
    days = []
    for ahead in range(DAYS):
        day = here.date() + timedelta(days=ahead)
        spans = opening(body, day.isoformat())
        if spans is None:
            return None
        days.append(Day(day, tuple(Span(*span) for span in spans)))
    return Week(here, tuple(days))
