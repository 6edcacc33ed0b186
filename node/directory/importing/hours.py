"""Opening hours as people write them, and how OpenStreetMap's syntax has them.

Rules: a cell in OSM syntax is taken as it is. Anything else is refused; where a tidied spelling can be read, that is
the suggestion, never silently the value: `9-5` may mean five in the afternoon.

    >>> opening_hours("Mo-Fr 09:00-17:00")
    'Mo-Fr 09:00-17:00'
    >>> _tidied("Mon-Fri 9.00–17.00")
    'Mo-Fr 09:00-17:00'
"""

import re

from pydantic import TypeAdapter, ValidationError

from node.directory.importing.cells import line
from node.directory.importing.outcome import Unreadable
from node.kinds.body import quoted
from node.kinds.fields import Hours

_HOURS: TypeAdapter[str] = TypeAdapter(Hours)
_DAYS = re.compile(
    r"\b(?:mon?(?:day)?|tue?s?(?:day)?|wed?(?:nesday)?|thu?r?s?(?:day)?|fri?(?:day)?|sat?(?:urday)?|sun?(?:day)?)\b",
    re.IGNORECASE,
)
_ALWAYS = {"24h", "24/7", "always", "always open", "24 h", "24 hours"}


def opening_hours(text: str) -> str:
    text = line(text)
    if _reads(text):
        return text
    better = _tidied(text)
    advice = better if _reads(better) else "Mo-Fr 09:00-17:00; PH off"
    raise Unreadable(f"{quoted(text)} is not in OSM syntax: write it like {advice}")


def _reads(text: str) -> bool:
    try:
        _HOURS.validate_python(text)
    except ValidationError:
        return False
    return True


def _tidied(text: str) -> str:
    if text.lower() in _ALWAYS:
        return "24/7"
    text = re.sub(r"\s*[\u2010-\u2015\u2212]\s*|\s+(?:to|until|till)\s+", "-", text[:200])
    text = _DAYS.sub(lambda day: day[0][:2].title(), text)
    text = re.sub(r"\bclosed\b", "off", text, flags=re.IGNORECASE)
    text = re.sub(r"\b([01]?[0-9]|2[0-4])[.:h]([0-5][0-9])\b", lambda m: f"{int(m[1]):02}:{m[2]}", text)
    text = re.sub(r"(?<![0-9:])([01]?[0-9]|2[0-4])(?:\s*h)?(?![0-9:])", lambda m: f"{int(m[1]):02}:00", text)
    return re.sub(r"\s*-\s*", "-", text)
