"""The place that a question is about: a point with a radius, or a box; and how SQLite is asked for what lies in it.

Rules:

- a city is looked for in the gazetteer, then among the cities that the directory's own records name; of several by one
  name the likeliest is taken, and the others are told
- a city that nobody knows is an InputError with the nearest names that the reader may know
- boxes and circles may lie across the antimeridian and over a pole
- distances are those on a sphere, 0.5 % exact; SQLite compares squares of chords (see `facts.point`)
"""

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from node.directory import gazetteer
from node.directory.gazetteer.names import folded
from node.directory.reader import Reader
from node.directory.search.question import Box, Question, box, coordinates
from node.errors import InputError
from node.kinds.body import quoted
from node.sentence import at, said
from node.storage.facts import SPHERE, point, spot

EARTH_KM = 6371.0088
"""Its mean radius."""
MOST_OTHERS = 5
MOST_CITIES = 10_000
"""Names of cities among the directory's own that are looked at."""
LONGEST_CITY = 60
"""Characters of such a name: longer ones, which take long to compare, are no city's."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point in degrees and what it is called, if it has a name; `others`: who has the same name.

    `zone`: IANA's name of its time zone, or of that of the nearest city; empty where none is near.
    """

    latitude: float
    longitude: float
    name: str = ""
    country: str = ""
    others: tuple[str, ...] = ()
    zone: str = ""

    @property
    def point(self) -> tuple[int, int, int]:
        return point(round(self.latitude * 1e6), round(self.longitude * 1e6))

    def told(self, radius_km: float) -> dict[str, Any]:
        """As the answer says what was understood."""
        named = {"name": self.name, "country": self.country} if self.name else {}
        others = {"others": list(self.others)} if self.others else {}
        where = {"latitude": self.latitude, "longitude": self.longitude, "radius_km": radius_km}
        return {**named, **where, **others}


SQUARE = "((x - :x) * (x - :x) + (y - :y) * (y - :y) + (z - :z) * (z - :z))"
"""The square of a record's chord to the place asked for."""


def square(place: Place, latitude: int, longitude: int) -> int:
    """That square for a point in microdegrees."""
    return sum((here - there) ** 2 for here, there in zip(place.point, point(latitude, longitude), strict=True))


def kilometres(square: int) -> float:
    """The way over the sphere that a chord's square stands for."""
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(square) / 2 / SPHERE))


def find(db: sqlite3.Connection, reader: Reader, question: Question) -> Place | None:
    """The place that the question is near to; InputError where nobody knows it."""
    if question.near is None:
        return None
    if (given := coordinates(question.near)) is not None:
        return _somewhere(*given)
    if cities := gazetteer.find(question.near):
        first, *others = cities
        names = tuple(str(city) for city in others[:MOST_OTHERS])
        return Place(first.lat_e6 / 1e6, first.lon_e6 / 1e6, first.name, first.country, names, first.zone)
    if (own := _own(db, reader, question.near)) is not None:
        return own
    near = _alike(db, reader, question.near)
    hint = said("give latitude,longitude, such as 58.38,26.72")
    if near:
        meant, *alike = near
        for other in alike:
            meant = said("{city} or {other}", city=meant, other=other)
        hint = said("did you mean {city}?", city=meant)
    fault = said("no city is called {city} here: {hint}", city=quoted(question.near), hint=hint)
    raise InputError(at("near", fault), "near")


def holds(question: Question, place: Place | None, latitude: int, longitude: int) -> bool:
    """Whether a point in microdegrees lies in the question's circle and box, as `within` asks it of records."""
    if place is not None and square(place, latitude, longitude) > _far(question):
        return False
    boxes = _halves(box(question.bbox)) if question.bbox is not None else [Box(-180, -90, 180, 90)]
    north, east = latitude / 1e6, longitude / 1e6
    return any(one.south <= north <= one.north and one.west <= east <= one.east for one in boxes)


def within(question: Question, place: Place | None) -> tuple[list[str], dict[str, Any]]:
    """The conditions on `facts` for what lies in the question's circle and box, and their parameters."""
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    if place is not None:
        parameters |= dict(zip("xyz", place.point, strict=True)) | {"far": _far(question)}
        conditions += [_in_boxes(_around(place, question.radius_km)), f"{SQUARE} <= :far"]
    if question.bbox is not None:
        conditions.append(_in_boxes(_halves(box(question.bbox))))
    return conditions, parameters


def _far(question: Question) -> float:
    """The square of the chord to the edge of the question's circle."""
    return (2 * SPHERE * math.sin(min(question.radius_km / EARTH_KM, math.pi) / 2)) ** 2


