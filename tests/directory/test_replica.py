"""A partial replica keeps the bodies of some kinds, the leaves of all others, and proves each set all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.directory import replica, views
from node.directory.draft import Change
from node.errors import InputError
from node.protocol.blocks import Want
from node.protocol.record import kind_byte
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption, organisation, tags
from tests.kinds.kind_examples import example

VENUE = Change("venue", example("venue"), ref="desk")


@pytest.fixture
async def tartu(tartu: SmallNode) -> SmallNode:
    await tartu.publish(organisation("Tartu Park"), VENUE, *(adoption(str(number)) for number in range(5)))
    return tartu


@pytest.fixture
def lund(tmp_path: Path, tartu: SmallNode) -> Iterator[SmallNode]:
    """A partner that keeps venues alone."""
    node = SmallNode(tmp_path, "lund", clock=tartu.clock, kinds=["venue"])
    tartu.befriend(node)
    node.befriend(tartu)
    yield node
    node.close()


def wish(node: SmallNode, of: SmallNode) -> Want:
    return Want(of.id, kinds=tuple(node.receiver.kinds(of.id)))


def bodies(node: SmallNode, of: SmallNode) -> list[str]:
    return sorted(str(row.kind) for row in node.rows(of.id) if row.line)


def test_a_wish_that_names_kinds_gets_the_bodies_of_those_alone(tartu: SmallNode, lund: SmallNode) -> None:
    lines = tartu.tell(wish(lund, tartu))
    assert sorted(tag for tag in tags(lines) if tag in ("put", "leaf")) == ["leaf"] * 5 + ["put"] * 2


async def test_the_set_proves_itself_without_the_bodies(tartu: SmallNode, lund: SmallNode) -> None:
    assert isinstance(await lund.take(tartu.tell(wish(lund, tartu)), tartu), Accepted)
    assert bodies(lund, tartu) == ["organisation", "venue"]
    held = lund.author(tartu.id)
    assert held is not None
    assert held.root == tartu.mine().root == Tree.of({row.key: row.value for row in lund.rows(tartu.id)}).root


async def test_bodies_that_come_unasked_are_not_kept(tartu: SmallNode, lund: SmallNode) -> None:
    assert isinstance(await lund.take(tartu.tell(Want(tartu.id)), tartu), Accepted)
    assert bodies(lund, tartu) == ["organisation", "venue"]


async def test_no_body_is_asked_for_that_would_not_be_kept(tartu: SmallNode, lund: SmallNode) -> None:
    await lund.take(tartu.tell(wish(lund, tartu)), tartu)
    missing = (await lund.receiver.holdings(tartu.id)).without_body.get(tartu.id, ())
    kept = {kind_byte(kind) for kind in lund.receiver.kinds(tartu.id)}
    assert {key[:1] for key in missing} <= kept
    everything = SmallNode(lund.database.path.parent, "lund", clock=lund.clock)
    assert len((await everything.receiver.holdings(tartu.id)).without_body[tartu.id]) == 5
    everything.close()


async def test_a_later_change_of_a_kind_that_is_not_kept_is_followed(tartu: SmallNode, lund: SmallNode) -> None:
    await lund.take(tartu.tell(wish(lund, tartu)), tartu)
    tartu.clock.pass_by(2)
    await tartu.publish(adoption("more"), Change("venue", None, ref="desk"))
    assert isinstance(await lund.pull(tartu, tartu), Accepted)
    held = lund.author(tartu.id)
    assert held is not None
    assert held.root == tartu.mine().root
    assert bodies(lund, tartu) == ["organisation"]


async def test_what_was_kept_before_goes_and_the_set_stays(tmp_path: Path, tartu: SmallNode, lund: SmallNode) -> None:
    whole = SmallNode(tmp_path, "oslo", clock=tartu.clock)
    whole.befriend(tartu)
    whole.accept(tartu, Standing.HONOURED)
    await whole.publish(organisation("Oslo Park"), adoption("mine"))
    await whole.take(tartu.tell(Want(tartu.id)), tartu)
    before = whole.database.read_now(lambda db: db.execute("SELECT held FROM authors ORDER BY held").fetchall())
    await replica.narrow(whole.database, whole.id, replica.kept(["venue"]))
    after = whole.database.read_now(lambda db: db.execute("SELECT held FROM authors ORDER BY held").fetchall())
    assert bodies(whole, tartu) == ["organisation", "venue"]
    assert bodies(whole, whole) == ["adoption", "organisation"], "a node's own records are whole"
    assert sum(row[0] for row in after) < sum(row[0] for row in before)
    held = whole.author(tartu.id)
    assert held is not None
    assert held.root == Tree.of({row.key: row.value for row in whole.rows(tartu.id)}).root
    page = whole.database.read_now(lambda db: views.listing(db, whole.reader(), "adoption"))
    assert [each["author"] for each in page.records] == [whole.id]
    whole.close()


def test_what_tells_who_somebody_is_is_always_kept() -> None:
    assert {"organisation", "agreement", "endorsement", "farewell", "node_key"} <= replica.kept(["venue"])
    assert replica.kept([]) == frozenset()


@pytest.mark.parametrize("kind", ["endorsement", "dance"])
def test_kinds_that_cannot_be_chosen_are_refused_with_those_that_can(kind: str) -> None:
    with pytest.raises(InputError, match=f"'{kind}' can't be chosen: choose among adoption, contact"):
        replica.kept(["venue", kind])
