"""An Excel workbook (.xlsx, .xlsm) becomes rows of text: the same that its sheet would have as CSV.

Rules:

- only the first sheet that is shown is read; the others that hold anything are named in a warning
- a cell is its value: of a formula the result that was saved with it, a problem where there is none; nothing is
  computed, fetched or run, macros and links are left alone
- dates are written as 2027-06-02 and 2027-06-02T09:00, shares with %, a whole number without a point; a number format
  that adds a + or leading zeros is obeyed, so that a phone number or a code keeps them
- caps, looked at before anything is unpacked: 20 MB, 1,000 parts, 150 MB unpacked, the texts and the styles less; and
  while it is read: 2,000,000 cells, and what `table` allows
- one workbook at a time: unpacked they are large

    rows, warnings = read_workbook(data, "rooms.xlsx")
"""

import datetime as dt
import io
import re
import threading
import warnings as python_warnings
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from node.directory.importing import cells
from node.directory.importing.encoding import LARGEST_FILE
from node.directory.importing.outcome import Problem
from node.directory.importing.table import Row
from node.errors import BraError, InputError
from node.kinds.body import quoted

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MOST_PARTS = 1_000
MOST_BYTES = 150_000_000
"""Of all parts together, unpacked. What a part says of its size is what is read of it at most."""
MOST_OF_A_PART = {"xl/sharedStrings.xml": 50_000_000, "xl/styles.xml": 5_000_000, "xl/workbook.xml": 2_000_000}
"""Bytes of parts that are held as a whole."""
MOST_CELLS = 2_000_000
LAST_ROW = 1_048_576
"""Of any sheet; a number beyond it is made up."""

LONGEST_FORMAT = 255
"""Characters of a number format that are looked at: a spreadsheet program makes none longer."""

_OLD = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")

_one_at_a_time = threading.Lock()


def is_workbook(data: bytes) -> bool:
    """Whether this is a workbook by its content, or pretends to be; an encrypted one is, too."""
    if data.startswith(_OLD):
        return _ENCRYPTED in data
    return data.startswith(b"PK\x03\x04") and b"xl/workbook.xml" in data


def read_workbook(data: bytes, name: str = "") -> tuple[list[Row], list[Problem]]:
    """The rows of the first sheet that is shown, and warnings; InputError if it can't be read."""
    file = name or "the file"
    if data.startswith(_OLD):
        raise InputError(f"{file} is protected by a password: save it without one and choose that file")
    with _one_at_a_time, python_warnings.catch_warnings():
        # openpyxl warns of what it leaves out, which is all that is no cell.
        python_warnings.simplefilter("ignore")
        try:
            formulas = _check(data, file)
            return _read(data, file, formulas=formulas)
        except BraError:
            raise
        except Exception as error:
            # Whatever is wrong with the archive or its XML: openpyxl raises what it met, of any type.
            raise InputError(f"{file} is damaged: open it in a spreadsheet program and save it anew") from error


def _check(data: bytes, file: str) -> bool:
    """Raises InputError for an archive that would unpack to too much; whether any sheet has formulas."""
    if len(data) > LARGEST_FILE:
        raise InputError(f"{file} is larger than {LARGEST_FILE // 1_000_000} MB: split it in two")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if (
            len(parts) > MOST_PARTS
            or sum(part.file_size for part in parts) > MOST_BYTES
            or any(part.file_size > MOST_OF_A_PART.get(part.filename, MOST_BYTES) for part in parts)
        ):
            raise InputError(f"{file} unpacks to too much: copy the rows alone into a new workbook and choose that one")
        if any(part.flag_bits & 1 for part in parts):
            raise InputError(f"{file} is protected by a password: save it without one and choose that file")
        found = False
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                found |= _look(archive, part, file)
    return found


def _look(archive: zipfile.ZipFile, part: zipfile.ZipInfo, file: str) -> bool:
    """Whether a part has formulas; InputError where it declares what no workbook needs to declare."""
    formulas, rest = False, b""
    with archive.open(part) as stream:
        while chunk := stream.read(1 << 20):
            window = rest + chunk
            # UTF-16 is allowed by XML and used by nobody: it would hide what is looked for here.
            if b"<!DOCTYPE" in window or b"<!ENTITY" in window or (not rest and b"\0" in chunk[:4]):
                raise InputError(f"{file} has a part that defines entities: save it anew in a spreadsheet program")
            formulas = formulas or _FORMULA.search(window) is not None
            rest = window[-16:]
    return formulas


