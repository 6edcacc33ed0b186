"""What a disk lost or altered is noticed, told to nobody as verified, and repaired from a partner's copy."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from node.directory import views
from node.directory.authority import NotOpen
from node.directory.draft import Change
from node.errors import InputError
from node.federation import sending
from node.federation.actions import News
from node.federation.client import Client
from node.federation.exchange import Exchange
from node.federation.greeting import Greeting
from node.federation.session import RoundDone, Session
from node.protocol.blocks import Want
from node.protocol.canonical import decode
from node.protocol.names import NodeId, encode_base64
from node.protocol.record import tree_key
from node.protocol.statements import Hello
from node.protocol.tree import Subtree
from node.protocol.verdicts import Accepted
from node.storage import authors, bulk, records
from node.storage.scrub import Damage, Scrub, look, settle
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption, contact_body, signature, tags, told
from tests.protocol.builders import NETWORK, card_line, del_line, head_line, next_line

RECORDS = 60
URL = "https://there.example"

Harm = Callable[[sqlite3.Connection, int], object]
"""What befalls the rows of the author with this number."""


class Beside(Client):
    """A client whose partner lives in the same process: asked directly, without a network."""

    def __init__(self, other: SmallNode) -> None:
        self._other = other

    async def greet(self, nonce: str, url: str) -> Greeting:
        other = self._other
        made = Hello.make(other.key, author=other.id, epoch=1, nonce=nonce, url=url, time=int(other.clock.time))
        return Greeting(other.card, made, (1,))

    async def feed(self, cursor: str | None, wait: int, concerns: Callable[[NodeId], bool] = lambda _: True) -> News:
        del wait, concerns
        after = int((cursor or "x:0").removeprefix("x:"))
        found = self._other.database.read_now(lambda db: sending.feed(db, after, honoured=True))
        assert found is not None
        return News(tuple(told(found.lines)), f"x:{found.reached}")

    async def pull(self, wants: Sequence[Want]) -> AsyncIterator[list[bytes]]:
        for want in wants:
            yield self._other.tell(want)

    async def tree(self, author: NodeId, head: bytes, prefix: str, depth: int) -> list[Subtree] | None:
        other = self._other
        return other.database.read_now(lambda db: sending.subtrees(db, other.trees, author, head, prefix, depth))


async def sync(reader: SmallNode, other: SmallNode) -> RoundDone:
    """A round of a new session."""
    session = Session(
        other.id,
        network=NETWORK,
        url=URL,
        cursor=None,
        nonce=encode_base64(b"n" * 32),
        now=lambda: reader.clock.time,
    )
    return await Exchange(session, Beside(other), reader.receiver, reader.database).round(0)


@pytest.fixture
async def held(tartu: SmallNode, lund: SmallNode) -> SmallNode:
    """Lund, once it holds what Tartu published."""
    contact = Change("contact", contact_body("landing"))
    await tartu.publish(signature(), contact, *(adoption(str(number)) for number in range(RECORDS)))
    assert (await sync(lund, tartu)).applied == 1
    lund.accept(tartu, Standing.HONOURED)
    return lund


async def scrubbed(node: SmallNode) -> list[Damage]:
    return await Scrub(node.database, node.trees, lambda found: None).everybody()


def numbers(db: sqlite3.Connection, author: int, most: int) -> list[int]:
    rows = db.execute("SELECT no FROM records WHERE author = ? AND kind = 'adoption' ORDER BY key", (author,))
    return [no for (no,) in rows.fetchmany(most)]


def lose(db: sqlite3.Connection, author: int) -> None:
    bulk.delete(db, numbers(db, author, 7))


def lose_all(db: sqlite3.Connection, author: int) -> None:
    bulk.delete(db, [no for (no,) in db.execute("SELECT no FROM records WHERE author = ?", (author,))])


def alter_values(db: sqlite3.Connection, author: int) -> None:
    db.executemany("UPDATE records SET value = zeroblob(32) WHERE no = ?", [(no,) for no in numbers(db, author, 3)])


def alter_lines(db: sqlite3.Connection, author: int) -> None:
    chosen = [(no,) for no in numbers(db, author, 5)]
    db.executemany("UPDATE records SET line = CAST(replace(line, 'adoption', 'adaption') AS BLOB) WHERE no = ?", chosen)


def add_another_key(db: sqlite3.Connection, author: int) -> None:
    no = db.execute("SELECT max(no) + 1 FROM records").fetchone()[0]
    bulk.insert(db, author, bulk.Rows.of([bulk.Row(no, b"?" * 32, b"!" * 32, 1)]))


def change(column: str, value: object) -> Harm:
    def harm(db: sqlite3.Connection, author: int) -> None:
        for no in numbers(db, author, 3):
            db.execute(f"UPDATE records SET {column} = ? WHERE no = ?", (value, no))

    return harm


def miscount(db: sqlite3.Connection, author: int) -> None:
    authors.count_held(db, author, 10**9)


def everything(db: sqlite3.Connection, author: int) -> None:
    lose(db, author)
    alter_lines(db, author)
    add_another_key(db, author)
    miscount(db, author)


def harmed(node: SmallNode, of: SmallNode, harm: Harm = lose) -> None:
    """The disk harms what a node holds of an author; the tree in its memory still is what it was."""

    def work(db: sqlite3.Connection) -> None:
        author = authors.find(db, of.id)
        assert author is not None
        harm(db, author.no)

    node.database.write_now(work)


def restarted(node: SmallNode) -> None:
    """Nothing is in the node's memory."""
    for root in list(node.trees._kept):
        node.trees.drop(root)


