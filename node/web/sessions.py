"""Who looks at a page: a cookie stands for whoever has logged in, and a form counts where it is this visitor's own.

Rules:

- the cookie holds 32 random bytes; kept is their SHA-256. No script reads it, no other site's form or picture sends it
  (HttpOnly, SameSite=Lax), and where the node is reached by https, no other host can set it (`__Host-`, Secure)
- each login makes a new secret and ends the session that the browser had before: who planted one there has nothing
- a session lasts half a day, and a desk's as long as its token: a tablet at a reception is on when nobody there has the
  token at hand. One that isn't used for a month has ended. It is over at once when its token is revoked or expires
- what the provider's people may follows from `[oidc]`: where that has changed when the node starts, they log in anew,
  and the addresses of feeds that they made are over
- a caller has at most `MOST` sessions; the one that was used longest ago makes room
- a form has to come from this node's own page: browsers say so themselves (`Sec-Fetch-Site`, or `Origin` where they
  speak plain http). Who is logged in also sends back what the page had in it (`csrf`), which is the session's alone and
  spelled anew on each page, as what is packed together with what a visitor asked for could be guessed by its length
- who isn't logged in rides on no session. Such a form has to say where it comes from, so that nobody is logged in as
  somebody else by another site's page; a cookie of its own would show nothing more than that

    visitor = await sessions.visitor(request)
    sessions.check(request, visitor, form)              # Refused with 403
    await sessions.begin(request, caller, until)        # the answer to this request sets the cookie
"""

import hashlib
import hmac
import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from node.api.access import OF_PROVIDER, Access, Caller
from node.api.refusals import Refused
from node.api.role import Role
from node.errors import BraError, Malformed
from node.protocol.names import decode_base64, encode_base64
from node.sentence import said
from node.storage import sessions as stored
from node.storage.database import Database
from node.storage.sessions import Session
from node.world import World

log = structlog.get_logger()

