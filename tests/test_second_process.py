"""Work goes to a second process and comes back; whatever happens there, whoever asked can go on alone."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from node import second_process
from node.second_process import Gone, SecondProcess
from tests.nodes import until


@pytest.fixture
def second() -> Iterator[SecondProcess]:
    made = SecondProcess("tests.test_second_process")
    yield made
    made.close()


@pytest.fixture
def ready(second: SecondProcess) -> SecondProcess:
    until(lambda: takes(second), "the second process does not begin")
    return second


def takes(second: SecondProcess) -> bool:
    return second.takes(second_process.ENOUGH)


def who(*arguments: object) -> tuple[int, tuple[object, ...]]:
    return os.getpid(), arguments


def fail(message: str) -> None:
    raise ValueError(message)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


async def test_work_is_done_in_another_process(ready: SecondProcess) -> None:
    process, arguments = await ready.run(who, b"bytes", 7)
    assert process != os.getpid()
    assert arguments == (b"bytes", 7)


async def test_results_come_in_the_order_of_the_questions(ready: SecondProcess) -> None:
    found = await asyncio.gather(*(ready.run(sleep, seconds) for seconds in (0.05, 0.0, 0.02)))
    assert found == [0.05, 0.0, 0.02]


async def test_large_pieces_pass(ready: SecondProcess) -> None:
    _, (data,) = await ready.run(who, b"x" * 20_000_000)
    assert isinstance(data, bytes)
    assert len(data) == 20_000_000


async def test_an_error_there_is_told_and_ends_nothing(ready: SecondProcess) -> None:
    with pytest.raises(Gone, match="ValueError: no good"):
        await ready.run(fail, "no good")
    await ready.run(who)


async def test_what_is_printed_there_is_no_answer(ready: SecondProcess) -> None:
    await asyncio.wait_for(ready.run(say, "hello"), 10)
    assert await asyncio.wait_for(ready.run(sleep, 0.0), 10) == 0.0


async def test_a_death_there_is_told_and_it_begins_anew(ready: SecondProcess) -> None:
    first, _ = await ready.run(who)
    with pytest.raises(Gone):
        await ready.run(die)
    until(lambda: takes(ready), "it does not begin anew")
    again, _ = await ready.run(who)
    assert again != first


async def test_what_waits_when_it_dies_is_not_left_waiting(ready: SecondProcess) -> None:
    asked = [asyncio.ensure_future(ready.run(function)) for function in (die, who, who)]
    ended = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 20)
    assert all(isinstance(each, Gone) for each in ended)


async def test_who_goes_away_harms_nobody_who_waits(ready: SecondProcess) -> None:
    gone, waits = (asyncio.ensure_future(ready.run(sleep, seconds)) for seconds in (0.2, 0.01))
    await asyncio.sleep(0)
    gone.cancel()
    assert await asyncio.wait_for(waits, 10) == 0.01
    await asyncio.wait_for(ready.run(who), 10)


async def test_where_it_cannot_begin_the_work_is_done_here(
    second: SecondProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert not takes(second)


async def test_who_asks_a_busy_one_is_told_that_it_is_not_ready(ready: SecondProcess) -> None:
    asked = [asyncio.ensure_future(ready.run(sleep, 0.3)) for _ in range(second_process.AT_ONCE)]
    await asyncio.sleep(0)
    assert not takes(ready)
    await asyncio.gather(*asked)
    assert takes(ready)


async def test_one_that_never_began_says_so(second: SecondProcess) -> None:
    with pytest.raises(Gone):
        await second.run(who)


async def test_it_ends_after_a_rest_and_at_the_close(ready: SecondProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    process, _ = await ready.run(who)
    ready.rest()
    assert alive(process), "it was used a moment ago"
    monkeypatch.setattr(second_process, "REST", 0.0)
    ready.rest()
    until(lambda: not alive(process), "it does not end")
    with pytest.raises(Gone):
        await ready.run(who)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_on_one_core_it_never_begins(second: SecondProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert not takes(second)
    with pytest.raises(Gone):
        await second.run(who)


async def test_it_begins_for_enough_work_within_a_while(second: SecondProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    half = second_process.ENOUGH // 2
    assert not second.takes(half)
    assert second._running is None
    monkeypatch.setattr(second_process, "REST", 0.0)
    assert not second.takes(half)
    assert second._running is None, "that was long ago"
    monkeypatch.setattr(second_process, "REST", 30.0)
    assert not second.takes(half)
    assert second._running is not None


async def test_what_takes_too_long_is_ended(ready: SecondProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    process, _ = await ready.run(who)
    monkeypatch.setattr(second_process, "LONGEST", 0.2)
    with pytest.raises(Gone, match="too long"):
        await ready.run(sleep, 30.0)
    until(lambda: not alive(process), "it goes on")
    monkeypatch.undo()
    until(lambda: takes(ready), "it does not begin anew")
    assert (await ready.run(who))[0] != process
