"""A second process for pure work on much data: the interpreter runs one thread at a time, a machine has more cores.

Rules:

- it begins when there is enough to do and ends when nothing came for a while: a node at rest is one process
- functions go there by name and values by copy; it has no database, no network, no keys, and no signal of the terminal
- whoever wants it does the work itself where it takes none (it begins, is busy, has died): nothing depends on it

    second = SecondProcess("node.federation.first")
    if second.takes(len(data)):
        found = await second.run(read_first, lines, limits)
"""

import asyncio
import gc
import importlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any, TypeVar

import structlog

from node.errors import BraError

log = structlog.get_logger()

T = TypeVar("T")

AT_ONCE = 3
"""Pieces of work that are there at the same time: one in hand, the next ones on their way."""
REST = 30.0
"""Seconds without work after which it ends."""
LONGEST = 30.0
"""Seconds that whoever asks waits at most; then it is ended."""
ENOUGH = 16 * 1024 * 1024
"""Bytes of work, no two pieces further apart than that, for which it begins: it costs a third of a second."""
_LENGTH = 8


class Gone(BraError):
    """The second process died before the work was done."""


class SecondProcess:
    """The second process of this one. Safe to use from any thread."""

    def __init__(self, *modules: str) -> None:
        """`modules`: what is imported there before the first piece of work comes."""
        self._modules = modules
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._used = 0.0
        self._wanted = 0

    def takes(self, size: int) -> bool:
        """Whether it takes a piece of work of so many bytes now. It begins once there is enough to do."""
        with self._lock:
            now = time.monotonic()
            self._wanted = size + (self._wanted if now - self._used <= REST else 0)
            self._used = now
            if self._running is None or self._running.over:
                # On one core there is nothing to win.
                if self._wanted < ENOUGH or _cores() < 2:
                    return False
                try:
                    self._running = _Running(self._modules)
                except OSError as error:
                    # Too little memory, or too many processes: this one has to do.
                    log.warning("no second process", problem=str(error))
                    self._wanted = 0
                    return False
            return self._running.takes_more

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """The function's result there; raises Gone where there is none, whatever went wrong."""
        with self._lock:
            if self._running is None:
                raise Gone("the second process has ended")
            asked = self._running.ask(function, arguments)
        try:
            async with asyncio.timeout(LONGEST):
                return await asyncio.wrap_future(asked)
        except TimeoutError as error:
            # Somebody sent what keeps it busy: others wait behind that.
            await asyncio.to_thread(self.close)
            raise Gone("the second process took too long") from error

    def rest(self) -> None:
        """Ends it where it has had nothing to do for a while; to be called now and then."""
        with self._lock:
            idle = time.monotonic() - self._used > REST
        if idle:
            self.close()

    def close(self) -> None:
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.end()


class _Running:
    """One life of it: a pipe in, a pipe out, a thread for each."""

    def __init__(self, modules: Sequence[str]) -> None:
        # -P: not from wherever the operator happens to be.
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-P", "-m", __name__, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._awake = threading.Event()
        self._over = threading.Event()
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._waiting: deque[Future[Any]] = deque()
        self._threads = [
            threading.Thread(target=work, name=f"second-{name}", daemon=True)
            for name, work in (("in", self._write), ("out", self._read))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def over(self) -> bool:
        return self._over.is_set()

    @property
    def takes_more(self) -> bool:
        return self._awake.is_set() and not self.over and len(self._waiting) < AT_ONCE

    def ask(self, function: Callable[..., T], arguments: tuple[object, ...]) -> "Future[T]":
        piece = pickle.dumps((function, arguments))
        future: Future[T] = Future()
        # Nobody can take it back: who stops waiting for an answer must not stop those that come after it.
        future.set_running_or_notify_cancel()
        self._waiting.append(future)
        self._queue.put(piece)
        if self.over:
            self._give_up()
        return future

    def end(self) -> None:
        self._process.kill()
        self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with suppress(OSError), pipe:
            while (piece := self._queue.get()) is not None:
                _put(pipe, piece)

    def _read(self) -> None:
        try:
            self._hand_out()
        finally:
            self._over.set()
            self._process.kill()
            self._process.wait()
            self._give_up()

    def _hand_out(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with pipe:
            while (answer := _get(pipe)) is not None:
                if not self._awake.is_set():
                    self._awake.set()
                    continue
                held, value = pickle.loads(answer)  # noqa: S301 - this program's own, from its own child
                future = self._waiting.popleft()
                if held:
                    future.set_result(value)
                else:
                    future.set_exception(Gone(f"the second process could not do it: {value}"))

    def _give_up(self) -> None:
        with suppress(IndexError):
            while True:
                future = self._waiting.popleft()
                if not future.done():
                    future.set_exception(Gone("the second process has ended"))


def _cores() -> int:
    """The processors that this process may use."""
    # Not every system tells.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _put(pipe: IO[bytes], piece: bytes) -> None:
    pipe.write(len(piece).to_bytes(_LENGTH))
    pipe.write(piece)
    pipe.flush()


def _get(pipe: IO[bytes]) -> bytes | None:
    """The next piece; None at the end."""
    head = pipe.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    piece = pipe.read(int.from_bytes(head))
    return piece if len(piece) == int.from_bytes(head) else None


def serve(given: IO[bytes], answers: IO[bytes]) -> None:
    """What it does: one piece of work after the other, until nobody gives more."""
    _put(answers, b"")
    while (piece := _get(given)) is not None:
        function, arguments = pickle.loads(piece)  # noqa: S301 - this program's own, from its parent
        try:
            answer = pickle.dumps((True, function(*arguments)))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            answer = pickle.dumps((False, f"{type(error).__name__}: {error}"))
        _put(answers, answer)


if __name__ == "__main__":
    for module in sys.argv[1:]:
        importlib.import_module(module)
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    # What is printed or logged there is no answer.
    sys.stdout = sys.stderr
    with suppress(BrokenPipeError):
        serve(given, answers)
