"""One victim a module, a real node in a process of its own, with a hostile partner; and what became of an attack.

Each attack has an author of its own, so that many attacks are tried on one victim without meeting each other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from node.protocol.blocks import Want
from node.trust.safety_words import safety_words
from tests.attacks.intruder import Intruder
from tests.directory.small_node import TEXT, signatory
from tests.nodes import Node, until, venue
from tests.protocol.builders import Author
from tests.system.conftest import Make, make, make_once, shell
from tests.system.inside import reading

__all__ = ["make", "make_once", "shell"]

PATIENCE = 15.0
TAKEN = "taken"


@dataclass
class Scene:
    """A victim, and the intruder that is its partner."""

    victim: Node
    intruder: Intruder

    def introduce(self, author: Author | str) -> Author:
        """An author that the intruder endorses and honestly passes on; its first state is taken."""
        found = signatory(author) if isinstance(author, str) else author
        found.put("venue", room("Room one"), "room")
        found.commit()
        found.newest_beat = None
        self.intruder.endorse(found)
        assert self.outcome(found) == TAKEN
        # What is held is shown as soon as it is worked out who is accepted since.
        until(lambda: self.row(found, "standing"), f"the author stays unknown: {self.victim.log()}")
        return found

    def offer(
        self,
        author: Author,
        *,
        feed: Sequence[bytes] | None = None,
        block: Callable[[Want], Sequence[bytes]] | None = None,
    ) -> str:
        """Tells the victim of the author's newest state; `TAKEN`, or the reason for which it was refused."""
        self.intruder.tell(author, feed=feed, block=block)
        return self.outcome(author)

    def offer_again(self, author: Author) -> str:
        """The same state as it is, after another change: what is told of a head is asked for once."""
        author.put("venue", room("Room of the truth"), "truth")
        author.commit()
        self.intruder.tell(author)
        until(lambda: self.holds(author), f"the truth is not taken: {self.victim.log()}", PATIENCE)
        return self.outcome(author)

    def outcome(self, author: Author) -> str:
        def found() -> str | None:
            # In this order: what is taken but for its beat is both, in one transaction, and may come in between.
            reason = self.refusal(author)
            return TAKEN if self.holds(author) else reason

        reason = until(found, f"the victim neither takes nor refuses it: {self.victim.log()}", PATIENCE)
        return str(reason)

    def holds(self, author: Author) -> bool:
        """Whether the victim's state of the author is the author's newest."""
        return self.row(author, "head_hash") == author.head.hash

    def row(self, author: Author, column: str) -> Any:
        with reading(self.victim) as db:
            found = db.execute(f"SELECT {column} FROM authors WHERE node_id = ?", (author.id,)).fetchone()
        return found[0] if found else None

    def refusal(self, author: Author) -> str | None:
        with reading(self.victim) as db:
            found = db.execute("SELECT reason FROM refusals WHERE author = ?", (author.id,)).fetchone()
        return found[0] if found else None

    def problem(self, partner: Author) -> str:
        """Why the last round with a partner failed; empty where it did not."""
        with reading(self.victim) as db:
            found = db.execute("SELECT problem FROM partners WHERE node_id = ?", (partner.id,)).fetchone()
        return found[0] or ""

    def shown(self, author: Author, kind: str = "venue") -> list[dict[str, Any]]:
        """The author's records that the victim shows to everybody."""
        return [each for each in self.victim.listed(kind) if each["author"] == author.id]

    def names(self, author: Author) -> list[str]:
        return sorted(each["body"]["name"] for each in self.shown(author))

    def goes_on(self) -> None:
        """Fails unless the victim still takes what is right from the same partner, and says nothing of an error."""
        self.introduce(f"honest-{self.intruder.seq}")
        assert self.victim.healthy()
        assert '"level": "error"' not in self.victim.log()


def befriend(victim: Node, author: Author, url: str) -> None:
    """Makes the author a partner of the victim by its key card, as an operator would who heard the same words."""
    card, words = author.signed_record("organisation", "self").line, safety_words(victim.id, author.id)
    victim.bra("partner", "add", "-", "--url", url, "--words", " ".join(words), stdin=card)


def staged(make: Make, name: str, **settings: Any) -> Iterator[Scene]:
    """A victim that serves, and its partner the intruder."""
    victim = make(f"{name} Park", agreement={"recognised": [TEXT]}, **settings)
    intruder = Intruder(f"mallory-{name.lower()}")
    try:
        befriend(victim, intruder, intruder.url)
        victim.serve()
        scene = Scene(victim, intruder)
        assert scene.outcome(intruder) == TAKEN
        yield scene
    finally:
        intruder.close()


@pytest.fixture(scope="module")
def stage(make_once: Make) -> Iterator[Scene]:
    yield from staged(make_once, "Ahti")


@pytest.fixture
def scene(stage: Scene) -> Iterator[Scene]:
    yield stage
    stage.intruder.instead.clear()
    stage.intruder.greeting = stage.intruder.greet


def room(name: str) -> dict[str, Any]:
    """The body of a venue."""
    return {name_: value for name_, value in venue("room", name=name).items() if name_ != "ref"}
