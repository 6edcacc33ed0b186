"""Tokens of this node's own: made once, shown once, and known again by their hash.

Rules:

- `bra_<id>_<secret>`: an id of 8 characters that names it in lists, 256 random bits as 52, and a checksum as 7, all of
  a-z and 2-7. Scanners for leaked secrets know it by its form, and one that is cut short never reaches a comparison
- kept is the SHA-256 of all of it. A slow hash protects what people choose; 256 random bits are guessed from no hash
- all tokens are in memory, so that a request waits for no disk; this process is the only one that changes them, and a
  change counts when it is committed
- expiry and revocation are looked at each time. That one was used is written down once a day
- a feed token is for programs that can send no header: it stands in the URL, and so reads one feed, as a member at most

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
from node.storage import tokens
from node.storage.database import Database
from node.storage.tokens import MOST, Token
from node.world import World

PREFIX = "bra_"
DAY = 86_400
LONGEST = 366 * DAY
"""Seconds that a token may last."""
LONGEST_LABEL = 100
_FORM = re.compile(r"(bra_([a-z2-7]{8})_[a-z2-7]{52})([a-z2-7]{7})", re.ASCII)
_PATH = re.compile(r"/[A-Za-z0-9._~/-]{1,200}", re.ASCII)


class Tokens:
    """The tokens of one node."""

    def __init__(self, database: Database, world: World) -> None:
        self._database = database
        self._world = world
        self._held = {each.id: each for each in database.read_now(tokens.everything)}

    async def create(self, role: Role, label: str, lasts: int, feed: str | None = None) -> tuple[str, Token]:
        """A new token for `lasts` seconds, which is told here once, and what is kept of it; InputError if none can be.

        `feed`: the path of the one feed that it is for.
        """
        label = plain(label).strip()
        if not 1 <= len(label) <= LONGEST_LABEL:
            raise InputError(f"a label has 1 to {LONGEST_LABEL} characters: say whom or what the token is for")
        if not 0 < lasts <= LONGEST:
            raise InputError(f"a token lasts at most {LONGEST // DAY} days: make another when it ends")
        if feed is not None and not _PATH.fullmatch(feed):
            raise InputError("a feed is a path such as /api/v1/event.ics, without the rest of the URL")
        if feed is not None and role > Role.MEMBER:
            raise InputError("a feed's token stands in its URL, where others may read it: give it the role member")
        now = int(self._world.now())
        text = mint(self._world.random(5), self._world.random(32))
        made = Token(_id(text), _hash(text), role.label, label, now, now + lasts, feed=feed)

        def keep(db: sqlite3.Connection) -> None:
            tokens.forget_old(db, now)
            held = tokens.everything(db)
            if sum(each.good(now) for each in held) >= MOST:
                raise InputError(f"there are {MOST} tokens already: revoke some ('bra token list')")
            tokens.add(db, made)

        await self._database.write(keep)
        self._held = {each.id: each for each in (*self.listed(), made)}
        return text, made

    async def revoke(self, id_: str) -> Token:
        """Ends a token at once; what it was. InputError where there is none of this id."""
        held = self._held.get(id_)
        if held is None:
            raise InputError("there is no such token: 'bra token list' shows those there are")
        now = int(self._world.now())
        await self._database.write(partial(tokens.revoke, id_=id_, now=now))
        # Meanwhile it may have been used.
        held = self._held.get(id_, held)
        self._held[id_] = revoked = held if held.revoked_at else replace(held, revoked_at=now)
        return revoked

    def listed(self) -> list[Token]:
        """All tokens, the oldest first, and for a while those that are good no more."""
        since = self._world.now() - tokens.SHOWN_AFTER
        return [each for each in self._held.values() if min(each.expires, each.revoked_at or each.expires) >= since]

    async def find(self, text: str) -> Token:
        """The token that this is; InputError, which never repeats it, where it is not good."""
        id_ = parse(text)
        held = self._held.get(id_) if id_ else None
        if held is None or not hmac.compare_digest(_hash(text), held.hash):
            raise InputError("this token is not known here: copy the whole of it, or ask the node's operator for one")
        if not held.good(now := self._world.now()):
            how = "has expired" if held.revoked_at is None else "was revoked"
            raise InputError(f"the token {held.id} {how}: ask the node's operator for another")
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
