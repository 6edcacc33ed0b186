"""Sentences that can be translated: they are their English to whoever reads them as a text."""

import copy
import json
import pickle
import sqlite3
from string import ascii_letters

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import Declined, InputError, Malformed
from node.sentence import Sentence, at, filled, said, without_field

HINT = said("did you mean {city}?", city="Tartu")
ENGLISH: dict[str, tuple[Sentence, str]] = {
    "one of no values": (said("ask for a new one"), "ask for a new one"),
    "one of a text and a number": (said("{place} has {left} left", place="Delta", left=3), "Delta has 3 left"),
    "one within another": (said("no city is called {city}: {hint}", city="Tartuu", hint=HINT),
                           "no city is called Tartuu: did you mean Tartu?"),
    "a value twice": (said("call {who}, and see that {who} is there", who="X"), "call X, and see that X is there"),
    "a value that looks like a place": (said("{a} of {b}", a="{b}", b="{a}"), "{b} of {a}"),
    "a place without a value": (said("{name} has left"), "{name} has left"),
    "braces that are no place": (said('a list such as ["{}"], {"a b"}'), 'a list such as ["{}"], {"a b"}'),
    "a value called template": (said("the {template} of {self}", template="one", self="two"), "the one of two"),
    "a fault of a field": (at("near", said("no city is called {city}", city="X")), "near: no city is called X"),
}  # fmt: skip


@pytest.mark.parametrize("what", ENGLISH)
def test_a_sentence_is_its_english_to_whatever_reads_it(what: str) -> None:
    sentence, english = ENGLISH[what]
    assert sentence == english and hash(sentence) == hash(english)
    assert (f"{sentence}", "%s" % sentence, sentence[:]) == (english,) * 3  # noqa: UP031
    assert json.loads(json.dumps({"sentence": sentence})) == orjson.loads(orjson.dumps({"sentence": sentence}))
    assert orjson.loads(orjson.dumps(sentence)) == english
    db = sqlite3.connect(":memory:")
    assert db.execute("SELECT ?, typeof(?)", (sentence, sentence)).fetchone() == (english, "text")


@pytest.mark.parametrize("error", [InputError, Malformed, ValueError, lambda text: Declined(text, 404)])
def test_an_error_keeps_its_sentence_also_when_it_is_raised_again_as_another(error: type[Exception]) -> None:
    again = InputError(str(error(HINT)), "near")
    assert str(again) is HINT
    assert (str(again), HINT.template, HINT.values) == (
        "did you mean Tartu?",
        "did you mean {city}?",
        {"city": "Tartu"},
    )


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_of_a_sentence_is_the_same_sentence(made: type[Sentence]) -> None:
    nested = ENGLISH["one within another"][0]
    found = made(nested)
    assert (found, found.template, found.values) == (nested, nested.template, nested.values)
    assert isinstance(found.values["hint"], Sentence)


@given(st.dictionaries(st.text(ascii_letters, min_size=1), st.text(alphabet="{}ab :"), min_size=1))
def test_no_value_is_ever_read_as_a_template(values: dict[str, str]) -> None:
    template = " | ".join(f"{{{name}}}" for name in values)
    assert said(template, **values) == filled(template, values) == " | ".join(values.values())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (at("near", "no city"), "no city"),
        (said("{fault} here", fault="x"), "x here"),
        (HINT, HINT),
        ("near: no", "near: no"),
    ],
)
def test_what_is_wrong_can_be_told_without_its_field(text: str, fault: str) -> None:
    assert without_field(text) == fault
