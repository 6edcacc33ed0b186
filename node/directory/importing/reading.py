"""A spreadsheet becomes drafts, or problems by row and column.

Rules (the product, "Publish"):

- nothing is written, fetched or guessed: a row is a draft exactly when nothing is wrong with it
- every problem is told, not just the first; after 10,000 of them the rest are left for the next attempt, and it says so
- `ref` is required and unique: it makes importing the same file again idempotent
- an empty cell is an absent field; a blank row is none
- a required column that isn't there, or one that nobody knows, is one problem of the header, not one of each row
- rows count as the spreadsheet program shows them: the header is row 1, a cell of several lines is still one row
- a header means what a person mapped it to, now or for these very headers before (to nothing: it is left out), else the
  column of its name; what it looks like is suggested, never applied
- a place that is more than 50 km from every city that its city may be is warned of

    >>> sheet = read_sheet(b"ref;role;languages;email\\na;Front desk;et, en;desk@park.example\\n", "contact")
    >>> sheet.drafts[0].body
    {'role': 'Front desk', 'languages': ['et', 'en'], 'email': 'desk@park.example'}
    >>> str(read_sheet(b"ref,role,languages,phone\\na,Desk,en,5612 3456\\n", "contact").problems[0])
    'row 2, phone: "5612 3456" has no country code: put + and the country code before it, like +372 5612 3456'
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from node import kinds
from node.directory.importing import cells, columns, formulas, places
from node.directory.importing.columns import Field, Path
from node.directory.importing.encoding import decode
from node.directory.importing.json_lines import looks_like_json, read_lines
from node.directory.importing.outcome import Column, Draft, Problem, Sheet, Unreadable
from node.directory.importing.table import Table, read_table, table_of
from node.directory.importing.workbook import is_workbook, read_workbook
from node.errors import InputError, Malformed
from node.kinds import sentences
from node.kinds.body import quoted
from node.protocol import canonical
from node.protocol.names import LARGEST_RECORD

MOST_PROBLEMS = 10_000
LONGEST_REF = 200
AT_ONCE = 250
"""Rows after which it is said how far the reading is."""

Headers = frozenset[str]
Progress = Callable[[int, int], None]
"""Takes how many rows are read, of how many."""

_visibility = cells.choice(("public", "members", "partners", "local"))


def read_sheet(
    data: bytes,
    kind: str,
    *,
    name: str = "",
    now: int | None = None,
    mapping: Mapping[str, str] | None = None,
    remembered: Mapping[Headers, Mapping[str, str]] | None = None,
    progress: Progress = lambda done, of: None,  # noqa: ARG005 - nobody watches
) -> Sheet:
    """The drafts and problems in a file of one kind; raises InputError only for a file that can't be read at all.

    A problem's row is the record's number, header included, as a spreadsheet program shows it; in JSON lines, the line.
    `name` is the file's, for messages; `now` asks also what depends on the day, such as when a need expires.
    `mapping` says what headers mean, "" being nothing; it is added to what is `remembered` of a table with the very
    same headers (all of them, as `columns.normal` writes them).
    """
    if kind not in kinds.KINDS:
        raise InputError(f"there are no {kind[:64]} records: choose one of {', '.join(kinds.KINDS)}")
    reading = _Reading(kind, now, progress)
    mapped = {columns.normal(header): columns.known(kind, to) if to else "" for header, to in (mapping or {}).items()}
    try:
        if is_workbook(data):
            encoding = "xlsx"
            rows, reading.warnings = read_workbook(data, name)
            _table(reading, table_of(rows, [], name or "the file"), mapped, remembered or {})
        else:
            text, encoding = decode(data, name)
            if looks_like_json(text):
                _json(reading, text, name)
            else:
                known = frozenset((*columns.fields_of(kind), *columns.OWN, *mapped))
                _table(reading, read_table(text, known, name), mapped, remembered or {})
    except _Enough:
        sentence = f"more than {MOST_PROBLEMS} problems: put these right and import again to see the rest"
        reading.found.append(Problem(reading.found[-1].row, "", sentence))
    return Sheet(
        tuple(reading.drafts),
        tuple(reading.found),
        encoding,
        tuple(reading.warnings),
        frozenset(reading.refs),
        tuple(reading.columns),
        reading.mapping,
    )


def headers_of(sheet: Sheet) -> Headers:
    """What a mapping is remembered by: a table's headers, in any order."""
    return frozenset(columns.normal(column.header) for column in sheet.columns if column.header)


class _Enough(Exception):
    pass


