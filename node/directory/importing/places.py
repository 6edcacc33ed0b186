"""Cells about where: coordinates, countries, languages, time zones, opening hours.

Rules:

- a coordinate has a point or a comma, perhaps `°`, N S E W or minutes and seconds; it becomes whole microdegrees
- an exact English name of a country or language is taken for its code; any other name gets a suggestion
- latitude and longitude that are swapped are said to be so where that is evident: a letter or a number that only the
  other can have, or a place outside of Europe under a European time zone that lies inside when turned around
- a place more than 50 km from every city that its city's name may mean is far away: a warning, as it may be right

    >>> latitude("58,378° N"), longitude("-0,1276"), country("Estonia")
    (58378000, -127600, 'EE')
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

from node.directory import gazetteer
from node.directory.importing.cells import nearest
from node.directory.importing.outcome import Unreadable
from node.kinds.body import quoted
from node.kinds.codes import (
    COUNTRIES,
    LANGUAGES,
    OTHER_NAMES_OF_COUNTRIES,
    OWN_NAMES_OF_COUNTRIES,
    SLIPS_OF_COUNTRY,
    SLIPS_OF_LANGUAGE,
)
from node.kinds.fields import zones

FAR = 50_000
"""Metres between a place and its city from which on a person should look."""

_DEGREES = re.compile(
    r"(?P<before>[NSEW])?\s*(?P<sign>[+-])?\s*(?P<degrees>[0-9]{1,3}(?:[.,][0-9]{0,20})?)\s*"
    r"(?:[°º]\s*(?:(?P<minutes>[0-9]{1,2}(?:[.,][0-9]{1,20})?)\s*['′’]\s*"
    r"(?:(?P<seconds>[0-9]{1,2}(?:[.,][0-9]{1,20})?)\s*(?:[\"″”]|'')\s*)?)?)?(?P<after>[NSEW])?",
    re.IGNORECASE,
)
_BOTH = re.compile(r"[+-]?[0-9]{1,3}[.,][0-9]+°?[ ,;/]+[+-]?[0-9]{1,3}[.,][0-9]+°?")


def latitude(text: str) -> int:
    return _coordinate(text, "latitude", 90, "NS", "longitude")


def longitude(text: str) -> int:
    return _coordinate(text, "longitude", 180, "EW", "latitude")


def _coordinate(text: str, name: str, limit: int, letters: str, other: str) -> int:
    match = _DEGREES.fullmatch(text.replace("\u2212", "-").replace("\u2013", "-"))
    if not match:
        if _BOTH.fullmatch(text):
            raise Unreadable(f"{quoted(text)} holds both coordinates: put latitude and longitude in a column each")
        raise Unreadable(f"{quoted(text)} is not a coordinate: write it like {_repaired(text, limit)}")
    letter = (match["before"] or match["after"] or "").upper()
    if (match["before"] and match["after"]) or (letter and match["sign"]):
        raise Unreadable(f"{quoted(text)} is not a coordinate: write it like {_repaired(match['degrees'], limit)}")
    if letter and letter not in letters:
        raise Unreadable(f"{quoted(text)} is a {other}: latitude and longitude look swapped, put it under {other}")
    degrees = sum(
        (Decimal((match[part] or "0").replace(",", ".")) / size for part, size in _SIXTIETHS),
        start=Decimal(0),
    )
    if degrees > limit:
        guess = f"it may be the {other}, swap the two" if degrees <= 180 else f"write degrees from -{limit} to {limit}"
        raise Unreadable(f"{quoted(text)} is beyond {limit} and not a {name}: {guess}")
    negative = match["sign"] == "-" or letter in {"S", "W"}
    return int((-degrees if negative else degrees).scaleb(6).to_integral_value(ROUND_HALF_EVEN))


_SIXTIETHS = (("degrees", 1), ("minutes", 60), ("seconds", 3600))


def _repaired(text: str, limit: int) -> str:
    """What this was perhaps meant to be: one point, after as many digits as a degree has."""
    example = "58.378" if limit == 90 else "26.729"
    if match := re.fullmatch(r"([+-]?[0-9]{1,3})[.,]([0-9][0-9., ]*)\D{0,3}", text):
        guess = f"{match[1]}.{re.sub('[^0-9]', '', match[2])[:8]}"
    elif match := re.fullmatch(r"([+-]?[0-9]{2})([0-9]{3,8})", text):  # the point is lost: 58378123
        guess = f"{match[1]}.{match[2]}"
    else:
        return example
    return guess if abs(Decimal(guess)) <= limit else example


def swapped(body: Mapping[str, object]) -> str | None:
    """The sentence for a place whose coordinates are evidently the wrong way round, by its European time zone."""
    geo, zone = body.get("geo"), body.get("time_zone")
    if not isinstance(geo, dict) or not isinstance(zone, str) or not zone.startswith("Europe/"):
        return None
    lat, lon = geo.get("lat_e6"), geo.get("lon_e6")
    if not isinstance(lat, int) or not isinstance(lon, int) or _in_europe(lat, lon) or not _in_europe(lon, lat):
        return None
    return f"latitude and longitude look swapped for {zone}: put {lon / 1e6:g} here and {lat / 1e6:g} in longitude"


def _in_europe(lat: int, lon: int) -> bool:
    """Where the zones Europe/... are: from Lisbon to Samara, from Crete to the North Cape; the islands have others."""
    return 34_000_000 <= lat <= 72_000_000 and -25_000_000 <= lon <= 55_000_000


def far_away(body: Mapping[str, Any]) -> str | None:
    """The sentence for a place that is far from its city; None where it is near, or the city isn't known."""
    city, country, geo = body.get("city"), body.get("country"), body.get("geo")
    if not isinstance(city, str) or not isinstance(geo, dict):
        return None
    here = geo["lat_e6"], geo["lon_e6"]
    meant = gazetteer.find(city, country)
    distance = min((one.metres_to(*here) for one in meant), default=0.0)
    if distance <= FAR:
        return None
    near = gazetteer.nearest(*here)
    there = f", near {near}" if near else ""
    where = f"{distance / 1000:.0f} km from {meant[0]}{there}"
    return f"{where}: check the coordinates and the city, and mend what is wrong"


