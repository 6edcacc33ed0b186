"""Headers of any name: what a person mapped them to counts, now or before; what they look like is suggested."""

import pytest

from node.directory.importing import headers_of, read_sheet, template
from node.errors import InputError
from tests.importing.test_reading import FILE, HEADER

ESTONIAN = {
    "ref": "Kood", "name": "Nimetus", "type": "Tüüp", "address": "Aadress", "city": "Linn", "country": "Riik",
    "latitude": "Laiuskraad", "longitude": "Pikkuskraad", "time_zone": "Ajavöönd", "hours": "Lahtiolekuajad",
    "contact": "Kontakt", "free_days": "Tasuta päevad", "notice_hours": "Ette teatada",
}  # fmt: skip
SHEET = FILE.replace(HEADER, ",".join(ESTONIAN[name] for name in HEADER.split(","))).encode()
MAPPING = {header: column for column, header in ESTONIAN.items()}


def test_a_sheet_with_headers_of_its_own_is_read_by_its_mapping():
    assert read_sheet(SHEET, "venue", mapping=MAPPING).drafts == read_sheet(FILE.encode(), "venue").drafts


def test_headers_are_mapped_as_they_are_read_whatever_their_case_and_spaces():
    mapping = {f" {header.upper()}": f"{column} ".replace("_", " ") for header, column in MAPPING.items()}
    assert len(read_sheet(SHEET, "venue", mapping=mapping).drafts) == 1


def test_what_a_header_looks_like_is_suggested_and_not_applied():
    sheet = read_sheet(SHEET, "venue")
    assert sheet.drafts == ()
    assert {column.header: column.suggestion for column in sheet.columns if column.header != "Ette teatada"} == {
        header: column for column, header in ESTONIAN.items() if column != "notice_hours"
    }
    assert all(column.column is None for column in sheet.columns)


def test_a_mapping_is_remembered_by_all_headers_in_any_order_and_no_others():
    headers = headers_of(read_sheet(SHEET, "venue", mapping=MAPPING))
    remembered = {headers: read_sheet(SHEET, "venue", mapping=MAPPING).mapping}
    turned = b"\n".join(b",".join(reversed(line.split(b","))) for line in SHEET.splitlines())
    assert len(read_sheet(turned, "venue", remembered=remembered).drafts) == 1
    other = SHEET.replace(b"Lahtiolekuajad", b"hours")
    assert read_sheet(other, "venue", remembered=remembered).drafts == ()


def test_a_mapping_that_is_given_goes_before_the_one_that_is_remembered():
    sheet = FILE.replace("name,", "Nimi,").encode()
    remembered = {headers_of(read_sheet(sheet, "venue", mapping={"Nimi": "name"})): {"nimi": "address"}}
    assert read_sheet(sheet, "venue", remembered=remembered, mapping={"Nimi": "name"}).drafts[0].body["name"] == "Delta"


def test_a_column_that_is_mapped_to_nothing_is_left_out():
    sheet = FILE.replace("\n", ",Märkus\n", 1).replace("24\n", "24,ära näita\n").encode()
    assert [str(problem) for problem in read_sheet(sheet, "venue").problems] == [
        "row 1, Märkus: no such column: rename it, map it or remove it"
    ]
    assert len(read_sheet(sheet, "venue", mapping={"Märkus": ""}).drafts) == 1


def test_a_language_may_be_mapped_to():
    sheet = FILE.replace("\n", ",Juhised\n", 1).replace("24\n", "24,Buss 3\n").encode()
    [draft] = read_sheet(sheet, "venue", mapping={"Juhised": "directions.et"}).drafts
    assert draft.body["directions"] == {"et": "Buss 3"}


REFUSED = [
    ("no such column", {"name": "naem"}, 'naem" is no column of a venue: did you mean name'),
    ("nothing like any column", {"name": "qqqqqq"}, "the columns are ref, visibility, name"),
    ("no such header", {"Nimi": "name"}, 'no column is headed "nimi": map one of "address"'),
]


@pytest.mark.parametrize(("mapping", "sentence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_mapping_that_means_nothing_is_refused(mapping, sentence):
    with pytest.raises(InputError, match=sentence):
        read_sheet(FILE.encode(), "venue", mapping=mapping)


def test_two_headers_of_one_column_are_told():
    [problem] = read_sheet(FILE.encode(), "venue", mapping={"address": "city"}).problems[:1]
    assert str(problem) == "row 1, city: the same as the column address: leave one of them"


@pytest.mark.parametrize("kind", template._EXAMPLES)
def test_a_template_is_read_without_a_problem_or_a_warning_as_csv_and_as_a_workbook(kind):
    as_csv, as_workbook = (read_sheet(make(kind), kind) for make in (template.csv, template.workbook))
    assert as_csv.problems == as_csv.warnings == ()
    assert len(as_csv.drafts) == len(template.rows(kind)) - 1 > 0
    assert as_workbook.drafts == as_csv.drafts


def test_a_kind_that_nobody_keeps_in_a_sheet_has_no_template():
    with pytest.raises(InputError, match="there is one for organisation, venue"):
        template.csv("receipt")


FAR = [
    # what it is, the cells that are changed, the warning
    ("near", {}, None),
    ("49 km away", {"58.378,": "58.82,"}, None),
    ("in another country", {"58.378,": "48.378,"}, "1112 km from Tartu, EE, near Kamyanets-Podilskyi, UA"),
    ("its name in another language", {"Tartu": "Dorpat"}, None),
    ("a city that nobody knows", {"Tartu": "Kuuküla"}, None),
    ("a city of the name that is nearer", {"Tartu,EE": "London,CA", "58.378,26.729": "42.98,-81.25"}, None),
    ("a city of the name in the wrong country", {"Tartu,EE": "London,GB", "58.378,26.729": "42.98,-81.25"},
     "near London, CA"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "warning"), [case[1:] for case in FAR], ids=[case[0] for case in FAR])
def test_a_place_far_from_its_city_is_warned_of_and_published_all_the_same(cells, warning):
    text = FILE
    for old, new in cells.items():
        assert old in text
        text = text.replace(old, new)
    sheet = read_sheet(text.encode(), "venue")
    assert len(sheet.drafts) == 1
    assert sheet.problems == ()
    if warning is None:
        assert sheet.warnings == ()
    else:
        assert [(each.row, each.column) for each in sheet.warnings] == [(2, "latitude")]
        assert warning in sheet.warnings[0].sentence
