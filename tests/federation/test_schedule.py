"""When rounds follow each other: at once while a partner waits with us, slower where it fails or wastes our time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from node.errors import BraError, Unreachable
from node.federation.schedule import EMPTY_ROUND, EMPTY_ROUNDS, Pace, Schedule
from node.federation.session import RoundDone
from node.storage import partners
from node.storage.database import Database
from node.world import World

Round = Callable[[int], Any]
Collect = Callable[[partners.Partner], Awaitable[None]]

REAL = World()


class Rounds:
    """An exchange whose rounds a test makes up; it counts them."""

    def __init__(self, round_: Round) -> None:
        self.count = 0
        self._round = round_

    async def round(self, wait: int) -> RoundDone:
        del wait
        self.count += 1
        result = self._round(self.count)
        if asyncio.iscoroutine(result):
            result = await result
        if isinstance(result, BraError):
            raise result
        done: RoundDone = result
        return done


@asynccontextmanager
async def scheduled(
    folder: Path, world: World = REAL, collect: Collect | None = None, **exchanges: Rounds
) -> AsyncIterator[Schedule]:
    database = Database(folder / "node.db")
    for name in exchanges:
        database.write_now(lambda db, name=name: partners.add(db, name, "https://park.example", 0))
    pace = Pace(poll=25, retry_first=0.4, retry_longest=0.8)
    schedule = Schedule(database, lambda partner: exchanges[partner.node_id], pace=pace, world=world, collect=collect)
    for name in exchanges:
        schedule.sync_with(name)
    try:
        yield schedule
    finally:
        await schedule.stop()
        database.close()


async def passed(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


HOURLY = count(0, 3600)
CLOCKS = [
    pytest.param(REAL, id="that goes on evenly"),
    pytest.param(World(now=lambda: float(next(HOURLY))), id="that is set ahead all the time"),
]


@pytest.mark.parametrize("clock", CLOCKS)
async def test_a_partner_that_answers_at_once_and_brings_nothing_is_not_asked_again_at_once(
    clock: World, tmp_path: Path
) -> None:
    idle = Rounds(lambda number: RoundDone(f"x:{number}", news=1))
    async with scheduled(tmp_path, clock, idle=idle):
        await passed(lambda: idle.count > EMPTY_ROUNDS)
        before = idle.count
        await asyncio.sleep(EMPTY_ROUND / 2)
        assert idle.count <= before + 1


async def test_rounds_that_bring_something_follow_at_once(tmp_path: Path) -> None:
    busy = Rounds(lambda number: RoundDone(f"x:{number}", news=1, applied=1))
    async with scheduled(tmp_path, busy=busy):
        await passed(lambda: busy.count > 4 * EMPTY_ROUNDS, seconds=5)


async def test_a_failing_partner_is_asked_ever_less_often_and_delays_no_other(tmp_path: Path) -> None:
    failing = Rounds(lambda number: Unreachable(f"no answer {number}"))
    healthy = Rounds(lambda number: RoundDone(f"x:{number}", applied=1))
    async with scheduled(tmp_path, failing=failing, healthy=healthy) as schedule:
        await passed(lambda: failing.count >= 3)
        assert healthy.count > 3 * failing.count
        assert "healthy" in schedule.last_round
        assert "failing" not in schedule.last_round


async def test_why_a_partner_fails_is_kept_and_forgotten_when_it_answers(tmp_path: Path) -> None:
    rounds = Rounds(lambda number: Unreachable("no answer") if number < 3 else RoundDone("x:1", applied=1))
    async with scheduled(tmp_path, lund=rounds) as schedule:

        def lund() -> partners.Partner:
            found = schedule._database.read_now(lambda db: partners.find(db, "lund"))
            assert found is not None
            return found

        await passed(lambda: lund().problem == "no answer")
        await passed(lambda: lund().problem is None and lund().cursor == "x:1")
        assert lund().failures == 0


async def test_a_round_whose_cursor_was_kept_with_its_news_is_not_written_down_again(tmp_path: Path) -> None:
    rounds = Rounds(lambda number: RoundDone(f"x:{number}", applied=1, kept=number > 1))
    async with scheduled(tmp_path, lund=rounds) as schedule:
        commits: list[int] = []
        await passed(lambda: rounds.count > 2)
        schedule._database.on_commit(lambda _: commits.append(rounds.count))
        await passed(lambda: rounds.count > 20)
        assert commits == []


async def test_mail_is_fetched_once_at_the_start_and_then_where_an_answer_says_that_there_is_some(
    tmp_path: Path,
) -> None:
    def answered(number: int) -> Any:
        # The second round with mail fails: its partner is asked again, and says it again.
        return Unreachable("no answer") if number in (1, 5) else RoundDone("x:1", applied=1, mail=number in (5, 6, 8))

    rounds = Rounds(answered)
    fetched: list[tuple[str, int]] = []

    async def collect(partner: partners.Partner) -> None:
        fetched.append((partner.node_id, rounds.count))

    async with scheduled(tmp_path, collect=collect, lund=rounds):
        await passed(lambda: rounds.count > 12)
    assert fetched == [("lund", 2), ("lund", 6), ("lund", 8)]


async def test_a_bug_met_with_one_partner_does_not_end_its_rounds(tmp_path: Path) -> None:
    def stumble(number: int) -> RoundDone:
        if number == 1:
            raise KeyError("bug")
        return RoundDone("x:1", applied=1)

    rounds = Rounds(stumble)
    async with scheduled(tmp_path, lund=rounds):
        await passed(lambda: rounds.count > 3)


@pytest.mark.parametrize("seconds", [25])
async def test_stopping_ends_a_round_that_waits(tmp_path: Path, seconds: float) -> None:
    waiting = Rounds(lambda number: asyncio.sleep(seconds, RoundDone("x:1")))
    async with asyncio.timeout(5):
        async with scheduled(tmp_path, lund=waiting):
            await passed(lambda: waiting.count == 1)


async def test_rounds_with_a_node_that_is_no_partner_any_more_end_and_those_with_others_go_on(tmp_path: Path) -> None:
    ended: list[int] = []

    async def wait(number: int) -> None:
        try:
            await asyncio.sleep(25)
        finally:
            ended.append(number)

    waiting = Rounds(wait)
    failing = Rounds(lambda number: Unreachable(f"no answer {number}"))
    going_on = Rounds(lambda number: RoundDone(f"x:{number}", applied=1))
    async with scheduled(tmp_path, waiting=waiting, failing=failing, other=going_on) as schedule:
        await passed(lambda: waiting.count == 1 and failing.count >= 1)
        for gone in ("waiting", "failing"):
            schedule._database.write_now(lambda db, gone=gone: partners.remove(db, gone))
            schedule.stop_with(gone)
        await passed(lambda: ended == [1], seconds=2)
        counts, before = (waiting.count, failing.count), going_on.count
        # Longer than the pause after a failure.
        await asyncio.sleep(1)
        assert (waiting.count, failing.count) == counts
        assert going_on.count > before
        # A node that was never asked is no fault.
        schedule.stop_with("nobody")
