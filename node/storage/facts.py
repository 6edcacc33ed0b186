"""The facts of a record by which it is filtered, sorted and counted: one narrow row beside its full text.

Rules:

- only fields that the record's kind names are looked at; of a personal kind only what is searched
- several values are one text with a space around each, sorted: ` kitchen wifi `; a language counts by its first subtag
- a moment is there twice: in seconds since 1970, and `_there` in those of the place's own clock, as if it were UTC
- `hours` is what opening hours hang on: their zone, their country (for its holidays), and they themselves; `opening` is
  a number that stands for it, because numbers are quick to compare
- `venue` is the key, in its author's tree, of the venue that an event is at; `host` that author, where it is another
- a place is a point on a sphere of radius `SPHERE`, so that distances take no trigonometry: see `point`

    >>> point(58_378_000, 26_729_000)
    (4682869, 2358208, 8515257)
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from node.kinds import KINDS
from node.protocol.record import tree_key

SPHERE = 10_000_000
"""The radius in which points are told: a unit is some 0.6 m on the Earth."""
LONGEST_NAME = 40
"""Characters by which names are sorted."""

FIELDS: Mapping[str, frozenset[str]] = {
    kind: frozenset(model.SEARCHED or model.model_fields) for kind, model in KINDS.items()
}
"""The fields of each kind that are looked at."""


class Facts(NamedTuple):
    """The columns of a row of `facts`, after those that the record's own row has (see `bulk`)."""

    name: str
    country: str | None = None
    city: str | None = None
    type: str | None = None
    category: str | None = None
    starts: int | None = None
    ends: int | None = None
    starts_there: int | None = None
    ends_there: int | None = None
    x: int | None = None
    y: int | None = None
    z: int | None = None
    facilities: str | None = None
    languages: str | None = None
    opening: int | None = None
    hours: str | None = None
    venue: bytes | None = None
    host: str | None = None
    length: int = 0


def facts(kind: str, said: Mapping[str, Any], name: str, place: tuple[int, int] | None, length: int) -> Facts:
    """The facts of a well-formed record.

    `name` is its heading, folded; `place` where it is, in microdegrees; `length` the characters that are searched.
    """
    fields = FIELDS[kind]

    def value(field: str) -> Any:
        return said.get(field) if field in fields else None

    start, end, zone, hours = value("start"), value("end"), value("time_zone"), value("hours")
    language = value("language")
    opening = f"{zone} {value('country')} {hours}" if hours else None
    host, _, venue = (value("venue") or "").rpartition("/")
    spoken = value("languages") or ([language] if language else ())
    x, y, z = point(*place) if place else (None, None, None)
    return Facts(
        name=name.casefold()[:LONGEST_NAME],
        country=value("country"),
        city=value("city") or value("place"),
        type=value("type"),
        category=value("category"),
        starts=_seconds(start, zone),
        ends=_seconds(end, zone),
        starts_there=_seconds(start, "UTC"),
        ends_there=_seconds(end, "UTC"),
        x=x,
        y=y,
        z=z,
        facilities=_several(value("facilities") or ()),
        languages=_several(tag.partition("-")[0].lower() for tag in spoken),
        opening=_number(opening) if opening else None,
        hours=opening,
        venue=tree_key("venue", venue) if venue else None,
        host=host or None,
        length=length,
    )


def point(latitude: int, longitude: int) -> tuple[int, int, int]:
    """The point of a place in microdegrees, on a sphere of radius `SPHERE` round 0,0,0."""
    up, along = math.radians(latitude / 1e6), math.radians(longitude / 1e6)
    level = SPHERE * math.cos(up)
    return round(level * math.cos(along)), round(level * math.sin(along)), round(SPHERE * math.sin(up))


def spot(x: int, y: int, z: int) -> tuple[int, int]:
    """The place of a point, however far it is from 0,0,0, in microdegrees: what `point` was given, but for some 6."""
    up, along = math.atan2(z, math.hypot(x, y)), math.atan2(y, x)
    return round(math.degrees(up) * 1e6), round(math.degrees(along) * 1e6)


@lru_cache(4096)
def _number(opening: str) -> int:
    """63 bits: who makes two of them alike can only mislead about venues of its own."""
    return int.from_bytes(hashlib.sha256(opening.encode()).digest()[:8]) >> 1


def _several(values: Iterable[str]) -> str | None:
    found = sorted(set(values))
    return f" {' '.join(found)} " if found else None


@lru_cache(4096)
def _seconds(local: str | None, zone: str) -> int | None:
    if local is None:
        return None
    return int(datetime.fromisoformat(local).replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone)).timestamp())
