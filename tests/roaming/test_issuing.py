"""Passes that a node issues: what they say, how they are revoked, and that the directory follows whatever happens."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node.directory.authority import NotOpen
from node.directory.draft import Change, own
from node.errors import InputError
from node.home import Home
from node.protocol.names import format_time
from node.roaming import issuing
from node.roaming.issuing import LIST, TTL, Passes
from node.roaming.node_keys import NodeKeys, pass_keys
from node.roaming.passes import Pass, Token
from node.roaming.status import SIZE, StatusList, pack, read
from node.roaming.visit import Days
from node.storage import passes
from tests.directory.small_node import SmallNode, organisation
from tests.protocol.builders import DAY, NOW, Author

HOST = Author("munich").id
TODAY = Days("2026-11-21", "2026-11-21")
THREE = Days("2026-11-21", "2026-11-23")


class Issuer:
    """A small node that issues passes."""

    def __init__(self, folder: Path) -> None:
        self.node = SmallNode(folder)
        home = Home(folder / "home")
        home.partners.mkdir(parents=True)
        keys = NodeKeys(home, self.node.authority, None, self.node.world)
        self.passes = Passes(self.node.database, self.node.publisher, self.node.authority, keys, self.node.world)

    def issue(self, **said: Any) -> Pass:
        fields: dict[str, Any] = {
            "host": HOST, "venues": ["desk"], "visit": "v1", "days": TODAY, "zone": "Europe/Berlin",
            "name": "Liis Tamm", "company": "Nordic Sensors", **said,
        }  # fmt: skip
        token = Token.parse(self.node.database.write_now(lambda db: self.passes.issue(db, **fields)))
        token.check(self.node.database.read_now(lambda db: pass_keys(db, self.node.id))[token.kid])
        return token.claims

    async def revoke(self, **which: Any) -> int:
        return await self.node.database.write(lambda db: self.passes.revoke(db, **which))

    def list(self) -> StatusList:
        """As others have it."""
        return read(self.body())

    def body(self) -> dict[str, Any]:
        [record] = self.node.database.read_now(lambda db: own(db, self.node.id, "status_list"))
        assert record.id == LIST
        body: dict[str, Any] = record.body
        return body

    @property
    def seq(self) -> int:
        return self.node.mine().seq


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    made = Issuer(tmp_path)
    await made.node.publish(organisation("Tartu Park"), *made.passes.first())
    yield made
    made.node.close()


async def test_a_pass_is_for_the_days_of_the_venues_own_clock(issuer: Issuer) -> None:
    claims = issuer.issue(days=THREE)
    assert (claims.issuer, claims.host, claims.venues, claims.visit) == (issuer.node.id, HOST, ("desk",), "v1")
    assert (format_time(claims.begins), format_time(claims.ends)) == ("2026-11-20T23:00:00Z", "2026-11-23T23:00:00Z")
    assert claims.issued == NOW


async def test_two_passes_have_nothing_in_common_that_says_whose_they_are(issuer: Issuer) -> None:
    one, other = issuer.issue(), issuer.issue()
    assert one.id != other.id
    assert one.index != other.index


async def test_places_in_the_list_are_drawn_from_all_of_it_and_never_given_twice(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [issuer.issue().index for _ in range(60)]
    assert len(set(places)) == 60
    assert min(places) < SIZE // 4
    assert max(places) > SIZE * 3 // 4
    monkeypatch.setattr(issuing.status, "SIZE", 64)
    assert len({issuer.issue().index for _ in range(30)} & set(range(64))) == 30


NOT_ISSUED: dict[str, tuple[dict[str, Any], str]] = {
    "days that are over": ({"days": Days("2026-11-19", "2026-11-20")}, "is over"),
    "a name with what nobody sees": ({"name": "Liis\u200b"}, "one line of plain text"),
    "an empty company": ({"company": ""}, "one line of plain text"),
    "no venue": ({"venues": []}, "1 to 8 venues"),
    "names too long for a code": ({"name": "李" * 200, "company": "李" * 200}, "shorten"),
}


@pytest.mark.parametrize(("said", "sentence"), NOT_ISSUED.values(), ids=NOT_ISSUED)
async def test_no_pass_is_issued_for(issuer: Issuer, said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        issuer.issue(**said)
    assert issuer.node.database.read_now(passes.count) == 0


async def test_there_is_an_end_to_how_many_are_good_at_the_same_time(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuing, "MOST", 2)
    issuer.issue()
    issuer.issue()
    with pytest.raises(InputError, match="wait until some have ended"):
        issuer.issue()


async def test_a_home_that_may_not_sign_issues_none(issuer: Issuer) -> None:
    issuer.node.authority.restored = True
    with pytest.raises(NotOpen):
        issuer.issue()


async def test_nothing_on_the_disk_says_who_a_pass_is_for(issuer: Issuer, tmp_path: Path) -> None:
    issuer.issue(name="Unmistakable Name", company="Unmistakable Company")
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"v1" in data for data in files)
    assert not any(b"Unmistakable" in data for data in files)


# Revoking


async def test_a_revoked_pass_is_the_one_that_others_read_as_revoked(issuer: Issuer) -> None:
    made = [issuer.issue() for _ in range(5)]
    assert await issuer.revoke(ids=[made[2].id]) == 1
    assert await issuer.revoke(ids=[made[2].id, "nobody"]) == 0
    await issuer.passes.publish()
    assert [issuer.list().revoked(each.index) for each in made] == [False, False, True, False, False]


async def test_all_passes_of_a_visit_are_revoked_together(issuer: Issuer) -> None:
    made = [issuer.issue(visit=visit) for visit in ("a", "b", "a")]
    assert await issuer.revoke(visit="a") == 2
    await issuer.passes.publish()
    assert [issuer.list().revoked(each.index) for each in made] == [True, False, True]


async def test_what_a_crash_left_unpublished_the_next_look_publishes(issuer: Issuer) -> None:
    """Between the transaction that revokes and the head that says so, the process may end."""
    made = issuer.issue()
    await issuer.revoke(ids=[made.id])
    assert not issuer.list().revoked(made.index)
    again = Passes(
        issuer.node.database, issuer.node.publisher, issuer.node.authority, issuer.passes._node_keys, issuer.node.world
    )
    await again.publish()
    assert issuer.list().revoked(made.index)


async def test_nothing_is_published_while_nothing_has_changed(issuer: Issuer) -> None:
    issuer.issue()
    before = issuer.seq
    for _ in range(3):
        await issuer.passes.publish()
    assert issuer.seq == before


async def test_the_list_is_signed_anew_before_its_time_is_over(issuer: Issuer) -> None:
    before = issuer.seq
    issuer.node.clock.pass_by(TTL // 2 - 60)
    await issuer.passes.publish()
    assert issuer.seq == before
    issuer.node.clock.pass_by(120)
    await issuer.passes.publish()
    assert issuer.seq == before + 1
    assert issuer.list().expires == int(issuer.node.clock.time) + TTL


async def test_a_pass_that_has_ended_is_forgotten_and_its_place_is_free(issuer: Issuer) -> None:
    made = issuer.issue()
    await issuer.revoke(ids=[made.id])
    await issuer.passes.publish()
    issuer.node.clock.pass_by(2 * DAY)
    await issuer.passes.forget()
    await issuer.passes.publish()
    assert issuer.node.database.read_now(passes.everything) == []
    assert not issuer.list().revoked(made.index)


async def test_a_database_from_a_backup_makes_no_revoked_pass_good_again(issuer: Issuer) -> None:
    """What was revoked since the backup, or issued and revoked, stands in the state that partners gave back."""
    before, after = issuer.issue(), issuer.issue(days=THREE)
    await issuer.revoke(ids=[before.id, after.id])
    await issuer.passes.publish()
    issuer.node.database.write_now(lambda db: db.execute("UPDATE passes SET revoked_at = NULL"))
    issuer.node.database.write_now(lambda db: db.execute("DELETE FROM passes WHERE id = ?", (after.id,)))
    other = issuer.issue()
    await issuer.revoke(ids=[other.id])
    await issuer.passes.publish()
    assert issuer.list().places() == {before.index, after.index, other.index}
    issuer.node.clock.pass_by(2 * DAY)
    await issuer.passes.forget()
    assert issuer.list().places() == {after.index}, "nobody here knows when that one ends"


async def test_what_others_still_read_as_revoked_is_not_forgotten_before_they_are_told(issuer: Issuer) -> None:
    """Otherwise its place would be lost: nobody would know any more that the pass has ended."""
    made = issuer.issue()
    await issuer.revoke(ids=[made.id])
    await issuer.passes.publish()
    issuer.node.clock.pass_by(2 * DAY)
    issuer.node.authority.restored = True
    await issuer.passes.forget()
    issuer.node.authority.resume()
    await issuer.passes.forget()
    assert issuer.list().places() == set()
    assert issuer.node.database.read_now(passes.everything) == []


async def test_no_pass_is_given_a_place_that_others_read_as_revoked(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuing.status, "SIZE", 8)
    body = {"bits": 1, "list": pack(range(7), 8), "issued": format_time(NOW), "ttl": TTL}
    await issuer.node.publish(Change("status_list", body, id=LIST))
    assert issuer.issue().index == 7


@pytest.mark.parametrize("body", [{"bits": 2, "list": pack([0])}, {"list": pack([0], 8)}, {"list": "AAAA"}])
async def test_a_list_that_somebody_published_by_hand_is_replaced(issuer: Issuer, body: dict[str, Any]) -> None:
    made = issuer.issue()
    await issuer.revoke(ids=[made.id])
    await issuer.node.publish(
        Change("status_list", {"bits": 1, "issued": format_time(NOW), "ttl": TTL, **body}, id=LIST)
    )
    await issuer.passes.publish()
    assert issuer.list().places() == {made.index}


# What the directory says


async def test_a_home_that_may_not_sign_publishes_nothing_and_fails_at_nothing(issuer: Issuer) -> None:
    made = issuer.issue()
    await issuer.revoke(ids=[made.id])
    issuer.node.authority.restored = True
    await issuer.passes.publish()
    assert not issuer.list().revoked(made.index)
    issuer.node.authority.resume()
    await issuer.passes.publish()
    assert issuer.list().revoked(made.index)


async def test_who_has_left_has_no_keys_and_no_list_and_gets_them_back_when_it_comes_back(issuer: Issuer) -> None:
    farewell = Change("farewell", {"date": "2026-11-21", "reason": {"en": "We merge."}}, id="f")

    def others(db: sqlite3.Connection) -> list[Change]:
        kinds = ("organisation", "node_key", "status_list")
        return [Change(kind, None, id=record.id) for kind in kinds for record in own(db, issuer.node.id, kind)]

    await issuer.node.publish(*issuer.node.database.read_now(others), farewell)
    await issuer.passes.publish()
    assert issuer.node.mine().count == 1
    await issuer.node.publish(Change("farewell", None, id="f"))
    await issuer.passes.publish()
    assert issuer.node.mine().count == 3


async def test_what_is_published_first_is_what_every_later_look_wants(issuer: Issuer) -> None:
    count = issuer.node.mine().count
    assert count == 4
    await issuer.passes.publish()
    assert issuer.node.mine().count == count


async def test_two_looks_at_once_never_publish_the_older_list_last(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look is slow to publish what it saw; meanwhile another pass is revoked, and looked for."""
    one, other = issuer.issue(), issuer.issue()
    publish, slow = issuer.node.publisher.publish, asyncio.Event()

    async def slowly(changes: Any) -> Any:
        if not slow.is_set():
            slow.set()
            await asyncio.sleep(0.2)
        return await publish(changes)

    monkeypatch.setattr(issuer.node.publisher, "publish", slowly)
    await issuer.revoke(ids=[one.id])
    first = asyncio.create_task(issuer.passes.publish())
    await slow.wait()
    await issuer.revoke(ids=[other.id])
    await asyncio.gather(first, issuer.passes.publish())
    assert [issuer.list().revoked(each.index) for each in (one, other)] == [True, True]
