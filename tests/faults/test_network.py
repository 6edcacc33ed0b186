"""Two nodes talk through a network that breaks: what is shown is always a state that was signed, others notice nothing,
and after the fault they agree.

B gets what A publishes through a proxy, and what C publishes directly. `BRA_FAULTS=50 make faults` tries as many
faults that nobody chose.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.proxy import Corrupt, Cut, Delay, Fault, HalfClose, Proxy, Stall, Throttle
from tests.nodes import Node, get, until, venue
from tests.system.conftest import Make
from tests.system.inside import check, states

ROUNDS = int(os.environ.get("BRA_FAULTS", "0"))
VENUES = 40
"""Of A: its block has about 18 KB on the wire."""
AT_ONCE = 1.0
"""Seconds within which a member's query is answered, whatever the network does."""
LOOKED_AT = 2.0 if ROUNDS else 0.6
"""Seconds of a fault during which both are asked again and again."""
SOON = 3.0
"""Seconds after which B shows what a healthy partner has published."""
PATIENCE = 45.0
"""Seconds after mending within which everybody agrees: a question for news that was lost is given up after 31."""


@dataclass
class Scene:
    a: Node
    b: Node
    c: Node
    proxy: Proxy
    state: int = 0

    def publish(self) -> None:
        """A says something else of each of its venues, in one signed state."""
        self.state += 1
        name = f"Room of state {self.state}"
        # Hexadecimal digits of chance: gzip makes half of them, and no less.
        self.a.publish(
            "venue",
            [venue(f"v{number}", name=name, directions={"en": os.urandom(400).hex()}) for number in range(VENUES)],
        )

    def shown(self) -> list[str]:
        """The names that B shows of A's venues."""
        page = get(f"{self.b.url}/api/v1/venue?limit=1000")
        return [each["body"]["name"] for each in page["records"] if each["author"] == self.a.id]

    def look(self) -> int:
        """Fails unless both answer at once and B shows one state of A, whole; which one."""
        for node in (self.a, self.b):
            began = time.monotonic()
            get(f"{node.url}/api/v1/search?q=room")
            assert time.monotonic() - began < AT_ONCE, f"a member waits at {node.name}"
        names = self.shown()
        assert len(names) == VENUES
        assert len(set(names)) == 1, f"B shows {set(names)}"
        return int(names[0].rpartition(" ")[2])

    def agree(self) -> bool:
        held, own = states(self.b), states(self.a)
        return held[self.a.id] == own[self.a.id] and own[self.b.id] == held[self.b.id]

    def mended(self) -> None:
        """Fails unless everybody comes to agree after the fault."""
        self.proxy.mend()
        until(self.agree, f"they don't agree: {self.a.log()} {self.b.log()}", PATIENCE)
        assert self.look() == self.state


@pytest.fixture(scope="module")
def scene(make_once: Make) -> Iterator[Scene]:
    quick = {"limits": {"request_seconds": 5}, "federation": {"poll_seconds": 1}}
    a, b, c = make_once("Aarhus Park", **quick), make_once("Bergen Park", **quick), make_once("Cork Park", **quick)
    proxy = Proxy(a.port)
    a.configure(node={"url": proxy.url})
    try:
        a.url, direct = proxy.url, a.url
        a.befriend(b)
        a.url = direct
        b.befriend(c)
        for node in (a, b, c):
            node.serve()
        found = Scene(a, b, c, proxy)
        found.publish()
        until(lambda: len(found.shown()) == VENUES, f"A's venues don't come to B: {b.log()}")
        yield found
    finally:
        proxy.close()


FAULTS: dict[str, tuple[Fault | None, Fault | None]] = {
    "nothing passes": (Cut(), Cut()),
    "requests cut in their head": (Cut(200), None),
    "answers cut in their head": (None, Cut(100)),
    "answers cut in the block": (None, Cut(6_000)),
    "requests that stall": (Stall(300), None),
    "answers that stall": (None, Stall()),
    "answers that stall in the block": (None, Stall(6_000)),
    "requests half closed": (HalfClose(200), None),
    "answers half closed in the block": (None, HalfClose(6_000)),
    "requests at 1 KB/s": (Throttle(), None),
    "answers at 1 KB/s": (None, Throttle()),
    "requests corrupted": (Corrupt(500), None),
    "answers corrupted": (None, Corrupt(400)),
    "answers corrupted in the block": (None, Corrupt(3_000)),
    "half a second both ways": (Delay(0.5), Delay(0.5)),
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_shown_was_signed_others_notice_nothing_and_they_agree_after(what: str, scene: Scene) -> None:
    requests, answers = FAULTS[what]
    before = scene.state
    scene.proxy.break_(requests=requests, answers=answers)
    scene.publish()
    until(lambda: scene.proxy.hits, "the fault does not strike")
    scene.c.publish("venue", [venue("c", name=f"Room beside {what}")])
    published, seen = time.monotonic(), False
    while time.monotonic() - published < LOOKED_AT or not seen:
        assert scene.look() in (before, scene.state)
        page = get(f"{scene.b.url}/api/v1/venue?limit=1000")
        seen = seen or any(each["body"]["name"] == f"Room beside {what}" for each in page["records"])
        assert seen or time.monotonic() - published < SOON, "a healthy partner's news waits"
        time.sleep(0.05)
    scene.mended()


def chosen(chance: random.Random) -> dict[str, Fault]:
    """A fault of one direction that nobody chose."""
    at = int(10 ** chance.uniform(0, 4.5))
    faults: list[Fault] = [
        Cut(at),
        Stall(at),
        HalfClose(at),
        Throttle(at),
        Corrupt(at + 1),
        Delay(chance.uniform(0, 2)),
    ]
    if ROUNDS:
        # It takes half a minute to notice.
        faults.append(Stall(at, lost=True))
    return {chance.choice(("requests", "answers")): chance.choice(faults)}


@pytest.mark.parametrize("number", range(ROUNDS or 2))
def test_killed_while_the_network_breaks_a_node_holds_whole_sets_and_they_agree_after(
    number: int, scene: Scene, tmp_path: Path
) -> None:
    seed = int(os.environ.get("BRA_SEED", time.time_ns() % 1_000_000 * 100 + number))
    chance = random.Random(seed)
    before, broken, victim = scene.state, chosen(chance), chance.choice((scene.a, scene.b))
    moment = chance.uniform(0, 0.5)
    said = f"BRA_SEED={seed}: {broken}, {victim.name} killed after {moment:.3f} s"
    try:
        scene.proxy.break_(**broken)
        scene.publish()
        time.sleep(moment)
        victim.kill()
        check(victim.home / "var" / "node.db", tmp_path / "look")
        victim.serve()
        assert scene.look() in (before, scene.state)
        strokes = scene.proxy.hits
        scene.mended()
    except AssertionError as error:
        raise AssertionError(said) from error
    finally:
        scene.proxy.mend()
        if victim.process is None:
            victim.serve()
    for node in (scene.a, scene.b):
        check(node.home / "var" / "node.db", tmp_path / "look")
    sys.stdout.write(f"{said}; {strokes} strokes\n")
