"""GeoJSON, as GDAL reads it: the library under QGIS and most other programs for maps."""

import json
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyogrio import raw

from node.exports import Collection
from tests.exports.shown import ABOUT, HOSTILE, NAMES, NO_CHARACTERS, TARTU, records, shown, written
from tests.kinds.kind_examples import LUND, example


def read(data: bytes):
    """What GDAL finds: points as (x, y) or None, and the attribute table as one dict a feature."""
    meta, _, geometry, columns = raw.read(data)
    points = [None if wkb is None else struct.unpack("<BIdd", wkb)[2:] for wkb in geometry]
    table = dict(zip(meta["fields"], columns, strict=True))
    return meta, points, [{name: values[row] for name, values in table.items()} for row in range(len(points))]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_gis_reads_the_place_and_the_name(name):
    body = example("venue", name=name, geo__lat_e6=-33_868_800, geo__lon_e6=151_209_301)
    meta, points, [table] = read(written("geojson", shown("venue", body)))
    assert (meta["crs"], meta["geometry_type"], points) == ("EPSG:4326", "Point", [(151.209301, -33.8688)])
    told = {key: table[key] for key in ("name", "city", "free_days", "capacity", "price", "hours", "phone")}
    assert told == {
        "name": name,
        "city": "Tartu",
        "free_days": 3,
        "capacity": 12,
        "price": "12.50",
        "hours": "Mo-Fr 09:00-17:00; PH off",
        "phone": "+37256123456",
    }
    assert list(table["facilities"]) == ["wifi", "meeting_room"]
    assert (table["bra.author"], table["bra.seq"], table["bra.licence"]) == (TARTU, 7, ABOUT.licence)


def test_an_event_is_where_its_venue_is():
    venues = {f"{LUND}/hall": shown("venue", example("venue", name="Hall", geo__lon_e6=13_191_000), author=LUND)}
    _, [there, nowhere], [table, other] = read(
        written(
            "geojson",
            shown("event"),
            shown("event", example("event", venue=...)),
            about=Collection("Events", venues=venues),
        )
    )
    assert (there, nowhere) == ((13.191, 58.385), None)
    assert (table["venue_name"], table["city"], other["venue_name"]) == ("Hall", "Tartu", None)


def test_an_organisation_without_coordinates_is_told_without_a_place():
    _, points, tables = read(
        written("geojson", shown("organisation"), shown("organisation", example("organisation", geo=...)))
    )
    assert points == [(26.729, 58.3776), None]
    assert [table["name"] for table in tables] == ["Tartu Science Park"] * 2


def test_a_text_is_in_the_language_asked_for():
    asked = written("geojson", shown("venue"), about=Collection("Venues", languages=("et",)))
    properties = json.loads(asked)["features"][0]["properties"]
    assert (properties["directions"], properties["alert"]) == ("Buss 3", "[en] Closed in July")


def test_a_collection_of_nothing_is_a_collection():
    assert json.loads(written("geojson"))["features"] == []


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\n" not in text and "\r" not in text])
def test_hostile_text_stays_text(text):
    _, _, [table] = read(written("geojson", shown("venue", example("venue", directions={"en": f"x{text}"}))))
    said = table["directions"].replace("\n", " ")
    assert said == f"x{text}".translate({**NO_CHARACTERS, 0x2028: " ", 0x2029: " "})


@given(st.lists(records("organisation", "venue", "event"), min_size=1, max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_record_is_read_again(found):
    data = written("geojson", *found)
    _, points, _ = read(data)
    assert len(points) == len(found)
    for feature, record in zip(json.loads(data)["features"], found, strict=True):
        if geo := record["body"].get("geo"):
            lon, lat = feature["geometry"]["coordinates"]
            assert (round(lon * 1e6), round(lat * 1e6)) == (geo["lon_e6"], geo["lat_e6"])
