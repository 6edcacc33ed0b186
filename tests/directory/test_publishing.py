"""Publishing: one transaction, one head a second at most, each asker its own outcome, and what is local stays here."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.directory.draft import OWN_ORGANISATION, Change, Outcome, own
from node.errors import BraError, HomeError, InputError
from node.protocol.blocks import Want
from node.protocol.canonical import decode
from node.protocol.merge import Merged
from node.protocol.record import tree_key
from node.protocol.statements import NO_HASH, Card, Head
from node.protocol.tree import Tree
from node.storage import authors, records
from node.storage.database import Database
from node.storage.sets import Trees
from tests.directory.small_node import (
    SmallNode,
    adoption,
    adoption_body,
    contact_body,
    organisation,
    organisation_body,
    signature,
    statements,
    tags,
)
from tests.protocol.builders import NETWORK, NOW, key_named


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallNode]:
    node = SmallNode(tmp_path)
    yield node
    node.close()


def heads(node: SmallNode) -> list[Head]:
    """The chain, oldest first."""
    me = node.mine()
    lines = node.database.read_now(lambda db: authors.chain_around(db, me, 0))
    return [Head.parse(decode(line)) for line in lines]


def removals(node: SmallNode, since: int = 0) -> list[tuple[bytes, int]]:
    me = node.mine()
    return node.database.read_now(lambda db: records.removals_since(db, me.no, since))


def check_state(node: SmallNode) -> None:
    """What must hold of any state: the head's root, count and bytes are those of the rows, and its beat is there."""
    me, rows = node.mine(), node.rows()
    head, beat = me.head, me.beat
    assert head is not None
    assert beat is not None
    head.verify(node.card)
    beat.verify(node.card)
    assert head.root == Tree.of({row.key: row.value for row in rows}).root
    assert head.count == len(rows)
    assert head.size == sum(len(row.line or b"") for row in rows)
    assert head.seq >= max((row.seq for row in rows), default=0)
    assert beat.head == head.hash
    assert len({row.seq for row in rows}) == len(rows)


async def publish_later(node: SmallNode, *changes: Change) -> Outcome:
    """Publishes after the second of the last head is over."""
    node.clock.pass_by(2)
    return await node.publish(*changes)


async def test_a_first_publish_is_a_first_state(node: SmallNode) -> None:
    outcome = await node.publish(organisation("Tartu Park"), adoption("a"), adoption("b"))
    assert (outcome.created, outcome.seq, outcome.ids[0]) == (3, 3, OWN_ORGANISATION)
    assert len(set(outcome.ids)) == 3
    [head] = heads(node)
    assert (head.seq, head.prev) == (3, NO_HASH)
    check_state(node)


async def test_every_state_links_to_the_one_before(node: SmallNode) -> None:
    for number in range(4):
        await publish_later(node, adoption(str(number)))
        check_state(node)
    chain = heads(node)
    assert [head.prev for head in chain] == [NO_HASH, *(head.hash for head in chain[:-1])]
    assert [head.seq for head in chain] == [1, 2, 3, 4]


async def test_a_change_and_a_new_record_go_into_one_state(node: SmallNode) -> None:
    await node.publish(adoption("old", ref="a"))
    outcome = await publish_later(node, adoption("new", ref="a"), adoption("other", ref="b"))
    assert (outcome.changed, outcome.created, outcome.seq) == (1, 1, 3)
    check_state(node)


async def test_a_burst_makes_two_heads_and_tells_each_asker_its_own(node: SmallNode) -> None:
    await publish_later(node, adoption("before"))
    before = len(heads(node))
    outcomes = await asyncio.gather(*(node.publish(adoption(str(n), ref=f"r{n}")) for n in range(30)))
    assert len(heads(node)) - before <= 2
    assert all(outcome.created == 1 for outcome in outcomes)
    ids = [outcome.ids for outcome in outcomes]
    assert len({id_ for [id_] in ids}) == 30
    stored = {row.key: row for row in node.rows()}
    for number, [id_] in enumerate(ids):
        line = stored[tree_key("adoption", id_)].line
        assert line is not None
        assert decode(line)["body"] == adoption_body(str(number))
    check_state(node)


