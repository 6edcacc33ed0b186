"""The facts of a record: what is filtered, sorted and counted, from its body alone."""

from typing import Any

import pytest

from node import kinds
from node.storage.index import entry
from tests.kinds.kind_examples import example

FACTS: list[Any] = [
    pytest.param(
        "venue", {"facilities": ["wifi", "lift", "wifi"]}, {"facilities": " lift wifi ", "country": "EE"}, id="a venue"
    ),
    pytest.param(
        "event",
        {"start": "2027-06-02T09:00", "end": "2027-06-02T10:00", "time_zone": "Europe/Tallinn"},
        {"starts": 1811916000, "ends": 1811919600, "starts_there": 1811926800, "ends_there": 1811930400},
        id="an event",
    ),
    pytest.param("culture_guide", {"place": "Munich", "language": "en-GB"}, {"city": "Munich", "languages": " en "},
                 id="a guide"),
    pytest.param("contact", {"name": "Ada", "consent": "2026-01-15", "country": "EE", "languages": ["et", "en-GB"]},
                 {"languages": " en et ", "country": None}, id="a person"),
    pytest.param("adoption", {"country": 7, "type": {"a": 1}, "languages": 3, "start": "x", "hours": []},
                 {"country": None, "type": None, "languages": None, "starts": None, "opening": None},
                 id="fields of a newer kind"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "expected"), FACTS)
def test_facts_are_those_that_the_kind_names(kind: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = entry(kind, {**example(kind), **fields}).facts
    assert found is not None
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_every_kind_has_facts(kind: str) -> None:
    found = entry(kind, example(kind)).facts
    assert found is not None
    assert found.name


def test_what_is_not_understood_has_none() -> None:
    assert entry("dance", {"name": "polka"}).facts is None
    assert entry("venue", {"name": "broken"}).facts is None
