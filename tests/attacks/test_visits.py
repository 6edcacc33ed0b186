"""Visits: what one side says so that the other believes, keeps or signs more than is true."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from node.directory.draft import Change
from node.errors import InputError
from node.protocol.canonical import encode
from node.protocol.names import NodeId, encode_base64
from node.roaming.availability import starts
from node.roaming.desk import Desk
from node.roaming.messages import Busy
from node.roaming.passes import Token
from node.roaming.verdicts import Rules
from node.roaming.visit import MOST_MOVES, Days, Event, Move, Side
from node.storage import arrivals
from tests.roaming.parks import Park, deliver, open_both, parks, post, venue_body, weekday

ZONE = "Europe/Tallinn"
HOUR = 3600


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Park, Park]]:
    with parks(tmp_path) as (guest, host):
        await open_both(guest, host)
        yield guest, host


async def said(by: Park, to: Park, body: dict[str, Any], id_: str) -> str | None:
    """What becomes of a message that no honest node would send."""
    await by.database.write(lambda db: by.messages.send(db, NodeId(to.id), "visit", body, id=id_))
    [sent] = [each for each in by.waiting(to) if each.id == id_]
    return await deliver(sent, by, to)


def move(side: Side, no: int, seen: int, event: Event, at: float, **more: Any) -> dict[str, Any]:
    return Move(side, no, seen, event, int(at), **more).as_value()


async def arrival(guest: Park, host: Park, visit: str, **members: Any) -> dict[str, Any]:
    """An arrival at which the pass was shown that the guest's node has made, if it made one."""
    with suppress(InputError):
        token = (await guest.visits.passes(visit))[0]["token"]
        return {**await stated(guest, host, visit, **members), "pass": Token.parse(token).claims.id}
    return await stated(guest, host, visit, **members)


async def stated(guest: Park, host: Park, visit: str, **members: Any) -> dict[str, Any]:
    statement = {
        "type": "arrival", "host": host.id, "guest": guest.id, "visit": visit, "venue": "desk", "day": weekday(),
        "days": 1, "at": "2027-01-01T09:00:00Z", **members,
    }  # fmt: skip
    return {"statement": statement, "signature": encode_base64(host.key.sign(encode(statement)))}


async def test_who_has_cancelled_signs_for_no_arrival_whatever_the_host_says_it_had_seen(
    both: tuple[Park, Park],
) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    guest.clock.pass_by(49 * HOUR)
    await guest.visits.look_after()
    await guest.say(visit, Event.CANCEL)
    guest.clock.time = now = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    # Two words that overtake the reminder and the cancellation, because they had seen neither.
    accept = {"visit": visit, "move": move(Side.HOST, 1, 0, Event.ACCEPT, now)}
    arrive = {"visit": visit, "move": move(Side.HOST, 2, 0, Event.ARRIVE, now)}
    await said(host, guest, accept, "one")
    await said(host, guest, {**arrive, "arrival": await arrival(guest, host, visit)}, "two")
    assert guest.database.read_now(lambda db: arrivals.find(db, guest.id, visit)) is None


STATEMENTS = {
    "true for one day": {"days": True},
    "a time that is none": {"at": "x" * 10_000},
    "a time with a letter in it": {"at": {"to": "whom it may concern"}},
    "a day that is a list": {"day": [weekday()]},
}