async def test_two_heads_are_a_second_apart(node: SmallNode) -> None:
    await node.publish(adoption("a"))
    assert node.clock.slept == []
    await node.publish(adoption("b"))
    assert node.clock.slept == [1.0]
    node.clock.pass_by(0.25)
    await node.publish(adoption("c"))
    assert node.clock.slept == [1.0, 0.75]
    node.clock.pass_by(60)
    await node.publish(adoption("d"))
    assert len(node.clock.slept) == 2


async def test_a_clock_that_was_set_back_does_not_stop_publishing(node: SmallNode) -> None:
    await node.publish(adoption("a"))
    node.clock.pass_by(-86_400)
    await node.publish(adoption("b"))
    assert node.clock.slept == []
    assert len(heads(node)) == 2


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        pytest.param(Change("dance", {}), "there is no kind 'dance'", id="unknown kind"),
        pytest.param(adoption("x", visibility="secret"), "visibility is one of", id="unknown visibility"),
        pytest.param(Change("adoption", {"since": "2027-02-30"}), "adoption: practice", id="malformed body"),
        pytest.param(
            Change("adoption", None, id="gone"), "there is no adoption gone", id="withdrawing what is not there"
        ),
        pytest.param(adoption("x", id="Not An Id"), "record id is 1 to 64", id="impossible id"),
        pytest.param(
            Change("culture_guide", {"place": "x", "language": "en", "sections": {}, "reviewed": "2027-01-15"}),
            "culture_guide",
            id="a body without what it needs",
        ),
    ],
)
async def test_one_bad_wish_fails_whole_and_stops_no_other(node: SmallNode, bad: Change, sentence: str) -> None:
    good, failed, also_good = await asyncio.gather(
        node.publish(adoption("a")),
        node.publish(adoption("half"), bad),
        node.publish(adoption("b")),
        return_exceptions=True,
    )
    assert isinstance(failed, BraError)
    assert sentence in str(failed)
    assert isinstance(good, Outcome)
    assert isinstance(also_good, Outcome)
    assert [decode(row.line or b"")["body"] for row in node.rows()] == [adoption_body("a"), adoption_body("b")]
    check_state(node)


async def test_a_record_over_64_kib_is_refused_alone(node: SmallNode) -> None:
    large = Change("adoption", adoption_body("a") | {"more": ["x" * 9_000] * 8})
    failed, good = await asyncio.gather(node.publish(large), node.publish(adoption("b")), return_exceptions=True)
    assert isinstance(failed, BraError)
    assert "at most 65536 bytes" in str(failed)
    assert isinstance(good, Outcome)
    check_state(node)


async def test_publishing_the_same_again_by_ref_changes_nothing(node: SmallNode) -> None:
    changes = [adoption("a", ref="1"), adoption("b", ref="2")]
    first = await node.publish(*changes)
    state = node.mine()
    again = await publish_later(node, *changes)
    assert (again.ids, again.unchanged, again.created, again.seq) == (first.ids, 2, 0, first.seq)
    assert node.mine() == state


async def test_a_ref_that_is_an_own_records_id_means_that_record(node: SmallNode) -> None:
    made = await node.publish(adoption("one"))
    node.clock.pass_by(2)
    changed = await node.publish(Change("adoption", adoption_body("two"), ref=made.ids[0]))
    assert (changed.ids, changed.created, changed.changed) == (made.ids, 0, 1)


async def test_one_ref_in_two_kinds_and_twice_in_one_wish(node: SmallNode) -> None:
    contact = Change("contact", contact_body("desk"), ref="1", visibility="public")
    outcome = await node.publish(adoption("a", ref="1"), contact, adoption("b", ref="1"))
    assert (outcome.created, outcome.changed) == (2, 1)
    assert outcome.ids[0] == outcome.ids[2] != outcome.ids[1]
    assert len(node.rows()) == 2
    check_state(node)


