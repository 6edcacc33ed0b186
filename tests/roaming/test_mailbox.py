"""The mailbox that a node keeps for partners that can't be called: sealed, bounded, and each one's own."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from node.protocol.messages import Acknowledgement, Message, Sealed
from node.protocol.names import RecordId
from node.roaming.post_office import AT_ONCE
from node.roaming.sealing import seal
from node.storage import authors, mailbox
from node.trust.reach import Known, Standing
from tests.roaming.correspondents import Town, Writer, answered, town


@pytest.fixture
async def tartu(tmp_path: Path) -> AsyncIterator[Town]:
    """It keeps the mailbox."""
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def lund(tartu: Town) -> Writer:
    """A partner that sends."""
    writer = Writer("lund")
    await tartu.befriend(writer)
    return writer


@pytest.fixture
async def turku(tartu: Town) -> Writer:
    """A partner that can't be called."""
    writer = Writer("turku")
    await tartu.befriend(writer)
    return writer


def for_turku(lund: Writer, turku: Writer, number: int = 1, size: int = 0) -> Sealed:
    message = lund.message(turku.id, {"number": number, "text": "x" * size})
    return sealed_to(turku, message, message.id)


def sealed_to(writer: Writer, said: Message | Acknowledgement, id_: RecordId) -> Sealed:
    public = writer.sealing.public_key().public_bytes_raw()
    key = RecordId("sealing-1")
    return seal(said.signed.line, public, sender=said.sender, to=said.to, id_=id_, key=key)


async def mail_is_told(tartu: Town, to: Writer) -> bool:
    """Whether the answer to an idle round says that there is something in the mailbox."""
    place = await tartu.app.database.read(authors.newest_arrival)
    answer = await tartu.ask(to, "GET", f"feed?since={tartu.app.instance}:{place}")
    assert answer.status == 200, answer.value
    return bool(answer.headers.get("BRA-Mail") == "1")


def acknowledgement(of: Sealed, by: Writer, to: Writer) -> Sealed:
    key = by.author.signing_key
    said = Acknowledgement.make(key, sender=by.id, to=to.id, epoch=1, id=of.id, refused=None)
    return sealed_to(to, said, of.id)


async def test_a_message_waits_until_its_recipient_fetched_it_and_its_sender_gets_the_answer(
    tartu: Town, lund: Writer, turku: Writer
) -> None:
    sealed = for_turku(lund, turku)
    for _ in range(2):
        assert (await tartu.bring(lund, sealed)).value == {"held": True}
    fetched = await tartu.ask(turku, "GET", "mailbox")
    assert fetched.value == {"messages": [sealed.as_value()]}
    # What was fetched is still there until its recipient says what became of it.
    assert (await tartu.ask(turku, "GET", "mailbox")).value == fetched.value
    answer = {"from": lund.id, "id": sealed.id, "acknowledgement": acknowledgement(sealed, turku, lund).as_value()}
    assert (await tartu.take_away(turku, answer)).value == {"ended": 1}
    assert (await tartu.take_away(turku, answer)).value == {"ended": 0}
    assert (await tartu.ask(turku, "GET", "mailbox")).value == {"messages": []}
    said = answered(await tartu.bring(lund, sealed), lund)
    said.verify(turku.author.card)
    assert (said.sender, said.id) == (turku.id, sealed.id)
    assert await tartu.rows("mailbox") == 0


async def test_the_feed_tells_its_reader_and_nobody_else_that_mail_waits(
    tartu: Town, lund: Writer, turku: Writer
) -> None:
    assert not await mail_is_told(tartu, turku)
    sealed = for_turku(lund, turku)
    await tartu.bring(lund, sealed)
    assert await mail_is_told(tartu, turku)
    assert not await mail_is_told(tartu, lund)
    # What is left there then is an answer, for its sender to ask for.
    answer = {"from": lund.id, "id": sealed.id, "acknowledgement": acknowledgement(sealed, turku, lund).as_value()}
    await tartu.take_away(turku, answer)
    assert await tartu.rows("mailbox") == 1
    assert not await mail_is_told(tartu, turku)


