"""Visits between nodes: asked by the guest's, answered by the host's, each step told to the other side as a message.

Rules:

- a change, its message to the other side and the letters that follow from it are one transaction
- the guest's messages carry the request, so that whichever comes first opens the visit
- the host's node answers by itself what its venue's record rules out: notice, hours, room. The rest a person answers
- after `SILENCE` the guest's node reminds once, and tells the guests of other venues
- a visit is deleted `keep_days` after it was over, with all that names people; on both sides alike, as both count alike

    shown = await visits.ask({"venue": …, "days": […], …}, asker="abcd1234", reader=reader)
    await visits.say(shown["visit"], Event.ACCEPT)
"""

import base64
import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Any

from node.directory import views
from node.directory.acceptance import Acceptance
from node.directory.reader import EVERYTHING, Reader
from node.errors import InputError, Malformed, ProtocolError
from node.protocol.canonical import encode
from node.protocol.keys import PrivateKey
from node.protocol.names import NodeId, parse_record_id
from node.roaming import availability, journal, showing, visit_passes
from node.roaming.arrivals import Arrivals
from node.roaming.issuing import Passes
from node.roaming.messages import Busy, Messages, Refusal
from node.roaming.passes import Pass
from node.roaming.request import Request
from node.roaming.visit import EXPECTED, OPEN, SAYS, SILENCE, Course, Days, Event, Move, Side, Stage, State
from node.sentence import said
from node.storage import letters, visits
from node.storage.database import Database
from node.storage.visits import Visit
from node.world import World

KIND = "visit"
MOST_OPEN = 200
"""Visits asked from here that are not over yet."""
MOST_OF_GUEST = 50
"""Visits that one node has asked of this one and that are not over yet: each may bring its host a letter."""
MOST_OF_ASKER = 20
"""Of one member, that are not over yet."""
LONGEST_ID = 48
"""Characters of a visit's id: those of the messages about it begin with it."""
_LATE = 86_400
"""Seconds after a visit's last day in which the desk may still say who came."""
_DELETED_AT_ONCE = 100
_ENDS = (Event.CANCEL, Event.DECLINE)
"""What ends a visit on this side, whether the other one can be told or not."""
LARGEST_PAGE = 200

_LETTERS: Mapping[tuple[Side, Event], str] = MappingProxyType(
    {
        (Side.HOST, Event.ASK): "request",
        (Side.HOST, Event.REMIND): "reminder",
        (Side.HOST, Event.AGREE): "news",
        (Side.HOST, Event.CANCEL): "news",
        (Side.HOST, Event.ACCEPT): "news",
        (Side.GUEST, Event.REMIND): "silence",
        (Side.GUEST, Event.ACCEPT): "news",
        (Side.GUEST, Event.PROPOSE): "news",
        (Side.GUEST, Event.DECLINE): "news",
        (Side.GUEST, Event.AGREE): "news",
    }
)
"""Which letter each side's node sends its own people when something is said."""


