"""Links by which a host answers without an account: made for a letter, shown by GET, decided by POST.

Rules:

- the secret is 256 random bits, written into the letter alone; kept is its SHA-256, which nobody guesses back
- to look at a link decides nothing: mail scanners open every one. A decision is one transaction with the link's end
- it is good for one decision, for `LASTS` at most, and only while the visit waits for an answer; then it shows what was
  decided until it ends
- it opens this visit, and nothing else: no list, no other visit, no record of the host's
- `AT_ONCE` links are looked up at the same time: strangers who guess wait for nobody, and nobody's questions for them

    secret = mint(db, visit, random, now)                # in the letter: https://park.example/visit/<secret>
    await links.decide(secret, Event.ACCEPT)
"""

import asyncio
import hashlib
import hmac
import re
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from node.directory import views
from node.errors import InputError, Malformed, TooSlow
from node.protocol.names import encode_base64
from node.roaming import showing
from node.roaming.visit import OPEN, Days, Event
from node.roaming.visits import Visits
from node.sentence import said
from node.storage import visits as stored
from node.storage.transactions import Job
from node.storage.visits import Link, Visit
from node.world import World

T = TypeVar("T")

PATH = "/visit"
LASTS = 14 * 86_400
"""Seconds."""
DECISIONS = (Event.ACCEPT, Event.DECLINE, Event.PROPOSE)
SECONDS = 2.0
"""That a look may keep a thread."""
AT_ONCE = 16
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class NoLink(InputError):
    """There is no such link, or it has ended. It doesn't say which: that is nobody's business."""


def mint(db: sqlite3.Connection, visit: Visit, random: Callable[[int], bytes], now: float) -> tuple[str, int]:
    """A new link's secret, of which only the hash is kept, and when it ends."""
    secret = encode_base64(random(32))
    ends = int(min(now + LASTS, visit.ends))
    stored.add_link(db, Link(_hash(secret), visit.no, ends, None))
    return secret, ends


class Links:
    """What whoever holds a link may see and do."""

    def __init__(self, visits: Visits, world: World) -> None:
        self._visits = visits
        self._world = world
        self._room = asyncio.Semaphore(AT_ONCE)

    async def look(self, secret: str) -> dict[str, Any]:
        """The visit as `showing.named` has it, whose node this is (`owner`), and if an answer is wanted (`waiting`).

        NoLink where the link is none.
        """

        def read(db: sqlite3.Connection) -> dict[str, Any]:
            link, visit = self._held(db, secret)
            [shown] = showing.named(db, [visit], self._world.now())
            owner = views.organisation_names(db, [visit.host]).get(visit.host, "")
            return {**shown, "owner": owner, "waiting": link.used is None and shown["state"] in OPEN}

        return await self._query(read)

    async def decide(self, secret: str, event: Event, *, days: tuple[str, str] | None = None, note: str = "") -> None:
        """Decides by a link, once; InputError where that can't be decided, and then the link is still good."""
        if event not in DECISIONS:
            raise InputError(said("a link accepts, declines or proposes: choose one of them"))
        try:
            offered = Days.parse(days) if days else None
        except Malformed as error:
            raise InputError(str(error), "days") from error

        def job(db: sqlite3.Connection) -> None:
            link, visit = self._held(db, secret)
            if link.used is not None:
                raise InputError(said("this link has decided already: below is what was decided"))
            if visit.state not in OPEN:
                # Of another letter's link, or said by the guests: it is not for whoever finds an old letter to undo it.
                raise InputError(said("this visit waits for no answer any more: below is what was decided"))
            self._visits.speak(db, visit, event, days=offered, note=note)
            stored.use_link(db, link.hash, self._world.now())

        # Guessed links cost the writer nothing.
        await self._query(partial(self._held, secret=secret))
        await self._visits.database.write(job)

    async def _query(self, job: Job[T]) -> T:
        if self._room.locked():
            raise TooSlow(said("too many links are looked up now: try again in a minute"))
        async with self._room:
            return await self._visits.database.query(job, SECONDS)

    def _held(self, db: sqlite3.Connection, secret: str) -> tuple[Link, Visit]:
        link = stored.find_link(db, _hash(secret)) if _SECRET.fullmatch(secret) else None
        if link is None or not hmac.compare_digest(link.hash, _hash(secret)) or link.expires <= self._world.now():
            raise NoLink(
                said("this link is not good any more, or not whole: copy all of it, or ask the node's operator")
            )
        visit = stored.numbered(db, link.visit)
        if visit is None:
            raise NoLink(said("this visit is over for long: nothing of it is kept"))
        return link, visit


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
