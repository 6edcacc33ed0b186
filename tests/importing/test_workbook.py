"""Excel workbooks: what cells say, which sheet is read, and what no workbook may cost."""

import datetime as dt
import io
import re
import time
import zipfile

import pytest
from openpyxl import Workbook

from node.directory.importing import Draft, read_sheet
from node.directory.importing import workbook as reading
from node.directory.importing.workbook import MOST_CELLS, MOST_PARTS, is_workbook, read_workbook
from node.errors import InputError
from tests.importing.workbooks import HEADER, ROW, SHEET, changed, saved, workbook

CELLS = [
    # what it is, the cell's value, its number format, the text that it becomes
    ("text", " Tartu ", None, " Tartu "),
    ("a whole number", 12, None, "12"),
    ("a fraction", 58.378, None, "58.378"),
    ("what arithmetic left over", 0.1 + 0.2, None, "0.3"),
    ("a number in groups", 1234567, "#,##0", "1234567"),
    ("money", 12.5, '#,##0.00 "€"', "12.5"),
    ("a large number", 1e20, None, "100000000000000000000"),
    ("a very small number", 1.5e-7, None, "0.00000015"),
    ("a negative number", -6.84165, "0.00", "-6.84165"),
    ("a phone number with the plus in its format", 37256123456, '"+"0', "+37256123456"),
    ("a phone number with a bare plus in its format", 37256123456, "+0", "+37256123456"),
    ("a phone number without its plus", 37256123456, None, "37256123456"),
    ("a code with leading zeros", 42, "00000", "00042"),
    ("a number that is formatted as text", 42, "@", "42"),
    ("a share", 0.5, "0%", "50%"),
    ("a share with decimals", 0.125, "0.00%", "12.5%"),
    ("yes", True, None, "TRUE"),
    ("no", False, None, "FALSE"),
    ("a day", dt.date(2027, 6, 2), None, "2027-06-02"),
    ("a day as its country writes it", dt.date(2027, 6, 2), "d.m.yyyy", "2027-06-02"),
    ("a moment", dt.datetime(2027, 6, 2, 9), None, "2027-06-02T09:00"),
    ("a moment with seconds", dt.datetime(2027, 6, 2, 9, 0, 30), None, "2027-06-02T09:00:30"),
    ("midnight that is shown as a time", dt.datetime(2027, 6, 2), "yyyy-mm-dd hh:mm", "2027-06-02T00:00"),
    ("a time", dt.time(9, 30), None, "09:30"),
    ("hours beyond a day", dt.timedelta(hours=30), None, "30:00"),
    ("an error of the spreadsheet", "#REF!", None, "#REF!"),
    ("a formula that was never worked out", '=A1&"x"', None, "#FORMULA?"),
    ("nothing", None, None, ""),
]


@pytest.mark.parametrize(("value", "format_", "text"), [case[1:] for case in CELLS], ids=[case[0] for case in CELLS])
def test_a_cell_is_what_a_csv_file_would_hold(value, format_, text):
    rows, warnings = read_workbook(workbook(["head", value], formats={1: format_} if format_ else {}))
    assert (rows, warnings) == ([(1, ["head", text] if value is not None else ["head"])], [])


def test_a_workbook_is_the_same_drafts_as_its_csv():
    sheet = read_sheet(workbook(HEADER, ROW), "venue", name="rooms.xlsx")
    as_csv = read_sheet("\t".join(HEADER).encode() + b"\n" + "\t".join(map(str, ROW)).encode(), "venue")
    assert sheet.problems == sheet.warnings == ()
    assert sheet.drafts == as_csv.drafts
    assert sheet.encoding == "xlsx"


def test_rows_count_as_the_program_shows_them_and_blank_ones_are_none():
    data = workbook([], HEADER, [], ROW, [None, "  "], ["b", "", "castle", *ROW[3:]])
    sheet = read_sheet(data, "venue")
    assert [draft.row for draft in sheet.drafts] == [4]
    assert [(problem.row, problem.column) for problem in sheet.problems] == [(6, "type"), (6, "name")]


