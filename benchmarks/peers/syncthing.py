"""Syncthing: two devices share a folder with a file a record (from Debian). No discovery, no relays, only loopback."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self
from xml.sax.saxutils import quoteattr

from benchmarks.harness import waited
from benchmarks.peers.ground import INSTALLED, Line, Peak, Records, Wire, process
from benchmarks.peers.peer import ColdSync, Idle, Peer, Update
from tests.nodes import free_port

PROGRAM = INSTALLED / "syncthing" / "usr" / "bin" / "syncthing"
KEY = "race"
"""Of its REST interface, on loopback."""
QUIET = 20


def program() -> str:
    """Where it is; an empty text if it isn't there."""
    return str(PROGRAM) if PROGRAM.exists() else shutil.which("syncthing") or ""


class Syncthing(Peer):
    name: ClassVar[str] = "Syncthing"
    verifies: ClassVar[str] = "hashes"
    durable: ClassVar[str] = "all"
    most: ClassVar[int | None] = 2_000

    @classmethod
    def missing(cls) -> str | None:
        return None if program() else "Syncthing is not installed: run `make bench-peers`."

    def version(self) -> str:
        return " ".join(
            subprocess.run([program(), "--version"], capture_output=True, check=True).stdout.decode().split()[:2]
        )

    def seed(self, records: Records) -> None:
        self.records = records
        self.sender = Device(self.folder / "sender")
        for each in records.lines:
            path = self._file(self.sender, each)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(each.line)

    def cold_sync(self) -> ColdSync:
        self.target = Device(self.receiver())
        with self._both() as start, Peak(self.target.pid) as peak:
            waited(lambda: self.sender.holds(len(self.records.lines)), "the sender does not finish its scan", every=0.1)
            wire, told = Wire(), time.perf_counter()
            start()
            waited(lambda: self.target.holds(len(self.records.lines)), "the receiver does not get all", every=0.1)
            took = time.perf_counter() - told
            sent = wire.bytes
        return ColdSync(took, sent, peak.megabytes)

    def updates(self, count: int) -> list[Update]:
        """The sender is told which file to look at; by itself it would notice after a second at the soonest."""
        times = []
        with self._both() as start:
            start()
            waited(lambda: self.target.holds(len(self.records.lines)), "the two are not in step", every=0.1)
            time.sleep(2)
            for number, each in enumerate(self.records.venues(count)):
                line, copy = each.changed(number), self._file(self.target, each)
                called = time.perf_counter()
                self._file(self.sender, each).write_bytes(line)
                self.sender.ask("POST", f"/rest/db/scan?folder=records&sub={each.author}/{each.id}.json")
                returned = time.perf_counter()
                waited(lambda p=copy, text=line: _text(p) == text, "the update does not arrive", deadline=60)
                seen = time.perf_counter()
                times.append(Update(seen - returned, seen - called))
                time.sleep(0.2)
        return times

    def idle(self) -> Idle:
        with self._both() as start:
            start()
            waited(lambda: self.target.holds(len(self.records.lines)), "the two are not in step", every=0.1)
            time.sleep(3)
            wire = Wire()
            time.sleep(QUIET)
            return Idle(wire.bytes, f"{QUIET} s of a quiet connection")

    @contextmanager
    def _both(self) -> Iterator[Callable[[], None]]:
        """Both devices run, and don't talk until the receiver is told to start."""
        with self.sender.started(self.target), self.target.started(self.sender, paused=True):
            yield lambda: self.target.ask("PATCH", f"/rest/config/devices/{self.sender.id}", {"paused": False})

    def _file(self, device: "Device", each: Line) -> Path:
        return device.data / each.author / f"{each.id}.json"


class Device:
    """One Syncthing with a home, a shared folder, and its REST interface."""

    pid: int

    def __init__(self, folder: Path) -> None:
        self.home, self.data = folder / "home", folder / "records"
        self.data.mkdir(parents=True)
        (self.data / ".stfolder").mkdir()
        self.port, self.asked = free_port(), free_port()
        generate = [program(), "generate", f"--home={self.home}", "--no-default-folder", "--skip-port-probing"]
        subprocess.run(generate, check=True, capture_output=True)
        shown = subprocess.run([program(), f"--home={self.home}", "--device-id"], check=True, capture_output=True)
        self.id = shown.stdout.decode().strip()

    @contextmanager
    def started(self, other: "Device", *, paused: bool = False) -> Iterator[Self]:
        (self.home / "config.xml").write_text(self._configuration(other, str(paused).lower()))
        command = [program(), "serve", f"--home={self.home}", "--no-browser", "--no-upgrade", "--no-restart"]
        with process(command, env={"STNOUPGRADE": "1"}, log=self.home / "log") as running:
            self.pid = running.pid
            waited(self._answers, "Syncthing does not answer", deadline=60)
            yield self

    def holds(self, count: int) -> bool:
        found = self.ask("GET", "/rest/db/status?folder=records")
        return (found["state"], found["localFiles"], found["needFiles"]) == ("idle", count, 0)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
        question = urllib.request.Request(f"http://127.0.0.1:{self.asked}{path}", data, headers, method=method)
        with urllib.request.urlopen(question, timeout=120) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def _answers(self) -> bool:
        with suppress(OSError, urllib.error.URLError):
            self.ask("GET", "/rest/system/ping")
            return True
        return False

    def _configuration(self, other: "Device", paused: str) -> str:
        off = ("globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled", "startBrowser")
        never = "".join(f"<{name}>false</{name}>" for name in (*off, "crashReportingEnabled", "setLowPriority"))
        return f"""<configuration version="36">
  <folder id="records" path={quoteattr(str(self.data))} rescanIntervalS="3600" fsWatcherEnabled="false">
    <device id="{self.id}"/><device id="{other.id}"/>
  </folder>
  <device id="{self.id}" name="me"><address>dynamic</address></device>
  <device id="{other.id}" name="other" compression="always">
    <address>tcp://127.0.0.1:{other.port}</address><paused>{paused}</paused>
  </device>
  <gui enabled="true" tls="false"><address>127.0.0.1:{self.asked}</address><apikey>{KEY}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:{self.port}</listenAddress>{never}<urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH><stunServer/><reconnectionIntervalS>1</reconnectionIntervalS>
  </options>
</configuration>"""


def _text(path: Path) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""
