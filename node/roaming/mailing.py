"""The sending of letters: a durable queue, a look into the venue's own calendar, and SMTP.

Rules:

- a letter is queued with the change that it tells of, and leaves the queue when a server has taken it. It is written
  when it is sent: its link's secret, its address and its text are on no disk of this node
- what fails is tried again, later each time, and given up after `MOST_TRIES`; it holds no other letter back
- before a host is asked, the free-busy address of its venue is looked at: on days that are full its node declines
- without `[mail] host` nothing is sent, and the host answers with `bra visit answer` or over the API
"""

import asyncio
import smtplib
import sqlite3
import ssl
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from node.config import Mail
from node.directory import views
from node.directory.acceptance import Acceptance
from node.directory.reader import EVERYTHING, Reader
from node.errors import BraError, HomeError, InputError, Malformed, PeerError
from node.plain import plain
from node.protocol.names import NodeId, format_time
from node.roaming import availability, calendars, journal, links, venue_calendar
from node.roaming.alternatives import alternatives
from node.roaming.letters import About, letter
from node.roaming.visit import OPEN, Event, Side
from node.roaming.visits import Visits
from node.storage import letters as queue
from node.storage import visits as stored
from node.storage.letters import Letter
from node.storage.visits import Visit
from node.world import World

log = structlog.get_logger()

EVERY = 5.0
"""Seconds between two looks into the queue."""
AT_ONCE = 20
MOST_TRIES = 20
FIRST_PAUSE, LONGEST_PAUSE = 60, 6 * 3600
"""Seconds."""
SMTP_SECONDS = 30.0
_ASKING = ("request", "reminder")


