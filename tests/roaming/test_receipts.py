"""What both sides sign when guests come, what is published of it, and what a venue's honour is made of."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from node.directory.honour import honour
from node.errors import InputError
from node.protocol import keys
from node.protocol.canonical import decode, encode
from node.protocol.names import encode_base64, format_time
from node.roaming import receipts
from node.roaming.availability import starts
from node.roaming.passes import Token
from node.roaming.visit import Days, Event
from node.storage import arrivals, letters
from node.storage import passes as issued
from node.storage.arrivals import Arrival
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, signatory
from tests.roaming.parks import KEEP_DAYS, Park, open_both, parks, post, weekday

ZONE = "Europe/Tallinn"
HOUR = 3600


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Park, Park]]:
    with parks(tmp_path) as (guest, host):
        await open_both(guest, host)
        yield guest, host


async def accepted(guest: Park, host: Park, first: str, last: str) -> str:
    visit = await guest.ask(host.place(), days=[first, last])
    await post(guest, host)
    guest.clock.pass_by(5 * HOUR)
    await host.say(visit, Event.ACCEPT)
    await post(guest, host)
    return visit


async def shown(guest: Park, host: Park, visit: str) -> None:
    """The guests show their pass at the host's desk."""
    claims = Token.parse((await guest.visits.passes(visit))[0]["token"]).claims
    host.database.write_now(lambda db: host.visits.arrive(db, claims, None, host.clock.time))


def held(park: Park, guest: Park, visit: str) -> Arrival | None:
    return park.database.read_now(lambda db: arrivals.find(db, guest.id, visit))


async def test_guests_who_come_are_signed_for_by_both_and_both_keep_the_same(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday(2, 2))
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await shown(guest, host, visit)
    assert await post(guest, host) == []
    there, here = held(host, guest, visit), held(guest, guest, visit)
    assert there and here
    assert there.statement == here.statement
    assert (there.host_signature, there.guest_signature) == (here.host_signature, here.guest_signature)
    keys.verify(host.key.public, here.host_signature, here.statement)
    assert here.guest_signature is not None
    keys.verify(guest.key.public, here.guest_signature, here.statement)
    assert (here.day, here.days, here.answer_minutes) == (weekday(), 2, 300)
    assert b"Zephyrina" not in here.statement and b"Nordic" not in here.statement


