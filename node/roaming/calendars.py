"""A visit as an iCalendar file (RFC 5545).

Rules:

- a visit takes whole days of the venue's own calendar, so no zone can move it; its hours stand in the description
- METHOD is PUBLISH: an answer that a calendar program sent by mail would reach nobody who counts it
- UID is the visit's name and SEQUENCE the number of moves that count, so that a later file takes an earlier one's place
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from node.exports.content import Property, component, lines
from node.protocol.names import format_time

_STATUS = {"accepted": "CONFIRMED", "arrived": "CONFIRMED", "declined": "CANCELLED", "cancelled": "CANCELLED"}
_STATUS |= {"no-show": "CANCELLED", "expired": "CANCELLED"}


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
