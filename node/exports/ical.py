"""iCalendar (RFC 5545, 7986): events as a calendar to subscribe to.

Rules:

- UID is the record's urn, SEQUENCE its seq, DTSTAMP and LAST-MODIFIED when it was last changed: the same records are
  the same bytes, so a program that asks every hour is told "not modified"
- a cancelled event stays, with STATUS:CANCELLED, until its author withdraws it. A withdrawn one is gone from here, as
  it is from every node (erasure is real): a program that subscribed drops it at its next refresh, one that imported a
  file once keeps it. So an event that people have in their calendars is cancelled first, and withdrawn when it is over
- times are local with their zone, and the zone's transitions come along (`zones`)
- there is no ORGANIZER: that is an address which answers go to, and an event record has none; CONTACT tells the
  organiser's name, and how to reach the venue
- an event takes nobody's time until they decide to go (TRANSP:TRANSPARENT); what isn't public is CLASS:PRIVATE

    BEGIN:VEVENT
    UID:urn:bra:bra1...:event:demo-day
    DTSTART;TZID=Europe/Tallinn:20270602T090000
    STATUS:CONFIRMED
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from node.exports import zones
from node.exports.collection import (
    Collection,
    Shown,
    details,
    heading,
    licence,
    provenance,
    uri,
    urn,
    venue_line,
    venue_of,
)
from node.exports.content import Property, component, degrees, lines

KINDS = frozenset(("event",))
REFRESH = "PT1H"
"""How long a program may wait before it looks again (RFC 5545, section 3.3.6)."""

_MOST = 2**31 - 1
"""The largest INTEGER of RFC 5545 (section 3.3.8); a seq may be larger."""
_TOLD = ("title", "start", "end", "time_zone", "status", "venue", "organiser", "online_url")


def write(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """A calendar: what it says of itself, its zones, then an event at a time."""
    # Programs look a zone up when they meet its name, so the zones come first and the events are all at hand.
    events = [record for record in records if record["kind"] in KINDS]
    yield from lines(_calendar(about))
    years: dict[str, set[int]] = defaultdict(set)
    for record in events:
        body = record["body"]
        years[body["time_zone"]] |= {int(body["start"][:4]), int(body["end"][:4])}
    for zone in sorted(years):
        yield b"".join(lines(zones.component(zone, years[zone])))
    for record in events:
        yield b"".join(lines(_event(record, about)))
    yield b"END:VCALENDAR\r\n"


def _calendar(about: Collection) -> Iterator[Property]:
    yield "BEGIN", "VCALENDAR"
    yield "VERSION", "2.0"
    yield "PRODID", "-//Business Roaming Agreement//bra-node//EN"
    yield "METHOD", "PUBLISH"
    yield "NAME", component(about.title)
    yield "X-WR-CALNAME", component(about.title)
    yield "REFRESH-INTERVAL;VALUE=DURATION", REFRESH
    yield "X-PUBLISHED-TTL", REFRESH
    if about.url:
        yield "SOURCE;VALUE=URI", uri(about.url)
    if about.licence:
        yield "DESCRIPTION", component(f"Licence: {licence({}, about)}")


def _event(record: Shown, about: Collection) -> Iterator[Property]:
    body = record["body"]
    changed = _basic(record["updated"])
    yield "BEGIN", "VEVENT"
    yield "UID", urn(record)
    yield "DTSTAMP", changed
    yield "LAST-MODIFIED", changed
    yield "SEQUENCE", str(min(record["seq"], _MOST))
    yield "STATUS", body["status"].upper()
    yield "CLASS", "PUBLIC" if record["visibility"] == "public" else "PRIVATE"
    yield "TRANSP", "TRANSPARENT"
    yield f"DTSTART;TZID={body['time_zone']}", f"{_basic(body['start'])}00"
    yield f"DTEND;TZID={body['time_zone']}", f"{_basic(body['end'])}00"
    tag, title = heading(record, about.languages)
    yield f"SUMMARY;LANGUAGE={tag}", component(title)
    told = (*details(record, about, without=_TOLD), *provenance(record, about))
    yield "DESCRIPTION", component("\n".join(told))
    yield from _place(record, about)
    if address := body.get("registration") or body.get("online_url") or (about.link and about.link(record)):
        yield "URL", uri(address)
    yield "END", "VEVENT"


def _place(record: Shown, about: Collection) -> Iterator[Property]:
    body, venue = record["body"], venue_of(record, about)
    online, contact = body.get("online_url"), [body["organiser"]]
    if venue is not None:
        geo, reach = venue["body"]["geo"], venue["body"]["contact"]
        yield "LOCATION", component(venue_line(venue))
        yield "GEO", f"{degrees(geo['lat_e6'])};{degrees(geo['lon_e6'])}"
        contact += [reach[way] for way in ("email", "phone") if way in reach]
    elif online:
        yield "LOCATION", component(uri(online))
    yield "CONTACT", component(", ".join(contact))
    if online:
        yield "CONFERENCE;VALUE=URI", uri(online)


def _basic(time: str) -> str:
    """A time in ISO 8601's basic form: `20270602T0900`."""
    return time.replace("-", "").replace(":", "")
