"""Places: points, circles and boxes anywhere on the Earth, and cities by their names."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.directory.gazetteer import metres
from node.directory.reader import EVERYTHING
from node.directory.search import places
from node.errors import InputError
from node.storage.facts import point
from tests.directory.small_node import SmallNode
from tests.search.asking import ask, ids, venue

POINTS = {
    "tartu": (58.378, 26.729),
    "elva": (58.223, 26.421),
    "munich": (48.137, 11.575),
    "pole": (89.99, 10.0),
    "over the pole": (89.99, -170.0),
    "south": (-90.0, 0.0),
    "fiji west": (-17.0, 179.95),
    "fiji east": (-17.0, -179.95),
}


@pytest.fixture
async def everywhere(node: SmallNode) -> SmallNode:
    await node.publish(*(venue(name.replace(" ", "-"), *where) for name, where in POINTS.items()))
    return node


NEAR = [
    pytest.param("58.38,26.72", "20", ["tartu"], id="a point"),
    pytest.param("58.38, 26.72", "40", ["tartu", "elva"], id="the nearest first"),
    pytest.param("58.223,26.421", "0.1", ["elva"], id="a hundred metres"),
    pytest.param("89.99,10", "3", ["pole", "over-the-pole"], id="over the pole"),
    pytest.param("90,0", "1", [], id="a kilometre round the pole"),
    pytest.param("90,123", "1.2", ["over-the-pole", "pole"], id="the pole has every longitude"),
    pytest.param("-90,77", "1", ["south"], id="the south pole"),
    pytest.param("-17,179.99", "25", ["fiji-west", "fiji-east"], id="across the antimeridian from the west"),
    pytest.param("-17,-179.99", "25", ["fiji-east", "fiji-west"], id="across the antimeridian from the east"),
    pytest.param("-17,180", "25", ["fiji-west", "fiji-east"], id="on the antimeridian"),
    pytest.param("-17,-180", "25", ["fiji-west", "fiji-east"], id="on its other name"),
]


@pytest.mark.parametrize(("near", "radius", "expected"), NEAR)
async def test_a_circle_holds_what_is_within_its_radius(
    everywhere: SmallNode, near: str, radius: str, expected: list[str]
) -> None:
    found = ask(everywhere, near=near, radius_km=radius)
    if "pole" in " ".join(expected) and near.startswith("90"):
        assert set(ids(found)) == set(expected)
    else:
        assert ids(found) == expected
    assert all(record["distance_km"] <= float(radius) for record in found.records)


async def test_a_circle_round_the_whole_earth_holds_everything(everywhere: SmallNode) -> None:
    assert ask(everywhere, near="58.38,26.72", radius_km="20040").total == len(POINTS)


BOXES = [
    pytest.param("26,58,27,59", {"tartu", "elva"}, id="a box"),
    pytest.param("26.5,58,27,59", {"tartu"}, id="a narrow one"),
    pytest.param("179,-18,-179,-16", {"fiji-west", "fiji-east"}, id="across the antimeridian"),
    pytest.param("-180,-18,180,-16", {"fiji-west", "fiji-east"}, id="round the Earth"),
    pytest.param("-180,89,180,90", {"pole", "over-the-pole"}, id="a cap"),
    pytest.param("26.729,58.378,26.729,58.378", {"tartu"}, id="a point"),
    pytest.param("0,0,1,1", set(), id="an empty one"),
]


@pytest.mark.parametrize(("bbox", "expected"), BOXES)
async def test_a_box_is_west_south_east_north(everywhere: SmallNode, bbox: str, expected: set[str]) -> None:
    assert set(ids(ask(everywhere, bbox=bbox))) == expected


coordinates = st.tuples(
    st.integers(-90_000_000, 90_000_000).filter(bool), st.integers(-180_000_000, 180_000_000).filter(bool)
)


@settings(max_examples=500)
@given(coordinates, coordinates)
def test_chords_measure_what_haversines_do(one: tuple[int, int], other: tuple[int, int]) -> None:
    square = sum((a - b) ** 2 for a, b in zip(point(*one), point(*other), strict=True))
    assert places.kilometres(square) == pytest.approx(metres(*one, *other) / 1000, abs=60.0)
    if metres(*one, *other) < 10_000_000:
        assert places.kilometres(square) == pytest.approx(metres(*one, *other) / 1000, abs=0.01)


@settings(max_examples=500)
@given(coordinates, coordinates, st.floats(0.1, 20_040))
def test_the_boxes_of_a_circle_hold_all_of_it(one: tuple[int, int], other: tuple[int, int], radius: float) -> None:
    if metres(*one, *other) > radius * 1000:
        return
    here = places.Place(one[0] / 1e6, one[1] / 1e6)
    latitude, longitude = other[0] / 1e6, other[1] / 1e6
    boxes = places._around(here, radius)
    assert any(each.west <= longitude <= each.east and each.south <= latitude <= each.north for each in boxes), boxes


CITIES: list[Any] = [
    pytest.param("Tartu", ("Tartu", "EE"), id="by its name"),
    pytest.param("munich", ("Munich", "DE"), id="in small letters"),
    pytest.param("München", ("Munich", "DE"), id="by its own name"),
    pytest.param("Munich, DE", ("Munich", "DE"), id="with its country's code"),
    pytest.param("Munich, Germany", ("Munich", "DE"), id="with its country"),
    pytest.param("Łódź", ("Łódź", "PL"), id="in Polish"),
    pytest.param("香港", ("Hong Kong", "HK"), id="in Chinese"),
    pytest.param("ميونخ", ("Munich", "DE"), id="in Arabic"),
]


@pytest.mark.parametrize(("near", "expected"), CITIES)
async def test_a_city_is_found_by_its_name(node: SmallNode, near: str, expected: tuple[str, str]) -> None:
    place = ask(node, near=near).understood["place"]
    assert (place["name"], place["country"]) == expected


async def test_of_several_cities_the_likeliest_is_taken_and_the_others_are_told(node: SmallNode) -> None:
    place = ask(node, near="London").understood["place"]
    assert (place["country"], "London, CA" in place["others"]) == ("GB", True)
    assert ask(node, near="London, CA").understood["place"]["country"] == "CA"


async def test_a_city_of_the_directory_that_is_in_no_gazetteer_is_found_by_its_records(node: SmallNode) -> None:
    await node.publish(
        venue("a", 48.40, 11.00, city="Kleinweiler", country="DE"),
        venue("b", 48.42, 11.02, city="Kleinweiler", country="DE"),
        venue("c", 47.0, 14.0, city="Kleinweiler", country="AT"),
    )
    found = ask(node, near="kleinweiler")
    assert set(ids(found)) == {"a", "b"}
    assert found.understood["place"]["others"] == ["Kleinweiler, AT"]
    assert found.understood["place"]["latitude"] == pytest.approx(48.41, abs=0.001)
    assert ids(ask(node, near="Kleinweiler, AT")) == ["c"]


async def test_an_unknown_city_is_refused_with_the_nearest_names(node: SmallNode) -> None:
    await node.publish(venue("a", city="Kleinweiler"), venue("b", city="Kleinweihler", visibility="local"))
    with pytest.raises(
        InputError, match='no city is called "Klienweiler" here: did you mean Kleinweiler\\?'
    ) as refused:
        ask(node, near="Klienweiler")
    assert refused.value.field == "near"
    with pytest.raises(InputError, match="Kleinweihler"):
        ask(node, EVERYTHING, near="Klienweiler")
    with pytest.raises(InputError, match="give latitude,longitude"):
        ask(node, near="Xyzzyxyzzy")


async def test_a_city_that_only_a_hidden_record_names_is_unknown(node: SmallNode) -> None:
    await node.publish(venue("a", city="Kleinweiler", visibility="members"))
    with pytest.raises(InputError, match="no city is called"):
        ask(node, near="Kleinweiler")
    assert ids(ask(node, {"public", "members"}, near="Kleinweiler")) == ["a"]


async def test_names_that_are_no_citys_take_nobodys_time(node: SmallNode) -> None:
    # One such character folds into eighteen, and each name is compared with what is asked for.
    await node.publish(*(venue(f"v{no}", city=f"{no:03}" + "\ufdfa" * 197) for no in range(400)))
    began = time.process_time()
    for _ in range(3):
        with pytest.raises(InputError, match="no city is called"):
            ask(node, near="\ufdfa" * 200)
    assert time.process_time() - began < 0.5
