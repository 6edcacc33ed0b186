"""What is old: personal records of the silent are purged and stay away, and come back when they are heard again."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import kinds
from node.directory.draft import Change
from node.federation.hearing import Told
from node.protocol.blocks import Want
from node.protocol.canonical import decode
from node.protocol.record import Record
from node.protocol.statements import Beat
from node.protocol.tree import prefix_of
from node.protocol.verdicts import CLOCK_TOLERANCE, Accepted, Reason
from node.storage import authors, erasure, partners
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption_body, contact_body, endorsement_body, signatory, told
from tests.protocol.builders import DAY, NOW, Author

SILENCE = authors.SILENT_AFTER


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallNode]:
    node = SmallNode(tmp_path)
    yield node
    node.close()


@pytest.fixture
def lund() -> Author:
    """An author with a contact and something that is nobody's; last heard from at noon."""
    lund = signatory("lund")
    lund.put("contact", contact_body("Landing manager"), "c")
    lund.put("adoption", adoption_body("a practice"), "a")
    lund.commit()
    lund.beat(NOW)
    return lund


async def take(node: SmallNode, author: Author, want: Want | None = None) -> None:
    assert isinstance(await node.take(author.block_lines(want), author), Accepted)


async def purge(node: SmallNode) -> None:
    await erasure.purge_silent(node.database, node.id, node.clock.time)


def bodies(node: SmallNode, of: Author | SmallNode) -> set[str]:
    """The kinds of which a body is held of an author."""
    return {Record.parse(row.line).kind for row in node.rows(of.id) if row.line}


def held_bytes(node: SmallNode, of: Author) -> int:
    statement = "SELECT held FROM authors WHERE node_id = ?"
    return int(node.database.read_now(lambda db: db.execute(statement, (of.id,)).fetchone()[0]))


ALL = {"organisation", "agreement", "contact", "adoption"}
IMPERSONAL = ALL - kinds.PERSONAL


async def test_after_60_days_of_silence_personal_records_are_leaves_and_the_root_still_verifies(
    node: SmallNode, lund: Author
) -> None:
    node.befriend(lund)
    await take(node, lund)
    node.clock.pass_by(SILENCE)
    await purge(node)
    assert bodies(node, lund) == ALL, "it is not more than 60 days yet"
    node.clock.pass_by(1)
    await purge(node)
    assert bodies(node, lund) == IMPERSONAL
    contact = next(record for record in lund.records.values() if record.kind == "contact")
    [row] = node.database.read_now(
        lambda db: db.execute(
            "SELECT value, kind, id, visibility, expires, apart, line, problem FROM records WHERE key = ?",
            (contact.key,),
        ).fetchall()
    )
    assert row == (contact.value, None, None, None, None, None, None, None)
    searched = "SELECT count(*) FROM texts WHERE words LIKE 'Landing%'"
    assert node.database.read_now(lambda db: db.execute(searched).fetchone()) == (0,)
    assert held_bytes(node, lund) == sum(len(record.line) for record in lund.records.values()) - len(contact.line)
    # Further changes are judged against the same set.
    lund.put("adoption", adoption_body("another"), "b")
    lund.commit()
    await take(node, lund, node.want(lund))
    assert node.author(lund.id).root == lund.tree.root  # type: ignore[union-attr]


async def test_who_never_sent_a_beat_is_silent_from_when_its_head_came(node: SmallNode, lund: Author) -> None:
    lund.newest_beat = None
    node.befriend(lund)
    node.clock.pass_by(100 * DAY)
    await take(node, lund)
    node.clock.pass_by(SILENCE)
    await purge(node)
    assert bodies(node, lund) == ALL
    node.clock.pass_by(1)
    await purge(node)
    assert bodies(node, lund) == IMPERSONAL


async def test_a_nodes_own_contacts_stay_however_long_it_did_not_run(node: SmallNode) -> None:
    await node.publish(Change("contact", contact_body("Our manager")))
    node.clock.pass_by(10 * SILENCE)
    await purge(node)
    assert bodies(node, node) == {"contact"}


async def test_what_was_purged_is_not_asked_for_and_not_kept_when_somebody_brings_it(
    node: SmallNode, lund: Author
) -> None:
    node.befriend(lund)
    await take(node, lund)
    node.clock.pass_by(SILENCE + 1)
    await purge(node)
    assert (await node.receiver.holdings(lund.id)).without_body == {}
    await take(node, lund)
    assert bodies(node, lund) == IMPERSONAL
    lund.put("contact", contact_body("Another manager"), "d")
    lund.commit()
    await take(node, lund, node.want(lund))
    assert bodies(node, lund) == IMPERSONAL
    assert node.author(lund.id).root == lund.tree.root  # type: ignore[union-attr]


async def test_of_an_author_that_was_silent_before_it_was_met_no_personal_record_is_kept(
    node: SmallNode, lund: Author
) -> None:
    node.befriend(lund)
    node.clock.pass_by(SILENCE + 1)
    await take(node, lund)
    assert bodies(node, lund) == IMPERSONAL


