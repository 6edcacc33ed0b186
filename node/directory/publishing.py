"""Publishing: an organisation's own records become a new signed state.

Rules:

- one publish is one transaction: records, seqs, tree, head and beat, or nothing
- after a first head, at most one a second: what is asked for meanwhile is published together, and each asker hears of
  its own part
- a body that didn't change is left alone, so that importing again is no news to anybody
- a record for this node alone (`local`) has seq 0, and is in no tree and no head

    outcome = await publisher.publish([Change("venue", {"name": …}, ref="desk-1")])
    outcome.created, outcome.seq
"""

import asyncio
import base64
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from node import kinds
from node.errors import BraError, InputError, Malformed
from node.protocol.keys import PrivateKey
from node.protocol.names import NodeId
from node.protocol.statements import NO_HASH, VISIBILITIES, Beat, Card, Head, Record, tree_key
from node.storage import authors, records, sets
from node.storage.authors import Author
from node.storage.database import Database
from node.world import World

HEAD_INTERVAL = 1.0
"""Seconds between two heads at least, after the first of a burst (SPEC, "Heads")."""

OWN_ORGANISATION = "self"
"""The id of the record in which an author describes itself: never random, because everybody looks for it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record to publish, or with `body` None to withdraw.

    It is found by `id`, or by `ref`, the publisher's own name for it; without either it is a new one.
    """

    kind: str
    body: dict[str, Any] | None
    ref: str | None = None
    id: str | None = None
    visibility: str | None = None


@dataclass(slots=True)
class Outcome:
    """What became of the changes: ids in the order they were given, counts, and the seq of the state they are in."""

    ids: list[str] = field(default_factory=list)
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    seq: int = 0


@dataclass(slots=True)
class _State:
    """The set as it will be: what the transaction adds to the head held before."""

    author: Author
    seq: int
    size: int
    put: dict[bytes, Record] = field(default_factory=dict)
    removed: set[bytes] = field(default_factory=set)
    dropped: set[bytes] = field(default_factory=set)
    """Keys of records that never left this node: gone from its rows, told to nobody."""
    ids: dict[tuple[str, str], str] = field(default_factory=dict)

    def copy(self) -> "_State":
        """One to try a wish on: the wish is made whole or not at all."""
        sets_ = (dict(self.put), set(self.removed), set(self.dropped), dict(self.ids))
        return _State(self.author, self.seq, self.size, *sets_)