async def test_refs_of_wishes_that_wait_together_name_one_record(node: SmallNode) -> None:
    first, second = await asyncio.gather(node.publish(adoption("a", ref="1")), node.publish(adoption("b", ref="1")))
    assert first.ids == second.ids
    assert (first.created, second.changed) == (1, 1)
    check_state(node)


async def test_a_withdrawal_takes_a_seq_and_leaves_no_record(node: SmallNode) -> None:
    first = await node.publish(adoption("a", ref="1"), adoption("b", ref="2"))
    outcome = await publish_later(node, Change("adoption", None, id=first.ids[1]))
    assert (outcome.withdrawn, outcome.seq) == (1, 3)
    assert [row.seq for row in node.rows()] == [1]
    assert removals(node, 2) == [(tree_key("adoption", first.ids[1]), 3)]
    check_state(node)


async def test_what_was_withdrawn_may_come_back(node: SmallNode) -> None:
    first = await node.publish(adoption("a", ref="1"))
    await publish_later(node, Change("adoption", None, ref="1"))
    check_state(node)
    back = await publish_later(node, adoption("a", ref="1"))
    assert (back.ids, back.created, back.seq) == (first.ids, 1, 3)
    assert removals(node) == []
    check_state(node)


async def test_made_and_withdrawn_at_once_leaves_an_honest_state(node: SmallNode) -> None:
    outcome = await node.publish(adoption("keep"), adoption("a", ref="1"), Change("adoption", None, ref="1"))
    assert (outcome.created, outcome.withdrawn, outcome.seq) == (2, 1, 3)
    check_state(node)


FAREWELL = {"date": "2027-01-15", "reason": {"en": "We merge."}}


async def test_a_farewell_takes_the_place_of_everything_that_is_shared_in_one_state(node: SmallNode) -> None:
    await node.publish(adoption("a", ref="1"), adoption("b", ref="2"), adoption("mine", id="mine", visibility="local"))
    ids = [record.id for record in node.database.read_now(lambda db: own(db, node.id, "adoption"))]
    node.clock.pass_by(60)
    left = await node.publish(
        *(Change("adoption", None, id=id_) for id_ in ids), Change("farewell", FAREWELL, id="bye")
    )
    assert (left.withdrawn, left.created, left.seq) == (2, 1, 5)
    assert [row.key for row in node.rows()] == [tree_key("farewell", "bye")]
    assert len(heads(node)) == 2
    assert node.mine().count == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(adoption("a"), id="a record"),
        pytest.param(Change("farewell", FAREWELL), id="a second farewell"),
        pytest.param(signature(), id="a signature"),
    ],
)
async def test_while_a_farewell_stands_nothing_else_is_shared(node: SmallNode, change: Change) -> None:
    await node.publish(Change("farewell", FAREWELL, id="bye"))
    before = node.mine()
    with pytest.raises(InputError, match="has left: 'bra withdraw farewell bye'"):
        await node.publish(change)
    # Nor beside others, one of which would be fine.
    kept, refused = await asyncio.gather(
        node.publish(adoption("mine", visibility="local")), node.publish(change), return_exceptions=True
    )
    assert isinstance(refused, InputError)
    assert not isinstance(kept, BaseException)
    assert node.mine() == before

    await node.publish(Change("farewell", None, id="bye"))
    await node.publish(change)


async def test_a_farewell_beside_other_records_is_refused(node: SmallNode) -> None:
    await node.publish(adoption("a"))
    with pytest.raises(InputError, match="'bra leave'"):
        await node.publish(Change("farewell", FAREWELL))


async def test_the_reason_of_a_farewell_may_be_mended(node: SmallNode) -> None:
    await node.publish(Change("farewell", FAREWELL, id="bye"))
    mended = await node.publish(Change("farewell", FAREWELL | {"reason": {"en": "We merged."}}, id="bye"))
    assert mended.changed == 1


