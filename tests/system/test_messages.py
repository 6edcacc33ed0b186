"""Messages between processes: to a node that isn't a partner, to one that can't be called, and through any death.

Three nodes in a row: Ahti, Bergen, Cork. The ends aren't partners, and nobody can call Cork. BRA_ROUNDS=100 is a
campaign of kills.
"""

import os
import random
import sqlite3
import time
from collections.abc import Iterator

import pytest

from tests.nodes import Node, until
from tests.roaming.echoing import Echoing
from tests.system.conftest import Make

ROUNDS = int(os.environ.get("BRA_ROUNDS", "3"))


@pytest.fixture
def row(make: Make) -> Iterator[list[Echoing]]:
    """The three, serving, each of which honours each."""
    trust = {"vouches_honoured": 1}
    hidden = {"outbound_only": True, "poll_seconds": 1}
    ahti, bergen = make("Ahti Park", trust=trust), make("Bergen Park", trust=trust)
    cork = make("Cork Park", url="", trust=trust, federation=hidden)
    ahti.befriend(bergen)
    bergen.befriend(cork)
    nodes = []
    for node in (ahti, bergen, cork):
        node.__class__ = Echoing
        assert isinstance(node, Echoing)
        node.serve()
        nodes.append(node)
    for one in nodes:
        for other in nodes:
            until(lambda: one is other or one.author(other).get("standing") == "honoured", "no trust")  # noqa: B023
    yield nodes


def left(node: Node, table: str) -> int:
    db = sqlite3.connect(f"file:{node.home / 'var' / 'node.db'}?mode=ro", uri=True)
    try:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        db.close()


def test_messages_reach_who_is_no_partner_and_who_can_not_be_called(row: list[Echoing]) -> None:
    ahti, bergen, cork = row
    ahti.echo(bergen, 1)
    ahti.echo(cork, 2)
    cork.echo(ahti, 3)
    cork.echo(bergen, 4)
    bergen.echo(cork, 5)
    until(lambda: bergen.echoes("taken") == [(ahti.id, 1), (cork.id, 4)], f"not at Bergen: {bergen.log()}")
    until(lambda: sorted(cork.echoes("taken")) == sorted([(ahti.id, 2), (bergen.id, 5)]), f"not at Cork: {cork.log()}")
    until(lambda: ahti.echoes("taken") == [(cork.id, 3)], f"not at Ahti: {ahti.log()}")
    until(lambda: not any(left(node, table) for node in row for table in ("outbox", "mailbox")), "something is left")


def test_who_sent_it_is_told_that_a_message_was_refused_or_expired(row: list[Echoing]) -> None:
    ahti, bergen, cork = row
    ahti.echo(bergen, 1, refuse="there is no room")
    ahti.echo(cork, 2, refuse="it is closed on Tuesday")
    until(lambda: sorted(ahti.reasons()) == ["it is closed on Tuesday", "there is no room"], "nobody is told")
    cork.kill()
    ahti.echo(cork, 3, lasts=8)
    until(lambda: bergen.status()["messages"] == {"waiting": [], "kept": 1}, "it is not kept")
    assert "1 kept for partners" in bergen.bra("status")
    [waiting] = ahti.status()["messages"]["waiting"]
    assert (waiting["to"], waiting["organisation"], waiting["messages"]) == (cork.id, cork.name, 1)
    until(lambda: f"mailbox at {bergen.id}" in ahti.bra("status"), "where it waits is not shown")
    until(lambda: len(ahti.reasons()) == 3, "nobody is told that it expired")
    assert "no acknowledgement came" in ahti.reasons()[-1]
    assert ahti.status()["messages"]["waiting"] == []
    assert "Messages" not in ahti.bra("status")
    # What it finds in its mailbox later is over.
    cork.serve()
    until(lambda: bergen.status()["messages"]["kept"] == 0, "the mailbox is not emptied")
    assert cork.echoes("taken") == []


def test_killed_again_and_again_they_lose_no_message_and_double_none(row: list[Echoing]) -> None:
    seed = int(os.environ.get("BRA_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    sent: list[tuple[Echoing, Echoing, int]] = []
    try:
        for number in range(ROUNDS):
            for place in range(3):
                one, other = chance.sample(row, 2)
                sent.append((one, other, 10 * number + place))
                one.echo(other, sent[-1][-1])
            victims = chance.sample(row, chance.choice([1, 1, 2]))
            time.sleep(chance.uniform(0, 0.3))
            for victim in victims:
                victim.kill()
            time.sleep(chance.uniform(0, 0.2))
            for victim in victims:
                victim.serve()
        for node in row:
            expected = sorted((one.id, number) for one, other, number in sent if other is node)
            until(lambda: len(node.echoes("taken")) >= len(expected), f"lost at {node.name}: {node.log()}")  # noqa: B023
        until(lambda: not any(left(node, "outbox") for node in row), "something is never acknowledged")
        for node in row:
            expected = sorted((one.id, number) for one, other, number in sent if other is node)
            assert sorted(node.echoes("taken")) == expected
            assert node.echoes("failed") == []
    except AssertionError as error:
        raise AssertionError(f"BRA_SEED={seed}") from error
