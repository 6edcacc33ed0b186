"""Belonging and not: the agreement signed, endorsements, partners removed, nodes blocked and expelled, and leaving."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.nodes import Node, bra, get, until, venue
from tests.shell import Shell
from tests.system.conftest import Make
from tests.system.inside import editing, moved, reading

NOBODY = "bra1" + "a" * 32


def venues(node: Node, of: Node) -> set[str]:
    """The names of the venues of another that the node shows to everybody."""
    return {each["body"]["name"] for each in node.listed("venue") if each["author"] == of.id}


def endorsement(node: Node, by: Node, of: str) -> dict[str, Any]:
    """What the node shows of an endorsement; empty where it shows none."""
    shown = (each for each in node.json("list", "endorsement")["records"] if each["author"] == by.id)
    return next((each["body"] for each in shown if each["body"]["node_id"] == of), {})


# --- one node, not serving: what is done, and each sentence that says why not --------------------------------------


@dataclass
class Ground:
    """A node that has signed nothing, and another organisation whose record it holds, as its partner."""

    node: Node
    partner: Node


@pytest.fixture(scope="module")
def ground(make_once: Make) -> Ground:
    node, partner = make_once("Ahti Park", signed=False), make_once("Bergen Park")
    node.befriend(partner)
    partner.serve()
    node.bra("sync")
    partner.stop()
    return Ground(node, partner)


# What is asked of the command line, the exit code, and what the one sentence holds. {partner}: its node id.
BAD = {
    "signing without a role": (("agreement", "sign"), 2, "--role"),
    "signing as nothing": (("agreement", "sign", "--role", " "), 1, "signatory_role"),
    "endorsing whom nobody knows": (("endorse", "Cork Park", "--method", "phone"), 1, "nobody here is called"),
    "endorsing an unknown id without its organisation": (("endorse", NOBODY, "--method", "phone"), 1, "--organisation"),
    "endorsing oneself": (("endorse", "Ahti Park", "--method", "phone"), 1, "an endorsement is of another"),
    "endorsing without a method": (("endorse", "{partner}"), 2, "--method"),
    "endorsing by a method that is none": (("endorse", "{partner}", "--method", "dream"), 2, "dream"),
    "endorsing with a reason": (("endorse", "{partner}", "--method", "phone", "--reason", "x"), 2, "--withdraw"),
    "endorsing until yesterday": (
        ("endorse", "{partner}", "--method", "phone", "--expires", "2020-01-01"), 1, "it is before date",
    ),
    "endorsing until what is no day": (
        ("endorse", "{partner}", "--method", "phone", "--expires", "Friday"), 1, "expires",
    ),
    "withdrawing what was never endorsed": (
        ("endorse", NOBODY, "--withdraw", "--reason", "x"), 1, "has never endorsed",
    ),
    "withdrawing without a reason": (("endorse", "{partner}", "--withdraw"), 2, "a --reason"),
    "withdrawing with a method": (
        ("endorse", "{partner}", "--withdraw", "--reason", "x", "--method", "phone"), 2, "nothing else",
    ),
    "removing whom nobody knows": (("partner", "remove", "Cork Park", "--yes"), 1, "nobody here is called"),
    "removing who is no partner": (("partner", "remove", NOBODY, "--yes"), 1, "is no partner of this node"),
    "removing oneself": (("partner", "remove", "Ahti Park", "--yes"), 1, "this node itself"),
    "removing without an answer": (("partner", "remove", "{partner}"), 1, "nothing was changed: answer 'yes'"),
    "blocking nobody": (("block",), 2, "name the node to block"),
    "blocking and listing": (("block", "{partner}", "--list"), 2, "name the node to block"),
    "blocking oneself": (("block", "Ahti Park", "--yes"), 1, "this node itself"),
    "blocking without an answer": (("block", "{partner}"), 1, "nothing was changed: answer 'yes'"),
    "unblocking who is not blocked": (("unblock", "{partner}"), 1, "is not blocked"),
    "expelling without a reason": (("expel", "{partner}", "--yes"), 2, "--reason"),
    "expelling without an answer": (("expel", "{partner}", "--reason", "x"), 1, "nothing was changed: answer 'yes'"),
    "leaving without a reason": (("leave", "--yes"), 2, "--reason"),
    "leaving in a language that is none": (
        ("leave", "--yes", "--reason", "x", "--language", "klingonese!"), 1, "reason",
    ),
    "leaving without typing the name": (("leave", "--reason", "x"), 1, "nothing was changed: answer 'Ahti Park'"),
    "publishing a farewell beside everything": (
        ("publish", "-", "--kind", "farewell"), 1, "'bra leave' withdraws all others",
    ),
}  # fmt: skip

TEXT = "config/agreement-1.txt"
FAREWELL = b'{"ref": "bye", "date": "2027-01-15", "reason": {"en": "We merge."}}'


@pytest.mark.parametrize("what", BAD)
def test_one_sentence_and_nothing_changed_by(what, ground: Ground, shell: Shell) -> None:
    arguments, code, part = BAD[what]
    before = ground.node.status()
    stdin = FAREWELL if arguments[0] == "publish" else b"no\n"
    given = (each.format(partner=ground.partner.id) for each in arguments)
    done = shell.run(*given, "--home", str(ground.node.home), stdin=stdin)
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert said.splitlines()[-1].startswith("bra: "), said
    assert part in said.splitlines()[-1]
    assert "Traceback" not in said
    assert ground.node.status() == before


def test_init_says_what_is_next_where_nobody_signs(tmp_path) -> None:
    arguments = ("--name", "X", "--country", "EE", "--city", "Y", "--url", "", "--home", str(tmp_path / "home"))
    said = bra("init", *arguments, "--recovery-file", str(tmp_path / "words")).stdout.decode()
    assert "bra agreement sign" in said
    assert "partners alone show what this organisation publishes" in " ".join(said.split())


def test_init_refuses_a_signature_as_nothing_and_leaves_nothing_behind(tmp_path) -> None:
    arguments = ("--name", "X", "--country", "EE", "--city", "Y", "--url", "", "--home", str(tmp_path / "home"))
    done = bra("init", *arguments, "--sign", " ", "--recovery-file", str(tmp_path / "words"))
    assert done.returncode == 1
    assert b"the agreement's signatory_role" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def node(ground: Ground, tmp_path: Path) -> Node:
    """A copy of the node on the ground, to be changed."""
    twin = moved(ground.node, tmp_path)
    twin.bra("resume")
    return twin


def test_the_agreement_is_shown_signed_once_and_never_where_it_was_altered(node: Node) -> None:
    shown = node.json("agreement", "show")
    assert shown["text"].startswith("BUSINESS ROAMING AGREEMENT")
    assert (shown["recognised"], "signed" in shown) == (True, False)
    path = node.home / TEXT
    text = path.read_text()

    path.write_text(text.replace("free of charge", "for a fee"))
    assert "was altered, or is a text that this node doesn't recognise" in node.bra(
        "agreement", "sign", "--role", "Director", code=1
    )
    assert not node.json("agreement", "show")["recognised"]
    path.unlink()
    assert "put the agreement's text there again" in node.bra("agreement", "sign", "--role", "Director", code=1)
    path.write_text(text)

    first = node.json("agreement", "sign", "--role", "Director", "--place", "Tartu")
    seq = node.status()["seq"]
    again = node.bra("agreement", "sign", "--role", "Janitor")
    assert f"Signed on {first['date']} as Director already: nothing was changed." in again
    assert node.status()["seq"] == seq
    [record] = [each for each in node.json("list", "agreement")["records"] if each["author"] == node.id]
    assert record["body"] == {key: first[key] for key in first if key != "new"}
    assert (record["body"]["place"], record["body"]["text_sha256"]) == ("Tartu", shown["text_sha256"])


def test_an_endorsement_is_made_kept_replaced_withdrawn_for_all_to_see_and_made_again(node: Node) -> None:
    endorse = ("endorse", NOBODY, "--organisation", "Cork Park", "--method")
    node.bra(*endorse, "in-person")
    seq = node.status()["seq"]
    assert "already" in node.bra(*endorse, "in-person")
    assert node.status()["seq"] == seq
    node.bra(*endorse, "video", "--expires", "2999-01-01")
    assert endorsement(node, node, NOBODY)["method"] == "video"

    node.bra("endorse", NOBODY, "--withdraw", "--reason", "They closed.")
    withdrawn = endorsement(node, node, NOBODY)
    assert withdrawn["withdrawn"]["reason"] == {"en": "They closed."}
    assert (withdrawn["method"], withdrawn["organisation"]) == ("video", "Cork Park")
    assert "was withdrawn already" in node.bra("endorse", NOBODY, "--withdraw", "--reason", "Twice.", code=1)

    node.bra(*endorse, "phone")
    again = endorsement(node, node, NOBODY)
    assert (again["method"], "withdrawn" in again, "expires" in again) == ("phone", False, False)
    of_nobody = [each for each in node.json("list", "endorsement")["records"] if each["body"]["node_id"] == NOBODY]
    assert len(of_nobody) == 1


def test_an_endorsement_names_the_organisation_as_its_own_record_does(node: Node, ground: Ground) -> None:
    node.bra("endorse", "Bergen", "--method", "in-person")
    assert endorsement(node, node, ground.partner.id)["organisation"] == "Bergen Park"


def test_who_was_removed_and_is_added_again_is_endorsed_again(node: Node, ground: Ground) -> None:
    other = ground.partner
    card = node.home / "keys" / "partners" / f"{other.id}.json"
    assert card.exists()
    node.bra("partner", "remove", other.id, "--yes")
    assert endorsement(node, node, other.id)["withdrawn"]["reason"] == {"en": "no partner of this node any more"}
    assert node.json("partner", "list")["partners"] == []
    assert not card.exists()
    node.befriend(other)
    assert "withdrawn" not in endorsement(node, node, other.id)


def test_what_the_configuration_blocks_is_listed_and_unblocked_only_there(node: Node) -> None:
    node.configure(trust={"blocked": [NOBODY]})
    assert node.json("block", "--list")["blocked"] == [{"node_id": NOBODY, "by": "configuration", "organisation": ""}]
    assert "is blocked in config/node.toml" in node.bra("unblock", NOBODY, code=1)


# --- three nodes that serve ----------------------------------------------------------------------------------------


@dataclass
class Triangle:
    """Everybody is everybody's partner, and shows the others' venues. X is the one that A will not have."""

    a: Node
    b: Node
    x: Node


@pytest.fixture(scope="module")
def triangle(make_once: Make) -> Triangle:
    a, b, x = make_once("Ahti Park"), make_once("Bergen Park"), make_once("Xanten Park")
    for one, other in ((a, b), (a, x), (b, x)):
        one.befriend(other)
    x.publish("venue", [venue("x", name="Room of X")])
    for node in (a, b, x):
        node.serve()
    for node in (a, b):
        until(lambda node=node: venues(node, x), f"{node.name} does not get X's venue: {node.log()}")
    return Triangle(a, b, x)


def records(node: Node, of: Node) -> int | None:
    """How many rows of another's records the database has; None where it has no row of the author itself."""
    with reading(node) as db:
        assert not db.execute("SELECT 1 FROM records WHERE author NOT IN (SELECT no FROM authors)").fetchall()
        count = "(SELECT count(*) FROM records WHERE author = authors.no)"
        found = db.execute(f"SELECT {count} FROM authors WHERE node_id = ?", (of.id,)).fetchone()
    return found[0] if found else None


