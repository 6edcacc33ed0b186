"""The course of a visit: what guest and host may say, and what is true of it then. Pure.

Rules:

- each side says moves, numbered from 1 on; a move tells how many of the other's its side had seen. The moves of both
  are all there is: whoever holds the same moves comes to the same state, in whatever order and how often they came
- a move waits until those that it follows are there; then all stand in one order: what was known goes before what was
  said in that knowledge, and of what was said at the same time the guest's goes first: an offer once taken stands
- a move that `TABLE` doesn't allow where it stands changes nothing: both sides see that alike
- a visit that nobody answered until it was over has expired; that is never said, only seen (see `Course.state_at`)

    >>> asked = Move(Side.GUEST, 1, 0, Event.ASK, 0, Days("2027-06-02", "2027-06-03"))
    >>> course([Move(Side.HOST, 1, 1, Event.ACCEPT, 60), asked]).state
    <State.ACCEPTED: 'accepted'>
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from node.errors import InputError, Malformed
from node.kinds.fields import parse_day_or_moment
from node.protocol import names
from node.sentence import Sentence, said

MOST_MOVES = 16
"""Of one side in one visit: a visit takes three or four."""
MOST_DAYS = 31
SILENCE = 48 * 3600
"""Seconds without an answer after which the host is reminded, and the guests are told of other venues."""
LONGEST_NOTE = 1_000
"""Characters."""
_DAY = 86_400


class Side(StrEnum):
    GUEST = "guest"
    HOST = "host"

    @property
    def other(self) -> "Side":
        return Side.HOST if self is Side.GUEST else Side.GUEST


class State(StrEnum):
    ASKED = "asked"
    REMINDED = "reminded"
    OFFERED = "offered-another-date"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    ARRIVED = "arrived"
    NO_SHOW = "no-show"
    EXPIRED = "expired"


class Event(StrEnum):
    ASK = "ask"
    REMIND = "remind"
    AGREE = "agree"
    CANCEL = "cancel"
    ACCEPT = "accept"
    PROPOSE = "propose"
    DECLINE = "decline"
    ARRIVE = "arrive"
    MISS = "miss"


SAYS: Mapping[Event, Side] = MappingProxyType(
    dict.fromkeys((Event.ASK, Event.REMIND, Event.AGREE, Event.CANCEL), Side.GUEST)
    | dict.fromkeys((Event.ACCEPT, Event.PROPOSE, Event.DECLINE, Event.ARRIVE, Event.MISS), Side.HOST)
)
"""Whose each event is. `decline` also takes an acceptance back, `agree` takes the other date, `miss`: nobody came."""

WITH_DAYS = frozenset((Event.ASK, Event.PROPOSE, Event.AGREE))

TABLE: Mapping[tuple[State | None, Event], State] = MappingProxyType(
    {
        (None, Event.ASK): State.ASKED,
        # The guest's node reminds once: there is no reminding of who was reminded.
        (State.ASKED, Event.REMIND): State.REMINDED,
        (State.ASKED, Event.ACCEPT): State.ACCEPTED,
        (State.REMINDED, Event.ACCEPT): State.ACCEPTED,
        (State.ASKED, Event.PROPOSE): State.OFFERED,
        (State.REMINDED, Event.PROPOSE): State.OFFERED,
        (State.OFFERED, Event.PROPOSE): State.OFFERED,
        (State.OFFERED, Event.AGREE): State.ACCEPTED,
        (State.ASKED, Event.DECLINE): State.DECLINED,
        (State.REMINDED, Event.DECLINE): State.DECLINED,
        (State.OFFERED, Event.DECLINE): State.DECLINED,
        (State.ACCEPTED, Event.DECLINE): State.DECLINED,
        (State.ASKED, Event.CANCEL): State.CANCELLED,
        (State.REMINDED, Event.CANCEL): State.CANCELLED,
        (State.OFFERED, Event.CANCEL): State.CANCELLED,
        (State.ACCEPTED, Event.CANCEL): State.CANCELLED,
        (State.ACCEPTED, Event.ARRIVE): State.ARRIVED,
        (State.ACCEPTED, Event.MISS): State.NO_SHOW,
        # Whoever was given up came after all.
        (State.NO_SHOW, Event.ARRIVE): State.ARRIVED,
    }
)
"""What becomes of a visit by an event; what isn't here is not allowed."""

OPEN = frozenset((State.ASKED, State.REMINDED, State.OFFERED))
"""Nothing is settled yet."""

EXPECTED = frozenset((State.ACCEPTED, State.ARRIVED, State.NO_SHOW))
"""The guests may come, and their passes are good: who was given up may come after all."""


class Stage(StrEnum):
    """How far visits are, for lists: without an answer, with guests expected or there, or past or called off."""

    WAITING = "waiting"
    COMING = "coming"
    OVER = "over"


class Days(NamedTuple):
    """Local days of the venue, both included."""

    first: str
    last: str

    @classmethod
    def parse(cls, value: object) -> Self:
        """From `[first, last]`; Malformed for anything that is not 1 to `MOST_DAYS` days of the calendar."""
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise Malformed("days are a list of the first and the last day")
        first, last = (_day(each) for each in value)
        if not 0 <= last - first < MOST_DAYS * _DAY:
            raise Malformed(
                said(
                    "a visit has 1 to {most} days, the first before the last: give days such as 2027-06-02",
                    most=MOST_DAYS,
                )
            )
        return cls(*value)