@dataclass(slots=True)
class _Reading:
    """What has come of the file so far."""

    kind: str
    now: int | None
    progress: Progress
    drafts: list[Draft] = field(default_factory=list)
    found: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    refs: dict[str, int] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)
    mapping: Mapping[str, str] = field(default_factory=dict)

    def problem(self, row: int, column: str, sentence: str) -> None:
        if len(self.found) >= MOST_PROBLEMS:
            raise _Enough
        self.found.append(Problem(row, column, sentence))

    def draft(self, row: int, ref: str, body: dict[str, Any], visibility: str | None, column: str) -> None:
        """A row with nothing wrong; a warning under `column` where its place is far from its city."""
        self.drafts.append(Draft(ref, body, visibility, row))
        if (sentence := places.far_away(body)) is not None:
            self.warnings.append(Problem(row, column, sentence))

    def ref(self, row: int, text: str, column: str = "ref") -> str | None:
        """The row's ref if it is one, and no other row's."""
        if not text:
            self.problem(row, column, "empty: give this row a short code of its own, and keep it for the next import")
        elif len(text) > LONGEST_REF or not text.isprintable():
            self.problem(
                row, "ref", f"too long or not plain text: write a short code of at most {LONGEST_REF} characters"
            )
        elif self.refs.setdefault(text, row) != row:
            self.problem(row, column, f"{quoted(text)} is also row {self.refs[text]}'s: give each row its own")
        else:
            return text
        return None

    def visibility(self, row: int, text: str, column: str = "visibility") -> str | None:
        """Who shall see the record, if the row says so."""
        try:
            return str(_visibility(text)) if text else None
        except Unreadable as unreadable:
            self.problem(row, column, str(unreadable))
            return None


# --- a table -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    """As the sheet has it: what a problem is shown under."""
    own: str
    """`ref` or `visibility`, which are about the draft; else empty."""
    field: Field | None
    """Where it goes in the body; None for the draft's own, and for a column that is left out or that nobody knows."""


def _table(
    reading: _Reading, table: Table, mapping: Mapping[str, str], remembered: Mapping[Headers, Mapping[str, str]]
) -> None:
    headers = frozenset(columns.normal(header) for header in table.header if header)
    reading.mapping = {**remembered.get(headers, {}), **mapping}
    for header in mapping.keys() - headers:
        raise InputError(
            f"no column is headed {quoted(header)}: map one of {', '.join(map(quoted, sorted(headers)[:20]))}"
        )
    found = [*_header(reading, table)]
    absent = _absent(reading, table, found)
    for done, (row, values) in enumerate(table.rows):
        if done % AT_ONCE == 0:
            reading.progress(done, len(table.rows))
        _row(reading, found, absent, row, values)
    for problem in table.problems:
        reading.problem(problem.row, problem.column, problem.sentence)


def _header(reading: _Reading, table: Table) -> list[_Column]:
    """The columns; an unknown one and one that is there twice are told once, here."""
    found: list[_Column] = []
    seen: dict[Path, str] = {}
    for position, header in enumerate(table.header, 1):
        row = table.header_row
        name = reading.mapping.get(columns.normal(header), columns.normal(header))
        name = "" if name.startswith(columns.EXPORTED) else name
        own = name if name in columns.OWN else ""
        place = columns.field_named(reading.kind, name) if name and not own else None
        path = (own,) if own else place.path if place else None
        near = None
        if not header:
            if any(len(values) >= position and values[position - 1].strip() for _, values in table.rows):
                reading.problem(
                    row, f"column {position}", "it has values but no name: name it in the header or clear it"
                )
        elif path is None:
            if name:
                near = columns.suggestion(reading.kind, header)
                hint = f"did you mean {near}? Rename" if near else "rename"
                reading.problem(row, header[:64], f"no such column: {hint} it, map it or remove it")
        elif path in seen:
            reading.problem(row, header[:64], f"the same as the column {seen[path]}: leave one of them")
            own, place = "", None
        else:
            seen[path] = header[:64]
        reading.columns.append(Column(header[:64], name if own or place else None, near))
        found.append(_Column(header[:64], own, place))
    return found


def _absent(reading: _Reading, table: Table, found: list[_Column]) -> list[Path]:
    """Required fields without a column. They are told once; no row can become a draft then."""
    paths = [column.field.path for column in found if column.field]
    absent: list[Path] = []
    if not any(column.own == "ref" for column in found):
        sentence = "this column is missing: add it, with a short code of its own for each row"
        reading.problem(table.header_row, "ref", sentence)
        absent.append(("ref",))
    for path, (column, wanted) in columns.required_of(reading.kind).items():
        if not any(_overlap(path, other) for other in paths):
            reading.problem(table.header_row, column, f"this column is missing: add it, with {wanted}")
            absent.append(path)
    return absent


