"""Records in the formats of other programs: pure functions from records, as views show them, to bytes.

Rules: one file a format, one table of all; `write(records, about)` yields bytes as they are made; a format passes over
records of kinds that it has no words for. See `collection` for what all formats share.

    about = Collection("Venues in Tartu", kind="venue", licence="https://creativecommons.org/licenses/by/4.0/")
    for piece in FORMATS["geojson"].write(records, about):
        await response.write(piece)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from node import kinds
from node.exports import atom, geojson, ical, lines, linked, sheet, vcard
from node.exports.collection import Collection, Shown

__all__ = ["FORMATS", "Collection", "Format", "Shown"]

_ALL = frozenset(kinds.KINDS)


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write records down. Where `signed`, `write` takes signed records' values instead of shown records."""

    name: str
    extension: str
    media_type: str
    kinds: frozenset[str]
    write: Callable[[Iterable[Shown], Collection], Iterator[bytes]]
    signed: bool = False


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.extension: each
        for each in (
            Format("JSON", "json", "application/json", _ALL, lines.write_json),
            Format("JSON lines", "jsonl", "application/x-ndjson", _ALL, lines.write_lines),
            Format("JSON-LD", "jsonld", "application/ld+json", linked.KINDS, linked.write),
            Format("GeoJSON", "geojson", "application/geo+json", geojson.KINDS, geojson.write),
            Format("iCalendar", "ics", "text/calendar", ical.KINDS, ical.write),
            Format("vCard 4", "vcf", "text/vcard", vcard.KINDS, vcard.write),
            Format("CSV", "csv", "text/csv", _ALL, sheet.write),
            Format("Atom", "atom", "application/atom+xml", _ALL, atom.write),
            Format("signed bundle", "bundle", "application/vnd.bra.bundle", _ALL, lines.write_bundle, signed=True),
        )
    }
)
"""By extension, in the order in which they are preferred where a reader takes several."""
