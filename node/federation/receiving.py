"""What others tell this node: judged, and made durable or refused with a reason.

Rules (SPEC, "Applying a block"):

- one author's block is one transaction; one refused author, record or peer stops no other
- a refusal is kept to be shown, evidence of a fork is kept to be passed on
- only authors that are reached by this node's rules are taken at all
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from node.directory import acceptance
from node.directory.acceptance import Acceptance
from node.directory.authority import Authority
from node.directory.indexing import Indexer
from node.directory.testimony import KINDS
from node.errors import Malformed
from node.federation import hearing
from node.federation.clocks import beat_ahead
from node.federation.hearing import Heeded, Told
from node.federation.holdings import Holdings, survey
from node.federation.reading import read_block
from node.protocol.blocks import Block, Limits, Want
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.statements import NO_HASH, Head
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted, Compare, Held, Reason, Refusal, Verdict, judge
from node.storage import authors, partners, records, sets
from node.storage.authors import Author
from node.storage.database import Database
from node.storage.index import Entry, entry
from node.storage.partners import Heard
from node.trust.reach import Standing
from node.world import World

T = TypeVar("T")

LARGE = 1024 * 1024
"""Bytes of a block beyond which it is read and judged in a thread of its own, so that one peer's large sets don't keep
another's small change waiting. More threads would only take the interpreter away from the writer and each other."""

TOGETHER = 8
"""Authors whose changes from a feed wait for the writer at the same time."""

FEW = 50
"""Records of a block that are searchable as soon as it is applied. Of more, only what tells who is accepted, and what
was shown here before the change, is looked into before they are durable."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A verdict, what it was reached by, and the index entries of accepted records."""

    verdict: Verdict
    basis: "_Basis | None"
    entries: Mapping[bytes, Entry] = field(default_factory=dict)


class _Basis(NamedTuple):
    """What of an author a verdict depends on: where any of it has changed, it has to be reached anew."""

    epoch: int
    head_hash: bytes
    forked_epoch: int | None


def _basis(author: Author | None) -> _Basis | None:
    """None where no state of the author is held."""
    if author is None or author.head_hash is None:
        return None
    return _Basis(author.newest_epoch, author.head_hash, author.forked_epoch)


