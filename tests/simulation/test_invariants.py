"""The simulator can fail: the product is broken on purpose, once for each invariant, and the run has to notice."""

from collections.abc import Callable
from typing import Any

import pytest

from node.directory.publishing import Publisher
from node.federation import receiving, sending, server
from node.federation.receiving import Receiver
from node.federation.session import Session
from node.federation.signatures import RequestVerifier
from node.protocol import evidence
from node.protocol.statements import Head
from node.protocol.verdicts import Accepted, Compare, Verdict, judge
from node.storage import authors
from node.storage.scrub import Scrub
from tests.simulation.disk import Disk, Platter
from tests.simulation.nodes import Machine
from tests.simulation.plan import Member, Plan, Step
from tests.simulation.simulation import simulate

Break = Callable[[pytest.MonkeyPatch], None]

LINE = (("ahti", "brno"), ("brno", "cork"))
NEWS = tuple(Step(12.0 + 2 * number, "publish", "ahti", amount=2) for number in range(22))


def plan(*steps: Step, lie: str = "", ends: float = 60.0) -> Plan:
    """Three nodes in a line, the middle one of which perhaps lies; the first has news all the time."""
    members = (Member("ahti"), Member("brno", lie=lie), Member("cork"))
    ordered = tuple(sorted((*NEWS, *steps), key=lambda step: step.at))
    return Plan(seed=1, members=members, pairs=LINE, steps=ordered, ends=ends)


def gullible(block: Any, held: Any, **options: Any) -> Verdict:
    """A judge that takes a set that doesn't add up to its head."""
    verdict = judge(block, held, **options)
    if held is None or not isinstance(verdict, Compare):
        return verdict
    puts = {key: record.value for key, record in block.records.items()}
    return Accepted(held.card, block.heads, None, held.tree.changed(puts, block.removed), block)


def no_root_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(receiving, "judge", gullible)


def no_signature_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Head, "verify", lambda self, card: None)
    # What else would notice it: two heads that contradict each other.
    patch.setattr(evidence, "_contradict", lambda heads: False)


def bodies_for_everybody(patch: pytest.MonkeyPatch) -> None:
    real = sending._record_line
    patch.setattr(sending, "_record_line", lambda stored, **others: real(stored, **others | {"honoured": True}))


def leaves_for_everybody(patch: pytest.MonkeyPatch) -> None:
    real = sending._record_line
    patch.setattr(sending, "_record_line", lambda stored, **others: real(stored._replace(line=None), **others))


def a_disk_that_only_says_it_has_written(patch: pytest.MonkeyPatch) -> None:
    real, crash = Disk._write, Machine.crash
    before: dict[Platter, bytes] = {}

    def write(self: Disk, waiting: Any) -> None:
        before[self.platter] = self.platter.copy()
        real(self, waiting)

    def crashed(self: Machine, **options: Any) -> None:
        crash(self, **options)
        self.platter.set_back(before[self.platter])

    patch.setattr(Disk, "_write", write)
    patch.setattr(Machine, "crash", crashed)


def nothing_is_stored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Publisher, "_store", lambda self, db, draft: None)


def nothing_is_pulled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "_wants", lambda self, holdings: ())
    patch.setattr(sending, "_changes", lambda db, author, honoured: [])


def nobody_waits(patch: pytest.MonkeyPatch) -> None:
    async def at_once(news: Any, ends: float) -> bool:
        return False

    patch.setattr(server, "_within", at_once)


def a_bug_in_a_round(patch: pytest.MonkeyPatch) -> None:
    async def stumble(self: Receiver, *arguments: Any) -> Any:
        raise KeyError("bug")

    patch.setattr(Receiver, "holdings", stumble)


def a_bug_in_an_answer(patch: pytest.MonkeyPatch) -> None:
    def stumble(*arguments: Any, **options: Any) -> Any:
        raise KeyError("bug")

    patch.setattr(sending, "feed", stumble)


def replays_are_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RequestVerifier, "_use", lambda self, parameters, now: None)


def forks_are_made_up(patch: pytest.MonkeyPatch) -> None:
    real = authors.advance

    def advance(db: Any, author: int, *rest: Any, **options: Any) -> None:
        real(db, author, *rest, **options)
        db.execute("UPDATE authors SET forked_epoch = 1 WHERE no = ? AND seq > 6", (author,))

    patch.setattr(authors, "advance", advance)


def nobody_looks_at_the_disk(patch: pytest.MonkeyPatch) -> None:
    async def nothing(self: Scrub, progress: Any = None) -> list[Any]:
        return []

    patch.setattr(Scrub, "everybody", nothing)
    patch.setattr(Scrub, "suspects", nothing)


REPLAY = tuple(Step(10.0, "replay", one, other, 0.9, 40.0) for one, other in LINE)
DAMAGE = Step(57.0, "damage", "cork", amount=5, seconds=1.0)
PARTED = (
    Step(12.0, "endorse", "ahti", "cork"),
    Step(13.0, "part", "brno", "cork"),
    Step(110.0, "contact", "ahti", amount=3),
)
ALONE = Plan(
    seed=1,
    members=(Member("ahti"),),
    pairs=(),
    steps=(Step(12.0, "publish", "ahti", amount=2), Step(13.0, "kill", "ahti")),
    ends=15.0,
)

BROKEN = [
    pytest.param("signed", no_root_check, plan(lie="hide"), id="a set that adds up to no head"),
    pytest.param("signed", nobody_looks_at_the_disk, plan(DAMAGE), id="rows that the disk lost"),
    pytest.param("signed", no_signature_check, plan(lie="forge"), id="a head that its author never signed"),
    pytest.param("private", bodies_for_everybody, plan(*PARTED, ends=115.0), id="bodies for whoever is only listed"),
    pytest.param("proven", forks_are_made_up, plan(), id="a fork that nobody proved"),
    pytest.param("equal", nothing_is_pulled, plan(), id="partners that don't agree"),
    pytest.param("forward", a_disk_that_only_says_it_has_written, ALONE, id="a job that a crash lost"),
    pytest.param("kept", nothing_is_stored, ALONE, id="a change that was only said to be made"),
    pytest.param("kept", leaves_for_everybody, plan(), id="public records without their bodies"),
    pytest.param("quiet", nobody_waits, plan(), id="rounds without end"),
    pytest.param("sound", a_bug_in_a_round, plan(), id="an error in a round"),
    pytest.param("sound", a_bug_in_an_answer, plan(), id="an error in an answer"),
    pytest.param("sound", replays_are_taken, plan(*REPLAY), id="a request that counts twice"),
]


@pytest.mark.parametrize(("invariant", "break_it", "story"), BROKEN)
def test_a_broken_product_is_noticed(invariant: str, break_it: Break, story: Plan) -> None:
    assert simulate(story).violation is None
    with pytest.MonkeyPatch.context() as patch:
        break_it(patch)
        violation = simulate(story).violation
    assert violation is not None
    assert violation.invariant == invariant, violation