async def test_when_the_author_is_heard_again_its_personal_records_come_back(node: SmallNode, lund: Author) -> None:
    node.befriend(lund)
    await take(node, lund)
    node.clock.pass_by(SILENCE + 1)
    await purge(node)
    news = Told(lund.card, lund.head, lund.newest_beat)
    assert not (await node.receiver.hear(lund.id, [news])).revived, "an old beat is no sign of life"
    news.beat = lund.beat(int(node.clock.time))
    assert (await node.receiver.hear(lund.id, [news])).revived
    assert not (await node.receiver.hear(lund.id, [news])).revived, "it was heard before"
    keys = (await node.receiver.holdings(lund.id)).without_body[lund.id]
    await take(node, lund, Want(lund.id, 1, 0, lund.head.hash, prefixes=tuple(prefix_of(key, 256) for key in keys)))
    assert bodies(node, lund) == ALL


async def fallen_silent(node: SmallNode, lund: Author) -> Author:
    """Somebody whom nobody but lund endorses, of whom nothing has been heard for 60 days."""
    paris = signatory("paris")
    paris.commit()
    lund.put("endorsement", endorsement_body(paris.id), "e")
    lund.commit()
    node.befriend(lund)
    lund.beat(NOW)
    await take(node, lund)
    await node.receiver.settle()
    assert node.acceptance.standing(paris.id) >= Standing.REACHED
    node.clock.pass_by(SILENCE + 1)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.UNKNOWN
    return paris


async def test_a_beat_that_shows_no_life_is_no_reason_to_work_out_anew_who_is_accepted(
    node: SmallNode, lund: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fallen_silent(node, lund)
    forged = Beat.make(signatory("paris").signing_key, head=lund.head, time=int(node.clock.time), urls=())
    worked_out: list[float] = []
    monkeypatch.setattr(node.acceptance, "recompute", lambda db, now: worked_out.append(now))
    for beat in (forged, lund.newest_beat):
        await node.receiver.hear(lund.id, [Told(lund.card, lund.head, beat)])
        await node.receiver.settle()
    assert worked_out == []


@pytest.mark.parametrize("by", ["block", "feed", "feed, while somebody asks why"])
async def test_who_is_heard_again_vouches_for_others_at_once(by: str, node: SmallNode, lund: Author) -> None:
    paris = await fallen_silent(node, lund)
    beat = lund.beat(int(node.clock.time))
    if by.startswith("feed"):
        hearing = asyncio.ensure_future(node.receiver.hear(lund.id, [Told(lund.card, lund.head, beat)]))
        await asyncio.sleep(0)
        if by != "feed":
            await node.database.write(lambda db: node.acceptance.why(db, node.clock.time, lund.id))
        await hearing
    else:
        await take(node, lund, Want(lund.id, lund.epoch, lund.seq, lund.head.hash))
    await node.receiver.settle()
    assert node.acceptance.standing(paris.id) >= Standing.REACHED


# Clocks


@pytest.mark.parametrize(
    ("ahead", "told_", "sentence"),
    [
        pytest.param(CLOCK_TOLERANCE, False, "", id="as far as is tolerated"),
        pytest.param(CLOCK_TOLERANCE + 1, True, "ahead by 10 minutes", id="a second more"),
        pytest.param(7200, True, "14:00:00Z when it was 2026-11-21T12:00:00Z here", id="2 hours"),
        pytest.param(400 * DAY, True, "ahead by 400 days", id="a year"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("by", ["block", "feed"])
async def test_a_beat_from_the_future_is_told_and_the_records_are_taken(
    by: str, ahead: int, told_: bool, sentence: str, node: SmallNode, lund: Author
) -> None:
    node.befriend(lund)
    if by == "feed":
        lund.newest_beat = None
        await take(node, lund)
    future = lund.beat(NOW + ahead)
    if by == "feed":
        await node.receiver.hear(lund.id, [Told(lund.card, lund.head, future)])
    else:
        await take(node, lund)
    assert bodies(node, lund) == ALL
    assert node.refusals() == ([(lund.id, Reason.CLOCK)] if told_ else [])
    for refused in node.database.read_now(partners.refusals):
        assert sentence in refused.sentence
        assert "one of the two clocks is wrong" in refused.sentence
    assert node.author(lund.id).beat_time == (None if told_ else NOW + ahead)  # type: ignore[union-attr]
    # Set right, it is forgotten.
    await node.receiver.hear(lund.id, [Told(lund.card, lund.head, lund.beat(NOW + CLOCK_TOLERANCE))])
    assert node.refusals() == []


async def test_a_beat_from_the_future_that_somebody_made_up_says_nothing_of_the_authors_clock(
    node: SmallNode, lund: Author
) -> None:
    node.befriend(lund)
    await take(node, lund)
    forged = signatory("paris").beat(NOW + 7200)
    await node.receiver.hear(lund.id, [Told(lund.card, lund.head, forged)])
    assert node.refusals() == []


async def test_a_node_whose_clock_was_ahead_is_believed_as_soon_as_it_is_right(node: SmallNode) -> None:
    node.clock.pass_by(365 * DAY)
    await node.publish(Change("contact", contact_body("Our manager")))
    node.clock.pass_by(-365 * DAY)
    await node.publisher.beat()
    [news] = told(node.feed())
    assert news.beat is not None
    assert news.beat.time == int(node.clock.time)
    assert decode(news.beat.signed.line)["statement"]["time"] == "2026-11-21T12:00:00Z"
