"""CSV (RFC 4180): a sheet that `bra publish` reads back, and that does nothing when a spreadsheet program opens it.

Rules:

- one kind a file; its columns are the importer's own, text in further languages beside its English, `directions.et`
- UTF-8 with a byte order mark, because Excel takes anything else for the local code page; lines end in CRLF
- a cell that would be a formula is text: see `node.directory.importing.formulas`, where reading takes it back
- columns that begin with `bra.` tell where a row is from, and are passed over when the sheet is read
- `ref` is the publisher's own name of a record, where the caller knows it, else its id
- lists are joined by `; `: a `;` inside a member becomes `,` (`%3B` in an address), or it would be two. What has no
  column (a practice's field tests, fields of a newer version) is in JSON lines alone

    ref,visibility,name,...,bra.author
    delta,public,"Delta Centre, desk room",...,bra1...
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from node.directory.importing import columns
from node.directory.importing.formulas import defused
from node.errors import InputError
from node.exports.collection import Collection, Shown, fields_of, licence, through, values, warnings

_FROM = tuple(
    f"{columns.EXPORTED}{name}"
    for name in ("id", "author", "organisation", "seq", "updated", "through", "warning", "licence")
)
_ROWS = 100


def write(records: Iterable[Shown], about: Collection) -> Iterator[bytes]:
    """The sheet, some rows at a time. InputError where its records are of several kinds."""
    if not about.kind:
        raise InputError("a CSV file holds records of one kind: name the kind")
    return _write([_cells(record, about) for record in records if record["kind"] == about.kind], about.kind)


def _write(rows: list[dict[str, str]], kind: str) -> Iterator[bytes]:
    header = _header(rows, kind)
    yield b"\xef\xbb\xbf" + _lines([header])
    for start in range(0, len(rows), _ROWS):
        yield _lines([[defused(row.get(name, "")) for name in header] for row in rows[start : start + _ROWS]])


def _header(rows: list[dict[str, str]], kind: str) -> list[str]:
    """All columns of the kind, and beside each text the languages it is in."""
    fields = fields_of(kind)
    languages = {name for row in rows for name in row if "." in name} - fields.keys() - set(_FROM)
    beside = {column: sorted(name for name in languages if name.rpartition(".")[0] == column) for column in fields}
    return ["ref", "visibility", *(name for column in fields for name in (column, *beside[column])), *_FROM]


def _lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(record: Shown, about: Collection) -> dict[str, str]:
    cells = {
        "ref": record.get("ref") or record["id"],
        "visibility": record["visibility"],
        "bra.id": record["id"],
        "bra.author": record["author"],
        "bra.organisation": record["organisation"],
        "bra.seq": str(record["seq"]),
        "bra.updated": record["updated"],
        "bra.through": ", ".join(through(record)),
        "bra.warning": "; ".join(warnings(record)),
        "bra.licence": licence(record, about),
    }
    for column, path, value in values(record):
        if isinstance(value, dict):
            # English is the column's own; in a culture guide's section that is the text without a language.
            plain = record["kind"] != "culture_guide"
            for tag, text in value.items():
                cells.setdefault(column if plain and tag == "en" else f"{column}.{tag}", text)
        else:
            cells[column] = _cell(path[-1], value)
    return cells


def _cell(name: str, value: Any) -> str:
    if isinstance(value, list):
        return _joined(value)
    if name in {"lat_e6", "lon_e6"}:
        return f"{value / 1e6:.6f}"
    return str(value)


def _joined(members: list[str]) -> str:
    parts = [each.replace(";", "%3B" if each.startswith("https:") else ",") for each in members]
    text = "; ".join(parts)
    # Reading looks for a semicolon first: with one at the end, a comma in the only member separates nothing.
    return text if len(parts) > 1 or not set(text) & set(",|\n") else f"{text};"
