"""100 partners sync from one node at once while members ask it: all get everything, and no member waits for long.

Unless BRA_FAULTS is set (make faults) they are 30, with a fifth of the records. -s shows the figures.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.directory.small_node import TEXT
from tests.faults.large import befriend, fill, many_authors
from tests.faults.memory import peak
from tests.faults.peers import card_of
from tests.nodes import Node, get, until, venue
from tests.system.conftest import Make
from tests.system.inside import reading

CAMPAIGN = bool(os.environ.get("BRA_FAULTS"))
PEERS = 100 if CAMPAIGN else 30
SILENT = 100
AUTHORS = 10
RECORDS = 100 if CAMPAIGN else 20
"""Of each author."""
SLOWEST = 0.5
"""Seconds within which all but one member in a hundred are answered."""
PATIENCE = 60 + RECORDS
SOON = 5.0
"""Seconds within which a healthy partner's news comes, its first round among them."""
MIB = 1024 * 1024


@pytest.fixture
def node(make: Make) -> Node:
    """A node with 100 partners that nobody can reach, and much to tell."""
    made = make("Hasselt Park", agreement={"recognised": [TEXT]})
    asyncio.run(fill(made.home, many_authors(AUTHORS, RECORDS)))
    asyncio.run(befriend(made.home, [(card_of(number), None) for number in range(PEERS)]))
    made.serve()
    return made


@contextmanager
def crowd(node: Node, folder: Path, enough: int) -> Iterator["subprocess.Popen[str]"]:
    arguments = (str(folder), node.url, str(node.home), str(PEERS), str(enough))
    command = [sys.executable, "-m", "tests.faults.peers", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_hundred_partners_sync_at_once_and_members_are_answered(node: Node, tmp_path: Path) -> None:
    with reading(node) as db:
        enough = int(db.execute("SELECT count(*) FROM records").fetchone()[0])
    idle = sorted(asked(node) for _ in range(100))
    with crowd(node, tmp_path, enough) as peers, ThreadPoolExecutor(1) as reader:
        assert peers.stdout is not None
        assert peers.stdout.readline() == "begun\n"
        ready = reader.submit(peers.stdout.readline)
        waits, ends = list[float](), time.monotonic() + PATIENCE
        while not ready.done():
            assert time.monotonic() < ends, f"not all get all: {node.log()}"
            waits.append(asked(node))
            time.sleep(0.01)
        waits.sort()
        node.publish("venue", [venue("v", name="Room for one more")])
        news = peers.stdout.readline()
    p50, p99 = (waits[len(waits) * part // 100] * 1000 for part in (50, 99))
    alone = tuple(round(idle[part] * 1000) for part in (50, 99))
    sys.stdout.write(
        f"{PEERS} partners, {enough} records each: {ready.result().strip()} s; news at all: {news.strip()} s; of "
        f"{len(waits)} questions p50 {p50:.0f} ms, p99 {p99:.0f} ms (idle {alone[0]} and {alone[1]}); "
        f"{peak(node) // MIB} MiB at the most\n"
    )
    assert ready.result().startswith("ready ")
    assert news.startswith("done ")
    assert p99 < SLOWEST * 1000
    assert '"level": "error"' not in node.log()


def test_a_hundred_partners_that_say_nothing_delay_no_other(make: Make) -> None:
    node, healthy = make("Lahti Park"), make("Malta Park")
    node.befriend(healthy)
    with socket.create_server(("0.0.0.0", 0), backlog=SILENT) as silent:
        port = silent.getsockname()[1]
        urls = [f"http://127.0.2.{number + 1}:{port}" for number in range(SILENT)]
        asyncio.run(befriend(node.home, [(card_of(number), url) for number, url in enumerate(urls)]))
        node.serve()
        healthy.serve()
        until(lambda: node.author(healthy).get("records"), f"the healthy partner waits: {node.log()}", SOON)
        began = time.monotonic()
        healthy.publish("venue", [venue("v", name="Room of the healthy")])
        until(lambda: node.listed("venue"), "its news waits", SOON)
        sys.stdout.write(f"news beside {SILENT} silent partners: {time.monotonic() - began:.2f} s\n")


def asked(node: Node) -> float:
    """Seconds until a member is answered who looks for what is there."""
    began = time.monotonic()
    assert get(f"{node.url}/api/v1/search?q=room&limit=20")["records"]
    return time.monotonic() - began
