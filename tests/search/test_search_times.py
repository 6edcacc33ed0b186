"""Times: which venues are open at a moment, and which events are in a span, each by its own clock."""

import pytest

from node.directory.reader import EVERYTHING
from node.directory.search import hours
from node.directory.search.question import moment
from node.errors import InputError
from node.protocol.verdicts import Accepted
from tests.directory.small_node import SmallNode, organisation_body
from tests.protocol.builders import NOW, Author
from tests.search.asking import ask, event, ids, venue, venue_body

TALLINN, BERLIN, NEW_YORK = "Europe/Tallinn", "Europe/Berlin", "America/New_York"

OPEN = [
    pytest.param("Mo-Fr 09:00-17:00", TALLINN, "2027-06-01T09:00", True, id="at the first minute"),
    pytest.param("Mo-Fr 09:00-17:00", TALLINN, "2027-06-01T17:00", False, id="when it closes"),
    pytest.param("Mo-Fr 09:00-17:00", TALLINN, "2027-06-01T16:59", True, id="a minute before"),
    pytest.param("Mo-Fr 09:00-17:00", TALLINN, "2027-06-05T10:00", False, id="at the week's end"),
    pytest.param("Mo-Fr 09:00-17:00", TALLINN, "2027-06-01T06:00Z", True, id="a moment in UTC"),
    pytest.param("Mo-Fr 09:00-17:00", TALLINN, "2027-06-01T10:00Z", True, id="nine in the morning elsewhere"),
    pytest.param("Mo-Fr 09:00-17:00", NEW_YORK, "2027-06-01T10:00Z", False, id="before dawn there"),
    pytest.param("Mo-Fr 09:00-17:00", NEW_YORK, "2027-06-01T10:00", True, id="ten by its own clock"),
    pytest.param("Mo-Fr 09:00-17:00", NEW_YORK, "2027-06-01T16:00+02:00", True, id="an offset"),
    pytest.param("Mo-Fr 09:00-17:00", NEW_YORK, "2027-06-01T16:00 02:00", True, id="an offset from an address"),
    pytest.param("Mo-Fr 09:00-17:00; PH off", TALLINN, "2027-02-24T10:00", False, id="on Estonia's holiday"),
    pytest.param("Mo-Fr 09:00-17:00", TALLINN, "2027-02-24T10:00", True, id="on a holiday that isn't kept"),
    pytest.param("Mo-Fr 09:00-17:00; PH off", BERLIN, "2027-10-03T10:00", False, id="on a Sunday and holiday"),
    pytest.param("Fr 22:00-02:00", TALLINN, "2027-06-05T01:30", True, id="over midnight"),
    pytest.param("Fr 22:00-02:00", TALLINN, "2027-06-05T02:30", False, id="after a night"),
    pytest.param("24/7", TALLINN, "2027-12-31T23:59", True, id="always"),
    pytest.param("off", TALLINN, "2027-06-01T10:00", False, id="never"),
    pytest.param("24/7 unknown", TALLINN, "2027-06-01T10:00", False, id="nobody knows"),
    # Clocks go from 03:00 to 04:00 on 28 March 2027 in Tallinn, and from 04:00 back to 03:00 on 31 October.
    pytest.param("Su 03:00-04:00", TALLINN, "2027-03-28T00:59Z", False, id="before the hour that isn't there"),
    pytest.param("Su 03:00-04:00", TALLINN, "2027-03-28T01:00Z", False, id="after the hour that isn't there"),
    pytest.param("Su 03:00-04:00", TALLINN, "2027-10-31T00:30Z", True, id="the first time it is half past three"),
    pytest.param("Su 03:00-04:00", TALLINN, "2027-10-31T01:30Z", True, id="the second time"),
    pytest.param("Su 03:00-04:00", TALLINN, "2027-10-31T02:00Z", False, id="four, at last"),
]


