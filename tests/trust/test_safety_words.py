"""The eight words that both sides read: the same for both, others for anybody else."""

from mnemonic import Mnemonic

from node.protocol.names import NodeId
from node.trust.safety_words import read_words, safety_words
from tests.protocol.builders import Author

TARTU, LUND = Author("tartu").id, Author("lund").id


def test_both_sides_see_the_same_eight_words_of_the_list() -> None:
    words = safety_words(TARTU, LUND)
    assert words == safety_words(LUND, TARTU)
    assert len(words) == 8
    assert set(words) <= set(Mnemonic("english").wordlist)


def test_one_letter_of_an_id_changes_most_words() -> None:
    other = NodeId(LUND[:-1] + ("a" if LUND[-1] != "a" else "b"))
    same = [one == two for one, two in zip(safety_words(TARTU, LUND), safety_words(TARTU, other), strict=True)]
    assert sum(same) <= 2


def test_words_are_read_in_any_case_and_however_they_are_parted() -> None:
    assert read_words("  Awful, FIT\noyster - 4. error;") == ("awful", "fit", "oyster", "error")
    assert read_words("") == ()
