"""The program with its event loop watched: BRA_LAGS=FILE python -m tests.faults.watched serve --home …

A beat is due every few milliseconds. One that comes late is a line in the file: "by LATE had BUSY own OWN", in
milliseconds. LATE: how late it came. BUSY: of that, how much processor time this process took meanwhile, in any
thread; the rest is other processes' doing. OWN: what the loop's own thread took of it. With BRA_STACKS=FILE, what all
threads were doing once a beat was 30 ms late is in FILE.PID.
"""

import asyncio
import faulthandler
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TextIO

from node.cli.main import run

EVERY = 0.005
TELLING = 0.010
"""Seconds from which a late beat is told."""
LONG = 0.030


class Watch:
    """The beat in one event loop."""

    def __init__(self, lags: TextIO, stacks: TextIO | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._lags = lags
        self._stacks = stacks
        self._arm()

    def _arm(self) -> None:
        if self._stacks:
            faulthandler.dump_traceback_later(EVERY + LONG, file=self._stacks)
        self._process, self._own = time.process_time(), time.thread_time()
        self._due = self._loop.time() + EVERY
        self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        late = self._loop.time() - self._due
        if late > TELLING:
            busy = min(late, time.process_time() - self._process)
            own = min(late, time.thread_time() - self._own)
            self._lags.write(f"by {late * 1000:.1f} had {busy * 1000:.1f} own {own * 1000:.1f}\n")
        self._arm()


def watching(work: Coroutine[Any, Any, Any]) -> Any:
    """`asyncio.run`, watched."""

    async def watched() -> Any:
        hunting = os.environ.get("BRA_STACKS")
        with (
            Path(os.environ["BRA_LAGS"]).open("a", buffering=1) as lags,
            Path(f"{hunting}.{os.getpid()}" if hunting else os.devnull).open("a") as stacks,
        ):
            Watch(lags, stacks if hunting else None)
            return await work

    with asyncio.Runner() as runner:
        return runner.run(watched())


if __name__ == "__main__":
    asyncio.run = watching  # type: ignore[assignment]
    sys.exit(run())
