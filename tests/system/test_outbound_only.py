"""A node that nobody can connect to is a full member: it brings its records, and fetches the others'."""

import time

from tests.nodes import until, venue
from tests.system.conftest import Make
from tests.system.inside import states

PROMPTLY = 5.0
"""Seconds; a question for news that has to run out waits for 25."""


def names(node) -> set[str]:
    return {each["body"]["name"] for each in node.listed("venue")}


def test_its_records_reach_its_partner_and_beyond_promptly_and_it_gets_theirs(make: Make) -> None:
    hidden = make("Ahti Park", url="", federation={"outbound_only": True})
    partner, beyond = make("Bergen Park"), make("Cork Park")
    hidden.befriend(partner)
    partner.befriend(beyond)
    hidden.publish("venue", [venue("h1")])
    beyond.publish("venue", [venue("c1", name="Room at Cork")])
    for node in (partner, beyond, hidden):
        node.serve()
    until(lambda: names(beyond) == {"Room h1", "Room at Cork"}, f"nothing is brought: {hidden.log()}")
    until(lambda: names(hidden) == {"Room h1", "Room at Cork"}, f"nothing is fetched: {hidden.log()}")
    # Nobody knows where it is, so nobody has connected to it.
    assert {each["url"] for each in partner.json("partner", "list")["partners"]} == {"", beyond.url}
    for node in (partner, beyond):
        for path in (node.home / "var").glob("node.db*"):
            assert hidden.url.encode() not in path.read_bytes()

    [id_] = hidden.publish("venue", [venue("h2")])["ids"]
    published = time.monotonic()
    until(lambda: "Room h2" in names(beyond), "the news does not come", PROMPTLY)
    hidden.bra("withdraw", "venue", id_)
    until(lambda: "Room h2" not in names(beyond), "the withdrawal does not come", PROMPTLY + 1)
    assert time.monotonic() - published < 2 * PROMPTLY + 1

    row = {"ref": "desk", "role": "Landing manager", "languages": ["et"], "email": "landing@park.example"}
    hidden.publish("contact", [row])
    until(lambda: partner.json("list", "contact")["records"], "what members see is not brought to a partner", PROMPTLY)
    until(lambda: states(beyond).get(hidden.id) == states(hidden)[hidden.id], "the states differ in the end")


def test_what_it_published_while_it_did_not_run_is_brought_when_it_starts(make: Make) -> None:
    hidden = make("Ahti Park", url="", federation={"outbound_only": True})
    partner = make("Bergen Park")
    hidden.befriend(partner)
    partner.serve()
    hidden.publish("venue", [venue("h1")])
    hidden.serve()
    until(lambda: names(partner) == {"Room h1"}, f"nothing is brought: {hidden.log()}")
    hidden.kill()
    hidden.publish("venue", [venue("h1", name="Room edited"), venue("h2")])
    partner.kill()
    partner.serve()
    hidden.serve()
    until(lambda: names(partner) == {"Room edited", "Room h2"}, f"nothing is brought: {hidden.log()}", PROMPTLY)


def test_one_round_by_hand_brings_its_records_too(make: Make) -> None:
    hidden = make("Ahti Park", url="", federation={"outbound_only": True})
    partner = make("Bergen Park")
    hidden.befriend(partner)
    partner.serve()
    hidden.publish("venue", [venue("h1")])
    assert "problem" not in hidden.json("sync")["partners"][0]
    assert names(partner) == {"Room h1"}