async def test_a_local_record_has_no_seq_and_is_in_nothing_that_leaves(node: SmallNode) -> None:
    await node.publish(adoption("shared"))
    before = node.mine()
    outcome = await publish_later(node, adoption("secret", ref="1", visibility="local"))
    assert (outcome.created, outcome.seq) == (1, 1)
    assert node.mine() == before
    local = node.database.read_now(lambda db: records.find(db, before.no, tree_key("adoption", outcome.ids[0])))
    assert local is not None
    assert (local.seq, local.visibility) == (0, "local")
    await publish_later(node, adoption("shared too"))
    check_state(node)
    lines = b"".join(node.tell(Want(node.id)))
    assert b"secret" not in lines
    assert outcome.ids[0].encode() not in lines
    assert [tag for tag in tags(node.tell(Want(node.id))) if tag in ("put", "leaf", "del")] == ["put", "put"]


async def test_public_becomes_local_and_public_again(node: SmallNode) -> None:
    first = await node.publish(adoption("a", ref="1"), adoption("b"))
    reader = node.want(node)
    hidden = await publish_later(node, adoption("a", ref="1", visibility="local"))
    assert (hidden.ids, hidden.changed, hidden.seq) == ([first.ids[0]], 1, 3)
    assert len(node.rows()) == 1
    check_state(node)
    gone = [value for tag, value in statements(node.tell(reader)) if tag == "del"]
    assert gone == [{"k": tree_key("adoption", first.ids[0]).hex(), "seq": 3}]
    shown = await publish_later(node, adoption("a", ref="1", visibility="public"))
    assert (shown.changed, shown.seq) == (1, 4)
    assert len(node.rows()) == 2
    assert "del" not in tags(node.tell(reader))
    check_state(node)


async def test_a_change_without_a_visibility_keeps_the_one_there_is(node: SmallNode) -> None:
    await node.publish(Change("contact", contact_body("desk"), ref="1"))
    assert [row.visibility for row in node.rows()] == ["members"]
    await publish_later(node, Change("contact", contact_body("desk"), ref="1", visibility="partners"))
    await publish_later(node, Change("contact", contact_body("landing"), ref="1"))
    assert [row.visibility for row in node.rows()] == ["partners"]


async def test_withdrawing_a_local_record_tells_nobody(node: SmallNode) -> None:
    await node.publish(adoption("shared"), adoption("secret", ref="1", visibility="local"))
    reader = node.want(node)
    await publish_later(node, adoption("more"), Change("adoption", None, ref="1"))
    assert "del" not in tags(node.tell(reader))


async def test_an_author_is_one_beat_after_the_other(node: SmallNode) -> None:
    await node.publish(adoption("a"))
    first = node.mine().beat
    node.clock.pass_by(3600)
    await node.publisher.beat()
    second = node.mine().beat
    assert first is not None
    assert second is not None
    assert (second.head, second.time, second.urls) == (first.head, first.time + 3600, ("https://tartu.example",))
    check_state(node)


async def test_a_state_made_in_the_second_of_a_renewed_beat_has_a_beat(node: SmallNode) -> None:
    await node.publish(adoption("a"))
    node.clock.pass_by(3600)
    await node.publisher.beat()
    await node.publish(adoption("b"))
    check_state(node)


async def test_a_beat_before_there_is_a_state_says_nothing(node: SmallNode) -> None:
    await node.publisher.beat()
    assert node.mine().beat is None


async def test_listeners_hear_after_the_state_is_durable(node: SmallNode) -> None:
    seen: list[tuple[str, int]] = []

    def fails(db: sqlite3.Connection) -> None:
        author = authors.find(db, node.id)
        assert author is not None
        seen.append(("beside the loop", author.seq or 0))
        raise HomeError("the disk is full")

    node.publisher.after_publish(fails)
    node.publisher.on_publish(lambda: seen.append(("in it", node.mine().seq)))
    await node.publish(adoption("a"))
    await publish_later(node, adoption("b"))
    assert seen == [("beside the loop", 1), ("in it", 1), ("beside the loop", 2), ("in it", 2)]


async def test_who_gave_up_waiting_disturbs_nobody(node: SmallNode) -> None:
    impatient = asyncio.ensure_future(node.publish(adoption("a")))
    patient = asyncio.ensure_future(node.publish(adoption("b")))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).created == 1
    check_state(node)


