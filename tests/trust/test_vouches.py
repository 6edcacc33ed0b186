"""The index of endorsements: whatever was put, it is what a fresh one made of the newest words would be."""

from hypothesis import given
from hypothesis import strategies as st

from node.protocol.names import NodeId
from node.trust.vouches import Endorsement, Vouches

NAMES = [NodeId(name) for name in "abcde"]
WORDS = st.tuples(
    st.sampled_from(NAMES), st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9)), max_size=6)
).map(lambda word: (word[0], [Endorsement(word[0], of, arrival=place) for of, place in word[1]]))


@given(st.lists(WORDS, max_size=12))
def test_the_newest_words_are_all_that_is_left(words: list[tuple[NodeId, list[Endorsement]]]) -> None:
    vouches = Vouches()
    for by, said in words:
        vouches.put(by, said)
    fresh = Vouches(each for said in dict(words).values() for each in said)
    for name in NAMES:
        assert vouches.by(name) == fresh.by(name)
        assert vouches.of(name) == fresh.of(name)
        assert all(vouches.of(of)[name] == each for of, each in vouches.by(name).items())


@given(st.lists(WORDS, max_size=12), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_without_one_endorsement_all_others_stay_and_so_does_the_index(
    words: list[tuple[NodeId, list[Endorsement]]], by: NodeId, of: NodeId
) -> None:
    said = [each for _, endorsements in words for each in endorsements]
    vouches, before = Vouches(said), Vouches(said)
    less = Vouches(each for each in said if (each.by, each.of) != (by, of))
    assert all(vouches.but(by, of).by(name) == less.by(name) for name in NAMES)
    assert all(vouches.by(name) == before.by(name) for name in NAMES)


def test_what_came_first_stands_and_nobody_endorses_itself() -> None:
    a, b = NAMES[:2]
    vouches = Vouches([Endorsement(a, b, "2026-01-01"), Endorsement(a, b, "2020-01-01"), Endorsement(a, a)])
    assert [each.date for each in vouches.by(a).values()] == ["2026-01-01"]
    assert vouches.of(a) == {}
