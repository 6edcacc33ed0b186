"""The inviter's side of joining over HTTP: `POST /federation/v1/join`.

Rules (SPEC, "Joining"):

- whoever asks is a stranger: the proof shows that it has the invitation, the signature that it has its key. An unknown
  invitation and a wrong proof are refused alike, in the same time
- the first newcomer that proves it has the invitation has it; asking again brings its confirmation, and nothing else
- strangers have places of their own and little time: they can keep each other waiting, but no partner. Wrong tries from
  one address are few a minute; a right proof is never counted with them, because behind a proxy all come from one
"""

import asyncio
import sqlite3
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from node.errors import Forged, Malformed
from node.federation import wire
from node.federation.answers import NotAllowed, answering, read_body
from node.federation.server import brought_card
from node.federation.signatures import CARD, RequestVerifier, caller
from node.joining.invitation import proof, proves
from node.joining.key_card import KeyCard
from node.joining.messages import LONGEST, JoinAnswer, JoinRequest
from node.joining.pairing import Blocked, Pairing
from node.protocol.names import NodeId, format_time
from node.storage import joining, partners
from node.storage.joining import Invitation, Join

PLACES = 32
SECONDS = 10.0
"""For one request; a newcomer's takes milliseconds."""
FAILURES = 10
FAILURES_WITHIN = 60.0
_ADDRESSES = 1_000
_NO_KEY = bytes(32)
_UNKNOWN = "no invitation of this node fits this link: ask your partner for a new one"


class Failures:
    """Wrong tries by address, of the last minute; of too many addresses, those that failed last."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def count(self, address: str) -> None:
        """Counts one more; raises NotAllowed where there were too many."""
        recent = self._recent(address)
        if len(recent) >= FAILURES:
            raise NotAllowed("too many wrong invitations came from there: try again in a minute", 429)
        self._times[address] = [*recent, self._now()]
        self._times.move_to_end(address)
        while len(self._times) > _ADDRESSES:
            self._times.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        return [each for each in self._times.get(address, ()) if each > self._now() - FAILURES_WITHIN]


class Reception:
    """Where newcomers come."""

    def __init__(self, pairing: Pairing) -> None:
        self._pairing = pairing
        self._me = pairing.me
        self._now = pairing.world.now
        self._verifier = RequestVerifier(self._me, pairing.world.moment())
        self._failures = Failures(self._now)
        self._under_way = 0
        self._reading = asyncio.Semaphore(1)

    def routes(self) -> list[web.RouteDef]:
        return [web.post(f"{wire.PREFIX}/join", answering(self._join, SECONDS))]

    async def _join(self, request: web.Request) -> web.StreamResponse:
        if self._under_way >= PLACES:
            raise NotAllowed("other newcomers are being answered: try again in a moment", 429)
        self._under_way += 1
        try:
            answer = await self._received(request)
        finally:
            self._under_way -= 1
        return web.Response(body=answer.line, content_type="application/json")

    async def _received(self, request: web.Request) -> JoinAnswer:
        node = caller(request.headers)
        body = await read_body(request, LONGEST)
        asked = await self._parsed(body, request.remote or "")
        held = await self._pairing.database.read(lambda db: joining.invitation(db, asked.invitation))
        key = held.key if held else _NO_KEY
        proven = proves(asked.proof, key, "newcomer", by=node, to=self._me, confirmed=asked.confirmed)
        if held is None or not proven:
            self._failures.count(request.remote or "")
            raise NotAllowed(_UNKNOWN, 403)
        _check_unused(held, node, self._now())
        card = self._signed(request, node, body, asked)
        try:
            confirmed = await self._pairing.database.read(lambda db: self._said_before(db, card, asked))
            if confirmed is None:
                join = await self._pairing.change(lambda db: self._take(db, card, asked))
                confirmed = join.confirmed_here
            elif held.used_by is None:
                # By a partner: it needs none, and nobody else shall have it.
                await self._pairing.database.write(lambda db: joining.use(db, asked.invitation, node, self._now()))
        except Blocked as error:
            # Whom this node blocks is nobody else's to know.
            raise NotAllowed(_UNKNOWN, 403) from error
        own = await self._pairing.own_card()
        return JoinAnswer(own, confirmed, proof(key, "inviter", by=self._me, to=node, confirmed=confirmed))

    async def _parsed(self, body: bytes, address: str) -> JoinRequest:
        """The request that a stranger's body is, which is counted as a wrong try where it is none."""
        # Reading 128 KiB can take 10 ms: not of the event loop, and of one thread alone.
        async with self._reading:
            try:
                return await asyncio.to_thread(JoinRequest.parse, body)
            except Malformed:
                self._failures.count(address)
                raise

    def _signed(self, request: web.Request, node: NodeId, body: bytes, asked: JoinRequest) -> KeyCard:
        """The newcomer's key card; Forged unless the request is signed with the key that it names."""
        brought = brought_card(node, request.headers.get(CARD), self._pairing.network)
        if brought is None:
            raise NotAllowed("the newcomer's card is missing, or of another network: update that node", 403)
        url = f"http://node{request.raw_path}"
        self._verifier.verify(request.method, url, request.headers, brought.signing, now=self._now())(body)
        card = self._pairing.read_card(asked.key_card)
        if card.signed.card.signed.statement != brought.signed.statement:
            raise Forged("the key card is not of the node that signed the request")
        return card

    def _said_before(self, db: sqlite3.Connection, card: KeyCard, asked: JoinRequest) -> bool | None:
        """Whether this side has confirmed, where the request tells nothing new; None where it does."""
        self._pairing.check(db, card)
        if partners.find(db, card.node_id):
            return True
        waits = self._pairing.held(db, card)
        if waits and waits.invitation == asked.invitation and waits.confirmed_there >= asked.confirmed:
            return waits.confirmed_here
        return None

    def _take(self, db: sqlite3.Connection, card: KeyCard, asked: JoinRequest) -> Join:
        """The newcomer's join as it is after this request."""
        held = joining.invitation(db, asked.invitation)
        if held is None:
            raise NotAllowed(_UNKNOWN, 403)
        _check_unused(held, card.node_id, self._now())
        waits = joining.find(db, card.node_id)
        if held.used_by and not waits:
            raise NotAllowed("this join was refused or has ended there: ask your partner for a new invitation", 403)
        join = self._pairing.keep(
            db, card, "inviter", url=card.url, invitation=held.id, confirmed_there=asked.confirmed
        )
        joining.use(db, held.id, card.node_id, self._now())
        return join


def _check_unused(held: Invitation, node: NodeId, now: float) -> None:
    """Raises NotAllowed unless the invitation is this node's already, or may become it."""
    if held.used_by == node:
        return
    if held.used_by is not None:
        raise NotAllowed("another node has used this invitation: ask your partner for a new one, and tell it so", 403)
    if held.cancelled_at is not None:
        raise NotAllowed("this invitation was cancelled: ask your partner for a new one", 403)
    if held.expires <= now:
        raise NotAllowed(f"this invitation expired at {format_time(held.expires)}: ask your partner for a new one", 403)
