"""`bra list --format`: from real nodes to files that other programs, and `bra verify`, read."""

import json

import pytest
import vobject

from tests.nodes import Node, until, venue

HALL = venue("hall", name="Õpetaja büroo „Äri”", directions={"en": "=1+1", "et": "Buss 3"})
DAY = {
    "ref": "day", "title": {"en": "Demo day"}, "start": "2027-06-02T09:00", "end": "2027-06-02T17:00",
    "time_zone": "Europe/Tallinn", "status": "confirmed", "organiser": "Tartu", "open_to": "public",
}  # fmt: skip


@pytest.fixture(scope="module")
def tartu(tmp_path_factory: pytest.TempPathFactory) -> Node:
    node = Node(tmp_path_factory.mktemp("exports") / "tartu", "Tartu Science Park")
    [hall] = node.publish("venue", [HALL])["ids"]
    node.publish("event", [{**DAY, "venue": hall}])
    node.publish("venue", [{**venue("secret"), "visibility": "local"}])
    return node


def test_a_sheet_of_own_records_is_published_again_without_a_change(tartu: Node) -> None:
    sheet = tartu.bra("list", "venue", "--format", "csv")
    assert "hall,public,Õpetaja büroo „Äri”," in sheet
    done = tartu.json("publish", "-", "--kind", "venue", "--keep-missing", stdin=sheet.encode())
    assert (done["unchanged"], done["created"], done["changed"]) == (2, 0, 0)


def test_a_calendar_knows_where_its_events_are(tartu: Node) -> None:
    event = vobject.readOne(tartu.bra("list", "event", "--format", "ics", "--language", "en")).vevent
    assert event.location.value == "Õpetaja büroo „Äri”, Example street 1, Tartu"
    assert event.dtstart.value.isoformat() == "2027-06-02T09:00:00+03:00"


def test_a_format_without_words_for_a_kind_says_which_it_takes(tartu: Node) -> None:
    assert "iCalendar has no words for venue: it takes event" in tartu.bra("list", "venue", "--format", "ics", code=1)
    assert "the formats are json, jsonl" in tartu.bra("list", "venue", "--format", "pdf", code=2)


def test_a_bundle_proves_itself_line_by_line_without_a_node(tartu: Node, tmp_path) -> None:
    tartu.publish("venue", [HALL, venue("desk")])
    bundle = tartu.bra("list", "venue", "--format", "bundle").encode()
    lines = bundle.splitlines(keepends=True)
    assert len(lines) == 2, "what never leaves this node is left out"
    assert "2 of 2 signed records hold; they are of 1 authors" in tartu.bra("verify", "-", stdin=bundle)

    forged = lines[0] + lines[1].replace(b'"city":"Tartu"', b'"city":"Lund"') + b"not a line\n"
    told = tartu.bra("verify", "-", stdin=forged, code=1)
    assert "line 2 does not hold" in told
    assert "line 3 does not hold: the file is not JSON" in told
    found = json.loads(tartu.bra("verify", "-", "--json", stdin=lines[1] + lines[0]))
    assert {each["body"]["name"] for each in found["records"]} == {HALL["name"], "Room desk"}
    assert (found["failed"], [each["line"] for each in found["records"]]) == ([], [1, 2])


def test_a_single_record_is_verified_however_it_was_written_down(tartu: Node) -> None:
    record = json.loads(tartu.card())
    for text in json.dumps(record), json.dumps(record, indent=2), json.dumps(record, indent=0):
        assert "It holds: organisation self" in tartu.bra("verify", "-", stdin=text.encode())


def test_what_others_published_is_exported_with_where_it_is_from(tartu: Node, tmp_path) -> None:
    lund = Node(tmp_path / "lund", "Lund Park", city="Lund", country="SE")
    lund.befriend(tartu)
    tartu.serve()
    try:
        until(lambda: lund.json("sync")["partners"] and lund.json("list", "venue")["records"], "nothing came")
        [feature, *_] = json.loads(lund.bra("list", "venue", "--format", "geojson"))["features"]
    finally:
        tartu.stop()
    assert feature["geometry"]["coordinates"] == [26.729, 58.378]
    assert (feature["properties"]["bra.author"], feature["properties"]["bra.organisation"]) == (tartu.id, tartu.name)
