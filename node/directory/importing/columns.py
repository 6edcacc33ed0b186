"""Which columns a kind's sheet may have, and what each header means: found in the kind's JSON Schema, not listed twice.

Rules:

- a column is a field's name; a field of an inner object is `terms.price`, or `price` where only one field is called so
- header case, spaces and hyphens don't matter: `Free days` is `free_days`
- text by language goes under `en`, unless the column says `directions.et`
- coordinates are `latitude` and `longitude` in degrees; a venue's contact is one column, `contact`
- a column `bra.…` is an export's own remark, and is passed over
- lists of objects (a practice's field tests) have no column: they are for JSON lines

    >>> known = fields_of("venue")
    >>> known["latitude"].path, known["price"].path, known["directions"].path
    (('geo', 'lat_e6'), ('terms', 'price'), ('directions', 'en'))
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from node import kinds
from node.directory.importing import cells, dates, headers, hours, places, reach
from node.directory.importing.cells import Reader
from node.directory.importing.outcome import Unreadable
from node.errors import InputError
from node.kinds.body import quoted
from node.kinds.codes import LANGUAGES
from node.kinds.sentences import resolved

Path = tuple[str, ...]
Schema = Mapping[str, Any]

OWN = ("ref", "visibility")
"""The columns that are about the draft, not in its body."""

EXPORTED = "bra."
"""What the columns begin with in which an export says where a row is from: they are not read back."""

_SHORT: Mapping[str, Reader] = {
    "bcp47": places.language,
    "country": places.country,
    "currency": str.upper,
    "date": dates.day,
    "date-time": dates.moment,
    "day-or-moment": dates.day_or_moment,
    "decimal": cells.price,
    "email": reach.email,
    "local-time": dates.local_time,
    "opening-hours": hours.opening_hours,
    "phone": reach.phone,
    "slug": cells.slug,
    "zone": places.zone,
}
_READERS: Mapping[str, Reader] = {
    "prose": cells.prose,
    **{format_: cells.short(read) for format_, read in _SHORT.items()},
}
DEGREES: Mapping[str, tuple[str, Reader]] = {
    "lat_e6": ("latitude", places.latitude),
    "lon_e6": ("longitude", places.longitude),
}
DEGREES_WANTED = {"lat_e6": "degrees north, such as 58.378", "lon_e6": "degrees east, such as 26.729"}
"""What a sheet is asked for where the body has microdegrees."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a column's value goes in the body, how its cells are read, and the map that a `.et` suffix is for."""

    path: Path
    read: Reader
    text: Path | None = None


def normal(header: str) -> str:
    """A header as names are written: `Free days *` as `free_days`; a language after a point keeps its own spelling."""
    plain = unicodedata.normalize("NFKC", header).strip(" \t*:").lower()
    return re.sub(r"[\s_-]+", "_", plain)


@lru_cache(32)
def fields_of(kind: str) -> Mapping[str, Field]:
    """Every column's name, with short names for what lies deeper where they are unambiguous."""
    root = kinds.schema(kind)
    full = {".".join(name): field for name, field in _leaves(root, root, ())}
    short = Counter(name.rsplit(".", 1)[-1] for name in full)
    known = dict(full)
    for name, field in full.items():
        last = name.rsplit(".", 1)[-1]
        if short[last] == 1:
            known[last] = field
    if kind == "venue":
        known["contact"] = Field(("contact",), cells.short(reach.contact))
    return known


def field_named(kind: str, header: str) -> Field | None:
    """The field that this header means, `directions.et` included."""
    name = normal(header)
    known = fields_of(kind)
    if name in known:
        return known[name]
    base, _, tag = name.rpartition(".")
    field = known.get(base)
    if field is None or field.text is None or not re.fullmatch(r"[a-z]{2,3}(?:_[a-z0-9]+)*", tag):
        return None
    try:
        language = places.language(tag)
    except Unreadable:
        return None
    primary = language.split("-")[0]
    return Field((*field.text, language), field.read) if len(primary) == 3 or primary in LANGUAGES else None


