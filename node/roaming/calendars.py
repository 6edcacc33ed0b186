"""A visit as an iCalendar file (RFC 5545), and how busy a venue is, read from one.

Rules:

- a visit takes whole days of the venue's own calendar, so no zone can move it; its hours stand in the description
- METHOD is PUBLISH: an answer that a calendar program sent by mail would reach nobody who counts it
- UID is the visit's name and SEQUENCE the number of moves that count, so that a later file takes an earlier one's place
- of a calendar that is read, VFREEBUSY counts where it says BUSY, and each VEVENT that is not cancelled or transparent;
  one that repeats counts for its first time alone, so that no rule keeps this node counting: a VFREEBUSY tells all.
  It comes from outside: at most `LARGEST` bytes and `MOST_ENTRIES` entries, and whatever can't be read is Malformed
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from node.errors import Malformed
from node.exports.content import Property, component, lines
from node.protocol.names import format_time

LARGEST = 1_000_000
MOST_ENTRIES = 5_000
_STATUS = {"accepted": "CONFIRMED", "arrived": "CONFIRMED", "declined": "CANCELLED", "cancelled": "CANCELLED"}
_STATUS |= {"no-show": "CANCELLED", "expired": "CANCELLED"}

Busy = tuple[datetime, datetime]
"""From one moment to another, both with a zone."""


def calendar(visit: Mapping[str, Any], venue: Mapping[str, Any] | None, now: float) -> bytes:
    """The file of a visit as `journal.shown` gives it; `venue`: the body of its record, if it is still there."""
    return b"".join(lines(_properties(visit, venue, now)))


def _properties(visit: Mapping[str, Any], venue: Mapping[str, Any] | None, now: float) -> Iterator[Property]:
    request, (first, last) = visit["request"], visit["days"]
    place = venue["name"] if venue else visit["venue"]
    yield "BEGIN", "VCALENDAR"
    yield "VERSION", "2.0"
    yield "PRODID", "-//Business Roaming Agreement//bra-node//EN"
    yield "METHOD", "PUBLISH"
    yield "BEGIN", "VEVENT"
    yield "UID", f"urn:bra:{visit['guest']}:visit:{visit['visit']}"
    yield "DTSTAMP", _basic(format_time(now))
    yield "SEQUENCE", str(len(visit["moves"]))
    yield "STATUS", _STATUS.get(visit["state"], "TENTATIVE")
    yield "CLASS", "PRIVATE"
    yield "DTSTART;VALUE=DATE", _basic(first)
    yield "DTEND;VALUE=DATE", _basic((date.fromisoformat(last) + timedelta(days=1)).isoformat())
    yield "SUMMARY", component(f"{request['company']} at {place}")
    told = [f"State: {visit['state']}", f"People: {', '.join(each['name'] for each in request['people'])}"]
    told += [f"Arriving at {request['arrival']} ({visit['time_zone']})"] if "arrival" in request else []
    told += [f"Hours: {venue['hours']} ({visit['time_zone']})"] if venue else []
    yield "DESCRIPTION", component("\n".join(told))
    if venue:
        yield "LOCATION", component(", ".join(venue[name] for name in ("name", "address", "city")))
    yield "END", "VEVENT"
    yield "END", "VCALENDAR"


def _basic(text: str) -> str:
    return text.replace("-", "").replace(":", "")


def busy(data: bytes, zone: str, days: tuple[str, str]) -> list[Busy]:
    """When a calendar is taken on these local days (the first and the last); Malformed where it can't be read."""
    if len(data) > LARGEST:
        raise Malformed("the calendar is too large")
    there = ZoneInfo(zone)
    since = datetime.fromisoformat(days[0]).replace(tzinfo=there)
    until = datetime.fromisoformat(days[1]).replace(tzinfo=there) + timedelta(days=1)
    try:
        # Imported where it is needed: it takes a fifth of a second, and no command needs it.
        import icalendar  # noqa: PLC0415

        entries = list(islice(icalendar.Calendar.from_ical(data).walk(), MOST_ENTRIES + 1))
        found = [each for entry in entries for each in _taken(entry, there)]
    except Exception as error:
        # Its parser meets whatever strangers write, and has no error of its own for most of it.
        raise Malformed("the calendar can't be read") from error
    if len(entries) > MOST_ENTRIES:
        raise Malformed("the calendar has too many entries")
    return sorted((max(start, since), min(end, until)) for start, end in found if start < until and end > since)


def _taken(entry: Any, zone: ZoneInfo) -> Iterator[Busy]:
    if entry.name == "VFREEBUSY":
        periods = entry.get("FREEBUSY", [])
        for period in periods if isinstance(periods, list) else [periods]:
            if period.params.get("FBTYPE", "BUSY").upper().startswith("BUSY"):
                yield _moment(period.start, zone), _moment(period.end, zone)
    elif entry.name == "VEVENT" and "DTSTART" in entry:
        free = entry.get("TRANSP", "OPAQUE") == "TRANSPARENT" or entry.get("STATUS") == "CANCELLED"
        if not free:
            yield _moment(entry.start, zone), _moment(entry.end, zone)


def _moment(value: date, zone: ZoneInfo) -> datetime:
    """Local where no zone is said, as RFC 5545 has it (section 3.3.5)."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def is_full(opening: list[tuple[datetime, datetime]], taken: list[Busy], zone: str) -> bool:
    """Whether nothing is left of the hours in which a venue is open on a day, by its own clock."""
    there = ZoneInfo(zone)
    for since, until in opening:
        free = since.replace(tzinfo=there).astimezone(UTC)
        end = until.replace(tzinfo=there).astimezone(UTC)
        for start, over in taken:
            if start <= free:
                free = max(free, over)
        if free < end:
            return False
    return bool(opening)
