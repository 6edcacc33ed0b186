"""A trip to a place: where one could work on these days, what goes on there, whom to call, and how business is done.

Rules:

- shown is what the reader may see. Venues are in the order of the search, those that are open on more of the days first
- by its hours a venue is open or closed on a day; one whose hours can't be read may be open
- people to call are those of the venues' own organisations, of the nearest few: others can be looked up

    plan(db, reader, near="Munich", days=Days("2027-06-02", "2027-06-03"))
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from node.directory.reader import Reader
from node.directory.search import Question, search
from node.roaming import availability, whom
from node.roaming.visit import Days

MOST_VENUES = 30
MOST_EVENTS = 20
MOST_HOSTS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A venue, and on which of the days it is closed."""

    venue: dict[str, Any]
    closed: Sequence[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a trip could be made of. `understood`: what the search made of the place; `more`: whether there are more.

    `hosts`: whom to call, as `whom.to_call` has them.
    """

    understood: dict[str, Any]
    venues: Sequence[Place]
    more: bool
    events: Sequence[dict[str, Any]]
    hosts: Sequence[dict[str, Any]]
    guide: dict[str, Any] | None


def plan(
    db: sqlite3.Connection, reader: Reader, *, near: str, days: Days, languages: Sequence[str] = (), radius_km: float
) -> Plan:
    """What there is within these kilometres; InputError, naming the field, where nobody knows the place."""
    where = {"near": near, "radius_km": radius_km}
    found = search(db, reader, Question.parse({**where, "kind": "venue", "limit": MOST_VENUES}))
    asked = {"kind": "event", "from": days.first, "until": days.last, "sort": "start", "limit": MOST_EVENTS}
    events = search(db, reader, Question.parse({**where, **asked})).records
    every = availability.each_day(days)
    venues = [
        Place(record, [day for day in every if availability.opening(record["body"], day) == []])
        for record in found.records
    ]
    open_ones = sorted((each for each in venues if len(each.closed) < len(every)), key=lambda each: len(each.closed))
    nearest = {each.venue["author"]: each.venue for each in reversed(open_ones)}
    authors = list(dict.fromkeys(each.venue["author"] for each in open_ones))[:MOST_HOSTS]
    hosts = [
        whom.to_call(db, reader, author=author, venue=nearest[author]["id"], languages=languages) for author in authors
    ]
    guide = next((host["guide"] for host in hosts if "guide" in host), None)
    return Plan(found.understood, open_ones, found.cursor is not None, events, hosts, guide)
