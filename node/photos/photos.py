"""The photos of a node: its own, which operators add, and those that others' records name, fetched when asked for.

Rules:

- a photo is shown to whoever may see a record that names it, and fetched only for such a record's sake
- its own are decoded and made anew (see `reencoding`); those of others are not decoded here at all, only verified by
  their hash and passed on
- when no record of its author names it any more, it is erased: see `storage.photos`

    photo = await photos.add(file)                    # its own; a record then names f"sha256:{photo.hash}"
    photo = await photos.get(hash, reader)            # None: nothing that this reader may see
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from node.directory import views
from node.directory.acceptance import Acceptance
from node.directory.reader import EVERYTHING, Reader
from node.errors import HomeError, InputError
from node.federation.client import Client
from node.photos.fetching import Fetching, Source
from node.photos.reencoding import reencoded
from node.protocol.names import NodeId
from node.storage import authors, partners
from node.storage import photos as stored
from node.storage.database import Database
from node.storage.photos import Limits
from node.world import World

ERASE_EVERY = 10.0
"""Seconds between two looks for what no record names any more."""
QUERY_SECONDS = 2.0
"""Seconds that one question may keep a thread."""
_AUTHORS = 4
"""Authors who are asked for a photo that several name."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it is handed out. `form`: its media type by its first bytes; `public`: everybody may see it."""

    hash: str
    form: str
    data: bytes
    public: bool


class Photos:
    """The photos that this node holds and fetches."""

    def __init__(
        self,
        database: Database,
        acceptance: Acceptance,
        client: Callable[[str, NodeId], Client],
        limits: Limits,
        *,
        own_url: str,
        world: World,
    ) -> None:
        self._database = database
        self._acceptance = acceptance
        self._limits = limits
        self._world = world
        self._fetching = Fetching(client, own_url=own_url, world=world)
        self._decoder = asyncio.Semaphore(1)

    async def get(self, hash_: str, reader: Reader, *, preview: bool = False) -> Photo | None:
        """The photo with this SHA-256, or its preview where there is one; None where the reader may see none.

        Others' photos have no preview here, as nobody could verify it: then it is the photo itself.
        """
        look = partial(views.photo_authors, reader=reader, photo=hash_)
        naming = await self._database.query(look, QUERY_SECONDS)
        me = self._acceptance.me
        if frozenset(reader.visibilities) >= EVERYTHING:
            # Before a record names it, the operator looks at what was added.
            naming.setdefault(me, False)
        held = await self._database.query(partial(stored.find, hash_=hash_, preview=preview), QUERY_SECONDS)
        if held is not None and held.author in naming:
            if held.author != me and held.used < self._world.now() - stored.USED_EVERY:
                await self._written(partial(stored.use, hash_=hash_, now=self._world.now()))
            return _handed(hash_, held.data, public=naming[held.author])
        for author in [each for each in naming if each != me][:_AUTHORS]:
            if (data := await self._fetched(hash_, author)) is not None:
                return _handed(hash_, data, public=naming[author])
        return None

    async def add(self, data: bytes) -> Photo:
        """Makes a photo of this node's own out of a file; InputError where it is none that can be taken.

        It is kept for a day, and then for as long as a record of this node names it.
        """
        async with self._decoder:
            made = await reencoded(data)
        hash_ = hashlib.sha256(made.photo).hexdigest()

        def add(db: sqlite3.Connection) -> None:
            me = self._own(db)
            stored.add(db, me, hash_, made.photo, made.preview, self._world.now(), self._limits)

        await self._database.write(add)
        return _handed(hash_, made.photo, public=False)

    async def own(self) -> list[stored.Held]:
        """The photos of this node's own, the newest first."""
        return await self._database.read(lambda db: stored.of_author(db, self._own(db)))

    async def remove(self, hash_: str) -> None:
        """Erases one of this node's own at once; InputError where it has none such that no record names."""

        def remove(db: sqlite3.Connection) -> None:
            if not stored.remove(db, self._own(db), hash_):
                raise InputError(f"{hash_} is no photo of this node's own that no record names: see 'bra photo list'")

        await self._database.write(remove)

    async def erase(self) -> None:
        """Erases what no record of its author names any more; to be called again and again."""
        now = self._world.now()
        if await self._database.read(partial(stored.any_over, now=now)):
            while await self._database.write(partial(stored.erase, now=now)):
                pass

    async def _fetched(self, hash_: str, author: NodeId) -> bytes | None:
        sources = await self._database.query(partial(self._sources, author=author), QUERY_SECONDS)

        async def keep(data: bytes) -> None:
            now, most = self._world.now(), self._limits
            await self._written(lambda db: stored.keep(db, self._own(db), author, hash_, data, now, most))

        return await self._fetching.fetch(hash_, author, sources, keep)

    def _sources(self, db: sqlite3.Connection, *, author: NodeId) -> list[Source]:
        """Where an author's photos may be: at its own addresses, by its beat; at the partner it is known through."""
        found = authors.find(db, author)
        beat = found.beat if found else None
        sources = [Source(author, url) for url in (beat.urls if beat else ())[:2]]
        known = self._acceptance.known.get(author)
        partner = partners.find(db, known.path[0]) if known and known.path else None
        if partner and partner.url:
            sources.append(Source(partner.node_id, partner.url))
        return list(dict.fromkeys(sources))

    async def _written(self, job: Callable[[sqlite3.Connection], None]) -> None:
        # What can't be kept on a full disk can be shown all the same.
        with suppress(HomeError):
            await self._database.write(job)

    def _own(self, db: sqlite3.Connection) -> int:
        """The place of this node among the authors."""
        found = authors.find(db, self._acceptance.me)
        assert found is not None, "a node knows itself from its first start on"
        return found.no


def _handed(hash_: str, data: bytes, *, public: bool) -> Photo:
    return Photo(hash_, stored.form(data) or "application/octet-stream", data, public)
