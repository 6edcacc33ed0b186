"""The course of a visit: whatever way the moves take, both sides see the same, and nothing that was said is lost."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import InputError, Malformed
from node.roaming.visit import (
    MOST_MOVES,
    SAYS,
    TABLE,
    WITH_DAYS,
    Course,
    Days,
    Event,
    Move,
    Side,
    State,
    course,
)

FIRST, OTHER = Days("2027-06-02", "2027-06-03"), Days("2027-06-09", "2027-06-10")
NOW = 1_800_000_000
ENDS = NOW + 86_400


class Desk:
    """One side: what it has said and heard."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.moves: list[Move] = []

    @property
    def course(self) -> Course:
        return course(self.moves)

    def say(self, event: Event) -> Move:
        days = {Event.ASK: FIRST, Event.PROPOSE: OTHER, Event.AGREE: self.course.days}.get(event)
        move = self.course.next(event, NOW, days=days)
        self.moves.append(move)
        return move


def settled(*events: Event) -> Course:
    """What comes of events that are said one after the other, each side hearing the other at once."""
    guest, host = Desk(Side.GUEST), Desk(Side.HOST)
    for event in events:
        speaker, hearer = (guest, host) if SAYS[event] is Side.GUEST else (host, guest)
        hearer.moves.append(speaker.say(event))
    assert guest.course == host.course
    return guest.course


JOURNEYS = {
    "a host that accepts": ([Event.ASK, Event.ACCEPT, Event.ARRIVE], State.ARRIVED),
    "one that needs a reminder": ([Event.ASK, Event.REMIND, Event.ACCEPT], State.ACCEPTED),
    "another date that suits": ([Event.ASK, Event.PROPOSE, Event.AGREE], State.ACCEPTED),
    "another date that doesn't": ([Event.ASK, Event.PROPOSE, Event.CANCEL], State.CANCELLED),
    "two other dates": ([Event.ASK, Event.PROPOSE, Event.PROPOSE], State.OFFERED),
    "a host that declines": ([Event.ASK, Event.DECLINE], State.DECLINED),
    "an acceptance taken back": ([Event.ASK, Event.ACCEPT, Event.DECLINE], State.DECLINED),
    "guests who don't come": ([Event.ASK, Event.ACCEPT, Event.MISS], State.NO_SHOW),
    "guests who come late": ([Event.ASK, Event.ACCEPT, Event.MISS, Event.ARRIVE], State.ARRIVED),
    "guests who cancel": ([Event.ASK, Event.ACCEPT, Event.CANCEL], State.CANCELLED),
}


@pytest.mark.parametrize("what", JOURNEYS)
def test_a_journey_ends_where_it_should_with(what: str) -> None:
    events, ends = JOURNEYS[what]
    assert settled(*events).state is ends


REACHED = {None: [], **{settled(*events).state: events for events, _ in JOURNEYS.values()}, State.ASKED: [Event.ASK]}
REACHED[State.REMINDED] = [Event.ASK, Event.REMIND]
STORED = [None, *(state for state in State if state is not State.EXPIRED)]


@pytest.mark.parametrize(("state", "event"), list(product(STORED, Event)))
def test_in_each_state_what_the_table_has_is_done_and_everything_else_refused_in_a_sentence(
    state: State | None, event: Event
) -> None:
    sides = {side: Desk(side) for side in Side}
    for each in REACHED[state]:
        move = sides[SAYS[each]].say(each)
        sides[SAYS[each].other].moves.append(move)
    speaker = sides[SAYS[event]]
    assert speaker.course.state is state
    if (state, event) in TABLE:
        speaker.say(event)
        assert speaker.course.state is TABLE[state, event]
    else:
        with pytest.raises(InputError) as refused:
            speaker.say(event)
        assert ": " in str(refused.value)
        # Nor does it change anything where a side says it all the same.
        forced = Move(SAYS[event], 9, 0, event, NOW, FIRST if event in WITH_DAYS else None)
        assert course([*speaker.moves, forced]).state is state


AT_ONCE = {
    "an acceptance and a cancelling": ([Event.ASK], Event.CANCEL, Event.ACCEPT, State.CANCELLED),
    "a reminder and an acceptance": ([Event.ASK], Event.REMIND, Event.ACCEPT, State.ACCEPTED),
    "an agreement and another offer": ([Event.ASK, Event.PROPOSE], Event.AGREE, Event.PROPOSE, State.ACCEPTED),
    "an agreement and a refusal": ([Event.ASK, Event.PROPOSE], Event.AGREE, Event.DECLINE, State.DECLINED),
    "a cancelling and an arrival": ([Event.ASK, Event.ACCEPT], Event.CANCEL, Event.ARRIVE, State.CANCELLED),
}


@pytest.mark.parametrize("what", AT_ONCE)
def test_what_is_said_at_the_same_time_comes_to_one_thing_for_both(what: str) -> None:
    before, guests, hosts, ends = AT_ONCE[what]
    guest, host = Desk(Side.GUEST), Desk(Side.HOST)
    for event in before:
        speaker, hearer = (guest, host) if SAYS[event] is Side.GUEST else (host, guest)
        hearer.moves.append(speaker.say(event))
    one, other = guest.say(guests), host.say(hosts)
    guest.moves.append(other)
    host.moves.append(one)
    assert guest.course.state is host.course.state is ends


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Move], list[Move]]:
    """What two honest sides say when messages take their time, come in any order and more than once."""
    sides = {side: Desk(side) for side in Side}
    sides[Side.GUEST].say(Event.ASK)
    for _ in range(draw(st.integers(1, 20))):
        side = draw(st.sampled_from(list(Side)))
        here, there = sides[side], sides[side.other]
        if draw(st.booleans()):
            said = [move for move in there.moves if move.side is side.other]
            here.moves += draw(st.lists(st.sampled_from(said), max_size=3)) if said else []
        else:
            allowed = [event for event, whose in SAYS.items() if whose is side and (here.course.state, event) in TABLE]
            if allowed:
                here.say(draw(st.sampled_from(allowed)))
    return tuple([move for move in sides[side].moves if move.side is side] for side in Side)  # type: ignore[return-value]