@pytest.mark.parametrize(("said", "zone", "at", "is_open"), OPEN)
async def test_a_venue_is_open_by_its_own_clock(
    node: SmallNode, said: str, zone: str, at: str, *, is_open: bool
) -> None:
    country = {TALLINN: "EE", BERLIN: "DE", NEW_YORK: "US"}[zone]
    await node.publish(venue("v", hours=said, time_zone=zone, country=country))
    found = ask(node, open_at=at)
    assert ids(found) == (["v"] if is_open else [])
    assert [record["open"] for record in found.records] == [True] * is_open


@pytest.mark.parametrize("others", [["24/7"], ["off"], ["off", "Mo-Su 01:00-02:00", "Mo-Su 02:00-03:00"]])
async def test_only_venues_are_open(node: SmallNode, others: list[str]) -> None:
    # However many others are closed: the shorter list is what SQLite is asked with.
    await node.publish(*(venue(f"v{number}", hours=each) for number, each in enumerate(others) if each != "24/7"))
    await node.publish(venue("v", hours="24/7"), event("e", "2027-06-01T09:00", "2027-06-01T17:00"))
    assert ids(ask(node, open_at="2027-06-01T10:00")) == ["v"]
    assert {"open" in record for record in ask(node, kind="venue").records} == {True}
    assert {"open" in record for record in ask(node, kind="event").records} == {False}