class Receiver:
    """Applies what peers say to this node's database."""

    def __init__(
        self,
        database: Database,
        trees: sets.Trees,
        acceptance_: Acceptance,
        authority: Authority,
        indexer: Indexer,
        *,
        network: str,
        limits: Limits,
        world: World,
        kinds: frozenset[str] = frozenset(),
    ) -> None:
        self._database = database
        self._trees = trees
        self._acceptance = acceptance_
        self._authority = authority
        self._indexer = indexer
        self._network = network
        self._world = world
        self._unsettled = False
        self._settling: asyncio.Future[None] | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self._large_worker = ThreadPoolExecutor(1, thread_name_prefix="judge-large")
        self.limits = limits
        self._kinds = kinds

    def kinds(self, author: NodeId) -> frozenset[str]:
        """The kinds of whose records the bodies are kept of an author; none named: all."""
        return frozenset() if author == self._acceptance.me else self._kinds

    def close(self) -> None:
        """Ends the workers, after what they have begun."""
        self._worker.shutdown(cancel_futures=True)
        self._large_worker.shutdown(cancel_futures=True)

    async def read(self, want: Want, lines: Sequence[bytes], block: Block | None = None) -> Block | Refusal:
        """The block that these lines are a page of, added to what came before."""
        return await self._worked(partial(read_block, want, lines, self.limits, block), sum(map(len, lines)))

    async def take(self, peer: NodeId, want: Want, lines: Sequence[bytes]) -> Verdict | Block:
        """The verdict on a block that came in these lines, like `apply`; the block itself while pages are to come."""

        def read_and_judge() -> tuple[Block | Refusal, _Judged | None]:
            block = read_block(want, lines, self.limits)
            if isinstance(block, Refusal) or block.after is not None:
                return block, None
            return block, self._database.read_now(partial(self._judge, block=block))

        size = sum(map(len, lines))
        with self._indexer.block_in_hand():
            block, judged = await self._worked(read_and_judge, size)
            if isinstance(block, Refusal):
                await self.refuse(peer, want.author, block)
                return block
            if judged is None:
                return block
            return await self._store(peer, block, judged, partial(self._judge, block=block))

    async def apply(self, peer: NodeId, block: Block, *, compared: bool = False, whole: bool = False) -> Verdict:
        """The verdict on a peer's block, after its consequences are durable.

        `compared`: it was put together from what differs. `whole`: it holds the whole set, all else is removed.
        Who is accepted because of it shows after `settle`.
        """
        judge_it = partial(self._judge, block=block, compared=compared or whole, whole=whole)
        size = sum(len(record.line) for record in block.records.values())
        with self._indexer.block_in_hand():
            judged = await self._worked(partial(self._database.read_now, judge_it), size)
            return await self._store(peer, block, judged, judge_it)

    async def _worked(self, work: Callable[[], T], size: int) -> T:
        """The result of hashing and interpreting so many bytes, which goes on beside the loop and the writer."""
        worker = self._worker if size <= LARGE else self._large_worker
        return await asyncio.get_running_loop().run_in_executor(worker, work)

    async def _store(
        self, peer: NodeId, block: Block, judged: _Judged, judge_it: Callable[[sqlite3.Connection], _Judged]
    ) -> Verdict:
        verdict: Verdict | None = None
        while verdict is None:
            if isinstance(judged.verdict, Compare):
                return judged.verdict
            try:
                verdict = await self._database.write(partial(self._apply, peer=peer, block=block, judged=judged))
            except Malformed as error:
                return await self._lied(peer, block.head, error)
            if verdict is None:
                # Another peer's block came first. Judging a large one would keep the writer for seconds.
                size = sum(len(record.line) for record in block.records.values())
                judged = await self._worked(partial(self._database.read_now, judge_it), size)
        if len(block.records) > FEW:
            self._indexer.wake()
        return verdict

    async def _lied(self, peer: NodeId, head: Head, error: Malformed) -> Refusal:
        """Keeps that a block was undone, because its sum showed a lie."""
        refusal = Refusal(Reason.WRONG_SET, str(error))
        await self.refuse(peer, head.author, refusal, head.hash)
        return refusal

    async def settle(self) -> None:
        """Works out who is accepted, if what was applied since the last time can have changed it."""
        if self._unsettled:
            # Whoever waits may hang up; what was applied has to count all the same.
            self._settling = asyncio.ensure_future(self._settle())
            await asyncio.shield(self._settling)

    async def _settle(self) -> None:
        self._unsettled = False
        try:
            answer = await self._database.write(lambda db: self._acceptance.recompute(db, self._world.now()))
        except BaseException:
            self._unsettled = True
            raise
        self._acceptance.replace(answer)

    async def refuse(self, peer: NodeId, author: NodeId, refusal: Refusal, head: bytes | None = None) -> None:
        """Keeps a refusal that no block came to. Of strangers there may be any number: none of theirs."""
        if author in self._acceptance.taken:
            await self._database.write(lambda db: partners.refuse(db, peer, author, refusal, head, self._world.now()))

    async def hear(
        self,
        partner: NodeId,
        told: Sequence[Told],
        evidence: Sequence[Evidence] = (),
        cursor: str | None = None,
        *,
        others: Sequence[Heard] = (),
    ) -> Heeded:
        """Keeps what a partner's feed says, and applies the changes that it brings, in one transaction where it can be.

        `cursor`: where that feed goes on. `others`: what the partner has of strangers, by its word alone. Who is
        accepted because of it shows after `settle`.
        """
        now = self._world.now()
        keep = partial(
            hearing.keep, partner=partner, told=told, others=others, evidence=evidence, now=now, cursor=cursor
        )
        changed = [each for each in told if each.changes]
        with self._indexer.block_in_hand():
            kept = asyncio.ensure_future(self._database.write(partial(self._keep, told=told, keep=keep)))
            taken: list[asyncio.Future[Verdict | None]] = []
            for begin in range(0, max(len(changed), 1), TOGETHER):
                # A few share a transaction; then it is the turn of whoever else waits for the writer.
                taken += [
                    asyncio.ensure_future(self._database.write(partial(self._take_change, peer=partner, told=each)))
                    for each in changed[begin : begin + TOGETHER]
                ]
                await asyncio.gather(kept, *taken[begin:], return_exceptions=True)
        if any(len(each.changes) > FEW for each in changed):
            self._indexer.wake()
        verdicts: list[Verdict] = []
        for each, taking in zip(changed, taken, strict=True):
            try:
                verdict = taking.result()
            except Malformed as error:
                verdict = await self._lied(partner, each.head, error)
            if verdict is not None:
                verdicts.append(verdict)
        return Heeded(kept.result(), tuple(verdicts))

    async def consulted(self, partner: NodeId, *, answered: bool) -> None:
        """A round with a partner ended: a restored home may know enough now to sign again."""
        authority = self._authority
        if authority.restored and await self._database.write(
            lambda db: authority.consulted(db, partner, answered=answered, accepted=self._acceptance.partners)
        ):
            authority.open()

    def concerned_with(self, author: NodeId) -> bool:
        """Whether an author's set is taken, or anything of it is held."""
        answer = self._acceptance.answer
        return author in answer.taken or author in answer.dropped or author == self._acceptance.me

    def honours(self, node: NodeId) -> bool:
        """Whether a node gets records that are not public."""
        return self._acceptance.standing(node) is Standing.HONOURED

    async def holdings(self, partner: NodeId, of: Collection[NodeId] | None = None) -> Holdings:
        """What a session plans by, of everybody or of these authors."""
        return await self._database.read(
            partial(
                survey,
                partner=partner,
                of=of,
                me=self._acceptance.me,
                accepted=self._acceptance.taken,
                kinds=self._kinds,
                now=self._world.now(),
            )
        )

    async def misses(self, peer: NodeId, author: NodeId) -> bool:
        """Whether a peer that pushes its own state has to bring all of it: nobody may be able to ask it for bodies.

        Of others' it may lack the bodies itself; its own it has.
        """
        find = partial(records.without_bodies, of=(author,), kinds=self.kinds(author), of_each=1)
        return peer == author and bool(await self._database.read(find))

    async def tree(self, author: NodeId) -> Tree:
        """The tree of what is held of an author now; empty where nothing is."""

        def of(db: sqlite3.Connection) -> Tree:
            found = authors.find(db, author)
            # Who compares asks for its nodes, in the event loop.
            return self._trees.of(db, found).with_nodes() if found else Tree()

        return await self._database.read(of)

    def _judge(self, db: sqlite3.Connection, *, block: Block, compared: bool = False, whole: bool = False) -> _Judged:
        author = authors.find(db, block.author)
        if self._acceptance.standing(block.author) < Standing.REACHED:
            refusal = Refusal(Reason.NOT_ACCEPTED, "no partner of this node, and nobody they trust, endorses it")
            return _Judged(refusal, _basis(author))
        held = self._held(db, author)
        if kinds := self.kinds(block.author):
            block.keep_bodies(kinds)
        if whole and held:
            block.removed = {key for key, _ in held.tree.items()} - block.records.keys() - block.leaves.keys()
        now = self._world.now()
        verdict = judge(block, held, network=self._network, now=now, limits=self.limits, compared=compared)
        if isinstance(verdict, Accepted):
            return _Judged(verdict, _basis(author), _entries(block, held))
        return _Judged(verdict, _basis(author))

    def _keep(self, db: sqlite3.Connection, *, told: Sequence[Told], keep: Callable[..., bool]) -> bool:
        """Whether what was kept revived somebody; `keep`: `hearing.keep`, with what is told."""
        acceptance = self._acceptance
        revived = keep(db, me=acceptance.me, taken=acceptance.taken, network=self._network)
        counted = acceptance.silent & {each.card.author for each in told}
        if counted and counted - authors.silent(db, self._world.now(), counted):
            # They vouch for others again.
            self._unsettled = True
        return revived

    def _take_change(self, db: sqlite3.Connection, *, peer: NodeId, told: Told) -> Verdict | None:
        """The verdict on what the feed brought of one author; None where it doesn't follow what is held here."""
        author = authors.find(db, told.head.author)
        held = (author.epoch, author.head_hash) if author and author.head_hash else (told.head.epoch, NO_HASH)
        if held != (told.head.epoch, told.head.prev) or self._acceptance.standing(told.head.author) < Standing.REACHED:
            return None
        block = read_block(Want(told.head.author), told.block(), self.limits)
        if isinstance(block, Refusal):
            partners.refuse(db, peer, told.head.author, block, told.head.hash, self._world.now())
            return block
        return self._apply(db, peer=peer, block=block, judged=self._judge(db, block=block))

    def _apply(self, db: sqlite3.Connection, *, peer: NodeId, block: Block, judged: _Judged) -> Verdict | None:
        """Makes a verdict's consequences durable; None where something else is held by now than it was judged by."""
        author = authors.find(db, block.author)
        if judged.basis != _basis(author):
            return None
        verdict, now = judged.verdict, self._world.now()
        # This node's own card counts from its first head on: until then others hold what an older one signed.
        mine = block.author == self._acceptance.me
        if isinstance(verdict, Accepted) and author and not mine and author.newest_epoch > verdict.card.epoch:
            verdict = Refusal(Reason.ROLLED_BACK, "a newer card of its author is known, so its epoch is over")
        if isinstance(verdict, Refusal):
            if verdict.evidence and author:
                authors.keep_evidence(db, author.no, verdict.evidence)
            # Of authors that nobody here accepts there may be any number: nothing is kept.
            if verdict.reason is not Reason.NOT_ACCEPTED:
                partners.refuse(db, peer, block.author, verdict, block.heads[-1].hash if block.heads else None, now)
        if not isinstance(verdict, Accepted):
            return verdict
        if mine and not self._authority.adopts(db, verdict):
            return Refusal(Reason.NOT_ACCEPTED, "these are this node's own records: its own home alone changes them")
        # From here on an exception undoes the whole block; a lie that only the sum shows is met there.
        sets.advance(
            db,
            self._trees,
            author,
            card=verdict.card,
            heads=verdict.heads,
            tree=verdict.tree,
            beat=verdict.beat,
            put=block.records,
            entries=judged.entries,
            leaves=block.leaves,
            removed=block.removed,
            now=now,
            continuous=verdict.continuous,
        )
        proof, beat = block.evidence, verdict.beat
        if proof and (author := authors.find(db, block.author)) and proof.epoch >= author.epoch:
            # What was held could be judged by it; a first set is taken, and shown as forked.
            authors.keep_evidence(db, author.no, proof)
        partners.forgive(db, peer, block.author)
        if refusal := beat_ahead(block.beat, verdict.card, now):
            partners.refuse(db, peer, block.author, refusal, verdict.head.hash, now)
        # One that was heard of just now surely isn't silent: it needn't be looked up.
        if not mine and (beat is None or beat.time < now - authors.SILENT_AFTER):
            sets.purge_silent(db, block.author, now)
        if judged.basis is None or acceptance.concerns(block) or block.author in self._acceptance.silent:
            self._unsettled = True
        return verdict

    def _held(self, db: sqlite3.Connection, author: Author | None) -> Held | None:
        if author is None or author.head is None:
            return None
        tree = self._trees.of(db, author)
        return Held(author.newest_card, author.head, author.head_at or 0, tree, author.forked_epoch)


def _entries(block: Block, held: Held | None) -> dict[bytes, Entry]:
    """What is searched of the records that don't wait for it: of a few, and of those that take another's place."""
    few, tree = len(block.records) <= FEW, held.tree if held else None
    return {
        key: entry(record.kind, record.body)
        for key, record in block.records.items()
        if few or record.kind in KINDS or (tree is not None and tree.get(key))
    }
