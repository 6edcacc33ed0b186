"""An event: something at a venue or online that others' members may come to.

    {"title": {"en": "Demo day"}, "start": "2027-06-02T09:00", "end": "2027-06-02T17:00", "time_zone": "Europe/Tallinn",
     "status": "confirmed", "organiser": "Tartu Science Park", "online_url": "https://park.example/live",
     "open_to": "members"}

- `start` and `end` are local times of `time_zone`; `status` is iCalendar's, in lower case
- it is at a `venue` (a record's id), at an `online_url`, or both
- `remaining` places are never more than `capacity`
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from node.kinds.body import Body, Maybe
from node.kinds.fields import (
    Count,
    HttpsUrl,
    Languages,
    LocalTime,
    Name,
    Priced,
    RecordRef,
    TitleMap,
    Zone,
    first_of,
)

EventStatus = Annotated[Literal["tentative", "confirmed", "cancelled"], Field(description="a status of an event")]
OpenTo = Annotated[
    Literal["public", "members", "partners", "invited"], Field(description="a circle that an event is open to")
]


class Event(Body, Priced):
    title: TitleMap
    start: LocalTime
    end: LocalTime
    time_zone: Zone
    status: EventStatus
    organiser: Annotated[Name, Field(description="the organiser's name")]
    open_to: OpenTo
    venue: Maybe[RecordRef] = None
    online_url: Maybe[HttpsUrl] = None
    languages: Maybe[Languages] = None
    capacity: Maybe[Count] = None
    remaining: Maybe[Count] = None
    registration: Maybe[HttpsUrl] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().misfits(has)
        start, end, capacity, remaining = (has.get(name) for name in ("start", "end", "capacity", "remaining"))
        if isinstance(start, str) and isinstance(end, str) and end <= start:
            yield "end", "it is not after start: give the time at which the event is over"
        if has.get("venue") is None and has.get("online_url") is None:
            yield "venue", "missing: give a venue's record id, or an online_url"
        if isinstance(capacity, int) and isinstance(remaining, int) and remaining > capacity:
            yield "remaining", f"more places than the capacity: give at most {capacity}"

    def heading(self) -> str:
        return first_of(self.title)
