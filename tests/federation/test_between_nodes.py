"""What one node sends and another makes of it, over two real databases and without a network."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.directory.draft import Change
from node.errors import InputError
from node.federation import sending
from node.federation.hearing import Told
from node.federation.reading import read_block
from node.protocol.blocks import Block, Limits, Want
from node.protocol.evidence import Evidence, of_heads
from node.protocol.names import NodeId
from node.protocol.record import tree_key
from node.protocol.statements import Beat, Head
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted, Compare, Reason, Refusal, Verdict
from node.storage import authors, partners, records
from node.trust.reach import Standing
from tests.directory.small_node import (
    Clock,
    SmallNode,
    adoption,
    adoption_body,
    contact_body,
    endorsement_body,
    signatory,
    statements,
    tags,
    told,
)
from tests.protocol.builders import DAY, NOW, Author, del_line, leaf_line, leaf_of, put_line


def accepted(verdict: Verdict) -> Accepted:
    assert isinstance(verdict, Accepted), verdict
    return verdict


def refused(verdict: Verdict) -> Reason:
    assert isinstance(verdict, Refusal), verdict
    return verdict.reason


def same(reader: SmallNode, writer: SmallNode, author: NodeId) -> bool:
    """Whether two nodes hold the same of an author, byte for byte, under the head that it signed."""
    held, there = reader.author(author), writer.author(author)
    assert held is not None
    assert there is not None
    rows = reader.rows(author)
    assert held.root == Tree.of({row.key: row.value for row in rows}).root
    return rows == writer.rows(author) and held.head_line == there.head_line and held.beat_line == there.beat_line


async def publish(node: SmallNode, *changes: Change) -> None:
    node.clock.pass_by(2)
    await node.publish(*changes)


# Whole sets, and what has changed since


async def test_a_first_sync_brings_everything(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, *(adoption(str(n)) for n in range(20)))
    accepted(await lund.pull(tartu, tartu))
    assert same(lund, tartu, tartu.id)


async def test_a_tree_to_compare_with_comes_with_its_nodes(tartu: SmallNode, lund: SmallNode) -> None:
    # Whoever asks is the event loop, and making those of a large set takes a fifth of a second.
    await publish(tartu, *(adoption(str(n)) for n in range(20)))
    accepted(await lund.pull(tartu, tartu))
    assert not isinstance((await lund.receiver.tree(tartu.id))._made, bytes)


async def test_an_empty_set_is_a_set(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, adoption("a", ref="1"))
    await publish(tartu, Change("adoption", None, ref="1"))
    accepted(await lund.pull(tartu, tartu))
    assert same(lund, tartu, tartu.id)
    assert lund.rows(tartu.id) == []


async def test_later_only_what_changed_is_sent(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, *(adoption(str(n), ref=str(n)) for n in range(20)))
    accepted(await lund.pull(tartu, tartu))
    await publish(tartu, adoption("new", ref="20"))
    await publish(tartu, adoption("changed", ref="3"), Change("adoption", None, ref="4"))
    lines = tartu.tell(lund.want(tartu))
    assert tags(lines) == ["head", "head", "beat", "del", "put", "put", "next"]
    accepted(await lund.take(lines, tartu))
    assert same(lund, tartu, tartu.id)


async def test_nothing_new_is_a_head_and_no_record(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, adoption("a"))
    accepted(await lund.pull(tartu, tartu))
    assert tags(tartu.tell(lund.want(tartu))) == ["head", "beat", "next"]
    accepted(await lund.pull(tartu, tartu))


async def test_a_third_node_gets_it_from_the_second(tartu: SmallNode, lund: SmallNode, tmp_path: Path) -> None:
    await publish(tartu, *(adoption(str(n), ref=str(n)) for n in range(5)))
    accepted(await lund.pull(tartu, tartu))
    munich = SmallNode(tmp_path, "munich", clock=tartu.clock)
    munich.befriend(lund, tartu)
    accepted(await munich.pull(lund, tartu))
    for number in range(3):
        await publish(tartu, adoption("again", ref=str(number)), Change("adoption", None, ref=str(4 - number)))
        accepted(await lund.pull(tartu, tartu))
    accepted(await munich.pull(lund, tartu))
    assert same(munich, tartu, tartu.id)
    munich.close()


@pytest.mark.parametrize("page_bytes", [1, 300, 2000])
async def test_pages_make_the_same_set(tartu: SmallNode, lund: SmallNode, page_bytes: int) -> None:
    await publish(tartu, *(adoption(str(n), ref=str(n)) for n in range(12)))
    want, block, pages = lund.want(tartu), None, 0
    while block is None or block.after is not None:
        following = Want(tartu.id, after=block.after or 0) if block else want
        found = read_block(want, tartu.tell(following, page_bytes=page_bytes), lund.limits, block)
        assert isinstance(found, Block)
        block, pages = found, pages + 1
    accepted(await lund.receiver.apply(tartu.id, block))
    assert same(lund, tartu, tartu.id)
    assert pages > 1


async def test_what_changes_between_two_pages_is_told_again(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, *(adoption(str(n), ref=str(n)) for n in range(6)))
    want = lund.want(tartu)
    block = read_block(want, tartu.tell(want, page_bytes=600), lund.limits)
    assert isinstance(block, Block)
    assert block.after is not None
    await publish(tartu, adoption("changed", ref="0"), Change("adoption", None, ref="1"), adoption("new"))
    following = Want(tartu.id, after=block.after)
    block = read_block(want, tartu.tell(following), lund.limits, block)
    assert isinstance(block, Block)
    accepted(await lund.receiver.apply(tartu.id, block))
    assert same(lund, tartu, tartu.id)


async def test_a_first_page_alone_is_not_a_set(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, *(adoption(str(n)) for n in range(6)))
    verdict = await lund.take(tartu.tell(lund.want(tartu), page_bytes=1), tartu)
    assert isinstance(verdict, Compare)
    held = lund.author(tartu.id)
    assert held is not None
    assert held.head_line is None


# Comparing


async def compare(reader: SmallNode, writer: SmallNode, of: SmallNode | Author) -> Verdict:
    """What a session does where the changes can't be told, with whole trees instead of prefixes."""
    lines = writer.tell(reader.want(of))
    block = read_block(reader.want(of), lines, reader.limits)
    assert isinstance(block, Block)
    assert isinstance(await reader.receiver.apply(writer.id, block), Compare)
    head = block.head
    want = Want(of.id, head.epoch, 0, head.hash, prefixes=("",))
    part = read_block(want, writer.tell(want), reader.limits)
    assert isinstance(part, Block)
    whole = Block(of.id, block.card, block.heads, block.beat, records=part.records, leaves=part.leaves)
    mine = await reader.receiver.tree(of.id)
    whole.removed = {key for key, _ in mine.items()} - part.records.keys() - part.leaves.keys()
    return await reader.receiver.apply(writer.id, whole, compared=True)


