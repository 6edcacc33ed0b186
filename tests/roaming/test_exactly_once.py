"""Messages between real nodes in virtual time, which crash at any statement and lose any connection: each once.

Three nodes in a row, whose ends aren't partners; the last one can't be called. What was sent is in the sender's
database by the same commit as the message itself; what was taken, in the recipient's by the same commit as its receipt.
When all faults are over, the two must be equal. BRA_SEEDS=200 is a campaign.
"""

import os
import sqlite3
from collections import Counter
from random import Random

import pytest

import node.app
from node.protocol.names import NodeId
from tests.roaming.echoing import Echoes, written
from tests.simulation.invariants import Violation
from tests.simulation.nodes import Machine
from tests.simulation.plan import Member, Plan, Step
from tests.simulation.simulation import Outcome, Simulation

SEEDS = int(os.environ.get("BRA_SEEDS", "6"))
MEMBERS = (Member("ahti"), Member("brno"), Member("cork", outbound_only=True))
BEGINS, ENDS = 40.0, 160.0
"""Virtual seconds: by the first, everybody knows everybody; at the second, all faults end."""
FAULTS = ("crash", "crash", "crash", "kill", "partition", "one way", "loss", "reset", "replay", "delay")
REFUSED = 5
"""Every so manyth message is one that its recipient refuses."""


def drawn(seed: int) -> Plan:
    """Some messages between any two, and some faults beside them."""
    random = Random(f"messages/{seed}")
    names = [member.name for member in MEMBERS]
    steps = []
    for number in range(1, 25):
        who, other = random.sample(names, 2)
        steps.append(Step(random.uniform(BEGINS, ENDS - 5), "echo", who, other, amount=number))
    for _ in range(14):
        what, (who, other) = random.choice(FAULTS), random.sample(names, 2)
        amount: float = random.randrange(2)
        if what == "crash":
            # Before or after one of the next statements.
            amount = random.choice((-1, 1)) * random.randrange(1, 30)
        elif what in ("loss", "reset", "replay"):
            amount = random.uniform(0.02, 0.3)
        elif what == "delay":
            amount = random.uniform(0.1, 3.0)
        seconds = random.uniform(1.0, 20.0)
        steps.append(Step(random.uniform(BEGINS, ENDS - 5), what, who, other, amount=amount, seconds=seconds))
    return Plan(
        seed=seed,
        members=MEMBERS,
        pairs=(("ahti", "brno"), ("brno", "cork")),
        steps=tuple(sorted(steps, key=lambda step: step.at)),
        ends=ENDS,
    )


class Correspondence(Simulation):
    """A run in which nodes also send each other messages, which all have to be taken in the end, or refused."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.taken = 0

    def _machine(self, member: Member, place: int) -> Machine:
        return Machine(self, member.name, place, outbound_only=member.outbound_only, vouches_honoured=1)

    async def _do(self, step: Step) -> None:
        if step.what != "echo":
            await super()._do(step)
            return
        number = int(step.amount)
        refuse = {"refuse": "there is no room"} if number % REFUSED == 0 else {}
        await self.machines[step.who].run("echo", to=self.machines[step.other].id, numbers=[number], **refuse)

    def _check_end(self, requests: int, commits: Counter[str]) -> None:
        super()._check_end(requests, commits)
        names: dict[str, NodeId] = {name: machine.id for name, machine in self.machines.items()}
        sent: list[tuple[str, str, int]] = []
        ended: list[tuple[str, str, int]] = []
        for name, machine in self.machines.items():
            db = machine.platter.connection
            for what, other, number, _ in written(db):
                if what == "sent":
                    sent.append((names[name], other, number))
                elif what == "taken":
                    ended.append((other, names[name], number))
                else:
                    ended.append((names[name], other, number))
            for table in ("outbox", "mailbox"):
                if left := rows(db, table):
                    raise Violation("messages", f"{name} still has {left} messages in its {table}")
        if sorted(sent) != sorted(ended):
            raise Violation("messages", f"sent {sorted(sent)}, taken or refused {sorted(ended)}")
        self.taken = len(ended)


def rows(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def carried_out(plan: Plan, patch: pytest.MonkeyPatch) -> tuple[Outcome, int]:
    patch.setattr(node.app, "NOUNS", (*node.app.NOUNS, Echoes))
    simulation = Correspondence(plan)
    return simulation.run(), simulation.taken


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_crashes_each_message_takes_effect_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, taken = carried_out(drawn(seed), monkeypatch)
    assert outcome.violation is None, outcome.violation
    assert taken > 10


def test_the_runs_meet_crashes_and_lost_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Counter[str]()
    for seed in range(3):
        outcome, _ = carried_out(drawn(seed), monkeypatch)
        faults += outcome.faults
    assert faults["crash"] > 3
    assert faults["kill"] + faults["reset"] + faults["partition"] + faults["one way"] > 3