class Publisher:
    """The one writer of this node's own set."""

    def __init__(
        self, database: Database, trees: sets.Trees, key: PrivateKey, card: Card, *, urls: tuple[str, ...], world: World
    ) -> None:
        self._database = database
        self._trees = trees
        self._key = key
        self._card = card
        self._urls = urls
        self._world = world
        self._last_head = 0.0
        self._waiting: list[tuple[Sequence[Change], asyncio.Future[Outcome]]] = []
        self._task: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def author(self) -> NodeId:
        return self._card.author

    def on_publish(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after each new state."""
        self._listeners.append(listener)

    async def publish(self, changes: Sequence[Change]) -> Outcome:
        """Makes all the changes or none; InputError where one can't be made."""
        for change in changes:
            _check(change)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((changes, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._publish_waiting())
        return await future

    async def beat(self) -> None:
        """Says that the newest head still is the newest."""
        await self._database.write(self._renew_beat)

    async def _publish_waiting(self) -> None:
        while self._waiting:
            await self._pause()
            batch, self._waiting = self._waiting, []
            try:
                results = await self._database.write(partial(self._commit, wishes=[changes for changes, _ in batch]))
            except Exception as error:  # noqa: BLE001 - whatever it is, those who asked have to hear it
                results = [error] * len(batch)
            for listener in self._listeners:
                listener()
            for (_, future), result in zip(batch, results, strict=True):
                if future.cancelled():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _pause(self) -> None:
        """Waits until a second has passed since the last head."""
        pause = self._last_head + HEAD_INTERVAL - self._world.now()
        if 0 < pause <= HEAD_INTERVAL:
            await self._world.sleep(pause)

    def _commit(self, db: sqlite3.Connection, wishes: Sequence[Sequence[Change]]) -> list[Outcome | Exception]:
        """One transaction, at most one head; a wish that can't be fulfilled leaves the others alone."""
        author = authors.find(db, self.author) or _missing()
        state = _State(author, author.seq, author.size or 0)
        results: list[Outcome | Exception] = []
        for changes in wishes:
            trial = state.copy()
            try:
                results.append(self._make(db, trial, changes))
            except BraError as error:
                results.append(error)
            else:
                state = trial
        self._store(db, author, state)
        for outcome in results:
            if isinstance(outcome, Outcome):
                outcome.seq = state.seq
        return results

    def _make(self, db: sqlite3.Connection, state: _State, changes: Sequence[Change]) -> Outcome:
        outcome = Outcome()
        for change in changes:
            id_ = self._id(db, state, change)
            key = tree_key(change.kind, id_)
            held = self._held(db, state, key)
            outcome.ids.append(id_)
            if change.body is None:
                if held is None:
                    raise InputError(f"there is no {change.kind} {id_} of this node's own: look with 'bra list'")
                self._remove(state, key, held)
                outcome.withdrawn += 1
                continue
            visibility = change.visibility or (held.visibility if held else kinds.default_visibility(change.kind))
            if held is not None and held.body == change.body and held.visibility == visibility:
                outcome.unchanged += 1
                continue
            if held is not None and held.seq and visibility == "local":
                self._remove(state, key, held)
            self._put(state, key, held, change, id_, visibility)
            if held is None:
                outcome.created += 1
            else:
                outcome.changed += 1
        return outcome

    def _id(self, db: sqlite3.Connection, state: _State, change: Change) -> str:
        if change.id is not None:
            return change.id
        drawn = base64.b32encode(self._world.random(10)).decode().lower()
        if change.ref is None:
            return drawn
        name = (change.kind, change.ref)
        if name not in state.ids:
            row = db.execute("SELECT id FROM refs WHERE kind = ? AND ref = ?", name).fetchone()
            state.ids[name] = row[0] if row else drawn
        return state.ids[name]

    def _held(self, db: sqlite3.Connection, state: _State, key: bytes) -> Record | None:
        if key in state.put:
            return state.put[key]
        if key in state.removed or key in state.dropped:
            return None
        stored = records.find(db, state.author.no, key)
        return Record.parse(stored.line) if stored and stored.line else None

    def _remove(self, state: _State, key: bytes, held: Record) -> None:
        state.put.pop(key, None)
        if held.seq:
            state.removed.add(key)
            state.seq += 1
            state.size -= len(held.line)
        else:
            state.dropped.add(key)

    def _put(self, state: _State, key: bytes, held: Record | None, change: Change, id_: str, visibility: str) -> None:
        shared = visibility != "local"
        record = Record.make(
            author=self.author,
            kind=change.kind,
            id=id_,
            seq=state.seq + 1 if shared else 0,
            salt=self._world.random(16),
            updated=self._world.now(),
            visibility=visibility,
            body=change.body,
        )
        if shared:
            state.seq += 1
            state.size += len(record.line) - (len(held.line) if held and held.seq else 0)
            state.removed.discard(key)
        state.put[key] = record

    def _store(self, db: sqlite3.Connection, author: Author, state: _State) -> None:
        db.executemany(
            "INSERT OR REPLACE INTO refs (kind, ref, id) VALUES (?, ?, ?)",
            [(kind, ref, id_) for (kind, ref), id_ in state.ids.items()],
        )
        if state.seq == author.seq:
            records.replace(db, author.no, records=state.put, removed=state.dropped)
            return
        records.replace(db, author.no, records={}, removed=state.dropped - state.put.keys())
        values = {key: record.value for key, record in state.put.items() if record.seq}
        tree = self._trees.of(db, author).changed(values, state.removed)
        head = Head.make(
            self._key,
            author=self.author,
            epoch=self._card.epoch,
            seq=state.seq,
            count=len(tree),
            size=state.size,
            root=tree.root,
            prev=author.head_hash if author.head_hash and self._card.epoch == author.epoch else NO_HASH,
        )
        now = self._last_head = self._world.now()
        sets.advance(
            db,
            self._trees,
            card=self._card,
            heads=[head],
            tree=tree,
            beat=Beat.make(self._key, head=head, time=now, urls=self._urls),
            put=state.put,
            removed=state.removed,
            now=now,
        )

    def _renew_beat(self, db: sqlite3.Connection) -> None:
        author = authors.find(db, self.author) or _missing()
        if head := author.head:
            authors.hear_beat(db, author, Beat.make(self._key, head=head, time=self._world.now(), urls=self._urls))


def published(db: sqlite3.Connection, kind: str, ref: str) -> bool:
    """Whether this node has published a record under its own name `ref`."""
    return db.execute("SELECT 1 FROM refs WHERE kind = ? AND ref = ?", (kind, ref)).fetchone() is not None


def _check(change: Change) -> None:
    """Raises InputError for a change that no state of the set would allow."""
    if change.kind not in kinds.KINDS:
        raise InputError(f"there is no kind {change.kind!r}: the kinds are {', '.join(kinds.KINDS)}")
    if change.visibility not in (None, *VISIBILITIES):
        raise InputError(f"visibility is one of {', '.join(VISIBILITIES)}, not {change.visibility!r}")
    if change.body is not None:
        try:
            kinds.interpret(change.kind, change.body)
        except Malformed as error:
            raise InputError(f"{change.kind}: {error}") from error


def _missing() -> Author:
    raise InputError("this home has no record of its own author: run 'bra init' first")