async def test_after_the_chain_was_pruned_the_trees_are_compared(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, *(adoption(str(n), ref=str(n)) for n in range(4)))
    accepted(await lund.pull(tartu, tartu))
    tartu.clock.pass_by(100 * DAY)
    await publish(tartu, Change("adoption", None, ref="0"), adoption("changed", ref="1"))
    tartu.clock.pass_by(100 * DAY)
    await publish(tartu, adoption("more"))
    tartu.database.write_now(lambda db: authors.prune(db, tartu.clock.time - 90 * DAY))
    assert tags(tartu.tell(lund.want(tartu)))[-2:] == ["compare", "next"]
    verdict = accepted(await compare(lund, tartu, tartu))
    assert not verdict.continuous
    assert same(lund, tartu, tartu.id)


async def test_made_up_removals_are_passed_on_to_nobody(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    for node in (tartu, lund):
        node.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    accepted(await lund.take(paris.block_lines(), paris))
    paris.put("adoption", adoption_body("a"))
    paris.commit()
    [*before, put, end] = paris.block_lines(tartu.want(paris))
    made_up = [del_line(bytes([number]) * 32, paris.head.seq) for number in range(200)]
    accepted(await tartu.take([*before, *made_up, put, end], paris))
    assert "del" not in tags(tartu.tell(lund.want(paris)))
    accepted(await lund.pull(tartu, paris))


async def test_what_came_and_went_while_a_relay_was_away_is_compared(
    tartu: SmallNode, lund: SmallNode, tmp_path: Path
) -> None:
    """The relay never held the record, so it doesn't remember that it is gone; a reader who holds it finds out."""
    reader = SmallNode(tmp_path, "munich", clock=tartu.clock)
    reader.befriend(lund, tartu)
    await publish(tartu, adoption("stays"))
    accepted(await lund.pull(tartu, tartu))
    await publish(tartu, adoption("goes", ref="1"))
    accepted(await reader.pull(tartu, tartu))
    await publish(tartu, Change("adoption", None, ref="1"))
    accepted(await lund.pull(tartu, tartu))
    accepted(await compare(reader, lund, tartu))
    assert same(reader, tartu, tartu.id)
    reader.close()


async def test_a_part_of_a_head_that_has_moved_says_compare(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, adoption("a"))
    old = tartu.mine().head_hash or b""
    await publish(tartu, adoption("b"))
    lines = tartu.tell(Want(tartu.id, 1, 0, old, prefixes=("",)))
    assert tags(lines) == ["head", "compare", "next"]
    assert tartu.database.read_now(lambda db: sending.subtrees(db, tartu.trees, tartu.id, old, "", 8)) is None


async def test_a_chain_longer_than_a_reader_takes_is_refused_with_its_reason(tmp_path: Path) -> None:
    clock, limits = Clock(), Limits(heads=3)
    tartu, lund = (SmallNode(tmp_path, name, clock=clock, limits=limits) for name in ("tartu", "lund"))
    lund.befriend(tartu)
    tartu.befriend(lund)
    await publish(tartu, adoption("a"))
    accepted(await lund.pull(tartu, tartu))
    for number in range(5):
        await publish(tartu, adoption(str(number)))
    verdict = await lund.pull(tartu, tartu)
    tartu.close()
    lund.close()
    assert isinstance(verdict, Refusal)
    assert "more than 3 heads" in verdict.sentence


async def test_a_new_epoch_is_compared_and_may_lower_the_seq(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    for number in range(8):
        paris.put("adoption", adoption_body(str(number)), f"r{number}")
    paris.commit()
    tartu.befriend(paris)
    lund.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    accepted(await lund.pull(tartu, paris))
    for number in range(6):
        paris.remove("adoption", f"r{number}")
    paris.rotate(from_seq=0)
    paris.commit()
    paris.beat(NOW + 60)
    assert paris.seq == 4
    block = read_block(Want(paris.id), paris.block_lines(), tartu.limits)
    assert isinstance(block, Block)
    accepted(await tartu.receiver.apply(paris.id, block, whole=True))
    assert tags(tartu.tell(lund.want(paris)))[:2] == ["card", "head"]
    accepted(await compare(lund, tartu, paris))
    assert same(lund, tartu, paris.id)
    held = lund.author(paris.id)
    assert held is not None
    assert (held.epoch, held.seq, held.count) == (2, 4, 4)


# Who is shown what


@pytest.mark.parametrize(
    ("honoured", "lines"),
    [
        pytest.param(True, ["put", "put", "put"], id="honoured"),
        pytest.param(False, ["put", "leaf", "leaf"], id="listed"),
    ],
)
async def test_bodies_that_are_not_public_go_to_the_honoured_alone(
    tartu: SmallNode, lund: SmallNode, lines: list[str], *, honoured: bool
) -> None:
    await publish(
        tartu,
        adoption("for all"),
        Change("contact", contact_body("secret manager"), visibility="members"),
        Change("contact", contact_body("secret director"), visibility="partners"),
    )
    told_ = tartu.tell(Want(tartu.id), honoured=honoured)
    assert [tag for tag in tags(told_) if tag in ("put", "leaf")] == lines
    assert (b"secret" in b"".join(told_)) is honoured
    accepted(await lund.take(told_, tartu))
    held = lund.author(tartu.id)
    assert held is not None
    assert held.root == tartu.mine().root


async def test_bodies_are_filled_in_when_they_may_be_seen(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, adoption("a"), Change("contact", contact_body("manager"), ref="1"))
    accepted(await lund.pull(tartu, tartu, honoured=False))
    keys = lund.database.read_now(records.without_bodies)[tartu.id]
    assert len(keys) == 1
    head = tartu.mine().head_hash or b""
    want = Want(tartu.id, 1, 0, head, prefixes=tuple(f"{int.from_bytes(key):0256b}" for key in keys))
    accepted(await lund.take(tartu.tell(want), tartu))
    assert lund.database.read_now(records.without_bodies) == {}
    assert same(lund, tartu, tartu.id)


async def test_a_leaf_that_lies_about_its_seq_shuts_nobody_out(
    tartu: SmallNode, lund: SmallNode, tmp_path: Path
) -> None:
    paris = signatory("paris")
    secret = paris.put("contact", contact_body("manager"), visibility="members")
    paris.commit()
    paris.newest_beat = None
    for node in (tartu, lund):
        node.befriend(paris)
    honest = paris.block_lines(shown=("public",))
    lie = [line for line in honest if line != leaf_line(leaf_of(secret))]
    lie.insert(-2, leaf_line(leaf_of(secret)._replace(seq=2)))
    accepted(await tartu.take(lie, paris))
    accepted(await lund.pull(tartu, paris))


async def test_authors_that_nobody_here_knows_are_not_told_of(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    tartu.accept(paris, Standing.LISTED)
    block = read_block(Want(paris.id), paris.block_lines(), tartu.limits)
    assert isinstance(block, Block)
    accepted(await tartu.receiver.apply(paris.id, block))
    assert len(told(tartu.feed())) == 1
    tartu.reconsider()
    assert tartu.feed() == []
    assert tags(tartu.tell(Want(paris.id))) == ["next"]
    head = paris.head.hash
    assert tartu.database.read_now(lambda db: sending.subtrees(db, tartu.trees, paris.id, head, "", 8)) is None


async def test_an_author_known_by_its_card_alone_gets_an_empty_block(tartu: SmallNode, lund: SmallNode) -> None:
    assert tags(tartu.tell(Want(lund.id))) == ["next"]


# Who is taken


async def test_nobody_else_brings_this_nodes_own_records(tartu: SmallNode, lund: SmallNode) -> None:
    twin = Author("tartu")
    twin.put("adoption", adoption_body("not mine"))
    twin.commit()
    assert refused(await tartu.take(twin.block_lines(), twin, peer=lund.id)) is Reason.NOT_ACCEPTED
    assert tartu.rows() == []


async def test_an_author_that_is_not_accepted_is_not_taken(tartu: SmallNode) -> None:
    paris = signatory("paris")
    assert refused(await tartu.take(paris.block_lines(), paris)) is Reason.NOT_ACCEPTED
    assert tartu.author(paris.id) is None


async def test_what_is_held_of_an_author_that_nobody_endorses_any_more_is_not_added_to(tartu: SmallNode) -> None:
    paris, lund = signatory("paris"), signatory("lund")
    lund.put("endorsement", endorsement_body(paris.id), "e1")
    lund.commit()
    tartu.befriend(lund)
    accepted(await tartu.take(lund.block_lines(), lund))
    accepted(await tartu.take(paris.block_lines(), paris))
    lund.remove("endorsement", "e1")
    lund.commit()
    accepted(await tartu.take(lund.block_lines(), lund))
    paris.put("adoption", adoption_body("more"))
    paris.commit()
    assert refused(await asyncio.wait_for(tartu.take(paris.block_lines(), paris), 5)) is Reason.NOT_ACCEPTED


async def test_a_blocked_author_is_not_taken_whoever_endorses_it(tmp_path: Path) -> None:
    paris, lund = signatory("paris"), signatory("lund")
    lund.put("endorsement", endorsement_body(paris.id), "e1")
    lund.commit()
    tartu = SmallNode(tmp_path, blocked=[paris.id])
    tartu.befriend(lund)
    accepted(await tartu.take(lund.block_lines(), lund))
    assert refused(await tartu.take(paris.block_lines(), paris)) is Reason.NOT_ACCEPTED
    tartu.close()


async def test_an_endorsement_that_was_just_taken_counts_at_once(tartu: SmallNode) -> None:
    paris, lund = signatory("paris"), signatory("lund")
    lund.put("endorsement", endorsement_body(paris.id), "e1")
    lund.commit()
    tartu.befriend(lund)
    accepted(await tartu.take(lund.block_lines(), lund))
    assert tartu.acceptance.standing(paris.id) is Standing.REACHED
    accepted(await tartu.take(paris.block_lines(), paris))
    assert tartu.acceptance.standing(paris.id) is Standing.LISTED
    lund.remove("endorsement", "e1")
    lund.commit()
    accepted(await tartu.take(lund.block_lines(tartu.want(lund)), lund))
    assert tartu.acceptance.standing(paris.id) is Standing.UNKNOWN


async def test_an_endorsement_whose_body_is_shown_no_more_stops_counting_at_once(tartu: SmallNode) -> None:
    paris, lund = signatory("paris"), signatory("lund")
    lund.put("endorsement", endorsement_body(paris.id), "e1")
    lund.commit()
    tartu.befriend(lund)
    accepted(await tartu.take(lund.block_lines(), lund))
    lund.put("endorsement", endorsement_body(paris.id), "e1", "partners")
    lund.commit()
    accepted(await tartu.take(lund.block_lines(tartu.want(lund), shown=("public",)), lund))
    assert tartu.acceptance.standing(paris.id) is Standing.UNKNOWN


ALTERATIONS: list[Any] = [
    pytest.param(lambda lines: [line.replace(b"bye", b"lie") for line in lines], id="altered"),
    pytest.param(lambda lines: [line for line in lines if b"bye" not in line], id="hidden"),
    pytest.param(lambda lines: [*lines[:-1], *_stranger(), lines[-1]], id="added"),
]


def _stranger() -> list[bytes]:
    author = Author("paris")
    return [put_line(author.record("adoption", adoption_body("not said"), "zz", 4))]


@pytest.mark.parametrize("alter", ALTERATIONS)
async def test_what_a_relay_changes_is_never_kept(
    tartu: SmallNode, lund: SmallNode, alter: Callable[[list[bytes]], list[bytes]]
) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    before = tartu.rows(paris.id)
    paris.put("adoption", adoption_body("bye"), "f")
    paris.put("adoption", adoption_body("more"), "g")
    paris.commit()
    lines = alter(paris.block_lines(tartu.want(paris)))
    verdict = await tartu.take(lines, paris, peer=lund.id)
    assert isinstance(verdict, Compare | Refusal)
    assert tartu.rows(paris.id) == before
    accepted(await tartu.take(paris.block_lines(tartu.want(paris)), paris))


async def test_a_refusal_is_kept_until_the_same_peer_brings_what_holds(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    stranger = Author("paris", network="demo")
    stranger.commit()
    assert refused(await tartu.take(stranger.block_lines(), paris, peer=lund.id)) is Reason.FOREIGN_NETWORK
    assert tartu.refusals() == [(paris.id, Reason.FOREIGN_NETWORK)]
    accepted(await tartu.take(paris.block_lines(), paris, peer=lund.id))
    assert tartu.refusals() == []


# The feed: beats, evidence, going back


async def hear(node: SmallNode, other: SmallNode, news: list[Told], *evidence: Evidence) -> None:
    await node.receiver.hear(other.id, news, evidence)


async def test_a_beat_in_the_feed_keeps_an_author_fresh(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, adoption("a"))
    accepted(await lund.pull(tartu, tartu))
    tartu.clock.pass_by(12 * 3600)
    await tartu.publisher.beat()
    await hear(lund, tartu, told(tartu.feed()))
    held = lund.author(tartu.id)
    assert held is not None
    assert held.beat == tartu.mine().beat
    assert held.beat_time == int(tartu.clock.time)


@pytest.mark.parametrize("spoil", ["forged", "future", "other head"])
async def test_a_beat_that_does_not_hold_is_not_kept(tartu: SmallNode, spoil: str) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    held = tartu.author(paris.id)
    key = Author("mallory").signing_key if spoil == "forged" else paris.signing_key
    head = paris.head_with(seq=99) if spoil == "other head" else paris.head
    moment = NOW + 2 * DAY if spoil == "future" else NOW + 60
    beat = Beat.make(key, head=head, time=moment, urls=())
    await tartu.receiver.hear(paris.id, [Told(paris.card, paris.head, beat)])
    assert tartu.author(paris.id) == held


def forked(name: str = "paris") -> tuple[Author, Author, Evidence]:
    """An author, its other self, and the proof that there are two of them."""
    author = signatory(name)
    twin = author.twin()
    author.put("adoption", adoption_body("one"))
    twin.put("adoption", adoption_body("other"))
    proof = of_heads(author.card, author.commit(), [twin.commit()])
    assert proof is not None
    return author, twin, proof


async def test_a_fork_that_is_met_freezes_is_passed_on_and_is_healed(tartu: SmallNode, lund: SmallNode) -> None:
    paris, twin, proof = forked()
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    assert refused(await tartu.take(twin.block_lines(tartu.want(paris)), twin)) is Reason.FORKED
    paris.put("adoption", adoption_body("three"))
    paris.commit()
    assert refused(await tartu.take(paris.block_lines(tartu.want(paris)), paris)) is Reason.FORKED
    [evidence] = [value for tag, value in statements(tartu.feed()) if tag == "evidence"]
    assert Evidence.parse(evidence).author == paris.id
    # Healed: the two are merged under a new epoch.
    paris.rotate(from_seq=paris.seq)
    paris.commit()
    block = read_block(Want(paris.id), paris.block_lines(), tartu.limits)
    assert isinstance(block, Block)
    accepted(await tartu.receiver.apply(paris.id, block, whole=True))
    assert "evidence" not in tags(tartu.feed())
    assert proof.epoch == 1


async def test_evidence_in_the_feed_freezes_whom_it_is_about(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _, proof = forked()
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    await hear(tartu, lund, [Told(paris.card, paris.head)], proof)
    await hear(tartu, lund, [Told(paris.card, paris.head)], proof)
    held = tartu.author(paris.id)
    assert held is not None
    assert held.forked_epoch == 1
    assert tags(tartu.feed()).count("evidence") == 1


async def test_evidence_about_somebody_else_freezes_nobody(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    _, _, proof = forked("mallory")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    await hear(tartu, lund, [Told(paris.card, paris.head)], proof)
    held = tartu.author(paris.id)
    assert held is not None
    assert held.forked_epoch is None


async def test_two_cards_of_one_epoch_in_the_feed_are_evidence(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    thief = Author("paris", now=NOW + 5)
    thief.commit()
    await hear(tartu, lund, [Told(thief.card, thief.head)])
    held = tartu.author(paris.id)
    assert held is not None
    assert held.forked_epoch == 1


async def test_the_same_root_key_in_another_network_is_no_fork(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    rehearsal = Author("paris", network="rehearsal")
    rehearsal.commit()
    await hear(tartu, lund, [Told(rehearsal.card, rehearsal.head)])
    held = tartu.author(paris.id)
    assert held is not None
    assert held.forked_epoch is None


async def test_a_partner_that_goes_back_is_noted_and_changes_nothing(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    older: Head = paris.head
    paris.put("adoption", adoption_body("more"))
    paris.commit()
    accepted(await tartu.take(paris.block_lines(), paris))
    await hear(tartu, lund, [Told(paris.card, paris.head)])
    assert tartu.refusals() == []
    await hear(tartu, lund, [Told(paris.card, older)])
    assert tartu.refusals() == [(paris.id, Reason.ROLLED_BACK)]
    held = tartu.author(paris.id)
    assert held is not None
    assert held.head_hash == paris.head.hash
    heard = tartu.database.read_now(lambda db: partners.heard(db, lund.id))
    assert heard[paris.id].seq == older.seq


async def test_a_feed_can_always_be_read_while_an_author_changes_its_key(tartu: SmallNode, lund: SmallNode) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    tartu.database.write_now(lambda db: authors.introduce(db, paris.rotate()))
    pairs = told(tartu.feed())
    assert [(each.card.epoch, each.head.epoch) for each in pairs if each.card.author == paris.id] == [(1, 1)]
    held = tartu.author(paris.id)
    assert held is not None
    assert held.newest_card == paris.card


# One record and its proof


async def test_a_record_that_is_asked_for_proves_itself(tartu: SmallNode) -> None:
    await publish(tartu, adoption("a", id="a"), adoption("b", id="b", visibility="members"), adoption("c", id="c"))

    def ask(id_: str, *, everything: bool) -> Any:
        return tartu.database.read_now(
            lambda db: sending.signed_record(db, tartu.trees, tartu.id, "adoption", id_, everything=everything)
        )

    found = ask("a", everything=False)
    assert type(found).parse(found.as_value()) == found
    assert ask("b", everything=True).record.visibility == "members"
    with pytest.raises(InputError, match="is not public"):
        ask("b", everything=False)
    with pytest.raises(InputError, match="there is no adoption zz"):
        ask("zz", everything=True)


async def test_absence_is_proven_too(tartu: SmallNode) -> None:
    await publish(tartu, adoption("a", id="a"), adoption("secret", id="own", visibility="local"))

    def absence(id_: str) -> Any:
        key = tree_key("adoption", id_)
        return tartu.database.read_now(lambda db: sending.absence(db, tartu.trees, tartu.id, key))

    assert absence("a") is None
    assert absence("own")["head"]["statement"]["count"] == 1
    assert set(absence("zz")) == {"card", "head", "beat", "proof"}