# What is wrong with the rows; of how many of them it shows in the row itself; whether they are the set all the same.
HARMS = [
    pytest.param(lose, 0, False, id="rows lost"),
    pytest.param(lose_all, 0, False, id="all rows lost"),
    pytest.param(alter_lines, 5, True, id="lines altered beneath their values"),
    pytest.param(change("line", b""), 3, True, id="lines emptied"),
    pytest.param(change("line", "text"), 3, True, id="lines of another type"),
    pytest.param(change("line", None), 0, True, id="bodies lost"),
    pytest.param(alter_values, 3, False, id="values altered"),
    pytest.param(change("value", b"?" * 31), 3, False, id="values cut"),
    pytest.param(add_another_key, 0, False, id="a row too many"),
    pytest.param(change("seq", 1), 3, True, id="seqs altered"),
    pytest.param(change("seq", 0), 0, False, id="rows made this node's own"),
    pytest.param(change("visibility", "partners"), 3, True, id="visibilities altered"),
    pytest.param(change("kind", "venue"), 3, True, id="kinds altered"),
    pytest.param(change("expires", 1), 3, True, id="expiries altered"),
    pytest.param(miscount, 0, True, id="bytes miscounted"),
    pytest.param(everything, 5, False, id="much at once"),
]


def whole(reader: SmallNode, writer: SmallNode, of: SmallNode) -> bool:
    """Whether what is held of an author is what the writer holds, and its bytes are counted right."""

    def counted(db: sqlite3.Connection) -> bool:
        author = authors.find(db, of.id)
        return author is not None and authors.held(db, author.no) == records.bodies(db, author.no)[1]

    held = reader.author(of.id)
    assert held is not None
    return reader.rows(of.id) == writer.rows(of.id) and not held.damaged and reader.database.read_now(counted)


@pytest.mark.parametrize(("harm", "altered", "is_set"), HARMS)
async def test_what_the_disk_damaged_is_noticed_and_repaired_and_the_partner_not_blamed(
    tartu: SmallNode, held: SmallNode, harm: Harm, altered: int, is_set: bool
) -> None:
    harmed(held, tartu, harm)
    found = await scrubbed(held)
    [damage] = found
    assert (damage.author, len(damage.altered), damage.whole) == (tartu.id, altered, is_set)
    await sync(held, tartu)
    assert whole(held, tartu, tartu)
    assert held.refusals() == []
    assert await scrubbed(held) == []


