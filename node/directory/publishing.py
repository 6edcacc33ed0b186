"""Publishing: an organisation's own records become a new signed state.

Rules:

- one publish is one transaction: records, seqs, tree, head and beat, or nothing
- after a first head, at most one a second: what is asked for meanwhile is published together, and each asker hears of
  its own part
- what may be in the set, and what becomes of each change, is the draft's business

    outcome = await publisher.publish([Change("venue", {"name": …}, ref="desk-1")])
    outcome.created, outcome.seq
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import structlog

from node.directory.authority import SENTENCES, Authority, NotOpen, State
from node.directory.draft import Change, Draft, Outcome
from node.errors import BraError, InputError
from node.protocol.keys import PrivateKey
from node.protocol.merge import Merged
from node.protocol.names import NodeId
from node.protocol.statements import NO_HASH, Beat, Card, Head
from node.protocol.tree import EMPTY
from node.storage import authors, records, sets
from node.storage.authors import Author
from node.storage.database import Database
from node.storage.transactions import Job
from node.world import World

log = structlog.get_logger()

HEAD_INTERVAL = 1.0
"""Seconds between two heads at least, after the first of a burst (SPEC, "Heads")."""

MANY = 100
"""Changes from which on they are checked in a thread, so that nobody else waits."""

Condition = Callable[[sqlite3.Connection], None]
"""Raises BraError where changes may not be made."""


class Publisher:
    """The one writer of this node's own set."""

    def __init__(
        self,
        database: Database,
        trees: sets.Trees,
        key: PrivateKey,
        authority: Authority,
        *,
        urls: tuple[str, ...],
        world: World,
    ) -> None:
        self._authority = authority
        self._database = database
        self._trees = trees
        self._key = key
        self._card = authority.card
        self._urls = urls
        self._world = world
        self._last_head = 0.0
        self._waiting: list[tuple[Sequence[Change], Condition | None, asyncio.Future[Outcome]]] = []
        self._task: asyncio.Task[None] | None = None
        self._jobs: list[Job[None]] = []
        self._listeners: list[Callable[[], None]] = []

    @property
    def author(self) -> NodeId:
        return self._card.author

    def after_publish(self, job: Job[None]) -> None:
        """Runs `job` after each new state beside the event loop, with a reader's connection."""
        self._jobs.append(job)

    def on_publish(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after each new state."""
        self._listeners.append(listener)

    async def publish(self, changes: Sequence[Change], *, provided: Condition | None = None) -> Outcome:
        """Makes all the changes or none; InputError where one can't be made.

        `provided`, if any, is asked in the transaction that makes them; its error is theirs.
        """
        if len(changes) > MANY:
            await asyncio.to_thread(_check, changes)
        else:
            _check(changes)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((changes, provided, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._publish_waiting())
        return await future

    async def beat(self) -> None:
        """Says that the newest head still is the newest, where this home may know."""
        await self._database.write(self._renew_beat)

    async def begin_epoch(self, key: PrivateKey, card: Card, merged: Merged | None = None) -> int:
        """Signs the set anew under a newer card, with what was merged into it; the seq of the new state.

        Whatever was signed under the older cards counts no more, here and wherever the new head comes.
        """
        seq = await self._database.write(partial(self._begin_epoch, key=key, card=card, merged=merged or Merged()))
        self._key, self._card = key, card
        self._authority.renewed(card)
        return seq

    async def _publish_waiting(self) -> None:
        while self._waiting:
            await self._pause()
            batch, self._waiting = self._waiting, []
            try:
                wishes = [(changes, provided) for changes, provided, _ in batch]
                results = await self._database.write(partial(self._commit, wishes=wishes))
            except Exception as error:  # noqa: BLE001 - whatever it is, those who asked have to hear it
                results = [error] * len(batch)
            await self._follow_up()
            for (_, _, future), result in zip(batch, results, strict=True):
                if future.cancelled():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _follow_up(self) -> None:
        for job in self._jobs:
            with _published_anyhow():
                await self._database.read(job)
        for listener in self._listeners:
            with _published_anyhow():
                listener()

    async def _pause(self) -> None:
        """Waits until a second has passed since the last head."""
        pause = self._last_head + HEAD_INTERVAL - self._world.now()
        if 0 < pause <= HEAD_INTERVAL:
            await self._world.sleep(pause)

    def _commit(
        self, db: sqlite3.Connection, wishes: Sequence[tuple[Sequence[Change], Condition | None]]
    ) -> list[Outcome | Exception]:
        """One transaction, at most one head; a wish that can't be fulfilled leaves the others alone."""
        self._authority.require(db)
        author = authors.find(db, self.author) or _missing()
        draft = Draft.of(db, author, self._world)
        results: list[Outcome | Exception] = []
        for changes, provided in wishes:
            trial = draft.copy()
            try:
                if provided is not None:
                    provided(db)
                results.append(trial.make(changes))
            except BraError as error:
                results.append(error)
            else:
                draft = trial
        self._store(db, draft)
        for result in results:
            if isinstance(result, Outcome):
                result.seq = draft.seq
        return results

    def _store(self, db: sqlite3.Connection, draft: Draft) -> None:
        if draft.seq != draft.author.seq:
            self._sign(db, draft, self._key, self._card)
            return
        _keep_names(db, draft)
        records.replace(db, draft.author.no, records=draft.put, removed=draft.dropped)

    def _sign(self, db: sqlite3.Connection, draft: Draft, key: PrivateKey, card: Card) -> None:
        """The head over the set as `draft` has it, and everything that changed, stored together."""
        author = draft.author
        _keep_names(db, draft)
        records.replace(db, author.no, records={}, removed=draft.dropped - draft.put.keys())
        values = {key: record.value for key, record in draft.put.items() if record.seq}
        held = self._trees.of(db, author)
        if card.epoch == author.epoch and held.root != (author.root or EMPTY):
            # A new state over what is left would take from everybody what was lost here.
            raise NotOpen(SENTENCES[State.DAMAGED])
        tree = held.changed(values, draft.removed)
        head = Head.make(
            key,
            author=self.author,
            epoch=card.epoch,
            seq=draft.seq,
            count=len(tree),
            size=draft.size,
            root=tree.root,
            prev=author.head_hash if author.head_hash and card.epoch == author.epoch else NO_HASH,
        )
        now = self._last_head = self._world.now()
        sets.advance(
            db,
            self._trees,
            author,
            card=card,
            heads=[head],
            tree=tree,
            beat=Beat.make(key, head=head, time=now, urls=self._urls),
            put=draft.put,
            removed=draft.removed,
            now=now,
        )

    def _begin_epoch(self, db: sqlite3.Connection, *, key: PrivateKey, card: Card, merged: Merged) -> int:
        author = authors.find(db, self.author) or _missing()
        if author.head_hash is None:
            raise InputError("this home holds nothing of its own author: run 'bra recover' first")
        draft = Draft.of(db, author, self._world)
        draft.merge(merged)
        self._sign(db, draft, key, card)
        return draft.seq

    def _renew_beat(self, db: sqlite3.Connection) -> None:
        author = authors.find(db, self.author) or _missing()
        # A restored home can't say what is newest, and an older epoch's head is not this key's to speak for.
        if author.epoch == self._card.epoch and self._authority.state(db) is State.OPEN and (head := author.head):
            now = self._world.now()
            if (author.beat_time or 0) > now:
                # Signed while this clock was ahead: nobody takes it, and it must not keep the right one away.
                authors.forget_beat(db, author.no)
                author = authors.find(db, self.author) or _missing()
            authors.hear_beat(db, author, Beat.make(self._key, head=head, time=now, urls=self._urls))


@contextmanager
def _published_anyhow() -> Iterator[None]:
    """For what follows a new state: whatever fails, who asked for it must not wait for ever."""
    try:
        yield
    except BraError as error:
        log.error("what follows a new state failed", problem=str(error))


def _check(changes: Sequence[Change]) -> None:
    for change in changes:
        change.check()


def _keep_names(db: sqlite3.Connection, draft: Draft) -> None:
    """The publisher's own names of records; those of withdrawn personal records go, as they may be a person's."""
    db.executemany(
        "INSERT INTO refs (kind, ref, id) VALUES (?, ?, ?) ON CONFLICT (kind, ref) DO UPDATE SET id = excluded.id",
        [(kind, ref, id_) for (kind, ref), id_ in draft.ids.items()],
    )
    db.executemany(
        "UPDATE refs SET source = ? WHERE kind = ? AND ref = ?",
        [(source, kind, ref) for (kind, ref), source in draft.sources.items()],
    )
    gone = draft.forgotten - {record.id for record in draft.put.values()}
    db.executemany("DELETE FROM refs WHERE id = ?", [(id_,) for id_ in gone])


def _missing() -> Author:
    raise InputError("this home has no record of its own author: run 'bra init' first")
