"""Passes of this node's own: issued, revoked, and what others need to check them kept in the directory.

Rules (SPEC, "Passes"):

- `issue` and `revoke` are called inside the caller's own transaction, beside the state of the visit that they follow
- the place in the status list is drawn, so that the list tells nothing of how many passes there are, or of their order
- what is in the directory (the keys, the status list) is made to follow the database: after each change, and again and
  again while the node serves, so that no crash in between leaves a revoked pass good. The list is signed anew before
  half of its time is over
- a place that is published as revoked stays so until the pass that it was given to has ended: a database that was
  restored from a backup knows of fewer
- a pass that has ended is forgotten, and its place is free again

    token = await database.write(lambda db: passes.issue(db, host=munich, venues=["desk"], visit=id_, days=days, …))
    await database.write(lambda db: passes.revoke(db, visit=id_))
    await passes.publish()
"""

import asyncio
import base64
import sqlite3
from collections.abc import Iterable, Sequence

from node.directory.authority import Authority, State
from node.directory.draft import Change, own
from node.directory.publishing import Publisher
from node.errors import InputError, Malformed
from node.protocol.names import NodeId, format_time
from node.roaming import status
from node.roaming.availability import ends, starts
from node.roaming.node_keys import NodeKeys
from node.roaming.passes import Pass, Token
from node.roaming.visit import Days
from node.sentence import said
from node.storage import authors, passes, records
from node.storage.database import Database
from node.storage.passes import Issued
from node.world import World

LIST = "passes"
"""The id of the status list's record."""
TTL = 30 * 86_400
"""Seconds for which a status list is good. That it is the newest is what beats say, every few hours."""
MOST = status.SIZE // 2
"""Passes at the same time: a place that is drawn is free at least every second time."""
PUBLISH_EVERY = 5.0
"""Seconds between two looks at whether the directory says what the database does."""


class Passes:
    """The passes that one node issues."""

    def __init__(
        self, database: Database, publisher: Publisher, authority: Authority, node_keys: NodeKeys, world: World
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._authority = authority
        self._node_keys = node_keys
        self._world = world
        self._publishing = asyncio.Lock()

    def issue(
        self,
        db: sqlite3.Connection,
        *,
        host: NodeId,
        venues: Sequence[str],
        visit: str,
        days: Days,
        zone: str,
        name: str,
        company: str,
    ) -> str:
        """A new pass for one person, good for these local days at a host's venues (record ids), as its bearer shows it.

        InputError where none can be issued. It is kept nowhere: who it is for, is for the caller to know.
        """
        self._authority.require(db)
        now = self._world.now()
        begins, until = int(starts(zone, days)), int(ends(zone, days))
        if until <= now:
            raise InputError(said("{day} is over: give days to come", day=days.last))
        if passes.count(db) >= MOST:
            raise InputError(said("{most} passes are good at the same time: wait until some have ended", most=MOST))
        try:
            # Read as a desk reads it: what none would take isn't issued.
            claims = Pass.parse(
                Pass(
                    id=base64.b32encode(self._world.random(10)).decode().lower(),
                    issuer=self._authority.card.author,
                    host=host,
                    venues=tuple(venues),
                    visit=visit,
                    name=name,
                    company=company,
                    days=days,
                    issued=int(now),
                    begins=begins,
                    ends=until,
                    status_list=LIST,
                    index=self._draw(db),
                ).as_claims()
            )
        except Malformed as error:
            raise InputError(f"no pass can be issued for this: {error}") from error
        token = claims.sign(*self._node_keys.pass_key)
        passes.add(db, Issued(claims.id, claims.index, visit, until, None))
        return token

    def current(self, token: str) -> bool:
        """Whether a pass of this node's own was signed with its pass key of now: with a key, all of its passes end."""
        return Token.parse(token).kid == self._node_keys.pass_key[0]

    def revoked(self, db: sqlite3.Connection) -> set[int]:
        """The places of those that are revoked: here, or as others read it."""
        there, _ = self._published(db)
        return there | passes.revoked(db)

    def revoke(self, db: sqlite3.Connection, *, ids: Iterable[str] = (), visit: str | None = None) -> int:
        """Revokes passes by their ids, or all of a visit; how many were good until now. `publish` tells the others."""
        return passes.revoke(db, self._world.now(), ids=ids, visit=visit)

    async def publish(self) -> None:
        """Makes the directory say what the keys and the revoked passes are now.

        Does nothing while this home may not sign, or after its organisation has left.
        """
        async with self._publishing:
            changes = await self._database.read(self._changes)
            if changes:
                await self._publisher.publish(changes)
            await self._database.read(self._node_keys.forget)

    async def forget(self) -> None:
        """Forgets what has ended, and isn't published as revoked any more."""
        await self.publish()
        await self._database.write(self._forget)

    def first(self) -> list[Change]:
        """What a new node publishes."""
        return [*self._node_keys.first(), self._list(())]

    def _changes(self, db: sqlite3.Connection) -> list[Change]:
        me = self._authority.card.author
        if self._authority.state(db) is not State.OPEN or own(db, me, "farewell"):
            return []
        now, (there, expires) = self._world.now(), self._published(db)
        revoked = (there | passes.revoked(db)) - passes.ended(db, now)
        old = expires - TTL // 2 <= now
        return [*self._node_keys.changes(db), *([self._list(revoked)] if old or revoked != there else ())]

    def _published(self, db: sqlite3.Connection) -> tuple[set[int], int]:
        """The places that others read as revoked, and when the list expires: 0 where there is none of this form."""
        author = authors.find(db, self._authority.card.author)
        body = records.body(db, author.no, "status_list", LIST) if author else None
        try:
            found = status.read(body) if body else None
        except Malformed:
            found = None
        if found is None or found.bits != 1 or len(found.data) * 8 != status.SIZE:
            return set(), 0
        return found.places(), found.expires

    def _forget(self, db: sqlite3.Connection) -> None:
        there, _ = self._published(db)
        passes.forget_ended(db, self._world.now(), but=there)

    def _list(self, revoked: Iterable[int]) -> Change:
        body = {"bits": 1, "list": status.pack(revoked), "issued": format_time(self._world.now()), "ttl": TTL}
        return Change("status_list", body, id=LIST, visibility="public")

    def _draw(self, db: sqlite3.Connection) -> int:
        """A place in the status list that no other pass has, nor had one that others still read as revoked."""
        there, _ = self._published(db)
        while (place := int.from_bytes(self._world.random(2)) % status.SIZE) in there or passes.taken(db, place):
            pass
        return place
