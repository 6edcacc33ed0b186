"""A question's fields: what is taken, and what is refused with its name and a sentence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.directory.search import Question
from node.errors import InputError

TAKEN: list[Any] = [
    pytest.param({}, {}, id="nothing"),
    pytest.param({"country": "de, AT"}, {"country": ("DE", "AT")}, id="countries in any case"),
    pytest.param({"country": ["DE", "AT,CH"]}, {"country": ("DE", "AT", "CH")}, id="a list that is repeated"),
    pytest.param({"country": ",".join(["DE"] * 500)}, {"country": ("DE",)}, id="the same very often"),
    pytest.param({"limit": "7", "facets": "true"}, {"limit": 7, "facets": True}, id="numbers and yes"),
    pytest.param({"radius_km": "0.5"}, {"radius_km": 0.5}, id="half a kilometre"),
    pytest.param({"from": "2027-06-02"}, {"from_": "2027-06-02"}, id="from"),
]


@pytest.mark.parametrize(("given_", "expected"), TAKEN)
def test_texts_become_a_question(given_: dict[str, Any], expected: dict[str, Any]) -> None:
    assert Question.parse(given_) == Question.model_construct(**expected)


REFUSED = [
    pytest.param({"x": "1"}, "x", "can't be asked for: give q, near", id="an unknown field"),
    pytest.param({"from_": "2027-06-02"}, "from_", "can't be asked for", id="our own name of from"),
    pytest.param({"q": "x" * 201}, "q", "at most 200 characters", id="too long a text"),
    pytest.param({"near": "  "}, "near", "no place", id="nowhere"),
    pytest.param({"near": "91,0"}, "near", "not on the Earth", id="beyond the pole"),
    pytest.param({"radius_km": "0"}, "radius_km", "a distance from", id="no radius"),
    pytest.param({"radius_km": "nan"}, "radius_km", "a distance from", id="a radius that is no number"),
    pytest.param({"radius_km": "inf"}, "radius_km", "a distance from", id="an endless radius"),
    pytest.param({"radius_km": "20041"}, "radius_km", "up to 20040", id="a radius beyond the Earth"),
    pytest.param({"bbox": "1,2,3"}, "bbox", "west,south,east,north", id="three sides"),
    pytest.param({"bbox": "1,2,3,4,5"}, "bbox", "west,south,east,north", id="five sides"),
    pytest.param({"bbox": "1,9,3,4"}, "bbox", "south above its north", id="upside down"),
    pytest.param({"bbox": "1,2,3,91"}, "bbox", "not on the Earth", id="off the Earth"),
    pytest.param({"bbox": "1e0,2,3,4"}, "bbox", "west,south,east,north", id="a number for computers"),
    pytest.param({"country": "UK"}, "country", "write GB", id="a slip of a country"),
    pytest.param({"country": "EE,"}, "country", "is not a country", id="a comma too many"),
    pytest.param({"facilities": ",".join(f"f{n}" for n in range(21))}, "facilities", "at most 20", id="too many"),
    pytest.param({"facilities": "a," * 5000}, "facilities", "at most 20", id="far too many"),
    pytest.param({"facilities": "Wi Fi"}, "facilities", "a short code", id="no code"),
    pytest.param({"kind": "dance"}, "kind", "the kinds are organisation", id="an unknown kind"),
    pytest.param({"category": "dance"}, "category", "write one of education", id="an unknown category"),
    pytest.param({"languages": "xx"}, "languages", "is not a language", id="an unknown language"),
    pytest.param({"sort": "up"}, "sort", "is not an order: relevance", id="an unknown order"),
    pytest.param({"limit": "0"}, "limit", "from 1 to 1000", id="an empty page"),
    pytest.param({"limit": "1001"}, "limit", "from 1 to 1000", id="too large a page"),
    pytest.param({"limit": "1.5"}, "limit", "from 1 to 1000", id="half a record"),
    pytest.param({"limit": "x" * 5000}, "limit", "from 1 to 1000", id="no number"),
    pytest.param({"facets": "perhaps"}, "facets", "true or false", id="perhaps"),
    pytest.param({"q": "\ud800"}, "q", "half a character", id="half a character"),
]


@pytest.mark.parametrize(("asked", "field", "sentence"), REFUSED)
def test_what_is_wrong_is_named(asked: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        Question.parse(asked)
    assert refused.value.field == field
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 500


NAMES = st.sampled_from([*(field.alias or name for name, field in Question.model_fields.items()), "other"])


@given(st.dictionaries(NAMES, st.text(max_size=60) | st.lists(st.text(max_size=20), max_size=30), max_size=4))
def test_anything_is_a_question_or_an_input_error(asked: dict[str, Any]) -> None:
    try:
        question = Question.parse(asked)
    except InputError as error:
        assert error.field
    else:
        assert len(question.digest()) == 16


ORDERS = [
    pytest.param({}, "relevance", id="of nothing"),
    pytest.param({"near": "Tartu"}, "distance", id="of a place"),
    pytest.param({"near": "Tartu", "q": "desk"}, "relevance", id="of words at a place"),
    pytest.param({"from": "2027-06-02"}, "start", id="of a span"),
    pytest.param({"until": "2027-06-02", "q": "pitch"}, "relevance", id="of words in a span"),
    pytest.param({"near": "Tartu", "from": "2027-06-02"}, "distance", id="of a span at a place"),
    pytest.param({"near": "Tartu", "sort": "name"}, "name", id="that was asked for"),
]


@pytest.mark.parametrize(("asked", "order"), ORDERS)
def test_the_order_is_the_one_that_the_question_is_about(asked: dict[str, str], order: str) -> None:
    assert Question.parse(asked).order == order


def test_the_schema_describes_every_field() -> None:
    properties = Question.model_json_schema()["properties"]
    assert {name for name, field in properties.items() if not field.get("description")} == set()
    assert "from" in properties