async def test_now_is_the_nodes_own_now(node: SmallNode) -> None:
    # 2026-11-21, a Saturday.
    await node.publish(venue("sa", hours="Sa 00:00-24:00", time_zone="UTC"), venue("su", hours="Su", time_zone="UTC"))
    saturday = NOW % (7 * 86_400) // 86_400 == 2
    assert ids(ask(node, open_at="now")) == (["sa"] if saturday else ids(ask(node, open_at="now")))
    node.clock.pass_by((2 - NOW // 86_400 % 7) % 7 * 86_400)
    assert ids(ask(node, open_at="now")) == ["sa"]
    assert {record["id"]: record["open"] for record in ask(node).records} == {"sa": True, "su": False}


def test_hours_that_can_not_be_read_are_closed_and_unknown_countries_have_no_holidays() -> None:
    at = moment("2027-06-01T10:00")
    assert not hours.is_open("Europe/Tallinn EE by appointment, ring twice", at)
    assert hours.is_open("Europe/Tallinn XX Mo-Fr 09:00-17:00; PH off", at)


@pytest.fixture
async def calendar(node: SmallNode) -> SmallNode:
    await node.publish(
        event("night", "2027-06-02T22:00", "2027-06-03T02:00"),
        event("day", "2027-06-03T09:00", "2027-06-03T17:00"),
        event("new-york", "2027-06-02T20:00", "2027-06-02T23:00", NEW_YORK),
        event("july", "2027-07-01T09:00", "2027-07-05T17:00"),
        venue("no-event"),
    )
    return node


SPANS = [
    pytest.param({"from_": "2027-06-03", "until": "2027-06-03"}, ["night", "day"], id="a day"),
    pytest.param({"from_": "2027-06-02", "until": "2027-06-02"}, ["night", "new-york"], id="a day, there"),
    pytest.param({"from_": "2027-06-03T00:00Z", "until": "2027-06-03T03:00Z"}, ["new-york"], id="moments"),
    pytest.param({"from_": "2027-06-03T02:00"}, ["day", "july"], id="what has just ended is over"),
    pytest.param({"from_": "2027-06-03T01:59"}, ["night", "day", "july"], id="what is just ending isn't"),
    pytest.param({"until": "2027-06-03T09:00"}, ["night", "new-york"], id="what begins then is too late"),
    pytest.param({"from_": "2027-07-03", "until": "2027-07-03"}, ["july"], id="in the middle"),
    pytest.param({"from_": "2027-06-03", "kind": "venue"}, [], id="a venue is at no time"),
    pytest.param({"from_": "2027-06-01", "sort": "name"}, ["day", "july", "new-york", "night"], id="by name"),
]


@pytest.mark.parametrize(("span", "expected"), SPANS)
async def test_events_are_in_a_span_by_their_own_clock(
    calendar: SmallNode, span: dict[str, str], expected: list[str]
) -> None:
    assert ids(ask(calendar, **span)) == expected


async def test_events_stand_by_the_moment_at_which_they_start(node: SmallNode) -> None:
    await node.publish(
        event("second", "2027-06-02T12:00", "2027-06-02T13:00", "Europe/London"),
        event("first", "2027-06-02T13:00", "2027-06-02T14:00", TALLINN),
        event("third", "2027-06-02T08:00", "2027-06-02T09:00", NEW_YORK),
    )
    assert ids(ask(node, from_="2027-06-01")) == ["first", "second", "third"]
    assert ids(ask(node, sort="start")) == ["first", "second", "third"]


TIMES = [
    pytest.param("2027-06-02T10:00", (1811930400, True), 0, id="there"),
    pytest.param("2027-06-02T10:00:30Z", (1811930430, False), 0, id="in UTC"),
    pytest.param("2027-06-02T10:00-05:30", (1811950200, False), 0, id="an offset"),
    pytest.param("2027-06-02", (1811894400, True), 86_400, id="a day"),
]


@pytest.mark.parametrize(("text", "expected", "longer"), TIMES)
def test_a_time_is_read(text: str, expected: tuple[int, bool], longer: int) -> None:
    assert moment(text) == expected
    assert moment(text, day_ends=True) == (expected[0] + longer, expected[1])


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2027-6-2", "2027-02-30", "2027-06-02T24:00", "2027-06-02T10", "2027-06-02T10:00X", "20270602",
     "0001-01-01", "9999-12-31", "1970-01-01T00:00", "2027-06-02T10:00+15:00", "２０２７-06-02", "now\n"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["open_at", "from_", "until"])
def test_what_is_no_time_is_refused_with_its_field(node: SmallNode, field: str, text: str) -> None:
    with pytest.raises(InputError) as refused:
        ask(node, **{field: text})
    assert refused.value.field == field.rstrip("_")


LONG = "; ".join(f"Mo-Fr {8 + hour:02}:00-{9 + hour:02}:30" for hour in range(10))


async def test_who_says_thousands_of_different_hours_makes_nobody_wait(node: SmallNode) -> None:
    def hours_of(number: int) -> str:
        return f"Mo-Su 00:{number // 60:02}-{1 + number % 60 // 3:02}:{number % 60:02}; {LONG}"

    hostile = Author("hostile")
    hostile.put("organisation", organisation_body("Hostile Park"), "self")
    for number in range(1_000):
        hostile.put("venue", venue_body(hours=hours_of(number)), f"v{number}", ("public", "members")[number % 2])
    hostile.commit()
    hostile.beat(hostile.now)
    node.befriend(hostile)
    async with node.indexer.running():
        assert isinstance(await node.take(hostile.block_lines(node.want(hostile)), hostile), Accepted)
        await node.indexer.done()
    await node.publish(venue("honest", hours="Mo-Su 02:00-10:00"))
    hours.read.cache_clear()
    found = ask(node, EVERYTHING, open_at="2027-06-01T10:15", organisation=node.id)
    assert ids(found) == []
    found = ask(node, EVERYTHING, open_at="2027-06-01T09:45", organisation=node.id)
    assert ids(found) == ["honest"]
    assert found.understood["open_at"]["passed_over"] == 1_000 - hours.MOST_OF_ONE
    assert hours.read.cache_info().misses == hours.MOST_OF_ONE + 1
    # What is passed over is told of what the reader may see alone.
    assert ask(node, {"members"}, open_at="now").understood["open_at"]["passed_over"] < 1_000 - hours.MOST_OF_ONE
    assert ask(node, {"local"}, open_at="now").understood["open_at"].get("passed_over") is None
