"""One cell, one value: text, numbers, money, choices, lists. Places, dates and ways to reach have files of their own.

Rules:

- a cell is cleaned first: no-break spaces are spaces, invisible direction marks are nothing, letters are NFC
- what can be read in one way only is read (`1 200`, `12,50`, `Yes`); what can be read in two is asked about (`1,200`)
- a reader returns the value as its kind has it, or raises `Unreadable` with one sentence that says what to write

    >>> integer("1 200"), price("1 200,50"), boolean("Yes"), slug("Meeting room")
    (1200, '1200.50', True, 'meeting_room')
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from node.directory.importing.outcome import Unreadable
from node.kinds.body import quoted

Reader = Callable[[str], object]

_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Zero width and direction marks: copied along from web pages and telephones, never typed. The two joiners stay:
# Persian and the Indian scripts are written with them.
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SHEET_ERROR = re.compile(
    r"#(?:REF!|N/A|NV|VALUE!|WERT!|NAME\??!?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|FIELD!|#+)", re.IGNORECASE
)


NO_RESULT = "#FORMULA?"
"""A workbook's formula that was saved without its result, as `workbook` writes it."""


def clean(text: str) -> str:
    """The cell without what can't be seen; a spreadsheet's own error is refused."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", _SPACES.sub(" ", text)))
    text = text.strip()
    if text == NO_RESULT:
        raise Unreadable("a formula without its result: save the file in a spreadsheet program, or put the value")
    if text.startswith("#") and _SHEET_ERROR.fullmatch(text):
        raise Unreadable(f"{quoted(text)} is the spreadsheet's own error: put the value itself")
    return text


def line(text: str) -> str:
    """Text on one line: breaks inside the cell become spaces."""
    return " ".join(text.split())


def prose(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def slug(text: str) -> str:
    """`Meeting room` as `meeting_room`; letters beyond a-z are left for the kind to refuse."""
    return re.sub(r"[\s/]+", "_", text.strip().lower())


def short(read: Reader) -> Reader:
    """A reader that looks at short cells alone: what no number or date can be isn't given to a regular expression."""

    def read_short(text: str) -> object:
        if len(text) > LONGEST_SHORT:
            raise Unreadable(f"{quoted(text)} is too long for this column: look for a stray quotation mark")
        return read(text)

    return read_short


LONGEST_SHORT = 500

_GROUPED = re.compile(r"\d{1,3}(?:([ .,'’])\d{3})(?:\1\d{3})*")


def integer(text: str) -> int:
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    if _GROUPED.fullmatch(text) and text.isascii() | ("’" in text):
        return int(re.sub(r"[^0-9]", "", text))
    if match := re.fullmatch(r"([0-9]{1,15})[.,]0{1,2}", text):
        return int(match[1])
    digits = re.findall(r"[0-9]+", text)
    advice = digits[0][:9] if len(digits) == 1 and "." not in text and "," not in text else "12"
    raise Unreadable(f"{quoted(text)} is not a whole number: write it like {advice}")


_TRUTH = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def boolean(text: str) -> bool:
    if (found := _TRUTH.get(text.lower())) is None:
        raise Unreadable(f"{quoted(text)} is neither yes nor no: write yes or no")
    return found


def price(text: str) -> str:
    """A decimal string. A separator before three last digits could be either kind, so it is asked about."""
    tight = text.replace(" ", "").replace("'", "").replace("’", "")
    if re.fullmatch(r"[0-9]{1,12}", tight):
        return tight.lstrip("0") or "0"
    if re.fullmatch(r"[1-9][0-9]{0,2}[.,][0-9]{3}", tight):
        whole, part = re.split("[.,]", tight)
        raise Unreadable(f"{quoted(text)} can be read in two ways: write {whole}{part} or {whole}.{part[:2]}")
    # Thousands by one separator, then the decimals by the other.
    if match := re.fullmatch(r"([0-9]{1,3}(?:([.,])[0-9]{3})(?:\2[0-9]{3})*)(?!\2)[.,]([0-9]{1,2})", tight):
        return re.sub("[.,]", "", match[1]) + "." + match[3]
    if match := re.fullmatch(r"([0-9]{1,12})[.,]([0-9]{1,4})", tight):
        return (match[1].lstrip("0") or "0") + "." + match[2]
    number = re.findall(r"[0-9]+(?:[.,][0-9]{1,2})?", tight)
    advice = number[0].replace(",", ".") if len(number) == 1 else "12.50"
    raise Unreadable(
        f"{quoted(text)} is not a price: write the number alone, like {advice}, and the currency beside it"
    )


_MEANT: Mapping[str, str] = {
    "meeting_room": "meeting",
    "conference_room": "meeting",
    "boardroom": "meeting",
    "coworking": "desk",
    "co_working": "desk",
    "coworking_space": "desk",
    "hot_desk": "desk",
    "workplace": "desk",
    "workspace": "desk",
    "private_office": "office",
    "auditorium": "event",
    "event_space": "event",
    "hall": "event",
    "conference_hall": "event",
    "laboratory": "lab",
    "makerspace": "lab",
    "canceled": "cancelled",
    "everyone": "public",
    "everybody": "public",
    "all": "public",
    "partner": "partners",
    "member": "members",
    "private": "local",
}
"""What people write for a choice, in a slug's spelling. Suggested, not applied: a hall may be a meeting room."""


def choice(choices: Iterable[object]) -> Reader:
    """A reader for a list of slugs (or small numbers), in any case and with spaces for underscores."""
    by_name = {str(one): one for one in choices}
    told = ", ".join(by_name)

    def read(text: str) -> object:
        name = slug(text).replace("-", "_")
        if name in by_name:
            return by_name[name]
        near = _MEANT.get(name)
        near = near if near in by_name else nearest(name, tuple(by_name))
        hint = f"did you mean {near}? It is" if near else "it is"
        raise Unreadable(f"{quoted(text)} is not one of the choices: {hint} one of {told}")

    return read


@lru_cache(4096)
def nearest(word: str, known: tuple[str, ...], cutoff: float = 0.6) -> str | None:
    """The known word that looks most like this one. Bounded: difflib takes its time over long words."""
    return next(iter(difflib.get_close_matches(word[:64], known, 1, cutoff)), None)


def listed(item: Reader, *, addresses: bool = False) -> Reader:
    """A reader for several values in a cell, by whichever of `;` `|` line break `,` is there, in that order."""
    # A comma may stand inside an address, so between addresses it counts only before the next one.
    comma = r",\s*(?=https?:)" if addresses else ","

    def read(text: str) -> object:
        separator = next((s for s in (";", r"\|", r"\n") if re.search(s, text)), comma)
        parts = (part.strip() for part in re.split(separator, text))
        return list(dict.fromkeys(item(part) for part in parts if part))

    return read
