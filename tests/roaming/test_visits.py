"""Visits between two nodes with their real storage: what each side holds, refuses, reminds of and forgets."""

import random
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node.errors import InputError
from node.protocol.statements import Card
from node.roaming import visits as module
from node.roaming.passes import Token
from node.roaming.visit import SAYS, TABLE, Event, Side, Stage, State
from node.storage import letters
from node.trust.reach import Standing
from tests.directory.small_node import signatory
from tests.protocol.builders import NETWORK, NOW, key_named
from tests.roaming.parks import Park, deliver, open_both, parks, post, weekday

DAY = 86_400


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Park, Park]]:
    with parks(tmp_path) as (guest, host):
        await open_both(guest, host)
        yield guest, host


def queued(park: Park) -> list[str]:
    return [each.what for each in park.database.read_now(letters.waiting)]


async def test_a_visit_is_asked_accepted_and_known_alike_on_both_sides(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    assert await post(guest, host) == []
    assert (await host.state(visit), queued(host)) == ("asked", ["request"])
    await host.say(visit, Event.ACCEPT, note="Welcome")
    assert await post(guest, host) == []
    assert (await guest.state(visit), queued(guest)) == ("accepted", ["news"])
    assert guest.moves(visit) == host.moves(visit)


async def test_the_same_asked_twice_under_one_key_is_one_visit_and_anything_else_another(
    both: tuple[Park, Park],
) -> None:
    guest, host = both
    first = await guest.ask(host.place(), asker="liis", key="k" * 22)
    assert await guest.ask(host.place(), asker="liis", key="k" * 22) == first
    others = [
        await guest.ask(host.place(), asker="liis", key="k" * 22, company="Another company"),
        await guest.ask(host.place(), asker="jaan", key="k" * 22),
        await guest.ask(host.place(), asker="liis", key="l" * 22),
        await guest.ask(host.place(), asker="liis"),
    ]
    assert len({first, *others}) == guest.rows("visits") == 5


async def test_a_list_has_what_waits_what_comes_and_what_is_over_apart_and_names_the_places(
    both: tuple[Park, Park],
) -> None:
    guest, host = both
    asked, accepted, declined = [await guest.ask(host.place(), company=f"Company {number}") for number in range(3)]
    await post(guest, host)
    await host.say(accepted, Event.ACCEPT)
    await host.say(declined, Event.DECLINE)
    await post(guest, host)
    for park in both:
        found = {stage: (await park.visits.listing(stage=stage))["visits"] for stage in Stage}
        ids = {stage: [each["visit"] for each in visits] for stage, visits in found.items()}
        assert ids == {Stage.WAITING: [asked], Stage.COMING: [accepted], Stage.OVER: [declined]}
        assert {each["place"] for visits in found.values() for each in visits} == {"Room desk"}
        assert ["answer_by" in each for visits in found.values() for each in visits] == [True, False, False]
    guest.clock.pass_by(40 * DAY)
    over = await guest.visits.listing(stage=Stage.OVER, most=2)
    assert [each["visit"] for each in over["visits"]] == [declined, accepted]
    rest = await guest.visits.listing(stage=Stage.OVER, most=2, before=over["before"])
    assert [each["visit"] for each in rest["visits"]] == [asked]
    assert "before" not in rest


async def test_another_date_is_offered_and_agreed_to(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    other = (weekday(3), weekday(3, 2))
    await host.say(visit, Event.PROPOSE, days=other)
    await post(guest, host)
    assert (await guest.visits.show(visit))["days"] == list(other)
    await guest.say(visit, Event.AGREE)
    await post(guest, host)
    for park in both:
        shown = await park.visits.show(visit)
        assert (shown["state"], shown["days"]) == ("accepted", list(other))


async def test_a_date_that_is_over_is_offered_to_nobody(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    for days in (None, ("2020-06-01", "2020-06-01")):
        with pytest.raises(InputError):
            await host.say(visit, Event.PROPOSE, days=days)


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_both_say_and_however_messages_come_both_come_to_the_same(
    seed: int, both: tuple[Park, Park]
) -> None:
    guest, host = both
    draw = random.Random(seed)
    visit = await guest.ask(host.place())
    known, taken = {guest}, []
    for _ in range(30):
        by, to = draw.choice([(guest, host), (host, guest)])
        waiting = by.waiting(to)
        if waiting and draw.random() < 0.5:
            sent = draw.choice(waiting)
            assert await deliver(sent, by, to) is None
            taken.append((sent, by, to))
            known.add(to)
        elif taken and draw.random() < 0.3:
            # The network brings something again; the receipt of the first time is all that it changes.
            assert await deliver(*draw.choice(taken)) is None
        elif by in known and by.moves_of(visit):
            side = Side.GUEST if by is guest else Side.HOST
            state = State(await by.state(visit))
            events = [each for each, who in SAYS.items() if who is side and (state, each) in TABLE and each in _SAID]
            if events:
                event = draw.choice(events)
                days = (weekday(3), weekday(3)) if event is Event.PROPOSE else None
                await by.say(visit, event, days=days)
    assert await post(guest, host) == []
    assert guest.moves(visit) == host.moves(visit)
    assert await guest.state(visit) == await host.state(visit)


_SAID = (Event.REMIND, Event.AGREE, Event.CANCEL, Event.ACCEPT, Event.PROPOSE, Event.DECLINE)


async def test_a_venue_that_is_full_declines_by_itself_and_bothers_nobody(tmp_path: Path) -> None:
    with parks(tmp_path) as (guest, host):
        await open_both(guest, host, capacity=1)
        first = await guest.ask(host.place())
        await post(guest, host)
        await host.say(first, Event.ACCEPT)
        await post(guest, host)
        second = await guest.ask(host.place())
        before = len(queued(host))
        await post(guest, host)
        shown = await guest.visits.show(second)
        assert shown["state"] == "declined"
        assert "room for 0 more" in shown["moves"][-1]["note"]
        assert len(queued(host)) == before


async def test_what_the_venue_rules_out_is_refused_before_anybody_is_asked(both: tuple[Park, Park]) -> None:
    guest, host = both
    sunday = weekday(2, 6)
    with pytest.raises(InputError, match=f"closed on {sunday}"):
        await guest.ask(host.place(), days=[sunday, sunday])
    assert guest.waiting(host) == []


async def test_who_asks_the_host_directly_is_answered_by_its_rules_all_the_same(
    both: tuple[Park, Park], monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, host = both
    sunday = weekday(2, 6)
    with monkeypatch.context() as patch:
        patch.setattr("node.roaming.availability.hindrance", lambda *_, **__: None)
        visit = await guest.ask(host.place(), days=[sunday, sunday])
    await post(guest, host)
    assert await guest.state(visit) == "declined"
    assert queued(host) == []


def message(**changes: Any) -> dict[str, Any]:
    body = {
        "visit": "v1",
        "move": {"no": 1, "seen": 0, "event": "ask", "at": "2027-01-15T09:00:00Z", "days": [weekday(), weekday()]},
        "request": {
            "venue": "PLACE",
            "days": [weekday(), weekday()],
            "company": "Nordic Sensors",
            "people": [{"name": "A", "email": "a@b.example"}],
            "purpose": "x",
        },
    }
    for path, value in changes.items():
        inner, (*steps, last) = body, path.split("__")
        for step in steps:
            inner = inner[step]  # type: ignore[assignment]
        inner[last] = value
    return body


HOSTILE = {
    "no visit": message(visit=1),
    "a visit with a path as its name": message(visit="../x"),
    "no move": message(move=1),
    "a move of the other side": message(move__event="accept"),
    "an event that is a list": message(move__event=["ask"]),
    "a number that is none": message(move__no="1"),
    "a venue of another": message(request__venue="bra1" + "a" * 32 + "/desk"),
    "a venue that there isn't": message(request__venue="PLACE-less"),
    "other days than it says": message(request__days=[weekday(), weekday(2, 2)]),
    "days of the year 9999": message(
        request__days=["9999-12-31", "9999-12-31"], move__days=["9999-12-31", "9999-12-31"]
    ),
    "a request that is none": message(request=[]),
    "a crowd": message(request__people=[{"name": "A", "email": "a@b.example"}] * 21),
    "a header in a name": message(request__company="Park\r\nBcc: all@b.example"),
    "what nobody knows": message(request__admin=True),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_hostile_message_is_refused_and_changes_nothing(what: str, both: tuple[Park, Park]) -> None:
    guest, host = both
    body = HOSTILE[what]
    if isinstance(body["request"], dict):
        body["request"]["venue"] = body["request"]["venue"].replace("PLACE", host.place())
    guest.database.write_now(lambda db: guest.messages.send(db, host.id, "visit", body, id="m1"))
    refused = await post(guest, host)
    assert len(refused) == 1 or (await host.visits.listing())["visits"][0]["state"] == "declined"
    if refused:
        assert host.rows("visits") == 0
    assert queued(host) == []


async def test_nobody_touches_the_visits_of_others(both: tuple[Park, Park], tmp_path: Path) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    # The host's own message about a visit that it was not asked for.
    body = {"visit": "somebodys", "move": {"no": 1, "seen": 1, "event": "accept", "at": "2027-01-15T09:00:00Z"}}
    host.database.write_now(lambda db: host.messages.send(db, guest.id, "visit", body, id="m1"))
    assert await post(guest, host) == ["this visit is not known here: it may be over for long"]
    # Another node answers for the host.
    answer = {**body, "visit": visit}
    told = guest.database.write_now(lambda db: guest.visits._hear(db, signatory("lund").id, answer, 0.0))
    assert told is not None and await guest.state(visit) == "asked"
    # The guest changes afterwards what it had asked for.
    changed = message(visit=visit, move__no=2, move__event="remind")
    del changed["move"]["days"]
    changed["request"]["venue"] = host.place()
    guest.database.write_now(lambda db: guest.messages.send(db, host.id, "visit", changed, id="m2"))
    assert await post(guest, host) == ["a visit stays what was asked for: ask for a new one"]
    assert await host.state(visit) == "asked"


async def test_one_node_has_only_so_many_visits_under_way(
    both: tuple[Park, Park], monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, host = both
    monkeypatch.setattr(module, "MOST_OF_GUEST", 2)
    asked = [await guest.ask(host.place()) for _ in range(3)]
    assert len(await post(guest, host)) == 1
    assert host.rows("visits") == 2
    troubled = [(await guest.visits.show(each)).get("problem", "") for each in asked]
    assert "2 visits of your organisation are under way here" in troubled[2] and not troubled[0]


async def test_a_member_has_only_so_many_and_the_organisation_too(
    both: tuple[Park, Park], monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, host = both
    monkeypatch.setattr(module, "MOST_OF_ASKER", 1)
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    await guest.ask(host.place(), asker="a")
    with pytest.raises(InputError, match="1 visits of yours"):
        await guest.ask(host.place(), asker="a")
    await guest.ask(host.place(), asker="b")
    with pytest.raises(InputError, match="2 visits are under way"):
        await guest.ask(host.place(), asker="c")


async def test_a_member_sees_and_cancels_its_own_visits_alone(both: tuple[Park, Park]) -> None:
    guest, host = both
    mine, other = await guest.ask(host.place(), asker="liis"), await guest.ask(host.place(), asker="jaan")
    await post(guest, host)
    assert [each["visit"] for each in (await guest.visits.listing(asker="liis"))["visits"]] == [mine]
    for work in (guest.visits.show(other, asker="liis"), guest.visits.say(other, Event.CANCEL, asker="liis")):
        with pytest.raises(InputError, match="there is no visit"):
            await work
    # Nor does a member of the host's see who comes, or answer.
    for asker in ("liis", "anybody"):
        assert (await host.visits.listing(asker=asker))["visits"] == []
        with pytest.raises(InputError):
            await host.visits.say(mine, Event.ACCEPT, asker=asker)
    assert len((await guest.visits.listing())["visits"]) == 2


async def test_a_silent_host_is_reminded_once_and_the_guests_hear_of_other_venues(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    guest.clock.pass_by(module.SILENCE - 1)
    await guest.visits.look_after()
    assert guest.waiting(host) == []
    guest.clock.pass_by(1)
    for _ in range(3):
        await guest.visits.look_after()
        await post(guest, host)
    assert (queued(host), queued(guest)) == (["request", "reminder"], ["silence"])
    assert await host.state(visit) == "reminded"
    # Also after a crash between: the time is in the database.
    assert (await guest.visits.show(visit))["alternatives"] == []


async def test_other_venues_are_those_near_that_can_take_the_same_visit(tmp_path: Path) -> None:
    with parks(tmp_path) as (guest, host):
        await open_both(guest, host)
        from node.directory.draft import Change
        from tests.roaming.parks import venue_body

        far = {"geo": {"lat_e6": 48_137_000, "lon_e6": 11_575_000}}
        await host.publish(
            Change("venue", venue_body(name="Good"), id="good"),
            Change("venue", venue_body(name="Far", **far), id="far"),
            Change("venue", venue_body(name="Staff"), id="staff", visibility="partners"),
            Change("venue", venue_body(name="Shut", hours="Sa 09:00-10:00"), id="shut"),
        )
        await guest.hear(host)
        visit = await guest.ask(host.place())
        await post(guest, host)
        await host.say(visit, Event.DECLINE)
        await post(guest, host)
        others = (await guest.visits.show(visit))["alternatives"]
        assert [each["name"] for each in others] == ["Good"]
        assert others[0]["venue"] == f"{host.id}/good"


async def test_passes_come_with_the_acceptance_and_go_with_it(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    with pytest.raises(InputError, match="once the host has accepted"):
        await guest.visits.passes(visit)
    await host.say(visit, Event.ACCEPT)
    await post(guest, host)
    made = await guest.visits.passes(visit)
    assert [each["name"] for each in made] == ["Zephyrina Quackenbush"]
    assert await guest.visits.passes(visit) == made, "who asks again gets the same pass"
    await host.say(visit, Event.DECLINE)
    await post(guest, host)

    def revoked(db: sqlite3.Connection) -> list[Any]:
        return db.execute("SELECT revoked_at FROM passes").fetchall()

    assert guest.database.read_now(revoked) == [(int(NOW),)]
    assert guest.rows("visit_passes") == 0


@pytest.mark.parametrize("event", [Event.CANCEL, Event.DECLINE])
async def test_a_visit_ends_here_also_where_the_other_side_is_not_honoured_any_more(
    event: Event, both: tuple[Park, Park]
) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    await host.say(visit, Event.ACCEPT)
    await post(guest, host)
    await guest.visits.passes(visit)
    by, other = (guest, host) if event is Event.CANCEL else (host, guest)
    by.accept(other, Standing.LISTED)
    with pytest.raises(InputError, match="not honoured"):
        by.database.write_now(lambda db: by.messages.send(db, other.id, "visit", {}, id="x"))
    shown = await by.visits.say(visit, event)
    assert shown["state"] == {Event.CANCEL: "cancelled", Event.DECLINE: "declined"}[event]
    assert "the other side was not told" in shown["problem"]
    assert guest.rows("visit_passes") == (0 if by is guest else 1)


async def test_a_pass_that_ended_with_its_key_is_made_anew_when_it_is_asked_for(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await guest.ask(host.place())
    await post(guest, host)
    await host.say(visit, Event.ACCEPT)
    await post(guest, host)
    [old] = await guest.visits.passes(visit)
    root, signing = key_named("tartu/root"), key_named("tartu/signing/2")
    card = Card.make(root, network=NETWORK, epoch=2, signing=signing.public, issued=int(NOW))
    await guest.publisher.begin_epoch(signing, card)
    [made] = await guest.visits.passes(visit)
    assert [Token.parse(each["token"]).kid for each in (old, made)] == ["pass-1", "pass-2"]
    assert await guest.visits.passes(visit) == [made]


async def test_a_pass_that_was_revoked_is_handed_out_no_more_nor_made_anew_with_the_next_key(
    both: tuple[Park, Park],
) -> None:
    guest, host = both
    people = [{"name": "Zephyrina Quackenbush", "email": "zq@sensors.example"}, {"name": "Ottokar Pfefferkorn"}]
    visit = await guest.ask(host.place(), people=people)
    await post(guest, host)
    await host.say(visit, Event.ACCEPT)
    await post(guest, host)
    lost, kept = await guest.visits.passes(visit)
    revoked = Token.parse(lost["token"]).claims.id
    assert guest.database.write_now(lambda db: guest.passes.revoke(db, ids=[revoked])) == 1
    told = {"name": "Zephyrina Quackenbush", "revoked": True}
    assert await guest.visits.passes(visit) == [told, kept]
    await guest.passes.publish()
    # A database from a backup knows of no revocation; others still read it.
    guest.database.write_now(lambda db: db.execute("UPDATE passes SET revoked_at = NULL"))
    assert await guest.visits.passes(visit) == [told, kept]
    root, signing = key_named("tartu/root"), key_named("tartu/signing/2")
    card = Card.make(root, network=NETWORK, epoch=2, signing=signing.public, issued=int(NOW))
    await guest.publisher.begin_epoch(signing, card)
    first, second = await guest.visits.passes(visit)
    assert (first, Token.parse(second["token"]).kid) == (told, "pass-2")