class Mailing:
    """Sends what is queued. `url`: where this node is reached, empty where it isn't; `http`: fetches calendars."""

    def __init__(
        self,
        visits: Visits,
        acceptance: Acceptance,
        http: aiohttp.ClientSession,
        world: World,
        *,
        mail: Mail,
        url: str,
    ) -> None:
        check(mail)
        self._visits = visits
        self._database = visits.database
        self._acceptance = acceptance
        self._http = http
        self._world = world
        self._mail = mail
        self._url = url

    async def send_due(self) -> None:
        """House-keeping: sends what is due now, one after the other."""
        for each in await self._database.read(partial(queue.due, now=self._world.now(), most=AT_ONCE)):
            try:
                await self._send(each)
            except (BraError, smtplib.SMTPException, OSError, ValueError) as error:
                await self._failed(each, error)

    async def _send(self, due: Letter) -> None:
        visit, venue = await self._database.read(partial(self._still, due=due))
        if visit is None or venue is None:
            return await self._drop(due)
        remarks: list[str] = []
        if due.what == "request" and (address := venue["body"].get("free_busy_url")):
            declined, remark = await self._look_into_calendar(visit, venue["body"], address)
            if declined:
                return await self._drop(due)
            remarks = [remark] if remark else []
        to = self._to(visit, venue["body"], await self._contact(venue))
        if not self._mail.host or not to:
            return await self._drop(due)
        about = await self._database.write(partial(self._about, visit=visit, venue=venue, due=due, remarks=remarks))
        now, name = self._world.now(), f"{due.no}.{visit.id}"
        message = letter(due.what, about, to=to, sender=self._mail.sender, name=name, now=now)
        await asyncio.to_thread(submit, message, self._mail)
        return await self._drop(due)

    def _still(self, db: sqlite3.Connection, due: Letter) -> tuple[Visit | None, dict[str, Any] | None]:
        """The letter's visit and its venue, as long as there is something to tell."""
        visit, now = stored.numbered(db, due.visit), self._world.now()
        if visit is None:
            return None, None
        if due.what == "arrival":
            # Who came may be written down the morning after.
            over = not journal.unconfirmed(db, visit)
        else:
            over = visit.ends <= now or (due.what in (*_ASKING, "silence") and visit.state not in OPEN)
        if over:
            return None, None
        reader = Reader.of(self._acceptance, EVERYTHING, now)
        return visit, views.one(db, reader, "venue", visit.host, visit.venue.partition("/")[2])

    def _about(
        self, db: sqlite3.Connection, *, visit: Visit, venue: dict[str, Any], due: Letter, remarks: list[str]
    ) -> About:
        """What the letter says; a letter that asks makes a link, of which the database keeps the hash."""
        now, me = self._world.now(), self._acceptance.me
        shown = journal.shown(db, visit, now)
        names = views.organisation_names(db, [visit.guest, visit.host])
        link, until = "", ""
        if due.what in _ASKING and self._url:
            secret, ends = links.mint(db, visit, self._world.random, now)
            link, until = f"{self._url}{links.PATH}/{secret}", format_time(ends)
        without = visit.guest == me and shown["state"] in _WITHOUT
        others = alternatives(db, self._acceptance, visit, now) if without else []
        return About(
            visit=shown,
            venue=venue["body"],
            home=names.get(visit.guest, visit.guest),
            host=names.get(visit.host, visit.host),
            calendar=calendars.calendar(shown, venue["body"], now),
            link=link,
            until=until,
            remarks=remarks,
            others=others,
        )

    async def _contact(self, venue: dict[str, Any]) -> dict[str, Any]:
        """The body of the contact record that the venue names, if it does and there is one."""
        ref = venue["body"]["contact"].get("record", "")
        author, _, id_ = ref.rpartition("/")
        reader = Reader.of(self._acceptance, EVERYTHING, self._world.now())
        job = partial(views.one, reader=reader, kind="contact", author=NodeId(author or venue["author"]), record_id=id_)
        found = await self._database.read(job) if ref else None
        return found["body"] if found else {}

    @staticmethod
    def _to(visit: Visit, venue: dict[str, Any], contact: dict[str, Any]) -> str:
        """Whom this side's letters go to; empty where nobody has an address."""
        if visit.side == Side.GUEST:
            return journal.request_of(visit).email
        return str(venue["contact"].get("email") or contact.get("email", ""))

    async def _look_into_calendar(self, visit: Visit, venue: dict[str, Any], address: str) -> tuple[bool, str]:
        """Whether the visit was declined because a day of it is full; and what the host is told of the calendar."""
        days = (visit.first, visit.last)
        try:
            taken = await venue_calendar.look(self._http, address, visit.zone, days)
        except (PeerError, Malformed) as error:
            return False, f"Your venue's calendar could not be looked at: {error}"
        wanted = journal.request_of(visit).period
        full = [
            day
            for day in availability.each_day(wanted)
            if venue_calendar.is_full(availability.opening(venue, day) or [], taken, visit.zone)
        ]
        if full:
            note = f"The venue's calendar is full on {', '.join(full)}: ask for other days."
            await self._visits.say(f"{visit.guest}/{visit.id}", Event.DECLINE, note=note)
            return True, ""
        times = [f"{start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC" for start, end in taken[:10]]
        return False, f"Your venue's calendar is taken: {'; '.join(times)}" if times else ""

    async def _drop(self, due: Letter) -> None:
        await self._database.write(partial(queue.drop, no=due.no))

    async def _failed(self, due: Letter, error: Exception) -> None:
        # An error of a mail server may hold the address that it was about: it isn't logged.
        problem = str(error) if isinstance(error, BraError) else type(error).__name__
        log.warning("a letter was not sent", letter=due.no, tries=due.tries + 1, problem=plain(problem))
        if due.tries + 1 >= MOST_TRIES:
            return await self._drop(due)
        pause = min(FIRST_PAUSE * 2**due.tries, LONGEST_PAUSE)
        later = self._world.now() + pause
        return await self._database.write(partial(queue.later, no=due.no, due=later, problem=plain(problem)))


_WITHOUT = ("asked", "reminded", "declined", "expired")
"""States in which the guests may want another venue."""


def submit(message: EmailMessage, mail: Mail) -> None:
    """Hands a message to the configured server. Blocks; smtplib's errors and OSError where that fails."""
    context = ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=SMTP_SECONDS, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=SMTP_SECONDS)
    with server:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.user:
            server.login(mail.user, _password(mail.password_file))
        server.send_message(message)


def _password(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HomeError(
            f"{path} can't be read: put the mail account's password into it ([mail] password_file)"
        ) from error


def check(mail: Mail) -> None:
    """Raises InputError for settings by which nothing can be sent, or only for everybody to read."""
    if not mail.host:
        return
    if not mail.sender:
        raise InputError("[mail] from is missing: give the address that letters come from")
    if mail.security == "none" and mail.host not in ("localhost", "127.0.0.1", "::1"):
        raise InputError("[mail] security = none is for a server on this machine alone: take starttls or tls")
    if mail.user and mail.security == "none":
        raise InputError("[mail] user needs starttls or tls: a password is not sent for everybody to read")
