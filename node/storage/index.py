"""What is searched of a record: its heading, its words folded for search, its place and facts; or why it is in no view.

Rules:

- only a verified record is looked into; a malformed body gets a problem, never an error
- of a personal kind only what names nobody is searched: the index gives up deleted words late
- text and queries are folded alike: letters that Unicode does not decompose (ł, ß, ø, ...) become the ones people type
  instead, and each character of a script written without spaces stands alone, so that a phrase finds it

    >>> fold("Łódź, Straße, 香港")
    'Lodz, Strasse,  香  港 '
"""

import re
import unicodedata
from typing import Any, NamedTuple

from node import kinds
from node.errors import Malformed
from node.storage.facts import Facts, facts

LONGEST_WORDS = 20_000
"""Characters of one record that are searched."""

_FOLDED = str.maketrans(
    {"ł": "l", "Ł": "L", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "AE"}
    | {"œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ð": "d", "Ð": "D", "ı": "i", "ħ": "h", "Ħ": "H"}
)
_FOREIGN = re.compile(r"[łŁßẞøØđĐæÆœŒþÞðÐıħĦ]")
_SPACELESS = re.compile("([\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")


class Entry(NamedTuple):
    """A record's place in the index. `place`: latitude and longitude in microdegrees."""

    heading: str
    words: str
    place: tuple[int, int] | None
    problem: str | None
    facts: Facts | None = None


def entry(kind: str, said: dict[str, Any]) -> Entry:
    """The index entry of a verified record. An unknown kind has no heading: it is kept and passed on, not shown."""
    try:
        body = kinds.interpret(kind, said)
    except Malformed as error:
        return Entry("", "", None, str(error))
    if body is None:
        return Entry("", "", None, None)
    heading, searched = body.heading(), said
    if body.SEARCHED:
        heading = str(said[body.SEARCHED[0]])
        searched = {field: said[field] for field in body.SEARCHED if field in said}
    words, place = fold(" ".join(_strings(searched, [])))[:LONGEST_WORDS], _place(searched)
    return Entry(heading, words, place, None, facts(kind, said, fold(heading), place, len(words)))


def _place(body: dict[str, Any]) -> tuple[int, int] | None:
    """Where the record is. Kinds without a place may carry anything under its name: a newer node may know it."""
    geo = body.get("geo")
    if not isinstance(geo, dict):
        return None
    latitude, longitude = geo.get("lat_e6"), geo.get("lon_e6")
    if type(latitude) is not int or type(longitude) is not int:
        return None
    return (latitude, longitude) if abs(latitude) <= 90_000_000 and abs(longitude) <= 180_000_000 else None


def fold(text: str) -> str:
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    if _FOREIGN.search(text):
        text = text.translate(_FOLDED)
    return _SPACELESS.sub(r" \1 ", text)


def _strings(value: Any, found: list[str]) -> list[str]:
    """All strings within a value, in its order, added to those found."""
    form = type(value)
    if form is str:
        found.append(value)
    elif form is dict or form is list:
        for member in value.values() if form is dict else value:
            _strings(member, found)
    return found
