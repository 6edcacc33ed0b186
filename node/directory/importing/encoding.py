"""Bytes become text: which encoding they are in is found from the content.

Rules:

- UTF-8 or UTF-16 by their byte order mark, else UTF-8; anything with a zero byte is not text
- else one of Windows' own: 1257 or 1250 where the rows with letters beyond ASCII are from their part of the world (a
  country's code, zone, dialling code or domain says so) and hold its letters alone; else 1252, which all others use

    >>> decode("Liepāja;LV\\nŠiauliai;LT\\n".encode("cp1257"))
    ('Liepāja;LV\\nŠiauliai;LT\\n', 'windows-1257')
"""

import re

from node.errors import InputError

LARGEST_FILE = 20_000_000

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_BINARY = (
    (b"PK\x03\x04", "an OpenDocument workbook, or another archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook, or one with a password"),
    (b"%PDF", "a PDF"),
)
_REGIONS = (
    (
        "windows-1257",
        re.compile(
            rb"\b(?:EE|LV|LT|Estonia|Latvia|Lithuania|Europe/(?:Tallinn|Riga|Vilnius))\b|(?:\+|\b00)37[012]|\.(?:ee|lv|lt)\b"
        ),
        "äõöüšžāčēģīķļņūąęėįųÄÕÖÜŠŽĀČĒĢĪĶĻŅŪĄĘĖĮŲ",
    ),
    (
        "windows-1250",
        re.compile(
            rb"\b(?:PL|CZ|SK|HU|SI|HR|Poland|Czechia|Slovakia|Hungary|Slovenia|Croatia"
            rb"|Europe/(?:Warsaw|Prague|Bratislava|Budapest|Ljubljana|Zagreb))\b"
            rb"|(?:\+|\b00)(?:48|42[01]|36|38[56])|\.(?:pl|cz|sk|hu|si|hr)\b"
        ),
        "ąćęłńóśźżáčďéěíňřšťúůýžäĺľôŕöőüűđĄĆĘŁŃÓŚŹŻÁČĎÉĚÍŇŘŠŤÚŮÝŽÄĹĽÔŔÖŐÜŰĐ",
    ),
)


def decode(data: bytes, name: str = "") -> tuple[str, str]:
    """The file's text and the encoding it was in; raises InputError for what can't be text."""
    file = name or "the file"
    if not data.strip():
        raise InputError(f"{file} is empty: choose the spreadsheet saved as CSV (UTF-8)")
    if len(data) > LARGEST_FILE:
        raise InputError(f"{file} is larger than {LARGEST_FILE // 1_000_000} MB: split it in two")
    for start, what in _BINARY:
        if data.startswith(start):
            raise InputError(f"{file} is {what}: save it as .xlsx or as CSV (UTF-8) and choose that file")
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", _regional(data), "windows-1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        if not text.strip():
            raise InputError(f"{file} is empty: choose the spreadsheet saved as CSV (UTF-8)")
        return text, encoding.removesuffix("-sig")
    raise InputError(f"{file} is not text: save the spreadsheet as CSV (UTF-8) and choose that file")


def _regional(data: bytes) -> str:
    """The one of Windows' encodings that most rows speak for, if nothing in them speaks against it."""
    # The header has no country; and what is the same in all three says nothing.
    rows = [row for row in data.splitlines()[1:] if not row.isascii()]
    for encoding, signs, letters in _REGIONS:
        try:
            found = [(row, row.decode(encoding)) for row in rows]
        except UnicodeDecodeError:
            continue
        telling = [(row, text) for row, text in found if text != row.decode("windows-1252", errors="replace")]
        said = sum(signs.search(row) is not None for row, _ in telling)
        if said * 2 > len(telling) and all(
            c in letters for _, text in telling for c in text if c.isalpha() and c > "\x7f"
        ):
            return encoding
    return "windows-1252"
