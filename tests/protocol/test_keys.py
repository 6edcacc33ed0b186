"""The 24 recovery words are the root key: they give it back, or say which of them can't be, without showing it."""

import pytest

from node.errors import InputError
from node.protocol.keys import PrivateKey, recovery_words, root_from_words
from node.protocol.names import node_id

ROOT = PrivateKey(bytes(range(32)))
WORDS = recovery_words(ROOT).split()


def test_the_words_give_the_same_root_key_and_node_id_back():
    root = root_from_words(" ".join(WORDS))
    assert (root.raw(), node_id(root.public)) == (ROOT.raw(), node_id(ROOT.public))


def test_words_typed_in_capitals_and_over_several_lines_will_do():
    assert root_from_words("\n".join(WORDS).upper()).raw() == ROOT.raw()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(WORDS[:23], "24 words, not 23", id="one word missing"),
        pytest.param([*WORDS, "zoo"], "24 words, not 25", id="one word too many"),
        pytest.param([*WORDS[:4], "tartupark", *WORDS[5:]], "word 5 of", id="a word that is in no list"),
        pytest.param([WORDS[1], WORDS[0], *WORDS[2:]], "two are swapped", id="two words swapped"),
    ],
)
def test_wrong_words_are_told_by_their_place_and_never_shown(words, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        root_from_words(" ".join(words))
    assert not {"tartupark", *WORDS[:6]} & set(str(error.value).replace(":", "").split())