async def test_a_message_that_its_recipient_can_not_open_is_ended_without_an_answer_and_can_come_again(
    tartu: Town, lund: Writer, turku: Writer
) -> None:
    sealed = for_turku(lund, turku)
    await tartu.bring(lund, sealed)
    assert (await tartu.take_away(turku, {"from": lund.id, "id": sealed.id})).value == {"ended": 1}
    assert (await tartu.bring(lund, sealed)).value == {"held": True}


async def test_a_message_that_was_sealed_anew_takes_the_earlier_ones_place(
    tartu: Town, lund: Writer, turku: Writer
) -> None:
    message = lund.message(turku.id, {"number": 1})
    for _ in range(2):
        newest = sealed_to(turku, message, message.id)
        await tartu.bring(lund, newest)
    assert (await tartu.ask(turku, "GET", "mailbox")).value == {"messages": [newest.as_value()]}


async def test_nobody_reads_or_ends_what_is_kept_for_another(tartu: Town, lund: Writer, turku: Writer) -> None:
    sealed = for_turku(lund, turku)
    await tartu.bring(lund, sealed)
    stranger, other = Writer("stranger"), Writer("other")
    await tartu.befriend(other)
    for writer in (lund, other):
        assert (await tartu.ask(writer, "GET", "mailbox")).value == {"messages": []}
        assert (await tartu.take_away(writer, {"from": lund.id, "id": sealed.id})).value == {"ended": 0}
    for call in ("GET", "POST"):
        assert (await tartu.ask(stranger, call, "mailbox", b"{}" if call == "POST" else None)).status == 403
    assert (await tartu.ask(turku, "GET", "mailbox")).value == {"messages": [sealed.as_value()]}


async def test_nobody_answers_in_anothers_name(tartu: Town, lund: Writer, turku: Writer) -> None:
    sealed = for_turku(lund, turku)
    await tartu.bring(lund, sealed)
    other = Writer("other")
    await tartu.befriend(other)
    forged = acknowledgement(sealed, other, lund).as_value()
    answer = await tartu.take_away(turku, {"from": lund.id, "id": sealed.id, "acknowledgement": forged})
    assert answer.status == 400
    assert (await tartu.take_away(other, {"from": lund.id, "id": sealed.id, "acknowledgement": forged})).value == {
        "ended": 0
    }
    assert (await tartu.bring(lund, sealed)).value == {"held": True}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[]", "an array of 1 to"),
        (b'{"answers":[]}', "an array of 1 to"),
        (b'{"answers":[{"id":"a"}]}', "members from, id"),
        (b'{"answers":[5]}', "members from, id"),
        (b'{"answers":[{"from":"bra","id":"a"}]}', "node id"),
        (b"[" * 1000, "JSON"),
    ],
)
async def test_answers_that_are_none_are_refused(tartu: Town, turku: Writer, body: bytes, sentence: str) -> None:
    answer = await tartu.ask(turku, "POST", "mailbox", body)
    assert answer.status == 400
    assert sentence in answer.value["detail"]


async def test_messages_are_kept_for_partners_alone(tartu: Town, lund: Writer) -> None:
    answer = await tartu.bring(lund, for_turku(lund, Writer("elsewhere")))
    assert (answer.status, await tartu.rows("mailbox")) == (404, 0)


async def test_who_is_not_honoured_leaves_nothing_in_a_mailbox(tartu: Town, turku: Writer) -> None:
    stranger = Writer("stranger")
    assert (await tartu.bring(stranger, for_turku(stranger, turku))).status == 403
    assert await tartu.rows("mailbox") == 0


async def test_who_is_merely_listed_leaves_nothing_in_a_mailbox(tartu: Town, lund: Writer, turku: Writer) -> None:
    answer = tartu.app.acceptance.answer
    listed = Known(Standing.LISTED, (lund.id,))
    tartu.app.acceptance.replace(replace(answer, known={**answer.known, lund.id: listed}))
    refused = await tartu.bring(lund, for_turku(lund, turku))
    assert (refused.status, await tartu.rows("mailbox")) == (403, 0)
    assert (await tartu.bring(lund, lund.message(tartu.id, {"number": 1}))).status == 403