def suggestion(kind: str, header: str) -> str | None:
    """The known column that an unknown header was perhaps meant to be."""
    return headers.meant(normal(header), (*fields_of(kind), *OWN))


def known(kind: str, name: str) -> str:
    """The name of a column that a person maps a header to, as columns are written; InputError if there is none."""
    if normal(name) in OWN or field_named(kind, name):
        return normal(name)
    near = suggestion(kind, name)
    hint = f": did you mean {near}?" if near else f": the columns are {', '.join((*OWN, *columns_of(kind)))}"
    raise InputError(f"{quoted(name)} is no column of a {kind}{hint}")


@lru_cache(32)
def columns_of(kind: str) -> tuple[str, ...]:
    """All columns of a kind's body, each by its shortest name, in the order of its fields."""
    shortest: dict[Path, str] = {}
    for name, field in fields_of(kind).items():
        microdegrees = field.path[-1] in DEGREES and name.endswith(field.path[-1])
        if not microdegrees and len(name) < len(shortest.get(field.path, name + " ")):
            shortest[field.path] = name
    return tuple(shortest.values())


@lru_cache(32)
def required_of(kind: str) -> Mapping[Path, tuple[str, str]]:
    """What each record must have: path to (the column's name, what to put there)."""
    root = kinds.schema(kind)
    return {path: (column_for(kind, path), text) for path, text in _required(root, root, ())}


@lru_cache(32)
def required_objects(kind: str) -> frozenset[str]:
    """The inner objects that a record must have; they are made, so that each of their fields can be found missing."""
    root = kinds.schema(kind)
    return frozenset(
        name for name in root.get("required", ()) if "properties" in resolved(root, root["properties"][name])
    )


def column_for(kind: str, path: Path) -> str:
    """The shortest name of the column that a path is written in, for a sheet that has no such column."""
    if path[-1] in DEGREES:
        return DEGREES[path[-1]][0]
    found = [name for name, field in fields_of(kind).items() if path in (field.path, field.text)]
    return min(found, key=len) if found else ".".join(path)


def _required(root: Schema, here: Schema, path: Path) -> Iterator[tuple[Path, str]]:
    for name in here.get("required", ()):
        inner = resolved(root, here["properties"][name])
        if inner.get("properties") and inner.get("required"):
            yield from _required(root, inner, (*path, name))
        else:
            yield (*path, name), DEGREES_WANTED.get(name) or inner.get("description", f"the {name}")


def _leaves(root: Schema, here: Schema, path: Path) -> Iterator[tuple[Path, Field]]:
    for name, declared in here["properties"].items():
        inner, at = resolved(root, declared), (*path, name)
        if name in DEGREES:
            other, read = DEGREES[name]
            yield (*path, other), Field(at, cells.short(read))
        if inner.get("format") == "language-map":
            yield at, Field((*at, "en"), reader(inner["additionalProperties"]), text=at)
        elif "oneOf" in inner:  # prose, or prose by language
            yield at, Field(at, cells.prose, text=at)
        elif "properties" in inner:
            yield from _leaves(root, inner, at)
        elif inner.get("type") == "array":
            item = resolved(root, inner["items"])
            if "properties" not in item:
                yield at, Field(at, cells.listed(reader(item), addresses=item.get("format") == "uri"))
        else:
            yield at, Field(at, reader(inner))


def reader(schema: Schema) -> Reader:
    """What reads a text as the value that a schema without members describes."""
    if "enum" in schema:
        return cells.choice(schema["enum"])
    match schema.get("type"):
        case "integer":
            return cells.short(cells.integer)
        case "boolean":
            return cells.short(cells.boolean)
        case _:
            return _READERS.get(str(schema.get("format")), cells.line)
