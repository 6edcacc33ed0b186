"""10,000 connections that say nothing: members and a partner are answered all the same, and in the end they are gone.

Once a node is configured to hold them all; once, as it comes, it closes them down to 2,000; and once the machine gives
it fewer files than there are connections. Unless BRA_FAULTS is set (make faults), it is the first with 3,000.
"""

import contextlib
import os
import resource
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.memory import resident
from tests.nodes import Node, get, until, venue
from tests.system.conftest import Make
from tests.system.inside import states

CAMPAIGN = bool(os.environ.get("BRA_FAULTS"))
MANY = 10_000 if CAMPAIGN else 3_000
A_HOST = 5_000
"""Connections from one of this machine's addresses, each of which has some 28,000 ports to give."""
IDLE_SECONDS = 12 if CAMPAIGN else 5
EACH = 16 * 1024
"""Bytes of memory that the node may take for one of them."""
AT_ONCE = 2.5
"""Seconds within which a member is answered, and a partner's news comes: whoever finds the queue full waits for one."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    limits: dict[str, Any]
    held: int
    """Connections that the node goes on holding before they have been idle for too long."""
    files: int = 0
    """That the node's process may have open; 0: what it is given."""
    at_once: float = AT_ONCE


CASES = {
    "that it may hold": Case({"connections": MANY + 1_000}, MANY),
    "beyond its own cap": Case({}, 2_000),
    "beyond its files": Case({}, 2_000, files=4_096, at_once=4 * AT_ONCE),
}
ALWAYS = "that it may hold"
LONG = pytest.mark.skipif(not CAMPAIGN, reason="a campaign: make faults")


@contextmanager
def many_files() -> Iterator[None]:
    """This process may open as many files as the test needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + 500:
        pytest.skip(f"this machine lets a process have {hard} files, and {MANY} connections need more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (MANY + 500, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Connections that are opened, in threads of their own, and then say nothing."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        # One that has to wait for its place in the node's queue waits a second, so many are opened beside each other.
        self._openers = ThreadPoolExecutor(100)
        self._opening = [self._openers.submit(self._open, number) for number in range(count)]

    def _open(self, number: int) -> None:
        host = f"127.0.1.{1 + number // A_HOST}"
        with contextlib.suppress(OSError):
            self._sockets.append(socket.create_connection(("127.0.0.1", self._port), 3, source_address=(host, 0)))

    @property
    def complete(self) -> bool:
        return all(each.done() for each in self._opening)

    def open(self) -> int:
        """How many the node has not closed."""
        for each in self._sockets:
            each.setblocking(False)
            self._selector.register(each, selectors.EVENT_READ)
        self._sockets = []
        for key, _ in self._selector.select(0):
            self._selector.unregister(key.fileobj)
            key.fileobj.close()
        return len(self._selector.get_map())

    def close(self) -> None:
        self._openers.shutdown()
        self.open()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()


@pytest.mark.parametrize("what", [pytest.param(each, marks=() if each == ALWAYS else LONG) for each in CASES])
def test_members_and_a_partner_are_answered_during_idle_connections(what: str, make: Make) -> None:
    case = CASES[what]
    node, partner = make("Faro Park", limits={"idle_seconds": IDLE_SECONDS, **case.limits}), make("Ghent Park")
    node.befriend(partner)
    if case.files:
        node.program = ("prlimit", f"--nofile={case.files}:{case.files}", *node.program)
    node.serve()
    partner.serve()
    until(lambda: agree(node, partner), "the partners don't get in step")
    before = resident(node)
    with many_files():
        crowd = Crowd(node.port, MANY)
        try:
            worst, number = 0.0, 0
            while not crowd.complete or number < 3:
                number += 1
                worst = max(worst, asked(node))
                for one, other in ((node, partner), (partner, node)):
                    one.publish("venue", [venue("v", name=f"Room {number}")])
                    worst = max(worst, shown(other, f"Room {number}"))
            most = resident(node)
            held = until(lambda: (left := crowd.open()) <= case.held and left, "they are not closed")
            sys.stdout.write(f"{what}: {(most - before) // MIB} MiB for {held}; the longest wait {worst:.2f} s\n")
            assert most - before < EACH * MANY
            assert worst < case.at_once
            until(lambda: not crowd.open(), "idle connections stay", IDLE_SECONDS + 10)
            until(lambda: open_files(node) < 100, "the node doesn't let go of them")
            assert asked(node) < AT_ONCE
        finally:
            crowd.close()
    assert '"level": "error"' not in node.log()


def agree(one: Node, other: Node) -> bool:
    return states(one) == states(other)


def asked(node: Node) -> float:
    """Seconds until a member is answered."""
    began = time.monotonic()
    get(f"{node.url}/api/v1/search?q=room")
    return time.monotonic() - began


def shown(node: Node, name: str) -> float:
    """Seconds until the node shows a venue."""
    began = time.monotonic()
    until(lambda: any(each["body"]["name"] == name for each in node.listed("venue")), f"{name} does not come")
    return time.monotonic() - began


def open_files(node: Node) -> int:
    assert node.process is not None
    return sum(1 for _ in Path(f"/proc/{node.process.pid}/fd").iterdir())
