"""Opening hours: which of the directory's are open at a moment.

Rules:

- hours are by their own clock; a moment is taken to each zone's clock first, so that both hours of the night in which
  clocks are set back are the same to them
- public holidays are the country's; where the library doesn't know its calendar, `PH` never holds
- hours that can't be read, or that say that they are unknown, are not open
- of one author only so many different ones are looked at; the answer says how many were not

    >>> is_open("Europe/Tallinn EE Mo-Fr 09:00-17:00; PH off", Moment(1811930400, there=True))
    True
"""

import sqlite3
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import orjson
from opening_hours import OpeningHours, ParserError, UnknownCountryError  # type: ignore[attr-defined] # its stub forgets the errors

from node.directory.reader import Reader
from node.directory.search.question import Moment

MOST_OF_ONE = 200
"""Different opening hours of one author that a question looks at: nobody makes all others wait."""
MOST = 20_000
"""Those of all authors; 10 us each the first time, 1 us after."""


class Openings(NamedTuple):
    """Numbers of openings (see `facts`) by whether they are open.

    `closed` are those that were not looked at, too; `passed_over` tells how many those are of venues that the reader
    may see.
    """

    open: list[int]
    closed: list[int]
    passed_over: int


def is_open(opening: str, when: Moment) -> bool:
    """Whether hours (as `facts.hours` has them: zone, country, hours) are open."""
    zone, country, hours = opening.split(" ", 2)
    found = read(hours, country)
    if found is None:
        return False
    clock = datetime.fromtimestamp(when.seconds, UTC if when.there else ZoneInfo(zone))
    return found.is_open(clock.replace(tzinfo=None))


def open_at(db: sqlite3.Connection, reader: Reader, when: Moment) -> Openings:
    """The directory's openings at a moment, each looked at once however many venues have it."""
    authors: dict[int, int] = {}
    others: set[int] = set()
    taken: Counter[int] = Counter()
    for author, opening in db.execute(
        "SELECT DISTINCT author, opening FROM facts WHERE opening IS NOT NULL"
    ).fetchall():
        if opening not in authors:
            if taken[author] < MOST_OF_ONE and len(authors) < MOST:
                taken[author] += 1
                authors[opening] = author
            else:
                others.add(opening)
    texts = db.execute(
        "SELECT value ->> 0, (SELECT hours FROM facts WHERE author = value ->> 1 AND opening = value ->> 0 LIMIT 1) "
        "FROM json_each(?)",
        (orjson.dumps(list(authors.items())).decode(),),
    )
    found = [opening for opening, hours in texts.fetchall() if is_open(hours, when)]
    passed_over = others - authors.keys()
    return Openings(found, [*(authors.keys() - set(found)), *passed_over], _seen(db, reader, passed_over))


def _seen(db: sqlite3.Connection, reader: Reader, openings: Collection[int]) -> int:
    """How many of these openings belong to venues that the reader may see."""
    if not openings:
        return 0
    found = db.execute(
        "SELECT count(DISTINCT facts.opening) FROM facts CROSS JOIN authors ON authors.no = facts.author "
        f"WHERE facts.opening IN (SELECT value FROM json_each(:openings)) AND {reader.may_see('facts')}",
        reader.parameters(openings=orjson.dumps(list(openings)).decode()),
    )
    return int(found.fetchone()[0])


@lru_cache(MOST)
def read(hours: str, country: str) -> OpeningHours | None:
    """Hours in OSM syntax, with the country's holidays where they are known; None where they can't be read."""
    try:
        return OpeningHours(hours, country=country)
    except UnknownCountryError:
        return OpeningHours(hours)
    except ParserError:
        return None
