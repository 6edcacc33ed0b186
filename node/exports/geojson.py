"""GeoJSON (RFC 7946): organisations, venues, and events at the venues that were handed in.

Rules:

- longitude first, degrees of WGS 84; what has no coordinates is there, too, with `geometry` null (section 3.2)
- properties are flat, as a GIS wants its attribute table: the columns of the kind's sheet, then provenance
- of several languages one is chosen (`collection.labelled`); lists stay lists
- `licence`, where one holds for all, is a member of the collection (section 6.1) and of each feature

    {"type":"FeatureCollection","title":"Venues","features":[
    {"type":"Feature","id":"urn:bra:...","geometry":{"type":"Point","coordinates":[26.725,58.385]},"properties":{...}}
    ]}
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from node.exports.collection import Collection, Shown, labelled, licence, line, through, urn, values, venue_of, warnings
from node.plain import plain

KINDS = frozenset(("organisation", "venue", "event"))


def write(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """A feature collection, a feature a line."""
    says: dict[str, Any] = {"title": line(about.title)}
    if about.licence:
        says["licence"] = plain(about.licence)
    yield b'{"type":"FeatureCollection",' + orjson.dumps(says)[1:-1] + b',"features":['
    between = b"\n"
    for record in records:
        if record["kind"] in KINDS:
            yield between + orjson.dumps(_feature(record, about))
            between = b",\n"
    yield b"\n]}\n"


def _feature(record: Shown, about: Collection) -> dict[str, Any]:
    venue = venue_of(record, about)
    geo = (venue or record)["body"].get("geo")
    # A division by a power of ten gives the nearest double, which is written as the shortest text: no digit is lost.
    point = {"type": "Point", "coordinates": [geo["lon_e6"] / 1e6, geo["lat_e6"] / 1e6]} if geo else None
    return {
        "type": "Feature",
        "id": urn(record),
        "geometry": point,
        "properties": {**_told(record, about), **_at(venue), **_from(record, about)},
    }


def _told(record: Shown, about: Collection) -> dict[str, Any]:
    return {
        column: labelled(value, about.languages) if isinstance(value, str | dict) else value
        for column, path, value in values(record)
        if path[0] != "geo"
    }


def _at(venue: Shown | None) -> dict[str, Any]:
    if venue is None:
        return {}
    return {name: line(venue["body"][field]) for name, field in _PLACE.items()}


_PLACE = {"venue_name": "name", "address": "address", "city": "city", "country": "country"}


def _from(record: Shown, about: Collection) -> dict[str, Any]:
    told: dict[str, Any] = {
        "bra.kind": record["kind"],
        "bra.id": record["id"],
        "bra.author": record["author"],
        "bra.organisation": line(record["organisation"]),
        "bra.seq": record["seq"],
        "bra.updated": record["updated"],
    }
    optional = {
        "bra.through": ", ".join(through(record)),
        "bra.warning": "; ".join(warnings(record)),
        "bra.licence": licence(record, about),
    }
    return told | {name: text for name, text in optional.items() if text}
