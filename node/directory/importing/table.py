"""Text becomes rows of cells: separator and quotes are found from the content.

Rules:

- the separator (`,` `;` tab) is the one under which the header has most known names, then most columns
- Excel's own first line, `sep=;`, is obeyed and not counted: Excel doesn't show it either
- a row's number is what the spreadsheet program shows: records are counted, not lines, so that a quoted cell of three
  lines moves nothing; blank rows are counted and skipped; the header is the first row that isn't blank
- caps: 50,000 rows, 200 columns, 64 KiB a cell; over any of them the file as a whole is refused

    >>> table = read_table("ref;name\\n1;Tartu\\n", frozenset({"ref", "name"}))
    >>> table.header, table.rows
    (['ref', 'name'], [(2, ['1', 'Tartu'])])
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from node.directory.importing.columns import normal
from node.directory.importing.outcome import Problem
from node.errors import InputError

MOST_ROWS = 50_000
MOST_COLUMNS = 200
LARGEST_CELL = 64 * 1024

Row = tuple[int, list[str]]


@dataclass(slots=True)
class Table:
    header: list[str]
    header_row: int
    rows: list[Row]
    problems: list[Problem] = field(default_factory=list)


def read_table(text: str, known: frozenset[str], name: str = "") -> Table:
    """The header and the rows below it; raises InputError where there is no header or a cap is passed."""
    file = name or "the file"
    first, _, rest = text.partition("\n")
    if (given := first.strip().lower()).startswith("sep=") and len(given) == 5:
        text, separator = rest, given[4]
    else:
        separator = _separator(text, known)
    problems: list[Problem] = []
    return table_of(_records(text, separator, problems, file), problems, file)


def table_of(records: Iterable[Row], problems: list[Problem], file: str) -> Table:
    """The header and the rows below it, from numbered rows; `problems` are those that reading them finds."""
    table = Table([], 0, [], problems)
    for number, cells in records:
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
