"""Where records are, as far as the reader may know: what a circle, a box or a country is asked of.

Rules:

- a record with coordinates is there; one that names a city instead (a culture guide, an organisation) is in this city
- what names a venue (an event) is at this venue, and nowhere else
- of the rest, the kinds `AT_HOME` are where their author is: at its organisation's place, and at each of its venues
- circle, box and country are asked of one and the same spot; of several the nearest counts
- a venue or an organisation that the reader may not see puts nothing anywhere
- all this is looked up when somebody asks: where a venue moves, its events are at the new place at once
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from node.directory import gazetteer
from node.directory.gazetteer import City
from node.directory.reader import Reader
from node.directory.search import places
from node.directory.search.places import Place
from node.directory.search.question import Question
from node.storage.facts import FIELDS

AT_HOME = ("adoption", "contact", "culture_guide", "event", "need", "offer", "practice")
"""The kinds whose records are where their author is. Nobody looks for a signature or a key at a place."""
HOST = "CASE WHEN facts.host IS NULL THEN facts.author ELSE (SELECT no FROM authors WHERE node_id = facts.host) END"
"""Whose the venue is that a record names."""
MOST_TOWNS = 10_000
"""Different cities that records without coordinates name, of which one question looks at the first in the directory."""


@dataclass(frozen=True, slots=True)
class Spots:
    """`tables`: common table expressions, the last of which is `placed (no, square)`: each record that is there, once.

    `square`: of the chord from the place asked for to the record's nearest spot; NULL where none is asked for.
    """

    tables: str
    parameters: Mapping[str, Any]


def find(db: sqlite3.Connection, reader: Reader, question: Question, place: Place | None) -> Spots | None:
    """The records that are where the question asks; None where it asks for no place."""
    if place is None and question.bbox is None and not question.country:
        return None
    inside, parameters = places.within(question, place)
    by_country_alone = not inside
    if question.country:
        # Only these say one.
        inside += [
            "facts.kind IN ('organisation', 'venue')",
            "facts.country IN (SELECT value FROM json_each(:country))",
        ]
        parameters["country"] = orjson.dumps(question.country).decode()
    towns, unknown = _towns(db, reader, question, place, nameless=by_country_alone)
    parameters |= {"towns": orjson.dumps(towns).decode(), "unknown": orjson.dumps(unknown).decode()}
    kinds = _elsewhere(question)
    # What puts others somewhere has to be what the reader may see; the hits themselves are looked at anyhow.
    host = f"facts.kind IN ('organisation', 'venue') AND {reader.may_see('facts')}" if kinds else "false"
    square = places.SQUARE if place else "NULL"
    tables = (
        f"spots AS MATERIALIZED (SELECT facts.no AS no, CASE WHEN {host} THEN facts.author END AS host, "
        f"{square} AS square FROM facts CROSS JOIN authors ON authors.no = facts.author WHERE {' AND '.join(inside)} "
        f"UNION ALL SELECT facts.no, CASE WHEN {host} THEN facts.author END, town.value ->> 2 "
        "FROM json_each(:towns) AS town CROSS JOIN facts "
        "ON facts.city = town.value ->> 0 AND facts.country IS town.value ->> 1 "
        "CROSS JOIN authors ON authors.no = facts.author WHERE facts.x IS NULL AND facts.city IS NOT NULL), "
    )
    return Spots(tables + (_with_others(kinds) if kinds else "placed AS (SELECT no, square FROM spots), "), parameters)


def _elsewhere(question: Question) -> list[str]:
    """The kinds that may be where something else is, without those of which no record can answer the question."""
    asked = {field for field, value in _FIELDS_ASKED.items() if getattr(question, value)}
    return [kind for kind in AT_HOME if (not question.kind or kind in question.kind) and asked <= FIELDS[kind]]


_FIELDS_ASKED = {
    "type": "type",
    "category": "category",
    "facilities": "facilities",
    "hours": "open_at",
    "start": "from_",
    "end": "until",
}
"""Fields of records, and what asks for them."""


def _with_others(kinds: Sequence[str]) -> str:
    """`placed`: beside what is at `spots` itself, what is of these kinds and there because something else is."""
    chosen = f"facts.kind IN ({', '.join(map(repr, kinds))})"
    return (
        "homes AS MATERIALIZED (SELECT host, min(square) AS square FROM spots WHERE host IS NOT NULL GROUP BY host), "
        "placed AS MATERIALIZED (SELECT no, square FROM spots "
        "UNION ALL SELECT facts.no, homes.square FROM homes CROSS JOIN facts ON facts.author = homes.host "
        f"WHERE {chosen} AND {_NO_PLACE} "
        "AND (facts.city IS NULL OR facts.city IN (SELECT value FROM json_each(:unknown))) "
        "UNION ALL SELECT facts.no, spots.square FROM facts "
        f"CROSS JOIN records ON records.author = {HOST} AND records.key = facts.venue "
        "CROSS JOIN spots ON spots.no = records.no AND spots.host IS NOT NULL "
        f"WHERE {chosen} AND facts.venue IS NOT NULL), "
    )


_NO_PLACE = "facts.x IS NULL AND facts.country IS NULL AND facts.venue IS NULL"
"""As the index `facts_at_home` has it."""


def _towns(
    db: sqlite3.Connection, reader: Reader, question: Question, place: Place | None, *, nameless: bool
) -> tuple[list[tuple[str, str | None, int | None]], list[str]]:
    """What records name instead of coordinates: (city, country, square) where the question asks, and unknown cities.

    `nameless`: only where the record names no country itself.
    """
    rows = db.execute(
        "SELECT facts.city, facts.country FROM facts CROSS JOIN authors ON authors.no = facts.author "
        "WHERE facts.x IS NULL AND facts.city IS NOT NULL AND (facts.country IS NULL OR NOT :nameless) "
        f"AND {reader.may_see('facts')} GROUP BY facts.city, facts.country ORDER BY min(facts.no) LIMIT :most",
        reader.parameters(nameless=nameless, most=MOST_TOWNS),
    )
    found: list[tuple[str, str | None, int | None]] = []
    unknown: list[str] = []
    for name, country in rows.fetchall():
        known = city(name, country)
        if known is None:
            unknown.append(name)
        elif (not question.country or (country or known.country) in question.country) and places.holds(
            question, place, known.lat_e6, known.lon_e6
        ):
            found.append((name, country, places.square(place, known.lat_e6, known.lon_e6) if place else None))
    return found, unknown


@lru_cache(2 * MOST_TOWNS)
def city(name: str, country: str | None) -> City | None:
    """The city that a record without coordinates names."""
    return next(iter(gazetteer.find(name, country)), None)