LASTS = 12 * 3_600
"""Seconds that a session lasts, but a desk's."""
MOST = 10
"""Sessions of one caller."""
_DAY = 86_400
_SALT = 16
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_OWN_PATH = re.compile(r"/(?!/)[!-\[\]-~]{0,2000}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page. `csrf`: for this visitor's forms; `session`: names it in logs, and opens nothing."""

    caller: Caller
    csrf: str = field(default="", repr=False)
    session: str = ""
    logged_in: bool = False


_PUBLIC = Visitor(Caller(Role.PUBLIC))
_NAME = "session"
_IDS = "2 "
"""How the provider's people are called (see `Access.member`): under other ids, nobody's own are shown to them."""
_COOKIE = web.RequestKey("session cookie", tuple[str, int])
"""What the answer has the browser keep, and for how many seconds: for none, it forgets."""


class Sessions:
    """Those who are logged in. `secure`: whether the node is reached by https."""

    def __init__(self, access: Access, database: Database, world: World, *, secure: bool) -> None:
        self._access = access
        self._database = database
        self._world = world
        self._secure = secure
        oidc = access.oidc
        settings = _hash(_IDS + oidc.model_dump_json()).hex() if oidc.issuer else ""
        if ended := database.write_now(partial(stored.heed, settings=settings, of=OF_PROVIDER, now=world.now())):
            log.info("logged out, as [oidc] or this program has changed", sessions=ended)

    def protect(self, app: web.Application) -> None:
        """Has each answer set the cookie of a session that began, and forget that of one that is over."""
        app.on_response_prepare.append(self._tell)

    async def visitor(self, request: web.Request) -> Visitor:
        """Who asks; the public where there is no good session."""
        shown = self.kept(request, _NAME)
        if shown is None:
            return _PUBLIC
        session = await self._held(shown)
        caller = await self._access.again(_caller(session)) if session else None
        if session is None or caller is None:
            request[_COOKIE] = "", 0
            return _PUBLIC
        return Visitor(caller, self._sign(shown), session.id, logged_in=True)

    async def begin(self, request: web.Request, caller: Caller, until: float | None = None) -> None:
        """Logs in. `until`: when what it showed is good no more; None: nothing is known of that."""
        now = int(self._world.now())
        ends = now + LASTS
        if until is not None:
            ends = int(until) if caller.role is Role.DESK else min(ends, int(until))
        before, secret = self.kept(request, _NAME) or "", encode_base64(self._world.random(32))
        begun = Session(_hash(secret), caller.id, caller.role.label, caller.label, now, ends, now // _DAY)

        def job(db: sqlite3.Connection) -> None:
            stored.end(db, _hash(before))
            stored.add(db, begun, most=MOST)

        await self._database.write(job)
        request[_COOKIE] = secret, ends - now
        log.info("logged in", session=begun.id, role=begun.role)

    async def end(self, request: web.Request) -> None:
        """Logs out."""
        if shown := self.kept(request, _NAME):
            await self._database.write(partial(stored.end, hash_=_hash(shown)))
            request[_COOKIE] = "", 0
            log.info("logged out", session=_hash(shown).hex()[:12])

    def check(self, request: web.Request, visitor: Visitor, form: Mapping[str, str]) -> None:
        """Refused with 403 for a form that is not of this visitor's own page."""
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site is not None:
            own = site == "same-origin"
        elif origin is not None:
            own = _host(origin) == request.headers.get("Host", "").lower()
        else:
            # It can still show that it knows this page.
            own = visitor.logged_in
        if not own:
            raise Refused(
                said("this form was sent by a page of another site: open the page here and send it again"), 403
            )
        if visitor.logged_in and not self._is_signed(self.kept(request, _NAME) or "", form.get("csrf", "")):
            raise Refused(
                said("this form is of another session than yours now: load the page again and send it anew"), 403
            )

    def keep(self, answer: web.StreamResponse, name: str, value: str, seconds: int) -> None:
        """Has the browser keep a cookie that only this node can set and read; for 0 seconds, forget it."""
        answer.set_cookie(
            self._spelled(name), value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )

    def kept(self, request: web.Request, name: str) -> str | None:
        """What the browser keeps under this name."""
        return request.cookies.get(self._spelled(name))

    def _spelled(self, name: str) -> str:
        return f"__Host-{name}" if self._secure else name

    async def _held(self, shown: str) -> Session | None:
        if not _SECRET.fullmatch(shown):
            return None
        # One row by its key: it takes no time that strangers could make long, and waits behind nobody's questions.
        held, now = await self._database.read(partial(stored.find, hash_=_hash(shown))), self._world.now()
        if held is None or not held.good(now):
            return None
        if held.used_on < (today := int(now // _DAY)):
            # A full disk is no reason to log anybody out.
            with suppress(BraError):
                await self._database.write(partial(stored.used, hash_=held.hash, day=today))
        return held

    async def _tell(self, request: web.Request, response: web.StreamResponse) -> None:
        if (kept := request.get(_COOKIE)) is not None:
            secret, seconds = kept
            self.keep(response, _NAME, secret, seconds)
            # At this time those that were set before are headers already.
            response.headers.add("Set-Cookie", response.cookies[self._spelled(_NAME)].OutputString())
            response.headers["Cache-Control"] = "no-store"

    def _sign(self, secret: str) -> str:
        salt = self._world.random(_SALT)
        return encode_base64(salt + _mac(secret, salt))

    def _is_signed(self, secret: str, shown: str) -> bool:
        try:
            raw = decode_base64(shown, _SALT + 32)
        except Malformed:
            return False
        return hmac.compare_digest(raw[_SALT:], _mac(secret, raw[:_SALT]))


def own_path(text: str | None) -> str:
    """An address of this node to go on at, as a query or form gave it; the first page for any other."""
    # Browsers take '\' for '/', and leave tabs and line ends out: either would make a host of what follows.
    return text if text is not None and _OWN_PATH.fullmatch(text) else "/"


def _caller(session: Session) -> Caller:
    return Caller(Role.named(session.role), session.caller, session.label)


def _host(origin: str) -> str | None:
    """The host and port of an Origin; None for one that names none, such as `null`."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _mac(secret: str, salt: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"csrf" + salt, "sha256")
