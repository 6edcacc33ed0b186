"""A first set that the second process read comes to the same as one that was read here, and no lie gets in that way."""

import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from node.directory.indexing import Indexer
from node.federation import receiving
from node.federation.first import FEW, First, read_first
from node.federation.wire import PAGE_BYTES
from node.protocol.blocks import Limits, Want
from node.protocol.verdicts import Accepted, Refusal
from node.second_process import Gone
from node.storage import records
from node.trust.reach import Standing
from tests.directory.small_node import NETWORK, SmallNode, contact_body, organisation_body
from tests.kinds.kind_examples import example
from tests.protocol.builders import NOW, Author, leaf_of


class Elsewhere:
    """Does what the second process does, with values copied as they are on the way there, and counts."""

    def __init__(self, gone: bool = False) -> None:
        self.gone = gone
        self.done = 0
        self.before: Callable[[], None] = lambda: None

    def takes(self, size: int) -> bool:
        return size > 0

    async def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        if self.gone:
            raise Gone("dead")
        self.done += 1
        found = pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))
        self.before()
        return found


@pytest.fixture(autouse=True)
def everything_is_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "FAR", 0)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[SmallNode]:
    made = SmallNode(tmp_path)
    made.receiver.second = Elsewhere()  # type: ignore[assignment]
    yield made
    made.close()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[SmallNode]:
    """The same node without a second process."""
    (tmp_path / "plain").mkdir()
    made = SmallNode(tmp_path / "plain")
    yield made
    made.close()


def paris(count: int = FEW + 20) -> Author:
    author = Author("paris")
    author.put("organisation", organisation_body("Paris Park"), "self")
    for number in range(count):
        author.put("practice", example("practice", title={"en": f"Handshake{number:02}"}), f"p{number}")
    author.put("contact", contact_body("landing"), "c", visibility="members")
    author.put("venue", example("venue"), "v")
    author.put("venue", {"name": 7}, "broken")
    author.put("dance", {"a": 1}, "unknown")
    author.commit()
    author.beat(NOW)
    return author


async def taken(node: SmallNode, lines: list[bytes], author: Author) -> Any:
    node.accept(author, Standing.HONOURED)
    return await node.receiver.take(author.id, Want(author.id), lines)


def held(node: SmallNode) -> list[Any]:
    """All that the database holds of others, but for numbers that count what went before."""

    def read(db: Any) -> list[Any]:
        return [
            db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("records", "texts", "places", "backlog", "heads", "removals")
        ] + db.execute("SELECT node_id, card, head, beat, held, count, root, epoch, seq FROM authors").fetchall()

    return node.database.read_now(read)


@pytest.mark.parametrize("count", [3, FEW + 20])
async def test_it_comes_to_the_same_rows(node: SmallNode, plain: SmallNode, count: int) -> None:
    author = paris(count)
    lines = author.block_lines(shown={"public"})
    assert isinstance(await taken(node, lines, author), Accepted)
    assert isinstance(await taken(plain, lines, author), Accepted)
    assert node.receiver.second.done == 1  # type: ignore[union-attr]
    assert held(node) == held(plain)
    for each in (node, plain):
        async with Indexer(each.database).running() as indexer:
            await indexer.done()
    assert held(node) == held(plain)


async def test_a_later_change_follows(node: SmallNode, plain: SmallNode) -> None:
    author = paris()
    for each in (node, plain):
        await taken(each, author.block_lines(), author)
    before = author.want()
    author.put("practice", example("practice", title={"en": "Bow"}), "p1")
    author.remove("practice", "p2")
    author.commit()
    for each in (node, plain):
        assert isinstance(await each.receiver.take(author.id, before, author.block_lines(before)), Accepted)
    assert held(node) == held(plain)


LIES = [
    pytest.param(lambda lines: [line.replace(b"Handshake07", b"Handshake99") for line in lines], id="altered"),
    pytest.param(lambda lines: [*lines[:5], *lines[6:]], id="hidden"),
    pytest.param(lambda lines: [*lines[:5], lines[5], *lines[5:]], id="twice"),
    pytest.param(lambda lines: lines[:-1], id="broken off"),
    pytest.param(lambda lines: [b'{"head":7}', *lines], id="no head"),
]


@pytest.mark.parametrize("lie", LIES)
async def test_lies_come_to_the_same_verdict(node: SmallNode, plain: SmallNode, lie: Any) -> None:
    author = paris()
    lines = lie(author.block_lines())
    found, expected = await taken(node, lines, author), await taken(plain, lines, author)
    assert type(found) is type(expected)
    assert not isinstance(found, Accepted)
    if isinstance(found, Refusal):
        assert found == expected
    assert held(node) == held(plain)


async def test_bytes_that_the_head_understates_are_refused(node: SmallNode) -> None:
    author = paris()
    small = author.head_with(size=10)
    lines = [
        b'{"head":%b}' % small.signed.line if line.startswith(b'{"head"') else line for line in author.block_lines()
    ]
    assert isinstance(await taken(node, lines, author), Refusal)
    assert node.rows(author.id) == []


async def test_what_was_taken_meanwhile_is_not_taken_twice(node: SmallNode) -> None:
    author = paris()
    lines = author.block_lines()
    node.accept(author, Standing.HONOURED)
    second = node.receiver.second
    assert isinstance(second, Elsewhere)

    def meanwhile() -> None:
        node.database.write_now(lambda db: node.receiver._apply_first(db, peer=author.id, first=first))

    first = read_first(Want(author.id), lines, Limits(), NETWORK, NOW, ())
    assert isinstance(first, First)
    second.before = meanwhile
    assert isinstance(await node.receiver.take(author.id, Want(author.id), lines), Accepted)
    assert len(node.rows(author.id)) == len(author.records)


async def test_who_is_no_more_accepted_meanwhile_is_not_taken(node: SmallNode) -> None:
    author = paris()
    node.accept(author, Standing.HONOURED)
    second = node.receiver.second
    assert isinstance(second, Elsewhere)
    second.before = lambda: node.accept(author, Standing.UNKNOWN)
    assert isinstance(await node.receiver.take(author.id, Want(author.id), author.block_lines()), Refusal)
    assert node.rows(author.id) == []


async def test_where_the_second_process_dies_it_is_read_here(node: SmallNode) -> None:
    author = paris()
    node.receiver.second = Elsewhere(gone=True)  # type: ignore[assignment]
    assert isinstance(await taken(node, author.block_lines(), author), Accepted)


def test_a_page_is_left_to_those_who_put_pages_together() -> None:
    author = paris()
    assert read_first(Want(author.id), author.block_lines(page=5), Limits(), NETWORK, NOW, ()) is None
    assert PAGE_BYTES > receiving.FAR


def test_bodies_of_other_kinds_become_leaves() -> None:
    author = paris()
    first = read_first(Want(author.id), author.block_lines(), Limits(), NETWORK, NOW, frozenset(("organisation",)))
    assert first is not None
    assert first.sheet.columns.count('"organisation"') == 1
    assert '"practice"' not in first.sheet.columns


def test_leaves_keep_their_place_in_the_sheet() -> None:
    author = paris(3)
    record = next(iter(author.records.values()))
    sheet = records.first_sheet([], [leaf_of(record)], {})
    assert sheet.numbers == (1,)
    assert sheet.unread == ()
