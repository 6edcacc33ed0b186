"""What all systems in the race stand on: the same records, loopback's byte counter, peak memory, processes.

The records are those of the node's own benchmarks, as the exact lines that it stores and sends.
"""

import asyncio
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.population import populate
from tests.nodes import Node

INSTALLED = Path(os.environ.get("BRA_PEERS") or Path(tempfile.gettempdir()) / "bra-peers")
"""Where `install.py` puts the systems."""


@dataclass(frozen=True, slots=True)
class Line:
    """A record: its author's node id, its id among the author's, and its line without the end of line."""

    author: str
    id: str
    line: bytes

    def changed(self, number: int) -> bytes:
        """The line with another name in its body."""
        record = json.loads(self.line)
        record["body"]["name"] = f"Changed {number}"
        return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Records:
    """All records, and the file with a line for each."""

    lines: Sequence[Line]
    path: Path

    @property
    def authors(self) -> list[str]:
        return sorted({line.author for line in self.lines})

    def venues(self, count: int) -> list[Line]:
        """So many records to change, each of another author."""
        first = {line.author: line for line in reversed(self.lines) if line.id.startswith("venue-")}
        return list(first.values())[:count]


def export(folder: Path, count: int) -> Records:
    """The node's own population of so many records."""
    node = Node(folder / f"population-{count}", "Population", url="")
    made = asyncio.run(populate(node.home, count))
    with sqlite3.connect(node.home / "var" / "node.db") as db:
        stored = [line for (line,) in db.execute("SELECT line FROM records WHERE line IS NOT NULL ORDER BY no")]
    db.close()
    shutil.rmtree(node.home)
    lines = [
        Line(record["author"], f"{record['kind']}-{record['id']}", line)
        for line, record in ((line, json.loads(line)) for line in stored)
        if record["author"] in made.authors
    ]
    assert len(lines) == count, f"{len(lines)} records instead of {count}"
    path = folder / f"records-{count}.ndjson"
    path.write_bytes(b"".join(each.line + b"\n" for each in lines))
    return Records(lines, path)


class Wire:
    """Counts the bytes that pass loopback, headers of TCP and IP included, each once."""

    def __init__(self) -> None:
        self._start = _passed()

    @property
    def bytes(self) -> int:
        return _passed() - self._start


def _passed() -> int:
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split(":")[1].split()[0]) for line in lines if line.strip().startswith("lo:"))


class Peak:
    """The most memory that a process and its children had together, in MB, looked at every 20 ms.

    Memory that they share counts once.
    """

    def __init__(self, pid: int) -> None:
        self.megabytes = 0.0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.megabytes = max(self.megabytes, _memory(self._pid))
            if self._done.wait(0.02):
                return


def _memory(pid: int) -> float:
    own, shared, waiting = 0, 0, [pid]
    while waiting:
        place = Path(f"/proc/{waiting.pop()}")
        with suppress(OSError):  # it may have ended in the meantime
            rows = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
            part = int(rows.get("RssShmem", "0").split()[0])
            own += int(rows.get("VmRSS", "0").split()[0]) - part
            shared = max(shared, part)
            for thread in (place / "task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
    return round((own + shared) * 1024 / 1e6, 1)


@contextmanager
def process(
    command: Sequence[object], *, log: Path, env: Mapping[str, str] | None = None, talks: bool = False
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that ends with the context. Its output goes to its log, or to a pipe if it talks."""
    pipe = subprocess.PIPE if talks else None
    with log.open("ab") as end:
        running = subprocess.Popen(
            [*map(str, command)], env={**os.environ, **(env or {})}, stdin=pipe, stdout=pipe or end, stderr=end
        )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()


def answers(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False
