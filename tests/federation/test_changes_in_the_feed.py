"""Small changes come with the feed's news, and count like the block that a pull would have brought."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from node.directory.draft import Change
from node.federation import sending, wire
from node.federation.actions import News
from node.federation.hearing import Told
from node.federation.news import read_news
from node.federation.receiving import FEW
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted, Compare, Reason, Refusal
from node.storage import authors, backlog, partners
from tests.directory.small_node import SmallNode, adoption, contact_body, signatory, tags
from tests.kinds.kind_examples import example
from tests.protocol.builders import Author


@pytest.fixture
async def lund(tartu: SmallNode, lund: SmallNode) -> SmallNode:
    """A partner that holds all that Tartu said."""
    await tartu.publish(*(adoption(str(number), ref=str(number)) for number in range(5)))
    await lund.pull(tartu, tartu)
    return lund


async def publish(node: SmallNode, *changes: Change) -> None:
    node.clock.pass_by(2)
    await node.publish(*changes)


def place(node: SmallNode) -> int:
    return node.database.read_now(authors.newest_arrival)


def feed(node: SmallNode, after: int, *, honoured: bool = True) -> list[bytes]:
    found = node.database.read_now(lambda db: sending.feed(db, after, honoured=honoured))
    assert found is not None
    return found.lines


def news(node: SmallNode, after: int, change: Callable[[list[bytes]], list[bytes]] = list, **who: bool) -> News:
    """The feed after a place as a reader parses it, perhaps with its lines changed on the way."""
    return read_news([*change(feed(node, after, **who)), b'{"next":{"since":"x:1"}}'], node.id)


def same(reader: SmallNode, writer: SmallNode) -> bool:
    held = reader.author(writer.id)
    assert held is not None
    return held.head_hash == writer.mine().head_hash and reader.rows(writer.id) == writer.rows()


async def test_a_change_that_follows_what_is_held_is_applied_without_a_pull(tartu: SmallNode, lund: SmallNode) -> None:
    before = place(tartu)
    await publish(tartu, adoption("new"), adoption("other", ref="1"), Change("adoption", None, ref="2"))
    assert tags(feed(tartu, before)) == ["card", "head", "beat", "del", "put", "put"]
    heeded = await lund.receiver.hear(tartu.id, news(tartu, before).told)
    assert [type(verdict) for verdict in heeded.verdicts] == [Accepted]
    assert same(lund, tartu)


async def test_where_the_feed_goes_on_is_kept_with_what_it_says(tartu: SmallNode, lund: SmallNode) -> None:
    before = place(tartu)
    await publish(tartu, adoption("new"))
    await lund.receiver.hear(tartu.id, news(tartu, before).told, cursor="x:7")
    partner = lund.database.read_now(lambda db: partners.find(db, tartu.id))
    assert partner is not None
    assert partner.cursor == "x:7"


async def test_who_told_of_a_state_hears_later_and_without_its_changes_that_it_is_held(
    tartu: SmallNode, lund: SmallNode
) -> None:
    def told(reader: SmallNode | Author) -> sending.Feed:
        found = lund.database.read_now(lambda db: sending.feed(db, before, honoured=True, reader=reader.id))
        assert found is not None
        return found

    paris = signatory("paris")
    tartus, before = place(tartu), place(lund)
    await publish(tartu, adoption("new"))
    await lund.receiver.hear(tartu.id, news(tartu, tartus).told)
    assert same(lund, tartu)
    assert (told(tartu).urgent, tags(told(tartu).lines)) == (False, ["card", "head", "beat"])
    assert (told(paris).urgent, tags(told(paris).lines)) == (True, ["card", "head", "beat", "put"])
    await publish(tartu, adoption("newer"))
    await lund.pull(tartu, tartu)
    assert told(tartu).urgent, "of this one Tartu's feed has not told yet"


async def test_a_whole_small_set_comes_to_a_reader_that_has_nothing(tmp_path: Path, tartu: SmallNode) -> None:
    paris, lund = signatory("paris"), SmallNode(tmp_path, "lund", clock=tartu.clock)
    tartu.befriend(paris)
    await tartu.take(paris.block_lines(), paris)
    lund.befriend(tartu)
    before = place(tartu)
    await tartu.publish(adoption("first"))
    [verdict] = (await lund.receiver.hear(tartu.id, news(tartu, before).told)).verdicts
    assert isinstance(verdict, Accepted)
    assert same(lund, tartu)
    lund.close()


async def test_a_change_that_follows_another_state_is_left_to_a_pull(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, adoption("missed"))
    before = place(tartu)
    await publish(tartu, adoption("new"))
    heeded = await lund.receiver.hear(tartu.id, news(tartu, before).told)
    assert heeded.verdicts == ()
    assert lund.refusals() == [], "the partner did nothing wrong"
    await lund.pull(tartu, tartu)
    assert same(lund, tartu)


async def test_who_begins_gets_no_changes(tartu: SmallNode, lund: SmallNode) -> None:
    await publish(tartu, adoption("new"))
    assert "put" not in tags(feed(tartu, 0))


async def test_as_many_as_are_looked_into_later_are_searched_then(tartu: SmallNode, lund: SmallNode) -> None:
    before = place(tartu)
    await publish(tartu, *(adoption(f"more{number}") for number in range(FEW + 5)))
    told = news(tartu, before).told
    assert len(told[0].changes) > FEW
    async with lund.indexer.running() as indexer:
        await indexer.done()
        await lund.receiver.hear(tartu.id, told)
        await asyncio.wait_for(indexer.done(), 10)
        assert lund.database.read_now(backlog.size) == 0


LONG = example("practice", summary={"en": "x" * 1_000})
TOO_MUCH = [
    pytest.param([adoption(str(number)) for number in range(wire.CHANGES_AT_MOST + 1)], id="too many records"),
    pytest.param([Change("practice", LONG)] * (wire.CHANGES_BYTES // 1_000), id="too many bytes"),
]


@pytest.mark.parametrize("changes", TOO_MUCH)
async def test_large_changes_are_left_to_a_pull(tartu: SmallNode, lund: SmallNode, changes: list[Change]) -> None:
    before = place(tartu)
    await publish(tartu, *changes)
    assert tags(feed(tartu, before)) == ["card", "head", "beat"]


async def test_bodies_that_are_not_public_come_to_the_honoured_alone(tartu: SmallNode, lund: SmallNode) -> None:
    before = place(tartu)
    await publish(tartu, Change("contact", contact_body("landing"), visibility="members"))
    assert tags(feed(tartu, before, honoured=False)) == ["card", "head", "beat", "leaf"]
    assert b"landing" not in b"".join(feed(tartu, before, honoured=False))
    heeded = await lund.receiver.hear(tartu.id, news(tartu, before, honoured=False).told)
    assert [type(verdict) for verdict in heeded.verdicts] == [Accepted]
    assert lund.author(tartu.id).root == Tree.of({row.key: row.value for row in tartu.rows()}).root  # type: ignore[union-attr]


LIES = [
    pytest.param(lambda lines: [*lines[:-1], lines[-1].replace(b"new", b"old")], id="altered"),
    pytest.param(lambda lines: [line for line in lines if not line.startswith(b'{"del"')], id="a removal hidden"),
]


@pytest.mark.parametrize("lie", LIES)
async def test_what_a_partner_changes_on_the_way_is_compared_and_not_shown(
    tartu: SmallNode, lund: SmallNode, lie: Callable[[list[bytes]], list[bytes]]
) -> None:
    before, rows = place(tartu), lund.rows(tartu.id)
    await publish(tartu, adoption("new"), Change("adoption", None, ref="2"))
    heeded = await lund.receiver.hear(tartu.id, news(tartu, before, lie).told)
    assert [type(verdict) for verdict in heeded.verdicts] == [Compare]
    assert lund.rows(tartu.id) == rows


async def test_what_is_no_block_is_refused_with_its_reason(tartu: SmallNode, lund: SmallNode) -> None:
    before, rows = place(tartu), lund.rows(tartu.id)
    await publish(tartu, adoption("new"), Change("adoption", None, ref="2"))
    heeded = await lund.receiver.hear(tartu.id, news(tartu, before, lambda lines: [*lines[:3], *lines[:2:-1]]).told)
    [refusal] = heeded.verdicts
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.MALFORMED
    assert lund.refusals() == [(tartu.id, "malformed")]
    assert lund.rows(tartu.id) == rows


async def test_of_strangers_nothing_is_taken(tmp_path: Path, tartu: SmallNode, lund: SmallNode) -> None:
    stranger = SmallNode(tmp_path, "paris", clock=tartu.clock)
    await stranger.publish(adoption("who?"))
    told = Told(stranger.card, stranger.mine().head, changes=tuple(stranger.tell(stranger.want(tartu))[2:-1]))  # type: ignore[arg-type]
    assert (await lund.receiver.hear(tartu.id, [told])).verdicts == ()
    assert lund.author(stranger.id) is None
    stranger.close()


async def test_more_changes_than_a_feed_may_bring_are_refused(tartu: SmallNode, lund: SmallNode) -> None:
    before = place(tartu)
    await publish(tartu, adoption("new"))

    def many(lines: list[bytes]) -> list[bytes]:
        return [*lines, *(wire.CHANGES_AT_MOST * [lines[-1]])]

    found = news(tartu, before, many)
    assert len(found.told[0].changes) == wire.CHANGES_AT_MOST
    assert [refusal.reason for _, refusal in found.refused] == [Reason.MALFORMED]
