"""Whether this home may sign for its author: two homes with one key would sign two histories.

Rules (SPEC, "After a restore, a theft, a fork"):

- an untouched home signs at once, also offline
- a home that was restored from a backup, or copied, first asks its partners for its own newest state; what goes on from
  what it has is adopted. Until one of them has answered it only reads
- a newer state that an untouched home didn't sign is adopted by nobody: somebody else has the key, and a person decides
- where its own records were damaged on disk it signs nothing that would leave them out: they are taken from whoever
  holds them under the very head that this home signed
- after a fork is proven, or a newer card has replaced this home's key, it signs nothing more in that epoch

All but the restored home is read from the database, so that it holds across restarts and within a transaction.
"""

import sqlite3
from collections.abc import Callable, Collection
from enum import StrEnum

from node.errors import InputError
from node.protocol.names import NodeId
from node.protocol.statements import Card
from node.protocol.verdicts import Accepted
from node.storage import authors, meta, partners

_ELSEWHERE = "signed_elsewhere"


class State(StrEnum):
    """What this home may do, and if it may not sign, why."""

    OPEN = "open"
    RESTORED = "restored"
    ELSEWHERE = "signed elsewhere"
    FORKED = "forked"
    REPLACED = "replaced"
    DAMAGED = "damaged"


SENTENCES = {
    State.OPEN: "this home signs for its organisation",
    State.RESTORED: "this home was restored from a backup or copied, so its partners may hold something newer of it: "
    "it publishes nothing until one of them has answered ('bra sync'), or until you are sure that nothing is newer "
    "('bra resume')",
    State.ELSEWHERE: "somebody else has published with this node's key: 'bra heal' shows what, and keeps both; "
    "'bra rotate --stolen' drops it; until then nothing is published here",
    State.FORKED: "this node's key has signed two histories, on two machines or after a restore: stop the other one, "
    "and merge them with 'bra heal', or drop the other with 'bra rotate --stolen'",
    State.REPLACED: "this node's key was replaced by a newer one on another machine: use the home that is there, or "
    "begin a newer epoch here with 'bra rotate --stolen'",
    State.DAMAGED: "this node's own records were damaged on its disk: 'bra sync' brings them back from its partners; "
    "what none of them holds is given up with 'bra rotate --stolen --accept-loss', and can be published again then",
}


class NotOpen(InputError):
    """The home may not sign now; the sentence says what to do."""


class Authority:
    """`restored`: the home isn't known to be the one that signed last; see `node.mark`."""

    def __init__(self, card: Card, *, restored: bool) -> None:
        self.card = card
        self.restored = restored
        self._answered: set[NodeId] = set()
        self._failed: set[NodeId] = set()
        self._listeners: list[Callable[[], None]] = []

    def on_open(self, listener: Callable[[], None]) -> None:
        """Calls `listener` when a restored home may sign again."""
        self._listeners.append(listener)

    def state(self, db: sqlite3.Connection) -> State:
        author = authors.find(db, self.card.author)
        if author is not None:
            if author.newest_card.epoch > self.card.epoch:
                return State.REPLACED
            if author.forked_epoch is not None and author.forked_epoch >= self.card.epoch:
                return State.FORKED
            if meta.get(db, _ELSEWHERE) == str(self.card.epoch):
                return State.ELSEWHERE
            if author.damaged:
                return State.DAMAGED
        return State.RESTORED if self.restored else State.OPEN

    def require(self, db: sqlite3.Connection) -> None:
        """Raises NotOpen, with what to do, unless this home may sign."""
        if (state := self.state(db)) is not State.OPEN:
            raise NotOpen(SENTENCES[state])

    def adopts(self, db: sqlite3.Connection, offered: Accepted) -> bool:
        """Whether a verified state of this node's own author, which a partner offers, replaces the one held here.

        If not, it is remembered that somebody else signs.
        """
        if offered.card.epoch > self.card.epoch:
            authors.introduce(db, offered.card)
            return False
        author = authors.find(db, self.card.author)
        same = author is not None and author.head_hash == offered.head.hash
        if self.restored or same:
            return True
        if author is not None:
            meta.put(db, _ELSEWHERE, str(self.card.epoch))
        return False

    def renewed(self, card: Card) -> None:
        """A newer epoch began here: what was wrong before is over."""
        self.card = card
        self._open()

    def resume(self) -> None:
        """A person says that nobody holds anything newer."""
        self._open()

    def consulted(
        self, db: sqlite3.Connection, partner: NodeId, *, answered: bool, accepted: Collection[NodeId]
    ) -> bool:
        """Takes down that a round with a partner ended; whether a restored home now knows enough to sign.

        It does when at least one has answered, every other one was tried, and nobody holds a state that isn't here.
        `accepted`: the partners that are asked at all; one that is blocked never is.
        """
        (self._answered if answered else self._failed).add(partner)
        reachable = {each.node_id for each in partners.everyone(db) if each.url and each.node_id in accepted}
        if not self.restored or not self._answered or reachable - self._answered - self._failed:
            return False
        return self.state(db) is State.RESTORED and not partners.newer_than_held(db, self.card.author)

    def open(self) -> None:
        """After `consulted` said so, and its transaction was committed."""
        if self.restored:
            self._open()

    def _open(self) -> None:
        self.restored = False
        for listener in self._listeners:
            listener()