@pytest.mark.parametrize("what", STATEMENTS)
async def test_nothing_is_signed_that_is_not_the_statement_of_an_arrival(what: str, both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    guest.clock.time = now = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await said(host, guest, {"visit": visit, "move": move(Side.HOST, 1, 1, Event.ACCEPT, now)}, "one")
    body = {"visit": visit, "move": move(Side.HOST, 2, 1, Event.ARRIVE, now)}
    bad = {**body, "arrival": await arrival(guest, host, visit, **STATEMENTS[what])}
    assert await said(host, guest, bad, "two")
    assert guest.rows("arrivals") == 0
    assert await said(host, guest, {**body, "arrival": await arrival(guest, host, visit)}, "three") is None
    assert guest.rows("arrivals") == 1


async def test_a_word_that_does_not_count_is_no_early_answer(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    early = {"visit": visit, "move": move(Side.HOST, MOST_MOVES, 1, Event.DECLINE, guest.clock.time)}
    await said(host, guest, early, "early")
    guest.clock.time = now = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await said(host, guest, {"visit": visit, "move": move(Side.HOST, 1, 1, Event.ACCEPT, now)}, "one")
    body = {"visit": visit, "move": move(Side.HOST, 2, 1, Event.ARRIVE, now)}
    await said(host, guest, {**body, "arrival": await arrival(guest, host, visit)}, "two")
    held = guest.database.read_now(lambda db: arrivals.find(db, guest.id, visit))
    assert held is not None and held.answer_minutes is not None and held.answer_minutes > 24 * 60


async def test_no_days_that_are_over_or_far_away_make_a_host_keep_what_it_is_sent(both: tuple[Park, Park]) -> None:
    guest, host = both
    now = guest.clock.time
    for number, days in enumerate((["1999-06-01"] * 2, [weekday(-1)] * 2, ["2199-06-01"] * 2)):
        request = {
            "venue": host.place(), "days": days, "company": "X", "purpose": "x" * 2_000, "language": "en",
            "people": [{"name": "A", "email": "a@x.example"}],
        }  # fmt: skip
        for event in (Event.ASK, Event.CANCEL):
            asked = Days(*days) if event is Event.ASK else None
            body = {
                "visit": f"v{number}{event}",
                "request": request,
                "move": move(Side.GUEST, 1, 0, event, now, days=asked),
            }
            assert await said(guest, host, body, f"m{number}{event}")
    assert (host.rows("visits"), host.rows("visit_requests")) == (0, 0)


async def test_a_host_that_offers_a_far_day_makes_nobody_keep_a_visit_until_then(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    far = move(Side.HOST, 1, 1, Event.PROPOSE, guest.clock.time, days=Days("2199-06-01", "2199-06-01"))
    assert await said(host, guest, {"visit": visit, "move": far}, "far")
    await post(guest, host)
    with pytest.raises(InputError, match="within a year"):
        await host.say(visit, Event.PROPOSE, days=("2199-06-01", "2199-06-01"))


async def test_every_visit_that_is_taken_can_be_answered(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    [sent] = guest.waiting(host)
    body = {**sent.body, "visit": "v" * 64}
    assert "characters" in (await said(guest, host, body, "long") or "")
    body = {**sent.body, "visit": "v" * 48}
    assert await said(guest, host, body, "short") is None
    await host.say("v" * 48, Event.DECLINE)
    assert visit


async def test_an_arrival_that_overtakes_the_acceptance_is_signed_when_it_comes_again(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    await host.say(visit, Event.ACCEPT)
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await host.say(visit, Event.ARRIVE)
    accepted, arrived = host.waiting(guest)
    with pytest.raises(Busy):
        await deliver(arrived, host, guest)
    assert await deliver(accepted, host, guest) is None
    assert await deliver(arrived, host, guest) is None
    held = guest.database.read_now(lambda db: arrivals.find(db, guest.id, visit))
    assert held is not None


async def test_a_host_that_was_shown_no_pass_gets_no_signature_by_its_own_word(both: tuple[Park, Park]) -> None:
    guest, host = both
    visits = []
    for _ in range(2):
        visit = await guest.ask(host.place())
        await post(guest, host)
        await host.say(visit, Event.ACCEPT)
        await post(guest, host)
        visits.append(visit)
    visit, other = visits
    # The pass of another visit was shown, and this one's is still in the guests' pockets.
    [made], [seen] = await guest.visits.passes(visit), await guest.visits.passes(other)
    guest.clock.time = now = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    for no, shown in ((2, {}), (3, {"pass": "x"}), (4, {"pass": Token.parse(seen["token"]).claims.id})):
        body = {"visit": visit, "move": move(Side.HOST, no, 1, Event.ARRIVE, now)}
        told = {**await stated(guest, host, visit), **shown}
        assert await said(host, guest, {**body, "arrival": told}, f"m{no}") is None
        held = guest.database.read_now(lambda db: arrivals.find(db, guest.id, visit))
        assert held is not None and held.guest_signature is None, shown
        assert not guest.database.read_now(lambda db: arrivals.travelled(db, "2020", "2099")), shown
    body = {"visit": visit, "move": move(Side.HOST, 5, 1, Event.ARRIVE, now)}
    told = {**await stated(guest, host, visit), "pass": Token.parse(made["token"]).claims.id}
    assert await said(host, guest, {**body, "arrival": told}, "m5") is None
    assert len(guest.database.read_now(lambda db: arrivals.travelled(db, "2020", "2099"))) == 1


# --- at the door ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def at_the_door(folder: Path) -> AsyncIterator[tuple[Park, Park, Desk, str]]:
    """Guest, host and its desk, at which a visit of one day has begun; and the visit. The host has a lab, too."""
    with parks(folder) as (guest, host):
        await guest.publish(*guest.passes.first())
        await open_both(guest, host)
        await host.publish(Change("venue", venue_body(name="Lab"), id="lab"))
        visit = await guest.ask(host.place())
        await post(guest, host)
        await host.say(visit, Event.ACCEPT)
        await post(guest, host)
        guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
        await guest.publisher.beat()
        await host.hear(guest)
        yield guest, host, Desk(host.database, host.acceptance, Rules(stale_hours=336), host.world), visit


def issued(guest: Park, host: Park, visit: str) -> str:
    """A pass for a week and for all venues, by a node that issues what it likes."""
    return guest.database.write_now(
        lambda db: guest.passes.issue(
            db, host=host.id, venues=["desk", "lab"], visit=visit, days=Days(weekday(), weekday(3)), zone=ZONE,
            name="A", company="B",
        )
    )  # fmt: skip


async def test_a_pass_lets_nobody_in_who_has_not_asked_where_that_is_wanted(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as (guest, host, desk, _):
        assert (await desk.arrive(issued(guest, host, "made-up"), "desk"))["verdict"] == "NOT THIS VENUE"
        assert host.rows("admissions") == 0


async def test_a_pass_lets_nobody_in_where_or_when_nothing_was_agreed(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as (guest, host, desk, visit):
        token = issued(guest, host, visit)
        said = [(await desk.verify(token, venue))["verdict"] for venue in ("desk", "lab")]
        assert said == ["OK", "NOT THIS VENUE"]
        guest.clock.pass_by(24 * HOUR)
        assert (await desk.verify(token, "desk"))["verdict"] == "EXPIRED"


async def test_a_host_that_took_its_word_back_lets_nobody_in_whoever_vouches_for_them(tmp_path: Path) -> None:
    async with at_the_door(tmp_path) as (guest, host, desk, visit):
        [made] = await guest.visits.passes(visit)
        assert (await desk.verify(made["token"], "desk"))["verdict"] == "OK"
        # The guests' node is told, and revokes nothing.
        await host.say(visit, Event.DECLINE)
        assert (await desk.verify(made["token"], "desk"))["verdict"] == "REVOKED"
