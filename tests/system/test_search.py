"""`bra search` of a real node, as a person at a terminal sees it and as a program reads it."""

from pathlib import Path
from typing import Any

import pytest

from tests.nodes import Node, venue


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("search")
    node = Node(folder / "tartu", "Tartu Science Park")
    munich = {"city": "Munich", "country": "DE", "geo": {"lat_e6": 48_137_000, "lon_e6": 11_575_000}}
    node.publish(
        "venue",
        [
            venue("desk", name="Quiet desk", **munich, time_zone="Europe/Berlin", facilities=["wifi"]),
            venue("night", name="Night desk", **munich, time_zone="Europe/Berlin", hours="Mo-Su 20:00-23:00"),
            venue("home", name="Home desk"),
        ],
    )
    return node


def test_a_desk_in_munich_that_is_open_on_tuesday_is_found_in_one_line(node: Node) -> None:
    told = node.bra("search", "desk", "--near", "München", "--open-at", "2027-06-01T10:00", "--kind", "venue")
    near, line = told.splitlines()
    assert near == "Near Munich, DE, within 25 km."
    assert "Quiet desk, Munich" in line
    assert line.endswith("(Tartu Science Park)  0.1 km  open")


def test_a_slip_is_told_and_pages_say_how_to_go_on(node: Node) -> None:
    told = node.bra("search", "dessk", "--limit", "1", "--facets", "--explain")
    assert told.startswith("Nothing holds 'dessk': searched for desk.\n")
    assert "type: desk (3)" in told
    assert "dessk: desk in the heading (corrected)" in told
    assert "These are 1 of 3: go on with --after " in told
    cursor = told.split("--after ")[1].strip()
    assert "go on with" not in node.bra("search", "dessk", "--after", cursor)


def test_a_program_gets_the_answer_as_the_api_gives_it(node: Node) -> None:
    found = node.json("search", "--near", "Munich", "--facilities", "wifi", "--sort", "distance")
    assert (found["total"], [record["body"]["name"] for record in found["records"]]) == (1, ["Quiet desk"])
    assert found["understood"]["place"]["name"] == "Munich"
    served = node.json("search", "--bbox", "-12,48,12,49")
    assert served["total"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--near", "Xyzzyville"], 'near: no city is called "Xyzzyville" here', id="an unknown city"),
        pytest.param(["--open-at", "soon"], 'open_at: "soon" is not a time: write it like', id="no time"),
        pytest.param(["--sort", "distance"], "sort: a distance is from somewhere", id="a distance from nowhere"),
        pytest.param([""], "q: there is nothing to search for: give at least one word", id="no words"),
    ],
)
def test_what_can_not_be_answered_is_one_sentence(node: Node, arguments: list[str], sentence: str) -> None:
    told = node.bra("search", *arguments, code=1)
    assert told.startswith(f"bra: {sentence}")
    assert len(told.splitlines()) == 1
