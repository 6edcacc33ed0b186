"""Sheets, as an operator publishes them: looked at first, asked about what is missing, understood the next time."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from node.app import App
from node.control.parts import unreported
from node.directory.draft import ChangedMeanwhile
from node.errors import InputError
from node.home import Home
from tests.importing.workbooks import HEADER, ROW, workbook
from tests.nodes import Node, until, venue
from tests.system.conftest import Make
from tests.system.terminal import Terminal


def sheet(*refs: str, header: str = ",".join(HEADER), **cells: str) -> bytes:
    values = dict(zip(HEADER, map(str, ROW), strict=True)) | cells
    rows = (",".join((values | {"ref": ref}).values()) for ref in refs)
    return "\n".join([header, *rows, ""]).encode()


def held(node: Node) -> set[str]:
    """Names of the venues that the node lists."""
    return {record["body"]["name"] for record in node.json("list", "venue")["records"]}


@pytest.fixture
def node(make: Make) -> Node:
    return make("Tartu Park")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rooms.csv"


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(node: Node, file: Path):
    file.write_bytes(sheet("a", "b"))
    before = node.status()
    assert "2 new, 0 changed, 0 unchanged, 0 missing" in node.bra("publish", str(file), "--kind", "venue", "--dry-run")
    assert node.status() == before
    node.bra("publish", str(file), "--kind", "venue")
    file.write_bytes(sheet("b", "c").replace(b"b,", b"b,", 1))
    told = node.json("publish", str(file), "--kind", "venue", "--dry-run")
    assert (told["created"], told["unchanged"], told["missing"], told["published"]) == (1, 1, ["a"], False)


@pytest.mark.parametrize("serving", [False, True], ids=["at rest", "while it serves"])
def test_rows_that_went_missing_are_asked_about_before_they_are_withdrawn(node: Node, file: Path, serving: bool):
    if serving:
        node.serve()
    file.write_bytes(sheet("a", name="One") + sheet("b", name="Two").split(b"\n", 1)[1])
    node.bra("publish", str(file), "--kind", "venue")
    file.write_bytes(sheet("a", name="Three"))
    told = node.bra("publish", str(file), "--kind", "venue", code=1)
    assert told == (
        "bra: nothing was published: 1 row that came from rooms.csv before is missing now (b): "
        "give --withdraw-missing or --keep-missing\n"
    )
    assert held(node) == {"One", "Two"}
    node.bra("publish", str(file), "--kind", "venue", "--keep-missing")
    assert held(node) == {"Three", "Two"}
    assert node.json("publish", str(file), "--kind", "venue", "--withdraw-missing")["withdrawn"] == 1
    assert held(node) == {"Three"}
    node.bra("publish", str(file), "--kind", "venue")


@pytest.mark.parametrize(
    ("answer", "code", "left"),
    [("withdraw", 0, {"One"}), ("keep", 0, {"One", "Two"}), ("perhaps", 1, {"One", "Two"})],
)
def test_at_a_terminal_the_question_is_asked_there(node: Node, file: Path, answer: str, code: int, left: set[str]):
    file.write_bytes(sheet("a", name="One") + sheet("b", name="Two").split(b"\n", 1)[1])
    node.bra("publish", str(file), "--kind", "venue")
    file.write_bytes(sheet("a", name="One"))
    terminal = Terminal("publish", str(file), "--kind", "venue", "--home", str(node.home))
    terminal.answers("Type 'withdraw' or 'keep':", answer)
    assert terminal.ended() == code
    assert held(node) == left


def test_only_rows_of_the_same_source_and_kind_are_missing(node: Node, file: Path):
    file.write_bytes(sheet("a"))
    node.bra("publish", str(file), "--kind", "venue")
    other = file.with_name("other.csv")
    other.write_bytes(sheet("b"))
    node.bra("publish", str(other), "--kind", "venue")
    node.bra("publish", "-", "--kind", "venue", stdin=sheet("c"))
    node.bra("publish", "-", "--kind", "venue", stdin=sheet("d"))
    node.publish("venue", [venue("e")])
    other.write_bytes(sheet("e"))
    assert "b" in node.bra("publish", str(other), "--kind", "venue", "--source", "other.csv", code=1)
    assert node.json("publish", str(other), "--kind", "venue", "--source", "autumn")["created"] == 0
    file.write_bytes(b"ref,role,languages,email\na,Desk,en,desk@park.example\n")
    node.bra("publish", str(file), "--kind", "contact")


def test_a_row_with_a_problem_is_not_missing_and_one_that_was_withdrawn_by_hand_is_not_either(node: Node, file: Path):
    file.write_bytes(sheet("a", "b"))
    ids = node.json("publish", str(file), "--kind", "venue")["ids"]
    file.write_bytes(sheet("a", "b", type="castle"))
    assert json.loads(_out(node, "publish", str(file), "--kind", "venue"))["missing"] == []
    node.bra("withdraw", "venue", ids[1])
    file.write_bytes(sheet("a"))
    node.bra("publish", str(file), "--kind", "venue")


def _out(node: Node, *arguments: str) -> str:
    """What a command that fails says on standard output."""
    from tests import nodes

    done = nodes.bra(*arguments, "--json", "--home", str(node.home))
    assert done.returncode == 1
    return done.stdout.decode()


def test_a_mapping_is_remembered_until_it_is_forgotten(node: Node, file: Path):
    file.write_bytes(sheet("a", header=",".join(HEADER).replace("name", "Nimi").replace("city", "Linn")))
    told = node.bra("publish", str(file), "--kind", "venue", code=1)
    assert "row 1, Nimi: no such column: did you mean name? Rename it, map it or remove it" in told
    node.bra("publish", str(file), "--kind", "venue", "--map", "Nimi=name", "--map", "Linn=city", "--dry-run")
    node.bra("publish", str(file), "--kind", "venue", code=1)
    node.bra("publish", str(file), "--kind", "venue", "--map", "Nimi=name", "--map", "Linn=city")
    shown = node.bra("publish", str(file), "--kind", "venue", "--dry-run")
    assert "  Nimi is name\n  Linn is city\n" in shown
    [known] = node.json("mapping", "list")["mappings"]
    assert (known["kind"], known["mapping"]) == ("venue", {"nimi": "name", "linn": "city"})
    node.bra("mapping", "forget", known["id"])
    node.bra("publish", str(file), "--kind", "venue", code=1)
    assert "no mapping" in node.bra("mapping", "forget", known["id"], code=1)


def test_a_workbook_is_the_same_records_as_its_csv_and_the_template_can_be_published(node: Node, file: Path):
    file.write_bytes(sheet("a"))
    node.bra("publish", str(file), "--kind", "venue")
    book = file.with_suffix(".xlsx")
    book.write_bytes(workbook(HEADER, ROW))
    assert node.json("publish", str(book), "--kind", "venue")["unchanged"] == 1
    template = node.bra("template", "--kind", "contact").encode()
    assert node.json("publish", "-", "--kind", "contact", stdin=template)["created"] == 2


def test_a_warning_is_told_and_the_row_is_published(node: Node, file: Path):
    file.write_bytes(sheet("a", latitude="48.378"))
    told = node.json("publish", str(file), "--kind", "venue")
    assert told["published"]
    [warning] = told["warnings"]
    assert (warning["row"], warning["column"]) == (2, "latitude")
    assert warning["sentence"].startswith("1112 km from Tartu, EE, near ")


USAGE = [
    (("--withdraw-missing", "--keep-missing"), "contradict each other"),
    (("--map", "Nimi"), "maps nothing"),
    (("--map", "=name"), "maps nothing"),
]


@pytest.mark.parametrize(("options", "sentence"), USAGE, ids=[" ".join(options) for options, _ in USAGE])
def test_options_that_can_not_work_are_wrong_usage(node: Node, file: Path, options: tuple[str, ...], sentence: str):
    file.write_bytes(sheet("a"))
    assert sentence in node.bra("publish", str(file), "--kind", "venue", *options, code=2)


async def imported(app: App, sheet: bytes, **parameters: Any) -> dict[str, Any]:
    said = {"kind": "venue", "data": base64.b64encode(sheet).decode(), "source": "rooms"}
    return await app.operations.run("import", said | parameters, unreported)


async def test_a_commit_of_a_preview_is_refused_where_the_file_the_mapping_or_the_records_changed(node: Node):
    async with App.opened(Home(node.home)) as app:
        first = sheet("a", "b")
        look = await imported(app, first)
        assert not look["published"]
        for data, change in (
            (sheet("a", "c"), {}),
            (first, {"source": "other"}),
            (first, {"mapping": {"hours": ""}}),
        ):
            with pytest.raises(ChangedMeanwhile, match="look at a new one"):
                await imported(app, data, commit=True, digest=look["digest"], **change)
        done = await imported(app, first, commit=True, digest=look["digest"])
        assert (done["published"], done["created"]) == (True, 2)
        with pytest.raises(ChangedMeanwhile):
            await imported(app, first, commit=True, digest=look["digest"])


async def test_records_for_this_node_alone_are_part_of_what_may_have_changed(node: Node):
    async with App.opened(Home(node.home)) as app:
        look = await imported(app, sheet("a"))
        local = {
            "kind": "venue",
            "body": {key: value for key, value in venue("x").items() if key != "ref"},
            "visibility": "local",
        }
        await app.operations.run("publish", {"changes": [local]}, unreported)
        with pytest.raises(ChangedMeanwhile):
            await imported(app, sheet("a"), commit=True, digest=look["digest"])


async def test_what_stands_in_the_way_is_said_and_nothing_is_published(node: Node):
    async with App.opened(Home(node.home)) as app:
        await imported(app, sheet("a", "b"), commit=True)
        undecided = await imported(app, sheet("b"), commit=True)
        assert (undecided["published"], undecided["missing"]) == (False, ["a"])
        wrong = await imported(app, sheet("b", type="castle"), commit=True, missing="withdraw")
        assert (wrong["published"], len(wrong["problems"])) == (False, 1)
        assert (await imported(app, sheet("b"), commit=True, missing="withdraw"))["withdrawn"] == 1


REFUSED = [
    ("no base64", {"data": "ä"}, "not base64"),
    ("no decision", {"missing": "burn"}, "decided by withdraw or keep"),
    ("a source that is too long", {"source": "x" * 201}, "at most 200"),
    ("a source that is no name", {"source": "a\x1b[2J"}, "plain characters"),
    ("a mapping of numbers", {"mapping": {"name": 1}}, "headers and columns"),
    ("no kind", {"kind": "castle"}, "there are no castle records"),
]


@pytest.mark.parametrize(("parameters", "sentence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_parameters_that_make_no_sense_are_a_sentence(node: Node, parameters: dict[str, Any], sentence: str):
    async with App.opened(Home(node.home)) as app:
        with pytest.raises(InputError, match=sentence):
            await imported(app, sheet("a"), **parameters)


async def test_a_long_file_says_how_far_it_is(node: Node):
    pieces: list[dict[str, Any]] = []
    async with App.opened(Home(node.home)) as app:
        said = {"kind": "venue", "data": base64.b64encode(sheet(*map(str, range(1_000)))).decode()}
        await app.operations.run("import", said, pieces.append)
    until(lambda: len(pieces) == 4, "the progress is not told")
    assert pieces == [{"rows": done, "of": 1_000} for done in (0, 250, 500, 750)]
