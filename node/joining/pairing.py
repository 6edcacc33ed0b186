"""Two nodes on the way to being partners: who waits, who has confirmed, and what follows when both have.

Rules (SPEC, "Joining"):

- a node that waits is trusted with nothing: no partner, no endorsement, no standing
- what a node says of itself stays as it was when it began to wait: an operator confirms what was shown, nothing else
- a side confirms by the eight safety words, which the other side's operator has read out
- when both have confirmed, the partner, its card and who is accepted change in one transaction; its key card on disk
  and the endorsement follow, and only then does the join end. A process killed in between goes on where it was
- whom the operator has put out meanwhile isn't endorsed: that is asked in the transaction that signs
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

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
from node.storage import authors, joining, partners, sets
from node.storage.database import Database
from node.storage.joining import Join, Side
from node.trust.safety_words import WORDS, read_words, safety_words
from node.world import World


class Blocked(InputError):
    """The node is one of whom this node accepts nothing."""


class NoPartner(InputError):
    """The node was put out after both sides had confirmed."""


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
        self._changes: set[asyncio.Task[Join]] = set()
        self._finishing = WeakValueDictionary[NodeId, asyncio.Lock]()

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
        held = self.held(db, card)
        confirmed = (held is not None and held.confirmed_by(invitation)) or partners.find(db, card.node_id) is not None
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
            key_card=held.key_card if held else card.signed.line,
            confirmed_here=confirmed,
            confirmed_there=confirmed_there,
            at=held.at if held else int(self.world.now()),
            problem=None,
        )
        self._check_name(db, join)
        joining.wait(db, join)
        return join

    def held(self, db: sqlite3.Connection, card: KeyCard) -> Join | None:
        """The join that the card's node waits in; InputError where the card says something else than it did then."""
        held = joining.find(db, card.node_id)
        if held is not None and self.read_card(decode(held.key_card)).says != card.says:
            raise InputError(
                f"{card.node_id} says another name, website, URL or key of itself than when it began to wait: have "
                "that join refused ('bra partner refuse'), and begin anew"
            )
        return held

    def check(self, db: sqlite3.Connection, card: KeyCard) -> None:
        """Raises InputError where the node is blocked, or its card is older than one that is known of it."""
        if card.node_id in self._acceptance.blocked(db):
            raise Blocked(f"{card.node_id} is blocked here: take that back first, if you mean it ('bra unblock')")
        known = authors.find(db, card.node_id)
        if known is not None and card.signed.card.epoch < known.newest_card.epoch:
            raise InputError(
                f"the card is of epoch {card.signed.card.epoch}, but one of epoch {known.newest_card.epoch} is "
                "known: an old key is in use there, call the partner"
            )

    async def change(self, job: Callable[[sqlite3.Connection], Join]) -> Join:
        """Makes a change of a join; where both have confirmed after it, the other is a partner when this returns.

        What then remains to be done is `finish`'s. A caller that is cancelled, as by a peer that hangs up, stops none
        of it: memory would know less than the database.
        """
        task = asyncio.create_task(self._change(job))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    async def _change(self, job: Callable[[sqlite3.Connection], Join]) -> Join:
        def whole(db: sqlite3.Connection) -> tuple[Join, Any]:
            joining.forget_old(db, self.world.now())
            join = job(db)
            return join, self._admit(db, join) if join.agreed else None

        join, known = await self.database.write(whole)
        if known is not None:
            self._acceptance.replace(known)
            self._begin_rounds(join.node_id)
        return join

    async def confirm(self, node_id: NodeId, words: str, shown: str | None = None) -> Join:
        """Confirms for this side, with the words that the other side read out; InputError where they are others.

        `shown`: the digest of what the operator was shown; InputError where something else waits now.
        """
        expected = await asyncio.to_thread(safety_words, self.me, node_id)
        given = read_words(words)
        if len(given) != WORDS:
            raise InputError(f"there are {WORDS} safety words, not {len(given)}: ask for all; nothing is confirmed")
        if given != expected:
            raise InputError(
                "these are not the safety words of your two nodes: somebody may be in between. Nothing is confirmed; "
                "stop, and call the partner on a number that you had before"
            )

        def confirm(db: sqlite3.Connection) -> Join:
            held = waiting_with(db, node_id)
            if shown is not None and held.digest != shown:
                raise InputError(
                    f"what {node_id} says of itself has changed since it was shown: look again ('bra partner confirm')"
                )
            join = replace(held, confirmed_here=True)
            joining.wait(db, join)
            return join

        return await self.change(confirm)

    async def finish(self, join: Join) -> None:
        """Keeps the new partner's card as a file and endorses it; then the join is over. May be done again.

        Of one that was put out since, the join only ends.
        """
        # An operator's confirmation and the rounds that go on with what waits come here at the same time.
        async with self._finishing.setdefault(join.node_id, asyncio.Lock()):
            await self._finish(join)

    async def _finish(self, join: Join) -> None:
        node_id = join.node_id

        def change(db: sqlite3.Connection) -> Change | None:
            self._require_partner(db, node_id)
            return self._endorse(db, join)

        def end(db: sqlite3.Connection) -> bool:
            # Another one may have begun meanwhile.
            if (held := joining.find(db, node_id)) and held.agreed:
                joining.end(db, node_id)
            return partners.find(db, node_id) is not None

        with suppress(NoPartner):
            endorsement = await self.database.read(change)
            # It waits for the disk.
            await asyncio.to_thread(self._home.keep_partner_card, node_id, join.key_card)
            if endorsement is not None:
                await self._publisher.publish([endorsement], provided=lambda db: self._require_partner(db, node_id))
        if not await self.database.write(end):
            self._home.forget_partner_card(node_id)

    async def forget_old(self) -> None:
        """Ends joins that have waited for too long, and erases keys of invitations that nobody needs any more."""
        await self.database.write(lambda db: joining.forget_old(db, self.world.now()))

    def _admit(self, db: sqlite3.Connection, join: Join) -> Any:
        """Makes the node a partner; who is accepted now."""
        card = self.read_card(decode(join.key_card))
        self.check(db, card)
        self._check_name(db, join)
        joining.forget_key(db, join.node_id)
        authors.introduce(db, card.signed.card)
        partners.add(db, join.node_id, join.url or None, self.world.now())
        return self._acceptance.recompute(db, self.world.now())

    def _check_name(self, db: sqlite3.Connection, join: Join) -> None:
        """Raises InputError where the node could never be endorsed as what it calls itself."""
        try:
            if change := self._endorse(db, join):
                change.check()
        except InputError as error:
            raise InputError(
                f"{join.node_id} can't be endorsed as what it calls itself ({error}): that organisation's name has to "
                "be mended first"
            ) from error

    def _require_partner(self, db: sqlite3.Connection, node_id: NodeId) -> None:
        if partners.find(db, node_id) is None or node_id in self._acceptance.blocked(db):
            raise NoPartner(f"{node_id} is no partner any more: it isn't endorsed")


def waiting_with(db: sqlite3.Connection, node_id: NodeId) -> Join:
    """The join that a node waits in; InputError where it doesn't."""
    join = joining.find(db, node_id)
    if join is None:
        raise InputError(f"{node_id} doesn't wait to become a partner: 'bra partner list' shows who does")
    return join