def test_a_formula_without_a_result_is_told_once_under_its_column_and_one_with_a_result_is_its_result():
    data = workbook(HEADER, ROW, ["b", '=B2&"!"', *ROW[2:]])
    told = [str(problem) for problem in read_sheet(data, "venue").problems]
    assert told == [
        "row 3, name: a formula without its result: save the file in a spreadsheet program, or put the value"
    ]
    worked_out = changed(
        data,
        SHEET,
        lambda part: re.sub(
            rb'<c r="B3"[^>]*>(<f>[^<]*</f>)<v ?(?:/>|></v>)', rb'<c r="B3" t="str">\1<v>Room!</v>', part
        ),
    )
    assert read_sheet(worked_out, "venue").drafts[1].body["name"] == "Room!"


def test_the_first_sheet_that_is_shown_is_read_and_the_others_are_named():
    book = Workbook()
    hidden, sheet, other = book.active, book.create_sheet("Rooms"), book.create_sheet("Prices")
    hidden.title, hidden.sheet_state = "Notes", "hidden"
    for row in (HEADER, ROW):
        sheet.append(row)
    other["A1"] = "x"
    read = read_sheet(saved(book), "venue")
    assert [draft.ref for draft in read.drafts] == ["a"]
    assert [str(warning) for warning in read.warnings] == [
        'row 1: only the sheet "Rooms" was read, not "Notes", "Prices": put the one to read first'
    ]


def test_macros_and_what_else_lies_in_the_archive_are_left_alone():
    data = changed(workbook(HEADER, ROW), "xl/vbaProject.bin", lambda part: b"\0Sub AutoOpen()")
    assert len(read_sheet(data, "venue").drafts) == 1


def inflated(data: bytes, part: str, size: int) -> bytes:
    return changed(data, part, lambda there: there + b" " * size)


