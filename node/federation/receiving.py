"""What others tell this node: judged, and made durable or refused with a reason.

Rules (SPEC, "Applying a block"):

- one author's block is one transaction; one refused author, record or peer stops no other
- a refusal is kept to be shown, evidence of a fork is kept to be passed on
- only authors that are reached by this node's rules are taken at all
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from node.directory import acceptance
from node.directory.acceptance import Acceptance
from node.directory.authority import Authority
from node.errors import Forged, Malformed
from node.federation import wire
from node.federation.clocks import beat_ahead
from node.protocol import evidence as forks
from node.protocol import names
from node.protocol.blocks import Block, Limits, OverQuota, Want, parse_line
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.statements import Beat, Card, Head
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted, Compare, Held, Reason, Refusal, Verdict, fresh, judge
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


@dataclass(slots=True)
class Told:
    """What a feed says of one author: its newest statements, checked for form alone."""

    card: Card
    head: Head
    beat: Beat | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a session plans by: what the partner has, what is held here, who is accepted, which bodies are missing.

    `own_beat`: the time of the newest beat of `me`, this node's own author.
    """

    heard: dict[NodeId, Heard]
    held: dict[NodeId, Heard]
    accepted: frozenset[NodeId]
    without_body: dict[NodeId, tuple[bytes, ...]]
    me: NodeId | None = None
    own_beat: int = 0


@dataclass(frozen=True, slots=True)
class _Judged:
    """A verdict, what was held when it was reached, and the index entries of accepted records."""

    verdict: Verdict
    held: Held | None = None
    entries: Mapping[bytes, Entry] = field(default_factory=dict)

    def fits(self, author: Author | None) -> bool:
        """Whether the same is held now."""
        if author is None or author.head_hash is None or self.held is None:
            return self.held is None and (author is None or author.head_hash is None)
        now = (author.newest_card.epoch, author.head_hash, author.forked_epoch)
        return now == (self.held.card.epoch, self.held.head.hash, self.held.forked_epoch)


