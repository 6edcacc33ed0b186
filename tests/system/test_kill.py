"""Killed at any moment of a sync, a node holds each author's whole set or none of it, and goes on after a restart.

Several small sources, then B, then C: B takes from the sources while C takes from B, both from nothing, and one or both
are killed at a random moment. BRA_KILLS=20 BRA_RECORDS=20000 is the campaign; -s shows where the kills fell.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.nodes import Node, until, venue
from tests.system.conftest import Make
from tests.system.inside import check, moved, states

KILLS = int(os.environ.get("BRA_KILLS", "2"))
RECORDS = int(os.environ.get("BRA_RECORDS", "4000"))
SOURCES = 4
PATIENCE = 60 + RECORDS / 200


@dataclass
class Prepared:
    """Serving sources, and stopped homes of B and C that know their partners and hold nothing yet."""

    sources: list[Node]
    b: Node
    c: Node
    whole: dict[str, tuple[int, int, bytes]]
    lasts: float


@pytest.fixture(scope="module")
def prepared(make_once: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    b, c = make_once("Bergen Park"), make_once("Cork Park")
    b.befriend(c)
    sources = [make_once(f"{name} Park") for name in ("Ahti", "Dover", "Espoo", "Faro")]
    for source in sources:
        source.befriend(b)
        source.publish("venue", [venue(f"v{number}") for number in range(RECORDS // SOURCES)])
        source.serve()
    whole = {source.id: states(source)[source.id] for source in sources}
    ready = Prepared(sources, b, c, whole, 0)
    # Once undisturbed, to know how long there is something to disturb.
    twins = [moved(node, tmp_path_factory.mktemp("undisturbed")) for node in (b, c)]
    try:
        started = time.monotonic()
        for twin in twins:
            twin.serve()
        until(lambda: converged(ready, twins), "an undisturbed sync does not converge", PATIENCE)
        ready.lasts = time.monotonic() - started
    finally:
        for twin in twins:
            twin.kill()
    yield ready


def converged(prepared: Prepared, nodes: list[Node]) -> bool:
    return all(prepared.whole.items() <= states(node).items() for node in nodes)


@pytest.mark.parametrize("number", range(KILLS))
def test_a_node_killed_while_it_syncs_holds_no_half_applied_author_and_converges(number, prepared, tmp_path) -> None:
    for twin in prepared.sources:
        assert twin.healthy()
    seed = int(os.environ.get("BRA_SEED", time.time_ns() % 1_000_000 * 100 + number))
    chance = random.Random(seed)
    b, c = moved(prepared.b, tmp_path), moved(prepared.c, tmp_path)
    victims = chance.sample([b, c], chance.choice([1, 1, 2]))
    moment = chance.uniform(0.3, 1) * prepared.lasts
    try:
        started = time.monotonic()
        b.serve()
        c.serve()
        time.sleep(max(0.0, started + moment - time.monotonic()))
        for victim in victims:
            victim.kill()
        fell = [check(victim.home / "var" / "node.db", tmp_path / "look") for victim in victims]
        for victim in victims:
            victim.serve()
        until(lambda: converged(prepared, [b, c]), f"no convergence: {b.log()} {c.log()}", PATIENCE)
    except AssertionError as error:
        raise AssertionError(f"BRA_SEED={seed}, killed {[each.name for each in victims]} at {moment:.3f} s") from error
    finally:
        b.kill()
        c.kill()
    for node in (b, c):
        counts = check(node.home / "var" / "node.db", tmp_path / "look")
        assert sum(counts[source.id] for source in prepared.sources) >= RECORDS
    held = [sum(counts.values()) for counts in fell]
    fell_on = ", ".join(f"{each.name} with {records}" for each, records in zip(victims, held, strict=True))
    sys.stdout.write(f"kill {number} at {moment:.2f} s: {fell_on} records; seed {seed}\n")
