"""Asking a small node, and the bodies of what it is asked for.

found = ask(node, q="desk", near="Munich")
assert ids(found) == ["munich"]
"""

from collections.abc import Collection
from typing import Any

from node.directory.draft import Change
from node.directory.reader import PUBLIC
from node.directory.search import Found, Question, search
from tests.directory.small_node import SmallNode


def ask(node: SmallNode, visibilities: Collection[str] = PUBLIC, **question: str) -> Found:
    """The answer; `from_` is the question's `from`."""
    given = {name.rstrip("_"): value for name, value in question.items()}
    asked = Question.parse(given)
    return node.database.read_now(lambda db: search(db, node.reader(visibilities), asked))


def ids(found: Found) -> list[str]:
    return [record["id"] for record in found.records]


def venue(
    id_: str, latitude: float = 58.378, longitude: float = 26.729, *, visibility: str | None = None, **fields: Any
) -> Change:
    return Change("venue", venue_body(latitude, longitude, **fields), id=id_, visibility=visibility)


def venue_body(latitude: float = 58.378, longitude: float = 26.729, **fields: Any) -> dict[str, Any]:
    return {
        "name": "A room",
        "type": "desk",
        "address": "Example street 1",
        "city": "Tartu",
        "country": "EE",
        "geo": {"lat_e6": round(latitude * 1e6), "lon_e6": round(longitude * 1e6)},
        "time_zone": "Europe/Tallinn",
        "hours": "Mo-Fr 09:00-17:00",
        "contact": {"email": "desk@park.example"},
        "terms": {"free_days": 3, "notice_hours": 24},
        **fields,
    }


def event(id_: str, start: str, end: str, zone: str = "Europe/Tallinn", **fields: Any) -> Change:
    body = {
        "title": {"en": f"Event {id_}"},
        "start": start,
        "end": end,
        "time_zone": zone,
        "status": "confirmed",
        "organiser": "Tartu Park",
        "online_url": "https://park.example/live",
        "open_to": "members",
        **fields,
    }
    return Change("event", body, id=id_)
