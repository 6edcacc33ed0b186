"""How busy a place is, read from a calendar that comes from outside (RFC 5545). Run as a program, a process apart.

Rules:

- VFREEBUSY counts where it says BUSY, and each VEVENT that is not cancelled or transparent, as often as its rules say
  within the days that are asked for; an occurrence that was moved or cancelled counts as it is now
- what has no zone is by the place's own clock, and so is what takes whole days (section 3.3.5); what repeats, repeats
  by the clock of its own zone, also when that is set to summer
- at most `MOST_ENTRIES` entries and `MOST_TIMES` busy times; what can't be read is Malformed. How long it takes nobody
  knows, because a rule may never come to a day: so it is read apart, with little memory and time (see `apart`)

As a program it takes a line, `{"zone": "Europe/Tallinn", "days": ["2027-06-02", "2027-06-03"]}`, and then the calendar;
it answers `[[start, end], …]` in seconds since 1970, or with one of the exit codes of `Verdict` alone.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import IntEnum
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from node.confinement import confine
from node.errors import Malformed

MOST_ENTRIES = 5_000
MOST_TIMES = 5_000
"""Busy times within the days."""
MEMORY = 512 * 1024 * 1024
"""Bytes of addresses."""
SECONDS = 5
"""Of the processor."""
_FILES = 16
"""A zone is a file."""
_DAY = timedelta(days=1)

Busy = tuple[datetime, datetime]
"""From one moment to another, both with a zone."""


class Verdict(IntEnum):
    """The program's exit codes."""

    READ = 0
    UNREADABLE = 10


def busy(data: bytes, zone: str, days: tuple[str, str]) -> list[Busy]:
    """When a calendar is taken on these local days (the first and the last); Malformed where it can't be read.

    The times are within these days, in order, and apart from each other.
    """
    there = ZoneInfo(zone)
    since = datetime.fromisoformat(days[0]).replace(tzinfo=there).astimezone(UTC)
    until = (datetime.fromisoformat(days[1]) + _DAY).replace(tzinfo=there).astimezone(UTC)
    try:
        # Imported where it is needed: it takes a fifth of a second, and the node itself writes calendars without it.
        import icalendar  # noqa: PLC0415

        entries = list(islice(icalendar.Calendar.from_ical(data).walk(), MOST_ENTRIES + 1))
        few = entries if len(entries) <= MOST_ENTRIES else []
        times = list(islice(_times(few, there, since, until), MOST_TIMES + 1))
    except Exception as error:
        # Its parser meets whatever strangers write, and has no error of its own for most of it.
        raise Malformed("the calendar can't be read") from error
    if len(entries) > MOST_ENTRIES or len(times) > MOST_TIMES:
        raise Malformed("the calendar has too many entries")
    return _merged((max(start, since), min(end, until)) for start, end in times)


def _times(entries: Iterable[Any], zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[Busy]:
    """The busy times that reach into these moments."""
    events, moved = list[Any](), defaultdict[str, set[datetime]](set)
    for entry in entries:
        if entry.name == "VFREEBUSY":
            yield from (each for each in _periods(entry, zone) if _within(each, since, until))
        elif entry.name == "VEVENT" and "DTSTART" in entry:
            events.append(entry)
            if "RECURRENCE-ID" in entry:
                moved[str(entry.get("UID"))].add(_moment(entry["RECURRENCE-ID"].dt, zone))
    for entry in events:
        if entry.get("TRANSP") == "TRANSPARENT" or entry.get("STATUS") == "CANCELLED":
            continue
        replaced = set() if "RECURRENCE-ID" in entry else moved[str(entry.get("UID"))]
        for start, end in _occurrences(entry, zone, since, until):
            if start not in replaced and _within((start, end), since, until):
                yield start, end


def _within(time_: Busy, since: datetime, until: datetime) -> bool:
    return time_[0] < until and time_[1] > since


def _periods(entry: Any, zone: ZoneInfo) -> Iterator[Busy]:
    periods = entry.get("FREEBUSY", [])
    for period in periods if isinstance(periods, list) else [periods]:
        if period.params.get("FBTYPE", "BUSY").upper().startswith("BUSY"):
            yield _moment(period.start, zone), _moment(period.end, zone)


def _occurrences(entry: Any, zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[Busy]:
    """When an event takes place, by its rules from about `since` until a moment."""
    start, end = _moment(entry.start, zone), _moment(entry.end, zone)
    if "RRULE" not in entry and "RDATE" not in entry:
        yield start, end
        return
    clock, days = _clock(entry.start, zone), None
    if not isinstance(entry.start, datetime):
        # So many days are as long as the clock makes them.
        days = _local(entry.end, clock) - _local(entry.start, clock)
    for local in _repeated(entry, clock).xafter(_local(since - (end - start) - _DAY, clock), inc=True):
        start_, end_ = _at(local, clock), _at(local + days, clock) if days else _at(local, clock) + (end - start)
        if start_ >= until:
            return
        yield start_, end_


def _repeated(entry: Any, clock: tzinfo) -> Any:
    """The rule set of an event, by the local times of its own clock."""
    from dateutil.rrule import rruleset, rrulestr  # noqa: PLC0415

    repeated, start = rruleset(), _local(entry.start, clock)
    repeated.rdate(start)
    for rule in _listed(entry.get("RRULE")):
        parts = {**rule}
        last = parts.pop("UNTIL", [None])[0]
        parsed = rrulestr(type(rule)(parts).to_ical().decode(), dtstart=start)
        repeated.rrule(parsed if last is None else parsed.replace(until=_local(last, clock, time.max)))
    for name, take in (("RDATE", repeated.rdate), ("EXDATE", repeated.exdate)):
        for each in (each.dt for dates in _listed(entry.get(name)) for each in dates.dts):
            take(_local(each[0] if isinstance(each, tuple) else each, clock))
    return repeated


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []


def _clock(value: date, zone: ZoneInfo) -> tzinfo:
    """By which clock something is said: its own, or the place's."""
    return (value.tzinfo if isinstance(value, datetime) else None) or zone


def _local(value: date, clock: tzinfo, of_day: time = time.min) -> datetime:
    """What a clock shows; of a whole day at this time."""
    if not isinstance(value, datetime):
        return datetime.combine(value, of_day)
    return value.astimezone(clock).replace(tzinfo=None) if value.tzinfo else value


def _at(local: datetime, clock: tzinfo) -> datetime:
    return local.replace(tzinfo=clock).astimezone(UTC)


def _moment(value: date, zone: ZoneInfo) -> datetime:
    clock = _clock(value, zone)
    return _at(_local(value, clock), clock)


def _merged(times: Iterable[Busy]) -> list[Busy]:
    merged: list[Busy] = []
    for start, end in sorted(times):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def main() -> int:
    confine(memory=MEMORY, seconds=SECONDS, files=_FILES)
    try:
        asked = json.loads(sys.stdin.buffer.readline())
        first, last = asked["days"]
        found = busy(sys.stdin.buffer.read(), asked["zone"], (first, last))
    except (Malformed, MemoryError):
        return Verdict.UNREADABLE
    sys.stdout.write(json.dumps([[int(start.timestamp()), int(end.timestamp())] for start, end in found]))
    sys.stdout.flush()
    return Verdict.READ


if __name__ == "__main__":
    sys.exit(main())
