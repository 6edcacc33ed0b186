"""A new key, a lost disk, a restored backup, two homes on one key: with real nodes, as their operators would."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.nodes import Node, free_port, until, venue
from tests.system.conftest import Make
from tests.system.inside import moved, reading
from tests.system.terminal import Terminal

A, B, C = "Ahti Park", "Bergen Park", "Cork Park"


def names(node: Node, author: Node) -> list[str]:
    return sorted(each["body"]["name"] for each in node.listed("venue") if each["author"] == author.id)


def state(node: Node) -> str:
    return node.status()["authority"]["state"]


def synced(node: Node, author: Node) -> bool:
    """Whether the node holds the author's newest state."""
    own = author.status()
    held = node.author(author)
    return bool(held) and (held["epoch"], held["seq"]) == (own["epoch"], own["seq"])


def beat_of(node: Node, author: Node) -> bytes | None:
    with reading(node) as db:
        row = db.execute("SELECT beat FROM authors WHERE node_id = ?", (author.id,)).fetchone()
    return row and row[0]


def rotate(node: Node, *options: str) -> dict:
    return json.loads(node.bra("rotate", "--words-file", str(node.words), "--json", *options))


@pytest.fixture
def three(make: Make) -> tuple[Node, Node, Node]:
    """A is the partner of B and of C; A has a room; all three serve and know it."""
    a, b, c = make(A), make(B), make(C)
    a.befriend(b)
    a.befriend(c)
    a.publish("venue", [venue("one")])
    for node in (a, b, c):
        node.serve()
    for node in (b, c):
        until(lambda node=node: names(node, a) == ["Room one"], f"{node.name} lacks A's room")
    return a, b, c


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Callable[[Node], Node]]:
    """Makes a second home on a stopped node's key, and ends it whatever happens."""
    made: list[Node] = []

    def copy(node: Node) -> Node:
        made.append(moved(node, tmp_path / "copied"))
        return made[-1]

    yield copy
    for node in made:
        node.kill()


def backup(node: Node, folder: Path) -> Path:
    """A copy of the stopped node's home."""
    assert node.process is None
    shutil.copytree(node.home, folder, ignore=shutil.ignore_patterns("bra.sock"))
    return folder


def restore(node: Node, copy: Path) -> None:
    assert node.process is None
    shutil.rmtree(node.home)
    shutil.copytree(copy, node.home)


def test_a_restored_home_asks_its_partners_adopts_what_they_hold_and_publishes_again(three, tmp_path: Path) -> None:
    a, b, c = three
    a.stop()
    copy = backup(a, tmp_path / "week-old")
    a.serve()
    a.publish("venue", [venue("two")])
    until(lambda: names(b, a) == names(c, a) == ["Room one", "Room two"], "the second room does not arrive")
    a.kill()
    restore(a, copy)
    a.serve()
    until(lambda: state(a) == "open" and names(a, a) == ["Room one", "Room two"], f"A does not recover: {a.status()}")
    a.publish("venue", [venue("three")])
    until(lambda: names(b, a) == names(c, a) == ["Room one", "Room three", "Room two"], "the third does not arrive")
    for node in (a, b, c):
        assert node.status()["refusals"] == []


def test_a_restored_home_whose_partners_are_away_says_what_it_cannot_know_and_only_reads(three, tmp_path: Path) -> None:
    a, b, c = three
    for node in (a, b, c):
        node.stop()
    restore(a, backup(a, tmp_path / "copy"))
    said = a.bra("withdraw", "venue", a.json("list", "venue")["records"][0]["id"], code=1)
    assert "this home was restored from a backup or copied" in said
    a.serve()
    assert state(a) == "restored"
    assert names(a, a) == ["Room one"], "it can still be read"
    assert a.json("resume") == {"resumed": True}
    assert state(a) == "open"
    a.publish("venue", [venue("two")])
    a.stop()
    # The mark stands again: the same home asks nobody any more.
    a.publish("venue", [venue("three")])
    assert state(a) == "open"


def test_an_untouched_home_writes_offline_without_asking(three) -> None:
    a, b, c = three
    for node in (a, b, c):
        node.kill()
    a.publish("venue", [venue("two")])
    assert state(a) == "open"


def test_peers_that_were_offline_during_a_rotation_accept_the_new_key_and_refuse_the_old_one(three, copied) -> None:
    a, b, c = three
    for node in (a, b, c):
        node.stop()
    thief = copied(a)
    done = rotate(a)
    assert done["epoch"] == 2
    assert sorted(done["untold"]) == sorted((b.id, c.id))
    a.publish("venue", [venue("two")])
    a.serve()
    for node in (b, c):
        node.serve()
        until(lambda node=node: names(node, a) == ["Room one", "Room two"], f"{node.name} does not take the new key")
        assert node.author(a)["epoch"] == 2
    a.stop()
    # Whoever has the old key is refused by both, at the door, and its state is not taken.
    thief.bra("resume")
    thief.publish("venue", [venue("stolen")])
    thief.serve()
    until(lambda: all("problem" in each for each in thief.status()["partners"]), "the old key is let in")
    assert all("signature" in each["problem"] for each in thief.status()["partners"])
    for node in (b, c):
        assert names(node, a) == ["Room one", "Room two"]


