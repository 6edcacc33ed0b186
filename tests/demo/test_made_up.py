import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from node.demo.made_up import GUIDES, load, records_of, slug_of
from node.kinds import interpret, problems

ORGANISATIONS = load()
RECORDS = [record for organisation in ORGANISATIONS for record in records_of(organisation)]
MADE_UP = [(kind, body) for kind, body in RECORDS if kind != "organisation"]
NODES = ("tartu", "lund", "munich", "london", "hong-kong")


def values_in(value: Any) -> list[Any]:
    """Every scalar in a JSON value, and every key."""
    if isinstance(value, dict):
        return [scalar for key, member in value.items() for scalar in (key, *values_in(member))]
    if isinstance(value, list):
        return [scalar for member in value for scalar in values_in(member)]
    return [value]


def strings_of(records: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [scalar for _, body in records for scalar in values_in(body) if isinstance(scalar, str)]


@pytest.mark.parametrize("organisation", ORGANISATIONS, ids=lambda organisation: slug_of(organisation["name"]))
def test_every_body_that_a_demo_node_publishes_is_one_that_the_directory_can_show(organisation):
    for kind, body in records_of(organisation):
        assert interpret(kind, body) is not None
        assert problems(kind, body) == []


def test_the_demonstration_has_about_forty_organisations():
    assert 36 <= len(ORGANISATIONS) <= 48


def test_each_of_the_five_nodes_publishes_six_to_ten_organisations():
    published = Counter(organisation["node"] for organisation in ORGANISATIONS)
    assert set(published) == set(NODES)
    assert all(6 <= count <= 10 for count in published.values())


def test_the_first_organisation_of_each_node_is_in_that_node_s_own_city():
    for node in NODES:
        first = next(organisation for organisation in ORGANISATIONS if organisation["node"] == node)
        assert slug_of(first["city"]) == node


def test_each_of_the_five_nodes_has_one_culture_guide_and_it_is_by_the_node_s_own_organisation():
    firsts = {next(slug_of(o["name"]) for o in ORGANISATIONS if o["node"] == node) for node in NODES}
    assert set(GUIDES) == firsts
    assert Counter(kind for kind, _ in RECORDS)["culture_guide"] == len(NODES)


def test_an_entry_holds_public_facts_and_nothing_else():
    facts = {"name", "city", "country", "website", "languages", "geo", "time_zone", "node"}
    assert all(set(organisation) == facts for organisation in ORGANISATIONS)


def test_no_two_organisations_have_one_slug_or_one_website():
    assert len({slug_of(organisation["name"]) for organisation in ORGANISATIONS}) == len(ORGANISATIONS)
    assert len({organisation["website"] for organisation in ORGANISATIONS}) == len(ORGANISATIONS)


def test_a_slug_is_fit_for_a_host_name_whatever_the_diacritics():
    assert slug_of("Klaipėda Science & Technology Park") == "klaipeda-science-technology-park"
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug_of(o["name"])) for o in ORGANISATIONS)
    assert all(len(slug_of(organisation["name"])) <= 63 for organisation in ORGANISATIONS)


def test_a_website_is_https_and_the_organisation_s_own():
    for organisation in ORGANISATIONS:
        parts = urlsplit(organisation["website"])
        assert (parts.scheme, parts.path) == ("https", "")
        assert not parts.netloc.endswith(".example")


def test_every_organisation_says_that_it_is_not_a_signatory():
    bodies = [body for kind, body in RECORDS if kind == "organisation"]
    assert all(body["description"]["en"] == "Demonstration: this organisation is not a signatory." for body in bodies)


def test_every_made_up_e_mail_address_ends_in_example():
    addresses = [word for text in strings_of(RECORDS) for word in re.findall(r"\S+@[\w.-]*\w", text)]
    assert len(addresses) > len(ORGANISATIONS)
    assert all(address.endswith(".example") for address in addresses)


def test_every_made_up_url_is_https_on_an_example_host():
    urls = [url for text in strings_of(MADE_UP) for url in re.findall(r"\w+://\S+", text)]
    assert urls
    for url in urls:
        assert url.startswith("https://")
        assert (urlsplit(url).hostname or "").endswith(".example")


def test_no_made_up_record_has_a_phone_number_or_a_person_s_name():
    for kind, body in MADE_UP:
        assert not {"phone", "telephone", "tel"} & set(values_in(body))
        assert kind != "contact" or "name" not in body
    assert not [text for text in strings_of(RECORDS) if re.search(r"\+\d", text)]


def test_a_body_holds_only_what_canonical_bytes_can_hold():
    for _, body in RECORDS:
        assert all(type(scalar) in (str, int, bool) for scalar in values_in(body))


def test_coordinates_are_in_range_and_not_in_the_gulf_of_guinea():
    places = [organisation["geo"] for organisation in ORGANISATIONS] + [b["geo"] for _, b in RECORDS if "geo" in b]
    for place in places:
        assert -90_000_000 <= place["lat_e6"] <= 90_000_000
        assert -180_000_000 <= place["lon_e6"] <= 180_000_000
        assert abs(place["lat_e6"]) + abs(place["lon_e6"]) > 1_000_000


def test_the_demonstration_calls_a_park_only_what_calls_itself_one():
    for kind, body in RECORDS:
        if kind == "organisation":
            assert body["roles"] == (["science_park"] if "park" in body["name"].lower() else ["other"])


def test_every_time_zone_exists():
    assert all(ZoneInfo(organisation["time_zone"]).key for organisation in ORGANISATIONS)


def test_two_venues_never_hide_each_other_on_the_map():
    points = [(body["geo"]["lat_e6"], body["geo"]["lon_e6"]) for kind, body in RECORDS if kind == "venue"]
    assert len(set(points)) == len(points)


def test_every_organisation_has_a_venue_and_the_demonstration_shows_every_kind():
    for organisation in ORGANISATIONS:
        assert 1 <= sum(kind == "venue" for kind, _ in records_of(organisation)) <= 2
    assert {kind for kind, _ in RECORDS} >= {"organisation", "venue", "contact", "event", "offer", "culture_guide"}


def test_events_are_in_2027_and_end_after_they_start():
    events = [body for kind, body in RECORDS if kind == "event"]
    assert all(event["start"].startswith("2027-") and event["start"] < event["end"] for event in events)


def test_the_same_organisation_always_gives_the_same_records_and_its_own_copy_of_them():
    for organisation in ORGANISATIONS:
        first = records_of(organisation)
        first[0][1]["languages"].append("xx")
        first[0][1]["description"]["xx"] = "changed by a caller"
        assert records_of(organisation) == records_of(organisation)
        assert "xx" not in values_in([body for _, body in records_of(organisation)])
