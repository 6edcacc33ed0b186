"""Fetching: photos of others, from their author's node or the partner through which the author is known.

Rules (SPEC, "Photos"):

- asked are the addresses of the author's newest beat, then the partner; https, or this machine's own where this node is
  reached there, too: a beat says what its author likes, and must not make this node call its own machine or network
- what comes counts by its hash alone; of an address nothing is believed, no redirect followed, and no more read than a
  photo may have, in bounded time
- who asks for the same photo at the same time waits for the one call
- what wasn't there, and who didn't answer, isn't asked again for a while
- one author's slow node takes up few of the calls that go on at the same time
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from node.errors import InputError, PeerError, ProtocolError, Unreachable
from node.federation.client import Client
from node.federation.wire import is_here, parse_url
from node.protocol.names import NodeId
from node.storage.photos import form
from node.world import World

AT_ONCE = 8
AT_ONCE_OF_AUTHOR = 2
SECONDS = 10.0
"""For one address to answer whole."""
ADDRESSES = 4
"""Addresses that are asked for one photo."""
AGAIN_AFTER = 60.0
"""Seconds until a photo that nobody had, or an address that didn't answer, is asked for again."""
REMEMBERED = 10_000
"""Photos and addresses that are left alone until then."""

Keep = Callable[[bytes], Awaitable[None]]
"""Keeps the bytes that came."""


@dataclass(frozen=True, slots=True)
class Source:
    """A node, and where it may be reached."""

    node: NodeId
    url: str


class Fetching:
    """Fetches photos. `client` makes the client for an address; `own_url` is where this node is reached, or empty."""

    def __init__(self, client: Callable[[str, NodeId], Client], *, own_url: str, world: World) -> None:
        self._client = client
        self._at_home = is_here(own_url)
        self._uptime = world.uptime
        self._left_alone: dict[str, float] = {}
        """Photos and addresses, and until when; the oldest make room."""
        self._under_way: dict[str, asyncio.Task[bytes | None]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._of_author: dict[NodeId, asyncio.Semaphore] = {}

    async def fetch(self, hash_: str, author: NodeId, sources: Sequence[Source], keep: Keep) -> bytes | None:
        """The verified bytes of an author's photo, once they are kept; None where no source gives them."""
        # Two authors may name one photo: who doesn't have it says nothing about the other.
        name = f"{hash_} {author}"
        if self._leaves_alone(name):
            return None
        if name not in self._under_way:
            task = asyncio.create_task(self._fetch(hash_, author, sources, keep))
            task.add_done_callback(lambda _: self._under_way.pop(name))
            self._under_way[name] = task
        # Whoever gives up waiting takes it from nobody else.
        found = await asyncio.shield(self._under_way[name])
        if found is None:
            self._leave_alone(name)
        return found

    async def _fetch(self, hash_: str, author: NodeId, sources: Sequence[Source], keep: Keep) -> bytes | None:
        turn = self._of_author.setdefault(author, asyncio.Semaphore(AT_ONCE_OF_AUTHOR))
        for source in sources[:ADDRESSES]:
            async with turn, self._room:
                found = await self._from(source, hash_)
            if found is not None:
                await keep(found)
                return found
        return None

    async def _from(self, source: Source, hash_: str) -> bytes | None:
        if self._leaves_alone(source.url):
            return None
        try:
            url = parse_url(source.url)
            if not self._at_home and is_here(url):
                return None
            data = await self._client(url, source.node).photo(hash_, SECONDS)
        except Unreachable:
            self._leave_alone(source.url)
            return None
        except (InputError, PeerError, ProtocolError):
            return None
        return data if data is not None and form(data) else None

    def _leave_alone(self, what: str) -> None:
        self._left_alone.pop(what, None)
        self._left_alone[what] = self._uptime() + AGAIN_AFTER
        if len(self._left_alone) > REMEMBERED:
            del self._left_alone[next(iter(self._left_alone))]

    def _leaves_alone(self, what: str) -> bool:
        return self._left_alone.get(what, 0.0) > self._uptime()