def _row(reading: _Reading, found: list[_Column], absent: list[Path], row: int, values: list[str]) -> None:
    before = len(reading.found)
    body: dict[str, Any] = {name: {} for name in sorted(columns.required_objects(reading.kind))}
    own: dict[str, str] = {}
    failed = list(absent)
    for column, value in zip(found, values, strict=False):
        place = column.field
        if place is None and not column.own:
            continue
        try:
            text = cells.clean(formulas.restored(value))
            if place is None:
                own[column.own] = cells.line(text)
            elif text:
                _put(body, place.path, place.read(text))
        except Unreadable as unreadable:
            reading.problem(row, column.header, str(unreadable))
            failed.append(place.path if place else (column.own,))
    for position, value in enumerate(values[len(found) :], len(found) + 1):
        if value.strip():
            reading.problem(
                row,
                f"column {position}",
                "beyond the header's last column: name it there, or look for a stray separator",
            )
    headers = {column.own: column.header for column in found}
    ref = reading.ref(row, own.get("ref", ""), headers["ref"]) if ("ref",) not in failed else None
    visibility = reading.visibility(row, own.get("visibility", ""), headers.get("visibility", "visibility"))
    if (sentence := places.swapped(body)) is not None:
        reading.problem(row, _column_of(reading.kind, found, ("geo", "lat_e6")), sentence)
    for path, sentence in _faults(reading, body):
        if not any(_overlap(path, other) for other in failed):
            reading.problem(row, _column_of(reading.kind, found, path), _of_a_cell(path, sentence))
    if len(reading.found) == before and ref is not None and not absent:
        at = _column_of(reading.kind, found, ("geo", "lat_e6")) if "geo" in body else ""
        reading.draft(row, ref, _in_order(reading.kind, body), visibility, at)


def _of_a_cell(path: Path, sentence: str) -> str:
    """The kind's sentence as it fits a sheet, where fields are cells and coordinates are degrees."""
    if not sentence.startswith("missing: "):
        return sentence
    degrees = columns.DEGREES_WANTED.get(path[-1])
    return f"empty: give {degrees}" if degrees else sentence.replace("missing", "empty", 1)


def _put(body: dict[str, Any], path: Path, value: object) -> None:
    """Set the value; two columns may mean one place (`greeting` and `greeting.et`), and then one must be empty."""
    *way, last = path
    here = body
    for step in way:
        here = here.setdefault(step, {})
        if not isinstance(here, dict):
            raise Unreadable(_TAKEN)
    if isinstance(value, dict):
        for name, inner in value.items():
            _put(here, (last, name), inner)
    elif last in here:
        raise Unreadable(_TAKEN)
    else:
        here[last] = value


_TAKEN = "another column fills the same field: leave one of them empty"


def _in_order(kind: str, body: dict[str, Any]) -> dict[str, object]:
    """The body with its fields as the kind lists them, whatever order the columns had."""
    return {name: body[name] for name in kinds.KINDS[kind].model_fields if name in body}


# --- JSON lines --------------------------------------------------------------------------------------------------


def _json(reading: _Reading, text: str, name: str) -> None:
    lines = text.count("\n") + 1
    for row, line in read_lines(text, name):
        if row % AT_ONCE == 1:
            reading.progress(row - 1, lines)
        if isinstance(line, Problem):
            reading.problem(row, line.column, line.sentence)
            continue
        before = len(reading.found)
        ref, visibility = line.pop("ref", ""), line.pop("visibility", None)
        known = reading.ref(row, ref if isinstance(ref, str) else "")
        if not isinstance(visibility, str | None):
            visibility = "not text"
        shown = reading.visibility(row, visibility or "")
        for path, sentence in _faults(reading, line):
            reading.problem(row, ".".join(path), sentence)
        for unknown in line.keys() - kinds.KINDS[reading.kind].model_fields.keys():
            # A field of a newer version is let through; a slip of the pen would be lost without a word.
            if near := cells.nearest(unknown, tuple(kinds.KINDS[reading.kind].model_fields), 0.8):
                reading.problem(row, sentences.path((unknown,)), f"no such field: did you mean {near}?")
        if known is not None and len(reading.found) == before:
            reading.draft(row, known, line, shown, "geo")


# --- both --------------------------------------------------------------------------------------------------------


def _faults(reading: _Reading, body: object) -> list[tuple[Path, str]]:
    """What the kind has against this body, by the path of the field: `photos[2]` is the column of `photos`."""
    told = kinds.problems(reading.kind, body, now=reading.now) or _uncarried(body)
    return [(tuple(re.sub(r"\[\d+\]", "", where).split(".")), sentence) for where, sentence in told]


def _uncarried(body: object) -> list[tuple[str, str]]:
    """Whether a record could hold this body at all: what surrounds it takes less than 2 KiB."""
    try:
        size = len(canonical.encode(body))
    except Malformed as error:
        return [("", f"can't be carried: {error}")]
    most = LARGEST_RECORD - 2048
    return [("", f"{size} bytes in all are too many: shorten the texts to {most} together")] if size > most else []


def _overlap(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _column_of(kind: str, found: list[_Column], path: Path) -> str:
    """The sheet's own column for a path: the very one, else one inside it or around it, else its usual name."""
    near = [column for column in found if column.field and _overlap(column.field.path, path)]
    exact = [column for column in near if column.field and column.field.path == path]
    return (exact or near)[0].header if near else columns.column_for(kind, path)