def _day(value: object) -> int:
    # No zone's clock can tell the first and the last days of the calendar.
    if not isinstance(value, str) or len(value) != 10 or not "1971" <= value[:4] < "2200":
        raise Malformed(said("a day looks like 2027-06-02"))
    return parse_day_or_moment(value)


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that a side says. `no`: its number there; `seen`: moves of the other that it knew; `at`: seconds."""

    side: Side
    no: int
    seen: int
    event: Event
    at: int
    days: Days | None = None
    note: str = ""

    @classmethod
    def parse(cls, value: object, side: Side) -> Self:
        """As a message of that side holds it; Malformed."""
        if not isinstance(value, dict) or not {"no", "seen", "event", "at"} <= value.keys():
            raise Malformed("a move has the members no, seen, event and at")
        event = value["event"]
        if not isinstance(event, str) or event not in SAYS or SAYS[Event(event)] is not side:
            raise Malformed(f"the {side} can't say that of a visit")
        no, seen = names.parse_integer(value["no"]), names.parse_integer(value["seen"])
        if not 1 <= no <= MOST_MOVES or seen > MOST_MOVES:
            raise Malformed(f"a side makes at most {MOST_MOVES} moves in a visit")
        days = Days.parse(value["days"]) if event in WITH_DAYS and "days" in value else None
        if (event in WITH_DAYS) != (days is not None):
            raise Malformed("days belong to asking, to proposing, and to agreeing")
        note = value.get("note", "")
        if not isinstance(note, str) or len(note) > LONGEST_NOTE:
            raise Malformed(f"a note has at most {LONGEST_NOTE} characters")
        return cls(side, no, seen, Event(event), names.parse_time(value["at"]), days, note)

    def as_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "no": self.no,
            "seen": self.seen,
            "event": self.event.value,
            "at": names.format_time(self.at),
        }
        if self.days:
            value["days"] = list(self.days)
        if self.note:
            value["note"] = self.note
        return value


@dataclass(frozen=True, slots=True)
class Course:
    """What is true of a visit. `moves`: those that count, in order; `days`: those that it is about, or now offered."""

    state: State | None
    days: Days
    moves: tuple[Move, ...]
    said: Mapping[Side, int]
    """The number of each side's last move that nothing is missing before."""

    def state_at(self, now: float, ends: float) -> State | None:
        """The state as of `now`, for a visit whose last day ends at `ends`; both in seconds."""
        return State.EXPIRED if self.state in OPEN and now >= ends else self.state

    def next(self, event: Event, at: float, *, days: Days | None = None, note: str = "") -> Move:
        """The move of who says `event` now; InputError where it can't be said."""
        side = SAYS[event]
        if (self.state, event) not in TABLE or (event is Event.AGREE and days != self.days):
            raise InputError(
                said("this visit is {state}: {instead}", state=CALLED[self.state], instead=_INSTEAD[event])
            )
        if self.said[side] >= MOST_MOVES:
            raise InputError(said("too much was said about this visit already: ask for a new one"))
        return Move(side, self.said[side] + 1, self.said[side.other], event, int(at), days, note[:LONGEST_NOTE])


CALLED: Mapping[State | None, Sentence] = MappingProxyType(
    {
        None: said("not asked for"),
        State.ASKED: said("asked"),
        State.REMINDED: said("reminded"),
        State.OFFERED: said("offered-another-date"),
        State.ACCEPTED: said("accepted"),
        State.DECLINED: said("declined"),
        State.CANCELLED: said("cancelled"),
        State.ARRIVED: said("arrived"),
        State.NO_SHOW: said("no-show"),
        State.EXPIRED: said("expired"),
    }
)
"""Each state as it stands in a sentence."""

_INSTEAD: Mapping[Event, Sentence] = MappingProxyType(
    {
        Event.ASK: said("ask for a new one"),
        Event.REMIND: said("only who has not answered is reminded, once"),
        Event.AGREE: said("only the date that the host offers now can be agreed to"),
        Event.CANCEL: said("it can be cancelled until it begins"),
        Event.ACCEPT: said("only one that waits for an answer can be accepted"),
        Event.PROPOSE: said("another date can be offered until it is settled"),
        Event.DECLINE: said("it can be declined, or taken back, until the guests arrive"),
        Event.ARRIVE: said("only guests of an accepted visit arrive"),
        Event.MISS: said("only an accepted visit can be missed"),
    }
)


def course(moves: Iterable[Move]) -> Course:
    """What all these moves come to; of two with one number the first counts."""
    waiting = {Side.GUEST: dict[int, Move](), Side.HOST: dict[int, Move]()}
    for move in moves:
        waiting[move.side].setdefault(move.no, move)
    said = {Side.GUEST: 0, Side.HOST: 0}
    seen = {Side.GUEST: 0, Side.HOST: 0}
    ordered: list[tuple[int, bool, Move]] = []
    found = True
    while found:
        found = False
        for side in Side:
            following = waiting[side].get(said[side] + 1)
            # What a move says that it follows must be there; and nobody forgets what they have seen.
            if following is not None and following.seen <= said[side.other]:
                said[side], seen[side], found = following.no, max(seen[side], following.seen), True
                ordered.append((following.no + seen[side], side is Side.HOST, following))
    return _played([move for *_, move in sorted(ordered, key=lambda each: each[:2])], said)


def _played(moves: Iterable[Move], said: Mapping[Side, int]) -> Course:
    state, days, counting = None, Days("", ""), list[Move]()
    for move in moves:
        following = TABLE.get((state, move.event))
        if following is None or (move.event is Event.AGREE and move.days != days):
            continue
        state, days = following, move.days or days
        counting.append(move)
    return Course(state, days, tuple(counting), MappingProxyType(dict(said)))
