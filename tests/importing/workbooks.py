"""Workbooks for tests: made by openpyxl, and taken apart and put together again to be what no program would write."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook

HEADER = (
    "ref", "name", "type", "address", "city", "country", "latitude", "longitude", "time_zone", "hours", "contact",
    "free_days", "notice_hours",
)  # fmt: skip
ROW = (
    "a", "Õpetaja 數碼 قاعة", "desk", "Narva mnt 18", "Tartu", "EE", 58.378, 26.729, "Europe/Tallinn",
    "Mo-Fr 09:00-17:00", "desk@park.example", 3, 24,
)  # fmt: skip
SHEET = "xl/worksheets/sheet1.xml"


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def workbook(*rows: Sequence[Any], formats: Mapping[int, str] | None = None, sheets: Sequence[str] = ()) -> bytes:
    """A sheet of these rows (the header's included); `formats` by column, from 0; more `sheets`, each with a cell."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
        for column, format_ in (formats or {}).items():
            sheet.cell(sheet.max_row, column + 1).number_format = format_
    for name in sheets:
        book.create_sheet(name)["A1"] = "something"
    return saved(book)


def changed(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one part changed; made where it isn't there."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts.get(part, b""))
    return zipped(parts)


def zipped(parts: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()
