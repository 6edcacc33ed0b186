"""A city's name as it is looked up: what people leave out, or have no key for, makes no difference.

Rules:

- case, accents, apostrophes, points and hyphens don't count; ł is l, ø is o, ß is ss, æ is ae
- accents of Latin, Greek and Cyrillic letters alone: in other scripts a mark may be a letter of its own

    >>> folded("Łódź"), folded("Frankfurt-am-Main"), folded("St. Gallen"), folded("München") == folded("munchen")
    ('lodz', 'frankfurt am main', 'st gallen', True)
"""

import re
import unicodedata

LONGEST_NAME = 200
"""Characters; what is longer is no city's name, and is cut."""

_ACCENTS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans(
    {
        **dict.fromkeys("'’‘ʻʼʾʿ`´.\u200b\u200c\u200d", ""),
        **dict.fromkeys("-–—‐‑/,_", " "),
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ı": "i",
        "ħ": "h",
        "ŧ": "t",
    }
)


def folded(name: str) -> str:
    """The key of a name; empty where nothing is left of it."""
    apart = unicodedata.normalize("NFKD", name[:LONGEST_NAME].casefold()).casefold()
    plain = _ACCENTS.sub("", apart).translate(_LETTERS)
    return " ".join(unicodedata.normalize("NFC", plain).split())
