"""Messages between nodes, as the rest of the program sees them: sent with a change of state, received with a change of
state, each exactly once.

Rules (SPEC, "Messages"):

- `send` is called inside the caller's own transaction: what causes a message and the message itself are committed
  together, or not at all. It waits in the outbox until its recipient has acknowledged it, or it expires
- a handler runs inside the transaction that writes down the message as received; only after that commit it is
  acknowledged. However often a message comes, its handler does its work once
- messages may come in any order; each is sent again and again until it is acknowledged
- only nodes that are honoured here are sent anything, and only theirs is heard

    messages.on("visit", take_visit)                          # take_visit(db, sender, body, at) -> None | Refusal
    messages.on_failed("visit", visit_failed)                 # visit_failed(db, to, id, body, sentence) -> None
    await database.write(lambda db: messages.send(db, munich, "visit", {"nights": 2}, id=visit.id))
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from node.directory.acceptance import Acceptance
from node.errors import InputError, Malformed
from node.protocol import names
from node.protocol.canonical import encode
from node.protocol.messages import LARGEST_MESSAGE, LONGEST_LIFE, LONGEST_REASON, Message
from node.protocol.names import NodeId
from node.protocol.statements import DEEPEST_STATEMENT
from node.sentence import said
from node.storage import messages as stored
from node.storage.messages import Outgoing, Received
from node.trust.reach import Standing
from node.world import World

LARGEST_BODY = LARGEST_MESSAGE - 1024
"""Bytes of a body's canonical form: the other members have their room beside it."""
A_DAY_OF_SENDER = 500
"""Messages that are taken of one sender in 24 hours."""
REMEMBERED = 100_000
"""Messages of all senders that are remembered until they expire; beyond that none is taken."""
OF_SENDER = 2_500
"""Of these, of one sender."""
OF_HOP = 10_000
"""Of all senders that are known through one first hop: under however many names, no partner fills it for the others."""
_AT_ONCE = 100
_EXPIRED = "no acknowledgement came before it expired: ask the organisation in another way"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message can't be taken, as one sentence that its sender is shown. It changes nothing in the database."""

    sentence: str


class Busy(InputError):
    """No more messages are taken now: the sender is to try again later."""


Handler = Callable[[sqlite3.Connection, NodeId, dict[str, Any], float], Refusal | None]
"""Takes a message: (db, sender, body, seconds since 1970 at which it came). Raises nothing for a body that is wrong."""
Failed = Callable[[sqlite3.Connection, NodeId, str, dict[str, Any], str], None]
"""Is told that a message was refused or expired: (db, recipient, the message's id, its body, the sentence why)."""


class Messages:
    """What is sent and received. The handlers of all kinds are registered before the node serves."""

    def __init__(self, acceptance: Acceptance, world: World) -> None:
        self._acceptance = acceptance
        self._world = world
        self._handlers: dict[str, Handler] = {}
        self._failed: dict[str, Failed] = {}
        self._news = False

    def on(self, kind: str, handler: Handler) -> None:
        """Has `handler` take the messages of a kind, inside the transaction that writes them down as received."""
        self._handlers[names.parse_kind(kind)] = handler

    def on_failed(self, kind: str, handler: Failed) -> None:
        """Has `handler` told of own messages that were refused or expired, in the transaction that forgets them."""
        self._failed[names.parse_kind(kind)] = handler

    def send(
        self,
        db: sqlite3.Connection,
        to: NodeId,
        kind: str,
        body: dict[str, Any],
        *,
        id: str,  # noqa: A002 - the member's own name
        lasts: float = LONGEST_LIFE,
    ) -> None:
        """Sends a message in the caller's transaction; a second one to `to` with the same id is none.

        `id`: random, `[a-z0-9_-]{1,64}`. `lasts`: seconds until it expires, at most 14 days. InputError where `to` is
        not honoured here, Malformed where the body has no canonical form, or more than 31 KiB or 7 levels.
        """
        if to == self._acceptance.me or self._acceptance.standing(to) is not Standing.HONOURED:
            raise InputError(said("{node} is not honoured here, so it is sent no messages: see 'bra trust'", node=to))
        if len(encode(body, deepest=DEEPEST_STATEMENT - 1)) > LARGEST_BODY:
            raise Malformed(f"a message's body has at most {LARGEST_BODY} bytes: shorten its texts")
        now = self._world.now()
        expires = now + min(lasts, LONGEST_LIFE)
        stored.put(db, to, names.parse_record_id(id), names.parse_kind(kind), body, now=now, expires=expires)
        self._news = True

    def take_news(self) -> bool:
        """Whether anything was sent since the last call; for the writer's thread, after a commit."""
        news, self._news = self._news, False
        return news

    def receive(self, db: sqlite3.Connection, message: Message) -> Received:
        """What becomes of a verified message: its handler's effect, once. Busy where too many came."""
        if known := stored.received(db, message.sender, message.id):
            return known
        now = self._world.now()
        self.check_room(db, message.sender)
        refusal = self._refusal(db, message, now)
        refused = refusal.sentence[:LONGEST_REASON] if refusal else None
        return stored.receive(db, message.sender, message.id, refused, now=now, expires=message.expires)

    def check_room(self, db: sqlite3.Connection, sender: NodeId) -> None:
        """Raises Busy where no further message of the sender is taken now."""
        if stored.received_within_a_day(db, sender, self._world.now()) >= A_DAY_OF_SENDER:
            raise Busy(f"{A_DAY_OF_SENDER} messages of this node came within a day: send the others tomorrow")
        for whose, senders, most in (
            ("of this node", (sender,), OF_SENDER),
            ("of those who are known through this node's partner", self._acceptance.beside(sender), OF_HOP),
            ("of all", None, REMEMBERED),
        ):
            if stored.known(db, senders) >= most:
                raise Busy(f"{most} messages {whose} are remembered here until they expire: try again in an hour")

    def _refusal(self, db: sqlite3.Connection, message: Message, now: float) -> Refusal | None:
        if handler := self._handlers.get(message.kind):
            return handler(db, message.sender, message.body, now)
        return Refusal(f"this node takes no messages of the kind {message.kind}: its operator may have to update it")

    def acknowledged(self, db: sqlite3.Connection, to: NodeId, id_: str, refused: str | None) -> None:
        """The recipient has answered: the message is forgotten, and whoever sent it told where it was refused."""
        sent = stored.outgoing(db, to, id_)
        if sent is not None:
            self._end(db, sent, refused)

    def give_up(self, db: sqlite3.Connection) -> bool:
        """Forgets own messages that expired, and tells who sent them; whether there may be more."""
        expired = stored.expired(db, self._world.now(), _AT_ONCE)
        for sent in expired:
            self._end(db, sent, f"{sent.problem}; {_EXPIRED}" if sent.problem else _EXPIRED)
        return len(expired) == _AT_ONCE

    def _end(self, db: sqlite3.Connection, sent: Outgoing, problem: str | None) -> None:
        stored.remove(db, sent.no)
        if problem and (failed := self._failed.get(sent.kind)):
            failed(db, sent.recipient, sent.id, sent.body, problem)
