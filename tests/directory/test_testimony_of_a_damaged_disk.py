"""What a disk altered says nothing about who is accepted, and keeps no node from starting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.directory import testimony
from node.protocol.verdicts import Accepted
from tests.directory.small_node import TEXT, SmallNode, agreement_body, endorsement_body, organisation_body
from tests.protocol.builders import NOW, Author

HARMS = [
    pytest.param("line = CAST(replace(line, 'a', 'e') AS BLOB)", id="other members"),
    pytest.param("line = CAST(replace(line, 'Munich', 'Zurich') AS BLOB), value = zeroblob(32)", id="other values"),
    pytest.param("line = zeroblob(100)", id="no JSON"),
    pytest.param("line = 'text'", id="another type"),
    pytest.param("line = NULL", id="no body"),
    pytest.param("value = zeroblob(32)", id="another hash"),
]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallNode]:
    made = SmallNode(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("harm", HARMS)
async def test_what_is_not_as_it_was_verified_says_nothing(node: SmallNode, harm: str) -> None:
    lund, munich = Author("lund"), Author("munich")
    lund.put("organisation", organisation_body("Lund Park"), "self")
    lund.put("agreement", agreement_body())
    lund.put("endorsement", endorsement_body(munich.id, organisation="Munich Park"))
    lund.commit()
    node.befriend(lund)
    assert isinstance(await node.take(lund.block_lines(), lund), Accepted)

    def begun() -> testimony.Testimony:
        read = testimony.Testimony(node.id, (TEXT,))
        node.database.read_now(lambda db: read.refresh(db, NOW))
        return read

    before = begun()
    assert (lund.id in before.names, lund.id in before.signatories) == (True, True)
    assert munich.id in before.vouches.by(lund.id)
    node.database.write_now(lambda db: db.execute(f"UPDATE records SET {harm} WHERE author > 1"))
    assert node.database.read_now(lambda db: before.told(db, lund.id, munich.id)) is None
    after = begun()
    assert (lund.id in after.names, lund.id in after.signatories) == (False, False)
    assert munich.id not in after.vouches.by(lund.id)
