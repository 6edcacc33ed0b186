"""The journal of visits: their rows, their moves, and how one more move changes what they come to.

Rules:

- a move is kept as it came; the row's state and days are worked out from all of them (see `visit`)
- a visit is named by its guest's node and the id that this drew; a person names it by the id alone, where that will do
"""

import hashlib
import sqlite3
from typing import Any

import orjson

from node.errors import InputError
from node.protocol.names import format_time
from node.roaming import availability
from node.roaming.request import Request
from node.roaming.visit import Course, Days, Event, Move, Side, course
from node.sentence import said
from node.storage import arrivals, visits
from node.storage.visits import Said, Visit


class NoVisit(InputError):
    """There is no such visit, or none that who asks may see."""


def open_visit(
    db: sqlite3.Connection, guest: str, id_: str, side: Side, request: Request, *, zone: str, asker: str, now: float
) -> Visit:
    """A new visit, of which nothing was said yet. `asker`: who asked on the guest's side; empty for the operator."""
    no = visits.add(
        db,
        guest=guest,
        id_=id_,
        side=side,
        venue=request.venue,
        zone=zone,
        asker=hash_of(asker) if asker else None,
        asked=int(now),
        first=request.period.first,
        last=request.period.last,
        ends=int(availability.ends(zone, request.period)),
        request=orjson.dumps(request.as_value()),
    )
    found = visits.numbered(db, no)
    assert found is not None
    return found


def hash_of(asker: str) -> bytes:
    """What is kept of who asked: enough to show them their own visits."""
    return hashlib.sha256(asker.encode()).digest()


def course_of(db: sqlite3.Connection, visit: Visit) -> Course:
    return course(_move(said) for said in visits.moves(db, visit.no))


def enter(db: sqlite3.Connection, visit: Visit, move: Move, now: float) -> Course:
    """Keeps a move, and what the visit comes to by it."""
    first, last = move.days or (None, None)
    said = Said(move.side, move.no, move.seen, move.event, move.at, int(now), first, last, move.note or None)
    visits.say(db, visit.no, said)
    after = course_of(db, visit)
    if after.state is not None:
        ends = int(availability.ends(visit.zone, after.days))
        visits.settle(db, visit.no, state=after.state, first=after.days.first, last=after.days.last, ends=ends)
    return after


def answer_minutes(db: sqlite3.Connection, visit: Visit) -> int | None:
    """How long the host's first answer took, by the guest's own clock; None while there is none.

    Only moves that count: one that was sent ahead, to have been early, is no answer.
    """
    counting = {(move.side, move.no) for move in course_of(db, visit).moves}
    said = [each for each in visits.moves(db, visit.no) if (each.side, each.number) in counting]
    asked = [each.heard for each in said if each.event == Event.ASK]
    answered = [each.heard for each in said if each.event in (Event.ACCEPT, Event.PROPOSE, Event.DECLINE)]
    return max(min(answered) - min(asked), 0) // 60 if asked and answered else None


def unconfirmed(db: sqlite3.Connection, visit: Visit) -> bool:
    """Whether the host says that the guests came, and they are to confirm it, as no pass of theirs was shown."""
    held = arrivals.find(db, visit.guest, visit.id) if visit.side == Side.GUEST else None
    return held is not None and held.guest_signature is None


def request_of(visit: Visit) -> Request:
    return Request.parse(orjson.loads(visit.request))


def find(db: sqlite3.Connection, name: str, *, side: Side | None = None, asker: str = "") -> Visit:
    """The visit that a person names: by its id, or `guest's node id/id` where two guests drew the same one.

    NoVisit where there is none, or none of this side, or of who asked (`asker`, empty for staff).
    """
    guest, _, id_ = name.rpartition("/")
    found = [
        each
        for each in visits.named(db, id_)
        if (not guest or each.guest == guest)
        and (side is None or each.side == side)
        and (not asker or (each.side == Side.GUEST and each.asker == hash_of(asker)))
    ]
    if not found:
        raise NoVisit(
            said("there is no visit {visit} here: 'bra visit list' shows those there are", visit=repr(name[:120]))
        )
    if len(found) > 1:
        raise InputError(f"there are several visits {id_}: name the guest's node, too, such as {found[0].guest}/{id_}")
    return found[0]


def shown(db: sqlite3.Connection, visit: Visit, now: float) -> dict[str, Any]:
    """A visit as whoever may see it is shown it."""
    found = course_of(db, visit)
    value: dict[str, Any] = {
        "visit": visit.id,
        "side": visit.side,
        "guest": visit.guest,
        "host": visit.host,
        "venue": visit.venue,
        "time_zone": visit.zone,
        "state": found.state_at(now, visit.ends),
        "days": list(found.days),
        "asked": format_time(visit.asked),
        "request": orjson.loads(visit.request),
        "moves": [{"by": move.side, **move.as_value()} for move in found.moves],
    }
    if unconfirmed(db, visit):
        value["unconfirmed"] = True
    if visit.problem:
        value["problem"] = visit.problem
    return value


def _move(said: Said) -> Move:
    days = Days(said.first, said.last) if said.first and said.last else None
    return Move(Side(said.side), said.number, said.seen, Event(said.event), said.at, days, said.note or "")
