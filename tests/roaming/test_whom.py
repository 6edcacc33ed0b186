"""Whom to call about a venue: who knows the topic, speaks the language and is there now, of those one may see."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from node.api.role import VISIBLE, Role
from node.directory.draft import Change
from node.roaming.whom import NoVenue, to_call
from tests.directory.small_node import SmallNode, organisation
from tests.kinds.kind_examples import example
from tests.roaming.parks import venue_body

MEMBERS = VISIBLE[Role.MEMBER]
TUESDAY_NOON = datetime(2027, 6, 1, 9, tzinfo=UTC).timestamp()
"""In Tallinn."""


def contact(id_: str, role: str, **fields: Any) -> Change:
    body = {"role": role, "languages": ["et"], "email": f"{id_}@park.example", **fields}
    return Change("contact", body, id=id_, visibility="members")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[SmallNode]:
    node = SmallNode(tmp_path)
    node.clock.time = TUESDAY_NOON
    place = venue_body(contact={"record": "named"}, city="Tartu")
    guide = {"place": "Tartu", "reviewed": "2027-01-15"}
    await node.publish(
        organisation("Tartu Park"),
        Change("venue", place, id="desk"),
        contact("named", "Host of the desk"),
        contact("visas", "Lawyer", topics=["Visas and permits"], languages=["en", "et"]),
        contact("shut", "Morning shift", hours="Mo-Fr 08:00-10:00"),
        contact("open", "Day shift", hours="Mo-Fr 08:00-16:00"),
        Change("culture_guide", {**guide, "language": "et", "sections": {"greeting": "Tere"}}, id="g-et"),
        Change("culture_guide", {**guide, "language": "en", "sections": {"greeting": "Hello"}}, id="g-en"),
        Change("culture_guide", {**example("culture_guide"), "place": "Tartu Vald"}, id="g-other"),
    )
    async with node.indexer.running() as indexer:
        await indexer.done()
    yield node
    node.close()


def called(node: SmallNode, **asked: Any) -> dict[str, Any]:
    reader = node.reader(MEMBERS)
    return node.database.read_now(lambda db: to_call(db, reader, author=node.id, venue="desk", **asked))


def order(node: SmallNode, **asked: Any) -> list[str]:
    return [each["id"] for each in called(node, **asked)["contacts"]]


async def test_first_stands_whom_the_venue_names_and_last_who_has_gone_home(node: SmallNode) -> None:
    found = order(node)
    assert (found[0], found[-1], len(found)) == ("named", "shut", 4)


async def test_who_knows_the_topic_goes_before_who_speaks_the_language(node: SmallNode) -> None:
    assert order(node, topic="visa", languages=["et"])[0] == "visas"
    assert order(node, languages=["en-GB"])[0] == "visas"
    assert order(node, topic="shift", languages=["et"])[:2] == ["open", "shut"]


async def test_who_is_there_is_told_by_the_venues_own_clock(node: SmallNode) -> None:
    found = called(node)
    reachable = {each["id"]: each.get("reachable") for each in found["contacts"]}
    assert found["local_time"] == "2027-06-01T12:00"
    assert reachable == {"named": None, "visas": None, "shut": False, "open": True}


@pytest.mark.parametrize(("languages", "guide"), [(["et"], "g-et"), (["en"], "g-en"), (["fr"], "g-en"), ([], "g-en")])
async def test_the_guide_is_of_this_very_city_in_the_best_language(
    languages: list[str], guide: str, node: SmallNode
) -> None:
    assert called(node, languages=languages)["guide"]["id"] == guide


async def test_the_public_is_told_of_no_contact_that_is_for_members(node: SmallNode) -> None:
    reader = node.reader()
    found = node.database.read_now(lambda db: to_call(db, reader, author=node.id, venue="desk"))
    assert found["contacts"] == []


async def test_there_is_nobody_to_call_about_a_venue_that_is_not_there(node: SmallNode) -> None:
    with pytest.raises(NoVenue):
        node.database.read_now(lambda db: to_call(db, node.reader(), author=node.id, venue="nowhere"))
