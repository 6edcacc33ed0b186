"""A node of the simulation: the real program (`node.app.App`) on a disk, a network and a clock of the simulation's own.

Rules:

- the machine (`Machine`) stays: its disk, its home, its clock; its process comes and goes
- everything of a process runs in a context of its own, so that its end ends all of it, and its log lines are its own
- house-keeping is done by the virtual clock, every so many virtual minutes instead of hours

    machine = Machine(world, "tartu", 1)
    await machine.start()
    await machine.befriend(lund)
    await machine.run("publish", changes=[…])
    machine.crash()
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from types import SimpleNamespace
from typing import Any, Protocol

from node.app import App
from node.config import Agreement, Config, Federation, Limits, Node, Trust
from node.control.parts import unreported
from node.custody.rotation import CardSource, renew, request
from node.directory.authority import State
from node.directory.draft import OWN_ORGANISATION, Change, Outcome
from node.federation import client
from node.housekeeping import Housekeeping, Work, logged
from node.joining.key_card import KeyCard
from node.protocol.keys import PrivateKey
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.statements import Card
from node.world import World
from tests.directory.small_node import TEXT, agreement_body, organisation_body
from tests.protocol.builders import NETWORK, NOW, key_named
from tests.simulation.disk import Crash, Disk, Platter
from tests.simulation.loop import PROCESS, Process, VirtualLoop
from tests.simulation.network import Connector, Network

FIRST_PORT = 10_000
HOUR = 3600.0
QUICKER = 120.0
"""By so much house-keeping is quicker than a real node's: an hour's job is done every half minute."""

SPOILS = {
    "lost": "DELETE FROM records WHERE no = ?",
    "body": "UPDATE records SET line = CAST(replace(line, 'a', 'e') AS BLOB) WHERE no = ?",
    "hash": "UPDATE records SET value = zeroblob(32) WHERE no = ?",
    "kind": "UPDATE records SET kind = 'other' WHERE no = ?",
}
"""What a disk can do to a row."""


class Setting(Protocol):
    """What a machine stands in."""

    loop: VirtualLoop
    network: Network
    random: Random

    def committed(self, machine: "Machine") -> None: ...
    def crashed(self, machine: "Machine") -> None: ...
    def anybody(self, but: "Machine") -> "Machine": ...
    def gave(self, giver: "Machine", to: "Machine", records: Sequence[Record]) -> None: ...


@dataclass
class File:
    """A file of a home that exists in memory alone."""

    inode: int
    data: bytes | None = None

    def stat(self) -> Any:
        return SimpleNamespace(st_ino=self.inode, st_ctime_ns=0)

    def read_bytes(self) -> bytes:
        if self.data is None:
            raise FileNotFoundError
        return self.data


@dataclass
class MemoryHome:
    """A node's home without a disk: what the program asks of one while it works."""

    key: PrivateKey
    own: Card
    lock_file: File = field(default_factory=lambda: File(1))
    database: File = field(default_factory=lambda: File(2))
    mark: File = field(default_factory=lambda: File(3))
    card: str = "the card"
    partners: dict[str, bytes] = field(default_factory=dict)
    others: dict[str, PrivateKey] = field(default_factory=dict)
    _staged: tuple[PrivateKey, Card] | None = None

    def load_signing_key(self, passphrase: bytes | None) -> PrivateKey:
        del passphrase
        return self.key

    def load_card(self) -> Card:
        return self.own

    def replace_mark(self, data: bytes) -> None:
        self.mark.data = data

    def stage(self, key: PrivateKey, card: Card, passphrase: bytes | None) -> None:
        del passphrase
        self._staged = key, card

    def settle(self, stored: Card | None) -> None:
        """As the real one: the database's card decides whether a staged key counts."""
        if self._staged and stored and stored.signed == self._staged[1].signed:
            self.key, self.own = self._staged
        self._staged = None

    def node_keys(self) -> list[str]:
        return sorted(self.others)

    def load_node_key(self, name: str, passphrase: bytes | None) -> PrivateKey | None:
        del passphrase
        return self.others.get(name)

    def keep_node_key(self, name: str, key: PrivateKey, passphrase: bytes | None) -> None:
        del passphrase
        assert name not in self.others
        self.others[name] = key

    def drop_node_key(self, name: str) -> None:
        self.others.pop(name, None)

    def keep_partner_card(self, node_id: str, line: bytes) -> None:
        self.partners[node_id] = line

    def forget_partner_card(self, node_id: str) -> None:
        self.partners.pop(node_id, None)


