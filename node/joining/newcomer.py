"""The newcomer's side of joining: the inviter's node is asked, and asked again until both sides have confirmed.

Rules (SPEC, "Joining"):

- before anything is sent, the inviter's node proves by its greeting that it is the link's, of this network, and that
  the clocks agree
- its answer counts only with the proof that it knows the invitation: nobody else can have made it; and its confirmation
  only from an answer to a request that carried this side's
- while a join waits, the inviter is asked every two seconds at first, then less and less often: it may be unable to
  reach this node. After a refusal, once a minute
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace

import structlog

from node.errors import BraError, Declined, Forged, InputError, ProtocolError, Unreachable
from node.federation.client import Client
from node.federation.clocks import check_hello
from node.joining.invitation import Link, proof, proves
from node.joining.key_card import KeyCard
from node.joining.messages import JoinAnswer, JoinRequest
from node.joining.pairing import Pairing, waiting_with
from node.protocol.names import NodeId, encode_base64
from node.storage import authors, joining, partners
from node.storage.joining import Join

log = structlog.get_logger()

EVERY = 2.0
"""Seconds between two questions at first; later a twentieth of the time that the join has waited."""
LONGEST_PAUSE = 60.0
_REFUSED = 403
"""The answer to an invitation that is no good; any other no, such as to a request signed too early, is asked again."""


class Newcomer:
    """`client`: of the node with this id at this URL."""

    def __init__(self, pairing: Pairing, client: Callable[[str, NodeId], Client]) -> None:
        self._pairing = pairing
        self._client = client
        self._database = pairing.database
        self._world = pairing.world
        self._next: dict[NodeId, float] = {}

    async def join(self, link: Link) -> Join:
        """Uses a link; the join that waits from now on. Using it again goes on with the same join."""
        if link.node_id == self._pairing.me:
            raise InputError("this is an invitation of this very node: give it to the partner, who joins with it")
        partner, held = await self._database.read(
            lambda db: (partners.find(db, link.node_id), joining.find(db, link.node_id))
        )
        if partner is not None:
            raise InputError(f"{link.node_id} is a partner of this node already: there is nothing to join")
        await self._greet(link)
        confirmed = held is not None and held.confirmed_by(link.id)
        card, there = await self._ask(link.url, link.node_id, link.id, link.key, confirmed=confirmed)

        def keep(db: sqlite3.Connection) -> Join:
            return self._pairing.keep(
                db, card, "newcomer", url=link.url, invitation=link.id, key=link.key, confirmed_there=there
            )

        return await self._pairing.change(keep)

    async def ask(self, join: Join) -> Join:
        """Tells the inviter how things stand here, and learns how they stand there.

        Raises BraError where that can't be; the problem is then kept with the join.
        """
        assert join.key is not None
        try:
            _, there = await self._ask(join.url, join.node_id, join.invitation, join.key, confirmed=join.confirmed_here)
        except BraError as error:
            sentence = str(error)
            await self._database.write(lambda db: joining.failed(db, join.node_id, sentence))
            raise

        def keep(db: sqlite3.Connection) -> Join:
            held = waiting_with(db, join.node_id)
            # The answer is to this invitation, and to no other that was used meanwhile.
            answered = there and held.invitation == join.invitation
            kept = replace(held, confirmed_there=held.confirmed_there or answered, problem=None)
            if kept != held:
                joining.wait(db, kept)
            return kept

        return await self._pairing.change(keep)

    async def go_on(self, *, everybody: bool = True) -> None:
        """Asks the inviters of all joins that wait, and finishes what both have confirmed; no failure stops another.

        Without `everybody`, only where enough time has passed since the last time.
        """
        waiting = await self._database.read(joining.waiting)
        now = self._world.now()
        await asyncio.gather(
            *(self._go_on(each) for each in waiting if everybody or self._next.get(each.node_id, 0) <= now)
        )

    async def _go_on(self, join: Join) -> None:
        pause = max(EVERY, min(LONGEST_PAUSE, (self._world.now() - join.at) / 20))
        try:
            if not join.agreed and join.side == "newcomer":
                join = await self.ask(join)
            if join.agreed:
                await self._pairing.finish(join)
        except BraError as error:
            log.warning("a join waits", node=join.node_id, problem=str(error))
            if isinstance(error, Declined) and error.status == _REFUSED:
                pause = LONGEST_PAUSE
        self._next[join.node_id] = self._world.now() + pause

    async def _greet(self, link: Link) -> None:
        """Raises unless the link's node answers at its URL, and by the same clock."""
        nonce = encode_base64(self._world.random(32))
        try:
            greeting = await self._client(link.url, link.node_id).greet(nonce, link.url)
        except Unreachable as error:
            raise Unreachable(f"{error}: ask the partner whether its node serves, and join again") from error
        except ProtocolError as error:
            raise type(error)(
                f"what answers at {link.url} is no node ({error}): ask the partner where its node is reached"
            ) from error
        known = await self._database.read(lambda db: authors.find(db, link.node_id))
        greeting.check(
            link.node_id,
            network=self._pairing.network,
            newest_card=known.newest_card if known else None,
            nonce=nonce,
            url=link.url,
        )
        check_hello(greeting.hello, self._world.now())

    async def _ask(
        self, url: str, inviter: NodeId, invitation: str, key: bytes, *, confirmed: bool
    ) -> tuple[KeyCard, bool]:
        """The inviter's key card, and whether its side has confirmed and knows what this side has."""
        own, me = await self._pairing.own_card(), self._pairing.me
        said = proof(key, "newcomer", by=me, to=inviter, confirmed=confirmed)
        request = JoinRequest(invitation, own, confirmed, said)
        answer = await asyncio.to_thread(JoinAnswer.parse, await self._client(url, inviter).join(request.line))
        if not proves(answer.proof, key, "inviter", by=inviter, to=me, confirmed=answer.confirmed):
            raise Forged(f"what answers at {url} doesn't know the invitation, so somebody may be in between: call them")
        card = self._pairing.read_card(answer.key_card)
        if card.node_id != inviter:
            raise Forged(f"the node at {url} showed the key card of {card.node_id}: call the partner")
        # Told only that this side waits, the inviter might never hear that it went on.
        return card, answer.confirmed and confirmed
