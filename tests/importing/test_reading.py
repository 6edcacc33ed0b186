"""Whole files: encodings, separators, headers, rows; each problem by row and column, drafts where there is none."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import kinds
from node.directory.importing import Draft, Problem, read_sheet
from node.errors import InputError
from node.protocol.names import parse_time

HEADER = "ref,name,type,address,city,country,latitude,longitude,time_zone,hours,contact,free_days,notice_hours"
ROW = "a,Delta,desk,Narva mnt 18,Tartu,EE,58.378,26.729,Europe/Tallinn,Mo-Fr 09:00-17:00,desk@park.example,3,24"
BODY = {
    "name": "Delta",
    "type": "desk",
    "address": "Narva mnt 18",
    "city": "Tartu",
    "country": "EE",
    "geo": {"lat_e6": 58378000, "lon_e6": 26729000},
    "time_zone": "Europe/Tallinn",
    "hours": "Mo-Fr 09:00-17:00",
    "contact": {"email": "desk@park.example"},
    "terms": {"free_days": 3, "notice_hours": 24},
}
FILE = f"{HEADER}\n{ROW}\n"


TAGS = ("en", "de", "fr", "et", "sv", "lv", "lt")


def table(*, header: str = "", cells: str = "", **changes: str) -> bytes:
    """The one-row file with some cells changed, and more columns at its end."""
    names, values = HEADER.split(","), ROW.split(",")
    for name, value in changes.items():
        values[names.index(name)] = value
    return ";".join(names + [header] * bool(header)).encode() + b"\n" + ";".join([*values, cells]).encode()


def told(data: bytes, kind: str = "venue", **options) -> list[str]:
    return [str(problem) for problem in read_sheet(data, kind, **options).problems]


SAME = [
    ("commas", FILE.encode(), "utf-8"),
    ("semicolons", FILE.replace(",", ";").encode(), "utf-8"),
    ("tabs", FILE.replace(",", "\t").encode(), "utf-8"),
    ("a byte order mark", FILE.encode("utf-8-sig"), "utf-8"),
    ("UTF-16, as Excel's Unicode text", FILE.replace(",", "\t").encode("utf-16"), "utf-16"),
    ("UTF-16 the other way round", b"\xfe\xff" + FILE.encode("utf-16-be"), "utf-16"),
    ("Excel's own separator line", b"sep=;\r\n" + FILE.replace(",", ";").encode(), "utf-8"),
    ("Windows line ends", FILE.replace("\n", "\r\n").encode(), "utf-8"),
    ("old Macintosh line ends", FILE.replace("\n", "\r").encode(), "utf-8"),
    ("no line end", FILE.strip().encode(), "utf-8"),
    ("empty columns at the end", FILE.replace("\n", ",,,\n").encode(), "utf-8"),
    ("quotes everywhere", FILE.replace(",", '","').replace("\n", '"\n"').join(['"', ""])[:-1].encode(), "utf-8"),
    ("headers as people write them",
     FILE.replace("free_days", "Free days").replace("time_zone", " TIME-ZONE ").replace("name", "Name *").encode(),
     "utf-8"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "encoding"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_the_same_sheet_in_another_form_is_the_same_draft(data, encoding):
    sheet = read_sheet(data, "venue")
    assert sheet.problems == ()
    assert sheet.drafts == (Draft("a", BODY, None, 2),)
    assert sheet.encoding == encoding


def test_windows_1252_is_read_where_utf_8_does_not_fit():
    sheet = read_sheet(FILE.replace("Delta", "Õpetajate Büroo – ‘Ärimaja’").encode("cp1252"), "venue")
    assert (sheet.drafts[0].body["name"], sheet.encoding) == ("Õpetajate Büroo – ‘Ärimaja’", "windows-1252")


UNREADABLE = [
    ("an empty file", b"", "the file is empty"),
    ("blank lines alone", b" \r\n\n", "the file is empty"),
    ("a mark and nothing", b"\xef\xbb\xbf\n", "the file is empty"),
    ("separators alone", b";;;\n;;;\n", "the file has no header"),
    (
        "an archive",
        b"PK\x03\x04rest",
        "the file is an OpenDocument workbook, or another archive: save it as .xlsx or as CSV",
    ),
    ("an old Excel workbook", b"\xd0\xcf\x11\xe0rest", "the file is an old Excel workbook"),
    ("zero bytes", b"ref,name\n\0,b", "the file is not text"),
    ("what no encoding has", b"ref,\x81\n", "the file is not text"),
    ("half a UTF-16 character", b"\xff\xfer\x00e", "the file is not text"),
    ("one JSON list", b'[{"ref": "a"}]', "the file is one JSON list: write one object a line"),
    ("more than 20 MB", b"x" * 20_000_001, "the file is larger than 20 MB"),
    ("more than 50,000 rows", b"ref\n" + b"a\n" * 50_001, "the file has more than 50000 rows"),
    ("more than 50,000 lines of JSON", b"{}\n" * 50_001, "the file has more than 50000 lines"),
    ("more than 200 columns", b"ref" + b",x" * 200, "the file has more than 200 columns in row 1"),
    ("a cell over 64 KiB", b"ref,name\na," + b"x" * 65_537, "the file has a cell over 64 KiB in row 2"),
    ("a cell over the reader's own cap", b"ref,name\na," + b"x" * 140_000, "the file can't be read at row 2"),
]


@pytest.mark.parametrize(("data", "sentence"), [case[1:] for case in UNREADABLE], ids=[case[0] for case in UNREADABLE])
def test_a_file_that_can_not_be_read_at_all_is_an_input_error(data, sentence):
    with pytest.raises(InputError) as refused:
        read_sheet(data, "venue")
    assert str(refused.value).startswith(sentence)


def test_an_unknown_kind_is_an_input_error():
    with pytest.raises(InputError, match=r"^there are no dance records: choose one of organisation, venue, "):
        read_sheet(FILE.encode(), "dance")


def test_the_files_name_is_in_the_message():
    with pytest.raises(InputError, match=r"^offices\.csv is empty"):
        read_sheet(b"", "venue", name="offices.csv")


ROWS = [
    ("two separators in a number", table(latitude="58,37.8"),
     ['row 2, latitude: "58,37.8" is not a coordinate: write it like 58.378']),
    ("0,0", table(latitude="0", longitude="0"),
     ["row 2, latitude: 0,0 is in the sea off Ghana: give the venue's own coordinates"]),
    ("swapped coordinates under a European zone", table(latitude="26,729", longitude="58,378"),
     [("row 2, latitude: latitude and longitude look swapped for Europe/Tallinn: put 58.378 here and 26.729 in "
       "longitude")]),
    ("empty required cells", table(hours="", latitude="", free_days=" \u00a0 "),
     ["row 2, latitude: empty: give degrees north, such as 58.378",
      "row 2, hours: empty: give opening hours such as Mo-Fr 09:00-17:00; PH off",
      "row 2, free_days: empty: give a whole number of days from 0 to 366"]),
    ("a price without a currency", table(header="price", cells="12,50"),
     ["row 2, currency: empty: a price needs its currency, such as EUR"]),
    ("several at once", table(type="castle", country="Eesti", free_days="#REF!"),
     ['row 2, type: "castle" is not one of the choices: it is one of office, desk, meeting, event, lab',
      'row 2, country: "Eesti" is not a country code: write EE',
      'row 2, free_days: "#REF!" is the spreadsheet\'s own error: put the value itself']),
    ("no contact", table(contact=""),
     ["row 2, contact: nobody can be reached: give an e-mail, a phone or a contact record's id"]),
    ("an e-mail the kind refuses", table(contact="desk@park"),
     ['row 2, contact: "desk@park" is not an e-mail address such as desk@park.example']),
    ("no ref", table(ref=""),
     ["row 2, ref: empty: give this row a short code of its own, and keep it for the next import"]),
    ("an unknown visibility", table(header="visibility", cells="everyone"),
     [('row 2, visibility: "everyone" is not one of the choices: did you mean public? It is one of public, members, '
       "partners, local")]),
    ("a cell beyond the header", table(cells="x"),
     ["row 2, column 14: beyond the header's last column: name it there, or look for a stray separator"]),
    ("a picture that is no address", table(header="photos", cells="https://a.example/1.jpg | photo.jpg"),
     ['row 2, photos: "photo.jpg" is not an https address: write it like https://photo.jpg']),
    ("a misspelt column", table(header="capasity", cells="12"),
     ["row 1, capasity: no such column: did you mean capacity? Rename it, map it or remove it"]),
    ("a column in other words", table(header="Seats", cells="12"),
     ["row 1, Seats: no such column: did you mean capacity? Rename it, map it or remove it"]),
    ("a column nobody knows", table(header="zzzz", cells="12"),
     ["row 1, zzzz: no such column: rename it, map it or remove it"]),
    ("a column twice", table(header="Hours", cells="24/7"),
     ["row 1, Hours: the same as the column hours: leave one of them"]),
    ("a language that is none", table(header="directions.xx", cells="12"),
     ["row 1, directions.xx: no such column: did you mean directions? Rename it, map it or remove it"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "sentences"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS])
def test_a_problem_names_its_row_and_column(data, sentences):
    assert told(data) == sentences


def test_a_row_with_a_problem_gives_no_draft_and_the_others_do():
    sheet = read_sheet(
        f"{HEADER}\n{ROW}\n{ROW.replace('58.378', 'x')}\n{ROW.replace('a,', 'b,', 1)}\n".encode(), "venue"
    )
    assert [(draft.ref, draft.row) for draft in sheet.drafts] == [("a", 2), ("b", 4)]
    assert {problem.row for problem in sheet.problems} == {3}


def test_a_ref_that_is_there_twice_names_the_other_row():
    sheet = read_sheet(f"{HEADER}\n{ROW}\n{ROW}\n".encode(), "venue")
    assert [draft.row for draft in sheet.drafts] == [2]
    assert [str(problem) for problem in sheet.problems] == ['row 3, ref: "a" is also row 2\'s: give each row its own']


def test_a_missing_column_is_told_once_and_no_row_is_a_draft():
    header, row = HEADER.replace(",hours", ""), ROW.replace(",Mo-Fr 09:00-17:00", "")
    sheet = read_sheet(f"{header}\n{row}\n{row.replace('a,', 'b,', 1)}\n".encode(), "venue")
    assert sheet.drafts == ()
    assert [str(problem) for problem in sheet.problems] == [
        "row 1, hours: this column is missing: add it, with opening hours such as Mo-Fr 09:00-17:00; PH off"
    ]


def test_a_file_without_refs_says_so_once():
    assert told(f"{HEADER[4:]}\n{ROW[2:]}\n{ROW[2:]}\n".encode()) == [
        "row 1, ref: this column is missing: add it, with a short code of its own for each row"
    ]


def test_rows_are_counted_as_a_spreadsheet_shows_them():
    lines = f"{HEADER}\n{ROW.replace('Delta', chr(34) + 'Delta' + chr(10) + 'Centre' + chr(34))}\n\n,,,\nb{ROW[1:]}x\n"
    sheet = read_sheet(lines.encode(), "venue")
    assert [(draft.row, draft.body["name"]) for draft in sheet.drafts] == [(2, "Delta Centre")]
    assert [(problem.row, problem.column) for problem in sheet.problems] == [(5, "notice_hours")]


def test_a_quote_that_never_closes_is_told_and_the_rows_before_it_are_read():
    sheet = read_sheet(f'{HEADER}\n{ROW}\nb,"Delta{ROW[7:]}\n{ROW}\n'.encode(), "venue")
    assert [draft.ref for draft in sheet.drafts] == ["a"]
    assert sheet.problems == (Problem(3, "", 'a " opens a cell and never closes: close it, or write it twice'),)


def test_a_quote_inside_a_word_does_not_stop_the_reading():
    sheet = read_sheet(f"{HEADER}\n{ROW.replace('Delta', chr(34) + 'Delta' + chr(34) + ' Centre')}\n".encode(), "venue")
    assert [draft.body["name"] for draft in sheet.drafts] == ["Delta Centre"]


def test_optional_columns_go_where_the_kind_has_them():
    more = {
        "capacity": "1 200",
        "facilities": "Wi-Fi, Meeting room",
        "accessibility": "Step-free",
        "directions": "Bus 3",
        "Directions.ET": "Buss 3",
        "wifi": "Ask",
        "photos": "https://a.example/1.jpg|https://a.example/2.jpg",
        "Free-busy URL": "https://a.example/b.ics",
        "alert.zh-hant": "七月休息",
        "price": "12,5",
        "currency": "eur",
        "visibility": "Members",
    }
    data = f"{HEADER.replace(',', ';')};{';'.join(more)}\n{ROW.replace(',', ';')};{';'.join(more.values())}\n".encode()
    sheet = read_sheet(data, "venue")
    assert sheet.problems == ()
    assert sheet.drafts[0].visibility == "members"
    assert sheet.drafts[0].body == {
        **BODY,
        "terms": {"price": "12.5", "currency": "EUR", "free_days": 3, "notice_hours": 24},
        "capacity": 1200,
        "facilities": ["wi-fi", "meeting_room"],
        "accessibility": {"en": "Step-free"},
        "directions": {"en": "Bus 3", "et": "Buss 3"},
        "wifi": {"en": "Ask"},
        "photos": ["https://a.example/1.jpg", "https://a.example/2.jpg"],
        "free_busy_url": "https://a.example/b.ics",
        "alert": {"zh-Hant": "七月休息"},
    }


OTHERS = [
    ("event", ("ref;title;title.lv;start;end;time_zone;status;organiser;online url;open to\n"
      "e;Demo;Demo diena;2.6.2027 9:00;2027-06-02 17:00;europe/riga;Confirmed;Riga Park;https://a.example/live;Members"),
     {"title": {"en": "Demo", "lv": "Demo diena"}, "start": "2027-06-02T09:00", "end": "2027-06-02T17:00",
      "time_zone": "Europe/Riga", "status": "confirmed", "organiser": "Riga Park", "open_to": "members",
      "online_url": "https://a.example/live"}),
    ("culture_guide", ("ref;place;language;reviewed;greeting;gifts and meals.de\n"
      "g;Munich;English;15.1.2027;Shake hands;Kein Geschenk"),
     {"place": "Munich", "language": "en", "reviewed": "2027-01-15",
      "sections": {"greeting": "Shake hands", "gifts_and_meals": {"de": "Kein Geschenk"}}}),
    ("need", ("ref,type,summary,partner_sought,expires,countries\n"
      'n,Business request,A distributor,A wholesaler,2027-06-30,"Germany, AT"'),
     {"type": "business_request", "summary": {"en": "A distributor"}, "partner_sought": {"en": "A wholesaler"},
      "expires": "2027-06-30", "countries": ["DE", "AT"]}),
    ("organisation", ("ref\tname\troles\tcity\tcountry\twebsite\tlanguages\n"
      "o\tLund\tscience park|cluster\tLund\tSweden\thttps://l.example\tsv|en"),
     {"name": "Lund", "roles": ["science_park", "cluster"], "city": "Lund", "country": "SE",
      "website": "https://l.example", "languages": ["sv", "en"]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "body"), OTHERS, ids=[case[0] for case in OTHERS])
def test_every_kind_has_its_columns_by_its_fields(kind, text, body):
    sheet = read_sheet(text.encode(), kind)
    assert sheet.problems == ()
    (draft,) = sheet.drafts
    assert draft.body == body
    assert kinds.interpret(kind, draft.body)


def test_two_columns_for_one_section_leave_one_empty():
    text = "ref;place;language;reviewed;greeting;greeting.de\ng;Munich;en;2027-01-15;Hello;Hallo"
    assert told(text.encode(), "culture_guide") == [
        "row 2, greeting.de: another column fills the same field: leave one of them empty"
    ]


def test_what_depends_on_the_day_is_asked_when_now_is_handed_in():
    text = b"ref,type,summary,partner_sought,expires\nn,business_request,A,B,2026-01-01"
    assert told(text, "need") == []
    assert told(text, "need", now=parse_time("2026-11-22T12:00:00Z")) == [
        "row 2, expires: 2026-01-01 has passed: give a day to come"
    ]


def test_json_lines_are_bodies_as_the_kind_has_them():
    lines = [
        json.dumps({"ref": "a", "visibility": "partners", **BODY}),
        "",
        json.dumps({"ref": "b", **BODY, "mood": "calm"}),
    ]
    sheet = read_sheet("\n".join(lines).encode(), "venue")
    assert sheet.problems == ()
    assert sheet.drafts == (Draft("a", BODY, "partners", 1), Draft("b", {**BODY, "mood": "calm"}, None, 3))


LINES = [
    ("no JSON", '{"ref": ', "row 1: this line is not JSON: write one whole object on it, with quotes around the names"),
    ("nested without end", '{"ref": ' + "[" * 100_000,
     "row 1: this line is not JSON: write one whole object on it, with quotes around the names"),
    ("a name twice", '{"ref": "a", "ref": "b"}', 'row 1: "ref" is written twice on this line: leave one of them'),
    ("a float", '{"ref": "a", "x": 1.5}',
     "row 1: 1.5 is a number with a fraction: write money as text, coordinates as lat_e6 and lon_e6"),
    ("a number as ref", json.dumps({"ref": 1, **BODY}),
     "row 1, ref: empty: give this row a short code of its own, and keep it for the next import"),
    ("a broken field", json.dumps({"ref": "a", **BODY, "type": "castle"}),
     'row 1, type: "castle" is not a type of venue: write one of office, desk, meeting, event, lab'),
    ("an inner field that is missing", json.dumps({"ref": "a", **BODY, "terms": {"free_days": 1}}),
     "row 1, terms.notice_hours: missing: give a whole number of hours from 0 to 8784"),
    ("a slip in a name", json.dumps({"ref": "a", **BODY, "acessibility": {"en": "x"}}),
     "row 1, acessibility: no such field: did you mean accessibility?"),
    ("a body no record can hold", json.dumps({"ref": "a", **BODY, "alert": dict.fromkeys(TAGS, "x" * 9100)}),
     "row 1: 64034 bytes in all are too many: shorten the texts to 63488 together"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "sentence"), [case[1:] for case in LINES], ids=[case[0] for case in LINES])
def test_a_line_that_is_no_record_says_why(line, sentence):
    sheet = read_sheet(line.encode(), "venue")
    assert [str(problem) for problem in sheet.problems] == [sentence]
    assert sheet.drafts == ()


def test_the_list_of_problems_ends_with_a_word_about_the_rest():
    sheet = read_sheet(b"ref,date,reason\n" + b",x,y\n" * 6_000, "farewell")
    assert len(sheet.problems) == 10_001
    assert "more than 10000 problems" in sheet.problems[-1].sentence


@pytest.mark.parametrize("filling", [" ", "T ", "1 ", "'", "(0)", "Mo-", ", https:", "\u00a0.", "E"])
def test_a_long_cell_is_refused_quickly_whatever_fills_it(filling):
    names = "ref,latitude,free_days,price,start,expires,phone,email,hours,languages,country,time_zone,currency,photos"
    long = '"1' + (filling * 30_000)[:30_000] + 'x"'
    start = time.perf_counter()
    for kind in kinds.KINDS:
        assert read_sheet(f"{names}\n{','.join([long] * 14)}\n".encode(), kind).drafts == ()
    assert time.perf_counter() - start < 20  # a regular expression that goes back and forth would take minutes


def test_fifty_thousand_rows_take_seconds():
    rows = "\n".join(f"r{n}{ROW[1:].replace('Delta', f'Delta {n}')}" for n in range(50_000))
    start = time.perf_counter()
    sheet = read_sheet(f"{HEADER}\n{rows}\n".encode(), "venue")
    assert len(sheet.drafts) == 50_000
    assert time.perf_counter() - start < 60  # about 6 where this was written


@given(st.binary(max_size=400), st.sampled_from(sorted(kinds.KINDS)))
def test_any_bytes_give_a_sheet_or_an_input_error(data, kind):
    _sheet_or_input_error(data, kind)


CELLS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    [
        "58,378",
        '"',
        "et;en",
        "+372 5",
        "2.6.2027",
        "#N/A",
        "\n",
        "Mo-Fr 9-17",
        "https://",
        "1,200",
        "a@b",
        "€",
        "E",
        "((0)",
    ]
)


@given(st.data(), st.sampled_from(sorted(kinds.KINDS)), st.sampled_from([",", ";", "\t"]))
def test_any_cells_under_a_right_header_give_a_sheet_or_an_input_error(data, kind, separator):
    header = ["ref", *kinds.schema(kind)["properties"], "latitude", "price", "greeting"]
    rows = data.draw(st.lists(st.lists(CELLS, min_size=1, max_size=len(header)), max_size=4))
    _sheet_or_input_error("\n".join(separator.join(cells) for cells in (header, *rows)).encode(), kind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
)


@given(st.dictionaries(st.sampled_from(["ref", "visibility", "name", "geo", "\ud800"]) | st.text(), JSON))
def test_any_json_line_gives_a_sheet(line):
    _sheet_or_input_error(json.dumps(line).encode(), "venue")


def _sheet_or_input_error(data, kind):
    try:
        sheet = read_sheet(data, kind)
    except InputError as error:
        assert "\n" not in str(error)
        return
    for draft in sheet.drafts:
        assert kinds.problems(kind, draft.body) == []
    for problem in sheet.problems:
        str(problem).encode()
        assert problem.sentence
