"""Large blocks are durable first and searched a moment later: what that means for those who look, and after a crash."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from node.directory import indexing, views
from node.directory.indexing import Indexer
from node.errors import HomeError
from node.federation.receiving import FEW
from node.protocol.verdicts import Accepted
from node.storage import backlog
from node.storage.index import entry
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, contact_body, organisation_body
from tests.kinds.kind_examples import example
from tests.protocol.builders import Author
from tests.search.asking import ask

MANY = FEW + 10


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[SmallNode]:
    made = SmallNode(tmp_path)
    yield made
    made.close()


def author_of(count: int) -> Author:
    author = Author("paris")
    author.put("organisation", organisation_body("Paris Park"), "self")
    for number in range(count):
        author.put("practice", example("practice", title={"en": f"Handshake{number:02}"}), f"p{number}")
    author.commit()
    return author


async def taken(node: SmallNode, author: Author) -> None:
    node.befriend(author)
    node.accept(author, Standing.HONOURED)
    assert isinstance(await node.take(author.block_lines(), author), Accepted)


def unread(node: SmallNode) -> int:
    return node.database.read_now(backlog.size)


def found(node: SmallNode, word: str) -> list[dict[str, Any]]:
    return ask(node, q=word).records


def listed(node: SmallNode) -> int:
    return len(node.database.read_now(lambda db: views.listing(db, node.reader(), "practice")).records)


async def test_a_large_block_is_held_at_once_and_in_no_view_until_it_was_looked_into(node: SmallNode) -> None:
    author = author_of(MANY)
    await taken(node, author)
    assert len(node.rows(author.id)) == MANY + 1
    assert unread(node) == MANY
    assert listed(node) == 0
    assert found(node, "Handshake07") == []
    async with Indexer(node.database).running() as indexer:
        await indexer.done()
    assert unread(node) == 0
    assert listed(node) == MANY
    assert len(found(node, "Handshake07")) == 1


async def test_who_somebody_is_counts_before_its_records_are_looked_into(node: SmallNode) -> None:
    await taken(node, author_of(MANY))
    assert found(node, "Paris Park")[0]["body"]["name"] == "Paris Park"


async def test_a_small_block_is_found_as_soon_as_it_is_taken(node: SmallNode) -> None:
    await taken(node, author_of(FEW - 1))
    assert unread(node) == 0
    assert len(found(node, "Handshake07")) == 1


async def test_what_an_earlier_process_left_is_worked_off(tmp_path: Path) -> None:
    first = SmallNode(tmp_path)
    await taken(first, author_of(MANY))
    first.close()
    again = SmallNode(tmp_path)
    again.accept(Author("paris"), Standing.HONOURED)
    assert unread(again) == MANY
    async with Indexer(again.database).running() as indexer:
        await indexer.done()
    assert unread(again) == 0
    again.close()


async def test_a_malformed_body_is_kept_out_of_the_views_with_its_reason(node: SmallNode) -> None:
    author = author_of(MANY)
    author.put("practice", {"title": 7}, "broken")
    author.commit()
    await taken(node, author)
    async with Indexer(node.database).running() as indexer:
        await indexer.done()
    rows = node.database.read_now(
        lambda db: db.execute("SELECT id, problem FROM records WHERE problem IS NOT NULL").fetchall()
    )
    assert [row[0] for row in rows] == ["broken"]
    assert listed(node) == MANY


async def test_what_changed_or_went_meanwhile_is_not_indexed_as_it_was(node: SmallNode) -> None:
    author = author_of(MANY)
    await taken(node, author)
    batch = node.database.read_now(lambda db: backlog.first(db, 0, MANY))
    held = author.want()
    author.put("practice", example("practice", title={"en": "Bow"}), "p1")
    author.remove("practice", "p2")
    author.commit()
    assert isinstance(await node.take(author.block_lines(held), author), Accepted)
    stale = indexing.look_into(batch)
    node.database.write_now(lambda db: backlog.settle(db, batch, stale))
    assert found(node, "Handshake01") == []
    assert found(node, "Handshake02") == []
    assert len(found(node, "Bow")) == 1
    assert len(found(node, "Handshake03")) == 1


async def test_a_contact_that_waited_is_not_found_by_its_name_either(node: SmallNode) -> None:
    author = author_of(MANY)
    author.put(
        "contact",
        {**contact_body("landing"), "name": "Ada Veryrarename", "consent": "2026-01-15"},
        "c",
        visibility="public",
    )
    author.commit()
    author.beat(author.now)
    await taken(node, author)
    async with Indexer(node.database).running() as indexer:
        await indexer.done()
    assert found(node, "Veryrarename") == []
    assert len(found(node, "landing")) == 1


async def test_blocks_in_hand_come_first_but_not_for_ever(node: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "PATIENCE", 0.3)
    await taken(node, author_of(MANY))
    indexer = Indexer(node.database)
    with indexer.block_in_hand():
        async with indexer.running():
            await asyncio.sleep(0.1)
            assert unread(node) == MANY
            await asyncio.wait_for(indexer.done(), 10)
    assert unread(node) == 0


FAILURES = [
    pytest.param(HomeError("the disk is full"), id="of the disk"),
    pytest.param(ZeroDivisionError("a bug"), id="of this program"),
]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_step_that_failed_is_tried_again(
    node: SmallNode, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(indexing, "AGAIN", 0.01)
    failures = [failure]

    def settle(db: Any, **batch: Any) -> None:
        if failures:
            raise failures.pop()
        real(db, **batch)

    real = backlog.settle
    monkeypatch.setattr(backlog, "settle", settle)
    await taken(node, author_of(MANY))
    async with Indexer(node.database).running() as indexer:
        async with asyncio.timeout(10):
            while unread(node):
                await asyncio.sleep(0.01)
        await indexer.done()
    assert len(found(node, "Handshake07")) == 1


async def test_nobody_waits_for_ever_where_it_can_not_go_on(node: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(db: Any, **batch: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(backlog, "settle", settle)
    await taken(node, author_of(MANY))
    async with Indexer(node.database).running() as indexer:
        await asyncio.wait_for(indexer.done(), 10)
    assert unread(node) == MANY


DAMAGE = [
    pytest.param("UPDATE records SET line = x'00' WHERE id = 'p7'", id="of the line"),
    pytest.param("UPDATE records SET value = zeroblob(32) WHERE id = 'p7'", id="of the hash"),
]


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_record_that_the_disk_altered_keeps_no_other_waiting(node: SmallNode, damage: str) -> None:
    await taken(node, author_of(MANY))
    node.database.write_now(lambda db: db.execute(damage).rowcount)
    async with Indexer(node.database).running() as indexer:
        await asyncio.wait_for(indexer.done(), 10)
    assert unread(node) == 0
    assert len(found(node, "Handshake08")) == 1


async def test_a_step_is_small_where_its_records_are_large(node: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    await taken(node, author_of(MANY))
    monkeypatch.setattr(backlog, "BYTES_AT_ONCE", 2_000)
    step = node.database.read_now(lambda db: backlog.first(db, 0, MANY))
    assert 1 < len(step) < 20
    async with Indexer(node.database).running() as indexer:
        await indexer.done()
    assert unread(node) == 0


def test_an_entry_of_an_unknown_kind_has_no_heading() -> None:
    assert entry("dance", {"a": 1}).heading == ""


async def test_what_was_shown_stays_shown_while_a_large_change_is_taken(node: SmallNode) -> None:
    author = author_of(MANY)
    await taken(node, author)
    async with Indexer(node.database).running() as indexer:
        await indexer.done()
    held = author.want()
    for number in range(MANY):
        author.put("practice", example("practice", title={"en": f"Bow{number:02}"}), f"p{number}")
    author.commit()
    assert isinstance(await node.take(author.block_lines(held), author), Accepted)
    assert listed(node) == MANY
    assert len(found(node, "Bow07")) == 1
