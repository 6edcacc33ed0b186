"""An event loop in which time passes only when nobody has anything left to do, and nothing runs beside it.

Rules:

- `time()` is virtual: where a real loop would wait for its next timer, this one jumps to it
- there are no threads: what is given to an executor is done in a later callback, `latency()` seconds on
- a task belongs to the process that made it (`PROCESS`), so that a crash ends them all

    with closing(VirtualLoop(latency=lambda: 0.001)) as loop:
        loop.run_until_complete(asyncio.sleep(3600))     # takes no time
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import connector, web_response


class Process:
    """What lives and dies together: the tasks of one node, from a start to a crash."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        # A dict, because the order in which tasks are ended must not depend on where they lie in memory.
        self.tasks: dict[asyncio.Task[Any], None] = {}


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
"""On whose behalf the running code runs; None for the simulation itself."""


class Stuck(Exception):
    """Everybody waits for something that will never happen."""


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop in virtual seconds, from 0 on."""

    def __init__(self, latency: Callable[[], float]) -> None:
        super().__init__()
        self._now = 0.0
        self._latency = latency
        # What the base class asks of a selector: to wait. Between two timers that takes no time at all.
        self._selector = self
        self._clock_resolution = 1e-9
        self.steps = 0

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stuck("nothing is left to happen")
        if timeout > 0:
            # The very moment of the next timer: adding up differences would drift from it.
            self._now = max(self._now, self._scheduled[0].when())
        self.steps += 1
        return []

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        del executor
        future = self.create_future()
        self.call_later(self._latency(), _work, future, func, args)
        return future

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        task = super().create_task(coro, **options)
        process = PROCESS.get()
        if process is not None:
            process.tasks[task] = None
            task.add_done_callback(lambda done: _ended(process, done))
        return task

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """There is none."""

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no events but timers."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


def _ended(process: Process, task: asyncio.Task[Any]) -> None:
    process.tasks.pop(task, None)
    if not process.alive and not task.cancelled():
        # Whatever a task says while its process is torn away is said to nobody.
        task.exception()


def _work(future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    try:
        result = func(*args)
    except BaseException as error:  # noqa: BLE001 - an executor hands over whatever it is
        future.set_exception(error)
    else:
        future.set_result(result)


def run(loop: VirtualLoop, main: Coroutine[Any, Any, Any]) -> Any:
    """The result of `main`; afterwards nothing of the loop is left."""
    monotonic, date = connector.monotonic, web_response.rfc822_formatted_time
    # The two places where the HTTP library looks at the real clock; and where it draws lots.
    connector.monotonic = loop.time
    web_response.rfc822_formatted_time = lambda: format_datetime(datetime.fromtimestamp(loop.time(), UTC), usegmt=True)
    random.seed(0)
    try:
        return loop.run_until_complete(main)
    finally:
        while tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        connector.monotonic, web_response.rfc822_formatted_time = monotonic, date
