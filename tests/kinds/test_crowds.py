"""Bodies that would take long to refuse, word for word, are refused at once."""

import pytest

from node import kinds
from node.errors import Malformed
from tests.kinds.kind_examples import example

CROWDS = {
    "a list": ("organisation", "roles", [1] * 30_000),
    "a map": ("practice", "title", {f"k{number}": 1 for number in range(5_000)}),
}


@pytest.mark.parametrize("what", CROWDS)
def test_a_field_of_too_many_members_is_refused_before_each_is_looked_at(what: str) -> None:
    kind, field, crowd = CROWDS[what]
    with pytest.raises(Malformed, match=f"^{field}: too many: give at most 1000$"):
        kinds.interpret(kind, {**example(kind), field: crowd})


def test_what_only_a_newer_node_knows_may_be_as_large_as_its_record() -> None:
    assert kinds.interpret("organisation", {**example("organisation"), "beacons": [1] * 20_000}) is not None
