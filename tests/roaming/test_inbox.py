"""What comes into a node's inbox: taken once, acknowledged after it, and refused where anything about it is wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from node.directory.authority import State
from node.protocol.canonical import decode, encode
from node.protocol.messages import LARGEST_SEALED
from node.protocol.statements import Signed
from node.roaming import messages
from node.storage import messages as stored
from tests.protocol.builders import key_named
from tests.roaming.correspondents import Town, Writer, answered, town


@pytest.fixture
async def tartu(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def lund(tartu: Town) -> Writer:
    """A partner of Tartu's."""
    writer = Writer("lund")
    await tartu.befriend(writer)
    return writer


async def test_a_message_takes_effect_once_however_often_it_comes_and_gets_the_same_answer(
    tartu: Town, lund: Writer
) -> None:
    message = lund.message(tartu.id, {"number": 1})
    first = await tartu.bring(lund, message)
    said = answered(first, lund)
    said.verify(tartu.app.authority.card)
    assert (said.sender, said.to, said.id, said.refused) == (tartu.id, lund.id, message.id, None)
    sealed = tartu.sealed(message)
    for again in await asyncio.gather(*(tartu.bring(lund, sealed) for _ in range(6)), tartu.bring(lund, message)):
        assert answered(again, lund).signed == said.signed
    assert await tartu.taken() == [(lund.id, 1)]


async def test_another_message_under_the_same_id_says_nothing_new(tartu: Town, lund: Writer) -> None:
    for number in (1, 2):
        await tartu.bring(lund, lund.message(tartu.id, {"number": number}, id="same"))
    assert await tartu.taken() == [(lund.id, 1)]


async def test_a_message_that_its_handler_refuses_is_acknowledged_with_the_reason_each_time(
    tartu: Town, lund: Writer
) -> None:
    message = lund.message(tartu.id, {"number": 1, "refuse": "there is no room"})
    for _ in range(2):
        assert answered(await tartu.bring(lund, message), lund).refused == "there is no room"
    assert await tartu.taken() == []


async def test_a_kind_that_nobody_here_knows_is_acknowledged_as_refused(tartu: Town, lund: Writer) -> None:
    answer = await tartu.bring(lund, lund.message(tartu.id, {}, kind="tango"))
    assert "no messages of the kind tango" in (answered(answer, lund).refused or "")


async def test_a_message_that_its_handler_breaks_on_is_not_received_and_comes_again(tartu: Town, lund: Writer) -> None:
    message = lund.message(tartu.id, {"nothing": 1})
    assert (await tartu.bring(lund, message)).status == 500
    assert await tartu.rows("inbox") == 0


Hostile = Callable[[Town, Writer], Any]


def _letter_changed(tartu: Town, lund: Writer) -> bytes:
    line = tartu.sealed(lund.message(tartu.id, {"number": 1})).line
    place = line.index(b'"sealed":"') + 100
    return line[:place] + (b"A" if line[place : place + 1] != b"A" else b"B") + line[place + 1 :]


def _of(**others: Any) -> Hostile:
    return lambda tartu, lund: lund.message(tartu.id, {"number": 1}, **others)


def _sealed(**others: Any) -> Hostile:
    return lambda tartu, lund: tartu.sealed(lund.message(tartu.id, {"number": 1}), **others)


def _passed_on(tartu: Town, lund: Writer) -> Any:
    """What Turku wrote to Lund: Lund seals it anew, as if it were for Tartu."""
    turku = Writer("turku")
    message = turku.message(lund.id, {"number": 1})
    return tartu.sealed(message, to=tartu.id, sender=lund.id)


def _of_a_statement(change: dict[str, Any]) -> Hostile:
    """Sealed is a message that breaks a rule, under a signature that holds."""

    def made(tartu: Town, lund: Writer) -> Any:
        message = lund.message(tartu.id, {"number": 1})
        statement = encode(decode(message.signed.statement) | change, deepest=40)
        line = Signed(statement, lund.author.signing_key.sign(statement)).line
        return tartu.sealed(message, plaintext=line)

    return made


def _deep(levels: int) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for _ in range(levels):
        body = {"deeper": body}
    return body