def _around(place: Place, radius_km: float) -> list[Box]:
    """Boxes that hold the circle."""
    angle = radius_km / EARTH_KM
    # Points are rounded: a little more than the circle, whose edge the chord decides.
    reach = math.degrees(angle) + 1e-5
    south, north = place.latitude - reach, place.latitude + reach
    if south <= -90 or north >= 90:
        return [Box(-180, max(south, -90), 180, min(north, 90))]
    wide = math.degrees(math.asin(min(1.0, math.sin(math.radians(reach)) / math.cos(math.radians(place.latitude)))))
    west, east = place.longitude - wide - 1e-5, place.longitude + wide + 1e-5
    if west < -180:
        west += 360
    if east > 180:
        east -= 360
    return _halves(Box(west, south, east, north))


def _halves(whole: Box) -> list[Box]:
    """A box across the antimeridian as the two on its sides."""
    if whole.west <= whole.east:
        return [whole]
    return [whole._replace(east=180.0), whole._replace(west=-180.0)]


def _in_boxes(boxes: Sequence[Box]) -> str:
    each = " UNION ALL ".join(
        "SELECT no FROM places WHERE "
        f"south >= {math.floor(one.south * 1e6)} AND north <= {math.ceil(one.north * 1e6)} "
        f"AND west >= {math.floor(one.west * 1e6)} AND east <= {math.ceil(one.east * 1e6)}"
        for one in boxes
    )
    return f"facts.no IN ({each})"


def _own(db: sqlite3.Connection, reader: Reader, text: str) -> Place | None:
    """The place by what the directory's own records say: where the most of them are that name this city."""
    name, country = text, None
    cities = _cities(db)
    if _key(text) not in cities and "," in text:
        name, _, last = text.rpartition(",")
        country = gazetteer.country_code(last)
        if country is None:
            return None
    rows = db.execute(
        "SELECT facts.city, facts.country, sum(x), sum(y), sum(z) FROM facts JOIN authors ON authors.no = facts.author "
        f"WHERE facts.city IN (SELECT value FROM json_each(:cities)) AND x IS NOT NULL AND {reader.may_see('facts')} "
        "AND (facts.country = :country OR :country IS NULL) "
        "GROUP BY facts.country ORDER BY count(*) DESC, facts.country",
        reader.parameters(cities=orjson.dumps(cities.get(_key(name), [])).decode(), country=country),
    ).fetchall()
    if not rows:
        return None
    city, country, x, y, z = rows[0]
    others = tuple(f"{each}, {of}" for each, of, *_ in rows[1 : 1 + MOST_OTHERS])
    latitude, longitude = spot(x, y, z)
    return _somewhere(latitude / 1e6, longitude / 1e6, city, country or "", others)


def _somewhere(
    latitude: float, longitude: float, name: str = "", country: str = "", others: tuple[str, ...] = ()
) -> Place:
    """A place that is in no gazetteer; its zone is that of the nearest city which is."""
    near = gazetteer.nearest(round(latitude * 1e6), round(longitude * 1e6))
    return Place(latitude, longitude, name, country, others, near.zone if near else "")


def _alike(db: sqlite3.Connection, reader: Reader, text: str) -> list[str]:
    """Names of cities in the directory that are spelled about like this one, and that the reader may know."""
    cities = _cities(db)
    wanted = _key(text.partition(",")[0])
    near = extract(wanted, cities.keys(), scorer=OSA.normalized_similarity, score_cutoff=0.6, limit=10)
    names = [name for key, _, _ in near for name in cities[key]]
    rows = db.execute(
        "SELECT DISTINCT facts.city FROM facts JOIN authors ON authors.no = facts.author "
        f"WHERE facts.city IN (SELECT value FROM json_each(:names)) AND {reader.may_see('facts')}",
        reader.parameters(names=orjson.dumps(names).decode()),
    )
    known = {city for (city,) in rows}
    return [name for name in names if name in known][:3]


def _cities(db: sqlite3.Connection) -> Mapping[str, list[str]]:
    """The names of the directory's cities by their folded form; for looking up alone, as some may be hidden."""
    rows = db.execute("SELECT DISTINCT city FROM facts WHERE length(city) <= ? LIMIT ?", (LONGEST_CITY, MOST_CITIES))
    found: dict[str, list[str]] = {}
    for (city,) in rows:
        found.setdefault(_key(city), []).append(city)
    return found


@lru_cache(MOST_CITIES)
def _key(city: str) -> str:
    """What a name is compared by. One character may fold into many."""
    return folded(city)[:LONGEST_CITY]
