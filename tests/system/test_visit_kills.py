"""Visits between three real nodes that are killed while they happen: nothing is lost, and nothing happens twice.

BRA_RUNS=50 is the campaign (`make roaming RUNS=50`). Each run draws what is killed, and when, from its own number.
"""

import contextlib
import os
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.nodes import Failed, Node, until
from tests.roaming.mailbox import MailServer, text_of
from tests.system.conftest import Make
from tests.system.test_visit import SOON, days, line

RUNS = int(os.environ.get("BRA_RUNS", "1"))
LONGEST_PAUSE = 1.0
"""Seconds into a step in which somebody is killed."""


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def row(make_once: Make, post: MailServer) -> tuple[Node, Node, Node, str]:
    return line(make_once, post)


class Run:
    """One visit, and those who may be killed in each of its steps."""

    def __init__(self, number: int, row: tuple[Node, Node, Node, str], post: MailServer) -> None:
        self.random = Random(f"visits/{number}")
        self.guest, self.between, self.host, self.place = row
        self.purpose = f"Run {number}"
        self.post = post
        self.told: list[str] = []

    def step(self, what: str, done: Callable[[], object], do: Callable[[], object] = lambda: None) -> None:
        """Does something until it is done, while somebody may be killed; all serve again afterwards."""
        victim = self.random.choice((self.guest, self.between, self.host, None))
        pause = self.random.uniform(0, LONGEST_PAUSE)
        self.told.append(f"{what}: {victim.name if victim else 'nobody'} killed after {pause:.2f} s")
        killing = threading.Thread(target=self._kill, args=(victim, pause))
        killing.start()
        self._try(do)
        killing.join()
        if victim is not None:
            victim.serve()

        def again() -> bool:
            found = self._try(done)
            if not found:
                self._try(do)
            return bool(found)

        until(again, "\n".join(["it never comes to this:", *self.told]), SOON)

    @staticmethod
    def _kill(victim: Node | None, pause: float) -> None:
        time.sleep(pause)
        if victim is not None:
            victim.kill()

    @staticmethod
    def _try(what: Callable[[], object]) -> object:
        with contextlib.suppress(Failed, OSError, StopIteration):
            return what()
        return None

    def at(self, node: Node) -> dict:
        """This visit as a node shows it; empty where it doesn't."""
        found = [each for each in node.json("visit", "list")["visits"] if each["request"]["purpose"] == self.purpose]
        assert len(found) <= 1, "the visit is there twice"
        return found[0] if found else {}

    def ask(self) -> None:
        # Whoever got no answer looks whether the question was heard before they ask again.
        if not self.at(self.guest):
            first, last = days()
            self.guest.bra(
                "visit", "ask", "--venue", self.place, "--from", first, "--until", last, "--name", "Liis Tamm",
                "--email", "liis@sensors.example", "--company", "Nordic Sensors", "--purpose", self.purpose,
            )  # fmt: skip

    def link(self) -> str:
        letters = (text_of(each) for each in self.post.letters)
        text = next(each for each in letters if re.search(rf"{self.purpose}\b", each) and "/visit/" in each)
        return re.findall(r"https?://\S+/visit/\S+", text)[0]

    def accept(self) -> None:
        form = urllib.parse.urlencode({"answer": "accept"}).encode()
        urllib.request.urlopen(self.link(), data=form, timeout=10).close()

    def arrive(self, token: str) -> None:
        if self.at(self.host)["state"] != "arrived":
            self.host.bra("desk", "arrived", token, "--venue", self.place.partition("/")[2])


@pytest.mark.parametrize("number", range(RUNS))
def test_a_visit_whose_nodes_are_killed_loses_nothing_and_happens_once(
    number: int, row: tuple[Node, Node, Node, str], post: MailServer
) -> None:
    run = Run(number, row, post)
    guest, host = run.guest, run.host
    before = [receipts(guest, "travelled"), receipts(host, "hosted")]
    run.step("ask", lambda: run.at(guest), run.ask)
    run.step("the host hears", lambda: run.at(host).get("state") == "asked")
    run.step("a letter comes", run.link)
    run.step("accept", lambda: run.at(host)["state"] == "accepted", run.accept)
    run.step("the guest hears", lambda: run.at(guest)["state"] == "accepted")
    visit = run.at(guest)["visit"]
    made: list[dict] = []
    run.step("passes", lambda: made, lambda: made.extend(guest.json("visit", "passes", visit)["passes"]))
    run.step("arrive", lambda: run.at(host)["state"] == "arrived", lambda: run.arrive(made[0]["token"]))
    run.step("both sign", lambda: "guest" in host.json("visit", "receipt", visit))
    assert guest.json("visit", "receipt", visit) == host.json("visit", "receipt", visit)
    for node in (guest, host):
        assert [move["event"] for move in run.at(node)["moves"]] == ["ask", "accept", "arrive"], run.told
    assert [receipts(guest, "travelled"), receipts(host, "hosted")] == [count + 1 for count in before]


def receipts(node: Node, what: str) -> int:
    """How many visits both signed, by this node's books."""
    return sum(each[what]["visits"] for each in node.json("visit", "reciprocity")["partners"])
