"""A spreadsheet with 317 rows as real offices keep them: published when it is sound, else refused row by row."""

import csv
import io
import random

import pytest

from tests.importing.test_a_real_file import HEADER, _hurt, _row
from tests.nodes import Node
from tests.system.conftest import Make

ROWS = 317


@pytest.fixture(scope="module")
def node(make_once: Make) -> Node:
    return make_once("Ahti Park")


def sheet(chance: random.Random, hurt: float) -> tuple[bytes, dict[int, tuple[str, str]]]:
    """The file, with a BOM, and the rows that are wrong with the column and a part of the sentence for each."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    wrong: dict[int, tuple[str, str]] = {}
    for number in range(ROWS):
        cells, _ = _row(chance, number)
        if chance.random() < hurt:
            wrong[number + 2] = _hurt(chance, cells)
        writer.writerow([cells[name] for name in HEADER])
    return file.getvalue().encode("utf-8-sig"), wrong


def test_a_file_with_bad_rows_is_refused_by_row_and_column_and_nothing_is_published(node: Node, tmp_path) -> None:
    data, wrong = sheet(random.Random(7), 0.1)
    file = tmp_path / "offices.csv"
    file.write_bytes(data)
    before = node.status()

    told = node.bra("publish", str(file), "--kind", "venue", code=1).splitlines()

    assert len(wrong) > 10
    for line, (row, (column, sentence)) in zip(told, wrong.items(), strict=False):
        assert line.startswith(f"row {row}, {column}: ")
        assert sentence in line
    assert len(told) == len(wrong) + 1
    assert told[-1].startswith(f"bra: nothing was published: {len(wrong)} problems in {file}")
    assert node.status() == before
    assert node.json("list", "venue")["records"] == []


def test_a_sound_file_is_published_whole_and_publishing_it_again_is_no_news(node: Node, tmp_path) -> None:
    data, wrong = sheet(random.Random(8), 0)
    assert not wrong
    file = tmp_path / "offices.csv"
    file.write_bytes(data)
    before = node.status()["seq"]

    assert f"{ROWS} new, 0 changed, 0 unchanged" in node.bra("publish", str(file), "--kind", "venue")
    assert f"0 new, 0 changed, {ROWS} unchanged" in node.bra("publish", str(file), "--kind", "venue")

    assert node.status()["seq"] == before + ROWS
    listed = node.json("list", "venue")["records"]
    assert len(listed) == ROWS
    assert {each["body"]["country"] for each in listed} == {"EE", "DE", "HK", "MA"}
    assert node.json("search", "tartu õpetaja")["records"]
    assert node.json("search", "香港")["records"]
