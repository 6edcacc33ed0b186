"""Where messages come in: `POST inbox` for this node and for those it keeps a mailbox for, and the mailbox itself.

Rules (SPEC, "Messages"):

- a node brings its own messages alone, and only if it is honoured here; whoever it is, its caps bound what it can cause
- a message to this node is opened, verified, taken and written down in one transaction, and only then acknowledged
- a message to a partner is kept for it, sealed; the mailbox gives it to that partner alone, and lets nobody else end it
- the same message again gets the same answer: its sender asks until it has one
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web

from node.directory.acceptance import Acceptance
from node.directory.authority import Authority, State
from node.errors import Malformed
from node.federation import wire
from node.federation.answers import NotAllowed, answering, json_answer
from node.protocol import names
from node.protocol.canonical import decode
from node.protocol.messages import LARGEST_SEALED, Message, Sealed
from node.protocol.names import NodeId
from node.roaming.messages import Busy, Messages
from node.roaming.sealing import Sealing
from node.storage import mailbox
from node.storage import messages as stored
from node.storage.database import Database
from node.storage.messages import Received
from node.world import World

AT_ONCE = 16
"""Messages that a mailbox gives, and takes answers to, in one request."""
SECONDS = 30.0
"""For one request."""
_LARGEST_ANSWERS = 256 * 1024
"""Bytes of so many answers: an acknowledgement has up to 8 KiB before it is sealed."""
_LATER = 3600
"""Seconds after which a node that was told there is no room may try again."""

Caller = Callable[..., AbstractAsyncContextManager[tuple[NodeId, bytes]]]
"""Who signed a request, and its body: see `federation.server.Server.caller`."""


class PostOffice:
    """Takes messages in, for this node and for its partners."""

    def __init__(
        self,
        database: Database,
        acceptance: Acceptance,
        authority: Authority,
        messages: Messages,
        sealing: Sealing,
        world: World,
    ) -> None:
        self._database = database
        self._acceptance = acceptance
        self._authority = authority
        self._messages = messages
        self._sealing = sealing
        self._world = world

    def routes(self, caller: Caller) -> list[web.RouteDef]:
        async def bring(request: web.Request) -> web.StreamResponse:
            async with caller(request, body_limit=LARGEST_SEALED, honoured=True) as (node, body):
                return await self._bring(node, body)

        async def fetch(request: web.Request) -> web.StreamResponse:
            async with caller(request) as (node, _):
                return await self._fetch(node)

        async def answer(request: web.Request) -> web.StreamResponse:
            async with caller(request, body_limit=_LARGEST_ANSWERS) as (node, body):
                return await self._take_away(node, body)

        return [
            web.post(f"{wire.PREFIX}/inbox", answering(bring, SECONDS)),
            web.get(f"{wire.PREFIX}/mailbox", answering(fetch, SECONDS)),
            web.post(f"{wire.PREFIX}/mailbox", answering(answer, SECONDS)),
        ]

    async def receive(self, sealed: Sealed) -> Sealed:
        """Takes a message to this node; its acknowledgement, after the commit.

        ProtocolError or InputError where the message doesn't hold, Busy where no more are taken now.
        """
        message = await self._database.read(lambda db: self._open(db, sealed))
        received = await self._database.write(lambda db: self._receive(db, message))
        return await self._database.read(lambda db: self._sealing.acknowledgement(db, message, received.refused))

    async def hold(self, sealed: Sealed) -> Sealed | None:
        """Keeps a message for a partner; the answer that the partner has left, which ends it. Full where is no room."""
        if sealed.to not in self._acceptance.partners:
            raise NotAllowed("this node keeps messages for its partners alone: bring it elsewhere", 404)

        def hold(db: sqlite3.Connection) -> bytes | None:
            return mailbox.hold(db, sealed, self._world.now(), beside=self._acceptance.beside(sealed.sender))

        line = await self._database.write(hold)
        return None if line is None else Sealed.parse(line)

    async def _bring(self, node: NodeId, body: bytes) -> web.Response:
        sealed = Sealed.parse(body)
        if sealed.sender != node:
            raise NotAllowed("a node brings its own messages alone", 403)
        try:
            if sealed.to == self._acceptance.me:
                answer: Sealed | None = await self.receive(sealed)
            else:
                answer = await self.hold(sealed)
        except (Busy, mailbox.Full) as error:
            raise NotAllowed(str(error), 429, _LATER) from error
        return json_answer({"held": True} if answer is None else {"acknowledgement": answer.as_value()})

    def _open(self, db: sqlite3.Connection, sealed: Sealed) -> Message:
        # A restored home may not know what it has taken already.
        if self._authority.state(db) is not State.OPEN:
            raise NotAllowed("this node takes no messages now: try again later", 503, _LATER)
        if stored.received(db, sealed.sender, sealed.id) is None:
            self._messages.check_room(db, sealed.sender)
        message = self._sealing.open_message(db, sealed)
        self._sealing.check_answerable(db, message.sender)
        return message

    def _receive(self, db: sqlite3.Connection, message: Message) -> Received:
        return self._messages.receive(db, message)

    async def _fetch(self, node: NodeId) -> web.Response:
        self._require_partner(node)
        lines = await self._database.read(lambda db: mailbox.fetch(db, node, AT_ONCE))
        return await asyncio.to_thread(lambda: json_answer({"messages": [decode(line) for line in lines]}))

    async def _take_away(self, node: NodeId, body: bytes) -> web.Response:
        self._require_partner(node)
        answers = await asyncio.to_thread(_answers, node, body)

        def take_away(db: sqlite3.Connection) -> int:
            return sum(mailbox.take_away(db, node, *each) for each in answers)

        return json_answer({"ended": await self._database.write(take_away)})

    def _require_partner(self, node: NodeId) -> None:
        if node not in self._acceptance.partners:
            raise NotAllowed("this node keeps a mailbox for its partners alone", 403)


def _answers(node: NodeId, body: bytes) -> list[tuple[NodeId, str, Sealed | None]]:
    """The sender and the id of each message that its recipient `node` ends, and the answer for its sender, if any."""
    value = decode(body)
    answers = value.get("answers") if isinstance(value, dict) else None
    if not isinstance(answers, list) or not 1 <= len(answers) <= AT_ONCE:
        raise Malformed(f"`answers` is an array of 1 to {AT_ONCE} answers")
    return [_answer(node, each) for each in answers]


def _answer(node: NodeId, value: Any) -> tuple[NodeId, str, Sealed | None]:
    if not isinstance(value, dict) or value.keys() - {"acknowledgement"} != {"from", "id"}:
        raise Malformed("an answer has the members from, id, and perhaps acknowledgement")
    sender, id_ = names.parse_node_id(value["from"]), names.parse_record_id(value["id"])
    if "acknowledgement" not in value:
        return sender, id_, None
    sealed = Sealed.of(value["acknowledgement"])
    if (sealed.sender, sealed.to, sealed.id) != (node, sender, id_):
        raise Malformed("an acknowledgement goes from who fetched a message to who sent it, under its id")
    return sender, id_, sealed
