"""Whether somebody still has the recovery words: three are asked, and nothing else is kept of them."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from node.directory.word_check import Sample, checked, keep, kept, note
from node.protocol.keys import PrivateKey, recovery_words
from node.storage.database import Database

WORDS = recovery_words(PrivateKey(bytes(range(32))))


def drawn(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


def asked(sample: Sample) -> list[str]:
    return [WORDS.split()[place - 1] for place in sample.places]


def test_the_three_words_at_the_places_fit_however_they_are_typed() -> None:
    sample = Sample.of(WORDS, drawn(1))
    assert sample.fits(asked(sample))
    assert sample.fits([f" {word.upper()} " for word in asked(sample)])
    assert Sample.parse(str(sample)) == sample


@pytest.mark.parametrize("place", range(3))
def test_one_wrong_word_is_enough(place: int) -> None:
    sample = Sample.of(WORDS, drawn(1))
    words = asked(sample)
    words[place] = "zoo"
    assert not sample.fits(words)


@pytest.mark.parametrize("given", [[], ["", "", ""], WORDS.split()], ids=["none", "empty ones", "all of them"])
def test_nothing_else_fits(given: list[str]) -> None:
    assert not Sample.of(WORDS, drawn(1)).fits(given)


def test_the_places_are_drawn_and_each_may_come() -> None:
    places = [Sample.of(WORDS, drawn(seed)).places for seed in range(60)]
    assert all(1 <= one < two < three <= 24 for one, two, three in places)
    assert {place for each in places for place in each} == set(range(1, 25))


def test_kept_is_what_tells_right_words_and_none_of_them(tmp_path: Path) -> None:
    sample = Sample.of(WORDS, drawn(1))
    database = Database(tmp_path / "node.db")

    def job(db: sqlite3.Connection) -> tuple[object, ...]:
        before = kept(db), checked(db)
        keep(db, sample)
        held = checked(db)
        note(db, 1_800_000_000.5)
        return *before, held, kept(db), checked(db)

    assert database.write_now(job) == (None, None, None, sample, 1_800_000_000)
    told = [repr(sample), *database.read_now(lambda db: [value for (value,) in db.execute("SELECT value FROM meta")])]
    assert not [word for word in WORDS.split() if any(word in each for each in told)]
    database.close()
