"""What comes of reading a sheet: drafts, problems and warnings by row and column. Plain values; nothing is written.

A problem keeps its row from being a draft. A warning doesn't: what it is about may be right, and a person should look.

>>> str(Problem(17, "latitude", '"58,37.8" is not a coordinate: write it like 58.378'))
'row 17, latitude: "58,37.8" is not a coordinate: write it like 58.378'
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_PLACES = 1_000
"""Places of a sheet that are told, to be looked at on a map."""


class Unreadable(Exception):
    """A cell that doesn't say what its column asks for. Its text is the sentence to show."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `row` counts as a spreadsheet program does: the header is row 1."""

    row: int
    column: str
    sentence: str

    def __str__(self) -> str:
        where = f"row {self.row}, {self.column}" if self.column else f"row {self.row}"
        return f"{where}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be: what its author calls it (`ref`), its body, and who sees it (None: as the kind's default)."""

    ref: str
    body: dict[str, object]
    visibility: str | None
    row: int


@dataclass(frozen=True, slots=True)
class Column:
    """One of a table's columns: its header, and what it was taken for; if for nothing, what was perhaps meant."""

    header: str
    column: str | None
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole file, read. `encoding` is how its bytes were understood: worth a look where letters seem wrong."""

    drafts: tuple[Draft, ...]
    problems: tuple[Problem, ...]
    encoding: str = "utf-8"
    warnings: tuple[Problem, ...] = ()
    refs: frozenset[str] = frozenset()
    """Of all rows, those with problems too."""
    columns: tuple[Column, ...] = ()
    """None for JSON lines."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Headers (as `columns.normal` writes them) to the columns that they stand for, where a person said so."""