async def test_a_failing_disk_is_told_to_all_who_wait_and_publishing_goes_on_later(node: SmallNode) -> None:
    await node.publish(adoption("a"))

    def limit(db: sqlite3.Connection, spare: int) -> None:
        [pages] = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages + spare}")

    node.database.write_now(lambda db: limit(db, 0))
    node.clock.pass_by(2)
    large = [Change("organisation", organisation_body("x" * 100, more="y" * 30_000), id=f"o{n}") for n in range(20)]
    failed = await asyncio.gather(node.publish(*large), node.publish(adoption("b")), return_exceptions=True)
    assert all("is full: free some space" in str(error) for error in failed)
    assert node.mine().seq == 1
    node.database.write_now(lambda db: limit(db, 1000))
    outcome = await publish_later(node, adoption("b"))
    assert outcome.seq == 2
    check_state(node)


async def test_whoever_publishes_in_a_home_without_its_own_author_is_told(node: SmallNode) -> None:
    node.database.write_now(lambda db: db.execute("DELETE FROM authors"))
    async with asyncio.timeout(0.5):
        with pytest.raises(InputError, match="bra init"):
            await node.publish(adoption("a"))


async def test_a_restart_goes_on_where_it_ended(tmp_path: Path) -> None:
    node = SmallNode(tmp_path)
    first = await node.publish(adoption("a", ref="1"))
    node.close()
    again = SmallNode(tmp_path, clock=node.clock)
    outcome = await publish_later(again, adoption("a", ref="1"), adoption("b", ref="2"))
    assert (outcome.unchanged, outcome.created, outcome.seq) == (1, 1, 2)
    assert outcome.ids[0] == first.ids[0]
    assert [head.seq for head in heads(again)] == [1, 2]
    check_state(again)
    again.close()


def test_the_database_stays_the_truth_about_trees(tmp_path: Path) -> None:
    node = SmallNode(tmp_path)
    asyncio.run(node.publish(*(adoption(str(n)) for n in range(50))))
    root = node.mine().root
    node.close()
    database = Database(tmp_path / "tartu.db")
    me = database.read_now(lambda db: authors.find(db, node.id))
    assert me is not None
    assert database.read_now(lambda db: Trees().of(db, me)).root == root
    database.close()


async def test_a_thief_that_counted_to_the_end_bricks_nobody_who_begins_a_new_epoch(node: SmallNode) -> None:
    await node.publish(adoption("one", id="one"), adoption("two", id="two"))
    node.database.write_now(lambda db: db.execute("UPDATE authors SET seq = ? WHERE node_id = ?", (2**53 - 1, node.id)))
    key = key_named("tartu/signing/2")
    root = key_named("tartu/root")
    card = Card.make(root, network=NETWORK, epoch=2, signing=key.public, issued=NOW)
    assert await node.publisher.begin_epoch(key, card) == 2
    assert [row.seq for row in node.rows()] == [1, 2]
    node.clock.pass_by(2)
    assert (await node.publish(adoption("three"))).seq == 3


async def test_an_own_record_of_which_only_the_leaf_is_held_can_be_withdrawn(node: SmallNode) -> None:
    await node.publish(adoption("one", id="one"), adoption("two", id="two"))
    node.database.write_now(lambda db: db.execute("UPDATE records SET line = NULL WHERE id = 'one'"))
    node.clock.pass_by(2)
    outcome = await node.publish(Change("adoption", None, id="one"))
    assert (outcome.withdrawn, node.mine().count) == (1, 1)


async def test_the_own_name_of_a_contact_goes_when_healing_withdraws_it(node: SmallNode) -> None:
    outcome = await node.publish(Change("contact", contact_body("manager"), ref="jaan-tamm"))
    key = key_named("tartu/signing/2")
    card = Card.make(key_named("tartu/root"), network=NETWORK, epoch=2, signing=key.public, issued=NOW)
    await node.publisher.begin_epoch(key, card, Merged(remove={tree_key("contact", outcome.ids[0])}))
    assert node.rows() == []
    assert node.database.read_now(lambda db: db.execute("SELECT * FROM refs").fetchall()) == []
