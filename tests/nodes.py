"""Real nodes in processes of their own, for tests: made, served, killed and asked as an operator would.

node = Node(folder / "a", "Tartu Science Park")
node.serve()
node.bra("publish", "rooms.csv", "--kind", "venue")
"""

import atexit
import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from node.trust.safety_words import safety_words
from tests.shell import Running, Shell

DEADLINE = 30.0
PYTHON = (sys.executable, "-m")


class Failed(AssertionError):
    """A command that was expected to succeed did not."""


class Node:
    """One node: its home, and its process while it serves. `settings` go into its configuration, by section.

    `program`: what is started to serve; a test may start it in another way.
    """

    program: Sequence[str] = (*PYTHON, "node")

    def __init__(
        self,
        home: Path,
        name: str,
        *,
        city: str = "Tartu",
        country: str = "EE",
        url: str | None = None,
        signed: bool = True,
        **settings: dict[str, Any],
    ):
        self.home = home
        self.name = name
        self.process: subprocess.Popen[bytes] | Running | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        home.parent.mkdir(parents=True, exist_ok=True)
        self.words = home.with_suffix(".words")
        self.bra(
            "init", "--name", name, "--country", country, "--city", city, "--url", self.url if url is None else url,
            "--website", website(name), "--network", "test", "--recovery-file", str(self.words),
            *(("--sign", "Managing director") if signed else ()),
        )  # fmt: skip
        quick = {"retry_first_seconds": 0.2, "retry_longest_seconds": 1.0}
        # A test looks again and again until something is there, more often than anybody may by default.
        patient = {"public_reads": 1_000_000, "public_searches": 1_000_000}
        self.configure(
            **{
                **settings,
                "federation": {**quick, **settings.get("federation", {})},
                "api": {**patient, **settings.get("api", {})},
            }
        )
        self.id = json.loads((home / "keys" / "card.json").read_text())["statement"]["author"]

    def configure(self, **settings: dict[str, Any]) -> None:
        """Adds settings as an operator would: by taking out the '#' before their keys."""
        path = self.home / "config" / "node.toml"
        lines, section = path.read_text().splitlines(), ""
        for place, line in enumerate(lines):
            if line.startswith("["):
                section = line.strip("[]")
            key = line.removeprefix("# ").split(" = ")[0]
            if " = " in line and key in settings.get(section, {}):
                lines[place] = f"{key} = {json.dumps(settings[section][key])}"
        path.write_text("\n".join(lines) + "\n")

    def bra(self, *arguments: str, stdin: bytes = b"", code: int = 0) -> str:
        """The output of a command with this home; Failed unless it exits with `code`."""
        done = bra(*arguments, "--home", str(self.home), stdin=stdin)
        if done.returncode != code:
            raise Failed(
                f"bra {' '.join(arguments)}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"
            )
        return done.stdout.decode() if code == 0 else done.stderr.decode()

    def json(self, *arguments: str, stdin: bytes = b"") -> Any:
        return json.loads(self.bra(*arguments, "--json", stdin=stdin))

    def serve(self, **environment: str) -> None:
        """Starts the node and waits until it answers."""
        self.begin(**environment)
        until(self.healthy, f"{self.name} does not answer: {self.log()}")

    def begin(self, **environment: str) -> None:
        """Starts the node; it may end before it answers."""
        arguments = ("serve", "--home", str(self.home), "--port", str(self.port))
        log = self.home.with_suffix(".log")
        if self.program[:2] == PYTHON:
            module, *before = self.program[2:]
            self.process = shell().start(module, *before, *arguments, out=log, err=log, environment=environment)
        else:
            with log.open("ab") as out:
                self.process = subprocess.Popen(
                    [*self.program, *arguments], stdout=out, stderr=out, env={**os.environ, **environment}
                )

    def healthy(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise Failed(f"{self.name} ended: {self.log()}")
        with contextlib.suppress(OSError):
            return get(f"{self.url}/healthz") == {"status": "ok"}
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(DEADLINE)
            self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def log(self) -> str:
        path = self.home.with_suffix(".log")
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def card(self) -> str:
        return self.bra("card")

    def befriend(self, other: "Node") -> None:
        """Both add each other's card, as two operators would."""
        self.add(other)
        other.add(self)

    def add(self, other: "Node", *options: str) -> None:
        """Adds the other's card and confirms it by the words that its operator reads out."""
        words = " ".join(safety_words(self.id, other.id))
        self.bra("partner", "add", "-", "--words", words, *options, stdin=other.card().encode())

    def publish(self, kind: str, rows: list[dict[str, Any]]) -> Any:
        data = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
        return self.json("publish", "-", "--kind", kind, stdin=data)

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """What the node's own API lists of a kind."""
        records: list[dict[str, Any]] = []
        place: dict[str, str] = {"limit": "1000"}
        while True:
            page = get(f"{self.url}/api/v1/{kind}?{urllib.parse.urlencode(place)}")
            records += page["records"]
            if "after" not in page:
                return records
            place["after"] = page["after"]

    def status(self) -> Any:
        return self.json("status")

    def author(self, other: "Node") -> dict[str, Any]:
        """What this node's status says of another author; empty where it says nothing."""
        return next((each for each in self.status()["authors"] if each["node_id"] == other.id), {})


@cache
def shell() -> Shell:
    """What all nodes and commands of these tests are forked from."""
    made = Shell()
    atexit.register(made.close)
    return made


def bra(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return shell().run(*arguments, stdin=stdin)


def website(name: str) -> str:
    """An organisation's own, made up of its name."""
    return f"https://{'-'.join(re.findall('[a-z0-9]+', name.lower())) or 'park'}.example/"


def venue(ref: str, **fields: Any) -> dict[str, Any]:
    """A venue as a row of JSON lines."""
    return {
        "ref": ref,
        "name": f"Room {ref}",
        "type": "desk",
        "address": "Example street 1",
        "city": "Tartu",
        "country": "EE",
        "geo": {"lat_e6": 58378000, "lon_e6": 26729000},
        "time_zone": "Europe/Tallinn",
        "hours": "Mo-Fr 09:00-17:00",
        "contact": {"email": "desk@park.example"},
        "terms": {"free_days": 3, "notice_hours": 24},
        **fields,
    }


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


def until(condition: Callable[[], Any], otherwise: str, deadline: float = DEADLINE) -> Any:
    """The condition's first true value; fails with `otherwise` when the deadline passes."""
    ends = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < ends, otherwise
        time.sleep(0.02)
    return found


def free_port() -> int:
    """A port that nobody has. None is given twice: a node is made long before it serves.

    It is below those that outgoing connections get (Linux, ip(7): ip_local_port_range).
    """
    while True:
        port = next(_ports)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def _numbers() -> Iterator[int]:
    """Ports from a place of this process's own on, around and around."""
    lowest, highest = 10_000, 32_000
    first = random.SystemRandom().randrange(lowest, highest)
    while True:
        yield from range(first, highest)
        yield from range(lowest, first)


_ports = _numbers()