_BY_NAME = {name.lower(): code for code, name in COUNTRIES.items()} | dict(OTHER_NAMES_OF_COUNTRIES)


def country(text: str) -> str:
    code = text.upper()
    if code in COUNTRIES:
        return code
    name = text.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    better = SLIPS_OF_COUNTRY.get(code) or OWN_NAMES_OF_COUNTRIES.get(name)
    if not better and len(name) > 3 and (near := nearest(name, tuple(_BY_NAME), 0.75)):
        better = _BY_NAME[near]
    raise Unreadable(
        f"{quoted(text)} is not a country code: write " + (better or "the ISO 3166 code, such as EE or DE")
    )


_LANGUAGES = {
    "english": "en", "german": "de", "french": "fr", "estonian": "et", "swedish": "sv", "latvian": "lv",
    "lithuanian": "lt", "polish": "pl", "finnish": "fi", "danish": "da", "norwegian": "no", "icelandic": "is",
    "dutch": "nl", "spanish": "es", "catalan": "ca", "portuguese": "pt", "italian": "it", "greek": "el", "czech": "cs",
    "slovak": "sk", "slovenian": "sl", "croatian": "hr", "serbian": "sr", "hungarian": "hu", "romanian": "ro",
    "bulgarian": "bg", "ukrainian": "uk", "russian": "ru", "turkish": "tr", "arabic": "ar", "hebrew": "he",
    "chinese": "zh", "japanese": "ja", "korean": "ko", "hindi": "hi", "irish": "ga", "basque": "eu",
}  # fmt: skip


def language(text: str) -> str:
    """A BCP 47 tag in its usual case; the kind checks the rest."""
    name = text.lower()
    if name in _LANGUAGES:
        return _LANGUAGES[name]
    primary, *rest = name.replace("_", "-").split("-")
    if primary not in LANGUAGES and (better := SLIPS_OF_LANGUAGE.get(primary)):
        raise Unreadable(f"{quoted(text)} is not a language: write {better}")
    if len(primary) > 3 and (near := nearest(primary, tuple(_LANGUAGES), 0.75)):
        raise Unreadable(f"{quoted(text)} is not a language: write {_LANGUAGES[near]}")
    cased = (part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest)
    return "-".join((primary, *cased))


@lru_cache(1)
def _zones_by_name() -> tuple[dict[str, str], dict[str, str]]:
    """Zones by their name and by their city's name, in lower case."""
    whole = {zone.lower(): zone for zone in sorted(zones())}
    cities = {zone.rsplit("/", 1)[-1]: found for zone, found in whole.items() if "/" in zone and zone[:3] != "etc"}
    return whole, cities


def zone(text: str) -> str:
    whole, cities = _zones_by_name()
    name = text.lower().replace(" ", "_")
    if name in whole:
        return whole[name]
    city = name.rsplit("/", 1)[-1]
    # Only cities with the same first letter: it is quick, and slips are rarely in the first letter.
    near = city if city in cities else nearest(city, tuple(c for c in cities if c[:1] == city[:1]), 0.7)
    better = cities[near] if near else "an IANA name such as Europe/Tallinn"
    raise Unreadable(f"{quoted(text)} is not a time zone: write {better}")