@pytest.mark.parametrize(
    ("ending", "left"),
    [
        pytest.param(["rotate", "--stolen"], ["Room one"], id="what a thief published is dropped"),
        pytest.param(["heal", "--yes"], ["Room elsewhere", "Room one"], id="what a colleague published is kept"),
    ],
)
def test_what_somebody_else_signs_with_the_key_is_noticed_and_a_person_decides(three, copied, ending, left) -> None:
    a, b, c = three
    a.stop()
    thief = copied(a)
    thief.serve()
    until(lambda: state(thief) == "open", "the thief's copy finds nothing newer")
    thief.publish("venue", [venue("elsewhere")])
    until(
        lambda: "Room elsewhere" in names(b, a) and "Room elsewhere" in names(c, a), "the thief's room does not arrive"
    )
    thief.kill()
    a.serve()
    until(lambda: state(a) == "signed elsewhere", f"A does not notice: {a.status()['authority']}")
    assert names(a, a) == ["Room one"], "nothing of the thief's is adopted"
    assert "somebody else has published with this node's key" in a.bra("withdraw", "venue", "x", code=1)
    a.stop()
    a.bra(*ending, "--words-file", str(a.words))
    a.serve()
    for node in (a, b, c):
        until(lambda node=node: names(node, a) == left and node.author(a)["epoch"] == 2, f"{node.name} lags behind")


def test_the_card_can_be_signed_on_a_machine_without_a_network(three, tmp_path: Path) -> None:
    a, b, _ = three
    a.stop()
    request = tmp_path / "request.json"
    asked = json.loads(a.bra("rotate", "--request", str(request), "--json"))
    card = a.bra("sign-card", str(request), "--yes", "--words-file", str(a.words))
    assert json.loads(card)["statement"]["signing"] == asked["signing"]
    path = tmp_path / "card.json"
    path.write_text(card)
    assert json.loads(a.bra("rotate", "--card", str(path), "--json"))["epoch"] == 2
    assert not list(a.home.glob("keys/*.asked")), "the key that waited is in use now"
    a.serve()
    until(lambda: b.author(a)["epoch"] == 2, "B does not take the new key")


