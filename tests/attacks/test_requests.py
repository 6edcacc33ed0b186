"""Who asks, whom, and when: requests and greetings can't be replayed, passed on or made up (SPEC, "The wire")."""

import json
import time
from typing import Any

import pytest

from node.protocol.canonical import decode
from node.protocol.statements import Hello
from tests.attacks.conftest import TAKEN, Scene, room
from tests.attacks.intruder import ask, signed
from tests.directory.small_node import agreement_body, organisation_body
from tests.nodes import get, until
from tests.protocol.builders import DAY, Author

FEED = "/federation/v1/feed"


def refused(answer: tuple[int, bytes], status: int) -> str:
    """The sentence of a refusal."""
    assert answer[0] == status, answer
    return str(json.loads(answer[1])["detail"])


def test_a_signed_request_counts_once_and_not_after_a_restart(scene: Scene) -> None:
    headers = signed(scene.victim, "GET", FEED, by=scene.intruder)
    signed_at = time.time()
    assert ask(scene.victim, "GET", FEED, None, headers)[0] == 200
    assert "sent before" in refused(ask(scene.victim, "GET", FEED, None, headers), 401)
    until(lambda: int(time.time()) > int(signed_at), "time stands still")
    scene.victim.stop()
    scene.victim.serve()
    assert "before this node started" in refused(ask(scene.victim, "GET", FEED, None, headers), 401)


def test_a_request_that_is_meant_for_another_node_is_not_answered(scene: Scene) -> None:
    other = Author("another")
    assert "meant for" in refused(scene.intruder.ask(scene.victim, "GET", FEED, recipient=other.id), 401)


@pytest.mark.parametrize("off", [DAY, -DAY])
def test_a_request_of_another_day_is_refused_with_what_to_do(off: int, scene: Scene) -> None:
    assert "one of the two clocks is wrong" in refused(
        scene.intruder.ask(scene.victim, "GET", FEED, at=time.time() + off), 401
    )


def test_a_beat_from_the_future_makes_nobody_fresh(scene: Scene) -> None:
    author = scene.introduce("early")
    author.put("venue", room("Room two"), "two")
    author.commit()
    author.beat(int(time.time()) + DAY)
    # What the feed says of its beat is refused before its state has come.
    assert scene.offer(author) in (TAKEN, "clock")
    until(lambda: scene.holds(author), f"its state is not taken: {scene.victim.log()}")
    scene.intruder.tell(author)
    scene.goes_on()
    assert scene.row(author, "beat_time") is None
    assert {each["stale"] for each in scene.shown(author)} == {True}


def test_a_cursor_of_another_database_is_refused_rather_than_answered_with_no_news(scene: Scene) -> None:
    assert "start over" in refused(scene.intruder.ask(scene.victim, "GET", f"{FEED}?since=another:1"), 410)


def test_an_author_of_another_network_is_not_taken(scene: Scene) -> None:
    author = Author("rehearsal", network="rehearsal")
    author.put("organisation", organisation_body("Rehearsal Park"), "self")
    author.put("agreement", agreement_body())
    author.commit()
    scene.intruder.endorse(author)
    assert scene.outcome(author) == "foreign network"
    assert scene.row(author, "head") is None
    scene.goes_on()


BOUGHT = ["its own key", "the partner's card", "an old greeting", "a greeting for another address"]


@pytest.mark.parametrize("what", BOUGHT)
def test_whoever_bought_a_partners_domain_is_asked_nothing_though_it_has(what: str, scene: Scene) -> None:
    partner = scene.intruder
    buyer = Author("buyer")

    def greeting(nonce: str, url: str) -> dict[str, Any]:
        made = partner.greet(nonce, url)
        of: dict[str, Any] = {"author": partner.id, "epoch": 1, "nonce": nonce, "url": url, "time": int(time.time())}
        if what == "its own key":
            made["card"] = decode(buyer.card.signed.line)
            made["hello"] = decode(Hello.make(buyer.signing_key, **of | {"author": buyer.id}).signed.line)
        elif what == "the partner's card":
            made["hello"] = decode(Hello.make(buyer.signing_key, **of).signed.line)
        elif what == "an old greeting":
            made = partner.greet("A" * 43, url)
        else:
            made = partner.greet(nonce, "https://new.park.example")
        return made

    scene.goes_on()
    partner.asked.clear()
    partner.greeting = greeting
    partner.interrupt()
    until(lambda: partner.asked.count("greeting") >= 2, "the victim does not try again")
    assert set(partner.asked[partner.asked.index("greeting") :]) == {"greeting"}
    assert "503" not in scene.problem(partner)


def test_a_node_does_not_sign_a_greeting_for_another_address(scene: Scene) -> None:
    nonce = "A" * 43
    there = f"/.well-known/bra-node?nonce={nonce}&url="
    assert "hello" in get(f"{scene.victim.url}{there}{scene.victim.url}")
    assert "call it there" in refused(ask(scene.victim, "GET", f"{there}https://bought.example", None, {}), 421)
