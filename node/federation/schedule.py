"""When what happens: a round with each partner after the other, beats, and house-keeping; driven by APScheduler.

Rules:

- a round follows a round at once: while nothing is new, the partner holds the question open, and a new head comes with
  its answer, not with the next tick
- after a failure the next round waits: twice as long each time, up to a limit, with jitter; each partner for itself
- nothing is scheduled on disk: at start, everything follows from the stored partners and cursors
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

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

A few are normal: a partner tells us of our own changes, too.
"""

SAID_AGAIN = 3600
"""Seconds after which a quiet partner's last round is written down again; idle rounds write nothing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long rounds wait, and pauses are; in seconds."""

    poll: int = 25
    retry_first: float = 1.0
    retry_longest: float = 900.0


class Schedule:
    """The rounds with all partners, while this node serves."""

    def __init__(
        self, database: Database, exchange: Callable[[Partner], Exchange], *, pace: Pace, world: World
    ) -> None:
        self._database = database
        self._exchange = exchange
        self._pace = pace
        self._world = world
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._exchanges: dict[NodeId, Exchange] = {}
        self._rounds: dict[NodeId, asyncio.Task[None]] = {}
        self._empty: dict[NodeId, int] = {}
        self.last_round: dict[NodeId, float] = {}

    def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> None:
        """Ends the rounds that are under way; what they have applied stays."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._rounds.values():
            task.cancel()
        await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    def every(self, seconds: float, job: Callable[[], Awaitable[None] | None], name: str) -> None:
        """Does `job` again and again; one that fails is logged and tried again next time."""

        async def logged() -> None:
            try:
                if (work := job()) is not None:
                    await work
            except BraError as error:
                log.error("scheduled job failed", job=name, problem=str(error))

        self._scheduler.add_job(
            logged, "interval", seconds=seconds, jitter=seconds / 20, id=name, coalesce=True, max_instances=1
        )

    def sync_with(self, partner: NodeId) -> None:
        """Begins the rounds with a partner, or begins them anew where its URL has changed."""
        self._exchanges.pop(partner, None)
        if task := self._rounds.pop(partner, None):
            task.cancel()
        self._next_round(partner, after=0)

    def stop_with(self, partner: NodeId) -> None:
        """Ends the rounds with a node that is no partner any more, or blocked; what they have applied stays."""
        for kept in (self._exchanges, self._empty, self.last_round):
            kept.pop(partner, None)
        if task := self._rounds.pop(partner, None):
            task.cancel()
        with suppress(JobLookupError):
            self._scheduler.remove_job(partner)

    def nudge(self, *, retry: bool = False) -> None:
        """Somebody new is accepted, or there is something to push: no partner's news is waited for.

        With `retry`, also what was refused before is asked for again.
        """
        for exchange in self._exchanges.values():
            exchange.nudge(retry=retry)

    def _next_round(self, partner: NodeId, *, after: float) -> None:
        self._scheduler.add_job(
            self._start_round,
            "date",
            run_date=datetime.now(UTC) + timedelta(seconds=after),
            args=[partner],
            id=partner,
            replace_existing=True,
            misfire_grace_time=None,
        )

    async def _start_round(self, partner: NodeId) -> None:
        # The scheduler would cut a long round short at shutdown without waiting for it: the task is kept here.
        self._rounds[partner] = asyncio.create_task(self._round(partner))

    async def _round(self, node_id: NodeId) -> None:
        partner = await self._database.read(lambda db: partners.find(db, node_id))
        if partner is None or partner.url is None:
            return
        began = self._world.now()
        try:
            if node_id not in self._exchanges:
                self._exchanges[node_id] = self._exchange(partner)
            done = await self._exchanges[node_id].round(self._pace.poll)
            await self._succeeded(partner, done)
        except (BraError, TimeoutError) as error:
            await self._failed(partner, str(error))
        except Exception as error:
            # A bug met with one partner must not end the rounds with it for good, and must be seen.
            log.exception("round failed", partner=node_id)
            await self._failed(partner, f"unexpected {type(error).__name__}: see this node's log")
        else:
            # A partner that answers at once and brings nothing is not asked again at once.
            quick = not done.applied and self._world.now() - began < EMPTY_ROUND
            self._empty[node_id] = self._empty.get(node_id, 0) + 1 if quick else 0
            self._next_round(node_id, after=EMPTY_ROUND if self._empty[node_id] > EMPTY_ROUNDS else 0)

    async def _succeeded(self, partner: Partner, done: RoundDone) -> None:
        now = self._world.now()
        self.last_round[partner.node_id] = now
        quiet = partner.cursor == done.cursor and not partner.failures
        if not quiet or now - (partner.last_sync or 0) > SAID_AGAIN:
            await self._database.write(lambda db: partners.succeeded(db, partner.node_id, done.cursor, now))

    async def _failed(self, partner: Partner, problem: str) -> None:
        self._exchanges.pop(partner.node_id, None)
        log.warning("sync failed", partner=partner.node_id, problem=problem)
        try:
            await self._database.write(lambda db: partners.failed(db, partner.node_id, problem))
        finally:
            pause = min(self._pace.retry_first * 2 ** min(partner.failures, 30), self._pace.retry_longest)
            jitter = 0.5 + int.from_bytes(self._world.random(4)) / 2**33
            self._next_round(partner.node_id, after=pause * jitter)
