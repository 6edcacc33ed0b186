"""Who is accepted, as the database changes: what is read again, what is written into the rows, what is warned about."""

import sqlite3
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.directory import testimony, views
from node.directory.draft import OWN_ORGANISATION, Change
from node.protocol.names import NodeId
from node.protocol.verdicts import Accepted
from node.storage import blocks, records
from node.storage.authors import SILENT_AFTER
from node.trust.explain import Lost, Step
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption_body, endorsement_body, organisation_body, signatory
from tests.protocol.builders import NOW, Author

DAY = 86_400


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SmallNode]:
    node = SmallNode(tmp_path)
    yield node
    node.close()


async def take(node: SmallNode, *everyone: Author) -> None:
    for author in everyone:
        assert isinstance(await node.take(author.block_lines(node.want(author)), author), Accepted)


def says(author: Author, *others: Author, **fields: Any) -> None:
    """Makes the author endorse others, in a new state with a beat of now."""
    for other in others:
        author.put("endorsement", endorsement_body(other.id, **fields), f"e-{other.id[4:12]}")
    author.commit()
    author.beat(NOW)


def calls_itself(author: Author, name: str, **fields: str) -> None:
    author.put("organisation", organisation_body(name, **fields), OWN_ORGANISATION)
    author.commit()
    author.beat(NOW)


def row(node: SmallNode, author: Author) -> tuple[int, int | None]:
    """Standing and dropped_at of an author's row."""
    found = node.database.read_now(
        lambda db: db.execute("SELECT standing, dropped_at FROM authors WHERE node_id = ?", (author.id,)).fetchone()
    )
    return found[0], found[1]


