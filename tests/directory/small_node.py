"""A whole small node without a home or a network: a database in a folder, its keys, and a clock that tests move.

tartu = SmallNode(folder, "tartu")
await tartu.publish(organisation("Tartu Science Park"))
tartu.clock.pass_by(3600)
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from node.directory import replica
from node.directory.acceptance import Acceptance, Choices
from node.directory.authority import Authority
from node.directory.draft import OWN_ORGANISATION, Change, Outcome
from node.directory.indexing import Indexer
from node.directory.publishing import Publisher
from node.directory.reader import PUBLIC, Reader
from node.federation import sending
from node.federation.hearing import Told
from node.federation.reading import read_block
from node.federation.receiving import Receiver
from node.protocol.blocks import Block, Limits, Want, parse_line
from node.protocol.names import NodeId
from node.protocol.statements import Beat, Card, Head
from node.protocol.verdicts import Refusal, Verdict
from node.storage import authors, partners, records, sets
from node.storage.authors import Author as StoredAuthor
from node.storage.database import Database
from node.trust.reach import Known, Rules, Standing
from node.world import World
from tests.protocol.builders import NETWORK, NOW, Author, key_named
from tests.storage.prepared import prepared

TEXT = "ab" * 32
"""The hash of the agreement's text that everybody here recognises."""


