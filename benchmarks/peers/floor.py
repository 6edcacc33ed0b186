"""The floor of the race: the same bytes over one aiohttp stream, kept by nobody and checked by nobody.

For an update: one fsync'ed commit of a record in SQLite and one HTTP question. For a round: the smallest HTTP question.
"""

import asyncio
import sqlite3
import sys
import time
import urllib.request
from pathlib import Path
from typing import ClassVar

import aiohttp
from aiohttp import web

from benchmarks.harness import waited
from benchmarks.peers.ground import Peak, Records, Wire, answers, process
from benchmarks.peers.peer import ColdSync, Idle, Peer, Update
from tests.nodes import free_port


class Floor(Peer):
    name: ClassVar[str] = "floor: an aiohttp stream"
    verifies: ClassVar[str] = "nothing"
    durable: ClassVar[str] = "nothing is kept"

    @classmethod
    def missing(cls) -> str | None:
        return None

    def version(self) -> str:
        return f"aiohttp {aiohttp.__version__}"

    def seed(self, records: Records) -> None:
        self.records, self.port = records, free_port()
        self.running.enter_context(process(_self("serve", records.path, self.port), log=self.folder / "serve.log"))
        waited(lambda: answers(self.port), "the stream's server does not answer")

    def cold_sync(self) -> ColdSync:
        command = _self("read", self.records.path, self.port)
        with process(command, log=self.folder / "read.log", talks=True) as reader, Peak(reader.pid) as peak:
            assert reader.stdin is not None
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"ready\n"
            wire, start = Wire(), time.perf_counter()
            reader.stdin.write(b"start\n")
            reader.stdin.flush()
            size = int(reader.stdout.readline())
            took, sent = time.perf_counter() - start, wire.bytes
        assert size == self.records.path.stat().st_size
        return ColdSync(took, sent, peak.megabytes)

    def updates(self, count: int) -> list[Update]:
        db = sqlite3.connect(self.folder / "floor.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = wal")
        db.execute("PRAGMA synchronous = full")
        db.execute("CREATE TABLE records (author TEXT, id TEXT, line BLOB, PRIMARY KEY (author, id))")
        times = []
        for number, each in enumerate(self.records.venues(count)):
            called = time.perf_counter()
            db.execute("INSERT INTO records VALUES (?, ?, ?)", (each.author, each.id, each.changed(number)))
            returned = time.perf_counter()
            self._question()
            seen = time.perf_counter()
            times.append(Update(seen - returned, seen - called))
        db.close()
        return times

    def idle(self) -> Idle:
        wire = Wire()
        self._question()
        return Idle(wire.bytes, "one HTTP question", 1)

    def _question(self) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz") as answer:
            assert answer.read() == b"ok"


def _self(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.peers.floor", *map(str, arguments)]


def _serve(path: Path, port: int) -> None:
    async def file(_: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    app = web.Application()
    app.router.add_get("/records", file)
    app.router.add_get("/healthz", _ok)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _read(port: int) -> None:
    async with aiohttp.ClientSession() as session:
        print("ready", flush=True)
        sys.stdin.readline()
        async with session.get(f"http://127.0.0.1:{port}/records") as answer:
            print(sum([len(chunk) async for chunk in answer.content.iter_any()]), flush=True)


if __name__ == "__main__":
    _, what, path, port = sys.argv
    _serve(Path(path), int(port)) if what == "serve" else asyncio.run(_read(int(port)))