def path(node: Node, of: Node) -> list[str]:
    """Through whom the node shows another's venues."""
    shown = next(each for each in node.listed("venue") if each["author"] == of.id)
    return [each["author"] for each in shown["known"]["path"]]


def problem(node: Node, with_: Node) -> str:
    """What stands in the way of the node's rounds with a partner; empty where nothing does."""
    shown = {each["node_id"]: each for each in node.json("partner", "list")["partners"]}
    return shown[with_.id].get("problem", "")


def test_a_partner_that_is_blocked_is_no_longer_asked_and_is_asked_again_when_unblocked(triangle) -> None:
    a, x = triangle.a, triangle.x
    assert "is blocked" in a.bra("block", x.id, "--reason", "looking into it", "--yes")
    assert venues(a, x) == set()
    # It goes on vouching for it as far as others can see: a block is nobody else's business.
    assert "withdrawn" not in endorsement(a, a, x.id)
    shown = {each["node_id"]: each for each in a.json("partner", "list")["partners"]}
    assert "blocked" in shown[x.id]["problem"]
    done = a.json("block", "--list")["blocked"]
    assert [(each["organisation"], each["by"]) for each in done] == [("Xanten Park", "command")]
    rounds = {each["partner"]: each for each in a.json("sync")["partners"]}
    assert rounds[x.id]["skipped"] == "it is blocked here"

    a.bra("unblock", x.id)
    until(lambda: venues(a, x) == {"Room of X"}, "X's venue does not come back")
    x.publish("venue", [venue("x1", name="Attic of X")])
    until(lambda: "Attic of X" in venues(a, x), f"A's rounds with X don't go on: {a.log()}")