@dataclass
class Clock:
    """Time that passes when somebody sleeps or the test says so, and randomness that repeats itself never."""

    time: float = NOW
    slept: list[float] = field(default_factory=list)
    drawn: int = 0

    def pass_by(self, seconds: float) -> None:
        self.time += seconds

    def world(self) -> World:
        return World(now=lambda: self.time, sleep=self._sleep, random=self._random)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    def _random(self, length: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_128(str(self.drawn).encode()).digest(length)


class SmallNode:
    """One node's parts, put together as `node.app` does, for use inside a test."""

    def __init__(
        self,
        folder: Path,
        name: str = "tartu",
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        blocked: Iterable[NodeId] = (),
        kinds: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.clock = clock or Clock()
        self.world = self.clock.world()
        self.key = key_named(f"{name}/signing/1")
        root = key_named(f"{name}/root")
        self.card = Card.make(root, network=NETWORK, epoch=1, signing=self.key.public, issued=NOW)
        self.id = self.card.author
        file = folder / f"{name}.db"
        if not file.exists():
            file.write_bytes(prepared())
        self.database = Database(file)
        self.trees = sets.Trees()
        self.acceptance = Acceptance(self.id, Choices(frozenset((TEXT,)), Rules(), (), frozenset(blocked)))
        self.limits = limits or Limits()
        self.authority = Authority(self.card, restored=False)
        self.publisher = Publisher(
            self.database, self.trees, self.key, self.authority, urls=(f"https://{name}.example",), world=self.world
        )
        self.indexer = Indexer(self.database)
        self.receiver = Receiver(
            self.database,
            self.trees,
            self.acceptance,
            self.authority,
            self.indexer,
            network=NETWORK,
            limits=self.limits,
            world=self.world,
            kinds=replica.kept(kinds),
        )
        self.database.write_now(lambda db: authors.introduce(db, self.card))
        self.reconsider()

    def close(self) -> None:
        self.receiver.close()
        self.database.close()

    def reconsider(self) -> None:
        known = self.database.write_now(lambda db: self.acceptance.recompute(db, self.clock.time))
        self.acceptance.replace(known)

    def befriend(self, *others: "Author | SmallNode") -> None:
        """Makes partners of them, without an endorsement."""

        def add(db: sqlite3.Connection) -> None:
            for other in others:
                authors.introduce(db, other.card)
                partners.add(db, other.id, None, self.clock.time)

        self.database.write_now(add)
        self.reconsider()

    def accept(self, node: "Author | SmallNode", standing: Standing) -> None:
        """Gives a node a standing as if the rules had come to it."""
        self.database.write_now(lambda db: authors.introduce(db, node.card))
        answer = self.acceptance.answer
        known = {**answer.known, node.id: Known(standing, (node.id,))}
        self.acceptance.replace(replace(answer, known=known, taken=answer.taken | {node.id}))
        self.database.write_now(
            lambda db: db.execute("UPDATE authors SET standing = ? WHERE node_id = ?", (int(standing), node.id))
        )

    async def publish(self, *changes: Change) -> Outcome:
        return await self.publisher.publish(changes)

    async def take(self, lines: Iterable[bytes], of: "Author | SmallNode", *, peer: NodeId | None = None) -> Verdict:
        """What this node makes of a block that `peer` (the author, if nobody is named) brought."""
        block = read_block(Want(of.id), list(lines), self.limits)
        if isinstance(block, Refusal):
            return block
        verdict = await self.receiver.apply(peer or of.id, block)
        await self.receiver.settle()
        return verdict

    async def pull(self, other: "SmallNode", of: "Author | SmallNode", *, honoured: bool = True) -> Verdict:
        """Pulls an author's block from another node, as a session without comparing would."""
        return await self.take(other.tell(self.want(of), honoured=honoured), of, peer=other.id)

    def tell(self, want: Want, *, honoured: bool = True, page_bytes: int = 4_000_000) -> list[bytes]:
        """The lines of this node's block."""
        return self.database.read_now(
            lambda db: list(sending.block(db, want, honoured=honoured, limits=self.limits, page_bytes=page_bytes))
        )

    def feed(self, after: int = 0) -> list[bytes]:
        found = self.database.read_now(lambda db: sending.feed(db, after, honoured=True))
        assert found is not None
        return found.lines

    def want(self, of: "Author | SmallNode") -> Want:
        held = self.author(of.id)
        if held is None or held.head_hash is None:
            return Want(of.id)
        return Want(of.id, held.epoch, held.seq, held.head_hash)

    def author(self, node_id: NodeId | None = None) -> StoredAuthor | None:
        return self.database.read_now(lambda db: authors.find(db, node_id or self.id))

    def mine(self) -> StoredAuthor:
        found = self.author()
        assert found is not None
        return found

    def rows(self, of: NodeId | None = None) -> list[records.Stored]:
        """The shared rows that are held of an author."""

        def read(db: sqlite3.Connection) -> list[records.Stored]:
            found = authors.find(db, of or self.id)
            return list(records.since(db, found.no, 0)) if found else []

        return self.database.read_now(read)

    def refusals(self) -> list[tuple[str, str]]:
        found = self.database.read_now(partners.refusals)
        return [(each.author, each.reason) for each in found]

    def reader(self, visibilities: Iterable[str] = PUBLIC) -> Reader:
        return Reader.of(self.acceptance, frozenset(visibilities), self.clock.time)


def statements(lines: Iterable[bytes]) -> list[Any]:
    """The values of lines, each as (tag, value)."""
    return [parse_line(line) for line in lines]


def tags(lines: Iterable[bytes]) -> list[str]:
    return [tag for tag, _ in statements(lines)]


def told(lines: Iterable[bytes]) -> list[Told]:
    """What a feed's lines say, the honest way."""
    found: list[Told] = []
    card: Card | None = None
    for tag, value in statements(lines):
        if tag == "card":
            card = Card.parse(value)
        elif tag == "head":
            assert card is not None
            found.append(Told(card, Head.parse(value)))
        elif tag == "beat":
            found[-1].beat = Beat.parse(value)
    return found


def parts(block: Block) -> tuple[int, int, int]:
    """How many records, leaves and removals a block holds."""
    return len(block.records), len(block.leaves), len(block.removed)


def organisation_body(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "roles": ["science_park"],
        "city": "Tartu",
        "country": "EE",
        "website": f"https://{name[:40].strip().lower().replace(' ', '-')}.example/",
        "languages": ["en"],
        **fields,
    }


def organisation(name: str) -> Change:
    return Change("organisation", organisation_body(name), id=OWN_ORGANISATION)


def signature() -> Change:
    return Change("agreement", agreement_body(), ref="1")


def agreement_body() -> dict[str, Any]:
    return {"version": "1", "text_sha256": TEXT, "signatory_role": "Director", "date": "2026-01-15"}


def endorsement_body(of: NodeId, **fields: Any) -> dict[str, Any]:
    return {"node_id": of, "organisation": "Somebody", "method": "phone", "date": "2026-01-15", **fields}


def adoption(text: str, **fields: Any) -> Change:
    """The smallest record of which there may be many."""
    return Change("adoption", adoption_body(text), **fields)


def adoption_body(text: str) -> dict[str, Any]:
    return {"practice": "p", "by": text, "since": "2027-01-15"}


def contact_body(role: str) -> dict[str, Any]:
    return {"role": role, "languages": ["en"], "email": "landing@park.example"}


def signatory(name: str) -> Author:
    """An author that has said who it is and signed, and has a head and a beat of it."""
    author = Author(name)
    author.put("organisation", organisation_body(f"{name.title()} Park"), OWN_ORGANISATION)
    author.put("agreement", agreement_body())
    author.commit()
    author.beat(NOW)
    return author