class Receiver:
    """Applies what peers say to this node's database."""

    def __init__(
        self,
        database: Database,
        trees: sets.Trees,
        acceptance_: Acceptance,
        authority: Authority,
        *,
        network: str,
        limits: Limits,
        world: World,
    ) -> None:
        self._database = database
        self._trees = trees
        self._acceptance = acceptance_
        self._authority = authority
        self._network = network
        self._world = world
        self._unsettled = False
        self._settling: asyncio.Future[None] | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self._large_worker = ThreadPoolExecutor(1, thread_name_prefix="judge-large")
        self.limits = limits

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

        block, judged = await self._worked(read_and_judge, sum(map(len, lines)))
        if isinstance(block, Refusal):
            await self.refuse(peer, want.author, block)
            return block
        return block if judged is None else await self._store(peer, block, judged, partial(self._judge, block=block))

    async def apply(self, peer: NodeId, block: Block, *, compared: bool = False, whole: bool = False) -> Verdict:
        """The verdict on a peer's block, after its consequences are durable.

        `compared`: it was put together from what differs. `whole`: it holds the whole set, all else is removed.
        Who is accepted because of it shows after `settle`.
        """
        judge_it = partial(self._judge, block=block, compared=compared or whole, whole=whole)
        size = sum(len(record.line) for record in block.records.values())
        judged = await self._worked(partial(self._database.read_now, judge_it), size)
        return await self._store(peer, block, judged, judge_it)

    async def _worked(self, work: Callable[[], T], size: int) -> T:
        """The result of hashing and interpreting so many bytes, which goes on beside the loop and the writer."""
        worker = self._worker if size <= LARGE else self._large_worker
        return await asyncio.get_running_loop().run_in_executor(worker, work)

    async def _store(
        self, peer: NodeId, block: Block, judged: _Judged, judge_it: Callable[[sqlite3.Connection], _Judged]
    ) -> Verdict:
        if isinstance(judged.verdict, Compare):
            return judged.verdict
        try:
            return await self._database.write(
                partial(self._apply, peer=peer, block=block, judged=judged, again=judge_it)
            )
        except Malformed as error:
            refusal = Refusal(Reason.WRONG_SET, str(error))
            await self.refuse(peer, block.author, refusal, block.head.hash)
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

    async def hear(self, partner: NodeId, told: Sequence[Told]) -> bool:
        """Keeps what a partner's feed says: what it has, beats of heads held here, evidence; and where it went back.

        Whether one of whom nothing had been heard for too long was heard again.
        """
        return bool(told) and await self._database.write(lambda db: self._hear(db, partner, told))

    async def consulted(self, partner: NodeId, *, answered: bool) -> None:
        """A round with a partner ended: a restored home may know enough now to sign again."""
        authority = self._authority
        if authority.restored and await self._database.write(
            lambda db: authority.consulted(db, partner, answered=answered, accepted=self._acceptance.partners)
        ):
            authority.open()

    def honours(self, node: NodeId) -> bool:
        """Whether a node gets records that are not public."""
        return self._acceptance.standing(node) is Standing.HONOURED

    async def holdings(self, partner: NodeId) -> Holdings:
        return await self._database.read(lambda db: self._holdings(db, partner))

    async def tree(self, author: NodeId) -> Tree:
        """The tree of what is held of an author now; empty where nothing is."""

        def of(db: sqlite3.Connection) -> Tree:
            found = authors.find(db, author)
            return self._trees.of(db, found) if found else Tree()

        return await self._database.read(of)

    def _judge(self, db: sqlite3.Connection, *, block: Block, compared: bool = False, whole: bool = False) -> _Judged:
        if self._acceptance.standing(block.author) < Standing.REACHED:
            return _Judged(Refusal(Reason.NOT_ACCEPTED, "no partner of this node, and nobody they trust, endorses it"))
        held = self._held(db, block.author)
        if whole and held:
            block.removed = {key for key, _ in held.tree.items()} - block.records.keys() - block.leaves.keys()
        now = self._world.now()
        verdict = judge(block, held, network=self._network, now=now, limits=self.limits, compared=compared)
        if isinstance(verdict, Accepted):
            return _Judged(verdict, held, {key: entry(record) for key, record in block.records.items()})
        return _Judged(verdict, held)

    def _apply(
        self, db: sqlite3.Connection, *, peer: NodeId, block: Block, judged: _Judged, again: Callable[..., _Judged]
    ) -> Verdict:
        if not judged.fits(authors.find(db, block.author)):
            judged = again(db)
        verdict, now = judged.verdict, self._world.now()
        if isinstance(verdict, Refusal):
            author = authors.find(db, block.author)
            if verdict.evidence and author:
                authors.keep_evidence(db, author.no, verdict.evidence)
            # Of authors that nobody here accepts there may be any number: nothing is kept.
            if verdict.reason is not Reason.NOT_ACCEPTED:
                partners.refuse(db, peer, block.author, verdict, block.heads[-1].hash if block.heads else None, now)
        if not isinstance(verdict, Accepted):
            return verdict
        if block.author == self._acceptance.me and not self._authority.adopts(db, verdict):
            return Refusal(Reason.NOT_ACCEPTED, "these are this node's own records: its own home alone changes them")
        # From here on an exception undoes the whole block; a lie that only the sum shows is met there.
        sets.advance(
            db,
            self._trees,
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
        partners.forgive(db, peer, block.author)
        if refusal := beat_ahead(block.beat, verdict.card, now):
            partners.refuse(db, peer, block.author, refusal, verdict.head.hash, now)
        if block.author != self._acceptance.me:
            sets.purge_silent(db, block.author, now)
        if judged.held is None or acceptance.concerns(block):
            self._unsettled = True
        return verdict

    def _held(self, db: sqlite3.Connection, author_id: NodeId) -> Held | None:
        author = authors.find(db, author_id)
        if author is None or author.head is None:
            return None
        tree = self._trees.of(db, author)
        return Held(author.newest_card, author.head, author.head_at or 0, tree, author.forked_epoch)

    def _hear(self, db: sqlite3.Connection, partner: NodeId, told: Sequence[Told]) -> bool:
        now = self._world.now()
        silent = authors.silent(db, now)
        before = partners.heard(db, partner)
        fresh_news: list[Heard] = []
        for each in told:
            news = Heard(each.head.author, each.head.epoch, each.head.seq, each.head.hash)
            earlier = before.get(news.author)
            if self._hear_author(db, each, now):
                partners.forgive(db, partner, news.author)
            if refusal := beat_ahead(each.beat, each.card, now):
                partners.refuse(db, partner, news.author, refusal, news.head, now)
            if earlier and earlier.order > news.order:
                refusal = Refusal(
                    Reason.ROLLED_BACK,
                    f"it offers epoch {news.epoch} seq {news.seq}, after it offered epoch {earlier.epoch} "
                    f"seq {earlier.seq}: what is held here stays",
                )
                partners.refuse(db, partner, news.author, refusal, news.head, now)
            fresh_news.append(news)
        partners.hear(db, partner, fresh_news)
        return bool(silent - authors.silent(db, now))

    def _hear_author(self, db: sqlite3.Connection, told: Told, now: float) -> bool:
        """Takes evidence and beats; whether the partner has exactly what is held here."""
        author = authors.find(db, told.card.author)
        if author is None or author.head_hash is None:
            return False
        two_cards = forks.of_cards(author.card, told.card) or forks.of_cards(author.newest_card, told.card)
        for proof in (*told.evidence, *((two_cards,) if two_cards else ())):
            if (
                proof.author == author.node_id
                and proof.epoch >= author.epoch
                and {card.network for card in proof.cards} == {self._network}
            ):
                authors.keep_evidence(db, author.no, proof)
        if author.node_id == self._acceptance.me:
            self._hear_own(db, author, told)
        if two_cards is None and told.beat and told.card.epoch == author.epoch and fresh(told.beat, author.card, now):
            authors.hear_beat(db, author, told.beat)
        return told.head.hash == author.head_hash

    def _hear_own(self, db: sqlite3.Connection, author: Author, told: Told) -> None:
        """What is said of this node's own author: a newer card, or a state that this home never signed."""
        if told.card.epoch > author.newest_card.epoch:
            # The same words may be in use in another network, too.
            if told.card.network == self._network:
                authors.introduce(db, told.card)
        elif told.card.signed.statement == author.card.signed.statement and not authors.has_head(
            db, author, told.head.hash
        ):
            # One that is older than ours is no news to pull, but between two of our own it is the proof.
            around = authors.neighbours(db, author, told.head.seq)
            if proof := forks.of_heads(author.card, told.head, around):
                authors.keep_evidence(db, author.no, proof)

    def _holdings(self, db: sqlite3.Connection, partner: NodeId) -> Holdings:
        held = {NodeId(row[0]): Heard(*row) for row in authors.states(db)}
        incomplete = records.without_bodies(db, heard_since=self._world.now() - authors.SILENT_AFTER)
        me = authors.find(db, self._acceptance.me)
        return Holdings(
            partners.heard(db, partner),
            held,
            self._acceptance.taken,
            {NodeId(node): keys for node, keys in incomplete.items()},
            self._acceptance.me,
            me.beat_time or 0 if me else 0,
        )


def read_block(want: Want, lines: Sequence[bytes], limits: Limits, block: Block | None = None) -> Block | Refusal:
    """The block that these lines are a page of, added to what came before; runs in a worker thread."""
    block = block or Block(want.author)
    try:
        block.read(lines, limits)
    except OverQuota as error:
        return Refusal(Reason.OVER_QUOTA, str(error))
    except Malformed as error:
        return Refusal(Reason.MALFORMED, str(error))
    except Forged as error:
        return Refusal(Reason.FORGED, str(error))
    return block


def pushed_blocks(body: bytes, *, compressed: bool, limits: Limits) -> list[tuple[NodeId, Block | Refusal]]:
    """The blocks of a push, each with its author; a malformed one is a refusal and stops no other."""
    reader = wire.LineReader(limit=wire.LONGEST_BLOCK, compressed=compressed, lines=wire.block_lines(limits))
    blocks: list[tuple[NodeId, Block | Refusal]] = []
    lines: list[bytes] = []
    for line in reader.feed(body):
        lines.append(line)
        if line.startswith(b'{"next":'):
            blocks.append(_pushed_block(lines, limits))
            lines = []
    reader.end()
    if lines:
        raise Malformed("the last block breaks off")
    return blocks


def _pushed_block(lines: Sequence[bytes], limits: Limits) -> tuple[NodeId, Block | Refusal]:
    _, value = parse_line(lines[-1])
    author = names.parse_node_id(value.get("author") if isinstance(value, dict) else None)
    return author, read_block(Want(author), lines, limits)