@pytest.mark.parametrize(
    ("hostile", "status", "sentence"),
    [
        pytest.param(_letter_changed, 401, "does not open", id="altered"),
        pytest.param(_sealed(id_="other"), 401, "inside than outside", id="under another id"),
        pytest.param(_sealed(key="sealing-9"), 400, "no key of this node", id="sealed to a key that is gone"),
        pytest.param(
            _sealed(public=Writer("other").sealing.public_key().public_bytes_raw()),
            401,
            "does not open",
            id="sealed to another's key",
        ),
        pytest.param(_sealed(key="pass-1"), 400, "no key of this node", id="sealed to a key of another use"),
        pytest.param(_passed_on, 401, "inside than outside", id="passed on as meant for another"),
        pytest.param(_of(key=key_named("thief")), 401, "signature", id="signed by another"),
        pytest.param(_of(epoch=2), 401, "epoch 2", id="of another epoch"),
        pytest.param(
            _of(sent=int(time.time()) + 1200, expires=int(time.time()) + 2400), 400, "clocks", id="from the future"
        ),
        pytest.param(_of(sent=int(time.time()) - 7200, expires=int(time.time()) - 3600), 400, "expired", id="expired"),
        pytest.param(
            _of_a_statement({"expires": "2036-01-01T00:00:00Z"}), 400, "within 14 days", id="good for ten years"
        ),
        pytest.param(_of_a_statement({"body": _deep(7)}), 400, "too deep", id="deep"),
        pytest.param(_of_a_statement({"body": _deep(31)}), 400, "too deep", id="deeper than canonical JSON"),
        pytest.param(_of_a_statement({"body": {"t": "x" * 33_000}}), 400, "32768 bytes", id="large"),
        pytest.param(_of_a_statement({"type": "acknowledgement"}), 400, '"message"', id="an acknowledgement"),
        pytest.param(_of_a_statement({"to": "bra1" + "a" * 32}), 401, "inside than outside", id="meant for another"),
        pytest.param(
            lambda tartu, lund: tartu.sealed(lund.message(tartu.id, {}), plaintext=b'{"signature": 1}'),
            400,
            "canonical",
            id="not canonical",
        ),
        pytest.param(lambda *_: b"x" * (LARGEST_SEALED + 1), 413, "bytes", id="huge"),
        pytest.param(lambda *_: b"[" * LARGEST_SEALED, 400, "JSON", id="many brackets"),
        pytest.param(lambda *_: b"{}", 400, "exactly the members", id="nothing"),
        pytest.param(
            lambda tartu, lund: tartu.sealed(Writer("turku").message(tartu.id, {"number": 1})),
            403,
            "its own messages",
            id="of another, brought by a partner",
        ),
    ],
)
async def test_a_message_is_refused_and_changes_nothing(
    tartu: Town, lund: Writer, hostile: Hostile, status: int, sentence: str
) -> None:
    answer = await tartu.bring(lund, hostile(tartu, lund))
    assert answer.status == status, answer.value
    assert sentence in answer.value["detail"]
    assert await tartu.taken() == []
    assert await tartu.rows("inbox") == await tartu.rows("mailbox") == 0
    # And nothing keeps the partner from writing what is right.
    assert answered(await tartu.bring(lund, lund.message(tartu.id, {"number": 2})), lund).refused is None


async def test_who_is_not_honoured_brings_nothing(tartu: Town, lund: Writer) -> None:
    stranger = Writer("stranger")
    assert (await tartu.bring(stranger, stranger.message(tartu.id, {"number": 1}))).status == 403
    await tartu.app.operations.run("block", {"node": lund.id}, lambda piece: None)
    message = lund.message(tartu.id, {"number": 2})
    assert (await tartu.bring(lund, message)).status == 403
    assert await tartu.taken() == []


async def test_who_signed_two_histories_is_not_heard(tartu: Town, lund: Writer) -> None:
    await tartu.app.database.write(
        lambda db: db.execute("UPDATE authors SET forked_epoch = 1 WHERE node_id = ?", (lund.id,))
    )
    answer = await tartu.bring(lund, lund.message(tartu.id, {"number": 1}))
    assert (answer.status, await tartu.taken()) == (400, [])
    assert "two histories" in answer.value["detail"]


async def test_a_message_under_the_key_of_an_epoch_that_is_over_is_refused(tartu: Town, lund: Writer) -> None:
    old = lund.message(tartu.id, {"number": 1})
    lund.author.rotate()
    lund.publish_key()
    await tartu.take(lund)
    answer = await tartu.bring(lund, old)
    assert (answer.status, await tartu.taken()) == (401, [])
    assert answered(await tartu.bring(lund, lund.message(tartu.id, {"number": 2})), lund).refused is None


async def test_a_message_that_could_not_be_answered_is_not_taken(tartu: Town) -> None:
    turku = Writer("turku")
    await tartu.befriend(turku, keys=False)
    answer = await tartu.bring(turku, turku.message(tartu.id, {"number": 1}))
    assert answer.status == 400
    assert "no sealing key" in answer.value["detail"]
    assert await tartu.taken() == []


