"""What is held of an author that ceased to be accepted: unseen at once, on the disk until the grace period is over."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.protocol.verdicts import Accepted
from node.storage import authors, sets
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, endorsement_body, organisation, signatory, told
from tests.protocol.builders import Author

DAY = 86_400
GRACE = 30 * DAY


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallNode]:
    node = SmallNode(tmp_path)
    yield node
    node.close()


@pytest.fixture
async def lund(node: SmallNode) -> Author:
    """A partner."""
    lund = signatory("lund")
    node.befriend(lund)
    assert isinstance(await node.take(lund.block_lines(), lund), Accepted)
    return lund


@pytest.fixture
async def paris(node: SmallNode, lund: Author) -> Author:
    """Whom the partner alone vouches for; what it has is held."""
    paris = signatory("paris")
    paris.put("adoption", {"practice": "p", "by": "Unmistakable", "since": "2027-01-15"})
    paris.commit()
    await vouch(node, lund, paris)
    assert isinstance(await node.take(paris.block_lines(), paris, peer=lund.id), Accepted)
    assert node.acceptance.standing(paris.id) is Standing.LISTED
    return paris


async def vouch(node: SmallNode, by: Author, of: Author) -> None:
    by.put("endorsement", endorsement_body(of.id), "e1")
    await bring(node, by)


async def drop(node: SmallNode, by: Author, of: Author) -> None:
    by.remove("endorsement", "e1")
    await bring(node, by)
    assert node.acceptance.standing(of.id) is Standing.UNKNOWN


async def bring(node: SmallNode, author: Author) -> None:
    author.commit()
    assert isinstance(await node.take(author.block_lines(node.want(author)), author), Accepted)


def forget(node: SmallNode) -> int:
    """What the daily job does; of how many authors all was deleted."""
    count = 0
    before = node.clock.time - GRACE
    while node.database.write_now(lambda db: sets.forget_dropped(db, node.trees, me=node.id, before=before)):
        count += 1
    return count


def mentions(node: SmallNode, author: Author, no: int) -> dict[str, int]:
    """How often tables hold something of an author whose number was `no`."""
    by_number = ("records", "facts", "removals", "heads", "evidence")

    def count(db: sqlite3.Connection) -> dict[str, int]:
        found = {
            table: db.execute(f"SELECT count(*) FROM {table} WHERE author = ?", (no,)).fetchone()[0]
            for table in by_number
        }
        found["authors"] = db.execute("SELECT count(*) FROM authors WHERE node_id = ?", (author.id,)).fetchone()[0]
        found["texts"] = db.execute("SELECT count(*) FROM texts_fts WHERE texts_fts MATCH 'unmistakable'").fetchone()[0]
        return found

    return node.database.read_now(count)


async def test_an_author_that_comes_back_within_the_grace_period_is_shown_again_without_a_pull(node, lund, paris):
    held = node.rows(paris.id)
    await drop(node, lund, paris)
    node.clock.pass_by(GRACE - DAY)
    assert forget(node) == 0
    await vouch(node, lund, paris)
    assert node.acceptance.standing(paris.id) is Standing.LISTED
    assert node.rows(paris.id) == held

    # Its time begins anew with the next fall.
    node.clock.pass_by(2 * DAY)
    assert forget(node) == 0
    await drop(node, lund, paris)
    node.clock.pass_by(GRACE - DAY)
    assert forget(node) == 0
    assert node.rows(paris.id) == held


async def test_after_the_grace_period_nothing_is_left_and_the_author_is_pulled_anew(node, lund, paris):
    stored = node.author(paris.id)
    assert stored is not None
    await node.receiver.hear(lund.id, told([*paris_lines(paris)]))
    await drop(node, lund, paris)
    assert mentions(node, paris, stored.no)["texts"] == 1
    node.clock.pass_by(GRACE + 1)

    assert forget(node) == 1
    assert forget(node) == 0
    assert set(mentions(node, paris, stored.no).values()) == {0}
    assert {each.id for each in (node, lund)} == {each.node_id for each in node.database.read_now(authors.everyone)}

    await vouch(node, lund, paris)
    assert node.author(paris.id) is None
    # The partner said that it has it: the next round asks for it, from the start.
    holdings = await node.receiver.holdings(lund.id)
    assert paris.id in holdings.heard
    assert paris.id in holdings.accepted
    assert paris.id not in holdings.held
    assert isinstance(await node.take(paris.block_lines(), paris, peer=lund.id), Accepted)
    assert node.acceptance.standing(paris.id) is Standing.LISTED
    assert len(node.rows(paris.id)) == len(paris.records)


async def test_the_feed_goes_on_where_its_last_author_was_deleted(node, lund, paris):
    await node.publish(organisation("Tartu Park"))
    await vouch(node, lund, paris)
    paris.put("adoption", {"practice": "p", "by": "Somebody", "since": "2027-01-15"})
    await bring(node, paris)
    cursor = node.database.read_now(authors.newest_arrival)
    assert node.author(paris.id).arrival == cursor  # type: ignore[union-attr]
    await drop(node, lund, paris)
    # Make it the last in the feed once more.
    node.database.write_now(lambda db: authors.arrive(db, authors.find(db, paris.id).no))  # type: ignore[union-attr]
    cursor = node.database.read_now(authors.newest_arrival)
    node.clock.pass_by(GRACE + 1)
    assert forget(node) == 1

    # The smallest news there is: it takes one place alone.
    await node.publisher.beat()
    told_after = [tag for tag in node.feed(cursor) if b'"head":' in tag]
    assert told_after, "a reader that was up to date would miss this"


async def test_a_blocked_partner_and_the_own_author_are_never_deleted(tmp_path: Path):
    lund = signatory("lund")
    node = SmallNode(tmp_path, blocked=[lund.id])
    node.befriend(lund)
    node.database.write_now(lambda db: db.execute("UPDATE authors SET dropped_at = 1 WHERE standing = 0"))
    await node.publish(organisation("Tartu Park"))
    node.clock.pass_by(10 * GRACE)
    assert forget(node) == 0
    assert {each.node_id for each in node.database.read_now(authors.everyone)} == {node.id, lund.id}
    node.close()


def paris_lines(paris: Author) -> list[bytes]:
    """What a feed says of an author."""
    return [line for line in paris.block_lines() if line.startswith((b'{"card"', b'{"head"', b'{"beat"'))]
