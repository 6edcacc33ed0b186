"""What goes into a trip pack, gathered: of one accepted visit, as its guests may see it."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from node.directory.reader import Reader
from node.directory.search import Question, search
from node.protocol.names import NodeId, format_time
from node.roaming import calendars, rendering, trip_pack, whom
from node.roaming.trip_pack import Trip
from node.roaming.visits import Visits


class Form(NamedTuple):
    """One form of a trip pack: its media type, and what makes it."""

    media_type: str
    made: Callable[[Trip], bytes]


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "html": Form("text/html", trip_pack.html),
        "zip": Form("application/zip", trip_pack.bundle),
        "ics": Form("text/calendar", lambda trip: trip.calendar),
        "vcf": Form("text/vcard", trip_pack.cards),
    }
)
MOST_CONTACTS = 5
MOST_EVENTS = 10
_NEAR = "25"
"""Kilometres."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A trip whose codes are drawn when a file is made of it."""

    visit: dict[str, Any]
    about: dict[str, Any]
    events: list[dict[str, Any]]
    passes: list[dict[str, Any]]
    now: float

    async def made(self, form: str) -> bytes:
        """The file in one of `FORMS`; off the event loop, as drawing takes its time."""
        return await asyncio.to_thread(self._made, form)

    def _made(self, form: str) -> bytes:
        venue = self.about["venue"]
        trip = Trip(
            visit=self.visit,
            venue=venue,
            host=venue["organisation"],
            contacts=self.about["contacts"][:MOST_CONTACTS],
            guide=self.about.get("guide"),
            events=self.events,
            calendar=calendars.calendar(self.visit, venue["body"], self.now),
            passes=[
                (each["name"], each["token"], rendering.png(each["token"])) for each in self.passes if "token" in each
            ],
            revoked=[each["name"] for each in self.passes if "revoked" in each],
            made=format_time(self.now),
        )
        return FORMS[form].made(trip)


async def pack(visits: Visits, reader: Reader, name: str, *, asker: str = "") -> Pack:
    """The pack of a visit; InputError where it isn't accepted, or its venue is gone."""
    passes = await visits.passes(name, asker=asker)
    visit = await visits.show(name, asker=asker)

    def read(db: sqlite3.Connection) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        author, _, id_ = visit["venue"].partition("/")
        about = whom.to_call(
            db, reader, author=NodeId(author), venue=id_, languages=(visit["request"]["language"], "en")
        )
        geo, (first, last) = about["venue"]["body"]["geo"], visit["days"]
        near = f"{geo['lat_e6'] / 1e6:.6f},{geo['lon_e6'] / 1e6:.6f}"
        asked = {"kind": "event", "near": near, "radius_km": _NEAR, "from": first, "until": last, "sort": "start"}
        return about, search(db, reader, Question.parse({**asked, "limit": str(MOST_EVENTS)})).records

    about, events = await visits.database.read(read)
    return Pack(visit, about, events, passes, reader.now)