async def test_a_flood_of_one_sender_ends_with_429_and_keeps_no_other_from_writing(
    tartu: Town, lund: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "A_DAY_OF_SENDER", 3)
    sent = [lund.message(tartu.id, {"number": number}) for number in range(5)]
    answers = [await tartu.bring(lund, each) for each in sent]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert len(await tartu.taken()) == 3
    # What was taken before still gets its answer.
    assert (await tartu.bring(lund, sent[0])).status == 200
    turku = Writer("turku")
    await tartu.befriend(turku)
    assert (await tartu.bring(turku, turku.message(tartu.id, {"number": 9}))).status == 200
    tartu.pass_by(86_401)
    late = lund.message(tartu.id, {"number": 8}, sent=tartu.app.world.now(), expires=tartu.app.world.now() + 60)
    assert (await tartu.bring(lund, late)).status == 200


async def test_a_flood_at_the_same_moment_is_counted_too(
    tartu: Town, lund: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "A_DAY_OF_SENDER", 3)
    sent = [lund.message(tartu.id, {"number": number}) for number in range(7)]
    answers = await asyncio.gather(*(tartu.bring(lund, each) for each in sent))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 429, 429, 429, 429]
    assert len(await tartu.taken()) == 3


async def test_a_senders_share_of_what_is_remembered_ends_with_429_and_leaves_room_for_others(
    tartu: Town, lund: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "OF_SENDER", 2)
    sent = [lund.message(tartu.id, {"number": number}) for number in range(3)]
    assert [(await tartu.bring(lund, each)).status for each in sent] == [200, 200, 429]
    turku = Writer("turku")
    await tartu.befriend(turku)
    assert (await tartu.bring(turku, turku.message(tartu.id, {"number": 9}))).status == 200


async def test_a_full_inbox_takes_no_more_until_something_expires(
    tartu: Town, lund: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "REMEMBERED", 1)
    assert (await tartu.bring(lund, lund.message(tartu.id, {"number": 1}))).status == 200
    assert (await tartu.bring(lund, lund.message(tartu.id, {"number": 2}))).status == 429
    tartu.pass_by(7200)
    await tartu.app.post.forget_old()
    late = lund.message(tartu.id, {"number": 3}, sent=tartu.app.world.now(), expires=tartu.app.world.now() + 60)
    assert (await tartu.bring(lund, late)).status == 200


async def test_what_is_forgotten_has_expired_so_it_can_not_be_replayed(tartu: Town, lund: Writer) -> None:
    message = lund.message(tartu.id, {"number": 1})
    assert (await tartu.bring(lund, message)).status == 200
    tartu.pass_by(3600 - 60)
    await tartu.app.post.forget_old()
    assert await tartu.rows("inbox") == 1
    tartu.pass_by(120)
    await tartu.app.post.forget_old()
    assert await tartu.rows("inbox") == 0
    assert (await tartu.bring(lund, message)).status == 400
    assert await tartu.taken() == [(lund.id, 1)]


async def test_a_home_that_may_not_sign_takes_nothing_and_says_later(
    tartu: Town, lund: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tartu.app.authority, "restored", True)
    assert await tartu.app.database.read(tartu.app.authority.state) is State.RESTORED
    answer = await tartu.bring(lund, lund.message(tartu.id, {"number": 1}))
    assert (answer.status, await tartu.taken()) == (503, [])


async def test_what_waits_to_be_sent_leaves_nothing_in_the_file_once_it_is_acknowledged(
    tartu: Town, lund: Writer
) -> None:
    secret = b"Maria Tamm, maria.tamm@firma.example"
    database = tartu.app.database
    for number in range(200):
        body = {"number": number, "people": f"{secret.decode()} {number}"}
        await database.write(
            lambda db, body=body, number=number: tartu.app.parts.messages.send(  # type: ignore[misc]
                db, lund.id, "echo", body, id=f"m{number}"
            )
        )
    assert any(secret in path.read_bytes() for path in files(tartu))
    for number in range(200):
        await database.write(
            lambda db, number=number: tartu.app.parts.messages.acknowledged(db, lund.id, f"m{number}", None)  # type: ignore[misc]
        )
    assert await database.read(stored.waiting) == []
    for _ in range(200):
        if not any(secret in path.read_bytes() for path in files(tartu)):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("what was sent is still in the file")


def files(tartu: Town) -> list[Path]:
    return [path for path in tartu.app.database.path.parent.glob("node.db*") if path.is_file()]