def test_a_partner_that_is_removed_is_listed_through_others_and_one_that_is_expelled_stays_out(triangle) -> None:
    a, b, x = triangle.a, triangle.b, triangle.x

    asked = a.bra("partner", "remove", "Xanten", stdin=b"no\n", code=1)
    assert "Without Xanten Park" in asked
    said = a.bra("partner", "remove", "Xanten", stdin=b"yes\n")
    assert "is no partner any more" in said
    assert "through Bergen Park" in said
    assert path(a, x) == [b.id, x.id]
    assert [each["node_id"] for each in a.json("partner", "list")["partners"]] == [b.id]

    reason = "Guests were turned away."
    a.bra("expel", x.id, "--reason", reason, "--yes")
    assert venues(a, x) == set()
    assert a.author(x)["standing"] == "unknown"
    assert [(each["node_id"], each["reason"]) for each in a.json("block", "--list")["blocked"]] == [(x.id, reason)]
    # X is told at once, though its question for news was to be held open for longer; it stays in step with B.
    until(lambda: "is not known here" in problem(x, a), f"X's rounds with A go on: {problem(x, a)}", deadline=15)

    x.publish("venue", [venue("x2", name="Another room of X")])
    until(lambda: "Another room of X" in venues(b, x), "X's second venue does not reach B")
    # B introduces X anew, with all its might.
    b.bra("endorse", x.id, "--withdraw", "--reason", "To say it again.")
    b.bra("endorse", x.id, "--method", "in-person")
    [sign] = b.publish("venue", [venue("b", name="Sign of B")])["ids"]
    until(lambda: sign in {each["id"] for each in a.listed("venue")}, "B's news does not reach A")
    assert venues(a, x) == set()
    assert "is not known here" in problem(x, a)

    # Not even a restart lets it in.
    a.stop()
    a.serve()
    until(lambda: a.status()["partners"][0].get("last_sync"), "A does not sync with B")
    assert venues(a, x) == set()

    # Its records are on the disk until the grace period is over, and then they are not.
    a.stop()
    with editing(a) as db:
        db.execute("UPDATE authors SET dropped_at = dropped_at - 31 * 86400 WHERE node_id = ?", (x.id,))
    assert (records(a, x) or 0) > 2
    a.serve()
    until(lambda: records(a, x) is None, "what is held of X is not deleted")
    assert [each["node_id"] for each in a.json("block", "--list")["blocked"]] == [x.id]

    assert "here it is" in a.bra("unblock", x.id)
    until(lambda: venues(a, x) == venues(b, x), "X does not come back through B")
    assert path(a, x) == [b.id, x.id]


