"""Tokens of this node's own: made once, shown once, and known again by their hash.

Rules:

- `bra_<id>_<secret>`: an id of 8 characters that names it in lists, 256 random bits as 52, and a checksum as 7, all of
  a-z and 2-7. Scanners for leaked secrets know it by its form, and one that is cut short never reaches a comparison
- kept is the SHA-256 of all of it. A slow hash protects what people choose; 256 random bits are guessed from no hash
- all tokens are in memory, so that a request waits for no disk; this process is the only one that changes them, and a
  change counts when it is committed
- expiry and revocation are looked at each time. That one was used is written down once a day
- who logged in at the pages with a token is logged out when it is revoked
- a feed token is for programs that can send no header: it stands in the URL, and so reads one feed, as a member at most
- a member makes one for itself, of each feed; the next one ends the one before. It ends with its maker's own token, or
  after `LASTS` where its maker has none here

    >>> parse(mint(bytes(5), bytes(32)))
    'aaaaaaaa'
"""

import base64
import hashlib
import hmac
import re
import sqlite3
import zlib
from contextlib import suppress
from dataclasses import replace
from functools import partial

from node.api.role import Role
from node.errors import BraError, InputError
from node.plain import plain
from node.sentence import said
from node.storage import sessions, tokens
from node.storage.database import Database
from node.storage.tokens import MOST, Token
from node.world import World

PREFIX = "bra_"
DAY = 86_400
LONGEST = 366 * DAY
"""Seconds that a token may last."""
LONGEST_LABEL = 100
LASTS = 90 * DAY
"""Seconds that a feed's token of somebody is good who has none here."""
_FORM = re.compile(r"(bra_([a-z2-7]{8})_[a-z2-7]{52})([a-z2-7]{7})", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~/-]{1,200}", re.ASCII)


class Tokens:
    """The tokens of one node."""

    def __init__(self, database: Database, world: World) -> None:
        self._database = database
        self._world = world
        self._held = {each.id: each for each in database.read_now(tokens.everything)}

    async def create_own(self, feed: str, maker: str, label: str) -> tuple[str, Token]:
        """A member's new token for a feed, which ends its one before; InputError if none can be."""
        held = self._held.get(maker)
        lasts = held.expires - int(self._world.now()) if held else LASTS
        return await self.create(Role.MEMBER, label, min(lasts, LONGEST), feed, maker=maker)

    async def create(
        self, role: Role, label: str, lasts: int, feed: str | None = None, *, maker: str | None = None
    ) -> tuple[str, Token]:
        """A new token for `lasts` seconds, which is told here once, and what is kept of it; InputError if none can be.

        `feed`: the path of the one feed that it is for; `maker`: see `create_own`.
        """
        label = plain(label).strip()
        if not 1 <= len(label) <= LONGEST_LABEL:
            sentence = said("a label has 1 to {most} characters: say whom or what the token is for", most=LONGEST_LABEL)
            raise InputError(sentence)
        if not 0 < lasts <= LONGEST:
            raise InputError(f"a token lasts at most {LONGEST // DAY} days: make another when it ends")
        if feed is not None and not _PATH.fullmatch(feed):
            raise InputError("a feed is a path such as /api/v1/event.ics, without the rest of the URL")
        if feed is not None and role > Role.MEMBER:
            raise InputError("a feed's token stands in its URL, where others may read it: give it the role member")
        now = int(self._world.now())
        text = mint(self._world.random(5), self._world.random(32))
        made = Token(_id(text), _hash(text), role.label, label, now, now + lasts, feed=feed, maker=maker)

        def keep(db: sqlite3.Connection) -> list[str]:
            tokens.forget_old(db, now)
            held = tokens.everything(db)
            if any(each.id == maker and not each.good(now) for each in held):
                raise InputError(said("your own token is over: log in again with another"))
            good = [each for each in held if each.good(now) and (each.maker is None) == (maker is None)]
            before = [each.id for each in good if maker and (each.maker, each.feed) == (maker, feed)]
            if len(good) - len(before) >= MOST:
                raise InputError(said("there are {most} tokens already: revoke some ('bra token list')", most=MOST))
            for each in before:
                tokens.revoke(db, each, now)
            tokens.add(db, made)
            return before

        before = await self._database.write(keep)
        self._held = {each.id: each for each in (*self.listed(), made)}
        for each in before:
            self._end(each, now)
        return text, made

    async def revoke(self, id_: str) -> Token:
        """Ends a token at once; what it was. InputError where there is none of this id."""
        held = self._held.get(id_)
        if held is None:
            raise InputError("there is no such token: 'bra token list' shows those there are")
        now = int(self._world.now())

        def end(db: sqlite3.Connection) -> None:
            tokens.revoke(db, id_, now)
            sessions.end_of(db, id_)

        await self._database.write(end)
        self._end(id_, now)
        return self._held.get(id_, held)

    def _end(self, id_: str, now: int) -> None:
        """The token, and those that its holder made of it, are over here, too, as they are in the database."""
        for each in list(self._held.values()):
            if id_ in (each.id, each.maker) and not each.revoked_at:
                self._held[each.id] = replace(each, revoked_at=now)

    def listed(self) -> list[Token]:
        """All tokens, the oldest first, and for a while those that are good no more."""
        since = self._world.now() - tokens.SHOWN_AFTER
        return [each for each in self._held.values() if min(each.expires, each.revoked_at or each.expires) >= since]

    async def find(self, text: str) -> Token:
        """The token that this is; InputError, which never repeats it, where it is not good."""
        id_ = parse(text)
        held = self._held.get(id_) if id_ else None
        if held is None or not hmac.compare_digest(_hash(text), held.hash):
            raise InputError(
                said("this token is not known here: copy the whole of it, or ask the node's operator for one")
            )
        return await self.known(held.id)

    async def known(self, id_: str) -> Token:
        """The token of an id, which is used now; InputError where it is not good."""
        held = self._held.get(id_)
        if held is None:
            raise InputError(said("this token is not known here any more: ask the node's operator for another"))
        if not held.good(now := self._world.now()):
            if held.revoked_at is None:
                raise InputError(said("the token {id} has expired: ask the node's operator for another", id=held.id))
            raise InputError(said("the token {id} was revoked: ask the node's operator for another", id=held.id))
        if held.used_on != (today := int(now // DAY)):
            # First in memory, so that a crowd of requests writes it once.
            self._held[held.id] = replace(held, used_on=today)
            # A full disk is no reason to let nobody in.
            with suppress(BraError):
                await self._database.write(partial(tokens.used, id_=held.id, day=today))
        return held


def mint(id_: bytes, secret: bytes) -> str:
    """The token of 5 random bytes that name it, and 32 that nobody can guess."""
    text = f"{PREFIX}{_base32(id_)}_{_base32(secret)}"
    return text + _checksum(text)


def parse(text: str) -> str | None:
    """The id of what has the form of a token; None for anything else."""
    match = _FORM.fullmatch(text)
    return match[2] if match and match[3] == _checksum(match[1]) else None


def _id(text: str) -> str:
    return text.split("_")[1]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _checksum(text: str) -> str:
    return _base32(zlib.crc32(text.encode()).to_bytes(4, "big"))


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