@given(histories(), st.data())
def test_both_sides_come_to_the_same_in_whatever_order_and_however_often_moves_come(
    said: tuple[list[Move], list[Move]], data: st.DataObject
) -> None:
    everything = [*said[0], *said[1]]
    one = data.draw(st.permutations(everything))
    other = data.draw(st.permutations(everything + data.draw(st.lists(st.sampled_from(everything), max_size=5))))
    assert course(one) == course(other)
    assert course(one).said == {Side.GUEST: len(said[0]), Side.HOST: len(said[1])}, "something that was said is lost"


@given(histories(), st.data())
def test_a_state_only_follows_by_the_table(said: tuple[list[Move], list[Move]], data: st.DataObject) -> None:
    found = course(data.draw(st.lists(st.sampled_from([*said[0], *said[1]]))))
    state = None
    for move in found.moves:
        state = TABLE[state, move.event]
    assert state is found.state


@given(st.lists(st.builds(
    Move, st.sampled_from(list(Side)), st.integers(1, MOST_MOVES), st.integers(0, MOST_MOVES),
    st.sampled_from(list(Event)), st.just(NOW), st.sampled_from([None, FIRST, OTHER]),
), max_size=20), st.data())  # fmt: skip
def test_even_lies_come_to_one_thing_in_whatever_order_they_come(moves: list[Move], data: st.DataObject) -> None:
    unique = list({(move.side, move.no): move for move in moves}.values())
    assert course(unique) == course(data.draw(st.permutations(unique)))


def test_a_move_that_follows_what_is_not_there_yet_waits() -> None:
    asked = Move(Side.GUEST, 1, 0, Event.ASK, NOW, FIRST)
    accepted = Move(Side.HOST, 1, 1, Event.ACCEPT, NOW)
    cancelled = Move(Side.GUEST, 2, 1, Event.CANCEL, NOW)
    assert course([cancelled]).state is None
    assert course([asked, cancelled]).state is State.ASKED, "it was said in the knowledge of an answer that is not here"
    assert course([cancelled, accepted, asked]).state is State.CANCELLED


def test_who_was_never_answered_has_expired_when_the_days_are_over() -> None:
    asked = settled(Event.ASK)
    assert asked.state_at(ENDS - 1, ENDS) is State.ASKED
    assert asked.state_at(ENDS, ENDS) is State.EXPIRED
    assert settled(Event.ASK, Event.ACCEPT).state_at(ENDS, ENDS) is State.ACCEPTED


def test_only_the_days_that_are_offered_now_can_be_agreed_to() -> None:
    offered = settled(Event.ASK, Event.PROPOSE)
    with pytest.raises(InputError):
        offered.next(Event.AGREE, NOW, days=FIRST)
    forged = Move(Side.GUEST, 2, 1, Event.AGREE, NOW, FIRST)
    assert course([*offered.moves, forged]).state is State.OFFERED


GOOD = {"no": 1, "seen": 0, "event": "ask", "at": "2027-01-15T09:00:00Z", "days": ["2027-06-02", "2027-06-03"]}
WRONG = {
    "nothing": None,
    "no event": {key: value for key, value in GOOD.items() if key != "event"},
    "the other side's event": {**GOOD, "event": "accept"},
    "an unknown event": {**GOOD, "event": "dance"},
    "a list as event": {**GOOD, "event": ["ask"]},
    "number 0": {**GOOD, "no": 0},
    "too high a number": {**GOOD, "no": MOST_MOVES + 1},
    "true as a number": {**GOOD, "no": True},
    "no days": {key: value for key, value in GOOD.items() if key != "days"},
    "one day": {**GOOD, "days": ["2027-06-02"]},
    "days that are none": {**GOOD, "days": ["2027-06-31", "2027-07-01"]},
    "the last day that there is": {**GOOD, "days": ["9999-12-31", "9999-12-31"]},
    "days backwards": {**GOOD, "days": ["2027-06-03", "2027-06-02"]},
    "too many days": {**GOOD, "days": ["2027-06-02", "2027-07-03"]},
    "a time of day": {**GOOD, "days": ["2027-06-02T09:00:00Z", "2027-06-03"]},
    "a note that is none": {**GOOD, "note": 1},
    "too long a note": {**GOOD, "note": "x" * 1001},
    "no moment": {**GOOD, "at": "now"},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_move_is_read_strictly(what: str) -> None:
    with pytest.raises(Malformed):
        Move.parse(WRONG[what], Side.GUEST)


def test_a_move_is_read_as_it_was_written() -> None:
    move = Move.parse(GOOD, Side.GUEST)
    assert Move.parse(move.as_value(), Side.GUEST) == move
    assert move.as_value() == GOOD


def test_a_side_has_only_so_many_moves() -> None:
    host = Desk(Side.HOST)
    host.moves.append(Move(Side.GUEST, 1, 0, Event.ASK, NOW, FIRST))
    for _ in range(MOST_MOVES):
        host.say(Event.PROPOSE)
    with pytest.raises(InputError, match="ask for a new one"):
        host.say(Event.PROPOSE)