def encrypted(data: bytes) -> bytes:
    """As if its parts had a password."""
    file = bytearray(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        places = [info.header_offset + 6 for info in archive.infolist()]
    central = data.index(b"PK\x01\x02")
    while central >= 0:
        places.append(central + 8)
        central = data.find(b"PK\x01\x02", central + 1)
    for place in places:
        file[place] |= 1
    return bytes(file)


GOOD = workbook(HEADER, ROW)
ENTITY = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
REFUSED = [
    ("an old workbook", b"\xd0\xcf\x11\xe0" + bytes(1000), "an old Excel workbook"),
    ("a workbook with a password", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "save it without one"),
    ("parts with a password", encrypted(GOOD), "save it without one"),
    ("half a workbook", GOOD[: len(GOOD) // 2] + b"xl/workbook.xml", "is damaged"),
    ("no sheets", changed(GOOD, "xl/workbook.xml", lambda part: b"<workbook/>"), "shows no sheet"),
    ("no XML", changed(GOOD, SHEET, lambda part: b"<<<<"), "is damaged"),
    ("an OpenDocument workbook", b"PK\x03\x04mimetypeapplication/vnd.oasis", "save it as .xlsx"),
    ("a bomb", inflated(GOOD, SHEET, reading.MOST_BYTES), "unpacks to too much"),
    ("a bomb of texts", inflated(GOOD, "xl/sharedStrings.xml", 60_000_000), "unpacks to too much"),
    ("a bomb of styles", inflated(GOOD, "xl/styles.xml", 6_000_000), "unpacks to too much"),
    ("too many parts", None, "unpacks to too much"),
    ("an entity", changed(GOOD, SHEET, lambda part: ENTITY + part), "entities"),
    ("an entity in the texts", changed(GOOD, "xl/sharedStrings.xml", lambda part: ENTITY + part), "entities"),
    ("an entity in UTF-16", changed(GOOD, SHEET, lambda part: (ENTITY + part).decode().encode("utf-16")), "entities"),
    ("more than 20 MB", GOOD + bytes(20_000_001), "larger than 20 MB"),
    ("a header alone that is empty", workbook([], []), "has no header"),
]  # fmt: skip


def many_parts() -> bytes:
    file = io.BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(MOST_PARTS):
            archive.writestr(f"xl/media/{number}.png", b"")
    return file.getvalue()


@pytest.mark.parametrize(("data", "sentence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_can_not_be_read_is_one_sentence_and_soon(data, sentence):
    began = time.monotonic()
    with pytest.raises(InputError, match=sentence) as told:
        read_sheet(data or many_parts(), "venue", name="rooms.xlsx")
    assert str(told.value).startswith("rooms.xlsx ")
    assert time.monotonic() - began < 5


def test_what_a_part_says_of_its_size_is_what_is_read_of_it():
    data = bytearray(inflated(GOOD, SHEET, 50_000_000))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        real = archive.getinfo(SHEET).file_size.to_bytes(4, "little")
    for _ in range(data.count(real)):
        data[data.index(real) : data.index(real) + 4] = (100).to_bytes(4, "little")
    with pytest.raises(InputError, match="is damaged"):
        read_sheet(bytes(data), "venue", name="rooms.xlsx")


def rows_of(xml: bytes) -> bytes:
    return changed(GOOD, SHEET, lambda part: part.replace(b"<sheetData>", b"<sheetData>" + xml, 1))


def test_a_row_number_beyond_any_sheet_is_not_counted_up_to():
    began = time.monotonic()
    with pytest.raises(InputError):
        read_sheet(rows_of(b'<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>'), "venue")
    assert time.monotonic() - began < 10


def test_a_cell_far_to_the_right_is_refused_and_empty_formatted_ones_are_not_gone_through_for_ever():
    far = b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (row, row) for row in range(1, MOST_CELLS // 16_384 + 10))
    with pytest.raises(InputError, match="more than 2000000 cells"):
        read_sheet(rows_of(far), "venue", name="rooms.xlsx")
    with pytest.raises(InputError, match="more than 200 columns"):
        read_sheet(rows_of(b'<row r="1"><c r="XFD1"><v>1</v></c></row>'), "venue", name="rooms.xlsx")


def test_more_rows_than_a_file_may_have_are_refused():
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(50_002):
        sheet.append([number])
    with pytest.raises(InputError, match="more than 50000 rows"):
        read_sheet(saved(book), "venue", name="rooms.xlsx")


def test_a_workbook_is_known_by_its_content():
    assert is_workbook(GOOD)
    assert not is_workbook(b"ref,name\n")
    assert not is_workbook(b"PK\x03\x04 an archive of something else")


def test_the_draft_of_a_workbook_that_another_program_wrote():
    # Strings in place, no styles, no dimensions, a prefix on every element: as some libraries write it.
    rows = "".join(
        f'<x:row r="{row}">'
        + "".join(
            f'<x:c r="{letter}{row}" t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>' for letter, text in cells
        )
        + "</x:row>"
        for row, cells in enumerate(
            (
                zip("ABC", cells, strict=True)
                for cells in (("ref", "date", "reason"), ("bye", "2027-01-15", "We merge."))
            ),
            1,
        )
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<x:worksheet xmlns:x="{main}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    read = read_sheet(changed(GOOD, SHEET, lambda part: sheet.encode()), "farewell")
    assert read.drafts == (Draft("bye", {"date": "2027-01-15", "reason": {"en": "We merge."}}, None, 2),)


def test_a_number_format_of_a_million_zeros_adds_none_to_any_cell():
    book = workbook(HEADER, *([*ROW[:-1], 5] for _ in range(40)), formats={12: "00"})
    zeros = b"0" * 1_000_000
    data = changed(book, "xl/styles.xml", lambda part: part.replace(b'formatCode="00"', b'formatCode="%b"' % zeros))
    assert len(data) < 20_000
    rows, _ = read_workbook(data)
    assert sum(len(cell) for _, row in rows for cell in row) < 20_000
