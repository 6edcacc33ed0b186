"""The shape of a system in the race. It is seeded once, then synced to one empty receiver after another.

    with Hypercore(folder) as peer:
        peer.seed(records)
        peer.cold_sync()        # the last receiver stays for what follows
        peer.updates(20)
        peer.idle()

Between two calls none of its processes talk, so the bytes on the wire are those of the system whose turn it is.
"""

import shutil
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from benchmarks.peers.ground import Records


@dataclass(frozen=True, slots=True)
class ColdSync:
    """From telling an empty receiver to start until it holds every record: seconds, bytes on the wire, its peak MB."""

    seconds: float
    wire: int
    memory: float


@dataclass(frozen=True, slots=True)
class Update:
    """Until one update can be read at the receiver: seconds since its write returned, and since it was called."""

    after: float
    whole: float


@dataclass(frozen=True, slots=True)
class Idle:
    """What finding nothing new costs: bytes on the wire, requests where the system has them, and what a round is."""

    wire: int
    round: str
    requests: int | None = None


class Peer(ABC):
    """One system. Its folder is its own and goes when the race ends."""

    name: ClassVar[str]
    verifies: ClassVar[str]
    """What the receiver checks."""
    durable: ClassVar[str]
    """What survives a loss of power once the receiver is done."""
    most: ClassVar[int | None] = None
    """Records that it gets at most, where more would take too long."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running = ExitStack()
        self._receivers = 0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.running.close()
        shutil.rmtree(self.folder)

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Why it can't run here; None if it can."""

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def seed(self, records: Records) -> None:
        """Has the sending side hold these records, durably."""

    @abstractmethod
    def cold_sync(self) -> ColdSync:
        """Syncs an empty receiver and counts what it holds; AssertionError if that isn't everything."""

    @abstractmethod
    def updates(self, count: int) -> list[Update]:
        """Changes so many records, each of another author, one by one, while the last receiver is connected."""

    @abstractmethod
    def idle(self) -> Idle: ...

    def receiver(self) -> Path:
        """The folder of an empty receiver. What the one before it held is removed."""
        shutil.rmtree(self.folder / f"receiver{self._receivers}", ignore_errors=True)
        self._receivers += 1
        return self.folder / f"receiver{self._receivers}"