def test_an_organisation_is_listed_when_it_signs_and_leaves_by_a_farewell_that_everybody_sees(make: Make) -> None:
    a, b, c = make("Ahti Park", signed=False), make("Bergen Park"), make("Cork Park")
    a.befriend(b)
    b.befriend(c)
    a.publish("venue", [venue("a", name="Room of A"), venue("cellar", name="Cellar of A", visibility="local")])
    for node in (a, b, c):
        node.serve()
    until(lambda: venues(b, a), "A's venue does not reach B, its partner")
    until(lambda: c.author(a).get("standing") == "reached", "A does not reach C")
    assert venues(c, a) == set()

    a.bra("agreement", "sign", "--role", "Managing director")
    until(lambda: venues(c, a) == {"Room of A"}, "A is not listed at C after it signed")

    said = a.bra("leave", "--reason", "We merge with our neighbour.", stdin=b"Ahti Park\n")
    [farewell] = a.json("list", "farewell")["records"]
    assert f"bra withdraw farewell {farewell['id']}" in " ".join(said.split())
    today = farewell["body"]["date"]
    for node in (b, c):
        until(lambda node=node: node.author(a).get("left"), f"{node.name} does not hear the farewell: {node.log()}")
        assert node.author(a)["left"] == {"date": today, "reason": "We merge with our neighbour."}
        assert node.author(a)["records"] == 1
        assert venues(node, a) == set()
        [shown] = node.listed("farewell")
        assert (shown["author"], shown["organisation"]) == (a.id, "Ahti Park")
        assert f"left on {today}: We merge with our neighbour." in node.bra("status")
        assert f"left on {today}: We merge with our neighbour." in node.bra("list", "farewell")
    assert c.author(a)["standing"] == "reached"

    # What never left is still there, and nothing else leaves while the farewell stands.
    assert [each["body"]["name"] for each in a.json("list", "venue")["records"]] == ["Cellar of A"]
    row = json.dumps(venue("new")).encode()
    for command in (("publish", "-", "--kind", "venue"), ("agreement", "sign", "--role", "Director")):
        assert "this organisation has left" in a.bra(*command, stdin=row, code=1)
    assert "left on" in a.bra("leave", "--reason", "Again.", "--yes", code=1)

    a.bra("withdraw", "farewell", farewell["id"])
    a.publish("venue", [venue("new", name="New room of A")])
    a.bra("agreement", "sign", "--role", "Managing director")
    until(lambda: venues(c, a) == {"New room of A"}, "A does not come back")
    assert "left" not in c.author(a)
    assert get(f"{c.url}/api/v1/farewell")["records"] == []
