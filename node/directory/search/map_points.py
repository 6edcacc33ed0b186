"""Where a question's hits are, and what each is called: a point for each on a map, without the records themselves.

Rules:

- a record is shown at one spot: its own, else that of the venue that it names, else its author's (see `spots`)
- an author's spot is its organisation's; where the question asks for a place, the nearest of the author's that is there
- what is nowhere has no point: signatures, keys, and what names no city that the gazetteer knows
- of more than `MOST` hits only so many are shown, and the answer says so
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from node.directory.draft import OWN_ORGANISATION
from node.directory.reader import Reader
from node.directory.search import conditions, spots
from node.directory.search.conditions import Hits
from node.directory.search.question import Question
from node.protocol.record import tree_key
from node.storage import facts

MOST = 10_000
LONGEST_TITLE = 100
"""Characters."""

_KINDS = ("organisation", "venue", *spots.AT_HOME)


class Point(NamedTuple):
    """A record on the map; latitude and longitude in microdegrees."""

    latitude: int
    longitude: int
    kind: str
    title: str
    author: str
    id: str


@dataclass(frozen=True, slots=True)
class Points:
    """`more`: whether there are hits that aren't among these, because there are too many."""

    points: list[Point]
    more: bool


def points(db: sqlite3.Connection, reader: Reader, question: Question) -> Points:
    """The points of all that answers `question`; InputError, naming the field, where it can't be answered."""
    hits = conditions.of(db, reader, question)
    rows = _rows(db, reader, hits)
    if not rows and (meant := hits.mended(db, reader)) is not hits:
        rows = _rows(db, reader, meant)
    found = (_point(row) for row in rows[:MOST])
    return Points([point for point in found if point is not None], len(rows) > MOST)


def _rows(db: sqlite3.Connection, reader: Reader, hits: Hits) -> Sequence[Sequence[Any]]:
    """Of each hit its kind, title, author and id, where it is itself, and where that is which it is at."""
    own = "(SELECT no FROM records WHERE author = hits.author AND key = :own_organisation)"
    near = "(SELECT no FROM nearest WHERE host = hits.author)"
    nearest = "nearest AS MATERIALIZED (SELECT host, no, min(square) FROM spots WHERE host IS NOT NULL GROUP BY host), "
    return db.execute(
        f"WITH {hits.tables}{nearest if hits.tables else ''}hits AS MATERIALIZED "
        "(SELECT facts.no AS no, facts.kind AS kind, facts.author AS author, authors.node_id AS node_id, "
        "facts.x AS x, facts.y AS y, facts.z AS z, "
        f"facts.city AS city, facts.country AS country, facts.venue AS venue, {spots.HOST} AS host {hits.sql} "
        f"AND facts.kind IN ({', '.join(map(repr, _KINDS))}) LIMIT {MOST + 1}) "
        f"SELECT hits.kind, substr(texts.heading, 1, {LONGEST_TITLE}), hits.node_id, records.id, "
        "hits.x, hits.y, hits.z, hits.city, hits.country, facts.x, facts.y, facts.z, facts.city, facts.country "
        "FROM hits CROSS JOIN texts ON texts.no = hits.no CROSS JOIN records ON records.no = hits.no "
        "LEFT JOIN facts ON hits.x IS NULL AND facts.no = CASE WHEN hits.venue IS NULL "
        f"THEN {near if hits.tables else own} "
        "ELSE (SELECT no FROM records WHERE author = hits.host AND key = hits.venue) END "
        f"AND EXISTS (SELECT 1 FROM authors WHERE authors.no = facts.author AND {reader.may_see('facts')})",
        {**hits.parameters, "own_organisation": tree_key("organisation", OWN_ORGANISATION)},
    ).fetchall()


def _point(row: Sequence[Any]) -> Point | None:
    kind, title, author, id_, *where = row
    spot = _spot(*where[:5]) or _spot(*where[5:])
    return Point(*spot, kind, title, author, id_) if spot else None


def _spot(x: int | None, y: int, z: int, name: str | None, country: str | None) -> tuple[int, int] | None:
    """The place in microdegrees of a record's point, or of the city that it names instead."""
    if x is not None:
        return facts.spot(x, y, z)
    city = spots.city(name, country) if name else None
    return (city.lat_e6, city.lon_e6) if city else None
