"""Waiting for news: a commit in the writer thread wakes the requests that wait in the event loop."""

import asyncio
import sqlite3

from node.storage import authors


class Arrivals:
    """Wakes those who wait for news, after a commit."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._newest = 0
        self.over = False

    def committed(self, db: sqlite3.Connection) -> None:
        """Tells of a commit that gave an author a new place in the feed, and of no other: each who waits looks anew."""
        newest = authors.newest_arrival(db)
        if newest != self._newest:
            self._newest = newest
            self.tell()

    def tell(self) -> None:
        """To be called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """Nobody is to wait any more: the node stops."""
        self.over = True
        self._wake()

    def _wake(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Set at the next commit after this call."""
        return self._event
