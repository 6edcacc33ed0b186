"""One run: a plan carried out by real nodes in virtual time, watched by the invariants.

outcome = simulate(Plan.drawn(7))
outcome.violation        # None, or what did not hold
outcome.digest           # the same for the same seed, to the byte
"""

import asyncio
import hashlib
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import structlog

from node.directory.authority import State
from node.directory.draft import Change
from node.errors import BraError
from node.protocol.record import Record
from tests.directory.small_node import adoption_body, contact_body
from tests.simulation.faults import Faults
from tests.simulation.invariants import Invariants, Violation
from tests.simulation.liars import Liar
from tests.simulation.loop import PROCESS, VirtualLoop, run
from tests.simulation.network import WINDOW, Network
from tests.simulation.nodes import Machine
from tests.simulation.plan import LARGE, Member, Plan, Step

QUIET = 100.0
"""Virtual seconds after the last fault until everybody has to agree: two of the quickened hours, and some."""
UNDERSTOOD = 45.0
"""Virtual seconds after which a home that was set back has asked everybody, and its operator sees what is wrong."""
IDLE = 30.0
"""The last of them, in which nothing may be written any more."""


@dataclass
class Outcome:
    """What came of one run. `seconds` are virtual."""

    seed: int
    violation: Violation | None = None
    digest: str = ""
    nodes: int = 0
    seconds: float = 0.0
    events: int = 0
    requests: int = 0
    commits: int = 0
    checks: int = 0
    sent: int = 0
    crashes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)


