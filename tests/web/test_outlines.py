"""The outlines that maps draw: what is made of an atlas while the package is built, and what was made of it here."""

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest

import node.web
from hatch_build import ATLASES, FINENESS, closed, outlines, unwrapped

MADE = Path(node.web.__file__).parent / "vendor" / "world-atlas"


def points(steps: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(accumulate(steps[::2]), accumulate(steps[1::2]), strict=True))


def degrees(*places: tuple[int, int]) -> list[tuple[int, int]]:
    return [(longitude * FINENESS, latitude * FINENESS) for longitude, latitude in places]


def atlas(arcs: list[list[tuple[int, int]]], land: Any, *countries: Any) -> dict[str, Any]:
    """A TopoJSON on a grid of whole degrees. `arcs`: places in degrees, which become steps from one to the next."""
    steps = [[arc[0], *((x - a, y - b) for (a, b), (x, y) in pairwise(arc))] for arc in arcs]
    return {
        "transform": {"scale": [1, 1], "translate": [0, 0]},
        "arcs": steps,
        "objects": {
            "land": {"geometries": [{"type": "MultiPolygon", "arcs": land}]},
            "countries": {"geometries": [{"type": "Polygon", "arcs": each} for each in countries]},
        },
    }


def test_two_neighbours_are_one_land_with_a_border_between_them() -> None:
    west, east = [(5, 0), (0, 0), (0, 9), (5, 9)], [(5, 9), (9, 9), (9, 0), (5, 0)]
    border = [(5, 9), (5, 0)]
    made = outlines(atlas([west, east, border], [[[0, 1]]], [[0, 2]], [[~2, 1]]))
    assert [points(ring) for ring in made["land"]] == [degrees(*west, *east[1:])]
    assert [points(line) for line in made["borders"]] == [degrees(*border)]


CROSSINGS = {
    "to the east": ([(179, 0), (-179, 0), (-179, 2), (179, 0)], [(179, 0), (181, 0), (181, 2), (179, 0)]),
    "to the west": ([(-179, 0), (179, 0), (179, 2), (-179, 0)], [(-179, 0), (-181, 0), (-181, 2), (-179, 0)]),
    "not at all": ([(170, 0), (179, 0), (170, 2), (170, 0)], [(170, 0), (179, 0), (170, 2), (170, 0)]),
    "round the south pole": (
        [(-180, -70), (-90, -71), (0, -72), (90, -71), (180, -70), (-180, -70)],
        [(-180, -70), (-90, -71), (0, -72), (90, -71), (180, -70), (180, -70), (180, -90), (-180, -90), (-180, -70)],
    ),
    "round the north pole": (
        [(100, 80), (0, 81), (-100, 80), (100, 80)],
        [(100, 80), (0, 81), (-100, 80), (-260, 80), (-260, 90), (100, 90), (100, 80)],
    ),
}


@pytest.mark.parametrize("name", CROSSINGS)
def test_a_ring_goes_on_beyond_the_edge_of_the_map_and_ends_where_it_began(name: str) -> None:
    ring, drawn = CROSSINGS[name]
    assert closed(unwrapped(degrees(*ring))) == degrees(*drawn)


LAND = {
    "Tartu": (26.73, 58.38), "Munich": (11.58, 48.14), "Nairobi": (36.82, -1.29), "Denver": (-104.99, 39.74),
    "Vanua Levu, on both sides of the antimeridian": (179.3, -16.6), "Chukotka, beyond it": (-178.0, 67.5),
    "the South Pole": (0.0, -89.0), "Vostok": (106.8, -78.5),
}  # fmt: skip
SEA = {
    "the Atlantic": (-40.0, 30.0), "the Pacific": (-150.0, 0.0), "the Caspian": (51.0, 41.0),
    "the North Pole": (0.0, 89.0), "the Bering Sea": (180.0, 58.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ATLASES.values())
@pytest.mark.parametrize("place", [*LAND, *SEA])
def test_what_was_made_here_has_land_where_land_is(name: str, place: str) -> None:
    longitude, latitude = {**LAND, **SEA}[place]
    rings = [points(ring) for ring in json.loads((MADE / name).read_text())["land"]]
    # As a map draws it: also what goes on beyond the edge.
    there = (inside(rings, (longitude + around) * FINENESS, latitude * FINENESS) for around in (-360, 0, 360))
    assert any(there) == (place in LAND)


def inside(rings: Iterable[Sequence[tuple[int, int]]], x: float, y: float) -> bool:
    """Whether a line from the point to the east meets an odd number of edges."""
    edges = (edge for ring in rings for edge in pairwise(ring))
    return sum((b > y) != (d > y) and x < a + (y - b) * (c - a) / (d - b) for (a, b), (c, d) in edges) % 2 == 1


@pytest.mark.parametrize(("name", "most"), [*zip(ATLASES.values(), (25_000, 150_000), strict=True)])
def test_no_line_leaps_over_the_map_and_there_is_little_to_send(name: str, most: int) -> None:
    made = json.loads((MADE / name).read_text())
    for (a, b), (c, _) in (step for line in (*made["land"], *made["borders"]) for step in pairwise(points(line))):
        assert abs(c - a) <= 180 * FINENESS or b == -90 * FINENESS
    assert (MADE / f"{name}.gz").stat().st_size < most
