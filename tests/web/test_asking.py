"""The state of a search stands in its address: whatever is asked comes back, and each change leads to one question."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from node.api.endpoint import parse_query
from node.directory.search import Question
from node.web import asking

FULL = {
    "q": "desk & more, +1",
    "near": "Munich, DE",
    "radius_km": "30.5",
    "bbox": "5.9,47.3,15.1,55",
    "country": "DE,AT",
    "kind": "venue,event",
    "facilities": "wifi,coffee",
    "languages": "en",
    "organisation": "Tartu Park",
    "open_at": "2027-06-01T10:00+02:00",
    "from": "2027-06-01",
    "until": "2027-06-30",
    "sort": "distance",
    "explain": "true",
}


def read(address: str) -> Question:
    """The question that a browser which goes to this address asks."""
    query = URL(address, encoded=True).query
    return parse_query(Question, {name: query.getall(name) for name in query})


def test_an_address_says_all_that_was_asked_and_nothing_else() -> None:
    question = Question.parse(FULL)
    assert read(asking.address("/search", question)) == question
    assert asking.address("/search", Question()) == "/search"


@given(st.text(min_size=1, max_size=60), st.sampled_from(["Munich", "58.38,26.72"]))
def test_any_words_come_back_from_an_address_as_they_were(words: str, near: str) -> None:
    question = Question(q=words, near=near)
    assert read(asking.address("/search", question)) == question


def test_a_change_begins_with_the_first_page_and_keeps_the_rest() -> None:
    question = Question.parse({"q": "desk", "after": "abc", "limit": "5", "facets": "true"})
    assert asking.address("/search", question, near="Lund") == "/search?q=desk&near=Lund"
    assert asking.address("/search", question, q=None) == "/search"
    assert asking.address("/search", question, after="next") == "/search?q=desk&after=next"
    assert asking.address("/search", question, {"view": "map"}) == "/search?q=desk&view=map"


def test_what_a_question_is_narrowed_down_by_is_taken_off_one_by_one() -> None:
    question = Question.parse(
        {"q": "a", "country": "DE,AT", "kind": "venue", "organisation": "Lund", "bbox": "1,2,3,4"}
    )
    left = {
        (each.facet, each.value): asking.address("/search", question, **each.changes)
        for each in asking.chosen(question)
    }
    assert left == {
        ("kind", "venue"): "/search?q=a&bbox=1,2,3,4&country=DE,AT&organisation=Lund",
        ("country", "DE"): "/search?q=a&bbox=1,2,3,4&country=AT&kind=venue&organisation=Lund",
        ("country", "AT"): "/search?q=a&bbox=1,2,3,4&country=DE&kind=venue&organisation=Lund",
        ("organisation", "Lund"): "/search?q=a&bbox=1,2,3,4&country=DE,AT&kind=venue",
        ("bbox", "1,2,3,4"): "/search?q=a&country=DE,AT&kind=venue&organisation=Lund",
    }


FACETS = {
    "kind": [{"value": "venue", "count": 5}],
    "country": [{"value": "DE", "count": 3}, {"value": "AT", "count": 2}],
    "facilities": [{"value": "wifi", "count": 4}],
    "organisation": [{"value": "bra1a", "count": 4, "name": "Lund"}, {"value": "bra1b", "count": 1}],
}
OFFERED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "what only some have": (
        {},
        {
            "country": ["/search?country=DE", "/search?country=AT"],
            "facilities": ["/search?facilities=wifi"],
            "organisation": ["/search?organisation=bra1a", "/search?organisation=bra1b"],
        },
    ),
    "a facility beside another": (
        {"facilities": "lift", "organisation": "bra1a"},
        {
            "country": [
                "/search?country=DE&facilities=lift&organisation=bra1a",
                "/search?country=AT&facilities=lift&organisation=bra1a",
            ],
            "facilities": ["/search?facilities=lift,wifi&organisation=bra1a"],
            "organisation": ["/search?facilities=lift&organisation=bra1b"],
        },
    ),
    "another country instead": (
        {"country": "DE", "organisation": "bra1a", "facilities": "wifi"},
        {
            "country": ["/search?country=AT&facilities=wifi&organisation=bra1a"],
            "organisation": ["/search?country=DE&facilities=wifi&organisation=bra1b"],
        },
    ),
}


@pytest.mark.parametrize("name", OFFERED)
def test_offered_is(name: str) -> None:
    asked, expected = OFFERED[name]
    question = Question.parse(asked)
    found = asking.offered(question, FACETS)
    assert {
        facet: [asking.address("/search", question, **each.changes) for each in choices]
        for facet, choices in found.items()
    } == expected


EASED = {
    "nothing": ({}, {}),
    "words": ({"q": "a"}, {"q": "/search"}),
    "a place and a time": (
        {"near": "Lund", "open_at": "now", "sort": "distance"},
        {
            "open_at": "/search?near=Lund&sort=distance",
            "radius_km": "/search?near=Lund&radius_km=100&open_at=now&sort=distance",
            "near": "/search?open_at=now",
        },
    ),
    "a far place": ({"near": "Lund", "radius_km": "200"}, {"near": "/search"}),
    "days and a kind": (
        {"from": "2027-06-01", "until": "2027-06-02", "kind": "event"},
        {"days": "/search?kind=event", "facets": "/search?from=2027-06-01&until=2027-06-02"},
    ),
}


@pytest.mark.parametrize("name", EASED)
def test_suggested_where_nothing_was_found_is(name: str) -> None:
    asked, expected = EASED[name]
    question = Question.parse(asked)
    assert {
        what: asking.address("/search", question, **changes) for what, changes in asking.eased(question)
    } == expected
