"""Which cities a name may mean, and which city is near: answered from a file in this package.

Rules:

- a name is any that the data has for the city, in any language, written as people write: see `names`
- a country is a code or a country's name; after a comma in the name it counts too: `Munich, DE`, `München, Deutschland`
- what is no country after a comma is not passed over: Cambridge, Massachusetts must not become the one in England
- the likeliest city comes first: see `make` for what that is
- the file is read at the first question, once, whatever threads ask: a tenth of a second, and 15 MB of memory from then

The file, packed with xz: a line a city (name, country, latitude and longitude in 1/10,000 degree, population, zone);
an empty line; a line a key (`names.folded`) in the order of their bytes, with the numbers of its cities' lines. It is
searched where it lies: as Python objects it would be ten times as large.

    >>> find("Мюнхен")[0].name, find("Munich, Germany")[0].zone, nearest(58_378_000, 26_729_000).name
    ('Munich', 'Europe/Berlin', 'Tartu')
"""

import lzma
import re
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from math import asin, cos, radians, sin, sqrt

from node.directory.gazetteer.names import folded
from node.kinds.codes import COUNTRIES, OTHER_NAMES_OF_COUNTRIES, OWN_NAMES_OF_COUNTRIES, SLIPS_OF_COUNTRY

FILE = "cities.xz"
STEP = 100
"""Microdegrees between two coordinates of the file: 11 m, and a city has no more exact place."""

_EARTH = 6_371_008.8
"""Mean radius in metres (IUGG)."""
_DEGREE = radians(1) * _EARTH
"""Metres of latitude."""


@dataclass(frozen=True, slots=True)
class City:
    """A city of at least 15,000 people. `country`: ISO 3166-1 alpha-2; coordinates in microdegrees, WGS 84."""

    name: str
    country: str
    lat_e6: int
    lon_e6: int
    population: int
    zone: str
    """IANA's name of its time zone."""

    def __str__(self) -> str:
        return f"{self.name}, {self.country}"

    def metres_to(self, lat_e6: int, lon_e6: int) -> float:
        return metres(self.lat_e6, self.lon_e6, lat_e6, lon_e6)


def find(name: str, country: str | None = None) -> list[City]:
    """The cities that may be meant, the likeliest first; none where the name, or the country, isn't known."""
    return list(_found(name[:500], country))


def nearest(lat_e6: int, lon_e6: int, *, within: float = 100_000) -> City | None:
    """The city that is nearest to a point in microdegrees, if one is `within` so many metres."""
    return _gazetteer().nearest(lat_e6, lon_e6, within)


def metres(lat_e6: int, lon_e6: int, other_lat_e6: int, other_lon_e6: int) -> float:
    """The distance of two points in microdegrees, over the sphere (haversine): 0.5 % exact."""
    lat, other_lat = radians(lat_e6 / 1e6), radians(other_lat_e6 / 1e6)
    east = radians((other_lon_e6 - lon_e6) / 1e6)
    chord = sin((other_lat - lat) / 2) ** 2 + cos(lat) * cos(other_lat) * sin(east / 2) ** 2
    return 2 * _EARTH * asin(min(1.0, sqrt(chord)))


@lru_cache(4096)
def _found(name: str, country: str | None) -> tuple[City, ...]:
    gazetteer = _gazetteer()
    code = country_code(country) if country else None
    if country and code is None:
        return ()
    cities = gazetteer.named(folded(name))
    if not cities and "," in name:
        first, _, last = name.rpartition(",")
        meant = country_code(last)
        return _found(first, meant) if meant and code in (None, meant) else ()
    return tuple(city for city in cities if code is None or city.country == code)


def country_code(text: str) -> str | None:
    """The code of a country that is given by its code or by a name of it, English or its own."""
    code = text.strip().upper()
    code = SLIPS_OF_COUNTRY.get(code, code)
    return code if code in COUNTRIES else _countries().get(folded(text))


@lru_cache(1)
def _countries() -> dict[str, str]:
    english = {name: code for code, name in COUNTRIES.items()}
    return {
        folded(name): code for name, code in {**OWN_NAMES_OF_COUNTRIES, **OTHER_NAMES_OF_COUNTRIES, **english}.items()
    }


class Gazetteer:
    """The file, opened."""

    def __init__(self, packed: bytes) -> None:
        self._cities, _, self._keys = lzma.decompress(packed).partition(b"\n\n")
        self._starts = array("I", (0, *(match.end() for match in re.finditer(b"\n", self._cities))))
        lines = (line.split(b"\t", 4) for line in self._cities.split(b"\n"))
        by_latitude = sorted((int(lat), int(lon), no) for no, (_, _, lat, lon, _) in enumerate(lines))
        self._lats = array("i", (lat for lat, _, _ in by_latitude))
        self._lons = array("i", (lon for _, lon, _ in by_latitude))
        self._numbers = array("I", (no for _, _, no in by_latitude))

    def __len__(self) -> int:
        return len(self._starts)

    def named(self, key: str) -> list[City]:
        """The cities of a folded name, in the order of the file."""
        wanted = key.encode("utf-8", "surrogatepass") + b"\t"
        low, high = 0, len(self._keys)
        while low < high:  # the first line that isn't before the wanted one begins in low..high
            middle = self._keys.rfind(b"\n", low, (low + high) // 2) + 1 or low
            if self._keys[middle : middle + len(wanted)] < wanted:
                low = (self._keys.find(b"\n", middle) + 1) or len(self._keys)
            else:
                high = middle
        if self._keys[low : low + len(wanted)] != wanted:
            return []
        end = self._keys.find(b"\n", low)
        return [self._city(int(no)) for no in self._keys[low + len(wanted) : end].split(b",")]

    def nearest(self, lat_e6: int, lon_e6: int, within: float) -> City | None:
        """The nearest city within so many metres: those of one latitude after the other, until none can be nearer."""
        best = None
        for far, place in self._outwards(lat_e6 / STEP):
            if far > within:
                break
            distance = metres(lat_e6, lon_e6, self._lats[place] * STEP, self._lons[place] * STEP)
            if distance <= within:
                best, within = place, distance
        return None if best is None else self._city(self._numbers[best])

    def _outwards(self, lat: float) -> Iterator[tuple[float, int]]:
        """Places in the order of latitude, the nearest latitude first, each with its metres of latitude from here."""
        above = bisect_left(self._lats, lat)
        below = above - 1
        while below >= 0 or above < len(self._lats):
            south = lat - self._lats[below] if below >= 0 else float("inf")
            north = self._lats[above] - lat if above < len(self._lats) else float("inf")
            if south < north:
                yield south * STEP / 1e6 * _DEGREE, below
                below -= 1
            else:
                yield north * STEP / 1e6 * _DEGREE, above
                above += 1

    def _city(self, no: int) -> City:
        end = self._starts[no + 1] - 1 if no + 1 < len(self._starts) else len(self._cities)
        name, country, lat, lon, population, zone = self._cities[self._starts[no] : end].decode().split("\t")
        return City(name, country, int(lat) * STEP, int(lon) * STEP, int(population), zone)


_lock = threading.Lock()
_opened: Gazetteer | None = None


def _gazetteer() -> Gazetteer:
    global _opened
    if _opened is None:
        with _lock:
            if _opened is None:
                _opened = Gazetteer(resources.files(__package__).joinpath(FILE).read_bytes())
    return _opened
