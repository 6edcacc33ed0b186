"""All that carries this node's messages, put together: see `messages` for what the rest of the program has of it.

post = Post(database, acceptance, authority, messages, sealing, client, pace=pace, own_url=url, world=world)
app.add_routes(post.routes(server.caller))
async with post.delivering():
    ...
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from aiohttp import web

from node.directory.acceptance import Acceptance
from node.directory.authority import Authority
from node.federation.client import Client
from node.federation.schedule import Pace
from node.protocol.names import NodeId
from node.roaming.delivery import Delivery
from node.roaming.messages import Messages
from node.roaming.post_office import Caller, PostOffice
from node.roaming.sealing import Sealing
from node.storage import mailbox
from node.storage import messages as stored
from node.storage.database import Database
from node.storage.partners import Partner
from node.world import World


class Post:
    """The post of one node."""

    def __init__(
        self,
        database: Database,
        acceptance: Acceptance,
        authority: Authority,
        messages: Messages,
        sealing: Sealing,
        client: Callable[[str, NodeId], Client],
        *,
        pace: Pace,
        own_url: str,
        world: World,
    ) -> None:
        self._database = database
        self._world = world
        self._office = PostOffice(database, acceptance, authority, messages, sealing, world)
        self._delivery = Delivery(
            database,
            acceptance,
            authority,
            messages,
            sealing,
            self._office,
            client,
            pace=pace,
            own_url=own_url,
            world=world,
        )

    def routes(self, caller: Caller) -> list[web.RouteDef]:
        return self._office.routes(caller)

    def delivering(self) -> AbstractAsyncContextManager[None]:
        """Sends what waits while the context lasts."""
        return self._delivery.running()

    async def collect(self, partner: Partner) -> None:
        """Fetches what a partner keeps for this node, where nobody can bring it."""
        await self._delivery.collect(partner)

    async def forget_old(self) -> None:
        """Forgets what has expired: ids of messages that came in, and what nobody fetched."""
        now = self._world.now()
        await self._database.write(lambda db: stored.forget_expired(db, now))
        await self._database.write(lambda db: mailbox.forget_old(db, now))
