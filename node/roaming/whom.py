"""Whom to call about a venue: its organisation's contacts, the best first, and how business is done there.

Rules:

- shown are the contacts that the reader may see, of the venue's own organisation; the one that the venue names is first
- before others stand those who know the topic, then those who speak one of the languages, then those who can be
  reached at this moment, by the venue's own clock: a contact has hours, and no zone of its own
- the culture guide is of the venue's city: by its own organisation, or by whoever wrote one

    to_call(db, reader, author=munich, venue="desk-1", topic="visas", languages=["et", "en"])
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from node.directory import views
from node.directory.honour import honour
from node.directory.reader import Reader
from node.directory.search import Question, search
from node.directory.search.hours import read
from node.errors import InputError
from node.protocol.names import NodeId
from node.sentence import said

MOST = 20
SECONDS = 2.0
"""That the question may keep a thread: strangers ask it, too."""


class NoVenue(InputError):
    """There is no such venue that who asks may see."""


def to_call(
    db: sqlite3.Connection,
    reader: Reader,
    *,
    author: NodeId,
    venue: str,
    topic: str = "",
    languages: Sequence[str] = (),
) -> dict[str, Any]:
    """`venue`, `local_time`, `contacts` (each with `reachable` where it says its hours), `guide` and `honour`.

    NoVenue where there is none that the reader may see.
    """
    place = views.one(db, reader, "venue", author, venue)
    if place is None:
        name = f"{author}/{venue}"
        raise NoVenue(said("there is no venue {venue} here that you may see: look with 'bra list venue'", venue=name))
    here = datetime.fromtimestamp(reader.now, ZoneInfo(place["body"]["time_zone"]))
    found = _contacts(db, reader, place, here, topic.casefold(), {_primary(each) for each in languages})
    value: dict[str, Any] = {"venue": place, "local_time": f"{here:%Y-%m-%dT%H:%M}", "contacts": found[:MOST]}
    if guide := _guide(db, reader, place, languages):
        value["guide"] = guide
    if record := honour(db, reader, f"{author}/{venue}"):
        value["honour"] = record
    return value


def _contacts(
    db: sqlite3.Connection, reader: Reader, place: dict[str, Any], here: datetime, topic: str, languages: set[str]
) -> list[dict[str, Any]]:
    asked = Question.parse({"kind": "contact", "organisation": place["author"], "limit": 200, "sort": "name"})
    named = place["body"]["contact"].get("record", "").rpartition("/")
    first = (named[0] or place["author"], named[2])
    found = []
    for record in search(db, reader, asked).records:
        body = record["body"]
        shown = {**record, "topical": bool(topic) and _knows(body, topic)}
        shown["speaks"] = not languages or bool(languages & {_primary(each) for each in body["languages"]})
        if "hours" in body and (hours := read(body["hours"], place["body"]["country"])) is not None:
            shown["reachable"] = hours.is_open(here.replace(tzinfo=None))
        found.append(shown)
    return sorted(
        found,
        key=lambda each: (
            not each["topical"],
            not each["speaks"],
            not each.get("reachable", True),
            (each["author"], each["id"]) != first,
        ),
    )


def _knows(body: dict[str, Any], topic: str) -> bool:
    return any(topic in each.casefold() for each in (*body.get("topics", ()), body["role"]))


def _guide(
    db: sqlite3.Connection, reader: Reader, place: dict[str, Any], languages: Sequence[str]
) -> dict[str, Any] | None:
    """The guide to the venue's city: in the best language, of its own organisation where there are several."""
    city = place["body"]["city"]
    try:
        guides = search(db, reader, Question.parse({"kind": "culture_guide", "q": city, "limit": 50})).records
    except InputError:
        # A city's name may have more words than a question, or none.
        return None
    found = [record for record in guides if record["body"]["place"].casefold() == city.casefold()]
    wanted = [_primary(each) for each in (*languages, "en")]

    def rank(record: dict[str, Any]) -> tuple[int, bool]:
        language = _primary(record["body"]["language"])
        return wanted.index(language) if language in wanted else len(wanted), record["author"] != place["author"]

    return min(found, key=rank, default=None)


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()
