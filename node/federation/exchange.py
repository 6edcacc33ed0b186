"""Doing what a session asks for: talking through the client, hashing in threads, storing through the receiver.

Blocks are read and applied while the next ones still come in, a few at a time, so that a large pull keeps the network,
the processor and the disk busy together, and memory bounded.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

from node.errors import PeerError, ProtocolError
from node.federation import actions, sending, wire
from node.federation.actions import Action, News
from node.federation.client import Client
from node.federation.hearing import Heeded
from node.federation.receiving import Receiver
from node.federation.session import RoundDone, Session
from node.protocol.blocks import Block, Want
from node.protocol.names import NodeId
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted, Reason, Refusal, Verdict
from node.storage import partners
from node.storage.database import Database

BYTES_AT_ONCE = 64 * wire.MIB
"""Bytes of lines of blocks that are read, judged or waiting to be applied at the same time."""

PAGING_AT_ONCE = 3
"""Authors whose further pages are pulled at the same time."""
PAGES_AT_MOST = 100
"""Pages of one block: each but the last has 4 MiB, so no set that is taken has more."""

BREATH = 0.02
"""Seconds after changes that came with the news before the round goes on: whoever asks this node for them isn't kept
waiting by it, and what several authors say at about the same time comes in one answer.
"""

Progress = Callable[[NodeId, int], None]
"""Called with an author and how many of its records were just applied."""


class Exchange:
    """The acting side of the session with one partner."""

    def __init__(
        self,
        session_: Session,
        client: Client,
        receiver: Receiver,
        database: Database,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        progress: Progress | None = None,
    ) -> None:
        self.session = session_
        self._client = client
        self._receiver = receiver
        self._database = database
        self._sleep = sleep
        self._progress = progress
        self._nudge = asyncio.Event()
        # Beside the pull that goes on; a partner answers only so many of our requests at a time.
        self._paging = asyncio.Semaphore(PAGING_AT_ONCE)

    def nudge(self, *, retry: bool = False) -> None:
        """There may be something to do that the partner can't tell of: don't go on waiting for its news."""
        self.session.look_again(retry=retry)
        self._nudge.set()

    async def round(self, wait: int) -> RoundDone:
        """One round of the session. Raises PeerError or ProtocolError where it can't go on."""
        answered = False
        try:
            done = await self._round(wait)
            answered = True
            return done
        finally:
            await self._receiver.consulted(self.session.partner, answered=answered)

    async def _round(self, wait: int) -> RoundDone:
        steps = self.session.round(wait)
        try:
            action = next(steps)
            while True:
                try:
                    result = await self._perform(action)
                except Exception as error:  # noqa: BLE001 - the session decides what an error of its action means
                    action = steps.throw(error)
                else:
                    action = steps.send(result)
        except StopIteration as stop:
            done: RoundDone = stop.value
            return done

    async def _perform(self, action: Action[Any]) -> Any:
        match action:
            case actions.Greet():
                return await self._client.greet(action.nonce, action.url)
            case actions.ReadFeed():
                return await self._read_feed(action)
            case actions.Hear():
                return await self._hear(action.news)
            case actions.StartOver():
                return await self._database.write(lambda db: partners.start_over(db, self.session.partner))
            case actions.Survey():
                return await self._receiver.holdings(self.session.partner, action.of)
            case actions.Pull():
                return await self._pull(action.wants)
            case actions.PullPart():
                return await self.fetch(action.want)
            case actions.ReadTree():
                return await self._client.tree(action.author, action.head, action.prefix, action.depth)
            case actions.HeldTree():
                return await self._receiver.tree(action.author)
            case actions.Apply():
                verdict = await self._apply(action.block, compared=True)
                await self._receiver.settle()
                return verdict
            case actions.Refuse():
                return await self._receiver.refuse(self.session.partner, action.author, action.refusal, action.head)
            case actions.Push():
                return await self._push(action.wants)
        raise AssertionError(action)

    async def _read_feed(self, action: actions.ReadFeed) -> News:
        """The feed; where a nudge comes first, no news and the same cursor."""
        self._nudge.clear()
        asking = self._client.feed(action.cursor, action.wait, self._receiver.concerned_with)
        if not action.wait or action.cursor is None:
            return await asking
        feed = asyncio.ensure_future(asking)
        nudge = asyncio.ensure_future(self._nudge.wait())
        try:
            await asyncio.wait({feed, nudge}, return_when=asyncio.FIRST_COMPLETED)
            return feed.result() if feed.done() else News((), action.cursor)
        finally:
            nudge.cancel()
            if not feed.done():
                feed.cancel()
                await asyncio.gather(feed, return_exceptions=True)

    async def _pull(self, wants: tuple[Want, ...]) -> list[Verdict]:
        room = _Room(BYTES_AT_ONCE)
        tasks: list[asyncio.Task[Verdict]] = []
        try:
            # Of many, an answer brings the first ones. The next begins to come while these are stored.
            while len(tasks) < len(wants) and not any(task.done() and task.exception() for task in tasks):
                first = not tasks
                try:
                    async for lines in self._client.pull([self._asked(want) for want in wants[len(tasks) :]]):
                        size = sum(map(len, lines))
                        await room.enter(size)
                        taking = room.held(size, partial(self._take, wants[len(tasks)], lines))
                        tasks.append(asyncio.create_task(taking))
                except (PeerError, ProtocolError):
                    if first:
                        raise
                    # What came before it counts. Whoever asks for the rest meets it again.
                    break
        finally:
            # What came whole is applied, even where the connection breaks before the rest.
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._receiver.settle()
        return [task.result() for task in tasks]

    async def _hear(self, news: News) -> Heeded:
        try:
            heeded = await self._receiver.hear(
                self.session.partner, news.told, news.evidence, news.cursor, others=news.others
            )
        finally:
            await self._receiver.settle()
        taken = sum(isinstance(each, Accepted) for each in heeded.verdicts)
        if taken == len(news.told) > 0:
            # Nothing of it has to be pulled.
            await self._sleep(BREATH)
        return replace(heeded, verdicts=tuple(map(self._reported, heeded.verdicts)))

    async def _take(self, want: Want, lines: list[bytes]) -> Verdict:
        taken = await self._receiver.take(self.session.partner, want, lines)
        if not isinstance(taken, Block):
            return self._reported(taken)
        async with self._paging:
            block = await self.fetch(want, taken)
            if isinstance(block, Refusal):
                await self._receiver.refuse(self.session.partner, want.author, block)
                return block
            return await self._apply(block)

    async def fetch(self, want: Want, block: Block | None = None) -> Block | Refusal:
        """All pages of a block still to come, unjudged; each begins after the last record of the one before."""
        for _ in range(PAGES_AT_MOST):
            if block is not None and block.after is None:
                return block
            following = want
            if block is not None:
                head = block.head
                following = replace(want, after=block.after or 0, epoch=head.epoch, head=head.hash)
            async for lines in self._client.pull([self._asked(following)]):
                page = await self._receiver.read(want, lines, block)
                if isinstance(page, Refusal):
                    return page
                block = page
        return Refusal(Reason.MALFORMED, f"its set did not come whole in {PAGES_AT_MOST} pages")

    def _asked(self, want: Want) -> Want:
        """The wish as it is told: for no bodies that wouldn't be kept."""
        return replace(want, kinds=tuple(sorted(self._receiver.kinds(want.author))))

    async def _apply(self, block: Block, *, compared: bool = False) -> Verdict:
        return self._reported(await self._receiver.apply(self.session.partner, block, compared=compared))

    def _reported(self, verdict: Verdict) -> Verdict:
        """The verdict without its tree: a pull of many authors would keep all of theirs until its end."""
        if not isinstance(verdict, Accepted):
            return verdict
        if self._progress:
            self._progress(verdict.card.author, verdict.changes)
        return replace(verdict, tree=Tree())

    async def _push(self, wants: tuple[Want, ...]) -> frozenset[NodeId]:
        refused: set[NodeId] = set()
        for want in wants:
            if not self._receiver.honours(self.session.partner):
                break
            outcome, reason = await self._push_block(want, whole=False)
            if outcome == "compare":
                outcome, reason = await self._push_block(Want(want.author), whole=True)
            # As forked it is refused because the proof was taken.
            if outcome == "refused" and not reason.startswith(f"{Reason.FORKED}:"):
                refused.add(want.author)
        return frozenset(refused)

    async def _push_block(self, want: Want, *, whole: bool) -> tuple[str, str]:
        lines = await self._database.read(partial(_block_lines, want=want, receiver=self._receiver))
        return await self._client.push(lines, whole=whole)


def _block_lines(db: sqlite3.Connection, *, want: Want, receiver: Receiver) -> list[bytes]:
    # `_push` goes to nodes alone that are honoured here.
    return list(sending.block(db, want, honoured=True, limits=receiver.limits, page_bytes=wire.LONGEST_BLOCK))


class _Room:
    """Room for so many bytes of work; what is larger than all of it waits until it is alone."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._left = asyncio.Condition()

    async def enter(self, size: int) -> None:
        async with self._left:
            await self._left.wait_for(lambda: not self._taken or self._taken + size <= self._size)
            self._taken += size

    async def held(self, size: int, work: Callable[[], Awaitable[Verdict]]) -> Verdict:
        """The work's result; the room is free again after it."""
        try:
            return await work()
        finally:
            async with self._left:
                self._taken -= size
                self._left.notify_all()
