"""Files that somebody made to do harm, and files that something broke: a sentence or problems come of each, and soon.

The thousand hostile files are the same in every run: each is made from its number.
"""

import io
import json
import random
import resource
import time
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node import kinds
from node.directory.importing import Sheet, read_sheet
from node.errors import InputError
from node.protocol import canonical
from tests.importing.test_reading import BODY, FILE
from tests.importing.workbooks import HEADER, ROW, SHEET, changed, workbook, zipped

LINES = "\n".join(json.dumps({"ref": str(no), **BODY}, ensure_ascii=False) for no in range(5)).encode()
BOOK = workbook(HEADER, ROW, ["b", "=1+1", *ROW[2:]], sheets=["Second"], formats={6: "0.000", 11: "00"})
PARTS = {name: zipfile.ZipFile(io.BytesIO(BOOK)).read(name) for name in zipfile.ZipFile(io.BytesIO(BOOK)).namelist()}
SECONDS = 30.0
"""For one file at most, however busy the machine is. All of the thousand together take less than a minute."""

SPITE = [
    b"", b"\0", b'"', b"'", b"\xff\xfe", b"\xef\xbb\xbf", b"=cmd|'/c calc'!A0", b"+", b"-", b"@", b"\r", b"\n\n\n",
    b"\t", b";", b",", b"9" * 400, b"1e999", b"-0", b"NaN", b"1" + b"0" * 5_000, b"{" * 1_000, b"[" * 1_000,
    b"\\ud800", b"\xed\xa0\x80", "\u202e\u2066\u0000".encode(), "𝟗".encode(), "١٢".encode(), b"sep=;\n",
    b"<!DOCTYPE x>", b"&a;", b"&#0;", b"%s%n", b"../../etc", b"<v>1e400</v>", b'r="A0"', b'r="ZZZZ1"', b't="d"',
    b't="zz"', b's="99999"', b"<f>1</f>", b"a" * 20_000,
]  # fmt: skip


def hostile(number: int) -> tuple[bytes, str]:
    """One hostile file and the kind that it is read as."""
    chance = random.Random(number)
    kind = chance.choice(list(kinds.KINDS))
    match number % 5:
        case 0:
            return broken(chance, FILE.encode()), "venue"
        case 1:
            return broken(chance, LINES), "venue"
        case 2:
            return broken(chance, BOOK), kind
        case 3:  # a sound archive whose parts are broken
            parts = dict(PARTS)
            name = chance.choice([*parts, SHEET, SHEET])
            parts[name] = broken(chance, parts[name])
            if chance.random() < 0.2:
                del parts[chance.choice(list(parts))]
            return zipped(parts), "venue"
        case _:
            separator = chance.choice([b",", b";", b"\t"])
            cells = [*SPITE, *(name.encode() for name in HEADER), b"ref", b"name", chance.randbytes(30)]
            rows = [[chance.choice(cells) for _ in range(chance.randrange(30))] for _ in range(chance.randrange(20))]
            return b"\n".join(map(separator.join, rows)), kind


def broken(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.choice([1, 1, 2, 8])):
        at, to = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
        match chance.randrange(6):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + chance.choice(SPITE) + data[at:]
            case 2:
                data = data[:at] + data[to:]
            case 3:
                data = data[:to] + data[at:to] + data[to:]
            case 4:
                data = data[:at] + chance.randbytes(8) + data[at + 8 :]
            case _:
                old = chance.choice([b",", b'"', b"<v>", b"/", b"1", b"=", b"\n", b":"])
                data = data.replace(old, chance.choice(SPITE), chance.choice([1, 5]))
    return data


def came_of(data: bytes, kind: str) -> Sheet | None:
    """What came of it; None for a sentence. Whatever is a draft can be carried by a record."""
    began = time.monotonic()
    try:
        sheet = read_sheet(data, kind, name="file", now=1_800_000_000)
    except InputError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 600
        return None
    finally:
        assert time.monotonic() - began < SECONDS
    for draft in sheet.drafts:
        canonical.encode(draft.body)
        assert kinds.problems(kind, draft.body) == []
    for problem in sheet.problems:
        assert "\n" not in str(problem)
    return sheet


def test_a_thousand_hostile_files_give_problems_or_a_sentence():
    ends = [came_of(*hostile(number)) for number in range(1_000)]
    told = [end for end in ends if end is None]
    problems = [end for end in ends if end is not None and end.problems]
    # Each way out is taken often, or the files wouldn't be worth much.
    assert len(told) > 100
    assert len(problems) > 100


@settings(max_examples=200)
@given(st.binary(max_size=2_000), st.sampled_from(sorted(kinds.KINDS)))
def test_any_bytes_give_problems_or_a_sentence(data, kind):
    came_of(data, kind)


texts = st.text(max_size=60)


@settings(max_examples=200)
@given(
    st.lists(st.lists(texts, max_size=16), max_size=6), st.sampled_from(sorted(kinds.KINDS)), st.sampled_from(",;\t")
)
def test_any_cells_below_a_sound_header_give_problems_or_a_sentence(rows, kind, separator):
    header = separator.join(HEADER)
    came_of("\n".join([header, *(separator.join(row) for row in rows)]).encode("utf-8", "replace"), kind)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["ref", *BODY]) | texts, values, max_size=12))
def test_any_object_gives_problems_or_a_sentence(line):
    came_of(json.dumps(line).encode(), "venue")
    came_of(json.dumps({"ref": "a", **BODY, **line}, ensure_ascii=False).encode("utf-8", "replace"), "venue")


cells = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=100)
@given(
    st.lists(st.lists(cells, max_size=13), max_size=4),
    st.integers(0, 12),
    st.sampled_from(["0%", "00000", "@", "d.m.yy h:mm", '"+"0']),
)
def test_any_cells_of_a_workbook_give_problems_or_a_sentence(rows, column, format_):
    came_of(workbook(HEADER, *rows, formats={column: format_}), "venue")


@settings(max_examples=200)
@given(st.sampled_from(sorted(PARTS)), st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 200))
def test_any_change_inside_a_workbook_gives_problems_or_a_sentence(name, put, at, gone):
    came_of(changed(BOOK, name, lambda part: part[:at] + put + part[at + gone :]), "venue")


def large() -> Iterator[tuple[str, bytes]]:
    """Files of nearly the size that is allowed, each the worst of its sort."""
    yield "quotes", b'"' * 19_000_000
    yield "one line", b"a" * 19_000_000
    yield "separators", b"ref" + b"," * 19_000_000
    yield "line ends", b"ref" + b"\n" * 19_000_000
    yield "short rows", b"ref,date\n" + b"a,b\n" * 49_000
    yield "wide rows", b"ref," + b"a," * 198 + b"\n" + (b"x," * 199 + b"\n") * 40_000
    yield "brackets", b"{" * 19_000_000
    yield "letters of one byte", b"ref\n" + b"\xe0,LV\n" * 45_000
    yield "numbers", b'{"ref": ' + b"1" * 19_000_000 + b"}"


@pytest.mark.parametrize(("data"), [pytest.param(data, id=name) for name, data in large()])
def test_a_large_file_costs_bounded_time_and_memory(data):
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read_sheet(data, "farewell", name="file")
    except InputError as error:
        assert len(str(error)) < 600
    assert time.monotonic() - began < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_500_000
