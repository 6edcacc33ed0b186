"""House-keeping goes on, whatever fails and however late it is."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from node.errors import HomeError
from node.housekeeping import Housekeeping, logged


@pytest.fixture
async def housekeeping() -> Iterator[Housekeeping]:  # type: ignore[misc]
    made = Housekeeping()
    yield made  # type: ignore[misc]
    made.stop()


async def test_what_failed_is_tried_again_and_stops_nothing_else(housekeeping: Housekeeping) -> None:
    tried, others = 0, asyncio.Event()

    async def full() -> None:
        nonlocal tried
        tried += 1
        raise HomeError("the disk is full: free some space")

    housekeeping.every(0.02, full, "full")
    housekeeping.every(0.05, others.set, "other")
    housekeeping.start()
    async with asyncio.timeout(10):
        await others.wait()
        while tried < 2:
            await asyncio.sleep(0.01)


async def test_what_is_late_is_done_all_the_same(housekeeping: Housekeeping) -> None:
    done = asyncio.Event()
    housekeeping.every(86_400, done.set, "daily")
    # As after a night in which the machine slept.
    [job] = housekeeping._scheduler.get_jobs()
    job.modify(next_run_time=datetime.now(UTC) - timedelta(hours=8))
    housekeeping.start()
    await asyncio.wait_for(done.wait(), 10)


async def test_a_bug_in_a_job_is_seen_and_ends_nothing_else() -> None:
    def stumble() -> None:
        raise ZeroDivisionError

    with capture_logs() as said:
        await logged(stumble, "purge")
    [line] = said
    assert (line["log_level"], line["job"], line["exc_info"]) == ("error", "purge", True)


async def test_what_failed_last_is_told_until_it_goes_well(housekeeping: Housekeeping) -> None:
    problem: HomeError | None = HomeError("the disk is full: free some space")

    async def work() -> None:
        if problem is not None:
            raise problem

    housekeeping.every(0.02, work, "work")
    housekeeping.start()
    async with asyncio.timeout(10):
        while housekeeping.problems != {"work": "the disk is full: free some space"}:
            await asyncio.sleep(0.01)
        problem = None
        while housekeeping.problems:
            await asyncio.sleep(0.01)
