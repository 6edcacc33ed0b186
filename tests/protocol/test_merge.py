"""Healing: what becomes of each record of two histories, as a table, and what holds of all of them."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.merge import Merged, Side, merge
from node.protocol.record import Record, tree_key
from tests.protocol.builders import NOW, Author

SINCE = 10
TARTU = Author("tartu")
PERSONAL = frozenset({"contact"})


def record(id_: str, text: str, seq: int, *, kind: str = "venue", later: int = 0) -> Record:
    return Record.make(
        author=TARTU.id,
        kind=kind,
        id=id_,
        seq=seq,
        salt=text.encode().ljust(16, b"\0")[:16],
        updated=NOW + later,
        visibility="public",
        body={"name": text},
    )


def side(*records: Record, removed: tuple[str, ...] = (), kind: str = "venue") -> Side:
    return Side({each.key: each for each in records}, {tree_key(kind, id_) for id_ in removed})


OLD = record("r", "old", 5)
MINE = record("r", "mine", 12)
THEIRS = record("r", "theirs", 11, later=1)


@dataclass(frozen=True)
class Case:
    mine: Side
    theirs: Side
    after: str | None
    """The text that stands in the end, or None."""
    drafts: tuple[str, ...] = ()


CASES = [
    pytest.param(Case(side(OLD), side(OLD), "old"), id="what nobody touched stays"),
    pytest.param(Case(side(MINE), side(OLD), "mine"), id="what only I changed is mine"),
    pytest.param(Case(side(OLD), side(THEIRS), "theirs"), id="what only they changed is theirs"),
    pytest.param(Case(side(MINE), side(), "mine"), id="what only I added stays"),
    pytest.param(Case(side(), side(THEIRS), "theirs"), id="what only they added comes"),
    pytest.param(Case(side(removed=("r",)), side(OLD), None), id="what I deleted does not come back from them"),
    pytest.param(Case(side(OLD), side(removed=("r",)), None), id="what they deleted goes here too"),
    pytest.param(Case(side(OLD), side(), None), id="what they lack of the common state they deleted, told or not"),
    pytest.param(Case(side(removed=("r",)), side(THEIRS), None, ("theirs",)), id="my deletion beats their edit"),
    pytest.param(Case(side(MINE), side(removed=("r",)), None, ("mine",)), id="their deletion beats my edit"),
    pytest.param(Case(side(MINE), side(THEIRS), "theirs", ("mine",)), id="of two edits the later stands"),
    pytest.param(
        Case(side(record("r", "mine", 12, later=9)), side(THEIRS), "mine", ("theirs",)),
        id="mine, where it is the later",
    ),
    pytest.param(Case(side(MINE), side(record("r", "mine", 12)), "mine"), id="the same on both sides is no conflict"),
    pytest.param(Case(side(removed=("r",)), side(removed=("r",)), None), id="what both deleted is gone"),
]


@pytest.mark.parametrize("case", CASES)
def test_each_record_becomes_what_the_rules_say(case: Case) -> None:
    merged = merge(case.mine, case.theirs, since=SINCE, personal=PERSONAL)
    [after] = applied(case.mine, merged).values() or [None]
    assert (after.body["name"] if after else None) == case.after
    assert tuple(each.body["name"] for each in merged.drafts) == case.drafts


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (side(removed=("p",), kind="contact"), side(record("p", "their edit", 12, kind="contact"))),
        (side(record("p", "my edit", 12, kind="contact")), side(removed=("p",), kind="contact")),
        (
            side(record("p", "one", 12, kind="contact")),
            side(record("p", "other", 12, kind="contact", later=5)),
        ),
    ],
)
def test_of_personal_data_no_second_version_is_kept(mine: Side, theirs: Side) -> None:
    assert merge(mine, theirs, since=SINCE, personal=PERSONAL).drafts == []


def applied(mine: Side, merged: Merged) -> dict[bytes, Record]:
    after = {**mine.records, **merged.take}
    for key in merged.remove:
        del after[key]
    return after


IDS = "abcde"
Histories = tuple[dict[bytes, Record], Side, Side]


@st.composite
def histories(draw: st.DrawFn) -> Histories:
    """A common set, and what two sides made of it."""
    common = {each.key: each for each in (record(id_, "old", place) for place, id_ in enumerate(IDS, 1))}
    common = {key: each for key, each in common.items() if draw(st.booleans())}

    def go_on(name: str) -> Side:
        records, removed, seq = dict(common), set[bytes](), SINCE
        for id_ in draw(st.lists(st.sampled_from(IDS), max_size=6)):
            seq += 1
            key = tree_key("venue", id_)
            if draw(st.booleans()):
                records[key] = record(id_, f"{name}{seq}", seq, later=draw(st.integers(0, 3)))
                removed.discard(key)
            elif records.pop(key, None):
                removed.add(key)
        return Side(records, removed)

    return common, go_on("m"), go_on("t")


@settings(max_examples=300)
@given(histories())
def test_nothing_published_is_lost_and_nothing_deleted_comes_back(found: Histories) -> None:
    common, mine, theirs = found
    merged = merge(mine, theirs, since=SINCE)
    after = applied(mine, merged)
    kept = {each.value for each in (*after.values(), *merged.drafts)}
    for one in (mine, theirs):
        assert {each.value for each in one.records.values() if each.seq > SINCE} <= kept, "a new version is lost"
        assert not one.removed & after.keys(), "what was deleted is back"
    untouched = common.keys() & mine.records.keys() & theirs.records.keys()
    assert untouched <= after.keys()


@settings(max_examples=300)
@given(histories())
def test_whichever_side_heals_the_shared_set_is_the_same(found: Histories) -> None:
    _, mine, theirs = found
    here = applied(mine, merge(mine, theirs, since=SINCE))
    there = applied(theirs, merge(theirs, mine, since=SINCE))
    assert {key: each.value for key, each in here.items()} == {key: each.value for key, each in there.items()}
