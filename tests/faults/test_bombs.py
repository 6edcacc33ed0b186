"""A partner whose answers grow to 200 MB, wherever a node reads one: it takes a bounded piece of memory, and is told.

A feed and a push that do so are in `tests/attacks/test_bytes.py`. Here a pull asks for 64 authors at once, so that the
cap on its answer as a whole is far away, and what counts is the cap on each block.
"""

import sys
import zlib
from collections.abc import Callable, Iterator

import pytest

from tests.attacks.conftest import Scene, staged
from tests.attacks.intruder import Handler
from tests.directory.small_node import adoption_body, signatory
from tests.faults.memory import peak, reset_peak, resident
from tests.nodes import until
from tests.protocol.builders import Author
from tests.system.conftest import Make

MIB = 1024 * 1024
SIZE = 200 * MIB
ROOM = 100 * MIB
"""What one answer may take: a block has up to 64 MiB."""
WANTS = 64
"""Authors in one pull."""


@pytest.fixture(scope="module")
def scene(make_once: Make) -> Iterator[Scene]:
    yield from staged(make_once, "Espoo", limits={"request_seconds": 10})


@pytest.fixture(scope="module")
def authors(scene: Scene) -> list[Author]:
    """Whom the victim takes from its partner."""
    found = [signatory(f"known-{number}") for number in range(WANTS)]
    scene.intruder.endorse(*found)
    return found


def packed(piece: bytes) -> bytes:
    """A piece again and again, in gzip."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    many = piece * (MIB // len(piece))
    return b"".join([*(stream.compress(many) for _ in range(SIZE // len(many))), stream.flush()])


LINES = {
    "one line": b"x",
    "long lines": b"x" * 65_000 + b"\n",
    "short lines": b"xx\n",
    "empty blocks": b'{"next":{"author":"x"}}\n',
}


@pytest.mark.parametrize("what", LINES)
def test_a_pull_of_many_authors_is_cut_off_that_grows_to(what: str, scene: Scene, authors: list[Author]) -> None:
    taken(scene, authors)
    for each in authors:
        each.put("adoption", adoption_body(what))
        each.commit()
    grown = bombed(scene, "pull", packed(LINES[what]), lambda: scene.intruder.tell_together(authors))
    sys.stdout.write(f"{what}: {grown // MIB} MiB more at the most\n")
    assert grown < ROOM
    taken(scene, authors)
    scene.goes_on()


def test_a_refusal_is_cut_off_that_grows_to_200_mb(scene: Scene) -> None:
    assert bombed(scene, "feed", packed(b"x"), scene.intruder.endorse, status=500) < ROOM / 4
    scene.goes_on()


def taken(scene: Scene, authors: list[Author]) -> None:
    until(lambda: all(scene.holds(each) for each in authors), f"they are not taken: {scene.victim.log()}")


def bombed(scene: Scene, call: str, bomb: bytes, begin: Callable[[], None], status: int = 200) -> int:
    """By how many bytes the victim's memory grows at the most until it tells of an answer that is a bomb."""

    def explode(handler: Handler) -> None:
        handler.start(encoding="gzip", status=status)
        handler.wfile.write(bomb)

    reset_peak(scene.victim)
    until(lambda: not scene.problem(scene.intruder), "the round before does not end")
    before = resident(scene.victim)
    scene.intruder.instead[call] = explode
    begin()
    otherwise = f"the bomb is not told: {scene.victim.log()}"
    until(lambda: scene.problem(scene.intruder), otherwise)
    scene.intruder.instead.clear()
    return peak(scene.victim) - before
