"""Where records are that say no place themselves: at their venue, in their city, or where their organisation is."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.reader import EVERYTHING, PUBLIC
from node.protocol.verdicts import Accepted
from tests.directory.small_node import SmallNode, contact_body, organisation, organisation_body
from tests.kinds.kind_examples import example
from tests.protocol.builders import Author
from tests.search.asking import ask, event, ids, venue, venue_body

MEMBERS = ("public", "members")
MUNICH = {"latitude": 48.137, "longitude": 11.575, "city": "Munich", "country": "DE", "time_zone": "Europe/Berlin"}
LEVELS = ("public", "members", "partners", "local")


def contact(id_: str = "c", **fields: Any) -> Change:
    return Change("contact", contact_body("Landing manager"), id=id_, **fields)


def guide(id_: str, place: str, **fields: Any) -> Change:
    body = {"place": place, "language": "en", "sections": {"greeting": "Hello."}, "reviewed": "2027-01-15"}
    return Change("culture_guide", body, id=id_, **fields)


def based(city: str, country: str = "EE", visibility: str | None = None, **fields: Any) -> Change:
    body = organisation_body("Park", city=city, country=country, **fields)
    return Change("organisation", body, id=OWN_ORGANISATION, visibility=visibility)


QUESTIONS = [
    pytest.param({"near": "Munich"}, id="near"),
    pytest.param({"bbox": "11,48,12,49"}, id="in a box"),
    pytest.param({"country": "DE"}, id="in a country"),
    pytest.param({"near": "Munich", "country": "DE", "bbox": "11,48,12,49"}, id="all at once"),
    pytest.param({"near": "Munich", "q": "landing"}, id="with words"),
]
ELSEWHERE = [
    pytest.param({"near": "Tartu"}, id="near"),
    pytest.param({"bbox": "26,58,27,59"}, id="in a box"),
    pytest.param({"country": "EE"}, id="in a country"),
    pytest.param({"near": "Munich", "country": "EE"}, id="not there"),
    pytest.param({"near": "Munich", "bbox": "26,58,27,59"}, id="nowhere"),
]
HOMES = [
    pytest.param([based("Munich", "DE", geo={"lat_e6": 48_137_000, "lon_e6": 11_575_000})], id="by its coordinates"),
    pytest.param([based("Munich", "DE")], id="by its city"),
    pytest.param([based("München", "DE")], id="by its city's own name"),
    pytest.param([venue("v", **MUNICH)], id="by its venue alone"),
    pytest.param([based("Lund", "SE"), venue("v", **MUNICH)], id="by its venue in another country"),
    pytest.param([venue("w", 48.4, 11.0, country="DE"), venue("v", **MUNICH)], id="by the nearest of its venues"),
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("home", HOMES)
async def test_whom_to_call_is_where_the_organisation_is(
    node: SmallNode, home: list[Change], question: dict[str, str]
) -> None:
    await node.publish(*home, contact())
    found = ask(node, MEMBERS, **question, kind="contact")
    assert ids(found) == ["c"]
    if "near" in question:
        assert found.records[0]["distance_km"] < 1


@pytest.mark.parametrize("question", ELSEWHERE)
@pytest.mark.parametrize("home", HOMES)
async def test_it_is_nowhere_else(node: SmallNode, home: list[Change], question: dict[str, str]) -> None:
    await node.publish(*home, contact())
    assert ids(ask(node, MEMBERS, **question, kind="contact")) == []


async def test_circle_box_and_country_are_asked_of_one_and_the_same_venue(node: SmallNode) -> None:
    await node.publish(venue("munich", **MUNICH), venue("tartu"), contact())
    assert ids(ask(node, MEMBERS, near="Munich", country="EE", kind="contact")) == []
    assert ids(ask(node, MEMBERS, near="Munich", bbox="26,58,27,59", kind="contact")) == []
    assert ids(ask(node, MEMBERS, near="Tartu", country="EE", kind="contact")) == ["c"]


async def test_an_organisation_without_coordinates_is_in_its_city(node: SmallNode) -> None:
    await node.publish(based("Munich", "DE"))
    [found] = ask(node, near="48.137,11.575").records
    assert (found["kind"], found["distance_km"] < 1) == ("organisation", True)
    assert ids(ask(node, bbox="11,48,12,49")) == ids(ask(node, near="Munich", country="DE")) == [OWN_ORGANISATION]
    assert ids(ask(node, near="Munich", country="AT")) == ids(ask(node, near="Tartu")) == []


async def test_a_guide_is_in_its_city_or_else_where_its_organisation_is(node: SmallNode) -> None:
    await node.publish(based("Tartu"), guide("city", "Munich"), guide("region", "The German-speaking south"))
    assert ids(ask(node, near="Munich", kind="culture_guide")) == ["city"]
    assert ids(ask(node, country="DE", kind="culture_guide")) == ["city"]
    assert ids(ask(node, near="Tartu", kind="culture_guide")) == ["region"]
    assert ids(ask(node, country="EE", kind="culture_guide")) == ["region"]


async def test_an_event_is_at_its_venue_wherever_that_moves(node: SmallNode) -> None:
    await node.publish(
        based("Tartu"),
        venue("v", **MUNICH),
        event("there", "2027-06-02T09:00", "2027-06-02T17:00", venue="v"),
        event("online", "2027-06-02T09:00", "2027-06-02T17:00"),
        event("lost", "2027-06-02T09:00", "2027-06-02T17:00", venue="unknown"),
    )
    assert ids(ask(node, near="Munich", kind="event", sort="name")) == ["online", "there"]
    assert ids(ask(node, near="Tartu", kind="event")) == ["online"]
    node.clock.pass_by(2)
    await node.publish(venue("v"))
    assert ids(ask(node, near="Munich", kind="event")) == []
    assert set(ids(ask(node, country="EE", kind="event"))) == {"there", "online"}


async def lund(node: SmallNode, *records: tuple[str, dict[str, Any], str, str]) -> Author:
    """Another organisation, with a venue in Munich of the id `hall`."""
    author = Author("lund")
    author.put("organisation", organisation_body("Lund Park", city="Lund", country="SE"), OWN_ORGANISATION)
    latitude, longitude, *_ = MUNICH.values()
    fields = {name: value for name, value in MUNICH.items() if name not in ("latitude", "longitude")}
    author.put("venue", venue_body(latitude, longitude, **fields), "hall")
    for kind, body, id_, visibility in records:
        author.put(kind, body, id_, visibility)
    author.commit()
    author.beat(author.now)
    node.befriend(author)
    assert isinstance(await node.take(author.block_lines(node.want(author)), author), Accepted)
    return author


async def test_an_event_may_be_at_the_venue_of_another(node: SmallNode) -> None:
    other = await lund(node)
    await node.publish(
        based("Tartu"),
        venue("hall"),
        event("theirs", "2027-06-02T09:00", "2027-06-02T17:00", venue=f"{other.id}/hall"),
        event("ours", "2027-06-02T09:00", "2027-06-02T17:00", venue="hall"),
        event("nobodys", "2027-06-02T09:00", "2027-06-02T17:00", venue=f"bra1{'a' * 32}/hall"),
    )
    assert ids(ask(node, near="Munich", kind="event")) == ["theirs"]
    assert ids(ask(node, near="Tartu", kind="event")) == ["ours"]


async def test_a_place_of_one_organisation_is_none_of_anothers(node: SmallNode) -> None:
    await lund(node, ("contact", contact_body("Landing manager"), "theirs", "public"))
    await node.publish(based("Tartu"), contact("ours", visibility="public"))
    assert (
        ids(ask(node, near="Munich", kind="contact")) == ids(ask(node, country="SE,DE", kind="contact")) == ["theirs"]
    )
    assert ids(ask(node, near="Tartu", kind="contact")) == ["ours"]


async def test_what_nobody_looks_for_at_a_place_is_at_none(node: SmallNode) -> None:
    await node.publish(based("Tartu"), *(Change(kind, example(kind), id="x") for kind in ("need", "endorsement")))
    assert {record["kind"] for record in ask(node, near="Tartu").records} == {"organisation", "need"}


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize(
    ("hidden", "question"),
    [
        pytest.param(lambda level: based("Munich", "DE", level), {"near": "Munich"}, id="an organisation's city"),
        pytest.param(lambda level: based("Munich", "DE", level), {"country": "DE"}, id="an organisation's country"),
        pytest.param(lambda level: venue("v", **MUNICH, visibility=level), {"near": "Munich"}, id="a venue"),
        pytest.param(lambda level: venue("v", **MUNICH, visibility=level), {"bbox": "11,48,12,49"}, id="a box"),
    ],
)
async def test_who_may_not_see_the_place_learns_nothing_by_it(
    node: SmallNode, hidden: Any, question: dict[str, str], level: str
) -> None:
    await node.publish(
        hidden(level),
        contact(visibility="public"),
        event("e", "2027-06-02T09:00", "2027-06-02T17:00", venue="v"),
        event("online", "2027-06-02T09:00", "2027-06-02T17:00"),
    )
    below = LEVELS[: LEVELS.index(level)]
    found = ask(node, below, **question, facets="true")
    assert (ids(found), found.total, found.facets) == ([], 0, {})
    assert not {"city", "country"} & ask(node, below, facets="true").facets.keys()
    assert "c" in ids(ask(node, EVERYTHING, **question))


async def test_cities_and_countries_are_counted_where_records_are(node: SmallNode) -> None:
    await node.publish(
        based("Tartu"),
        venue("v", **MUNICH),
        event("there", "2027-06-02T09:00", "2027-06-02T17:00", venue="v"),
        event("online", "2027-06-02T09:00", "2027-06-02T17:00"),
        contact(visibility="public"),
        guide("g", "London"),
    )
    facets = ask(node, facets="true").facets
    assert {each["value"]: each["count"] for each in facets["city"]} == {"Tartu": 3, "Munich": 2, "London": 1}
    assert {each["value"]: each["count"] for each in facets["country"]} == {"EE": 3, "DE": 2}


async def test_the_zone_of_the_place_is_told(node: SmallNode) -> None:
    assert ask(node, near="Munich").understood["zone"] == "Europe/Berlin"
    assert ask(node, near="58.38,26.72").understood["zone"] == "Europe/Tallinn"
    assert "zone" not in ask(node, near="-48.9,-123.4").understood
    assert "zone" not in ask(node, country="DE").understood


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("mixed")
    node = SmallNode(folder)
    asyncio.run(_filled(node))
    yield node
    node.close()


async def _filled(node: SmallNode) -> None:
    await lund(
        node,
        *(("contact", contact_body(f"Manager {level}"), f"lund-{level}", level) for level in LEVELS[:3]),
        ("offer", example("offer"), "lund-offer", "public"),
    )
    await node.publish(
        organisation("Tartu Park"),
        *(venue(f"v-{level}", 58.3 + number / 100, city=f"City {number % 2}", visibility=level)
          for number, level in enumerate(LEVELS)),
        *(venue(f"m-{level}", **MUNICH, visibility=level) for level in LEVELS),
        *(contact(f"c-{level}", visibility=level) for level in LEVELS),
        *(event(f"e-{at}", "2027-06-02T09:00", "2027-06-02T17:00", venue=f"m-{at}") for at in LEVELS),
        guide("g1", "Munich"), guide("g2", "Everywhere"), guide("g3", "Tartu", visibility="members"),
    )  # fmt: skip


PLACES = st.fixed_dictionaries(
    {},
    optional={
        "near": st.sampled_from(["Tartu", "Munich", "48.14,11.57"]),
        "radius_km": st.sampled_from(["1", "10", "3000"]),
        "bbox": st.sampled_from(["11,48,12,49", "26,58,27,59", "170,-90,20,90"]),
        "country": st.sampled_from(["EE", "DE,SE"]),
        "kind": st.sampled_from(["contact", "event,culture_guide", "venue"]),
        "q": st.sampled_from(["manager", "tartu", "event"]),
    },
)
KEY = st.sampled_from(["near", "bbox", "country", "kind", "q"])


def keys(node: SmallNode, visibilities: Collection[str], question: dict[str, str]) -> set[tuple[str, str, str]]:
    found = ask(node, visibilities, **question, limit="1000", facets="true")
    assert found.total == len(found.records)
    seen = {(record["author"], record["kind"], record["id"]) for record in found.records}
    assert len(seen) == found.total
    if "near" in question:
        assert all(record["distance_km"] <= float(question.get("radius_km", 25)) for record in found.records)
    return seen


@settings(max_examples=150)
@given(question=PLACES, dropped=KEY, visibilities=st.sets(st.sampled_from(LEVELS)))
def test_a_place_never_adds_hits_and_who_sees_less_finds_a_part(
    mixed: SmallNode, question: dict[str, str], dropped: str, visibilities: set[str]
) -> None:
    some = keys(mixed, visibilities, question)
    assert some <= keys(mixed, EVERYTHING, question)
    assert some <= keys(mixed, visibilities, {name: each for name, each in question.items() if name != dropped})


@settings(max_examples=60)
@given(question=PLACES, size=st.integers(1, 7))
def test_pages_show_each_record_once_wherever_it_is(mixed: SmallNode, question: dict[str, str], size: int) -> None:
    whole, seen, after = ids(ask(mixed, PUBLIC, **question, limit="1000")), [], {}
    while True:
        page = ask(mixed, PUBLIC, **question, **after, limit=str(size))
        seen += ids(page)
        if page.cursor is None:
            break
        after = {"after": page.cursor}
    assert seen == whole
