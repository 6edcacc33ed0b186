"""The nodes' processes: each is `bra serve` with its own home, port and log, started and ended by this one.

Rules:

- a process is known by its pid, from the moment it exists until it has been waited for
- one that doesn't end when it is asked to is killed: none is ever left behind
- settings in the environment (`BRA_…`) are meant for a real node, and don't reach these
"""

import asyncio
import os
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from node.control import socket
from node.control.socket import NotServing
from node.errors import BraError
from node.home import Home

LOOPBACK = "127.0.0.1"

_QUICK_RETRIES = {"BRA_FEDERATION__RETRY_FIRST_SECONDS": "0.2", "BRA_FEDERATION__RETRY_LONGEST_SECONDS": "2"}
"""A first round fails until the partner has added the card too; nobody wants to watch a demonstration pause."""

_PATIENCE = 5.0
"""Seconds in which a process may end by itself."""


class NotStarted(BraError):
    """A node of the demonstration isn't there, or no longer."""


class NodeProcess:
    """One node's process. Creating the object starts nothing."""

    def __init__(self, title: str, home: Path, port: int) -> None:
        self.title = title
        self.home = Home(home)
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.log = home.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "node", "serve", "--home", str(self.home.path), "--port", str(self.port)]
        with self.log.open("wb") as log:
            # Not asyncio's: there is no moment in which the process exists and a cancelled caller doesn't know of it.
            self._process = subprocess.Popen(  # noqa: S603 - this program, with arguments of its own
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | _QUICK_RETRIES
            )

    async def until_serving(self, seconds: float) -> None:
        """Returns once it answers; NotStarted if it ends before, or takes longer than that."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            try:
                await socket.call(self.home, "status", {}, _ignored)
            except NotServing:
                self._check()
            else:
                return
            await asyncio.sleep(0.05)
        raise NotStarted(f"the node of {self.title} does not serve after {seconds:.0f} seconds")

    async def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The result of an operation of this node."""
        try:
            return await socket.call(self.home, operation, parameters, _ignored)
        except BraError:
            self._check()
            raise

    def ask_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Waits until it has ended, and kills it at the deadline (of the monotonic clock)."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _check(self) -> None:
        """Raises NotStarted, with the last line of its log, if the process is no longer there."""
        if self._process is None or (code := self._process.poll()) is None:
            return
        if code < 0:
            raise NotStarted(f"the node of {self.title} was ended by signal {-code}")
        lines = self.log.read_text(errors="replace").strip().splitlines()
        last = lines[-1].removeprefix("bra: ") if lines else "its log is empty"
        raise NotStarted(f"the node of {self.title} ended with exit code {code}: {last}")


def end_all(processes: Iterable[NodeProcess]) -> None:
    """Ends them all, together. Doesn't give way to anything else: whoever is cancelled has it done all the same."""
    waiting = list(processes)
    for process in waiting:
        process.ask_to_end()
    deadline = time.monotonic() + _PATIENCE
    for process in waiting:
        process.end(deadline)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens at now, all different."""
    probes = [sockets.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def forget_settings() -> None:
    """Takes a real node's settings out of this process's environment, and so out of its children's."""
    for name in [name for name in os.environ if name.startswith("BRA_")]:
        del os.environ[name]


def _ignored(piece: dict[str, Any]) -> None:
    """No operation asked for here has progress to tell."""