async def test_nobody_arrives_before_the_day_and_nobody_is_missed_before_it(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    for event in (Event.ARRIVE, Event.MISS):
        with pytest.raises(InputError, match="begins on"):
            await host.say(visit, event)
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 49 * HOUR
    with pytest.raises(InputError, match="too late"):
        await host.say(visit, Event.ARRIVE)


def changed(**members: Any) -> Any:
    return lambda statement: {**statement, **members}


LIES: dict[str, Any] = {
    "another guest": changed(guest="bra1" + "a" * 32),
    "another visit": changed(visit="other"),
    "another venue": changed(venue="other"),
    "more days": changed(days=31),
    "a day that wasn't agreed": changed(day="2030-01-01"),
    "a text as days": changed(days="1"),
    "another kind of statement": changed(type="head"),
    "one more member": changed(name="Zephyrina"),
    "a list": lambda statement: [statement],
}


@pytest.mark.parametrize("what", LIES)
async def test_a_host_that_states_anything_else_gets_no_signature(what: str, both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    real = host.visits._arrivals.state

    def lie(*given: Any, **pass_: str) -> dict[str, Any]:
        told = real(*given, **pass_)
        statement = LIES[what](told["statement"])
        return {**told, "statement": statement, "signature": encode_base64(host.key.sign(encode(statement)))}

    host.visits._arrivals.state = lie  # type: ignore[method-assign]
    await shown(guest, host, visit)
    assert len(await post(guest, host)) == 1
    assert held(guest, guest, visit) is None
    assert await guest.state(visit) == "accepted", "a refused message changes nothing"


async def test_a_signature_of_somebody_else_counts_on_neither_side(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    honest, host.visits._arrivals._key = host.visits._arrivals._key, guest.key
    await host.say(visit, Event.ARRIVE)
    assert len(await post(guest, host)) == 1
    host.visits._arrivals._key = honest
    body = {"visit": visit, "signature": encode_base64(bytes(64))}
    guest.database.write_now(lambda db: guest.messages.send(db, host.id, "receipt", body, id="r1"))
    assert len(await post(guest, host)) == 1
    arrival = held(host, guest, visit)
    assert arrival and arrival.guest_signature is None


async def test_who_showed_no_pass_is_signed_for_when_they_have_confirmed_it_and_not_before(
    both: tuple[Park, Park],
) -> None:
    guest, host = both
    visit = await guest.ask(host.place(), asker="liis")
    await post(guest, host)
    await host.say(visit, Event.ACCEPT)
    await post(guest, host)
    with pytest.raises(InputError, match="has not said that you came"):
        await guest.visits.confirm(visit, asker="liis")
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await host.say(visit, Event.ARRIVE)
    assert await post(guest, host) == []
    told = await guest.visits.show(visit)
    assert (told["state"], told.get("unconfirmed")) == ("arrived", True)
    assert "arrival" in [each.what for each in guest.database.read_now(letters.waiting)]
    for park in both:
        assert park.database.read_now(receipts.reciprocity) == []
    with pytest.raises(InputError, match="there is no visit"):
        await guest.visits.confirm(visit, asker="jaan")
    for _ in range(2):
        assert "unconfirmed" not in await guest.visits.confirm(visit, asker="liis")
        assert await post(guest, host) == []
    for park, what in ((guest, "travelled"), (host, "hosted")):
        [shared] = park.database.read_now(receipts.reciprocity)
        assert shared[what] == {"visits": 1, "days": 1}


async def test_a_pass_that_was_revoked_before_it_was_shown_is_nobodys_presence(both: tuple[Park, Park]) -> None:
    """It may be in the wrong hands, and the desk has not heard of it."""
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    [lost] = await guest.visits.passes(visit)
    claims = Token.parse(lost["token"]).claims
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    guest.database.write_now(lambda db: guest.passes.revoke(db, ids=[claims.id]))
    host.database.write_now(lambda db: host.visits.arrive(db, claims, None, host.clock.time))
    assert await post(guest, host) == []
    arrival = held(guest, guest, visit)
    assert arrival is not None and arrival.guest_signature is None
    assert "unconfirmed" not in await guest.visits.confirm(visit)


async def test_who_came_while_the_desk_was_on_its_own_is_signed_for_as_of_then(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday(2, 2))
    claims = Token.parse((await guest.visits.passes(visit))[0]["token"]).claims
    came = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    guest.clock.time = came + 5 * 24 * HOUR
    host.database.write_now(lambda db: host.visits.arrive(db, claims, None, came))
    assert await post(guest, host) == []
    for park in both:
        arrival = held(park, guest, visit)
        assert arrival is not None and arrival.guest_signature is not None
        assert (arrival.day, decode(arrival.statement)["at"]) == (weekday(), format_time(came))


async def test_what_nobody_has_confirmed_is_deleted_with_its_visit(both: tuple[Park, Park]) -> None:
    guest, host = both
    silent = await accepted(guest, host, weekday(), weekday())
    visit = await accepted(guest, host, weekday(), weekday())
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await shown(guest, host, visit)
    await host.say(silent, Event.ARRIVE)
    await post(guest, host)
    assert [park.rows("arrivals") for park in both] == [2, 2]
    guest.clock.pass_by((KEEP_DAYS + 2) * 24 * HOUR)
    for park in both:
        await park.visits.look_after()
        assert held(park, guest, visit) is not None and held(park, guest, silent) is None


@pytest.mark.parametrize("since", ["its day is over", "the home came back from a backup"])
async def test_a_revoked_pass_stays_nobodys_presence_when(since: str, both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    [made] = await guest.visits.passes(visit)
    claims, begin = Token.parse(made["token"]).claims, starts(ZONE, Days(weekday(), weekday()))
    guest.database.write_now(lambda db: guest.passes.revoke(db, ids=[claims.id]))
    await guest.passes.publish()
    if since == "its day is over":
        guest.clock.time = begin + 24 * HOUR + 600
        await guest.passes.forget()
        await guest.passes.forget()
    else:
        guest.database.write_now(lambda db: db.execute("UPDATE passes SET revoked_at = NULL"))
        guest.clock.time = begin + 9 * HOUR
    assert [sorted(each) for each in await guest.visits.passes(visit)] == [["name", "revoked"]]
    host.database.write_now(lambda db: host.visits.arrive(db, claims, None, begin + 9 * HOUR))
    assert await post(guest, host) == []
    stated = held(guest, guest, visit)
    assert stated is not None and stated.guest_signature is None


async def test_who_was_given_up_and_comes_after_all_has_the_same_pass(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    made = await guest.visits.passes(visit)
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await host.say(visit, Event.MISS)
    await post(guest, host)
    claims = Token.parse(made[0]["token"]).claims
    host.database.write_now(lambda db: host.visits.arrive(db, claims, None, host.clock.time))
    assert await post(guest, host) == []
    arrival = held(host, guest, visit)
    assert arrival is not None and arrival.guest_signature is not None
    assert guest.database.read_now(issued.revoked) == set()


async def test_a_pass_that_the_desk_lets_in_is_the_visits_arrival_once(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    [made] = await guest.visits.passes(visit)
    claims = Token.parse(made["token"]).claims
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    for _ in range(2):
        host.database.write_now(lambda db: host.visits.arrive(db, claims, None, host.clock.time))
    assert await post(guest, host) == []
    assert await guest.state(visit) == "arrived"
    stranger = replace(claims, visit="another")
    host.database.write_now(lambda db: host.visits.arrive(db, stranger, None, host.clock.time))


async def test_a_pass_of_a_visit_that_was_declined_lets_nobody_in(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    [made] = await guest.visits.passes(visit)
    claims = Token.parse(made["token"]).claims
    # The word of it, and the revocation, haven't come to the guest yet.
    await host.say(visit, Event.DECLINE)
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    with pytest.raises(InputError, match="this visit is declined"):
        host.database.write_now(lambda db: host.visits.arrive(db, claims, None, host.clock.time))


async def test_receipts_are_published_when_the_month_is_over_without_names(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday())
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await shown(guest, host, visit)
    await post(guest, host)
    month = weekday()[:7]
    await receipts.publish(guest.database, guest.publisher, guest.clock.time)
    assert published(guest) == []
    over = datetime(int(month[:4]) + (month[5:] == "12"), int(month[5:]) % 12 + 1, 1, tzinfo=UTC).timestamp()
    guest.clock.time = over
    for _ in range(2):
        await receipts.publish(guest.database, guest.publisher, guest.clock.time)
    seq = guest.mine().seq
    assert published(guest) == [
        {"month": month, "venue": host.place(), "visits_received": 1, "median_answer_minutes": 300}
    ]
    await receipts.publish(guest.database, guest.publisher, guest.clock.time)
    assert guest.mine().seq == seq, "what is out already is no news"


def published(node: SmallNode) -> list[dict[str, Any]]:
    from node.directory.draft import own

    return [each.body for each in node.database.read_now(lambda db: own(db, node.id, "receipt"))]


async def test_what_was_hosted_and_travelled_is_counted_by_those_two_alone(both: tuple[Park, Park]) -> None:
    guest, host = both
    visit = await accepted(guest, host, weekday(), weekday(2, 3))
    guest.clock.time = starts(ZONE, Days(weekday(), weekday())) + 9 * HOUR
    await shown(guest, host, visit)
    assert host.database.read_now(receipts.reciprocity) == [], "only what both signed counts"
    await post(guest, host)
    none, three = {"visits": 0, "days": 0}, {"visits": 1, "days": 3}
    [here] = guest.database.read_now(receipts.reciprocity)
    [there] = host.database.read_now(receipts.reciprocity)
    assert (here["node_id"], here["hosted"], here["travelled"]) == (host.id, none, three)
    assert (there["node_id"], there["hosted"], there["travelled"]) == (guest.id, three, none)
    assert here["organisation"] == "Munich Park"


def receipt(venue: str, visits: int, minutes: int, month: str = "2026-05") -> dict[str, Any]:
    return {"month": month, "venue": venue, "visits_received": visits, "median_answer_minutes": minutes}


async def test_a_venues_honour_is_the_sum_of_what_honoured_organisations_say_of_it(tmp_path: Path) -> None:
    node = SmallNode(tmp_path)
    names = ("lund", "riga", "oslo")
    lund, riga, host = (signatory(name) for name in names)
    desk = f"{host.id}/desk-1"
    lund.put("receipt", receipt(desk, 3, 60), "a")
    lund.put("receipt", receipt(desk, 1, 600, "2026-07"), "b")
    lund.put("receipt", receipt(f"{host.id}/desk-11", 100, 1), "c")
    riga.put("receipt", receipt(desk, 1, 20, "2026-06"), "d")
    # What a host says of itself counts for nothing.
    host.put("receipt", receipt(desk, 1000, 1), "e")
    node.befriend(lund, riga, host)
    for author in (lund, riga, host):
        author.commit()
        author.beat(int(node.clock.time))
        await node.take(author.block_lines(), author)
    async with node.indexer.running() as indexer:
        await indexer.done()

    def found(venue: str) -> dict[str, Any] | None:
        return node.database.read_now(lambda db: honour(db, node.reader(), venue))

    assert found(desk) == {
        "visits_received": 5,
        "median_answer_minutes": 60,
        "last_month": "2026-07",
        "organisations": 2,
    }
    assert found(f"{host.id}/desk-2") is None
    # Whoever is merely listed may say what it likes.
    node.accept(lund, Standing.LISTED)
    assert (found(desk) or {})["visits_received"] == 1
    node.close()
