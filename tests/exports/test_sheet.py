"""CSV: a spreadsheet program opens it and nothing is evaluated; the importer reads back what was published."""

import csv
import io
import re
import time
import unicodedata

import openpyxl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyogrio import raw

from node import kinds
from node.directory.importing import places, read_sheet
from node.directory.importing.formulas import defused, restored
from node.exports import Collection
from tests.exports.shown import HOSTILE, LICENCE, NAMES, bodies, shown, written
from tests.kinds.kind_examples import KINDS, example


def sheet(kind, *found, languages=("en",)):
    return written("csv", *found, about=Collection("All", kind=kind, licence=LICENCE, languages=languages))


def rows(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def read_back(kind, *found):
    read = read_sheet(sheet(kind, *found), kind)
    assert not read.problems, [str(each) for each in read.problems]
    return [draft.body for draft in read.drafts]


# What a sheet has no columns for (a list of objects).
LOST = {"practice": ("field_tests",)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_importer_reads_back_what_was_published(kind):
    body = {name: value for name, value in example(kind).items() if name not in LOST.get(kind, ())}
    assert read_back(kind, shown(kind, body)) == [body]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_spreadsheet_round_trip_keeps_every_row(name):
    found = [
        shown("venue", example("venue", name=name, geo__lon_e6=-26_725_000), id=f"v{number}") for number in range(250)
    ]
    # Saved by a spreadsheet program in its own format, and from there as CSV again.
    workbook = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(sheet("venue", *found).decode("utf-8-sig"), newline="")):
        workbook.active.append(row)
    file = io.BytesIO()
    workbook.save(file)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(openpyxl.load_workbook(file).active.iter_rows(values_only=True))
    read = read_sheet(text.getvalue().encode(), "venue")
    assert (read.problems, [draft.body for draft in read.drafts]) == ((), [each["body"] for each in found])
    assert [draft.ref for draft in read.drafts] == [f"v{number}" for number in range(250)]


def test_a_gis_reads_the_table(tmp_path):
    file = tmp_path / "venues.csv"
    file.write_bytes(sheet("venue", shown("venue", example("venue", name=NAMES["Arabic"]))))
    meta, _, _, columns = raw.read(file)
    table = dict(zip(meta["fields"], columns, strict=True))
    assert (table["name"][0], table["latitude"][0], table["phone"][0]) == (NAMES["Arabic"], "58.385000", "+37256123456")


def test_a_row_says_where_it_is_from():
    [row] = rows(sheet("venue", shown("venue", ref="delta", warning="signed two histories")))
    assert (row["ref"], row["visibility"], row["bra.licence"]) == ("delta", "public", LICENCE)
    assert (row["bra.warning"], row["bra.seq"]) == ("signed two histories", "7")


def test_a_file_begins_with_its_encoding_and_ends_its_lines_as_the_rfc_says():
    data = sheet("farewell", shown("farewell"), shown("farewell"))
    assert data.startswith(b"\xef\xbb\xbfref,visibility,date,reason,reason.de,reason.et,bra.id")
    assert data.count(b"\r\n") == data.count(b"\n") == 3


def test_a_kind_without_records_is_its_header():
    assert [*rows(sheet("venue"))] == []
    assert b"free_days" in sheet("venue")


def test_members_of_a_list_stay_apart_and_commas_stay_in():
    for topics in ["a, b"], ["a", "b, c"], ["a|b"], ["a"]:
        [body] = read_back("contact", shown("contact", example("contact", topics=topics)))
        assert body["topics"] == topics
    [body] = read_back("contact", shown("contact", example("contact", topics=["a; b"])))
    assert body["topics"] == ["a, b"]


# --- formulas ----------------------------------------------------------------------------------------------------

PLAIN = (
    "+37256123456", "-6.841650", "-1", "+1,5", "58.378", "a=b", "a-b", "Delta + Co", "'tis", "Mo-Fr 09:00-17:00", "",
)  # fmt: skip
FORMULAS = (
    "=1", "+1+1", "-1-1", "@SUM(1)", "+A1", "-", "=", "\t=1", " =1", "\r=1", "＝1", "x\n=1", "x;=1", "x\t+A1", "'=1",
    "''=1", "'+37256123456", "+37256123456 ext", "-1;", "a;-1", "\u00a0=1", '";=1',
)  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_what_does_nothing_stays_as_it_is(text):
    assert defused(text) == text == restored(text)


@pytest.mark.parametrize("text", FORMULAS)
def test_what_would_be_a_formula_is_text_and_comes_back(text):
    assert defused(text) != text
    assert restored(defused(text)) == text


@given(st.text(alphabet=st.sampled_from("=+-@'＝ \t\r\n;,|\"1.a\u00a0"), max_size=12) | st.text())
def test_whatever_is_defused_comes_back(text):
    assert restored(defused(text)) == text


def evaluated(cell: str) -> bool:
    """What a spreadsheet program does more with a cell than show it, or a plain number."""
    text = cell.strip()
    return text[:1] in set("=+-@＝＋－＠") and not re.fullmatch(r"[+-][0-9]+([.,][0-9]+)?", text)


@given(st.text(alphabet=st.sampled_from("=+-@' \t\r\n;,\"1.aA(!")), st.sampled_from(",;\t"))
@settings(max_examples=500)
def test_no_cell_is_evaluated_whatever_separator_a_program_takes(text, separator):
    data = sheet(
        "farewell", shown("farewell", example("farewell", reason={"en": f"x{text}"}), organisation=text, licence=text)
    )
    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator)
    assert not [cell for row in reader for cell in row if evaluated(cell)]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_workbook_that_is_made_of_the_file_holds_no_formula(text):
    if kinds.problems("contact", body := example("contact", role=text)):
        body = example("contact")
    [row] = rows(sheet("contact", shown("contact", body, organisation=text, licence=text)))
    cells = openpyxl.Workbook().active
    for place, value in enumerate(row.values(), 1):
        assert cells.cell(1, place, re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", value)).data_type != "f"


UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def cleaned(value):
    """What reading does to any cell, exported or not (see `importing.cells`), and to a list's semicolons."""
    if isinstance(value, dict):
        return {name: cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return list(dict.fromkeys(cleaned(each).replace(";", ",") if isinstance(each, str) else each for each in value))
    return " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", value)).split()) if isinstance(value, str) else value


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_whatever_a_sheet_can_say_is_read_back(kind, data):
    drawn = {name: value for name, value in data.draw(bodies(kind)).items() if name not in LOST.get(kind, ())}
    body = cleaned({name: value for name, value in drawn.items() if value != []})
    # A tag's case is no part of its meaning (BCP 47), and is put right when it is read.
    body |= {"languages": list(map(places.language, body["languages"]))} if "languages" in body else {}
    body |= {"language": places.language(body["language"])} if "language" in body else {}
    assume(not kinds.problems(kind, body))
    assert read_back(kind, shown(kind, body)) == [body]


@pytest.mark.parametrize("filling", ["\n", "\t", ";", " ", '"', "\n ", ';"', "'", "\n'", ";= "])
def test_a_cell_is_gone_through_once_whatever_fills_it(filling):
    began = time.process_time()
    text = f"x{filling * 20_000}x'"
    assert restored(defused(text)) == text
    assert time.process_time() - began < 1
