"""A small node with its photos, and an author whose venue names one that is at an address of the test's own."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from node.config import Photos as Caps
from node.federation import client
from node.federation.client import Client
from node.federation.signatures import RequestSigner
from node.photos.photos import Photo, Photos
from node.protocol.names import NodeId
from node.protocol.statements import Beat
from node.storage.photos import PREFIX
from tests.directory.small_node import SmallNode, signatory
from tests.nodes import venue
from tests.photos.lying import Behaviour, Liar, lying
from tests.photos.pictures import encoded, noise
from tests.protocol.builders import NOW, Author

PHOTO = encoded(noise(200, 100))
HASH = hashlib.sha256(PHOTO).hexdigest()
VENUE = {key: value for key, value in venue("desk").items() if key != "ref"}
ALL = ("public", "members", "partners", "local")


def venue_body(*hashes: str) -> dict[str, object]:
    return {**VENUE, "photos": [PREFIX + each for each in hashes]}


@dataclass
class Ground:
    """A small node with its photos, and a clock of its own for what it leaves alone."""

    node: SmallNode
    photos: Photos
    http: aiohttp.ClientSession
    uptime: float = 0.0

    async def get(
        self, hash_: str = HASH, *, sees: tuple[str, ...] = ("public",), preview: bool = False
    ) -> Photo | None:
        return await self.photos.get(hash_, self.node.reader(sees), preview=preview)

    def held(self) -> set[str]:
        return {
            row[0] for row in self.node.database.read_now(lambda db: db.execute("SELECT hash FROM photos").fetchall())
        }

    async def know(self, author: Author, *urls: str) -> None:
        """Takes an author's block, with a beat that names these addresses."""
        author.commit()
        author.newest_beat = Beat.make(author.signing_key, head=author.head, time=NOW, urls=urls)
        self.node.befriend(author)
        await self.node.take(author.block_lines(), author)


@asynccontextmanager
async def ground(folder: Path, *, own_url: str = "http://127.0.0.1:1", **caps: int) -> AsyncIterator[Ground]:
    node = SmallNode(folder)
    async with client.session() as http:
        found = Ground(node, None, http)  # type: ignore[arg-type]
        world = replace(node.world, uptime=lambda: found.uptime)
        signer = RequestSigner(node.key, node.card)

        def asking(url: str, of: NodeId) -> Client:
            return Client(http, url, of, signer, world=world, limits=node.limits, request_seconds=5)

        found.photos = Photos(node.database, node.acceptance, asking, Caps(**caps), own_url=own_url, world=world)
        yield found
    node.close()


@asynccontextmanager
async def shown(here: Ground, behaviour: Behaviour, *, visibility: str = "public") -> AsyncIterator[Liar]:
    """A partner's venue names the photo, and at its address somebody behaves like this."""
    lund = signatory("lund")
    lund.put("venue", venue_body(HASH), "desk", visibility)
    async with lying(behaviour) as liar:
        await here.know(lund, liar.url)
        yield liar
