"""Bytes become rows of text: encoding, separator and quotes are found from the content.

Rules:

- UTF-8 or UTF-16 by their byte order mark, else UTF-8, else Windows-1252; anything with a zero byte is not text
- the separator (`,` `;` tab) is the one under which the header has most known names, then most columns
- Excel's own first line, `sep=;`, is obeyed and not counted: Excel doesn't show it either
- a row's number is what the spreadsheet program shows: records are counted, not lines, so that a quoted cell of three
  lines moves nothing; blank rows are counted and skipped; the header is the first row that isn't blank
- caps: 20 MB, 50,000 rows, 200 columns, 64 KiB a cell; over any of them the file as a whole is refused

    >>> table = read_table("ref;name\\n1;Tartu\\n", frozenset({"ref", "name"}))
    >>> table.header, table.rows
    (['ref', 'name'], [(2, ['1', 'Tartu'])])
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from node.directory.importing.columns import normal
from node.directory.importing.outcome import Problem
from node.errors import InputError

LARGEST_FILE = 20_000_000
MOST_ROWS = 50_000
MOST_COLUMNS = 200
LARGEST_CELL = 64 * 1024

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_BINARY = (
    (b"PK\x03\x04", "an Excel or OpenDocument workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
)

Row = tuple[int, list[str]]


@dataclass(slots=True)
class Table:
    header: list[str]
    header_row: int
    rows: list[Row]
    problems: list[Problem] = field(default_factory=list)


def decode(data: bytes, name: str = "") -> tuple[str, str]:
    """The file's text and the encoding it was in; raises InputError for what can't be text."""
    file = name or "the file"
    if not data.strip():
        raise InputError(f"{file} is empty: choose the spreadsheet saved as CSV (UTF-8)")
    if len(data) > LARGEST_FILE:
        raise InputError(f"{file} is larger than {LARGEST_FILE // 1_000_000} MB: split it in two")
    for start, what in _BINARY:
        if data.startswith(start):
            raise InputError(f"{file} is {what}: save it as CSV (UTF-8) and choose that file")
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "windows-1252"):
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


def read_table(text: str, known: frozenset[str], name: str = "") -> Table:
    """The header and the rows below it; raises InputError where there is no header or a cap is passed."""
    file = name or "the file"
    first, _, rest = text.partition("\n")
    if (given := first.strip().lower()).startswith("sep=") and len(given) == 5:
        text, separator = rest, given[4]
    else:
        separator = _separator(text, known)
    table = Table([], 0, [])
    for number, cells in _records(text, separator, table.problems, file):
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            continue
        _within_caps(number, cells, file)
        if not table.header:
            if not "".join(cells).strip(" ,;\t"):
                continue
            table.header, table.header_row = [cell.strip() for cell in cells], number
        else:
            table.rows.append((number, cells))
    if not table.header:
        raise InputError(f"{file} has no header: write the columns' names in the first row")
    return table


def _separator(text: str, known: frozenset[str]) -> str:
    def fitness(separator: str) -> tuple[int, int]:
        header = next(
            (cells for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=separator) if any(cells)), []
        )
        return sum(normal(cell) in known for cell in header), len(header)

    sample = text.lstrip()[:LARGEST_CELL]
    try:
        return max((",", ";", "\t"), key=fitness)
    except csv.Error:
        return ","


def _records(text: str, separator: str, problems: list[Problem], file: str) -> Iterator[Row]:
    """Numbered records. Strictly read, so that a quote that never closes is noticed; leniently where that fails."""
    number = 0
    try:
        # `list` up to here would hold the file twice; the lenient reading below starts anew instead.
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), 1):
            yield number, cells
    except csv.Error as error:
        if "unexpected end" in str(error):
            problems.append(Problem(number + 1, "", 'a " opens a cell and never closes: close it, or write it twice'))
            return
        skip = number
        lenient = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            for number, cells in enumerate(lenient, 1):
                if number > skip:
                    yield number, cells
        except csv.Error as again:
            raise InputError(f"{file} can't be read at row {number + 1}: look for a stray quotation mark") from again


def _within_caps(number: int, cells: list[str], file: str) -> None:
    if number > MOST_ROWS + 1:
        raise InputError(f"{file} has more than {MOST_ROWS} rows: split it in two")
    if len(cells) > MOST_COLUMNS:
        raise InputError(f"{file} has more than {MOST_COLUMNS} columns in row {number}: remove those not needed")
    if any(len(cell) > LARGEST_CELL // 4 and len(cell.encode(errors="replace")) > LARGEST_CELL for cell in cells):
        raise InputError(f"{file} has a cell over 64 KiB in row {number}: shorten it, or close its quotation mark")
