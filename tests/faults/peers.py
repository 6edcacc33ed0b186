"""Many nodes in one process that sync from one node at once, each with keys, a database and connections of its own.

    python -m tests.faults.peers FOLDER URL HOME COUNT RECORDS

The parts are the program's; only they have no servers. Three lines: "begun" before the first request, "ready SECONDS"
when all hold so many records, "done SECONDS" when all hold one more; the seconds from when the first of them did.
"""

import asyncio
import os
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from node.federation import client
from node.federation.client import Client
from node.federation.exchange import Exchange
from node.federation.session import Session
from node.federation.signatures import RequestSigner
from node.home import Home
from node.protocol.names import NodeId, encode_base64
from node.protocol.statements import Card
from node.world import World
from tests.directory.small_node import Clock, SmallNode
from tests.protocol.builders import NETWORK, NOW, key_named

SECONDS = 60.0


class Now(Clock):
    """The clock of the machine."""

    def __init__(self) -> None:
        super().__init__(time=time.time())

    def world(self) -> World:
        return World()


@dataclass(frozen=True, slots=True)
class Served:
    """The node that serves them all."""

    card: Card

    @property
    def id(self) -> NodeId:
        return self.card.author


def card_of(number: int) -> Card:
    """The card of the peer of this number."""
    root, signing = key_named(f"peer-{number}/root"), key_named(f"peer-{number}/signing/1")
    return Card.make(root, network=NETWORK, epoch=1, signing=signing.public, issued=NOW)


class Peer:
    """One of them, and its session with the one node."""

    def __init__(self, folder: Path, number: int, served: Served, url: str) -> None:
        self.node = node = SmallNode(folder, f"peer-{number}", clock=Now())
        assert node.card == card_of(number)
        node.befriend(served)  # type: ignore[arg-type]
        world, nonce = World(), encode_base64(os.urandom(32))
        self._http = client.session()
        talk = Client(
            self._http,
            url,
            served.id,
            RequestSigner(node.key, node.card),
            world=world,
            limits=node.limits,
            request_seconds=SECONDS,
        )
        session = Session(served.id, network=NETWORK, url=url, cursor=None, nonce=nonce, now=world.now)
        self._exchange = Exchange(session, talk, node.receiver, node.database)

    async def holds(self, enough: int) -> float:
        """Goes on with rounds until it holds so many records; when it did, on the clock that only rises."""
        while await self.node.database.read(held) < enough:
            await self._exchange.round(wait=20)
        return time.monotonic()

    async def close(self) -> None:
        await self._http.close()
        self.node.close()


def held(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM records WHERE line IS NOT NULL").fetchone()[0])


async def main(folder: Path, url: str, home: Path, count: int, enough: int) -> None:
    served = Served(Home(home).load_card())
    peers = [Peer(folder, number, served, url) for number in range(count)]
    _say("begun")
    began = time.monotonic()
    ready = await asyncio.gather(*(peer.holds(enough) for peer in peers))
    _say(f"ready {max(ready) - began:.2f}")
    done = await asyncio.gather(*(peer.holds(enough + 1) for peer in peers))
    _say(f"done {max(done) - min(done):.2f}")
    await asyncio.gather(*(peer.close() for peer in peers))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    folder, url, home, count, enough = sys.argv[1:]
    asyncio.run(main(Path(folder), url, Path(home), int(count), int(enough)))
