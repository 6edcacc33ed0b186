"""Records read in C are those that Python reads, member for member, and nothing that Python refuses."""

import json
import random
import struct
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from node.errors import Malformed
from node.protocol import native, scanner
from node.protocol.blocks import Block, Limits, parse_line
from node.protocol.canonical import encode
from node.protocol.names import LARGEST_INTEGER
from node.protocol.record import VISIBILITIES, Record, tree_key
from tests.protocol.builders import Author, leaf_line, leaf_of, put_line
from tests.protocol.record_lines import LEFT, MALFORMED, PLAIN, TARTU, line_of, spoiled
from tests.protocol.sanitizing import built, sanitized, with_compiler

MODEST = settings(max_examples=200, database=None, suppress_health_check=[HealthCheck.too_slow])


def in_c(line: bytes) -> Record | None:
    [record] = in_c_each([line])
    return record


def in_c_each(lines: list[bytes]) -> list[Record | None]:
    """Of each line its record, or None where it isn't plainly one."""
    found: list[Record | None] = []
    for run in scanner.runs(lines, TARTU.id):
        found += [None] if isinstance(run, bytes) else run
    return found


def in_python(line: bytes) -> Record | None:
    """As a block reads it; None where that is refused, or of another author."""
    try:
        tag, _ = parse_line(line)
        record = Record.parse(line[7:-1])
    except Malformed:
        return None
    return record if tag == "put" and record.author == TARTU.id else None


@built
@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_record_is_the_one_that_python_reads(line):
    assert in_c(line) == Record.parse(line[7:-1])


@built
@pytest.mark.parametrize("line", LEFT)
def test_what_is_a_record_but_not_a_plain_one_is_left_to_python(line):
    assert Record.parse(line[7:-1]).line == line[7:-1]
    assert in_c(line) is None


@built
@pytest.mark.parametrize("line", MALFORMED)
def test_what_python_refuses_is_no_record(line):
    assert in_python(line) is None
    assert in_c(line) is None


@built
def test_many_lines_are_told_apart():
    lines = [each.values[0] for each in (*PLAIN, *MALFORMED, *LEFT, *PLAIN)]
    assert in_c_each(lines) == [in_c(line) for line in lines]
    assert in_c_each([]) == []


# Records that nobody thought of, and lines that are almost theirs

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
keys = st.text("abAB09_-", min_size=1, max_size=5)
scalars = st.one_of(st.booleans(), st.integers(-LARGEST_INTEGER, LARGEST_INTEGER), texts)
values = st.recursive(scalars, lambda each: st.lists(each, max_size=4) | st.dictionaries(keys, each), max_leaves=12)
names = st.text("abz019_-", min_size=1, max_size=64)
lines = st.builds(
    lambda unknown, **members: put_line(Record.parse(encode(unknown | json.loads(Record.make(**members).line)))),
    unknown=st.dictionaries(keys, values, max_size=2),
    author=st.just(TARTU.id),
    kind=names,
    id=names,
    seq=st.integers(1, LARGEST_INTEGER),
    salt=st.binary(min_size=16, max_size=16),
    updated=st.integers(-30_000_000_000, 253_402_300_799),  # from 1019 to 9999
    visibility=st.sampled_from(VISIBILITIES[:3]),
    body=st.dictionaries(keys, values, max_size=4),
)


@built
@MODEST
@given(lines)
def test_a_made_record_is_read_alike_in_c(line):
    # What has to be spelled by \u is for Python alone.
    assert in_c(line) == (None if b"\\u" in line else in_python(line))
    assert in_python(line) is not None


@built
@MODEST
@given(lines, st.randoms(use_true_random=False))
@example(line_of(), random.Random(0))
def test_an_altered_line_is_read_alike_in_c_or_left_to_python(line, chance):
    for _ in range(10):
        altered = spoiled(line, chance)
        assert in_c(altered) in (None, in_python(altered)), altered


# Blocks, with the library and without


def block_of(page: list[bytes]) -> Block | str:
    """What comes of it: the block, or the sentence that refuses it."""
    block = Block(TARTU.id)
    try:
        block.read(page, Limits())
    except Malformed as error:
        return str(error)
    return block


