"""The order of relevance: each reason moves a record the way that it says, and no other."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.directory.search import ranking
from node.protocol.names import LONGEST_BEAT
from node.protocol.verdicts import Accepted
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption, adoption_body, organisation_body
from tests.protocol.builders import Author
from tests.search.asking import ask, ids, venue

shares = st.sampled_from([0.0, 0.25, 0.5, 1.0])
lengths = st.integers(0, 20_000)
squares = st.none() | st.integers(0, 4 * 10**14)
flags = st.booleans()


def score(**reasons: float | None) -> float:
    columns = ", ".join(f":{name} AS {name}" for name in reasons)
    with closing(sqlite3.connect(":memory:")) as db:
        row = db.execute(f"SELECT {ranking.SCORE} FROM (SELECT {columns})", reasons).fetchone()
    return float(row[0])


REASONS = st.fixed_dictionaries(
    {"heading": shares, "whole": flags, "length": lengths, "square": squares, "honoured": flags, "stale": flags}
)


@given(REASONS, lengths, st.integers(0, 4 * 10**14))
def test_each_reason_moves_the_score_its_own_way(reasons: dict[str, Any], longer: int, farther: int) -> None:
    here = score(**reasons)
    assert score(**{**reasons, "heading": 1.0}) >= here
    assert score(**{**reasons, "whole": True}) >= here
    assert score(**{**reasons, "honoured": True}) >= here
    assert score(**{**reasons, "stale": True}) <= here
    assert score(**{**reasons, "length": reasons["length"] + longer}) <= here
    if reasons["square"] is not None:
        assert score(**{**reasons, "square": reasons["square"] + farther}) <= here


@given(REASONS)
def test_the_points_that_are_told_make_up_the_score(reasons: dict[str, Any]) -> None:
    assert sum(ranking.points(**reasons).values()) == pytest.approx(score(**reasons), abs=0.005)


async def others(node: SmallNode) -> None:
    """Records enough for a word to be rare."""
    await node.publish(*(adoption(f"something else {number}", id=f"other{number}") for number in range(20)))
    node.clock.pass_by(2)


async def test_a_whole_word_stands_before_a_beginning(node: SmallNode) -> None:
    await others(node)
    await node.publish(adoption("artisan artifact artful", id="beginnings"), adoption("art", id="whole"))
    assert ids(ask(node, q="art")) == ["whole", "beginnings"]


async def test_a_heading_stands_before_a_text(node: SmallNode) -> None:
    await others(node)
    await node.publish(venue("text", directions={"en": "Greenhouse"}), venue("heading", name="Greenhouse"))
    assert ids(ask(node, q="greenhouse")) == ["heading", "text"]


async def test_what_is_nearer_stands_before_what_is_farther(node: SmallNode) -> None:
    await others(node)
    await node.publish(venue("far", 58.5, name="Greenhouse"), venue("near", 58.38, name="Greenhouse"))
    assert ids(ask(node, q="greenhouse", near="58.38,26.729")) == ["near", "far"]


async def test_a_short_text_stands_before_a_long_one(node: SmallNode) -> None:
    long = "greenhouse and " + "much else " * 100
    await node.publish(venue("long", directions={"en": long}), venue("short", directions={"en": "greenhouse"}))
    assert ids(ask(node, q="greenhouse")) == ["short", "long"]


async def taken(node: SmallNode, name: str) -> Author:
    author = Author(name)
    author.put("organisation", organisation_body(f"{name.title()} Park"), "self")
    author.put("adoption", adoption_body("pitching"), name)
    author.commit()
    author.beat(author.now)
    node.befriend(author)
    assert isinstance(await node.take(author.block_lines(), author), Accepted)
    return author


async def test_the_honoured_stand_before_the_listed_and_the_fresh_before_the_stale(node: SmallNode) -> None:
    await others(node)
    listed, honoured = await taken(node, "listed"), await taken(node, "honoured")
    node.accept(listed, Standing.LISTED)
    node.accept(honoured, Standing.HONOURED)
    assert ids(ask(node, q="pitching")) == ["honoured", "listed"]
    node.clock.pass_by(LONGEST_BEAT + 10)
    await node.publish(adoption("pitching", id="fresh"))
    await node.publisher.beat()
    found = ask(node, q="pitching", explain="true")
    assert ids(found) == ["fresh", "honoured", "listed"]
    assert [record["why"]["points"].get("stale") for record in found.records] == [None, -2.0, -2.0]
