"""The desk of a node that holds what another one published: verified without a network, and arrivals that are kept."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.directory.draft import Change
from node.errors import InputError
from node.protocol.names import format_time
from node.roaming.desk import Desk
from node.roaming.passes import Pass
from node.roaming.verdicts import Place, Rules, Word
from node.roaming.visit import Days
from node.storage import passes
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, organisation
from tests.nodes import venue
from tests.protocol.builders import DAY
from tests.roaming.test_issuing import THREE, TODAY, Issuer


class Two:
    """A guest's organisation that issues, and a host whose desk reads what came from it."""

    def __init__(self, folder: Path) -> None:
        self.guest = Issuer(folder)
        self.host = SmallNode(folder, "munich", clock=self.guest.node.clock)
        self.desk = Desk(self.host.database, self.host.acceptance, Rules(), self.host.world)

    async def sync(self) -> None:
        """What the host's next round would bring, and its rules make of it."""
        self.host.accept(self.guest.node, Standing.HONOURED)
        await self.guest.node.publisher.beat()
        await self.host.pull(self.guest.node, self.guest.node)
        self.host.accept(self.guest.node, Standing.HONOURED)

    def token(self, venues: tuple[str, ...] = ("desk",), days: Days = TODAY) -> str:
        return self.guest.node.database.write_now(
            lambda db: self.guest.passes.issue(
                db, host=self.host.id, venues=venues, visit="v1", days=days, zone="Europe/Tallinn",
                name="Liis Tamm", company="Nordic Sensors",
            )
        )  # fmt: skip


async def room(node: SmallNode, id_: str, free_days: int = 31, notice_hours: int = 0) -> None:
    """A room whose guests may come without having asked, unless it is said otherwise."""
    terms = {"free_days": free_days, "notice_hours": notice_hours}
    body = {name: value for name, value in venue(id_, terms=terms).items() if name != "ref"}
    await node.publish(Change("venue", body, id=id_))


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    made = Two(tmp_path)
    await made.guest.node.publish(organisation("Tartu Park"), *made.guest.passes.first())
    await made.host.publish(organisation("Munich Park"))
    await room(made.host, "desk")
    await made.sync()
    yield made
    made.guest.node.close()
    made.host.close()


async def test_a_pass_of_another_node_is_ok_and_shows_how_old_what_is_known_is(two: Two) -> None:
    token = two.token()
    as_of = format_time(two.guest.node.clock.time)
    two.host.clock.pass_by(3_600)
    said = await two.desk.verify(f"  {token}\n")
    assert said["verdict"] == Word.OK
    assert said["revocations_as_of"] == as_of
    assert said["venue"] == {"id": "desk", "name": "Room desk"}
    assert said["pass"]["days"] == ["2026-11-21", "2026-11-21"]
    assert said["arrived"] == []


async def test_a_revocation_counts_at_the_desk_once_it_has_come_there(two: Two) -> None:
    token = two.token()
    await two.guest.revoke(visit="v1")
    await two.guest.passes.publish()
    assert (await two.desk.verify(token))["verdict"] == Word.OK
    await two.sync()
    assert (await two.desk.verify(token))["verdict"] == Word.REVOKED


async def test_when_nothing_was_heard_for_three_days_a_pass_is_stale(two: Two) -> None:
    token = two.token(days=Days("2026-11-21", "2026-11-28"))
    two.host.clock.pass_by(3 * DAY - 60)
    assert (await two.desk.verify(token))["verdict"] == Word.OK
    two.host.clock.pass_by(120)
    assert (await two.desk.verify(token))["verdict"] == Word.STALE


async def test_ones_own_pass_is_never_stale(two: Two) -> None:
    """A node that was off has no newer word of anybody but itself."""
    desk = Desk(two.guest.node.database, two.guest.node.acceptance, Rules(), two.guest.node.world)
    await room(two.guest.node, "home")
    token = two.guest.node.database.write_now(
        lambda db: two.guest.passes.issue(
            db, host=two.guest.node.id, venues=["home"], visit="v", days=Days("2026-11-21", "2026-12-20"),
            zone="Europe/Tallinn", name="A", company="B",
        )
    )  # fmt: skip
    two.guest.node.clock.pass_by(16 * DAY)
    assert (await desk.verify(token))["verdict"] == Word.OK


async def test_where_there_are_several_venues_the_desk_says_which_it_is(two: Two) -> None:
    await room(two.host, "lab")
    token = two.token(("lab",))
    with pytest.raises(InputError, match="say which venue's desk this is: desk, lab"):
        await two.desk.verify(token)
    assert (await two.desk.verify(token, "lab"))["verdict"] == Word.OK
    assert (await two.desk.verify(token, "desk"))["verdict"] == Word.NOT_THIS_VENUE
    with pytest.raises(InputError, match="no own venue 'bar'"):
        await two.desk.verify(token, "bar")


async def test_a_node_without_a_venue_has_no_desk(two: Two) -> None:
    desk = Desk(two.guest.node.database, two.guest.node.acceptance, Rules(), two.guest.node.world)
    with pytest.raises(InputError, match="publish one first"):
        await desk.verify(two.token())


