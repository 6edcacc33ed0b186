"""Pages, orders and filters: what holds for any question whatever."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.directory.reader import EVERYTHING, PUBLIC
from node.directory.search import Question, cursor, facets
from node.errors import InputError
from tests.directory.small_node import SmallNode, organisation
from tests.kinds.kind_examples import example
from tests.search.asking import ask, event, ids, venue

CITIES = [("Tartu", "EE", 58.378, 26.729), ("Munich", "DE", 48.137, 11.575), ("London", "GB", 51.507, -0.128)]
MANY = 60


def changes() -> list[Any]:
    made: list[Any] = [organisation("Tartu Park")]
    for number in range(MANY):
        city, country, latitude, longitude = CITIES[number % 3]
        made.append(
            venue(
                f"v{number}", latitude + number % 5 * 0.01, longitude, city=city, country=country,
                name=f"{('Desk', 'Room', 'Lab')[number % 3]} {number % 4}",
                type=("desk", "office", "meeting", "lab")[number % 4],
                facilities=["wifi", "lift", "ramp"][: number % 4],
                hours=("Mo-Fr 09:00-17:00", "24/7", "Sa 10:00-12:00")[number % 3],
                visibility=("public", "members", "partners", "local")[number % 4 if number % 2 else 0],
            )
        )  # fmt: skip
        if number % 4 == 0:
            day = f"2027-06-{1 + number % 28:02}"
            made.append(event(f"e{number}", f"{day}T09:00", f"{day}T17:00", languages=["en", "et"][: 1 + number % 2]))
        if number % 10 == 0:
            made.append(_change("offer", f"o{number}"))
    return made


def _change(kind: str, id_: str) -> Any:
    from node.directory.draft import Change

    return Change(kind, example(kind), id=id_)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import asyncio

    folder: Path = tmp_path_factory.mktemp("full")
    node = SmallNode(folder)
    asyncio.run(_published(node))
    yield node
    node.close()


async def _published(node: SmallNode) -> None:
    await node.publish(*changes())


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from(["desk", "room", "event", "tartu", "lab 1", "example", "de"]),
        "near": st.sampled_from(["Tartu", "48.1,11.5", "London"]),
        "radius_km": st.sampled_from(["1", "10", "3000"]),
        "bbox": st.sampled_from(["-10,40,30,60", "11,48,12,49", "170,-90,20,90"]),
        "country": st.sampled_from(["EE", "DE,GB"]),
        "kind": st.sampled_from(["venue", "event", "venue,event,offer"]),
        "type": st.sampled_from(["desk", "desk,office"]),
        "facilities": st.sampled_from(["wifi", "wifi,lift"]),
        "languages": st.sampled_from(["et", "en,et"]),
        "organisation": st.just("tartu"),
        "open_at": st.sampled_from(["2027-06-01T10:00", "2027-06-05T11:00Z"]),
        "from_": st.just("2027-06-05"),
        "until": st.just("2027-06-20"),
    },
)
SORTS = st.sampled_from(["", "relevance", "distance", "start", "name"])


def sorted_by(question: dict[str, str], sort: str) -> dict[str, str]:
    return {**question, "sort": sort} if sort and (sort != "distance" or "near" in question) else question


def key(found: Any) -> list[tuple[str, str]]:
    return [(record["kind"], record["id"]) for record in found.records]


@settings(max_examples=150)
@given(question=FILTERS, sort=SORTS, size=st.integers(1, 40))
def test_pages_show_each_record_once_in_the_order_of_one_large_page(
    full: SmallNode, question: dict[str, str], sort: str, size: int
) -> None:
    asked = sorted_by(question, sort)
    whole = ask(full, EVERYTHING, **asked, limit="1000")
    assert whole.cursor is None
    seen: list[tuple[str, str]] = []
    after: dict[str, str] = {}
    while True:
        page = ask(full, EVERYTHING, **asked, **after, limit=str(size))
        assert page.total == whole.total
        seen += key(page)
        if page.cursor is None:
            break
        assert len(page.records) == size
        after = {"after": page.cursor}
    assert seen == key(whole)
    assert len(set(seen)) == len(seen) == whole.total


@settings(max_examples=150)
@given(question=FILTERS, name=st.data())
def test_a_filter_never_adds_hits(full: SmallNode, question: dict[str, str], name: Any) -> None:
    # A radius is none without its place, and a wider one is no filter.
    removable = [each for each in question if each != "radius_km"]
    if not removable:
        return
    without = dict(question)
    dropped = name.draw(st.sampled_from(removable))
    del without[dropped]
    if dropped == "near":
        without.pop("radius_km", None)
    some = ask(full, EVERYTHING, **question, limit="1000")
    assert set(key(some)) <= set(key(ask(full, EVERYTHING, **without, limit="1000")))


@settings(max_examples=100)
@given(question=FILTERS, visibilities=st.sets(st.sampled_from(sorted(EVERYTHING))))
def test_who_may_see_less_sees_a_part(full: SmallNode, question: dict[str, str], visibilities: set[str]) -> None:
    some = ask(full, visibilities, **question, limit="1000", facets="true")
    every = ask(full, EVERYTHING, **question, limit="1000", facets="true")
    assert set(key(some)) <= set(key(every))
    assert {record["visibility"] for record in some.records} <= visibilities
    counts = {(name, each["value"]): each["count"] for name, values in every.facets.items() for each in values}
    for name, values in some.facets.items():
        assert all(each["count"] <= counts[name, each["value"]] for each in values)


@settings(max_examples=100)
@given(question=FILTERS)
def test_facets_count_the_hits_of_all_pages(full: SmallNode, question: dict[str, str]) -> None:
    found = ask(full, EVERYTHING, **question, facets="true", limit="1")
    whole = ask(full, EVERYTHING, **question, limit="1000").records
    for name in ("kind", "country", "type", "city"):
        # What has no city of its own is in that of its organisation, and counts there.
        home = {"city": "Tartu", "country": "EE"}
        values = [record["kind"] if name == "kind" else record["body"].get(name) or home.get(name) for record in whole]
        expected = {value: values.count(value) for value in values if isinstance(value, str)}
        assert {each["value"]: each["count"] for each in found.facets.get(name, [])} == expected
    facilities = [each for record in whole for each in record["body"].get("facilities", ())]
    expected = {each: facilities.count(each) for each in facilities}
    assert {each["value"]: each["count"] for each in found.facets.get("facilities", [])} == expected


@pytest.mark.parametrize(("sort", "kind"), [("distance", "venue,event"), ("start", "venue,event"), ("name", "venue")])
def test_each_order_is_what_it_says(full: SmallNode, sort: str, kind: str) -> None:
    found = ask(full, PUBLIC, near="Tartu", radius_km="5000", kind=kind, sort=sort, limit="1000").records
    keys: dict[str, Any] = {
        "distance": [record["distance_km"] for record in found],
        "name": [record["body"].get("name", "").lower() for record in found],
        "start": [record["body"].get("start", "9") for record in found],
    }
    assert keys[sort] == sorted(keys[sort])
    assert len(found) > 10


async def test_a_page_stays_where_it_was_while_records_come_and_go(node: SmallNode) -> None:
    await node.publish(*(venue(f"v{number}", name=f"Desk {number}") for number in range(10)))
    first = ask(node, kind="venue", sort="name", limit="4")
    assert first.cursor is not None
    node.clock.pass_by(2)
    from node.directory.draft import Change

    await node.publish(venue("early", name="A desk"), Change("venue", None, id="v3"), venue("late", name="Desk 45"))
    rest = ask(node, kind="venue", sort="name", limit="100", after=first.cursor)
    assert ids(first) + ids(rest) == ["v0", "v1", "v2", "v3", "v4", "late", "v5", "v6", "v7", "v8", "v9"]


def other(full: SmallNode, **question: str) -> str:
    found = ask(full, **question, limit="1").cursor
    assert found is not None
    return found


def test_a_cursor_is_for_its_own_question_and_strictly_read(full: SmallNode) -> None:
    digest = Question.parse({"kind": "venue"}).digest()
    bad = [
        other(full, kind="event"), other(full, kind="venue", sort="name"), "", "x", "!!!!", "é", "A" * 600,
        cursor.write(digest, "name", 1), cursor.write(digest, 1.5, -1), cursor.write(digest, 1.5, 0),
        cursor.write(digest, 1.5, 2**70 if False else 2**53), cursor.write(digest, True, 1),
        cursor.write(digest, 1.5, 1) + "A", cursor.write("other", 1.5, 1), "W10", "bnVsbA",
    ]  # fmt: skip
    for text in bad:
        with pytest.raises(InputError, match="leave 'after' out") as refused:
            ask(full, kind="venue", after=text)
        assert refused.value.field == "after"
    with pytest.raises(InputError) as refused:
        ask(full, kind="venue", after="A" * 601)
    assert refused.value.field == "after"


def test_why_is_told_of_short_pages_alone(full: SmallNode) -> None:
    assert all("why" in record for record in ask(full, kind="venue", limit="100", explain="true").records)
    with pytest.raises(InputError, match="at most 100 records") as refused:
        ask(full, kind="venue", limit="101", explain="true")
    assert refused.value.field == "limit"


@given(st.text(max_size=80))
def test_any_text_as_a_cursor_is_refused(full: SmallNode, text: str) -> None:
    with pytest.raises(InputError):
        ask(full, kind="venue", after=text)


def test_facets_say_where_they_do_not_count_every_hit(full: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "counted" not in ask(full, facets="true").as_value()
    monkeypatch.setattr(facets, "MOST_COUNTED", 5)
    found = ask(full, facets="true").as_value()
    assert (found["counted"], sum(each["count"] for each in found["facets"]["kind"])) == (5, 5)
    assert "counted" not in ask(full).as_value()