class Clockwork(Housekeeping):
    """House-keeping by the virtual clock."""

    def __init__(self) -> None:
        self._work: list[tuple[float, Work, str]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, seconds: float, work: Work, name: str) -> None:
        # Idle connections are looked for in real seconds, by a server that counts them.
        pause = seconds if name == "connections" else seconds / QUICKER
        self._work.append((max(pause, 20.0), work, name))

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._again(*each)) for each in self._work]

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def now(self, name: str) -> None:
        """Does at once what would be done in hours."""
        [work] = [work for _, work, each in self._work if each == name]
        await logged(work, name)

    async def _again(self, seconds: float, work: Work, name: str) -> None:
        while True:
            await asyncio.sleep(seconds)
            await logged(work, name)


class Machine:
    """One node's machine; `app` is there while its process runs."""

    def __init__(
        self,
        setting: Setting,
        name: str,
        number: int,
        *,
        outbound_only: bool = False,
        depth: int = 4,
        vouches_honoured: int = 2,
    ) -> None:
        self.setting = setting
        self.name = name
        self.number = number
        self.port = FIRST_PORT + number
        self.url = "" if outbound_only else f"http://127.0.0.1:{self.port}"
        self.platter = Platter()
        self.root = key_named(f"{name}/root")
        key = key_named(f"{name}/signing/1")
        card = Card.make(self.root, network=NETWORK, epoch=1, signing=key.public, issued=NOW)
        self.id: NodeId = card.author
        self.home = MemoryHome(key, card)
        self.copies: list[tuple[bytes, bytes | None]] = []
        self.skew = 0.0
        self.starts = 0
        self.process: Process | None = None
        self.disk: Disk | None = None
        self.app: App | None = None
        self.clockwork = Clockwork()
        self.ready = asyncio.Event()
        self._config = Config(
            node=Node(network=NETWORK, url=self.url),
            agreement=Agreement(recognised=(TEXT,)),
            trust=Trust(depth=depth, vouches_honoured=vouches_honoured),
            federation=Federation(outbound_only=outbound_only, retry_longest_seconds=20.0),
            limits=Limits(request_seconds=60),
        )

    @property
    def running(self) -> bool:
        return self.process is not None

    def now(self) -> float:
        """What this machine's clock says."""
        return NOW + self.setting.loop.time() + self.skew

    @cached_property
    def organisation(self) -> Change:
        return Change("organisation", organisation_body(f"{self.name.title()} Park"), id=OWN_ORGANISATION)

    # Its process

    async def start(self) -> None:
        """Starts the process; returns when it serves, or when it crashed before that."""
        assert self.process is None
        self.starts += 1
        process = self.process = Process(self.name)
        self.ready = asyncio.Event()
        context = Context()
        context.run(PROCESS.set, process)
        task = context.run(self.setting.loop.create_task, self._main(process, context))
        ready = asyncio.ensure_future(self.ready.wait())
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done() and not task.cancelled() and (error := task.exception()) and not isinstance(error, Crash):
            raise error

    def crash(self, *, silently: bool = False) -> None:
        """Ends the process in the middle of whatever it does; its disk keeps what was committed."""
        process, self.process, self.app = self.process, None, None
        if process is None:
            return
        process.alive = False
        if self.disk is not None:
            self.disk.close()
            self.disk = None
        self.setting.network.drop(process, silently=silently)
        for task in list(process.tasks):
            task.cancel()

    def back_up(self) -> None:
        """Copies what is on the disk now."""
        self.copies.append((self.platter.copy(), self.home.mark.data))

    def set_back(self, *, whole: bool) -> None:
        """Puts the last copy back: the database's file, or the `whole` machine, of which no process can tell."""
        database, mark = self.copies[-1]
        self.platter.set_back(database)
        if whole:
            self.home.mark.data = mark
        else:
            # A file that was copied back is another one on the disk.
            self.home.database.inode += 1

    def spoil(self, most: int) -> list[tuple[int, str]]:
        """Loses or alters rows of other authors beneath the program; their numbers, and what befell each."""
        db, draw = self.platter.connection, self.setting.random
        held = db.execute("SELECT no FROM records WHERE author > 1 AND line IS NOT NULL ORDER BY no").fetchall()
        spoilt = []
        for (no,) in draw.sample(held, min(most, len(held))):
            way = draw.choice(list(SPOILS))
            db.execute(SPOILS[way], (no,))
            spoilt.append((no, way))
        return spoilt

    async def _main(self, process: Process, context: Context) -> None:
        setting = self.setting
        random = Random(f"{setting.random.random()}/{self.name}/{self.starts}")
        self.disk = Disk(
            self.platter,
            setting.loop,
            latency=lambda: random.random() * 0.004,
            on_commit=lambda: setting.committed(self),
            on_crash=lambda: setting.crashed(self),
        )
        world = World(now=self.now, sleep=asyncio.sleep, random=random.randbytes, uptime=setting.loop.time)
        connector = Connector(setting.network, process, context, limit=64, limit_per_host=8)
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(client.session(connector))
            app = self.open(self.home, self.disk, self._config, world, http, http)
            await stack.enter_async_context(app.indexer.running())
            self.clockwork = clockwork = Clockwork()
            runner = await stack.enter_async_context(app.answering(clockwork))
            if self.url:
                assert runner.server is not None
                setting.network.listen(self.port, process, context, runner.server)
            await stack.enter_async_context(app.syncing(clockwork))
            self.app = app
            self.ready.set()
            await self.unasked(app)

    def open(self, *arguments: Any) -> App:
        """The program, put together."""
        return App(*arguments)

    async def unasked(self, app: App) -> None:
        """An honest node does nothing but what its program does."""
        del app
        await asyncio.get_running_loop().create_future()

    # What its operator does

    async def on(self, work: Callable[[App], Awaitable[Any]]) -> Any:
        """Has the running process do something; None where it ends before that is done."""
        process, app = self.process, self.app
        if process is None or app is None:
            return None
        context = Context()
        context.run(PROCESS.set, process)
        task = context.run(self.setting.loop.create_task, work(app))
        await asyncio.wait([task])
        if task.cancelled() or isinstance(task.exception(), Crash):
            return None
        return task.result()

    async def publish(self, *changes: Change) -> Outcome | None:
        return await self.on(lambda app: app.publisher.publish(changes))

    async def found(self) -> None:
        """Publishes what every organisation publishes first."""
        await self.publish(self.organisation, Change("agreement", agreement_body(), ref="1"))

    async def beat(self) -> None:
        """Half a day has passed since its last one."""
        await self.on(lambda app: self.clockwork.now("beat"))

    async def run(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        return await self.on(lambda app: app.operations.run(operation, parameters, unreported))

    async def befriend(self, other: "Machine") -> None:
        """Makes a partner of the other, whose operator read out the right words."""
        card = await other.on(lambda app: app.parts.pairing.own_card())
        if card is None:
            return

        async def admit(app: App) -> None:
            pairing = app.parts.pairing
            key_card: KeyCard = pairing.read_card(card)
            join = await pairing.change(
                lambda db: replace(
                    pairing.keep(db, key_card, "card", url=other.url, confirmed_there=True), confirmed_here=True
                )
            )
            await pairing.finish(join)

        await self.on(admit)

    async def state(self) -> State | None:
        """Whether its home may sign, and if not, why."""
        found: State | None = await self.on(lambda app: app.database.read(app.authority.state))
        return found

    async def rotate(self) -> None:
        """Begins a new epoch under a new key, as `bra rotate --stolen` does; the process ends with that."""

        def source(app: App) -> tuple[PrivateKey, Card]:
            wanted = request(app, PrivateKey(app.world.random(32)))
            key = key_named(f"{self.name}/signing/{wanted.epoch}/{self.starts}")
            return key, Card.make(
                self.root, network=NETWORK, epoch=wanted.epoch, signing=key.public, issued=app.world.now()
            )

        card_source: CardSource = source
        await self.on(lambda app: renew(app, card_source, None))
        self.crash()