async def test_where_notice_is_wanted_or_the_days_are_not_free_nobody_is_let_in_who_has_not_asked(two: Two) -> None:
    token = two.token(("strict", "short", "desk"), THREE)
    await room(two.host, "strict", notice_hours=24)
    await room(two.host, "short", free_days=2)
    said = {venue: await two.desk.arrive(token, venue) for venue in ("strict", "short", "desk")}
    assert [each["verdict"] for each in said.values()] == [Word.NOT_THIS_VENUE, Word.NOT_THIS_VENUE, Word.OK]
    assert "takes nobody who has not asked before" in said["strict"]["sentence"]


# Arrivals


async def test_an_arrival_is_kept_with_all_that_follows_from_it_or_not_at_all(two: Two) -> None:
    told: list[tuple[str, str]] = []

    def listener(db: sqlite3.Connection, claims: Pass, place: Place, at: float) -> None:
        told.append((claims.visit, place.id))
        db.execute("INSERT INTO meta (name, value) VALUES ('arrived', ?)", (str(at),))
        if len(told) == 1:
            raise InputError("the receipt can't be written")

    two.desk.on_arrival(listener)
    token = two.token()
    with pytest.raises(InputError, match="receipt"):
        await two.desk.arrive(token)
    assert (await two.desk.verify(token))["arrived"] == []
    said = await two.desk.arrive(token)
    assert (said["verdict"], len(said["arrived"])) == (Word.OK, 1)
    assert told == [("v1", "desk")] * 2


async def test_who_is_not_ok_does_not_arrive(two: Two) -> None:
    told: list[str] = []
    two.desk.on_arrival(lambda db, claims, place, at: told.append(claims.id))
    await room(two.host, "lab")
    for token in (two.token(("lab",)), "x", two.token(days=Days("2026-11-22", "2026-11-22"))):
        assert (await two.desk.arrive(token, "desk"))["verdict"] != Word.OK
    assert told == []
    assert two.host.database.read_now(lambda db: db.execute("SELECT count(*) FROM admissions").fetchone()) == (0,)


async def test_a_pass_of_three_days_arrives_once_on_each(two: Two) -> None:
    token, first = two.token(days=THREE), []
    for _ in range(3):
        first.append(format_time(two.host.clock.time))
        for _ in range(2):
            assert (await two.desk.arrive(token))["verdict"] == Word.OK
            two.host.clock.pass_by(30)
        assert (await two.desk.verify(token))["arrived"] == first
        two.host.clock.pass_by(DAY - 120)
        await two.sync()


async def test_a_desk_that_notes_replays_says_when_the_first_was(two: Two) -> None:
    noting = Desk(two.host.database, two.host.acceptance, Rules(replay="note"), two.host.world)
    token = two.token()
    await noting.arrive(token)
    two.host.clock.pass_by(600)
    said = await noting.verify(token)
    assert said["verdict"] == Word.OK
    assert "shown here at 14:00, too" in said["sentence"]


async def test_two_who_come_at_the_same_moment_with_one_days_pass_are_not_both_let_in(two: Two) -> None:
    import asyncio

    token = two.token()
    said = await asyncio.gather(*(two.desk.arrive(token) for _ in range(8)))
    assert sorted(each["verdict"] for each in said) == [Word.EXPIRED] * 7 + [Word.OK]


async def test_arrivals_are_forgotten_when_the_pass_has_ended(two: Two) -> None:
    await two.desk.arrive(two.token())
    two.host.clock.pass_by(2 * DAY)
    two.host.database.write_now(lambda db: passes.forget_ended(db, two.host.clock.time))
    assert two.host.database.read_now(lambda db: db.execute("SELECT count(*) FROM admissions").fetchone()) == (0,)


async def test_who_came_while_the_node_was_out_of_reach_is_noted_as_of_then_and_once(two: Two) -> None:
    token, told = two.token(), list[float]()
    two.desk.on_arrival(lambda db, claims, place, at: told.append(at))
    came = two.host.clock.time
    # The pass has ended since, and the day with it.
    two.host.clock.pass_by(2 * DAY)
    await two.sync()
    assert (await two.desk.verify(token))["verdict"] == Word.EXPIRED
    for word in (Word.OK, Word.EXPIRED):
        said = await two.desk.arrive(token, at=came)
        assert (said["verdict"], said["arrived"]) == (word, [format_time(came)])
    assert told == [came]


@pytest.mark.parametrize("off", [-15 * DAY, 120], ids=["long ago", "to come"])
async def test_nobody_is_noted_who_came_at_a_time_that_no_desk_can_mean(two: Two, off: float) -> None:
    with pytest.raises(InputError, match="set the clock"):
        await two.desk.arrive(two.token(), at=two.host.clock.time + off)
    assert two.host.database.read_now(lambda db: db.execute("SELECT count(*) FROM admissions").fetchone()) == (0,)


async def test_a_desk_on_its_own_is_told_nobodys_name(two: Two) -> None:
    await two.desk.arrive(two.token())
    told = json.dumps(await two.desk.told())
    assert "Tartu Park" in told
    assert "Liis" not in told
    assert "Nordic" not in told
