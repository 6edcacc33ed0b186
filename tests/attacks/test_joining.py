"""Somebody in between, somebody else, somebody later: who may become a partner, and who is taken for one."""

import asyncio
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag

import pytest

from node.control import socket
from node.home import Home
from node.joining.reception import FAILURES
from node.protocol.canonical import decode
from node.trust.safety_words import safety_words
from tests import nodes
from tests.attacks.conftest import Scene
from tests.directory.small_node import agreement_body, organisation_body, signatory
from tests.nodes import PYTHON, Node
from tests.protocol.builders import Author
from tests.system.conftest import Make

DAY = 86_400


@pytest.fixture(scope="module")
def lund(make_once: Make) -> Iterator[Node]:
    node = make_once("Lund Park")
    node.serve()
    yield node


def operate(node: Node, name: str, **parameters: Any) -> dict[str, Any]:
    """What the serving node answers to one of its operator's commands."""
    return asyncio.run(socket.call(Home(node.home), name, parameters))


def partners(node: Node) -> list[str]:
    return [each["node_id"] for each in operate(node, "partner-list")["partners"]]


def test_a_key_put_in_between_shows_other_words_to_both_sides(lund: Node, make: Make) -> None:
    tartu, mallory = make("Tartu Forum"), make("Lund Park")
    for node in (tartu, mallory):
        node.serve()
    # Mallory got the link, and gave Tartu one of its own: to each side it says that it is the other.
    mallory.bra("join", lund.bra("invite").strip())
    at_tartu = operate(tartu, "join", link=mallory.bra("invite").strip())["words"]
    at_lund = operate(lund, "join-show", who=mallory.id)["words"]
    assert not set(at_tartu) & set(at_lund)
    for node, heard in ((lund, at_tartu), (tartu, at_lund)):
        said = node.bra("partner", "confirm", mallory.id, "--words", " ".join(heard), code=1)
        assert "these are not the safety words" in said
        assert mallory.id not in partners(node)


WRONG = {
    "another pair's": lambda right: safety_words(Author("one").id, Author("other").id),
    "one that is exchanged": lambda right: (*right[:7], "zoo" if right[7] != "zoo" else "abandon"),
    "two that changed places": lambda right: (right[1], right[0], *right[2:]),
    "seven": lambda right: right[:7],
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_words_make_nobody_a_partner(what: str, lund: Node) -> None:
    author = signatory(f"wrong-{len(what)}")
    began = time.perf_counter()
    right = safety_words(lund.id, author.id)
    assert time.perf_counter() - began > 0.02, "words are cheap: keys can be searched for until they look right"
    words = " ".join(WRONG[what](right))
    card = author.signed_record("organisation", "self").line
    lund.bra("partner", "add", "-", "--words", words, stdin=card, code=1)
    assert author.id not in partners(lund)


def test_an_invitation_counts_once_and_for_a_day(lund: Node, make: Make) -> None:
    tartu, other = make("Tartu Forum"), make("Oulu Park")
    link, late = lund.bra("invite").strip(), lund.bra("invite").strip()
    tartu.bra("join", link)
    assert "another node has used this invitation" in other.bra("join", link, code=1)
    lund.stop()
    tomorrow = (*PYTHON, "tests.system.shifted", str(DAY + 60))
    lund.program = tomorrow
    try:
        lund.serve()
        done = subprocess.run([*tomorrow, "join", late, "--home", str(other.home)], capture_output=True, check=False)
        assert (done.returncode, b"this invitation expired" in done.stderr) == (1, True), done
    finally:
        del lund.program
        lund.stop()
        lund.serve()
    assert other.id not in lund.bra("partner", "list")


def test_opening_an_invitation_does_nothing(lund: Node, make: Make) -> None:
    link = lund.bra("invite").strip()
    secret = link.rpartition(".")[2]
    # What a browser sends ends before the '#'.
    address = urldefrag(link).url
    assert secret not in address
    for method in ("GET", "HEAD", "GET"):
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=10) as page:
            assert page.status == 200
            assert b"<script" not in page.read()
    assert make("Tartu Forum").json("join", link)["node_id"] == lund.id


def test_strangers_that_guess_invitations_keep_no_newcomer_out(lund: Node, make: Make) -> None:
    link, newcomer = lund.bra("invite").strip(), make("Tartu Forum")
    guessed = link[:-4] + ("AAAA" if not link.endswith("AAAA") else "BBBA")
    # All from one address, as through the proxy that config/node.toml asks for.
    said = [newcomer.bra("join", guessed, code=1) for _ in range(FAILURES + 1)]
    assert "no invitation of this node fits this link" in said[0]
    assert "too many wrong invitations" in said[-1]
    done = nodes.bra("join", link, "--home", str(newcomer.home))
    assert (done.returncode, b"Lund Park" in done.stdout) == (0, True), done.stderr


def organisation(author: Author, name: str, website: str) -> Author:
    author.put("organisation", organisation_body(name, website=website), "self")
    author.put("agreement", agreement_body())
    author.commit()
    return author


def test_an_organisation_that_looks_like_a_known_one_is_pointed_out(scene: Scene) -> None:
    known = scene.introduce(organisation(Author("known"), "Gothenburg Harbour", "https://gothenburg.example/"))
    # The second begins its last word with a letter of another script.
    twin = organisation(Author("twin"), "Gothenburg \u041darbour", "https://harbour.example/")
    card = decode(twin.signed_record("organisation", "self").line)
    warnings = operate(scene.victim, "partner-add", key_card=card)["warnings"]
    assert [known.id in warning and "looks like" in warning for warning in warnings] == [True]
    scene.introduce(twin)
    shown = {each["node_id"]: each.get("warning", "") for each in scene.victim.status()["authors"]}
    assert (shown[known.id], "Gothenburg Harbour" in shown[twin.id]) == ("", True)