class Visits:
    """The visits of one node, on both sides. `key` signs arrivals; `passes` issues those of accepted visits."""

    def __init__(
        self,
        database: Database,
        acceptance: Acceptance,
        messages: Messages,
        passes: Passes,
        key: PrivateKey,
        world: World,
        *,
        keep_days: int,
    ) -> None:
        self.database = database
        self._acceptance = acceptance
        self._messages = messages
        self._passes = passes
        self._arrivals = Arrivals(acceptance, messages, passes, key)
        self._world = world
        self.keep_days = keep_days
        messages.on(KIND, self._hear)
        messages.on_failed(KIND, self._undelivered)

    # --- what people do ------------------------------------------------------------------------------------------

    async def ask(self, given: Mapping[str, Any], *, asker: str, reader: Reader, key: str = "") -> dict[str, Any]:
        """Asks for a visit; InputError, naming the field, where it can't be asked. `asker`: empty for the operator.

        The same asked again under the same `key`, of at least 128 random bits, is the same visit.
        """
        request = Request.parse(dict(given))
        drawn = hashlib.sha256(encode([asker, key, request.as_value()])).digest() if key else self._world.random(15)
        id_ = base64.b32encode(drawn[:15]).decode().lower()
        return await self.database.write(partial(self._ask, id_=id_, request=request, asker=asker, reader=reader))

    async def say(
        self, name: str, event: Event, *, days: tuple[str, str] | None = None, note: str = "", asker: str = ""
    ) -> dict[str, Any]:
        """Says something of a visit, for the side whose word it is; InputError where that can't be said now.

        `days`: those that the host proposes. `asker`: the member who speaks, empty for staff.
        """
        try:
            asked = Days.parse(days) if days else None
        except Malformed as error:
            raise InputError(str(error), "days") from error

        def job(db: sqlite3.Connection) -> dict[str, Any]:
            visit = journal.find(db, name, side=SAYS[event], asker=asker)
            self.speak(db, visit, event, days=asked, note=note)
            return self._shown(db, visit.no)

        return await self.database.write(job)

    async def confirm(self, name: str, *, asker: str = "") -> dict[str, Any]:
        """The guests' own word that they came, where the host said so and named no pass; InputError if it didn't."""

        def job(db: sqlite3.Connection) -> dict[str, Any]:
            visit = journal.find(db, name, side=Side.GUEST, asker=asker)
            self._arrivals.confirm(db, visit)
            return self._shown(db, visit.no)

        return await self.database.write(job)

    async def show(self, name: str, *, asker: str = "") -> dict[str, Any]:
        """One visit, with other venues where the host doesn't answer or said no."""
        return await self.database.read(lambda db: self._shown(db, journal.find(db, name, asker=asker).no))

    async def listing(
        self,
        *,
        side: Side | None = None,
        asker: str = "",
        stage: Stage | None = None,
        before: int | None = None,
        most: int = LARGEST_PAGE,
    ) -> dict[str, Any]:
        """The newest visits first; see `showing.listing`."""
        now = self._world.now()
        asked = partial(showing.listing, now=now, side=side, asker=asker, stage=stage, before=before, most=most)
        return await self.database.read(asked)

    def speak(
        self,
        db: sqlite3.Connection,
        visit: Visit,
        event: Event,
        *,
        days: Days | None = None,
        note: str = "",
        shown: str = "",
        at: float | None = None,
    ) -> None:
        """Says something for this node's side, in the caller's transaction; InputError where it can't be said now.

        `shown`: the `jti` of the pass that the guests have shown; `at`: when they came, in seconds, if that isn't now.
        """
        now, before = self._world.now(), journal.course_of(db, visit)
        came = now if at is None else at
        if event is Event.AGREE:
            days = before.days
        if event is Event.PROPOSE and (days is None or availability.starts(visit.zone, days) <= now):
            raise InputError(said("another date lies ahead: give the days that you offer, such as 2027-06-02"), "days")
        if days and availability.too_far(visit.zone, days, now):
            raise InputError(said("these days are too far away: offer days within a year"), "days")
        if before.state_at(now, visit.ends) is State.EXPIRED:
            raise InputError(said("this visit has expired unanswered: ask for a new one"))
        move = before.next(event, now, days=days, note=note)
        body: dict[str, Any] = {"visit": visit.id, "move": move.as_value()}
        if move.side is Side.GUEST:
            body["request"] = journal.request_of(visit).as_value()
        if event in (Event.ARRIVE, Event.MISS):
            self._require_begun(visit, before, came)
        if event is Event.ARRIVE:
            body["arrival"] = self._arrivals.state(db, visit, before.days, came, shown=shown)
        try:
            self._messages.send(db, NodeId(visit.other), KIND, body, id=f"{visit.id}-{move.side}-{move.no}")
        except InputError as error:
            if event not in _ENDS:
                raise
            # Whoever isn't honoured any more can't be told; but nobody is bound to a visit by that.
            visits.trouble(db, visit.no, f"the other side was not told: {error}")
        self._follow(db, visit, before, journal.enter(db, visit, move, now))

    def arrive(self, db: sqlite3.Connection, claims: Pass, place: object, at: float) -> None:
        """The desk lets the bearer of a pass in, or did so at `at`; in its transaction (see `desk.Arrived`).

        InputError where this node knows that nobody is expected. A pass may be of no visit: then nothing follows.
        """
        del place
        visit = visits.find(db, claims.issuer, claims.visit)
        if visit is not None and visit.side == Side.HOST and visit.state != State.ARRIVED:
            self.speak(db, visit, Event.ARRIVE, shown=claims.id, at=at)

    async def passes(self, name: str, *, asker: str = "") -> list[dict[str, Any]]:
        """The pass of each of the people of an accepted visit; see `visit_passes.given`."""

        def job(db: sqlite3.Connection) -> list[dict[str, Any]]:
            return visit_passes.given(db, self._passes, journal.find(db, name, side=Side.GUEST, asker=asker))

        return await self.database.write(job)

    @staticmethod
    def _require_begun(visit: Visit, course: Course, now: float) -> None:
        if now < availability.starts(visit.zone, course.days):
            raise InputError(said("this visit begins on {day}: say then who came", day=course.days.first))
        if now >= visit.ends + _LATE:
            raise InputError(said("this visit is over for more than a day: it is too late to say who came"))

    # --- asking --------------------------------------------------------------------------------------------------

    def _ask(self, db: sqlite3.Connection, *, id_: str, request: Request, asker: str, reader: Reader) -> dict[str, Any]:
        now, me = self._world.now(), self._acceptance.me
        if asked := visits.find(db, me, id_):
            return self._shown(db, asked.no)
        if request.host == me:
            raise InputError(said("that is your own venue: visits are asked of others"), "venue")
        venue = views.one(db, reader, "venue", request.host, request.venue_id)
        if venue is None:
            sentence = said("there is no such venue here: 'bra search --kind venue' shows those there are")
            raise InputError(sentence, "venue")
        if hindrance := availability.hindrance(venue["body"], request, now):
            name = venue["body"]["name"]
            raise InputError(said("{venue} can't be asked for that: {hindrance}", venue=name, hindrance=hindrance))
        if visits.count(db, me, now) >= MOST_OPEN:
            raise InputError(said("{most} visits are under way from here: wait until some are over", most=MOST_OPEN))
        if asker and len(self._under_way(db, asker, now)) >= MOST_OF_ASKER:
            sentence = said(
                "{most} visits of yours are under way: cancel some, or wait until they are over", most=MOST_OF_ASKER
            )
            raise InputError(sentence)
        zone = venue["body"]["time_zone"]
        visit = journal.open_visit(db, me, id_, Side.GUEST, request, zone=zone, asker=asker, now=now)
        self.speak(db, visit, Event.ASK, days=request.period)
        return self._shown(db, visit.no)

    @staticmethod
    def _under_way(db: sqlite3.Connection, asker: str, now: float) -> list[Visit]:
        found = visits.listing(db, asker=journal.hash_of(asker), most=MOST_OPEN)
        return [each for each in found if each.ends > now and each.state in (*OPEN, State.ACCEPTED)]

    # --- hearing -------------------------------------------------------------------------------------------------

    def _hear(self, db: sqlite3.Connection, sender: NodeId, body: dict[str, Any], at: float) -> Refusal | None:
        hear = self._hear_guest if "request" in body else self._hear_host
        # What is refused changes nothing, however late in it the reason shows.
        db.execute("SAVEPOINT heard")
        try:
            refusal = hear(db, sender, parse_record_id(body.get("visit")), body, at)
        except Busy:
            raise
        except (InputError, ProtocolError) as error:
            db.execute("ROLLBACK TO heard")
            refusal = Refusal(str(error))
        db.execute("RELEASE heard")
        return refusal

    def _hear_guest(
        self, db: sqlite3.Connection, guest: NodeId, id_: str, body: dict[str, Any], now: float
    ) -> Refusal | None:
        move, request = Move.parse(body.get("move"), Side.GUEST), Request.parse(body["request"])
        if request.host != self._acceptance.me or (move.event is Event.ASK and move.days != request.period):
            return Refusal("this visit is asked of another, or for other days than it says: ask again")
        visit = visits.find(db, guest, id_)
        venue = self._own_venue(db, request.venue_id)
        if visit is None:
            if venue is None:
                return Refusal("there is no such venue here any more: look for another")
            if visits.count(db, guest, now) >= MOST_OF_GUEST:
                return Refusal(
                    f"{MOST_OF_GUEST} visits of your organisation are under way here: wait until some are over"
                )
            zone = venue["body"]["time_zone"]
            if len(id_) > LONGEST_ID:
                return Refusal(f"a visit's id has at most {LONGEST_ID} characters: draw another")
            if availability.ends(zone, request.period) <= now or availability.too_far(zone, request.period, now):
                return Refusal("these days are over, or too far away: ask for days within a year")
            visit = journal.open_visit(db, guest, id_, Side.HOST, request, zone=zone, asker="", now=now)
        elif journal.request_of(visit) != request or visit.side != Side.HOST:
            return Refusal("a visit stays what was asked for: ask for a new one")
        before = journal.course_of(db, visit)
        after = journal.enter(db, visit, move, now)
        asked = before.state is None and after.state is not None
        hindered = venue is not None and asked and self._hindrance(db, venue["body"], request, now)
        self._follow(db, visit, before, after, quietly=bool(hindered))
        if hindered and after.state in OPEN:
            self.speak(db, visit, Event.DECLINE, note=hindered)
        return None

    def _hear_host(
        self, db: sqlite3.Connection, host: NodeId, id_: str, body: dict[str, Any], now: float
    ) -> Refusal | None:
        move = Move.parse(body.get("move"), Side.HOST)
        visit = visits.find(db, self._acceptance.me, id_)
        if visit is None or visit.host != host:
            return Refusal("this visit is not known here: it may be over for long")
        if move.days and availability.too_far(visit.zone, move.days, now):
            return Refusal("these days are too far away: offer days within a year")
        before = journal.course_of(db, visit)
        after = journal.enter(db, visit, move, now)
        if move.event is Event.ARRIVE and after.said[Side.HOST] < move.no:
            # What it says can be signed only where it counts: it has overtaken what it follows.
            raise Busy("an earlier message about this visit is still on its way: bring this one again after it")
        if move.event is Event.ARRIVE and after.state is State.ARRIVED:
            signed = self._arrivals.take(db, visit, after.days, body.get("arrival"), now)
            if not signed:
                letters.queue(db, visit.no, "arrival", now)
        self._follow(db, visit, before, after)
        return None

    def _own_venue(self, db: sqlite3.Connection, id_: str) -> dict[str, Any] | None:
        reader = Reader.of(self._acceptance, EVERYTHING, self._world.now())
        return views.one(db, reader, "venue", self._acceptance.me, id_)

    def _hindrance(self, db: sqlite3.Connection, venue: Mapping[str, Any], request: Request, now: float) -> str | None:
        coming = visits.coming(db, request.venue, request.period, (State.ACCEPTED, State.ARRIVED))

        def taken(day: str) -> int:
            return sum(each.people for each in coming if each.first <= day <= each.last)

        return availability.hindrance(venue, request, now, taken=taken)

    def _undelivered(self, db: sqlite3.Connection, to: NodeId, id_: str, body: dict[str, Any], sentence: str) -> None:
        del id_
        guest = self._acceptance.me if "request" in body else to
        if visit := visits.find(db, guest, body["visit"]):
            visits.trouble(db, visit.no, f"the other side was not told: {sentence}")

    # --- what follows --------------------------------------------------------------------------------------------

    def _follow(
        self, db: sqlite3.Connection, visit: Visit, before: Course, after: Course, *, quietly: bool = False
    ) -> None:
        """The letters that what was said now brings about, and passes' ends. `quietly`: the node answers itself."""
        new = [move for move in after.moves if move not in before.moves]
        wanted = [_LETTERS.get((Side(visit.side), move.event)) for move in new]
        for what in dict.fromkeys(filter(None, wanted)):
            if not quietly:
                letters.queue(db, visit.no, what, self._world.now())
        if visit.side == Side.GUEST and after.state not in EXPECTED:
            visit_passes.end(db, self._passes, visit)

    async def look_after(self) -> None:
        """House-keeping: reminds hosts who are silent, and deletes what is over for long."""
        await self.database.write(self._remind)
        while await self.database.write(self._forget):
            pass

    def _remind(self, db: sqlite3.Connection) -> None:
        now = self._world.now()
        for visit in visits.in_states(db, Side.GUEST, (State.ASKED,), now):
            if visit.asked + SILENCE <= now:
                # A host that isn't honoured any more can't be told anything; the others still are.
                with suppress(InputError):
                    self.speak(db, visit, Event.REMIND)

    def _forget(self, db: sqlite3.Connection) -> bool:
        """Deletes some of the visits that are over for long enough; whether there may be more."""
        now = self._world.now()
        visits.forget_links(db, now)
        old = visits.over_before(db, now - self.keep_days * 86_400, _DELETED_AT_ONCE)
        for no in old:
            visits.delete(db, no)
        return len(old) == _DELETED_AT_ONCE

    # --- showing -------------------------------------------------------------------------------------------------

    def _shown(self, db: sqlite3.Connection, no: int) -> dict[str, Any]:
        return showing.one(db, self._acceptance, no, self._world.now())