async def test_who_is_honoured_and_no_partner_may_leave_a_message_but_has_no_mailbox(
    tartu: Town, turku: Writer
) -> None:
    distant = Writer("distant")
    await tartu.befriend(distant)
    await tartu.bring(turku, for_turku(turku, distant))
    assert await mail_is_told(tartu, distant)
    answer = tartu.app.acceptance.answer
    tartu.app.acceptance.replace(replace(answer, partners=answer.partners - {distant.id}))
    assert (await tartu.bring(distant, for_turku(distant, turku))).value == {"held": True}
    assert (await tartu.ask(distant, "GET", "mailbox")).status == 403
    assert not await mail_is_told(tartu, distant)


@pytest.mark.parametrize(
    ("cap", "value"),
    [
        ("OF_RECIPIENT", (3, mailbox.MIB)),
        ("OF_RECIPIENT", (100, 3_000)),
        ("OF_SENDER", (3, mailbox.MIB)),
        ("OF_SENDER", (100, 3_000)),
        ("OF_HOP", (3, mailbox.MIB)),
        ("OF_HOP", (100, 3_000)),
        ("OF_ALL", 3),
    ],
    ids=["many for one", "large for one", "many of one", "large of one", "many by one", "large by one", "many"],
)
async def test_a_flood_through_a_mailbox_ends_with_429(
    tartu: Town, lund: Writer, turku: Writer, monkeypatch: pytest.MonkeyPatch, cap: str, value: object
) -> None:
    monkeypatch.setattr(mailbox, cap, value)
    sent = [for_turku(lund, turku, number, size=100) for number in range(5)]
    answers = [await tartu.bring(lund, each) for each in sent]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert "Retry-After" in answers[-1].headers
    # What is there may be sealed anew, and what was fetched makes room.
    assert (await tartu.bring(lund, sent[0])).status == 200
    await tartu.take_away(turku, {"from": lund.id, "id": sent[0].id})
    assert (await tartu.bring(lund, sent[4])).status == 200


async def test_one_senders_flood_leaves_room_for_others(
    tartu: Town, lund: Writer, turku: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "OF_SENDER", (2, mailbox.MIB))
    for number in range(4):
        await tartu.bring(lund, for_turku(lund, turku, number))
    other = Writer("other")
    await tartu.befriend(other)
    assert (await tartu.bring(other, for_turku(other, turku))).value == {"held": True}


async def test_a_mailbox_gives_a_few_at_a_time_the_first_ones_first(tartu: Town, lund: Writer, turku: Writer) -> None:
    sent = [for_turku(lund, turku, number, size=31_000) for number in range(AT_ONCE + 2)]
    for each in sent:
        await tartu.bring(lund, each)
    fetched = (await tartu.ask(turku, "GET", "mailbox")).value["messages"]
    assert fetched == [each.as_value() for each in sent[:AT_ONCE]]
    await tartu.take_away(turku, *({"from": lund.id, "id": each["id"]} for each in fetched))
    rest = (await tartu.ask(turku, "GET", "mailbox")).value["messages"]
    assert [each["id"] for each in rest] == [each.id for each in sent[AT_ONCE:]]


async def test_what_nobody_fetched_is_dropped_after_a_fortnight(tartu: Town, lund: Writer, turku: Writer) -> None:
    await tartu.bring(lund, for_turku(lund, turku))
    tartu.pass_by(14 * 86_400 - 60)
    await tartu.app.post.forget_old()
    assert await tartu.rows("mailbox") == 1
    tartu.pass_by(120)
    await tartu.app.post.forget_old()
    assert await tartu.rows("mailbox") == 0


async def test_a_mailbox_shows_nothing_but_who_writes_to_whom(tartu: Town, lund: Writer, turku: Writer) -> None:
    message = lund.message(turku.id, {"people": "Maria Tamm"}, kind="visit")
    await tartu.bring(lund, sealed_to(turku, message, message.id))
    rows = await tartu.app.database.read(lambda db: db.execute("SELECT * FROM mailbox").fetchall())
    assert len(rows) == 1
    assert not any(word in repr(rows) for word in ("Maria", "visit"))
