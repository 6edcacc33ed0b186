"""Visits between two nodes with their real storage: what each side holds, refuses, reminds of and forgets."""

import random
import re
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.errors import InputError
from node.roaming import visits as module
from node.roaming.visit import SAYS, TABLE, Event, Side, State
from node.storage import letters, visits
from node.storage.database import Database
from node.storage.visits import Said
from tests.directory.small_node import signatory
from tests.protocol.builders import NOW
from tests.roaming.parks import KEEP_DAYS, Park, deliver, open_both, parks, post, weekday

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


async def test_what_names_people_is_in_no_file_of_either_side_some_days_after_the_visit(
    both: tuple[Park, Park], tmp_path: Path
) -> None:
    guest, host = both
    marks = ("Zephyrina", "Quackenbush", "zq@sensors", "Pfefferkorn", "Nordic Sensors", "Mind the dog")
    asked = [await guest.ask(host.place(), asker=f"a{n}") for n in range(6)]
    await post(guest, host)
    for visit in asked:
        await host.say(visit, Event.ACCEPT, note="Mind the dog")
    await post(guest, host)
    passes = [(await guest.visits.passes(visit))[0]["token"] for visit in asked]
    assert left(tmp_path, *marks, passes[0]) == {*marks, passes[0]}
    ends = max(_ends(park) for park in both)
    guest.clock.time = ends + KEEP_DAYS * DAY
    for park in both:
        await park.visits.look_after()
    assert guest.rows("visits") == host.rows("visits") == 6
    guest.clock.pass_by(1)
    for park in both:
        await park.visits.look_after()
        assert [park.rows(table) for table in TABLES] == [0] * len(TABLES)
        park.database.close()
    assert left(tmp_path, *marks, *passes) == set()


@pytest.mark.parametrize("seed", range(2))
def test_between_visits_that_stay_no_copy_of_a_deleted_one_is_left(seed: int, tmp_path: Path) -> None:
    store, draw, alive = Database(tmp_path / "node.db"), random.Random(seed), dict[int, str]()

    def change(db: sqlite3.Connection, step: int) -> None:
        for no in draw.sample(sorted(alive), len(alive) // 12):
            visits.delete(db, no)
            del alive[no]
        for place in range(draw.randint(1, 20)):
            mark = f"mark-{step:03}-{place:02}"
            # Of many lengths, so that pages are split and rows move to their neighbours.
            text = mark + "x" * draw.choice([0, 150, 250, 600, 1600])
            days: dict[str, Any] = {"first": weekday(), "last": weekday(), "ends": 0}
            no = visits.add(
                db, guest="g", id_=mark[5:], side="host", venue="h/v", zone="UTC", asker=None, asked=0,
                request=text.encode(), **days,
            )  # fmt: skip
            visits.say(db, no, Said("guest", 1, 0, "ask", 0, 0, None, None, text))
            visits.keep_pass(db, no, 0, text)
            alive[no] = mark

    for step in range(150):
        store.write_now(partial(change, step=step))
    store.close()
    data = (tmp_path / "node.db").read_bytes()
    found = {each.decode() for each in re.findall(rb"mark-\d{3}-\d\d", data)}
    assert found == set(alive.values())


TABLES = ("visits", "visit_requests", "visit_moves", "visit_passes", "visit_links", "letters", "outbox")


def _ends(park: Park) -> float:
    return float(park.database.read_now(lambda db: db.execute("SELECT max(ends) FROM visits").fetchone()[0]))


def left(folder: Path, *marks: str) -> set[str]:
    """Which of these stand in any of the databases' files."""
    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {mark for mark in marks if mark.encode() in data}
