"""A whole node in this process that is reached over the loopback, and authors with real keys that write to it.

async with town(folder) as tartu:
    lund = Writer("lund")
    await tartu.befriend(lund)
    answer = await tartu.bring(lund, lund.message(tartu.id, {"number": 1}))
    answered(answer, lund).refused
"""

import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import node.app
from node import founding
from node.app import App
from node.federation import wire
from node.federation.reading import read_block
from node.federation.signatures import RequestSigner
from node.founding import Organisation
from node.home import Home
from node.protocol.blocks import Limits, Want
from node.protocol.canonical import decode, encode
from node.protocol.messages import Acknowledgement, Message, Sealed
from node.protocol.names import NodeId, RecordId, encode_base64
from node.roaming.sealing import seal, unseal
from node.storage import authors, partners
from node.world import World
from tests.directory.small_node import signatory
from tests.nodes import free_port
from tests.protocol.builders import Author, key_named
from tests.roaming.echoing import KIND, Echoes, written


@dataclass(frozen=True, slots=True)
class Answer:
    """What a raw call was answered."""

    status: int
    value: Any
    headers: Any


class Writer:
    """An author that writes messages itself, right or wrong."""

    def __init__(self, name: str) -> None:
        self.author: Author = signatory(name)
        self.sealing = X25519PrivateKey.from_private_bytes(key_named(f"{name}/sealing").raw())
        self._ids = 0

    @property
    def id(self) -> NodeId:
        return self.author.id

    def publish_key(self) -> None:
        """Publishes its sealing key, under its newest head."""
        public = encode_base64(self.sealing.public_key().public_bytes_raw())
        body = {"use": "sealing", "public_key": public, "since": "2026-01-15T00:00:00Z"}
        self.author.put("node_key", body, f"sealing-{self.author.epoch}")
        self.author.commit()
        self.author.beat(int(time.time()))

    def message(self, to: NodeId, body: dict[str, Any], **others: Any) -> Message:
        """A message of this author, with some of its members given."""
        self._ids += 1
        members: dict[str, Any] = {
            "sender": self.id,
            "to": to,
            "epoch": self.author.epoch,
            "id": f"{self.author.name}{self._ids}",
            "kind": KIND,
            "body": body,
            "sent": int(time.time()),
            "expires": int(time.time()) + 3600,
        }
        return Message.make(others.pop("key", self.author.signing_key), **(members | others))

    def open(self, sealed: Sealed) -> Acknowledgement:
        return Acknowledgement.parse(decode(unseal(sealed, self.sealing)))


class Town:
    """The node that is written to. It knows `Echoes`, and honours its partners."""

    def __init__(self, app: App, base: str, http: aiohttp.ClientSession, ahead: list[float]) -> None:
        self.app = app
        self.base = base
        self.http = http
        self.id = app.acceptance.me
        self._ahead = ahead
        self._nonces = 0

    def pass_by(self, seconds: float) -> None:
        """Moves this node's clock."""
        self._ahead[0] += seconds

    async def befriend(self, *writers: Writer, keys: bool = True) -> None:
        """Makes partners of them, and takes their sets; without `keys`, before they publish any."""

        def add(db: sqlite3.Connection) -> None:
            for writer in writers:
                authors.introduce(db, writer.author.card)
                partners.add(db, writer.id, None, time.time())

        await self.app.database.write(add)
        await self.app.parts.reconsider()
        for writer in writers:
            if keys:
                writer.publish_key()
            await self.take(writer)

    async def take(self, writer: Writer) -> None:
        """Takes an author's whole set as it is now."""
        block = read_block(Want(writer.id), list(writer.author.block_lines(Want(writer.id))), Limits())
        await self.app.receiver.apply(writer.id, block, whole=True)  # type: ignore[arg-type]
        await self.app.receiver.settle()

    def sealed(self, message: Message, **others: Any) -> Sealed:
        """A message as it is sealed to this node's newest key, with some of what stands outside given."""
        key, public = self.app.parts.node_keys.sealing_key
        outside: dict[str, Any] = {"sender": message.sender, "to": message.to, "id_": message.id, "key": RecordId(key)}
        return seal(others.pop("plaintext", message.signed.line), others.pop("public", public), **(outside | others))

    async def bring(self, by: Writer, sealed: Sealed | Message | bytes) -> Answer:
        """Brings a message, as `by` signs the request."""
        if isinstance(sealed, Message):
            sealed = self.sealed(sealed)
        return await self.ask(by, "POST", "inbox", sealed if isinstance(sealed, bytes) else sealed.line)

    async def ask(self, by: Writer, method: str, call: str, body: bytes | None = None) -> Answer:
        self._nonces += 1
        path = f"{wire.PREFIX}/{call}"
        signer = RequestSigner(by.author.signing_key, by.author.card)
        # Nothing is taken that was signed within the second in which the node started.
        now, nonce = self.app.world.now() + 2, self._nonces.to_bytes(16)
        headers = signer.headers(method, f"http://node{path}", self.id, body=body, now=now, nonce=nonce)
        async with self.http.request(method, f"{self.base}{path}", data=body, headers=headers) as response:
            return Answer(response.status, json.loads(await response.read()), response.headers)

    async def take_away(self, by: Writer, *answers: dict[str, Any]) -> Answer:
        return await self.ask(by, "POST", "mailbox", encode({"answers": list(answers)}))

    async def taken(self) -> list[tuple[str, int]]:
        """(sender, number) of all messages that took effect."""
        found = await self.app.database.read(written)
        return [(node, number) for what, node, number, _ in found if what == "taken"]

    async def rows(self, table: str) -> int:
        return int(await self.app.database.read(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


def answered(answer: Answer, to: Writer) -> Acknowledgement:
    """The acknowledgement in an answer, as the writer opens it."""
    assert answer.status == 200, answer.value
    return to.open(Sealed.of(answer.value["acknowledgement"]))


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    """Founds a node and serves it."""
    port, ahead = free_port(), [0.0]
    world = World(now=lambda: time.time() + ahead[0])
    home, base = Home(folder / "home"), f"http://127.0.0.1:{port}"
    organisation = Organisation("Tartu Park", "EE", "Tartu", "https://tartu.example/")
    await founding.found(home, organisation, url=base, network="test", world=world)
    nouns = node.app.NOUNS
    node.app.NOUNS = (*nouns, Echoes)
    try:
        async with App.opened(home, world) as app, app.serving(port=port), aiohttp.ClientSession() as http:
            yield Town(app, base, http, ahead)
    finally:
        node.app.NOUNS = nouns
