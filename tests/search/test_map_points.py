"""What a map is told of an answer: a point for each hit, where it is, and none that the reader may not see."""

from collections.abc import Collection

import pytest

from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.reader import EVERYTHING, PUBLIC
from node.directory.search import Points, Question, map_points, points
from tests.directory.small_node import SmallNode, adoption, contact_body, organisation_body, signature
from tests.search.asking import ask, event, ids, venue

MUNICH = (48_137_000, 11_575_000)
LUND = (55_704_000, 13_191_000)
IN_MUNICH = {"latitude": 48.137, "longitude": 11.575, "city": "Munich", "country": "DE", "time_zone": "Europe/Berlin"}


def based(visibility: str | None = None, **fields: object) -> Change:
    """The organisation, in Lund."""
    body = {**organisation_body("Park"), "city": "Lund", "country": "SE", "geo": geo(LUND), **fields}
    return Change("organisation", body, id=OWN_ORGANISATION, visibility=visibility)


def geo(spot: tuple[int, int]) -> dict[str, int]:
    return {"lat_e6": spot[0], "lon_e6": spot[1]}


def guide(id_: str, place: str) -> Change:
    body = {"place": place, "language": "en", "sections": {"greeting": "Hello."}, "reviewed": "2027-01-15"}
    return Change("culture_guide", body, id=id_)


def on_map(node: SmallNode, visibilities: Collection[str] = PUBLIC, **question: str) -> Points:
    asked = Question.parse(question)
    return node.database.read_now(lambda db: points(db, node.reader(visibilities), asked))


def spots(found: Points) -> dict[str, tuple[int, int]]:
    # Some 60 cm are lost.
    return {each.id: (round(each.latitude, -2), round(each.longitude, -2)) for each in found.points}


async def test_each_record_is_where_it_says_or_where_its_venue_or_organisation_is(node: SmallNode) -> None:
    await node.publish(
        based(),
        signature(),
        venue("desk", name="Desk at the river", **IN_MUNICH),
        event("there", "2027-06-02T09:00", "2027-06-02T17:00", venue="desk"),
        event("online", "2027-06-02T09:00", "2027-06-02T17:00"),
        guide("city", "München"),
        guide("region", "The north"),
        Change("contact", contact_body("Landing manager"), id="c"),
    )
    found = on_map(node, EVERYTHING)
    munich = spots(found).pop("city")
    assert abs(munich[0] - MUNICH[0]) + abs(munich[1] - MUNICH[1]) < 20_000
    assert spots(found) == {
        **dict.fromkeys(("desk", "there"), MUNICH),
        **dict.fromkeys((OWN_ORGANISATION, "online", "region", "c"), LUND),
        "city": munich,
    }
    [desk] = [each for each in found.points if each.id == "desk"]
    assert desk[2:] == ("venue", "Desk at the river", node.id, "desk")
    assert not found.more


async def test_where_a_place_is_asked_for_the_author_s_spot_is_the_one_that_is_there(node: SmallNode) -> None:
    await node.publish(based(), venue("desk", **IN_MUNICH), adoption("kept", id="a"))
    for question in ({"near": "Munich"}, {"country": "DE"}, {"bbox": "11,48,12,49"}):
        assert spots(on_map(node, kind="adoption", **question)) == {"a": MUNICH}, question
    assert spots(on_map(node, kind="adoption")) == {"a": LUND}
    assert spots(on_map(node, kind="adoption", near="Tartu")) == {}


async def test_it_shows_the_hits_of_the_search_and_no_others(node: SmallNode) -> None:
    await node.publish(based(), *(venue(f"v{number}", name=name) for number, name in enumerate(("Sauna", "Library"))))
    for question in (
        {"q": "sauna"},
        {"q": "saunna"},
        {"q": "nothing"},
        {"kind": "venue"},
        {"q": "park", "near": "Lund"},
    ):
        found = ask(node, **question, limit="1000")
        assert sorted(each.id for each in on_map(node, **question).points) == sorted(ids(found)), question
    assert [each.id for each in on_map(node, q="saunna").points] == ["v0"]


LEVELS = ("public", "members", "partners", "local")


@pytest.mark.parametrize("seen", LEVELS)
async def test_nobody_sees_a_point_of_what_they_may_not_see_nor_learns_from_it_where_that_is(
    node: SmallNode, seen: str
) -> None:
    await node.publish(
        based(visibility=seen),
        venue("desk", visibility=seen, **IN_MUNICH),
        event("there", "2027-06-02T09:00", "2027-06-02T17:00", venue="desk"),
        adoption("kept", id="a"),
    )
    may = frozenset(LEVELS[: LEVELS.index(seen) + 1])
    assert spots(on_map(node, may)) == {OWN_ORGANISATION: LUND, "desk": MUNICH, "there": MUNICH, "a": LUND}
    # What others show of themselves stands where nobody may know that they are: so it stands nowhere.
    assert spots(on_map(node, may - {seen})) == {}


async def test_of_too_many_only_some_are_shown_and_it_says_so(node: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    await node.publish(based(), *(venue(f"v{number}") for number in range(4)))
    monkeypatch.setattr(map_points, "MOST", 4)
    assert (len(on_map(node).points), on_map(node).more) == (4, True)
    assert (len(on_map(node, kind="venue").points), on_map(node, kind="venue").more) == (4, False)
