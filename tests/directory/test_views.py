"""What is shown to whom: lists, single records and search, with where each record comes from."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.directory import views
from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.reader import EVERYTHING, PUBLIC
from node.errors import InputError
from node.protocol.names import LONGEST_BEAT, format_time
from node.protocol.verdicts import Accepted
from node.storage import blocks
from tests.directory.small_node import (
    SmallNode,
    adoption,
    adoption_body,
    contact_body,
    endorsement_body,
    organisation,
    signatory,
)
from tests.protocol.builders import NOW, Author
from tests.search.asking import ask


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallNode]:
    node = SmallNode(tmp_path)
    yield node
    node.close()


def listing(node: SmallNode, kind: str, visibilities: Collection[str] = PUBLIC, **others: Any) -> views.Page:
    return node.database.read_now(lambda db: views.listing(db, node.reader(visibilities), kind, **others))


def ids(node: SmallNode, kind: str, visibilities: Collection[str] = PUBLIC) -> set[str]:
    return {record["id"] for record in listing(node, kind, visibilities).records}


def search(node: SmallNode, text: str, visibilities: Collection[str] = PUBLIC) -> list[dict[str, Any]]:
    return ask(node, visibilities, q=text).records


def one(node: SmallNode, kind: str, author: str, id_: str, visibilities: Collection[str] = PUBLIC) -> Any:
    return node.database.read_now(lambda db: views.one(db, node.reader(visibilities), kind, author, id_))


async def told(node: SmallNode, author: Author) -> None:
    """Makes the author a partner of which everything is held."""
    node.befriend(author)
    assert isinstance(await node.take(author.block_lines(node.want(author)), author), Accepted)


@pytest.mark.parametrize(
    ("visibilities", "seen"),
    [
        pytest.param(PUBLIC, {"public"}, id="anybody"),
        pytest.param({"public", "members"}, {"public", "members"}, id="a member"),
        pytest.param({"public", "members", "partners"}, {"public", "members", "partners"}, id="a partner's staff"),
        pytest.param(EVERYTHING, {"public", "members", "partners", "local"}, id="the operator"),
        pytest.param({"public", "') OR 1=1 --"}, {"public"}, id="a visibility that is none"),
        pytest.param(set(), set(), id="nobody at all"),
    ],
)
async def test_a_reader_sees_the_visibilities_it_may(
    node: SmallNode, visibilities: Collection[str], seen: set[str]
) -> None:
    levels = ("public", "members", "partners", "local")
    await node.publish(*(adoption(f"word {level}", id=level, visibility=level) for level in levels))
    assert ids(node, "adoption", visibilities) == seen
    assert {record["id"] for record in search(node, "word", visibilities)} == seen
    assert {level for level in levels if one(node, "adoption", node.id, level, visibilities)} == seen


async def test_only_listed_authors_are_shown(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    lund.put("endorsement", endorsement_body(paris.id), "e1")
    lund.commit()
    await told(node, lund)
    assert isinstance(await node.take(paris.block_lines(), paris), Accepted)
    assert {record["author"] for record in listing(node, "organisation").records} == {lund.id, paris.id}
    lund.remove("endorsement", "e1")
    lund.commit()
    lund.beat(NOW)
    assert isinstance(await node.take(lund.block_lines(node.want(lund)), lund), Accepted)
    assert {record["author"] for record in listing(node, "organisation").records} == {lund.id}
    assert {record["author"] for record in search(node, "park")} == {lund.id}
    assert one(node, "organisation", paris.id, OWN_ORGANISATION) is None


async def test_who_is_merely_reached_is_not_shown(node: SmallNode) -> None:
    lund, paris = signatory("lund"), Author("paris")
    paris.put("adoption", adoption_body("no signature"), "f")
    paris.commit()
    lund.put("endorsement", endorsement_body(paris.id), "e1")
    lund.commit()
    await told(node, lund)
    assert isinstance(await node.take(paris.block_lines(), paris), Accepted)
    assert ids(node, "adoption", EVERYTHING) == set()


async def test_a_farewell_is_shown_of_who_is_merely_reached_by_the_name_that_others_know_it_by(node: SmallNode) -> None:
    lund, paris, rome = signatory("lund"), Author("paris"), Author("rome")
    for leaver in (paris, rome):
        leaver.put("farewell", {"date": "2027-01-15", "reason": {"fr": "Adieu.", "en": "We merge."}}, "bye")
        leaver.commit()
    lund.put("endorsement", endorsement_body(paris.id, organisation="Paris Park"), "e1")
    lund.commit()
    await told(node, lund)
    assert isinstance(await node.take(paris.block_lines(), paris), Accepted)
    # Nobody vouches for Rome: not even its farewell is taken.
    assert not isinstance(await node.take(rome.block_lines(), rome), Accepted)

    [shown] = listing(node, "farewell").records
    assert (shown["author"], shown["organisation"]) == (paris.id, "Paris Park")
    assert node.database.read_now(views.farewells) == {paris.id: {"date": "2027-01-15", "reason": "We merge."}}
    assert [each["id"] for each in search(node, "merge")] == ["bye"]

    # It is the only record of who has left: beside others it is one more that was never listed.
    paris.put("adoption", adoption_body("not shown"), "f")
    paris.commit()
    assert isinstance(await node.take(paris.block_lines(node.want(paris)), paris), Accepted)
    assert listing(node, "farewell").records == search(node, "merge") == []
    assert node.database.read_now(views.farewells) == {}
    paris.remove("adoption", "f")
    paris.commit()
    assert isinstance(await node.take(paris.block_lines(node.want(paris)), paris), Accepted)
    assert len(listing(node, "farewell").records) == 1

    node.database.write_now(lambda db: blocks.block(db, paris.id, "", NOW))
    node.reconsider()
    assert listing(node, "farewell").records == []
    assert node.database.read_now(views.farewells) == {}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(endorsement_body("bra1" + "a" * 32, expires="2026-06-01"), id="that has expired"),  # type: ignore[arg-type]
        pytest.param(
            endorsement_body("bra1" + "a" * 32, withdrawn={"reason": {"en": "They closed."}}),  # type: ignore[arg-type]
            id="that was withdrawn",
        ),
        pytest.param({"node_id": "nonsense"}, id="that is malformed"),
    ],
)
async def test_an_endorsement_does_not_count(node: SmallNode, body: dict[str, Any]) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    lund.put("endorsement", body | ({"node_id": paris.id} if len(body) > 1 else {}), "e1")
    lund.commit()
    await told(node, lund)
    assert paris.id not in node.acceptance.known


async def test_malformed_bodies_and_unknown_kinds_are_held_and_not_shown(node: SmallNode) -> None:
    lund = signatory("lund")
    lund.put("adoption", {**adoption_body("nonsense"), "since": "2027-02-30"}, "bad")
    lund.put("adoption", adoption_body("sense"), "good")
    lund.put("dance", {"name": "polka"}, "unknown")
    lund.commit()
    lund.beat(NOW)
    await told(node, lund)
    assert len(node.rows(lund.id)) == 5
    assert ids(node, "adoption", EVERYTHING) == {"good"}
    assert search(node, "nonsense", EVERYTHING) == []
    assert search(node, "polka", EVERYTHING) == []


async def test_an_expired_record_is_not_shown(node: SmallNode) -> None:
    lund = signatory("lund")
    lund.seq += 1
    record = lund.record("adoption", adoption_body("soon over"), "f", lund.seq, expires=format_time(NOW + 60))
    lund.records[record.key] = record
    lund.commit()
    lund.beat(NOW)
    await told(node, lund)
    assert ids(node, "adoption") == {"f"}
    node.clock.pass_by(60)
    assert ids(node, "adoption") == set()


async def test_contacts_of_an_author_that_fell_silent_are_hidden(node: SmallNode) -> None:
    lund = signatory("lund")
    lund.put("contact", contact_body("Landing manager"), "c", "public")
    lund.put("adoption", adoption_body("bye"), "f")
    lund.commit()
    lund.beat(NOW)
    await told(node, lund)
    await node.publish(Change("contact", contact_body("Our manager"), id="own", visibility="public"))
    assert ids(node, "contact") == {"c", "own"}
    node.clock.pass_by(LONGEST_BEAT + 1)
    assert ids(node, "contact") == {"own"}
    assert [record["id"] for record in search(node, "manager")] == ["own"]
    [shown] = listing(node, "adoption").records
    assert (shown["stale"], shown["heard"]) == (True, format_time(NOW))
    lund.beat(int(node.clock.time))
    await node.take(lund.block_lines(node.want(lund)), lund)
    assert ids(node, "contact") == {"c", "own"}


async def test_contacts_of_an_author_without_any_beat_are_hidden(node: SmallNode) -> None:
    lund = signatory("lund")
    lund.newest_beat = None
    lund.put("contact", contact_body("Landing manager"), "c", "public")
    lund.commit()
    await told(node, lund)
    assert ids(node, "contact", EVERYTHING) == set()
    [shown] = listing(node, "organisation").records
    assert (shown["stale"], "heard" in shown) == (True, False)


async def test_a_record_says_where_it_comes_from(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    lund.put("endorsement", endorsement_body(paris.id, date="2026-05-03"), "e1")
    lund.commit()
    lund.beat(NOW)
    await told(node, lund)
    await node.take(paris.block_lines(), paris)
    shown = one(node, "organisation", paris.id, OWN_ORGANISATION)
    assert shown["organisation"] == "Paris Park"
    assert shown["known"] == {
        "standing": "listed",
        "path": [
            {"author": lund.id, "organisation": "Lund Park"},
            {"author": paris.id, "organisation": "Paris Park"},
        ],
        "since": "2026-05-03",
    }
    assert (shown["stale"], shown["heard"], "warning" in shown) == (False, format_time(NOW), False)


async def test_the_nodes_own_records_need_no_path(node: SmallNode) -> None:
    await node.publish(organisation("Tartu Park"))
    [shown] = listing(node, "organisation").records
    assert shown["known"] == {"standing": "honoured", "path": []}


async def test_pages_are_stable_while_records_change(node: SmallNode) -> None:
    await node.publish(*(adoption(f"{n}", ref=str(n)) for n in range(7)))
    everything = [record["id"] for record in listing(node, "adoption").records]
    first = listing(node, "adoption", limit=3)
    assert first.cursor is not None
    node.clock.pass_by(2)
    await node.publish(adoption("changed", ref="0"), adoption("changed too", ref="5"), adoption("new", ref="7"))
    second = listing(node, "adoption", after=first.cursor, limit=3)
    assert second.cursor is not None
    third = listing(node, "adoption", after=second.cursor, limit=3)
    assert third.cursor is None
    paged = [record["id"] for page in (first, second, third) for record in page.records]
    assert paged[:7] == everything
    assert len(paged) == 8


async def test_a_page_that_is_just_full_has_no_next(node: SmallNode) -> None:
    await node.publish(*(adoption(str(n)) for n in range(3)))
    assert listing(node, "adoption", limit=3).cursor is None
    assert listing(node, "venue") == views.Page([], None)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_size(node: SmallNode, limit: int) -> None:
    with pytest.raises(InputError, match="1 to 1000"):
        listing(node, "adoption", limit=limit)
