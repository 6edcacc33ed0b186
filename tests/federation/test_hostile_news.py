"""What a hostile partner, or a hostile author behind an honest one, does with news, and what comes of it."""

import asyncio
import sqlite3
import threading
from typing import Any

import pytest

from node.directory import views
from node.federation import receiving, sending, wire
from node.federation.actions import News
from node.federation.hearing import Told
from node.federation.news import read_news
from node.federation.sending import Feed
from node.protocol.canonical import encode
from node.protocol.names import encode_base64
from node.protocol.verdicts import Accepted, Reason, Refusal
from node.storage import authors, backlog, partners, records
from node.storage.partners import Heard
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption_body, contact_body, signatory, statements
from tests.kinds.kind_examples import example
from tests.protocol.builders import NOW, Author, card_line, head_line


async def held(node: SmallNode, *names: str) -> list[Author]:
    """Authors of whom the node holds a first state."""
    found = [signatory(name) for name in names]
    node.befriend(*found)
    for author in found:
        assert isinstance(await node.take(author.block_lines(), author), Accepted)
    return found


def changed(author: Author, text: str = "new") -> list[bytes]:
    """The feed's lines of the author's next state, with what it changed."""
    before = author.want()
    author.put("adoption", adoption_body(text))
    author.commit()
    changes = [line for line in author.block_lines(before) if line.startswith(b'{"put"')]
    return [card_line(author.card), head_line(author.head), *changes]


def news(node: SmallNode, lines: list[bytes]) -> News:
    return read_news([*lines, b'{"next":{"since":"x:1"}}'], node.id)


def feed(node: SmallNode, after: int) -> Feed:
    found = node.database.read_now(lambda db: sending.feed(db, after, honoured=True))
    assert found is not None
    return found


async def test_larger_changes_than_a_feed_may_bring_are_refused_unread(tartu: SmallNode) -> None:
    [author] = await held(tartu, "paris")
    found = news(tartu, changed(author, "x" * wire.CHANGES_BYTES))
    assert found.told[0].changes == ()
    assert [refusal.reason for _, refusal in found.refused] == [Reason.MALFORMED]


async def test_many_authors_changes_keep_nobody_else_from_writing(
    tartu: SmallNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "TOGETHER", 2)
    many = await held(tartu, *(f"author-{number}" for number in range(8)))
    found = news(tartu, [line for author in many for line in changed(author)])
    heads = {author.head.hash for author in many}

    def taken(db: sqlite3.Connection) -> int:
        return sum(head in heads for *_, head in authors.states(db))

    # While the writer is busy, they queue; whoever writes next sees in its turn how many came before it.
    busy = threading.Event()
    going_on = [
        asyncio.ensure_future(tartu.database.write(lambda _: busy.wait(10))),
        asyncio.ensure_future(tartu.receiver.hear(tartu.id, found.told)),
    ]
    for _ in range(20):
        await asyncio.sleep(0)
    other = asyncio.ensure_future(tartu.database.write(taken))
    await asyncio.sleep(0)
    busy.set()
    assert await other == receiving.TOGETHER
    await asyncio.gather(*going_on)
    assert await tartu.database.write(taken) == len(many)


async def test_what_is_urgent_does_not_wait_behind_a_page_of_beats(
    tartu: SmallNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "FEED_PAGE", 2)
    *quiet, urgent = await held(tartu, "lund", "paris", "porto")
    place = tartu.database.read_now(authors.newest_arrival)
    for author in quiet:
        author.beat(NOW + 5)
        await tartu.take(author.block_lines(author.want()), author)
    assert feed(tartu, place + 1).urgent is False
    changed(urgent)
    await tartu.take(urgent.block_lines(), urgent)
    first = feed(tartu, place)
    assert first.urgent, "the first page has beats alone"
    assert feed(tartu, first.reached).urgent


async def test_a_card_that_was_replaced_brings_no_first_set(tartu: SmallNode) -> None:
    author = signatory("paris")
    thief = author.twin()
    author.rotate(from_seq=0)
    author.commit()
    tartu.befriend(author)
    verdict = await tartu.take(thief.block_lines(), author)
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.ROLLED_BACK
    assert tartu.author(author.id).newest_card.epoch == 2  # type: ignore[union-attr]
    assert isinstance(await tartu.take(author.block_lines(), author), Accepted)


async def test_a_malformed_farewell_that_waits_in_the_backlog_is_not_read(tartu: SmallNode) -> None:
    author = signatory("paris")
    for number in range(60):
        author.put("practice", example("practice"), f"p{number}")
    author.put("farewell", {"when": "soon"}, "bye")
    author.commit()
    tartu.befriend(author)
    tartu.accept(author, Standing.HONOURED)
    assert isinstance(await tartu.take(author.block_lines(), author), Accepted)
    before = author.want()
    for record in list(author.records.values()):
        if record.kind != "farewell":
            author.remove(record.kind, record.id)
    author.commit()
    assert isinstance(await tartu.take(author.block_lines(before), author), Accepted)
    assert tartu.database.read_now(backlog.size) == 1
    assert tartu.database.read_now(views.farewells) == {}


