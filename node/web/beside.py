"""What stands beside a record on its page: whom to call at a venue, what an organisation has, who took a practice over.

Rules:

- it is asked in the thread that answers questions, with the visitor's eyes: what they may not see is not there
- opening hours are worked out there, too: a stranger has written them
- a kind that isn't in `BESIDE` needs nothing but itself

    found = BESIDE["venue"](db, reader, record, asked)
"""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from node.directory import companions, gazetteer, views
from node.directory.draft import OWN_ORGANISATION
from node.directory.reader import Reader
from node.roaming import whom
from node.web.month import by_clock_of
from node.web.opening import week
from node.web.page import Asked

Record = Mapping[str, Any]
"""As `node.directory.views` shows it."""
Values = dict[str, Any]
Beside = Callable[[sqlite3.Connection, Reader, Record, Asked], Values]

FEW = 3
"""Records of each kind on an organisation's page."""
MANY = 10
"""Of what a page lists alone, such as a venue's events."""
LONGEST_TOPIC = 100
"""Characters."""


def _venue(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    topic = asked.request.query.get("topic", "").strip()[:LONGEST_TOPIC]
    call = whom.to_call(
        db, reader, author=record["author"], venue=record["id"], topic=topic, languages=asked.language.wanted
    )
    return {
        "topic": topic,
        "contacts": call["contacts"],
        "guide": call.get("guide"),
        "honour": call.get("honour"),
        "week": week(record["body"], reader.now),
        "events": companions.events_at(db, reader, _ref(record), few=MANY),
        "own": record["author"] == reader.me,
    }


def _event(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    body = record["body"]
    end = datetime.fromisoformat(body["end"]).replace(tzinfo=ZoneInfo(body["time_zone"]))
    venues = companions.venues_of(db, reader, [record])
    return {
        "over": end.timestamp() <= reader.now,
        "venue": _one([*venues.values()]),
        "venues": venues,
        "yours": _by(asked.zone, record),
    }


def _by(zone: str, record: Record) -> Values | None:
    """The times of an event by another clock, as its body has them by its own; None where that shows the same."""
    if (there := by_clock_of(zone, record)) is None:
        return None
    start, end = (each.replace(tzinfo=None).isoformat(timespec="minutes") for each in there)
    return {"start": start, "end": end, "time_zone": zone}


def _organisation(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    del asked
    # It may describe others, too; what it has is its own.
    if record["id"] != OWN_ORGANISATION:
        return {"has": {}}
    found = companions.of_author(db, reader, record["author"], few=FEW)
    return {"has": {kind: found[kind] for kind in _SHOWN if kind in found}}


_SHOWN = ("venue", "event", "offer", "contact", "culture_guide", "practice", "need")
"""What an organisation has, in the order in which it is told."""


def _offer(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    del asked
    return {
        "venues": _named(db, reader, record, "venue", *record["body"].get("venues", ())),
        "practice": _one(_named(db, reader, record, "practice", record["body"].get("practice"))),
    }


def _practice(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    del asked
    return {"adoptions": companions.adoptions_of(db, reader, _ref(record), few=MANY)}


def _contact(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    """A contact has hours and no zone: they are by the clock of its organisation's city."""
    del asked
    home = views.one(db, reader, "organisation", record["author"], OWN_ORGANISATION)
    found = gazetteer.find(home["body"]["city"], home["body"]["country"]) if home else ()
    city = next(iter(found), None)
    if city is None:
        return {"zone": "", "here": None, "week": None}
    hours = record["body"].get("hours")
    told = {"hours": hours, "time_zone": city.zone, "country": city.country}
    return {
        "zone": city.zone,
        "here": datetime.fromtimestamp(reader.now, ZoneInfo(city.zone)),
        "week": week(told, reader.now) if hours else None,
    }


def _adoption(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    del asked
    return {"named": _one(_named(db, reader, record, "practice", record["body"]["practice"]))}


def _receipt(db: sqlite3.Connection, reader: Reader, record: Record, asked: Asked) -> Values:
    del asked
    return {"named": _one(_named(db, reader, record, "venue", record["body"]["venue"]))}


BESIDE: Mapping[str, Beside] = MappingProxyType({
    "venue": _venue, "event": _event, "organisation": _organisation, "offer": _offer, "practice": _practice,
    "contact": _contact, "adoption": _adoption, "receipt": _receipt,
})  # fmt: skip


def _ref(record: Record) -> str:
    return f"{record['author']}/{record['id']}"


def _named(
    db: sqlite3.Connection, reader: Reader, record: Record, kind: str, *refs: str | None
) -> list[dict[str, Any]]:
    """Those that the record names, whose own author needn't be told."""
    whole = [ref if "/" in ref else f"{record['author']}/{ref}" for ref in refs if ref]
    return companions.named(db, reader, kind, whole)


def _one(found: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next(iter(found), None)
