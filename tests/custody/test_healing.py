"""What of another history is believed: only what this node's own key signed, back to the last common state."""

import pytest

from node.custody.healing import _common, _Mine
from node.errors import BraError
from node.protocol.statements import Head
from tests.protocol.builders import Author, key_named


def histories() -> tuple[Author, Author]:
    """Two machines on one key: two states in common, then three and two of their own."""
    one = Author("tartu")
    for number in range(2):
        one.put("adoption", {"n": number})
        one.commit()
    other = one.twin()
    for author, more in ((one, 3), (other, 2)):
        for number in range(more):
            author.put("adoption", {"n": f"{more} {number}"})
            author.commit()
    return one, other


def mine(author: Author) -> _Mine:
    return _Mine(None, author.head, author.heads, {}, {})  # type: ignore[arg-type]


def common(here: Author, theirs: list[Head]) -> Head:
    return _common(mine(here), theirs, here.card)


def test_the_newest_head_of_both_chains_is_the_common_one() -> None:
    one, other = histories()
    assert common(one, other.heads) == one.heads[1]
    assert common(one, other.heads[1:]) == one.heads[1]


def forged(other: Author) -> list[Head]:
    thief = key_named("thief")
    heads = list(other.heads)
    heads[2] = other.head_with(key=thief, seq=heads[2].seq, prev=heads[1].hash)
    return heads


LIES = {
    "without a common head": lambda other: other.heads[2:],
    "with a head that another key signed": forged,
    "with an early common head and the later ones left out": lambda other: [other.heads[0], *other.heads[2:]],
    "with two heads that changed places": lambda other: [*other.heads[:2], other.heads[3], other.heads[2]],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_chain_is_not_believed(lie: str) -> None:
    one, other = histories()
    with pytest.raises(BraError):
        common(one, LIES[lie](other))


def test_a_partner_that_says_its_chain_goes_on_from_mine_has_to_show_it() -> None:
    one, other = histories()
    with pytest.raises(BraError):
        # As where `compare` was left out: my newest head, and then theirs.
        common(one, [one.head, *other.heads[2:]])