async def test_more_altered_lines_than_one_question_asks_for_come_back_in_one_round(
    tartu: SmallNode, held: SmallNode
) -> None:
    def alter_all(db: sqlite3.Connection, author: int) -> None:
        db.execute("UPDATE records SET line = x'00' WHERE author = ? AND kind = 'adoption'", (author,))

    tartu.clock.pass_by(2)
    await tartu.publish(*(adoption(f"more{number}") for number in range(450)))
    await sync(held, tartu)
    harmed(held, tartu, alter_all)
    [damage] = await scrubbed(held)
    assert len(damage.altered) == RECORDS + 450
    await sync(held, tartu)
    assert whole(held, tartu, tartu)


async def test_lost_rows_that_nobody_looked_for_are_repaired_by_the_next_change(
    tartu: SmallNode, held: SmallNode
) -> None:
    harmed(held, tartu)
    restarted(held)
    tartu.clock.pass_by(2)
    await tartu.publish(adoption("one more"))
    assert (await sync(held, tartu)).applied == 1
    assert whole(held, tartu, tartu)
    assert held.refusals() == []


async def test_rows_lost_beneath_a_tree_in_memory_are_noticed_after_the_next_change_too(
    tartu: SmallNode, held: SmallNode
) -> None:
    harmed(held, tartu)
    tartu.clock.pass_by(2)
    await tartu.publish(adoption("one more"))
    await sync(held, tartu)
    [damage] = await scrubbed(held)
    assert not damage.whole
    await sync(held, tartu)
    assert whole(held, tartu, tartu)


async def test_what_is_damaged_is_shown_with_a_warning_and_told_to_nobody_until_it_is_repaired(
    tartu: SmallNode, held: SmallNode
) -> None:
    lund = held
    head = tartu.mine().head_hash or b""
    [agreement] = [row for row in lund.rows(tartu.id) if row.kind == "agreement"]

    def warning() -> object:
        page = lund.database.read_now(lambda db: views.listing(db, lund.reader(), "agreement"))
        return [each.get("warning") for each in page.records if each["author"] == tartu.id]

    def subtrees() -> object:
        return lund.database.read_now(lambda db: sending.subtrees(db, lund.trees, tartu.id, head, "", 8))

    def absence() -> object:
        return lund.database.read_now(lambda db: sending.absence(db, lund.trees, tartu.id, bytes(32)))

    def proven() -> object:
        return lund.database.read_now(
            lambda db: sending.signed_record(db, lund.trees, tartu.id, "agreement", id_of(agreement), everything=True)
        )

    assert (warning(), bool(subtrees()), bool(absence()), bool(proven())) == ([None], True, True, True)
    reached = max(author.arrival or 0 for author in lund.database.read_now(authors.everyone))
    harmed(lund, tartu)
    await scrubbed(lund)
    assert warning() == ["damaged here: being fetched again, and not proven until then"]
    assert (subtrees(), absence()) == (None, None)
    with pytest.raises(InputError, match="damaged here"):
        proven()
    assert tags(lund.tell(Want(tartu.id))) == ["next"]
    assert told(lund.feed()) == []
    await sync(lund, tartu)
    assert (warning(), bool(subtrees()), bool(absence()), bool(proven())) == ([None], True, True, True)
    # Who was told nothing meanwhile is told now.
    assert [each.head.author for each in told(lund.feed(reached))] == [tartu.id]


async def test_what_no_partner_holds_stays_marked(tartu: SmallNode, held: SmallNode) -> None:
    for node in (tartu, held):
        harmed(node, tartu)
        await scrubbed(node)
    await sync(held, tartu)
    [damage] = await scrubbed(held)
    assert not damage.whole
    # It can't be given by who offered it: that is all that is said of the partner.
    assert held.refusals() == [(tartu.id, "incomplete")]


