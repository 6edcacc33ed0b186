"""What goes wrong in a run: begun by the plan's steps, and undone when their time is over.

Each fault changes one thing of the network, of a machine's clock, of its disk, or ends its process. When the plan ends,
all of it is over: links are whole, clocks are right, and whoever is down starts.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tests.simulation.network import Direction
from tests.simulation.nodes import Machine
from tests.simulation.plan import LINK_FAULTS, Step

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

DOWN = 2.0
"""Seconds that a machine is down at least: a second start within the same second is no new process to its peers."""


class Faults:
    """The faults of one run."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._network = simulation.network
        self._undo: dict[int, Callable[[], None]] = {}
        self._down: dict[str, float] = {}
        self._begun = 0
        self.over = False

    async def begin(self, machine: Machine, step: Step) -> None:
        if step.what in LINK_FAULTS:
            other = self._simulation.machines[step.other]
            await self._while(step, lambda: self._link(machine.name, other.name, step))
        elif step.what == "skew":
            await self._while(step, lambda: self._skew(machine, step.amount))
        elif step.what == "kill":
            if machine.running:
                self._count("kill")
                machine.crash(silently=bool(step.amount))
                await self.restart(machine, step.seconds)
        elif step.what == "crash":
            if machine.disk is not None:
                machine.disk.crash_at(abs(int(step.amount)), after=step.amount < 0)
                self._down[machine.name] = step.seconds
        elif step.what == "backup":
            machine.back_up()
        elif step.what == "restore" and machine.copies:
            self._count("restore")
            machine.crash()
            machine.set_back(whole=bool(step.amount))
            self._simulation.invariants.set_back(machine)
            await self.restart(machine, step.seconds)
        elif step.what == "damage" and machine.running:
            await self._damage(machine, step)

    async def end(self) -> None:
        """Everything is well again, and stays so."""
        self.over = True
        for undo in list(self._undo.values()):
            undo()
        self._undo.clear()
        for machine in self._simulation.machines.values():
            machine.skew = 0.0
            if machine.disk is not None:
                machine.platter.connection.left = None
            if not machine.running:
                await machine.start()

    def crashed(self, machine: Machine) -> None:
        """A machine met the statement at which it was to crash."""
        machine.crash(silently=bool(self._simulation.random.randrange(2)))
        self._simulation.loop.create_task(self.restart(machine, self._down.pop(machine.name, 0.0)))

    async def restart(self, machine: Machine, seconds: float) -> None:
        await asyncio.sleep(max(seconds, DOWN))
        if not machine.running:
            self._simulation.note(f"{machine.name} starts")
            await machine.start()

    async def _while(self, step: Step, begin: Callable[[], Callable[[], None]]) -> None:
        """Something is so for the step's time, or until the plan ends."""
        if self.over:
            return
        self._begun += 1
        number = self._begun
        if step.what not in self._network.faults:
            self._count(step.what)
        self._undo[number] = begin()
        await asyncio.sleep(step.seconds)
        if undo := self._undo.pop(number, None):
            self._simulation.note(f"{step.what} {step.who} {step.other} is over")
            undo()

    async def _damage(self, machine: Machine, step: Step) -> None:
        """Rows of others are lost or altered; a while later, or when the plan ends, the machine's operator looks."""
        rows = machine.spoil(int(step.amount))
        if not rows:
            return
        self._count("damage")
        self._simulation.note(f"{machine.name} loses {rows}")
        self._simulation.invariants.damaged(machine)
        await asyncio.sleep(step.seconds)
        await machine.run("check")

    def _link(self, one: str, other: str, step: Step) -> Callable[[], None]:
        """Makes a link bad; gives what makes it good again."""
        out, back = self._network.direction(one, other), self._network.direction(other, one)
        if step.what == "partition":
            cut = list(self._crossing(one, other))
        elif step.what == "one way":
            cut = [out]
        else:
            return _changed([out, back], *_CHANGES[step.what](step.amount))
        for direction in cut:
            direction.cut += 1

        def heal() -> None:
            for direction in cut:
                direction.cut -= 1

        return heal

    def _crossing(self, one: str, other: str) -> Iterator[Direction]:
        """All ways between two halves of the network, one of which has `one` in it and the other `other`."""
        names = list(self._simulation.machines)
        here = {one, *(name for place, name in enumerate(names) if name != other and place % 2 == names.index(one) % 2)}
        for sender in names:
            for receiver in names:
                if (sender in here) != (receiver in here):
                    yield self._network.direction(sender, receiver)

    def _skew(self, machine: Machine, seconds: float) -> Callable[[], None]:
        machine.skew += seconds

        def right() -> None:
            machine.skew -= seconds

        return right

    def _count(self, what: str) -> None:
        self._simulation.outcome.faults[what] += 1


_CHANGES: dict[str, Callable[[float], tuple[str, float]]] = {
    "loss": lambda amount: ("loss", amount),
    "reset": lambda amount: ("reset", amount),
    "corruption": lambda amount: ("corruption", amount),
    "replay": lambda amount: ("replay", amount),
    # As much jitter as delay: connections overtake each other.
    "delay": lambda amount: ("jitter", amount),
    "slow": lambda amount: ("rate", amount),
}


def _changed(directions: list[Direction], name: str, value: float) -> Callable[[], None]:
    for direction in directions:
        direction.change(name, value)

    def back() -> None:
        for direction in directions:
            direction.change_back(name, value)

    return back
