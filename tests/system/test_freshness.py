"""What is old is shown as old, and clocks that differ are told, between real nodes; one with a clock that is wrong."""

import time

import pytest

from node.cli.common import last_heard
from node.protocol.names import format_time
from tests.nodes import PYTHON, Node, until, venue
from tests.system.conftest import Make

DAY = 86_400
PROMPTLY = 20.0
EMAIL = "landing@desk.example"


def serve_with_clock(node: Node, seconds: float) -> None:
    """Serves a node whose clock is off by so much."""
    node.program = (*PYTHON, "tests.system.shifted", str(seconds))
    node.serve()
    del node.program


def contact(email: str = EMAIL) -> dict[str, object]:
    return {"ref": "1", "role": "Landing manager", "languages": ["en"], "email": email, "visibility": "public"}


def in_step(node: Node, *others: Node) -> bool:
    states = {each["node_id"]: each for each in node.status()["partners"]}
    return all("problem" not in states[other.id] and "last_sync" in states[other.id] for other in others)


def problem(node: Node, with_: Node) -> str:
    [found] = [each for each in node.status()["partners"] if each["node_id"] == with_.id]
    return str(found.get("problem", ""))


def in_files(node: Node) -> bool:
    return any(EMAIL.encode() in path.read_bytes() for path in (node.home / "var").glob("node.db*"))


@pytest.mark.parametrize(
    ("off", "there", "here"),
    [pytest.param(7200, "behind", "ahead", id="ahead"), pytest.param(-7200, "ahead", "behind", id="behind")],
)
def test_a_clock_that_is_off_is_told_on_both_sides_until_it_is_right(
    off: int, there: str, here: str, make: Make
) -> None:
    wrong, right = make("Ahti Park"), make("Bergen Park")
    wrong.befriend(right)
    serve_with_clock(wrong, off)
    right.serve()
    sentences = {right: f"its clock is {here} by 2 hours", wrong: f"its clock is {there} by 2 hours"}
    for node, other in ((right, wrong), (wrong, right)):
        # The first round may have come before the other node served.
        until(lambda n=node, o=other: sentences[n] in problem(n, o), f"{node.name} says another thing or nothing")
        assert "one of the two clocks is wrong" in node.bra("status")
    wrong.stop()
    wrong.serve()
    until(lambda: in_step(right, wrong) and in_step(wrong, right), f"they don't sync: {problem(right, wrong)}")


def test_a_silent_organisation_is_shown_as_old_hidden_purged_and_back_when_it_is_heard_again(make: Make) -> None:
    away, node = make("Ahti Park"), make("Bergen Park")
    away.befriend(node)
    away.serve()
    node.serve()
    away.publish("contact", [contact()])
    away.publish("venue", [venue("v")])
    until(lambda: node.listed("contact") and node.listed("venue"), "it never comes")
    away.stop()
    node.stop()

    serve_with_clock(node, 16 * DAY)
    assert node.listed("contact") == []
    assert f"{away.name}, last heard from" in node.bra("list", "venue")
    assert in_files(node)
    node.stop()

    serve_with_clock(node, 61 * DAY)
    until(lambda: not in_files(node), "the contact is not purged", PROMPTLY)
    assert node.status()["without_body"] == 1
    assert len(node.listed("venue")) == 1
    assert "its contacts are hidden" in node.bra("status")
    node.stop()

    node.serve()
    away.serve()
    until(lambda: node.listed("contact"), "the contact does not come back")
    assert away.name in node.bra("list", "contact")
    assert "last heard from" not in node.bra("list", "contact")


def test_contacts_of_a_silent_node_that_nobody_can_reach_come_back_when_it_brings_its_state(make: Make) -> None:
    hidden = make("Ahti Park", url="", federation={"outbound_only": True})
    node = make("Bergen Park")
    hidden.befriend(node)
    hidden.publish("contact", [contact()])
    node.serve()
    hidden.bra("sync")
    assert len(node.listed("contact")) == 1
    node.stop()
    serve_with_clock(node, 61 * DAY)
    until(lambda: not in_files(node), "the contact is not purged", PROMPTLY)
    node.stop()
    node.serve()
    hidden.bra("sync")
    assert len(node.listed("contact")) == 1


def test_how_long_ago_is_said_in_words() -> None:
    for seconds, words in ((16 * DAY + 60, "16 days ago"), (7300, "2 hours ago"), (3000, "50 minutes ago")):
        assert last_heard({"heard": format_time(time.time() - seconds)}) == f"last heard from {words}"
    assert last_heard({}) == "not heard from yet"


def test_a_node_that_nobody_can_reach_is_heard_though_it_publishes_nothing(make: Make) -> None:
    hidden = make("Ahti Park", url="", federation={"outbound_only": True})
    partner = make("Bergen Park")
    hidden.befriend(partner)
    partner.serve()
    hidden.serve()
    until(lambda: partner.author(hidden).get("heard"), "it is never heard from")
    first = partner.author(hidden)
    hidden.stop()
    until(lambda: format_time(int(time.time())) > first["heard"], "the clock stands still")
    hidden.serve()
    until(lambda: partner.author(hidden)["heard"] > first["heard"], "its newest beat is not brought")
    assert partner.author(hidden)["seq"] == first["seq"]
