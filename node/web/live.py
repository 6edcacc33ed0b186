"""Live: what changed on this node is told to the pages that operators look at, as server-sent events.

Rules:

- told is what kind of thing has changed, and nothing of it: a page then asks for its part anew, as its visitor may
- after a commit it is looked up what changed, once for a page and at most once a second; nothing is looked up while
  nobody watches
- whoever watches is looked up again each time, and while nothing happens every few seconds: a session that was ended,
  or whose token was revoked, is told nothing more
- so many watch at once at most, each for a bounded time; a browser then connects again by itself
- when the node stops, so do the streams, at once

    event: changed
    data: partners trust
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from node.api.refusals import Refused
from node.api.role import Role
from node.directory.acceptance import Acceptance
from node.errors import BraError
from node.federation.arrivals import Arrivals
from node.storage.database import Database
from node.web.page import Answer, Asked, Page
from node.web.sessions import Visitor

MOST = 16
"""Pages that watch at the same time."""
LASTS = 900.0
HEARTBEAT = 15.0
QUIET = 1.0
"""Seconds: of one stream, between two heartbeats, and between two looks at what changed."""
_RETRY = 2_000
"""Milliseconds after which a browser connects again."""

_MARKS = {
    "partners": "SELECT (SELECT group_concat(node_id || failures || coalesce(last_sync, '')) FROM partners), "
    "(SELECT count(*) || ' ' || coalesce(max(at), '') FROM refusals), "
    "(SELECT group_concat(node_id || confirmed_here || confirmed_there || coalesce(problem, '')) FROM joins), "
    "(SELECT group_concat(id || coalesce(used_by, '') || coalesce(cancelled_at, '')) FROM invitations)",
    "records": "SELECT (SELECT max(arrival) FROM authors), (SELECT max(no) FROM records), "
    "(SELECT count(*) FROM backlog)",
    "visits": "SELECT (SELECT max(no) FROM visits), (SELECT max(rowid) FROM visit_moves)",
}
"""What is another where something of a kind has changed. What of this grows with others is asked by an index alone."""

Marks = dict[str, object]


class Live:
    """The streams of one node. `visitor`: who asks."""

    def __init__(
        self, database: Database, acceptance: Acceptance, visitor: Callable[[web.Request], Awaitable[Visitor]]
    ) -> None:
        self._database = database
        self._acceptance = acceptance
        self._visitor = visitor
        self._news = Arrivals()
        self._watching = 0
        database.on_commit(lambda _: self._news.tell())
        acceptance.on_change(self._news.tell)

    def pages(self) -> list[Page]:
        return [Page("/operate/live", show=self._stream, role=Role.OPERATOR)]

    async def end(self, app: web.Application) -> None:
        """To be called when the node stops."""
        del app
        self._news.end()

    async def _stream(self, asked: Asked) -> Answer:
        if self._watching >= MOST:
            raise Refused(f"{MOST} pages watch this node already: close some, or load this one again yourself", 503)
        self._watching += 1
        try:
            return await self._told(asked)
        finally:
            self._watching -= 1

    async def _told(self, asked: Asked) -> web.StreamResponse:
        # A proxy that gathers what passes through would tell it late (nginx heeds the last header).
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}
        marks = await self._marks()
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
        await answer.prepare(asked.request)
        # What goes wrong from here on is told to the next connection: on this one an answer has begun.
        with suppress(ConnectionError, TimeoutError, BraError):
            await answer.write(f"retry: {_RETRY}\n\n".encode())
            async with asyncio.timeout(LASTS):
                await self._tell(answer, asked, marks)
        return answer

    async def _tell(self, answer: web.StreamResponse, asked: Asked, marks: Marks) -> None:
        """Tells what changed since `marks`, until the visitor may know it no more, or the node stops."""
        while not self._news.over and await self._may_see(asked):
            news = self._news.next()
            before, marks = marks, await self._marks()
            changed = [kind for kind, mark in marks.items() if mark != before[kind]]
            await answer.write(f"event: changed\ndata: {' '.join(changed)}\n\n".encode() if changed else b":\n\n")
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), HEARTBEAT)
                if not self._news.over:
                    await asyncio.sleep(QUIET)

    async def _may_see(self, asked: Asked) -> bool:
        now = await self._visitor(asked.request)
        return now.session == asked.visitor.session and now.caller.role >= Role.OPERATOR

    async def _marks(self) -> Marks:
        found: Marks = dict(await self._database.read(_marks))
        # The answer is another object where anything of it has changed.
        return found | {"trust": self._acceptance.answer}


def _marks(db: sqlite3.Connection) -> Marks:
    return {kind: db.execute(question).fetchone() for kind, question in _MARKS.items()}