def read_authors(node: SmallNode, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the authors that are read again from now on, each as often as it is."""
    read: list[int] = []
    of_kind = records.of_kind

    def counted(db: sqlite3.Connection, author: int, kind: str, most: int = -1) -> Iterator[tuple[int, str, bytes]]:
        if kind == "endorsement":
            read.append(author)
        return of_kind(db, author, kind, most)

    monkeypatch.setattr(testimony.records, "of_kind", counted)
    return read


async def test_only_authors_whose_set_changed_are_read_again(node: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund, paris)
    read = read_authors(node, monkeypatch)
    node.reconsider()
    assert read == []
    says(paris, signatory("oslo"))
    await take(node, paris)
    number = node.author(paris.id)
    assert number is not None
    assert read == [number.no]
    assert node.acceptance.standing(signatory("oslo").id) is Standing.REACHED


async def test_what_was_read_in_a_transaction_that_was_undone_is_read_again(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund, paris)

    def undone(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM records WHERE kind = 'endorsement'")
        db.execute("UPDATE authors SET head_hash = x'00' WHERE node_id = ?", (lund.id,))
        assert paris.id not in node.acceptance.recompute(db, node.clock.time).known
        raise RuntimeError

    with pytest.raises(RuntimeError):
        node.database.write_now(undone)
    assert node.acceptance.standing(paris.id) is Standing.LISTED
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.LISTED
    assert row(node, paris) == (Standing.LISTED, None)


async def test_an_author_whose_row_went_vouches_no_more(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund, paris)
    node.database.write_now(lambda db: db.execute("DELETE FROM authors WHERE node_id = ?", (lund.id,)))
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.UNKNOWN


async def test_an_endorsement_counts_through_its_last_day(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris, expires="2026-11-22")
    node.befriend(lund)
    await take(node, lund, paris)
    node.clock.pass_by(DAY)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.LISTED
    node.clock.pass_by(DAY)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.UNKNOWN


async def test_who_is_silent_for_sixty_days_introduces_nobody_until_it_is_heard_from(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund, paris)
    node.clock.pass_by(SILENT_AFTER)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.LISTED
    node.clock.pass_by(1)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.UNKNOWN
    assert node.acceptance.standing(lund.id) is Standing.HONOURED
    lund.beat(int(node.clock.time))
    await take(node, lund)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.LISTED


async def test_the_row_tells_since_when_nobody_vouches(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund, paris)
    assert row(node, paris) == (Standing.LISTED, None)
    node.database.write_now(lambda db: blocks.block(db, paris.id, "", node.clock.time))
    node.reconsider()
    assert row(node, paris) == (Standing.UNKNOWN, int(node.clock.time))
    node.clock.pass_by(60)
    node.reconsider()
    assert row(node, paris) == (Standing.UNKNOWN, int(node.clock.time) - 60)
    node.database.write_now(lambda db: blocks.unblock(db, paris.id))
    node.reconsider()
    assert row(node, paris) == (Standing.LISTED, None)


async def test_a_row_that_comes_after_its_authors_standing_gets_it(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund)
    assert node.acceptance.standing(paris.id) is Standing.REACHED
    assert node.author(paris.id) is None
    await take(node, paris)
    assert row(node, paris) == (Standing.LISTED, None)


async def test_of_one_author_so_many_endorsements_count(node: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testimony, "MOST_ENDORSEMENTS", 2)
    lund, others = signatory("lund"), [Author(f"guest-{number}") for number in range(4)]
    for other in others:
        says(lund, other)
    says(lund, *others[:1], withdrawn={"reason": {"en": "It closed."}})
    says(lund, *others[1:2], expires="2026-11-20")
    node.befriend(lund)
    await take(node, lund)
    # What counts no more takes nobody's place.
    assert {other.id for other in others if other.id in node.acceptance.known} == {other.id for other in others[2:]}
    says(lund, Author("guest-5"))
    await take(node, lund)
    assert sum(node.acceptance.standing(Author(f"guest-{number}").id) > 0 for number in range(6)) == 2
    await node.publish(*(Change("endorsement", endorsement_body(other.id)) for other in others))
    node.reconsider()
    assert all(other.id in node.acceptance.known for other in others)


async def test_what_one_author_makes_this_node_keep_is_bounded(node: SmallNode) -> None:
    lund = signatory("lund")
    says(
        lund, *(Author(f"guest-{number}") for number in range(testimony.MOST_ENDORSEMENTS * 2)), organisation="😀" * 200
    )
    node.befriend(lund)
    await take(node, lund)
    fresh = testimony.Testimony(node.id, node.acceptance.choices.recognised)

    def kept(db: sqlite3.Connection) -> int:
        tracemalloc.start()
        fresh.refresh(db, node.clock.time)
        try:
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    # A thousand of them come in through one partner.
    assert node.database.write_now(kept) < 90_000
    assert len(fresh.vouches.by(lund.id)) == testimony.MOST_ENDORSEMENTS


async def test_who_is_known_no_more_is_forgotten_and_read_again_when_somebody_vouches_for_it(node: SmallNode) -> None:
    lund, paris, oslo, rome = (signatory(name) for name in ("lund", "paris", "oslo", "rome"))
    says(paris, oslo)
    says(oslo, rome)
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund, paris, oslo, rome)
    assert node.acceptance.standing(rome.id) is Standing.LISTED
    says(lund, paris, withdrawn={"reason": {"en": "Not yet."}})
    await take(node, lund)
    node.reconsider()
    held = node.acceptance._testimony
    assert all(not held.vouches.by(gone.id) and gone.id not in held.names for gone in (paris, oslo, rome))
    says(lund, paris)
    await take(node, lund)
    assert [node.acceptance.standing(each.id) for each in (paris, oslo, rome)] == [Standing.LISTED] * 3


async def test_who_says_no_name_is_called_as_its_endorser_calls_it(node: SmallNode) -> None:
    lund, paris = signatory("lund"), Author("paris")
    says(lund, paris, organisation="Paris as Lund knows it")
    node.befriend(lund)
    await take(node, lund)
    assert node.acceptance.answer.called == {paris.id: "Paris as Lund knows it"}
    says(lund, paris, organisation="Paris as Lund knows it better")
    await take(node, lund)
    assert node.acceptance.answer.called == {paris.id: "Paris as Lund knows it better"}
    calls_itself(paris, "Paris Park")
    await take(node, paris)
    assert node.acceptance.answer.called == {}


async def test_a_look_alike_is_warned_about_and_never_whom_it_looks_like(node: SmallNode) -> None:
    lund, other = signatory("lund"), signatory("other")
    calls_itself(other, "Lund Рark")
    says(lund, other)
    node.befriend(lund)
    await take(node, lund, other)
    shown = node.database.read_now(lambda db: views.listing(db, node.reader(), "organisation")).records
    assert {record["author"]: record.get("warning") for record in shown} == {
        lund.id: None,
        other.id: "its name looks like that of Lund Park, which is known here for longer: compare node ids",
    }
    calls_itself(other, "Oslo Hub")
    await take(node, other)
    assert node.acceptance.look_alikes == {}


async def test_a_known_website_under_a_new_key_is_warned_about(node: SmallNode) -> None:
    lund, other = signatory("lund"), signatory("other")
    calls_itself(other, "Elsewhere", website="https://lund-park.example/")
    says(lund, other)
    node.befriend(lund)
    await take(node, lund, other)
    assert node.acceptance.look_alikes[other.id] == (lund.id, "website")
    found = node.acceptance.resembles(NodeId("new"), "Lund-Park")
    assert found is not None
    assert found.of == lund.id


async def test_a_partner_is_known_for_longer_than_whoever_came_before_it(node: SmallNode) -> None:
    lund, early, late = signatory("lund"), signatory("early"), signatory("late")
    for twin in (early, late):
        calls_itself(twin, "Twin Park")
    says(lund, early)
    node.befriend(lund)
    await take(node, lund, early)
    node.befriend(late)
    await take(node, late)
    assert set(node.acceptance.look_alikes) == {early.id}


async def test_what_would_be_lost_is_told_and_nothing_is_changed(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris)
    node.befriend(lund)
    await take(node, lund, paris)
    answer = node.acceptance.answer
    lost = node.database.write_now(lambda db: node.acceptance.what_if(db, node.clock.time, {lund.id}))
    assert lost == Lost(unreachable=(paris.id,), unlisted=(), unhonoured=())
    node.reconsider()
    assert node.acceptance.answer is answer


async def test_without_a_partner_is_less_than_with_a_block(node: SmallNode) -> None:
    lund, oslo, paris = signatory("lund"), signatory("oslo"), signatory("paris")
    says(lund, paris)
    says(oslo, lund)
    node.befriend(lund, oslo)
    await node.publish(Change("endorsement", endorsement_body(lund.id)))
    await take(node, lund, oslo, paris)

    def lost(blocked: bool) -> Lost:
        return node.database.write_now(
            lambda db: node.acceptance.what_if(db, node.clock.time, {lund.id}, blocked=blocked)
        )

    assert lost(True) == Lost(unreachable=(paris.id,), unlisted=(), unhonoured=())
    assert lost(False) == Lost((), (), ())
    says(oslo, lund, withdrawn={"reason": {"en": "It closed."}})
    await take(node, oslo)
    # This node's own endorsement goes with the partnership.
    assert lost(False) == Lost(unreachable=(paris.id,), unlisted=(), unhonoured=())


async def test_reasons_tell_what_stands_in_the_way(node: SmallNode) -> None:
    lund, paris = signatory("lund"), Author("paris")
    paris.put("adoption", adoption_body("unsigned"))
    paris.commit()
    says(lund, paris, date="2026-05-03", method="video")
    node.befriend(lund)
    await take(node, lund, paris)
    found = node.database.write_now(lambda db: node.acceptance.why(db, node.clock.time, paris.id))
    assert (found.standing, found.signed, found.partner, found.blocked) == (Standing.REACHED, False, False, False)
    assert [tuple(step) for way in found.ways for step in way.steps] == [
        (lund.id, "", ""),
        (paris.id, "2026-05-03", "video"),
    ]


async def test_after_many_changes_memory_is_what_a_fresh_reading_finds(node: SmallNode) -> None:
    everyone = [signatory(f"park-{number}") for number in range(6)]
    node.befriend(everyone[0])
    for turn in range(12):
        author = everyone[turn * 5 % 6]
        author.put("endorsement", endorsement_body(everyone[turn * 7 % 6].id), f"e{turn % 4}")
        if turn % 3 == 2 and ("endorsement", f"e{turn % 2}") in {(r.kind, r.id) for r in author.records.values()}:
            author.remove("endorsement", f"e{turn % 2}")
        author.commit()
        author.beat(NOW + turn)
        for each in everyone:
            if node.acceptance.standing(each.id) >= Standing.REACHED:
                await take(node, each)
        fresh = testimony.Testimony(node.id, node.acceptance.choices.recognised)
        node.database.write_now(lambda db, fresh=fresh: fresh.refresh(db, node.clock.time))
        held = node.acceptance._testimony
        assert (fresh.signatories, fresh.names, fresh.silent) == (held.signatories, held.names, held.silent)
        assert all(fresh.vouches.by(each.id) == held.vouches.by(each.id) for each in everyone)
        assert all(fresh.vouches.of(each.id) == held.vouches.of(each.id) for each in everyone)


async def test_a_clock_that_was_set_back_brings_back_what_had_expired(node: SmallNode) -> None:
    lund, paris = signatory("lund"), signatory("paris")
    says(lund, paris, expires="2026-11-22")
    node.befriend(lund)
    await take(node, lund, paris)
    node.clock.pass_by(9 * DAY)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.UNKNOWN
    node.clock.pass_by(-9 * DAY)
    node.reconsider()
    assert node.acceptance.standing(paris.id) is Standing.LISTED


async def test_without_several_more_is_lost_than_without_each_alone(node: SmallNode) -> None:
    lund, oslo, paris = signatory("lund"), signatory("oslo"), signatory("paris")
    says(lund, paris)
    says(oslo, paris)
    node.befriend(lund, oslo)
    await take(node, lund, oslo, paris)

    for gone, lost in (({lund.id}, ()), ({oslo.id}, ()), ({lund.id, oslo.id}, (paris.id,))):
        job = partial(node.acceptance.what_if, now=node.clock.time, without=gone)
        assert node.database.write_now(job).unreachable == lost


async def test_the_shortest_path_to_each_is_told_and_who_vouches_for_whom(node: SmallNode) -> None:
    lund, oslo, paris = signatory("lund"), signatory("oslo"), signatory("paris")
    says(lund, oslo, date="2026-05-03", method="video")
    says(oslo, paris, date="2026-06-04", method="phone")
    says(paris, lund)
    node.befriend(lund)
    await take(node, lund, oslo, paris)
    shown = [lund.id, oslo.id, paris.id, Author("nobody").id]
    paths = node.database.write_now(lambda db: node.acceptance.nearest(db, node.clock.time, shown))
    assert paths == {
        lund.id: (Step(lund.id),),
        oslo.id: (Step(lund.id), Step(oslo.id, "2026-05-03", "video")),
        paris.id: (Step(lund.id), Step(oslo.id, "2026-05-03", "video"), Step(paris.id, "2026-06-04", "phone")),
    }
    assert node.acceptance.vouched(shown) == [(lund.id, oslo.id), (oslo.id, paris.id), (paris.id, lund.id)]