def _read(data: bytes, file: str, *, formulas: bool) -> tuple[list[Row], list[Problem]]:
    book = _opened(data, values=True)
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not shown:
        raise InputError(f"{file} shows no sheet: show the one with the rows and save it")
    sheet = shown[0]
    asked = iter(_rows(_opened(data, values=False)[sheet.title], file)) if formulas else None
    rows: list[Row] = []
    for number, row in enumerate(_rows(sheet, file), 1):
        texts = [_text(cell) for cell in row]
        if asked is not None:
            texts = [_or_formula(text, cell) for text, cell in zip(texts, next(asked), strict=True)]
        if any(texts):
            rows.append((number, texts))
    return rows, _others(book, sheet)


def _opened(data: bytes, *, values: bool) -> "Workbook":
    # A fifth of a second to import, for which no other command should wait.
    from openpyxl import load_workbook  # noqa: PLC0415

    return load_workbook(io.BytesIO(data), read_only=True, data_only=values, keep_vba=False, keep_links=False)


def _rows(sheet: Any, file: str) -> Iterator[Sequence[Any]]:
    # What the sheet says of its own size is often wrong.
    sheet.reset_dimensions()
    seen = 0
    for row in sheet.iter_rows(max_row=LAST_ROW):
        seen += len(row)
        if seen > MOST_CELLS:
            raise InputError(
                f"{file} has more than {MOST_CELLS} cells, empty ones with a format among them: copy the rows alone "
                "into a new workbook"
            )
        yield row


def _or_formula(text: str, cell: Any) -> str:
    return cells.NO_RESULT if not text and cell.data_type == "f" and cell.value else text


def _others(book: "Workbook", read: Any) -> list[Problem]:
    names = [quoted(sheet.title) for sheet in book.worksheets if sheet is not read]
    if not names:
        return []
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    sentence = (
        f"only the sheet {quoted(read.title)} was read, not {', '.join(names[:5])}{more}: put the one to read first"
    )
    return [Problem(1, "", sentence)]


_PADDED = re.compile(r'(?:"?\\?(?P<plus>\+)"?)?(?P<digits>[#0 ]{0,31}0|@)')


def _text(cell: Any) -> str:
    """What the cell would be in a CSV file."""
    value = cell.value
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number(value, _format(cell))
        case dt.datetime():
            return _moment(value, _format(cell))
        case dt.time():
            return value.isoformat("minutes" if value.second == 0 else "seconds")
        case dt.timedelta():
            minutes = round(value / dt.timedelta(minutes=1))
            return f"{minutes // 60:02}:{minutes % 60:02}"
        case _:
            return str(value)


def _format(cell: Any) -> str:
    return str(cell.number_format or "")[:LONGEST_FORMAT]


def _number(value: float, format_: str) -> str:
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - it is not a number
        return "#NUM!"
    # More digits than a spreadsheet shows are what is left of its arithmetic: 0.1 + 0.2 is 0.3.
    exact = Decimal(value) if isinstance(value, int) else Decimal(format(value, ".15g"))
    if "%" in format_.split(";", maxsplit=1)[0]:
        return f"{_plain(exact * 100)}%"
    match = _PADDED.fullmatch(format_.split(";", maxsplit=1)[0])
    if match and value >= 0 and exact == exact.to_integral_value():
        return (match["plus"] or "") + _plain(exact).zfill(match["digits"].count("0"))
    return _plain(exact)


def _plain(number: Decimal) -> str:
    """Without an exponent, and without the zeros that a spreadsheet doesn't show."""
    return str(int(number)) if number == number.to_integral_value() else format(number.normalize(), "f")


def _moment(value: dt.datetime, format_: str) -> str:
    # A day is a moment at midnight; only how it is shown tells them apart.
    shown = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", format_).lower()
    rounded = value + dt.timedelta(microseconds=500_000)
    if "h" not in shown and (rounded.hour, rounded.minute, rounded.second) == (0, 0, 0):
        return rounded.date().isoformat()
    return rounded.replace(microsecond=0).isoformat(timespec="minutes" if rounded.second == 0 else "seconds")