async def test_what_another_peer_was_quicker_with_is_judged_again_beside_the_writer(
    tartu: SmallNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    [author] = await held(tartu, "paris")
    want, threads, busy = author.want(), list[str](), threading.Event()
    changed(author)
    judge = tartu.receiver._judge

    def watched(*arguments: Any, **named: Any) -> Any:
        threads.append(threading.current_thread().name)
        return judge(*arguments, **named)

    monkeypatch.setattr(tartu.receiver, "_judge", watched)
    writing = asyncio.ensure_future(tartu.database.write(lambda _: busy.wait(10)))
    lines = author.block_lines(want)
    taking = [asyncio.ensure_future(tartu.receiver.take(peer.id, want, lines)) for peer in (author, tartu)]
    async with asyncio.timeout(10):
        while len(threads) < 2:
            await asyncio.sleep(0)
    busy.set()
    verdicts = await asyncio.gather(*taking)
    assert [type(verdict) for verdict in verdicts] == [Accepted, Accepted]
    assert len(threads) == 3
    assert "writer" not in threads
    await writing


def forged(author: Author) -> list[bytes]:
    """The feed's lines of an author, with signatures that somebody else made."""
    card, head = statements(author.block_lines())[:2]
    for _, value in (card, head):
        value["signature"] = encode_base64(bytes(64))
    return [encode({tag: value}) for tag, value in (card, head)]


@pytest.mark.parametrize("known", ["taken", "dropped", "stranger"])
async def test_statements_are_checked_of_whom_this_node_knows_and_are_the_partners_word_of_others(
    tartu: SmallNode, known: str
) -> None:
    partner, author = signatory("paris"), signatory("porto")
    author.put("adoption", adoption_body("text"))
    author.commit()
    tartu.befriend(partner)
    if known != "stranger":
        tartu.befriend(author)
        assert isinstance(await tartu.take(author.block_lines(), author), Accepted)
    if known == "dropped":
        tartu.database.write_now(lambda db: partners.remove(db, author.id))
        tartu.reconsider()
        assert tartu.acceptance.standing(author.id) is Standing.UNKNOWN
    lines = [*forged(author), b'{"next":{"since":"x:1"}}']
    found = read_news(lines, partner.id, tartu.receiver.concerned_with)
    assert found.told == ()
    if known == "stranger":
        word = Heard(author.id, author.head.epoch, author.head.seq, author.head.hash)
        assert found.others == (word,)
        await tartu.receiver.hear(partner.id, found.told, others=found.others)
        assert tartu.database.read_now(lambda db: partners.heard(db, partner.id)) == {author.id: word}
        assert tartu.refusals() == []
    else:
        assert found.others == ()
        assert [(of, refusal.reason) for of, refusal in found.refused] == [(author.id, Reason.FORGED)]


async def test_a_head_behind_a_strangers_card_is_its_own(tartu: SmallNode) -> None:
    [one, other] = map(signatory, ("paris", "porto"))
    lines = [forged(one)[0], forged(other)[1], *forged(other), b'{"next":{"since":"x:1"}}']
    found = read_news(lines, tartu.id, tartu.receiver.concerned_with)
    assert [each.author for each in found.others] == [other.id]
    assert [(of, refusal.reason) for of, refusal in found.refused] == [(one.id, Reason.MALFORMED)]


async def test_of_strangers_no_refusals_are_kept(tartu: SmallNode) -> None:
    [known] = await held(tartu, "paris")
    stranger = signatory("porto")
    for author in (known, stranger):
        author.beat(NOW + 3600)
    told = [Told(author.card, author.head, author.newest_beat) for author in (known, stranger)]
    await tartu.receiver.hear(known.id, told)
    assert tartu.refusals() == [(known.id, Reason.CLOCK)]


async def test_who_withholds_many_bodies_keeps_no_others_from_being_asked_for(tartu: SmallNode) -> None:
    withholding, other = signatory("paris"), signatory("porto")
    for author, count in ((withholding, 5), (other, 1)):
        for number in range(count):
            author.put("contact", contact_body("manager"), f"c{number}", visibility="members")
        author.commit()
        author.beat(NOW)
        tartu.befriend(author)
        await tartu.take(author.block_lines(shown=("public",)), author)
    missing = tartu.database.read_now(lambda db: records.without_bodies(db, of_all=3))
    assert missing.keys() == {withholding.id, other.id}