def test_a_card_is_signed_by_somebody_who_has_seen_for_what(make: Make, tmp_path: Path) -> None:
    a, request = make(A), tmp_path / "request.json"
    asked = json.loads(a.bra("rotate", "--request", str(request), "--json"))
    arguments = ("sign-card", str(request), "--words-file", str(a.words))
    said = a.bra(*arguments, stdin=b"yes\n", code=2)
    assert "nobody can be asked here" in said
    for answer, code in (("no", 1), ("yes", 0)):
        terminal = Terminal(*arguments)
        terminal.answers("to hand the node over to this key:", answer)
        assert terminal.ended() == code
        for shown in (a.id, "epoch       2", asked["signing"]):
            assert shown in terminal.shown
        assert ('"type":"card"' in terminal.shown) is (code == 0)
    evil = json.loads(request.read_text()) | {"epoch": 2**53 - 1}
    request.write_text(json.dumps(evil, separators=(",", ":"), sort_keys=True))
    assert "find out who asks for it" in a.bra(*arguments, "--yes", code=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rotate", "--words-file", "OTHER"], "these words are another node's"),
        (["rotate", "--words-file", "MISSING"], "can't be read"),
        (["rotate", "--card", "CARD"], "no key waits for a card here"),
        (["heal", "--yes", "--words-file", "OWN"], "holds another history of this node"),
        (["recover", "--from", "URL", "--words-file", "OWN"], "can't be reached"),
        (["recover", "--from", "ftp://x", "--words-file", "OWN"], "https"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence_and_changes_nothing(
    make_once: Make, alone, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    node, other = alone
    replaced = {
        "OTHER": str(other.words),
        "OWN": str(node.words),
        "MISSING": str(tmp_path / "none"),
        "CARD": str(node.home / "keys" / "card.json"),
        "URL": f"http://127.0.0.1:{free_port()}",
    }
    before = (node.home / "keys" / "signing.key").read_bytes()
    code = 2 if "ftp://x" in arguments else 1
    assert sentence in node.bra(*(replaced.get(each, each) for each in arguments), code=code)
    assert (node.home / "keys" / "signing.key").read_bytes() == before
    assert node.status()["epoch"] == 1


@pytest.fixture(scope="module")
def alone(make_once: Make) -> tuple[Node, Node]:
    return make_once("Dover Park"), make_once("Espoo Park")


def test_a_lost_node_comes_back_from_a_partner_with_its_words(three, tmp_path: Path) -> None:
    a, b, c = three
    a.publish("contact", [{"ref": "desk", "role": "Front desk", "languages": ["en"], "email": "desk@park.example"}])
    until(lambda: synced(b, a) and synced(c, a) and beat_of(b, c), "B and C lack A's newest state, or B C's address")
    a.kill()
    shutil.rmtree(a.home)
    found = json.loads(a.bra("recover", "--from", b.url, "--words-file", str(a.words), "--json"))
    assert found["node_id"] == a.id
    assert (found["epoch"], found["lost"], found["partners"]) == (3, 0, 2)
    a.configure(federation={"retry_first_seconds": 0.2, "retry_longest_seconds": 1.0})
    a.serve()
    assert names(a, a) == ["Room one"]
    assert [each["body"]["email"] for each in a.json("list", "contact")["records"]] == ["desk@park.example"]
    # Both partners go on with it, and it with them: C's address came from C's own beat.
    a.publish("venue", [venue("two")])
    for node in (b, c):
        until(lambda node=node: names(node, a) == ["Room one", "Room two"], f"{node.name} does not follow")
        until(lambda node=node: node.author(a)["epoch"] == 3, f"{node.name} keeps the old key")
    assert {each["node_id"] for each in a.status()["partners"]} == {b.id, c.id}


def test_what_only_another_partner_holds_comes_back_as_well(three) -> None:
    a, b, c = three
    until(lambda: beat_of(b, c), "B has no beat of C, which says where C is reached")
    b.stop()
    a.publish("venue", [venue("two")])
    until(lambda: synced(c, a), "C lacks A's newest state")
    a.kill()
    c.stop()
    b.serve()
    shutil.rmtree(a.home)
    said = a.bra("recover", "--from", b.url, "--words-file", str(a.words), code=1)
    assert c.id in said
    assert "--accept-loss" in said
    c.serve()
    found = json.loads(a.bra("recover", "--from", b.url, "--words-file", str(a.words), "--json"))
    assert (found["lost"], found["partners"]) == (0, 2)
    assert a.url in (a.home / "config" / "node.toml").read_text()
    a.serve()
    for node in (a, b, c):
        until(lambda node=node: names(node, a) == ["Room one", "Room two"], f"{node.name} lacks what C held")


def test_two_homes_on_one_key_are_noticed_told_to_everybody_and_merged(three, copied) -> None:
    a, b, c = three
    a.publish("venue", [venue("kept"), venue("gone-here"), venue("gone-there"), venue("edited")])
    until(lambda: synced(b, a) and synced(c, a), "B and C lack A's newest state")
    ids = {each["body"]["name"]: each["id"] for each in a.listed("venue") if each["author"] == a.id}
    a.stop()
    b.stop()
    c.stop()
    # A machine set back to a snapshot: nothing on it tells that it isn't the first.
    twin = copied(a)
    twin.bra("resume")
    twin.publish("venue", [venue("from-twin"), venue("edited", name="Edited there")])
    twin.bra("withdraw", "venue", ids["Room gone-there"])
    a.publish("venue", [venue("from-first"), venue("edited", name="Edited here")])
    a.bra("withdraw", "venue", ids["Room gone-here"])
    # C hears the twin, B the first; then all hear each other.
    c.serve()
    twin.serve()
    until(lambda: "Room from-twin" in names(c, a), "C does not hear the twin")
    twin.kill()
    c.stop()
    b.serve()
    a.serve()
    until(lambda: "Room from-first" in names(b, a), "B does not hear the first")
    c.serve()
    until(lambda: state(a) == "forked", f"A does not notice: {a.status()['authority']}")
    until(lambda: c.author(a)["forked"] and b.author(a)["forked"], "not everybody is told of the fork")
    assert any(
        "signed two histories" in each.get("warning", "") for each in c.listed("venue") if each["author"] == a.id
    )
    assert "two histories" in a.bra("withdraw", "venue", ids["Room kept"], code=1)
    a.stop()
    done = json.loads(a.bra("heal", "--yes", "--words-file", str(a.words), "--json"))
    assert (done["epoch"], done["withdrawn"], done["drafts"]) == (2, 1, 1)
    a.serve()
    healed = ["Edited here", "Room from-first", "Room from-twin", "Room kept", "Room one"]
    healed_there = sorted({*healed, "Edited there"} - {"Edited here"})
    for node in (a, b, c):
        until(
            lambda node=node: names(node, a) in (healed, healed_there),
            f"{node.name} has {names(node, a)}",
        )
        until(lambda node=node: not node.author(a)["forked"], f"{node.name} still shows a fork")


def test_the_recovery_words_are_checked_in_a_terminal_and_another_nodes_are_not_taken(make: Make) -> None:
    node, other = make(A), make(B)
    assert "are the words of" in node.bra("words", "--words-file", str(node.words))
    assert "are another node's" in node.bra("words", "--words-file", str(other.words), code=1)
    terminal = Terminal("words", "--home", str(node.home))
    terminal.answers("24 recovery words", " ".join([*node.words.read_text().split("\n")[1].split()[:23], "zoo"]))
    assert terminal.ended() == 1
