"""Rounds with all partners, each partner's one after the other in a task of its own.

Rules:

- a round follows a round at once: while nothing is new, the partner holds the question open, and a new head comes with
  its answer, not with the next tick
- after a failure the next round waits: twice as long each time, up to a limit, with jitter; each partner for itself
- who can't be called fetches its mail where a partner's answer says that there is some, and once after its own start
- nothing is scheduled on disk: at start, everything follows from the stored partners and cursors
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from node.errors import BraError
from node.federation.exchange import Exchange
from node.federation.session import RoundDone
from node.protocol.names import NodeId
from node.storage import partners
from node.storage.database import Database
from node.storage.partners import Partner
from node.world import World

log = structlog.get_logger()

EMPTY_ROUND = 1.0
EMPTY_ROUNDS = 5
"""After so many rounds that took less than `EMPTY_ROUND` seconds and applied nothing, one follows only after so long.

A few are normal: several partners tell of the same change.
"""

SAID_AGAIN = 3600
"""Seconds after which a partner's last round is written down again, where nothing else of it is: an idle round writes
nothing, and one with news once."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long rounds wait, and pauses are; in seconds."""

    poll: int = 25
    retry_first: float = 1.0
    retry_longest: float = 900.0

    def pause(self, failures: int, random: bytes) -> float:
        """Seconds until the next try after so many failures: twice as long each time; `random`: 4 bytes of jitter."""
        longest: float = min(self.retry_first * 2 ** min(failures, 30), self.retry_longest)
        return longest * (0.5 + int.from_bytes(random) / 2**33)


class Schedule:
    """The rounds with all partners, while this node serves."""

    def __init__(
        self,
        database: Database,
        exchange: Callable[[Partner], Exchange],
        *,
        pace: Pace,
        world: World,
        collect: Callable[[Partner], Awaitable[None]] | None = None,
    ) -> None:
        """`collect`: fetches what a partner keeps for this node, where nobody can bring it; it fails no round."""
        self._database = database
        self._exchange = exchange
        self._pace = pace
        self._world = world
        self._collect = collect
        self._exchanges: dict[NodeId, Exchange] = {}
        self._rounds: dict[NodeId, asyncio.Task[None]] = {}
        self._empty: dict[NodeId, int] = {}
        self.last_round: dict[NodeId, float] = {}

    async def stop(self) -> None:
        """Ends the rounds that are under way; what they have applied stays."""
        for task in self._rounds.values():
            task.cancel()
        await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    def sync_with(self, partner: NodeId) -> None:
        """Begins the rounds with a partner, or begins them anew where its URL has changed."""
        self._exchanges.pop(partner, None)
        if task := self._rounds.pop(partner, None):
            task.cancel()
        self._rounds[partner] = asyncio.create_task(self._go_on(partner))

    def stop_with(self, partner: NodeId) -> None:
        """Ends the rounds with a node that is no partner any more, or blocked; what they have applied stays."""
        for kept in (self._exchanges, self._empty, self.last_round):
            kept.pop(partner, None)
        if task := self._rounds.pop(partner, None):
            task.cancel()

    def nudge(self, *, retry: bool = False) -> None:
        """Somebody new is accepted, or there is something to push: no partner's news is waited for.

        With `retry`, also what was refused before is asked for again.
        """
        for exchange in self._exchanges.values():
            exchange.nudge(retry=retry)

    async def _go_on(self, node_id: NodeId) -> None:
        while (pause := await self._round(node_id)) is not None:
            await self._world.sleep(pause)

    async def _round(self, node_id: NodeId) -> float | None:
        """One round; the seconds until the next, None where the node is no partner that can be reached."""
        failures = 0
        try:
            partner = await self._database.read(lambda db: partners.find(db, node_id))
            if partner is None or partner.url is None:
                return None
            failures = partner.failures
            began = self._world.uptime()
            if node_id not in self._exchanges:
                self._exchanges[node_id] = self._exchange(partner)
            done = await self._exchanges[node_id].round(self._pace.poll)
            first = node_id not in self.last_round
            await self._succeeded(partner, done)
            if self._collect is not None and (done.mail or first):
                await self._collect(partner)
        except (BraError, TimeoutError) as error:
            await self._failed(node_id, str(error))
        except Exception as error:
            # A bug met with one partner must not end the rounds with it for good, and must be seen.
            log.exception("round failed", partner=node_id)
            await self._failed(node_id, f"unexpected {type(error).__name__}: see this node's log")
        else:
            # A partner that answers at once and brings nothing is not asked again at once.
            quick = not done.applied and self._world.uptime() - began < EMPTY_ROUND
            self._empty[node_id] = self._empty.get(node_id, 0) + 1 if quick else 0
            return EMPTY_ROUND if self._empty[node_id] > EMPTY_ROUNDS else 0
        return self._pace.pause(failures, self._world.random(4))

    async def _succeeded(self, partner: Partner, done: RoundDone) -> None:
        now = self._world.now()
        self.last_round[partner.node_id] = now
        quiet = (partner.cursor == done.cursor or done.kept) and not partner.failures
        if not quiet or now - (partner.last_sync or 0) > SAID_AGAIN:
            await self._database.write(lambda db: partners.succeeded(db, partner.node_id, done.cursor, now))

    async def _failed(self, node_id: NodeId, problem: str) -> None:
        self._exchanges.pop(node_id, None)
        log.warning("sync failed", partner=node_id, problem=problem)
        try:
            await self._database.write(lambda db: partners.failed(db, node_id, problem))
        except BraError as error:
            # A full disk is no reason to give the partner up.
            log.error("a failed round can't be written down", partner=node_id, problem=str(error))
