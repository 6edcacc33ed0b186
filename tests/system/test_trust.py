"""Why an organisation is known, and what would be lost without one: real nodes in a square, of which one is asked."""

from collections.abc import Iterator

import pytest

from tests.nodes import Node, bra, until
from tests.system.conftest import Make


@pytest.fixture(scope="module")
def square(make_once: Make) -> Iterator[tuple[Node, Node, Node, Node]]:
    """Tartu and Munich are opposite corners; Lund and Munster are partners of both."""
    tartu, lund, munich, munster = (make_once(f"{name} Park") for name in ("Tartu", "Lund", "Munich", "Munster"))
    nodes = (tartu, lund, munich, munster)
    for node in nodes:
        node.serve()
    for one, other in ((tartu, lund), (lund, munich), (munich, munster), (munster, tartu)):
        one.befriend(other)
    until(lambda: tartu.author(munich).get("standing") == "honoured", "Munich is not honoured through both")
    yield nodes


def test_every_way_is_told_with_names_dates_and_methods(square: tuple[Node, Node, Node, Node]) -> None:
    tartu, lund, munich, munster = square
    found = tartu.json("trust", "why", munich.id)
    assert (found["organisation"], found["standing"], found["partner"]) == ("Munich Park", "honoured", False)
    assert {tuple(step["author"] for step in way["path"]) for way in found["ways"]} == {
        (lund.id, munich.id),
        (munster.id, munich.id),
    }
    assert all(way["honours"] and way["path"][-1]["method"] and way["path"][-1]["date"] for way in found["ways"])
    said = tartu.bra("trust", "why", "munich p")
    assert f"Munich Park ({munich.id}) is honoured here." in said
    assert "Lund Park (" in said
    assert " > Munich Park (" in said


def test_a_partner_is_known_by_its_keys(square: tuple[Node, Node, Node, Node]) -> None:
    tartu, lund, *_ = square
    assert "It is a partner: keys were exchanged directly." in tartu.bra("trust", "why", lund.id[:12])


def test_a_name_that_fits_nobody_or_several_is_one_sentence(square: tuple[Node, Node, Node, Node]) -> None:
    tartu = square[0]
    assert "nobody here is called 'Oslo'" in tartu.bra("trust", "why", "Oslo", code=1)
    several = tartu.bra("trust", "why", "mun", code=1)
    assert "give the node id" in several
    assert all(f"{node.id} ({node.name})" in several for node in square[2:])
    assert "nobody here is called 'bra1'" in tartu.bra("trust", "why", "bra1", code=1)


def test_without_one_corner_the_opposite_one_is_honoured_no_more(square: tuple[Node, Node, Node, Node]) -> None:
    tartu, lund, munich, _ = square
    before = tartu.status()["authors"]
    found = tartu.json("trust", "what-if", "--without", "Lund")
    assert [each["node_id"] for each in found["without"]] == [lund.id]
    assert (found["unreachable"], found["unlisted"]) == ([], [])
    assert [each["node_id"] for each in found["unhonoured"]] == [munich.id]
    assert "1 organisation is honoured no more" in tartu.bra("trust", "what-if", "--without", lund.id)
    both = tartu.json("trust", "what-if", "--without", "Lund", "--without", "Munster")
    assert [each["node_id"] for each in both["unreachable"]] == [munich.id]
    assert [each["standing"] for each in tartu.status()["authors"]] == [each["standing"] for each in before]


def test_before_a_partner_is_removed_what_that_costs_is_told_and_not_what_a_block_would(
    square: tuple[Node, Node, Node, Node],
) -> None:
    tartu, lund, oslo = *square[:2], "bra1" + "a" * 32
    lund.bra("endorse", oslo, "--method", "phone", "--organisation", "Oslo Hub")
    until(lambda: tartu.json("trust", "why", oslo)["ways"], "whom Lund endorses does not come")
    # Lund itself stays known through Munster and Munich, and so does what it vouches for.
    assert "unreachable" not in tartu.bra("partner", "remove", "Lund", stdin=b"no\n", code=1)
    assert "1 organisation becomes unreachable" in tartu.bra("block", "Lund", stdin=b"no\n", code=1)


def test_when_the_square_is_cut_the_other_corner_holds_all_that_is_left(
    square: tuple[Node, Node, Node, Node],
) -> None:
    tartu, lund, munich, munster = square
    tartu.bra("block", lund.id, "--yes")
    found = tartu.json("trust", "what-if", "--without", munster.id)
    assert [each["node_id"] for each in found["unreachable"]] == [munich.id]
    said = tartu.bra("trust", "why", lund.id)
    assert "is unknown here" in said
    assert "It is blocked here, whoever vouches for it." in said


def test_who_takes_a_known_name_is_shown_with_a_warning(make: Make) -> None:
    tartu, lund, other = make("Tartu Park"), make("Lund Park"), make("Lund Рark")
    for node in (tartu, lund, other):
        node.serve()
    tartu.befriend(lund)
    tartu.befriend(other)
    until(lambda: tartu.author(lund).get("records"), "Lund's records don't come")
    until(lambda: tartu.author(other).get("records"), "the other's records don't come")
    warning = "its name looks like that of Lund Park, which is known here for longer: compare node ids"
    assert tartu.author(other)["warning"] == warning
    assert tartu.json("endorse", other.id, "--method", "phone")["warning"] == warning
    shown = bra("endorse", other.id, "--method", "video", "--home", str(tartu.home))
    assert f"WARNING: {warning}." in shown.stderr.decode()
    assert "is endorsed now" in shown.stdout.decode()
    assert "warning" not in tartu.json("endorse", lund.id, "--method", "phone")
    unknown = tartu.json("endorse", "bra1" + "a" * 32, "--method", "phone", "--organisation", "Lund-Park")
    assert unknown["warning"] == warning
    assert "warning" not in tartu.author(lund)
    assert f"WARNING: {warning}" in tartu.bra("status")
    assert f"WARNING: {warning}" in tartu.bra("trust", "why", other.id)