def page() -> list[bytes]:
    """A block of each sort of line, a record among them that is left to Python."""
    tartu = Author("tartu")
    for number in range(6):
        tartu.put("venue", {"name": f"Room {number}", "more": ["\x01" if number == 3 else "é"]}, f"room{number}")
    tartu.remove("venue", "room0")
    tartu.commit()
    tartu.beat(tartu.now)
    told = tartu.block_lines()
    told[-3] = leaf_line(leaf_of(tartu.records[Record.parse(told[-3][7:-1]).key]))
    return told


def page_with(line: bytes) -> list[bytes]:
    return [*page()[:5], line, *page()[6:]]


def changed_page(*, count: int = 4, more: int = 0) -> list[bytes]:
    """A block that brings a record and then what took its place, whose head says this count, and so many bytes more."""
    tartu = Author("tartu")
    for number in range(4):
        tartu.put("venue", {"name": f"Room {number}"}, f"room{number}")
    before = put_line(tartu.records[tree_key("venue", "room1")])
    tartu.put("venue", {"name": "New"}, "room1")
    size = sum(len(record.line) for record in tartu.records.values())
    tartu.heads.append(tartu.head_with(count=count, size=size + more))
    told = tartu.block_lines()
    return [*told[:3], before, *told[3:]]


PAGES = [
    pytest.param(changed_page(more=200), True, id="a record and what took its place"),
    pytest.param(page(), True, id="whole"),
    pytest.param(page()[:-1], False, id="broken off"),
    pytest.param(page()[1:], True, id="without its card"),
    pytest.param(page()[2:], False, id="without its head"),
    pytest.param([*page(), page()[5]], False, id="a record behind the last line"),
    pytest.param([page()[4], *page()], False, id="a record first"),
    pytest.param(page_with(page()[4]), False, id="a record twice"),
    pytest.param([*page()[:5], page()[6], page()[5], *page()[7:]], False, id="records that changed places"),
    pytest.param(changed_page(count=3), False, id="more records than the head says"),
    pytest.param(changed_page(more=-1), False, id="more bytes than the head says"),
    *(
        pytest.param(page_with(each.values[0]), False, id=f"with a malformed line: {each.id}")
        for each in (*MALFORMED[::9], *LEFT[1:])
    ),
]


@built
@pytest.mark.parametrize(("page", "read"), PAGES)
def test_a_block_is_the_same_without_the_library_and_so_is_what_refuses_it(page, read, monkeypatch):
    with_library = block_of(page)
    assert isinstance(with_library, Block) is read
    monkeypatch.setattr(native, "functions", None)
    assert block_of(page) == with_library


@built
def test_more_lines_than_are_looked_at_at_once_are_each_read(monkeypatch):
    monkeypatch.setattr(scanner, "_AT_ONCE", 3)
    lines = [line_of(id=f'"v{number}"') for number in range(10)]
    assert [each and each.id for each in in_c_each(lines)] == [f"v{number}" for number in range(10)]


def test_without_the_library_no_line_is_plain(monkeypatch):
    monkeypatch.setattr(native, "functions", None)
    assert list(scanner.runs([line_of(), b""], TARTU.id)) == [line_of(), b""]


# Memory

LINES = r"""
int main(int count, char **arguments) {
    uint32_t size;
    while (count == 2 && fread(&size, sizeof size, 1, stdin) == 1) {
        char *line = malloc((size_t)size + 1); /* not a byte more, so that one read behind it is seen */
        if (line == NULL || fread(line, 1, size, stdin) != size) return 2;
        line[size] = 0;
        record found;
        uint64_t length = size;
        scan(&counterfeit, line, &length, 1, arguments[1], &found);
        putchar(found.visibility ? '1' : '0');
        free(line);
    }
    return 0;
}
"""


@with_compiler
def test_no_byte_behind_a_line_is_read_whatever_the_line(tmp_path):
    program = sanitized("scanner.c", LINES, tmp_path)
    chance, told = random.Random(2026), [each.values[0] for each in (*PLAIN, *LEFT, *MALFORMED)]
    short = [line for line in told if len(line) < 2_000]
    told += [line_of()[:end] for end in range(len(line_of()))]
    told += [spoiled(chance.choice(short), chance) for _ in range(6_000)]
    packed = b"".join(struct.pack("=I", len(line)) + line for line in told)
    done = subprocess.run([program, TARTU.id], input=packed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout) == len(told)
    read = [in_python(line) for line, plain in zip(told, done.stdout, strict=True) if plain == ord("1")]
    assert len(read) > len(PLAIN)
    assert None not in read
