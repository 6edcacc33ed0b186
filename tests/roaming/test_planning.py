"""Planning a trip: which venues are open on its days, in which order, and what only some may see."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node.api.role import VISIBLE, Role
from node.directory.draft import Change
from node.errors import InputError
from node.roaming.planning import Plan, plan
from node.roaming.visit import Days
from tests.directory.small_node import SmallNode, organisation
from tests.kinds.kind_examples import example
from tests.roaming.parks import venue_body, weekday

SATURDAY, MONDAY = weekday(2, 5), weekday(3, 0)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[SmallNode]:
    node = SmallNode(tmp_path)
    event = {**example("event"), "venue": "always"}
    guide = {"place": "Tartu", "reviewed": "2027-01-15", "language": "en", "sections": {"greeting": "Tere"}}
    await node.publish(
        organisation("Tartu Park"),
        Change("venue", venue_body(hours="Mo-Fr 09:00-17:00"), id="week"),
        Change("venue", venue_body(hours="24/7"), id="always"),
        Change("venue", venue_body(hours="We 09:00-17:00"), id="never"),
        Change("venue", venue_body(hours="24/7"), id="hidden", visibility="partners"),
        Change("venue", venue_body(hours="24/7", city="Hong Kong", country="HK", time_zone="Asia/Hong_Kong",
                                   geo={"lat_e6": 22278000, "lon_e6": 114158000}), id="far"),
        Change("event", {**event, "start": f"{MONDAY}T10:00", "end": f"{MONDAY}T11:00"}, id="then"),
        Change("event", {**event, "start": f"{weekday(5)}T10:00", "end": f"{weekday(5)}T11:00"}, id="later"),
        Change("contact", {"role": "Reception", "languages": ["et"], "email": "desk@park.example"}, id="c"),
        Change("culture_guide", guide, id="g"),
    )  # fmt: skip
    yield node
    node.close()


def planned(node: SmallNode, role: Role = Role.MEMBER, **others: Any) -> Plan:
    asked = {"near": "Tartu", "days": Days(SATURDAY, MONDAY), "radius_km": 25.0, **others}
    return node.database.read_now(lambda db: plan(db, node.reader(VISIBLE[role]), **asked))


async def test_venues_that_are_open_on_more_of_the_days_come_first_and_those_that_never_are_not_at_all(
    node: SmallNode,
) -> None:
    found = planned(node)
    assert [(each.venue["id"], len(each.closed)) for each in found.venues] == [("always", 0), ("week", 2)]
    assert found.venues[1].closed == [SATURDAY, weekday(2, 6)]
    assert {each.venue["id"] for each in planned(node, Role.DESK).venues} == {"always", "week", "hidden"}


async def test_a_plan_has_the_events_of_its_days_and_whom_to_call_and_the_guide_to_the_city(node: SmallNode) -> None:
    found = planned(node)
    assert [each["id"] for each in found.hosts[0]["contacts"]] == ["c"]
    assert (found.guide or {})["id"] == "g"
    assert [each["id"] for each in found.events] == ["then"]


async def test_a_place_that_nobody_knows_is_told_by_its_field(node: SmallNode) -> None:
    with pytest.raises(InputError) as told:
        planned(node, near="Atlantis-on-the-Moon")
    assert told.value.field == "near"