class Simulation:
    """What the machines of one run stand in."""

    def __init__(self, plan: Plan, *, traced: bool = False) -> None:
        self.plan = plan
        self.random = Random(f"run/{plan.seed}")
        self.loop = VirtualLoop(latency=lambda: self.random.random() * 0.003)
        self.network = Network(self.loop, self.random, self._arrived)
        self.machines = {member.name: self._machine(member, place) for place, member in enumerate(plan.members)}
        self.liars = {member.name: member.lie for member in plan.members if member.lie}
        self.invariants = Invariants(self.machines.values(), self.liars)
        self.faults = Faults(self)
        self.outcome = Outcome(plan.seed, nodes=len(plan.members))
        self._traced = traced
        self._hash = hashlib.sha256()
        self._commits: Counter[str] = Counter()
        self._failed: asyncio.Future[None] | None = None
        self._expected: dict[tuple[str, str, str], dict[str, Any] | None] = {}
        """What an author was told is published, by node, kind and id; None where it was withdrawn."""
        self._doubtful: set[tuple[str, str, str]] = set()
        """Of which nobody was told what became of it."""

    def _machine(self, member: Member, place: int) -> Machine:
        options = {"outbound_only": member.outbound_only, "depth": member.depth}
        if member.lie:
            return Liar(self, member.name, place, lie=member.lie, **options)
        return Machine(self, member.name, place, **options)

    # What machines tell

    def committed(self, machine: Machine) -> None:
        self._commits[machine.name] += 1
        self.note(f"{machine.name} commits")
        self.attempt(lambda: self.invariants.committed(machine, self.loop.time()))

    def crashed(self, machine: Machine) -> None:
        self.note(f"{machine.name} crashes")
        self.outcome.faults["crash"] += 1
        self.faults.crashed(machine)

    def anybody(self, but: Machine) -> Machine:
        """Somebody else who can be reached."""
        return self.random.choice([each for each in self.machines.values() if each is not but and each.url])

    def gave(self, giver: Machine, to: Machine, records: Sequence[Record]) -> None:
        """One node got records that aren't public straight from another."""
        self.attempt(lambda: self.invariants.gave(giver, to, records, self.loop.time()))

    def logged(self, logger: object, level: str, event: dict[str, Any]) -> Any:
        """Takes a log line: an error of an honest node that is alive is a bug."""
        del logger
        process = PROCESS.get()
        if process is not None and process.alive and process.name not in self.liars:
            if self._traced:
                self.note(f"{process.name} says {event['event']}: {event.get('problem', '')}")
            if level in ("error", "critical", "exception"):
                error = "".join(traceback.format_exc(limit=-4)) if event.pop("exc_info", None) else ""
                self.fail(Violation("sound", f"{process.name} logs {event} {error}"))
        raise structlog.DropEvent

    def note(self, what: str) -> None:
        self.outcome.events += 1
        self._hash.update(b"%.9f %b\n" % (self.loop.time(), what.encode()))
        if self._traced:
            self.outcome.trace.append(f"{self.loop.time():9.3f}  {what}")

    def attempt(self, check: Callable[[], None]) -> None:
        try:
            check()
        except Violation as violation:
            self.fail(violation)

    def fail(self, violation: Violation) -> None:
        """The first violation ends the run."""
        if self.outcome.violation is None:
            self.outcome.violation = violation
            self.note(f"VIOLATION {violation}")
        if self._failed is not None and not self._failed.done():
            self._failed.set_result(None)

    def _arrived(self, name: str, data: bytes) -> None:
        self.outcome.events += 1
        self._hash.update(b"%.9f %b %d\n" % (self.loop.time(), name.encode(), len(data)))
        self._hash.update(data)

    # The run

    def run(self) -> Outcome:
        before = structlog.get_config()
        structlog.configure(
            processors=[self.logged],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            cache_logger_on_first_use=False,
        )
        self.loop.set_exception_handler(self._unhandled)
        try:
            run(self.loop, self._main())
        finally:
            structlog.configure(**before)
            for machine in self.machines.values():
                machine.platter.close()
        outcome, network = self.outcome, self.network
        outcome.digest = self._hash.hexdigest()
        outcome.faults += network.faults
        outcome.faults += Counter(
            {machine.lie: machine.lies for machine in self.machines.values() if isinstance(machine, Liar)}
        )
        outcome.requests, outcome.sent = network.requests, sum(network.bytes.values())
        outcome.commits, outcome.checks = self._commits.total(), self.invariants.checks
        return outcome

    def _unhandled(self, loop: object, context: dict[str, Any]) -> None:
        del loop
        process = PROCESS.get()
        if process is None or process.alive:
            self.fail(Violation("sound", f"nobody handles {context.get('message')}: {context.get('exception')!r}"))

    async def _main(self) -> None:
        self._failed = self.loop.create_future()
        story = asyncio.ensure_future(self._story())
        await asyncio.wait([story, self._failed], return_when=asyncio.FIRST_COMPLETED)
        self.outcome.seconds = self.loop.time()
        story.cancel()
        await asyncio.gather(story, return_exceptions=self.outcome.violation is not None)
        self.faults.over = True
        for machine in self.machines.values():
            machine.crash()

    async def _story(self) -> None:
        for machine in self.machines.values():
            await machine.start()
            await machine.found()
        for one, other in self.plan.pairs:
            await self._do(Step(self.loop.time(), "befriend", one, other))
        doing: list[asyncio.Task[None]] = []
        for step in self.plan.steps:
            await asyncio.sleep(max(0.0, step.at - self.loop.time()))
            doing.append(asyncio.create_task(self._do(step)))
        await asyncio.sleep(max(0.0, self.plan.ends - self.loop.time()))
        await self.faults.end()
        self.note("quiet")
        await asyncio.gather(*doing)
        await self._heal()
        await self._beat()
        await asyncio.sleep(QUIET - IDLE)
        requests, commits = self.network.requests, self._commits.copy()
        await asyncio.sleep(IDLE)
        self.attempt(lambda: self._check_end(self.network.requests - requests, self._commits - commits))

    async def _do(self, step: Step) -> None:
        self.note(f"{step.what} {step.who} {step.other} {step.amount:g} {step.seconds:g}")
        machine = self.machines[step.who]
        try:
            if step.what in _OPERATIONS:
                await _OPERATIONS[step.what](self, machine, step)
            else:
                await self.faults.begin(machine, step)
        except BraError as error:
            # What an operator is told is no fault of the program: it can't be done now.
            self.note(f"{step.who} can't {step.what}: {error}")

    async def _heal(self) -> None:
        """Whose disk was set back may have signed two histories, or not know its newest: its operator begins anew."""
        set_back = [each for each in self.machines.values() if self.invariants.known[each.id].set_back]
        if not set_back:
            return
        await asyncio.sleep(UNDERSTOOD)
        for machine in set_back:
            if (state := await machine.state()) is not State.OPEN:
                self.note(f"{machine.name} is healed, after it was {state}")
                await machine.rotate()
                await machine.start()

    async def _beat(self) -> None:
        """With its next beat a node that can't be asked brings what others lost of it."""
        if any(known.spoilt for known in self.invariants.known.values()):
            for machine in self.machines.values():
                await machine.beat()

    # What operators do

    async def _publish(self, machine: Machine, step: Step) -> None:
        kind = "contact" if step.what == "contact" else "adoption"
        changes = [
            Change(kind, self._body(kind, step, place), ref=f"{kind}-{step.at}-{place}")
            for place in range(int(step.amount))
        ]
        await self._change(machine, changes)

    async def _edit(self, machine: Machine, step: Step) -> None:
        if chosen := self._own(machine, int(step.amount)):
            changes = [
                Change(kind, self._body(kind, step, place), id=id_) for place, (_, kind, id_) in enumerate(chosen)
            ]
            await self._change(machine, changes)

    async def _withdraw(self, machine: Machine, step: Step) -> None:
        if chosen := self._own(machine, int(step.amount)):
            await self._change(machine, [Change(kind, None, id=id_) for _, kind, id_ in chosen])

    async def _change(self, machine: Machine, changes: list[Change]) -> None:
        named = [(machine.name, change.kind, change.id) for change in changes if change.id]
        self._doubtful.update(named)
        published = await machine.publish(*changes)
        if published is None:
            return
        for change, id_ in zip(changes, published.ids, strict=True):
            self._expected[machine.name, change.kind, id_] = change.body
            self._doubtful.discard((machine.name, change.kind, id_))

    def _own(self, machine: Machine, count: int) -> list[tuple[str, str, str]]:
        own = [place for place, body in self._expected.items() if place[0] == machine.name and body is not None]
        own = [place for place in own if place not in self._doubtful]
        return self.random.sample(own, min(count, len(own)))

    def _body(self, kind: str, step: Step, place: int) -> dict[str, Any]:
        text = f"{step.who} {step.at} {place}"
        if step.what == LARGE:
            return adoption_body(text) | {"result": {"en": text * 60}}
        return contact_body(text) if kind == "contact" else adoption_body(text)

    async def _befriend(self, machine: Machine, step: Step) -> None:
        other = self.machines[step.other]
        await machine.befriend(other)
        await other.befriend(machine)

    async def _exclude(self, machine: Machine, step: Step) -> None:
        other = self.machines[step.other].id
        operation = {"part": "partner-remove"}.get(step.what, step.what)
        await machine.run(operation, node=other)

    async def _endorse(self, machine: Machine, step: Step) -> None:
        other = self.machines[step.other]
        await machine.run("endorse", node=other.id, method="phone", organisation=f"{other.name.title()} Park")

    async def _rotate(self, machine: Machine, step: Step) -> None:
        await machine.rotate()
        await self.faults.restart(machine, 1.0)

    # The end

    def _check_end(self, requests: int, commits: Counter[str]) -> None:
        for machine in self.machines.values():
            if not machine.running or machine.app is None:
                raise Violation("sound", f"{machine.name} does not run at the end")
            if machine.name not in self.liars:
                self.invariants.committed(machine, self.loop.time(), everything=True)
        self.invariants.check_equal()
        self.invariants.check_bodies()
        self._check_kept()
        self._check_quiet(requests, commits)
        network = self.network
        for (name, status), count in network.statuses.items():
            if status == 500 and name not in self.liars:
                raise Violation("sound", f"{name} answered {count} requests by an error (500)")
        for (name, status), count in network.replayed.items():
            if status == 200 and name not in self.liars:
                raise Violation("sound", f"{name} took {count} requests that were sent again")
        for name, most in network.buffered.items():
            if most > 2 * WINDOW and name not in self.liars:
                raise Violation("quiet", f"{most} bytes of {name} waited in one connection")

    def _check_kept(self) -> None:
        """What an author was told is published is in its own set, whoever crashed."""
        for (name, kind, id_), body in self._expected.items():
            machine = self.machines[name]
            if (name, kind, id_) in self._doubtful or self.invariants.known[machine.id].set_back:
                continue
            found = machine.platter.connection.execute(
                "SELECT line FROM records WHERE author = 1 AND kind = ? AND id = ?", (kind, id_)
            ).fetchone()
            if (found is None) != (body is None):
                raise Violation("kept", f"{name} was told of {kind} {id_}, but {'lacks' if body else 'keeps'} it")

    def _check_quiet(self, requests: int, commits: Counter[str]) -> None:
        if self.liars:
            return
        pairs = [
            failures
            for machine in self.machines.values()
            for (failures,) in machine.platter.connection.execute("SELECT failures FROM partners WHERE url != ''")
        ]
        # One long wait after the other; where a partner says no, a greeting and a question after each pause.
        most = sum(2 * (IDLE / 10 + 1) if failures else IDLE / 25 + 2 for failures in pairs)
        if requests > most:
            raise Violation("quiet", f"{requests} requests in {IDLE:g} idle seconds of {len(pairs)} pairs")


_OPERATIONS: dict[str, Callable[[Simulation, Machine, Step], Any]] = {
    "publish": Simulation._publish,
    LARGE: Simulation._publish,
    "contact": Simulation._publish,
    "edit": Simulation._edit,
    "withdraw": Simulation._withdraw,
    "befriend": Simulation._befriend,
    "part": Simulation._exclude,
    "block": Simulation._exclude,
    "unblock": Simulation._exclude,
    "endorse": Simulation._endorse,
    "rotate": Simulation._rotate,
}


def simulate(plan: Plan, *, traced: bool = False) -> Outcome:
    """Carries out a plan."""
    return Simulation(plan, traced=traced).run()
