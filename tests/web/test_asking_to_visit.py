"""The form by which a member asks to visit: what it sends becomes a request, and its faults stand at its fields."""

import pytest

from node.roaming.request import Request
from node.web.pages.visiting import _faults, _people, _request

PLACE = "bra1" + "a" * 32 + "/desk"
FORM = {
    "from": "2027-06-02", "until": "", "arrival": "", "company": " Nordic Sensors ", "purpose": "A first customer",
    "language": "en", "people": "3", "name1": "Liis Tamm", "email1": "liis@sensors.example",
    "name2": "", "email2": "", "name3": "Jaan Kask", "email3": "",
}  # fmt: skip


def test_one_day_is_the_last_day_too_and_rows_that_are_empty_are_nobody() -> None:
    request, rows = _request(PLACE, FORM)
    assert Request.problems(request) == []
    assert request["days"] == ["2027-06-02", "2027-06-02"] and "arrival" not in request
    assert [each["name"] for each in request["people"]] == ["Liis Tamm", "Jaan Kask"]
    assert (rows, request["company"]) == ([1, 3], "Nordic Sensors")


WRONG: dict[str, tuple[dict[str, str], set[str]]] = {
    "a day that is none": ({"from": "2027-06-31"}, {"from"}),
    "an end before the beginning": ({"until": "2027-06-01"}, {"from"}),
    "a last day that is none": ({"until": "soon"}, {"until"}),
    "an address of the second person, who stands third": ({"email3": "jaan@"}, {"email3"}),
    "a person without a name": ({"name3": "", "email3": "jaan@sensors.example"}, {"name3"}),
    "nobody at all": ({"name1": "", "email1": "", "name3": ""}, {"name1"}),
    "nobody who can be written to": ({"email1": ""}, {"email1"}),
    "no company and no purpose": ({"company": " ", "purpose": ""}, {"company", "purpose"}),
    "an hour that is none": ({"arrival": "25:00"}, {"arrival"}),
    "a language that is none": ({"language": "?"}, {"language"}),
}


@pytest.mark.parametrize("what", WRONG)
def test_each_fault_stands_at_its_field(what: str) -> None:
    typed, fields = WRONG[what]
    request, rows = _request(PLACE, {**FORM, **typed})
    assert {field for field, _ in _faults(Request.problems(request), rows)} == fields


@pytest.mark.parametrize(("said", "rows"), [("", 1), ("0", 1), ("7", 7), ("21", 20), ("-3", 1), ("9999", 1), ("٣", 1)])
def test_a_form_has_from_one_to_twenty_rows_whatever_it_says(said: str, rows: int) -> None:
    assert _people({"people": said}) == rows
