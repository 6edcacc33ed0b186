"""Whether a home may sign: what partners tell of its own author, and what follows."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from node.directory.authority import Authority, NotOpen, State
from node.protocol.verdicts import Accepted, Refusal
from node.storage import authors, partners
from tests.directory.small_node import SmallNode, adoption, told
from tests.protocol.builders import Author, card_line, head_line

LUND, OULU = Author("lund"), Author("oulu")


@pytest.fixture
def tartu(tartu: SmallNode) -> SmallNode:
    tartu.befriend(LUND)
    return tartu


@pytest.fixture
async def twin(tartu: SmallNode, tmp_path: Path) -> AsyncIterator[SmallNode]:
    """A second machine on the same key; until now both have the same."""
    (tmp_path / "twin").mkdir()
    await tartu.publish(adoption("both", id="both"))
    with sqlite3.connect(tmp_path / "tartu.db") as db:
        db.execute("VACUUM INTO ?", (str(tmp_path / "twin" / "tartu.db"),))
    db.close()
    node = SmallNode(tmp_path / "twin", clock=tartu.clock)
    yield node
    node.close()


def state(node: SmallNode) -> State:
    return node.database.read_now(node.authority.state)


async def hears(node: SmallNode, other: SmallNode) -> None:
    """Lund has what the other machine signed, and tells of it."""
    await node.receiver.hear(LUND.id, told(other.feed()))


async def gets(node: SmallNode, other: SmallNode):
    return await node.take(other.tell(node.want(node)), node, peer=LUND.id)


async def test_a_restored_home_adopts_what_goes_on_from_its_own_and_signs_again(tartu, twin) -> None:
    await twin.publish(adoption("later"))
    tartu.authority.restored = True
    with pytest.raises(NotOpen, match="restored"):
        await tartu.publish(adoption("too early"))
    assert isinstance(await gets(tartu, twin), Accepted)
    assert tartu.mine().head_hash == twin.mine().head_hash
    tartu.authority.open()
    assert (await tartu.publish(adoption("now"))).seq == 3


async def test_an_untouched_home_adopts_nothing_that_it_did_not_sign(tartu, twin) -> None:
    await twin.publish(adoption("by a thief"))
    before = tartu.mine().head_hash
    assert isinstance(await gets(tartu, twin), Refusal)
    assert tartu.mine().head_hash == before
    assert state(tartu) is State.ELSEWHERE
    with pytest.raises(NotOpen, match="somebody else has published"):
        await tartu.publish(adoption("more"))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        pytest.param([1], [1], id="at the same seq"),
        pytest.param([1, 1], [1], id="and is behind, at the place of a skipped head"),
        pytest.param([2], [1], id="at a seq that this chain steps over"),
    ],
)
async def test_a_head_of_its_own_that_it_never_signed_is_the_proof_of_a_fork(tartu, twin, here, there) -> None:
    for node, publishes in ((tartu, here), (twin, there)):
        for number in publishes:
            await node.publish(*(adoption(f"{node.database.path.parent.name} {place}") for place in range(number)))
            tartu.clock.pass_by(2)
    await hears(tartu, twin)
    assert state(tartu) is State.FORKED
    assert b'{"evidence":' in b"".join(tartu.feed()), "everybody is told"
    with pytest.raises(NotOpen, match="two histories"):
        await tartu.publish(adoption("more"))


async def test_what_it_signed_itself_proves_nothing(tartu, twin) -> None:
    """Partners that are behind tell of older states of its own."""
    for number in range(3):
        await tartu.publish(adoption(str(number)))
        tartu.clock.pass_by(2)
    await hears(tartu, twin)
    assert state(tartu) is State.OPEN


async def test_a_newer_card_ends_what_this_home_may_sign(tartu) -> None:
    await tartu.publish(adoption("one"))
    author = Author("tartu")
    author.put("adoption", {"practice": "p", "by": "elsewhere", "since": "2027-01-15"})
    author.rotate()
    author.commit()
    await tartu.receiver.hear(LUND.id, told([card_line(author.card), head_line(author.head)]))
    assert state(tartu) is State.REPLACED
    with pytest.raises(NotOpen, match="replaced"):
        await tartu.publish(adoption("two"))


async def test_a_newer_card_of_another_network_is_no_news_of_this_one(tartu) -> None:
    await tartu.publish(adoption("one"))
    author = Author("tartu", network="other")
    author.rotate()
    author.commit()
    await tartu.receiver.hear(LUND.id, told([card_line(author.card), head_line(author.head)]))
    assert state(tartu) is State.OPEN
    await tartu.publish(adoption("two"))


CONSULTED: dict[str, tuple[Callable[[Authority, sqlite3.Connection], object], bool]] = {
    "nobody was asked": (lambda authority, db: None, False),
    "nobody could be reached": (
        lambda authority, db: [authority.consulted(db, each, answered=False, accepted=BOTH) for each in BOTH],
        False,
    ),
    "one has answered and the other was not tried": (
        lambda authority, db: authority.consulted(db, LUND.id, answered=True, accepted=BOTH),
        False,
    ),
    "one has answered and the other was tried": (
        lambda authority, db: [
            authority.consulted(db, OULU.id, answered=False, accepted=BOTH),
            authority.consulted(db, LUND.id, answered=True, accepted=BOTH),
        ][-1],
        True,
    ),
}


BOTH = (LUND.id, OULU.id)


@pytest.mark.parametrize(("consult", "opens"), CONSULTED.values(), ids=CONSULTED)
async def test_a_restored_home_knows_enough_when_somebody_answered_and_everybody_was_tried(
    tartu, consult, opens
) -> None:
    def prepare(db: sqlite3.Connection) -> bool:
        authors.introduce(db, OULU.card)
        for each in (LUND, OULU):
            partners.add(db, each.id, f"https://{each.name}.example", 0)
        tartu.authority.restored = True
        return consult(tartu.authority, db) is True

    assert tartu.database.write_now(prepare) is opens


@pytest.mark.parametrize("blocked", [True, False])
async def test_a_restored_home_waits_for_no_partner_that_is_blocked(tmp_path: Path, blocked: bool) -> None:
    node = SmallNode(tmp_path, blocked=[OULU.id] if blocked else ())
    node.befriend(LUND, OULU)

    def restore(db: sqlite3.Connection) -> None:
        for each in (LUND, OULU):
            partners.add(db, each.id, f"https://{each.name}.example", 0)
        node.authority.restored = True

    node.database.write_now(restore)
    await node.receiver.consulted(LUND.id, answered=True)
    assert state(node) is (State.OPEN if blocked else State.RESTORED)
    node.close()


async def test_a_restored_home_waits_while_a_partner_holds_a_state_that_it_has_not_got(tartu, twin) -> None:
    await twin.publish(adoption("later"))
    tartu.authority.restored = True
    await hears(tartu, twin)

    def consulted(db: sqlite3.Connection) -> bool:
        return tartu.authority.consulted(db, LUND.id, answered=True, accepted=[LUND.id])

    assert not tartu.database.write_now(consulted)
    await gets(tartu, twin)
    assert tartu.database.write_now(consulted)