async def test_a_change_that_was_judged_by_the_tree_in_memory_leaves_the_mark(
    tartu: SmallNode, held: SmallNode
) -> None:
    tartu.clock.pass_by(2)
    want = held.want(tartu)
    await tartu.publish(adoption("one more"))
    harmed(held, tartu)
    author = held.author(tartu.id)
    assert author is not None
    kept = held.database.read_now(lambda db: held.trees.of(db, author))
    await scrubbed(held)
    held.trees.keep(kept)
    await held.take(tartu.tell(want), tartu)
    after = held.author(tartu.id)
    assert after is not None
    assert after.head_hash != author.head_hash
    assert after.damaged
    await sync(held, tartu)
    assert whole(held, tartu, tartu)


async def test_damage_that_is_met_at_work_is_looked_at(tartu: SmallNode, held: SmallNode) -> None:
    harmed(held, tartu)
    restarted(held)
    told_of: list[Damage] = []
    scrub = Scrub(held.database, held.trees, told_of.extend)
    assert await scrub.suspects() == []
    head = tartu.mine().head_hash or b""
    assert held.database.read_now(lambda db: sending.subtrees(db, held.trees, tartu.id, head, "", 8)) is None
    [damage] = await scrub.suspects()
    assert (damage.author, damage.whole, told_of) == (tartu.id, False, [damage])
    assert await scrub.suspects() == []


async def test_damage_of_a_state_that_was_followed_meanwhile_is_looked_for_again(
    tartu: SmallNode, held: SmallNode
) -> None:
    harmed(held, tartu, alter_lines)
    damage = held.database.read_now(lambda db: look(db, tartu.id))
    assert damage is not None
    tartu.clock.pass_by(2)
    await tartu.publish(adoption("one more"))
    await sync(held, tartu)
    assert not held.database.write_now(lambda db: settle(db, held.trees, damage))
    [found] = await scrubbed(held)
    assert len(found.altered) == 5


# A node's own records


@pytest.mark.parametrize("notice", [True, False], ids=["noticed", "not noticed yet"])
async def test_a_node_signs_no_state_that_leaves_out_what_its_disk_lost(
    tartu: SmallNode, held: SmallNode, notice: bool
) -> None:
    before = held.rows(tartu.id)
    harmed(tartu, tartu)
    restarted(tartu)
    if notice:
        await scrubbed(tartu)
    tartu.clock.pass_by(2)
    with pytest.raises(NotOpen, match="'bra sync' brings them back"):
        await tartu.publish(adoption("one more"))
    await scrubbed(tartu)
    await sync(tartu, held)
    assert tartu.rows() == before
    await tartu.publish(adoption("one more"))
    await sync(held, tartu)
    assert len(held.rows(tartu.id)) == len(before) + 1
    assert held.refusals() == tartu.refusals() == []


async def test_own_records_that_were_altered_come_back_from_a_partner(tartu: SmallNode, held: SmallNode) -> None:
    harmed(tartu, tartu, alter_lines)
    await scrubbed(tartu)
    await sync(tartu, held)
    assert whole(tartu, held, tartu)


async def test_a_partner_can_take_no_record_away_that_never_leaves_this_node(tartu: SmallNode, held: SmallNode) -> None:
    tartu.clock.pass_by(2)
    [id_] = (await tartu.publish(adoption("mine", visibility="local"))).ids
    key = tree_key("adoption", id_)
    mine = tartu.mine()
    assert mine.head
    lines = [card_line(mine.card), head_line(mine.head), del_line(key, 1), next_line(tartu.id)]
    assert isinstance(await tartu.take(lines, tartu, peer=held.id), Accepted)
    assert tartu.database.read_now(lambda db: records.find(db, mine.no, key)) is not None


def id_of(row: records.Stored) -> str:
    assert row.line is not None
    return str(decode(row.line)["id"])
