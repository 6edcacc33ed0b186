"""Connections that nobody uses: a cap on how many there are, and an end to those that only take up room.

Rules:

- a connection that has no request under way for `idle_seconds` is closed, whether it sent half a request or nothing
- beyond `most` connections, those that are idle make room first, the oldest before the others
- a request under way, such as a long wait for news, keeps its connection
"""

import resource
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


FILES = 8_192
"""Files and connections that this process asks to have open at the same time."""


class Connection(Protocol):
    """What a connection has to offer here; aiohttp's `RequestHandler` does."""

    def force_close(self) -> None: ...


class Connections:
    """Watches a server's connections; `middleware` goes around its handlers, `sweep` is called every few seconds."""

    def __init__(self, *, most: int, idle_seconds: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._idle_seconds = idle_seconds
        self._clock = clock
        self.open = 0
        """How many there were when they were looked through last."""
        self._busy: dict[object, int] = {}
        self._idle_since: dict[Connection, float] = {}

    def middleware(self) -> Middleware:
        @web.middleware
        async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = request.protocol
            self._busy[connection] = self._busy.get(connection, 0) + 1
            try:
                return await handler(request)
            finally:
                self._busy[connection] -= 1
                if not self._busy[connection]:
                    del self._busy[connection]
                    self._idle_since[connection] = self._clock()

        return watched

    def sweep(self, open_now: Iterable[Connection]) -> None:
        """Closes what was idle for too long, and the longest idle beyond the cap."""
        now = self._clock()
        connections = list(open_now)
        self.open = len(connections)
        idle = {each: self._idle_since.get(each, now) for each in connections if each not in self._busy}
        self._idle_since = idle
        too_many = len(connections) - self._most
        for place, (connection, since) in enumerate(sorted(idle.items(), key=lambda item: item[1])):
            if place < too_many or now - since >= self._idle_seconds:
                connection.force_close()


def files_at_most() -> int:
    """How many files and connections this process may have open, after asking for as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, FILES) if hard != resource.RLIM_INFINITY else FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
