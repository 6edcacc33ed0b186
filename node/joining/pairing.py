"""Two nodes on the way to being partners: who waits, who has confirmed, and what follows when both have.

Rules (SPEC, "Joining"):

- a node that waits is trusted with nothing: no partner, no endorsement, no standing
- a side confirms by the eight safety words, which the other side's operator has read out
- when both have confirmed, the partner, its card and who is accepted change in one transaction; its key card on disk
  and the endorsement follow, and only then does the join end. A process killed in between goes on where it was
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from node.directory.acceptance import Acceptance
from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.publishing import Publisher
from node.errors import InputError
from node.federation import sending
from node.home import Home
from node.joining.key_card import KeyCard
from node.plain import plain
from node.protocol.canonical import decode
from node.protocol.names import NodeId
from node.storage import authors, blocks, joining, partners, sets
from node.storage.database import Database
from node.storage.joining import Join, Side
from node.trust.safety_words import WORDS, read_words, safety_words
from node.world import World


class Blocked(InputError):
    """The node is one of whom this node accepts nothing."""


class Pairing:
    """The joins of this node. `endorse` gives the change that endorses a partner, or None where that stands already."""

    def __init__(
        self,
        *,
        home: Home,
        database: Database,
        trees: sets.Trees,
        acceptance: Acceptance,
        publisher: Publisher,
        network: str,
        world: World,
        begin_rounds: Callable[[NodeId], None],
        endorse: Callable[[sqlite3.Connection, Join], Change | None],
    ) -> None:
        self.me = acceptance.me
        self.network = network
        self.world = world
        self.database = database
        self._home = home
        self._trees = trees
        self._acceptance = acceptance
        self._publisher = publisher
        self._begin_rounds = begin_rounds
        self._endorse = endorse

    async def own_card(self) -> dict[str, Any]:
        """The key card of this node."""
        own = partial(
            sending.signed_record,
            trees=self._trees,
            author_id=self.me,
            kind="organisation",
            record_id=OWN_ORGANISATION,
            everything=True,
        )
        return (await self.database.read(own)).as_value()

    def read_card(self, value: object) -> KeyCard:
        return KeyCard.parse(value, network=self.network, me=self.me)

    def keep(  # the writer's
        self,
        db: sqlite3.Connection,
        card: KeyCard,
        side: Side,
        *,
        url: str,
        invitation: str = "",
        key: bytes | None = None,
        confirmed_there: bool = False,
    ) -> Join:
        """Has a node wait, or goes on with the join that it waits in; InputError where it may not even do that."""
        self.check(db, card)
        held = joining.find(db, card.node_id)
        confirmed = (held is not None and held.confirmed_here) or partners.find(db, card.node_id) is not None
        if held is None and len(joining.waiting(db)) >= joining.MOST:
            raise InputError(
                f"{joining.MOST} nodes wait to become partners already: confirm or refuse some ('bra partner list')"
            )
        join = Join(
            card.node_id,
            side,
            invitation,
            key,
            organisation=plain(card.organisation),
            website=plain(card.website),
            url=url,
            key_card=card.signed.line,
            confirmed_here=confirmed,
            confirmed_there=confirmed_there,
            at=held.at if held else int(self.world.now()),
            problem=None,
        )
        joining.wait(db, join)
        return join

    def check(self, db: sqlite3.Connection, card: KeyCard) -> None:
        """Raises InputError where the node is blocked, or its card is older than one that is known of it."""
        if card.node_id in self._acceptance.choices.blocked or card.node_id in blocks.blocked(db):
            raise Blocked(f"{card.node_id} is blocked here: take that back first, if you mean it ('bra unblock')")
        known = authors.find(db, card.node_id)
        if known is not None and card.signed.card.epoch < known.newest_card.epoch:
            raise InputError(
                f"the card is of epoch {card.signed.card.epoch}, but one of epoch {known.newest_card.epoch} is "
                "known: an old key is in use there, call the partner"
            )

    async def change(self, job: Callable[[sqlite3.Connection], Join]) -> Join:
        """Makes a change of a join; where both have confirmed after it, the other is a partner when this returns.

        What then remains to be done is `finish`'s.
        """

        def whole(db: sqlite3.Connection) -> tuple[Join, Any]:
            joining.forget_old(db, self.world.now())
            join = job(db)
            return join, self._admit(db, join) if join.agreed else None

        join, known = await self.database.write(whole)
        if known is not None:
            self._acceptance.replace(known)
            self._begin_rounds(join.node_id)
        return join

    async def confirm(self, node_id: NodeId, words: str) -> Join:
        """Confirms for this side, with the words that the other side read out; InputError where they are others."""
        expected = await asyncio.to_thread(safety_words, self.me, node_id)
        given = read_words(words)
        if len(given) != WORDS:
            raise InputError(f"there are {WORDS} safety words, not {len(given)}: ask for all; nothing is confirmed")
        if given != expected:
            raise InputError(
                "these are not the safety words of your two nodes: somebody may be in between. Nothing is confirmed; "
                "stop, and call the partner on a number from its website"
            )

        def confirm(db: sqlite3.Connection) -> Join:
            join = replace(waiting_with(db, node_id), confirmed_here=True)
            joining.wait(db, join)
            return join

        return await self.change(confirm)

    async def finish(self, join: Join) -> None:
        """Keeps the new partner's card as a file and endorses it; then the join is over. May be done again."""
        self._home.keep_partner_card(join.node_id, join.key_card)
        if change := await self.database.read(lambda db: self._endorse(db, join)):
            await self._publisher.publish([change])
        await self.database.write(lambda db: joining.end(db, join.node_id))

    async def forget_old(self) -> None:
        """Ends joins that have waited for too long, and erases keys of invitations that nobody needs any more."""
        await self.database.write(lambda db: joining.forget_old(db, self.world.now()))

    def _admit(self, db: sqlite3.Connection, join: Join) -> Any:
        """Makes the node a partner; who is accepted now."""
        card = self.read_card(decode(join.key_card))
        self.check(db, card)
        authors.introduce(db, card.signed.card)
        partners.add(db, join.node_id, join.url or None, self.world.now())
        return self._acceptance.recompute(db, self.world.now())


def waiting_with(db: sqlite3.Connection, node_id: NodeId) -> Join:
    """The join that a node waits in; InputError where it doesn't."""
    join = joining.find(db, node_id)
    if join is None:
        raise InputError(f"{node_id} doesn't wait to become a partner: 'bra partner list' shows who does")
    return join
