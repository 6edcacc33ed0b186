"""Cities by name in any language, and by place: from the packed file, and from a small one made here."""

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.directory.gazetteer import cities, find, metres, nearest
from node.directory.gazetteer.cities import Gazetteer
from node.directory.gazetteer.make import packed
from node.directory.gazetteer.names import folded

MEANT = [
    # what is written, the first city it means
    ("Munich", "Munich, DE"),
    ("münchen", "Munich, DE"),
    ("MUENCHEN", "Munich, DE"),
    ("Мюнхен", "Munich, DE"),
    ("慕尼黑", "Munich, DE"),
    ("ميونخ", "Munich, DE"),
    ("Munich, DE", "Munich, DE"),
    ("Munich, Germany", "Munich, DE"),
    ("München, Deutschland", "Munich, DE"),
    ("Tartu", "Tartu, EE"),
    ("Dorpat", "Tartu, EE"),
    ("Lodz", "Łódź, PL"),
    ("Łódź", "Łódź, PL"),
    ("lo\u0301dz\u0301", "Łódź, PL"),
    ("Frankfurt-am-Main", "Frankfurt am Main, DE"),
    ("St. Gallen", "Sankt Gallen, CH"),
    ("Washington, D.C.", "Washington, US"),
    ("London, UK", "London, GB"),
    ("London, Canada", "London, CA"),
    ("香港", "Hong Kong, HK"),
    ("Roma", "Rome, IT"),
    ("Valencia, ES", "Valencia, ES"),
]


@pytest.mark.parametrize(("written", "meant"), MEANT, ids=[case[0] for case in MEANT])
def test_a_city_is_found_by_what_people_call_it(written, meant):
    assert str(find(written)[0]) == meant


@pytest.mark.parametrize(
    ("name", "country"),
    [("", None), ("Nowhere at all", None), ("Munich", "FR"), ("Munich", "Atlantis"), ("Cambridge, Massachusetts", None),
     ("Munich, Germany", "FR"), (",", None), ("," * 600, None), ("\ud800", None), ("München\n", "XX")],
)  # fmt: skip
def test_what_means_no_city_is_none(name, country):
    assert find(name, country) == []


def test_a_country_given_apart_is_a_code_or_a_name():
    assert (
        [str(city) for city in find("Tartu", "Eesti")] == ["Tartu, EE"] == [str(city) for city in find("Tartu", "ee")]
    )


def test_homonyms_come_by_people_and_all_of_them():
    found = [str(city) for city in find("Valencia")]
    assert found[:2] == ["Valencia, VE", "Valencia, ES"]
    assert len(found) >= 3


def test_the_nearest_city_is_the_nearest():
    tartu = nearest(58_378_000, 26_729_000)
    assert (tartu.name, tartu.country, tartu.zone) == ("Tartu", "EE", "Europe/Tallinn")
    assert nearest(0, -30_000_000) is None
    assert nearest(0, -30_000_000, within=3_000_000) is not None


def test_a_distance_is_known_from_elsewhere():
    # Tartu to Tallinn as GeographicLib has it on the ellipsoid: 163.9 km.
    assert math.isclose(metres(58_378_000, 26_729_000, 59_437_000, 24_753_000), 163_900, rel_tol=0.005)
    assert metres(0, 179_999_000, 0, -179_999_000) < 1_000
    assert math.isclose(metres(0, 0, 0, 180_000_000), math.pi * 6_371_008.8)


def city(no: int, name: str, lat: float, lon: float, *others: str, people: int = 20_000, country: str = "EE") -> dict:
    return {
        "geonameid": no, "name": name, "latitude": lat, "longitude": lon, "countrycode": country, "population": people,
        "timezone": "Europe/Tallinn", "alternatenames": list(others),
    }  # fmt: skip


def test_a_city_s_own_name_goes_before_a_larger_city_s_other_name():
    made = Gazetteer(packed([city(1, "Ülem", 1, 1, "Alam", people=500_000), city(2, "Alam", 2, 2)]))
    assert [each.name for each in made.named("alam")] == ["Alam", "Ülem"]
    assert [each.name for each in made.named("ulem")] == ["Ülem"]


def test_codes_and_romanisations_are_no_names_but_other_scripts_are():
    made = Gazetteer(packed([city(1, "Tartu", 58, 26, "TAY", "taleutu", "tarutou", "タルトゥ", "Terbata", "Tērbata")]))
    assert [made.named(folded(name)) != [] for name in ("TAY", "tarutou", "タルトゥ", "Tartu", "Tērbata")] == [
        False, False, True, True, True,
    ]  # fmt: skip


def test_the_same_cities_make_the_same_file_in_any_order():
    one, other = city(1, "Elva", 58.2, 26.4), city(2, "Põlva", 58.0, 27.0)
    assert packed([one, other]) == packed([other, one])


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(st.lists(st.tuples(names, places), min_size=1, max_size=12), places)
def test_every_name_is_found_and_the_nearest_is_that_of_all(named, here):
    everywhere = [city(no, " ".join(name.split()), *place) for no, (name, place) in enumerate(named)]
    made = Gazetteer(packed(everywhere))
    lat, lon = (round(degrees * 1e6) for degrees in here)
    found = made.nearest(lat, lon, math.inf)
    nearest_of_all = min(
        metres(lat, lon, round(each["latitude"] * 1e4) * 100, round(each["longitude"] * 1e4) * 100)
        for each in everywhere
    )
    assert math.isclose(found.metres_to(lat, lon), nearest_of_all, abs_tol=0.01)
    for each in everywhere:
        if key := folded(each["name"]):
            assert each["name"] in [one.name for one in made.named(key)]
            assert made.named(key + "x" * 13) == []


@given(st.text(max_size=300), st.none() | st.text(max_size=20))
def test_anything_may_be_asked_for(name, country):
    assert isinstance(find(name, country), list)


@given(st.text(max_size=50))
def test_a_folded_name_is_its_own_key(name):
    assert folded(folded(name)) == folded(name)


def test_threads_that_ask_first_read_the_file_once(monkeypatch):
    opened = []

    class Counted(Gazetteer):
        def __init__(self, packed: bytes) -> None:
            opened.append(1)
            super().__init__(packed)

    monkeypatch.setattr(cities, "Gazetteer", Counted)
    monkeypatch.setattr(cities, "_opened", None)
    threads = [threading.Thread(target=nearest, args=(0, 0)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [1]
