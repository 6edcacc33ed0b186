"""A record as a form: whatever a kind may say comes back from its form as it went in, and what was typed is read."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest

from node import kinds
from node.demo.made_up import records_of
from node.demo.sites import sites
from node.web import form
from node.web.form import Field, Group, Input, Sent, Texts
from node.web.words import WORDS
from tests.kinds.kind_examples import KINDS, example


def sent_back(shown: Sequence[Field]) -> dict[str, list[str]]:
    """What a browser sends where nobody touched anything: lines end as all do there."""
    sent: dict[str, list[str]] = {}
    for each in shown:
        match each:
            case Group():
                sent |= sent_back(each.members)
            case Texts():
                for number, (tag, text) in enumerate(each.rows):
                    sent |= {f"{each.name}#{number}.tag": [tag], f"{each.name}#{number}.text": [as_sent(text)]}
            case Input(control="choices"):
                sent[each.name] = ["", *(option for option in each.options if option in each.chosen)]
            case Input():
                sent[each.name] = [as_sent(each.value)]
    return sent


def as_sent(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def walked(shown: Sequence[Field]) -> Iterator[Field]:
    for each in shown:
        yield each
        if isinstance(each, Group):
            yield from walked(each.members)


STRANGE: dict[str, dict[str, Any]] = {
    "venue": {
        "directions": {"zh-Hant": "\n\r\nBus 3\rto\tthe end ", "en": " x"},
        "geo": {"lat_e6": -1, "lon_e6": 179_999_999, "floor": 3},
        "photos": [],
        "newer": {"nobody": ["knows", 1]},
    },
    "culture_guide": {
        "links": [],
        "sections": {"taboos": {"de": "Keine."}, "dress": " as\r\nyou like", "smalltalk": "x"},
    },
    "practice": {"field_tests": [{"tester": "Lund", "cost": 3}, {"tester": "Tartu", "result": {"et": "Hea"}}]},
    "organisation": {"roles": ["incubator", "science_park"], "sectors": ["z", "a", "z"]},
    "contact": {"topics": ["Keys, badges; doors", " Visas"]},
}


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in KINDS:
        yield kind, example(kind)
        yield kind, example(kind, **STRANGE.get(kind, {}))
    for site in sites():
        for entry in site.entries:
            yield from records_of(entry)


def test_what_nobody_touched_comes_back_as_it_was() -> None:
    seen = set()
    for kind, body in bodies():
        shown = form.fields(kind, body)
        assert form.read(kind, sent_back(shown), body) == (body, []), kind
        seen.add(kind)
    assert seen == set(kinds.KINDS)


def test_what_a_form_shows_is_all_that_a_kind_may_say() -> None:
    """A new record is made of its fields alone: an example of each kind, typed into an empty form."""
    for kind in KINDS:
        body = example(kind)
        if kind == "culture_guide":
            # What is by language is made so as JSON.
            body["sections"] = {"punctuality": "Be early."}
        made, faults = form.read(kind, sent_back(form.fields(kind, body)), {})
        assert (made, faults) == (body, []), kind


def test_each_field_and_each_choice_has_words() -> None:
    for kind in KINDS:
        for each in walked(form.fields(kind, example(kind))):
            group = "section" if each.name.startswith("sections.") else "field"
            assert each.code in WORDS[group], each.name
            if isinstance(each, Input) and kind != "status_list":
                assert all(option in WORDS[each.words] for option in each.options), each.name


TYPED: dict[str, tuple[str, Sent, dict[str, Any]]] = {
    "as people write it": (
        "venue",
        {"contact.phone": ["+372 5612 3456"], "geo.lat_e6": ["58,378° N"], "terms.price": ["12,50"]},
        {
            "contact": {"email": "desk@park.example", "phone": "+37256123456"},
            "geo": {"lat_e6": 58_378_000, "lon_e6": 26_725_000},
            "terms": {"free_days": 3, "notice_hours": 24, "price": "12.50", "currency": "EUR"},
        },
    ),
    "one a line": ("venue", {"facilities": ["Wi-Fi\n\n  Meeting room \n"]}, {"facilities": ["wi-fi", "meeting_room"]}),
    "another language": (
        "venue",
        {"wifi#0.tag": ["en"], "wifi#0.text": ["Ask the desk"], "wifi#1.tag": [" et "], "wifi#1.text": ["Küsi"]},
        {"wifi": {"en": "Ask the desk", "et": "Küsi"}},
    ),
    "the same language twice, and nothing of it is lost": (
        "venue",
        {"wifi#0.tag": ["en"], "wifi#0.text": ["One"], "wifi#1.tag": ["en"], "wifi#1.text": ["Two"]},
        {"wifi": {"en": "One", "en (again)": "Two"}},
    ),
    "nothing any more": (
        "venue",
        {"capacity": [" "], "wifi#0.tag": ["en"], "wifi#0.text": [""]},
        {"capacity": ..., "wifi": ...},
    ),
    "an object that may be left out, emptied": ("organisation", {"geo.lat_e6": [""], "geo.lon_e6": [""]}, {"geo": ...}),
    "one of several, emptied": (
        "practice",
        {f"field_tests[0].{name}": [""] for name in ("tester", "region", "period", "lessons#0.tag", "lessons#0.text")},
        {"field_tests": ...},
    ),
    "one more of several": (
        "practice",
        {"field_tests[1].tester": ["Tartu"]},
        {"field_tests": [example("practice")["field_tests"][0], {"tester": "Tartu"}]},
    ),
    "another choice, behind those that were there": (
        "organisation",
        {"roles": ["", "cluster", "incubator", "science_park"]},
        {"roles": ["science_park", "incubator", "cluster"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPED)
def test_what_was_typed_is_read(name: str) -> None:
    kind, sent, changes = TYPED[name]
    assert form.read(kind, sent, example(kind)) == (example(kind, **changes), [])


ANYTHING = [5, "x", True, {}, {"a": 1}, [], ["x"], [5], [[1]], [{}]]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_was_typed_as_json_has_a_form(kind: str) -> None:
    for name, value in product(kinds.KINDS[kind].model_fields, ANYTHING):
        assert name in {each.name.partition("[")[0] for each in form.fields(kind, {**example(kind), name: value})}


UNREADABLE = {
    "a latitude": ("geo.lat_e6", "58,37.8", "is not a coordinate"),
    "a price": ("terms.price", "1,200", "can be read in two ways"),
    "a phone": ("contact.phone", "5612 3456", "has no country code"),
    "a number": ("capacity", "about ten", "is not a whole number"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_can_t_be_read_is_told_and_stays_in_its_field(name: str) -> None:
    field, text, sentence = UNREADABLE[name]
    body, [(path, told)] = form.read("venue", {field: [text]}, example("venue"))
    assert path == field
    assert sentence in told
    [shown] = [each for each in walked(form.fields("venue", body, [(path, told)])) if each.name == field]
    assert isinstance(shown, Input)
    assert (shown.value, shown.faults) == (text, [told])
