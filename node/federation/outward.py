"""Calls to addresses that others have told: they lead out of this machine and its network, whatever they are called.

Rules:

- a name is resolved here, and what is called is what was looked at: it can't mean one thing first and another then
- an address of this machine, or of a private network, is called only where this node is in one itself (its own URL says
  so: a rehearsal), or for the name of a partner, whose URL the two operators have confirmed
- what an operator of this node names in its settings isn't called through here

    async with session(database, own_url) as http:
        await http.get("https://calendar.park.example/busy.ics")
"""

import socket
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from node.federation import client
from node.federation.wire import is_here, is_outside
from node.storage import partners
from node.storage.database import Database


class LeadsInside(OSError):
    """A name leads to this machine, or into a private network."""


class Outward(AbstractResolver):
    """Resolves names by `inner`, and gives of what they lead to what is outside; all of it where `familiar` says so."""

    def __init__(self, familiar: Callable[[str], Awaitable[bool]], inner: AbstractResolver | None = None) -> None:
        self._familiar = familiar
        self._inner = inner or DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name; LeadsInside where none of them may be called, OSError where it has none."""
        found = await self._inner.resolve(host, port, family)
        outside = [each for each in found if is_outside(each["host"])]
        if outside or not found:
            return outside
        if await self._familiar(host):
            return found
        raise LeadsInside("it leads into this node's own network")

    async def close(self) -> None:
        await self._inner.close()


def session(database: Database, own_url: str) -> aiohttp.ClientSession:
    """The HTTP client for addresses that others have told."""
    return client.session(client.connector(Outward(partial(_familiar, database, own_url))))


async def _familiar(database: Database, own_url: str, host: str) -> bool:
    met = await database.read(partners.everyone)
    return is_here(own_url) or any(urlsplit(each.url or "").hostname == host for each in met)
