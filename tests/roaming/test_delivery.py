"""What a node sends: until the recipient's own word has come, and whatever those who are called make up."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from node.errors import InputError, Malformed
from node.protocol.canonical import decode, encode
from node.protocol.messages import Acknowledgement, Message, Sealed
from node.protocol.names import RecordId
from node.protocol.statements import Beat
from node.roaming.messages import LARGEST_BODY
from node.roaming.sealing import seal, unseal
from node.storage import messages as stored
from node.storage import partners
from node.trust.reach import Known, Standing
from tests.roaming.correspondents import Town, Writer, town
from tests.roaming.echoing import written

Answers = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


@pytest.fixture
async def tartu(tmp_path: Path) -> AsyncIterator[Town]:
    """The sender."""
    async with town(tmp_path) as made:
        yield made


@asynccontextmanager
async def serving(answer: Answers) -> AsyncIterator[str]:
    """A server that answers every call as it is told; its URL."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(request, await request.read())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def answering(value: Any) -> web.Response:
    return web.Response(body=encode(value), content_type="application/json")


async def call_at(tartu: Town, writer: Writer, url: str) -> None:
    """The node knows that this partner is reached there."""
    await tartu.app.database.write(lambda db: partners.add(db, writer.id, url, 0))


async def send(tartu: Town, to: Writer, number: int = 1, **others: Any) -> None:
    await tartu.app.operations.run("echo", {"to": to.id, "numbers": [number], **others}, lambda piece: None)


async def outbox(tartu: Town) -> list[stored.Waiting]:
    return await tartu.app.database.read(stored.waiting)


async def until(condition: Callable[[], Awaitable[Any]], otherwise: str) -> Any:
    try:
        async with asyncio.timeout(20):
            while not (found := await condition()):
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(otherwise) from None
    return found


def acknowledgement(tartu: Town, by: Writer, id_: str, refused: str | None = None, **others: Any) -> dict[str, Any]:
    """The answer that `by` makes, with some of it made up."""
    key, public = tartu.app.parts.node_keys.sealing_key
    members: dict[str, Any] = {"sender": by.id, "to": tartu.id, "epoch": 1, "id": id_, "refused": refused}
    said = Acknowledgement.make(others.pop("key", by.author.signing_key), **(members | others))
    line = others.pop("plaintext", said.signed.line)
    sealed = seal(line, public, sender=by.id, to=tartu.id, id_=RecordId(id_), key=RecordId(key))
    return {"acknowledgement": sealed.as_value()}


async def test_what_is_sent_can_be_opened_by_its_recipient_alone_and_is_acknowledged_by_it(tartu: Town) -> None:
    lund, brought = Writer("lund"), []

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        assert request.path == "/federation/v1/inbox"
        sealed = Sealed.parse(body)
        brought.append(sealed)
        return answering(acknowledgement(tartu, lund, sealed.id))

    await tartu.befriend(lund)
    async with serving(answer) as url:
        await call_at(tartu, lund, url)
        await send(tartu, lund, 7)
        await until(lambda: _none(tartu), "it is not acknowledged")
    [sealed] = brought
    message = Message.parse(decode(unseal(sealed, lund.sealing)))
    message.verify(tartu.app.authority.card)
    assert (message.sender, message.to, message.body) == (tartu.id, lund.id, {"number": 7})


async def _none(tartu: Town) -> bool:
    return not await outbox(tartu)


MADE_UP: dict[str, Callable[[Town, Writer, str], Any]] = {
    "signed by whoever has the domain now": lambda tartu, lund, id_: acknowledgement(
        tartu, lund, id_, key=Writer("thief").author.signing_key
    ),
    "a refusal signed by another": lambda tartu, lund, id_: acknowledgement(
        tartu, lund, id_, "no", key=Writer("thief").author.signing_key
    ),
    "of another node": lambda tartu, lund, id_: acknowledgement(tartu, Writer("thief"), id_),
    "of another message": lambda tartu, lund, id_: acknowledgement(tartu, lund, "other"),
    "meant for another": lambda tartu, lund, id_: acknowledgement(tartu, lund, id_, to=Writer("thief").id),
    "of an epoch that is over": lambda tartu, lund, id_: acknowledgement(tartu, lund, id_, epoch=0),
    "not sealed to us": lambda tartu, lund, id_: {
        "acknowledgement": {**acknowledgement(tartu, lund, id_)["acknowledgement"], "sealed": "A" * 100}
    },
    "a message instead": lambda tartu, lund, id_: acknowledgement(
        tartu, lund, id_, plaintext=lund.message(tartu.id, {"number": 1}, id=id_).signed.line
    ),
    "nothing": lambda tartu, lund, id_: {},
    "an array": lambda tartu, lund, id_: [],
    "more than one": lambda tartu, lund, id_: {"held": True, "acknowledgement": {}},
    "held for ever": lambda tartu, lund, id_: {"held": True},
}


@pytest.mark.parametrize("made_up", MADE_UP.values(), ids=MADE_UP)
async def test_an_answer_that_is_not_the_recipients_own_ends_nothing(
    tartu: Town, made_up: Callable[[Town, Writer, str], Any]
) -> None:
    lund, calls = Writer("lund"), 0

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        nonlocal calls
        del request
        calls += 1
        id_ = Sealed.parse(body).id
        return answering(made_up(tartu, lund, id_) if calls == 1 else acknowledgement(tartu, lund, id_))

    await tartu.befriend(lund, Writer("thief"))
    async with serving(answer) as url:
        await call_at(tartu, lund, url)
        await send(tartu, lund)
        waiting = await until(lambda: _tried(tartu), "it is not tried")
        assert waiting.problem
        assert [each[0] for each in await tartu.app.database.read(written)] == ["sent"]
        # The recipient's own word, the next time, ends it.
        await until(lambda: _none(tartu), "it is not tried again")
    assert calls == 2


async def _tried(tartu: Town) -> stored.Waiting | None:
    return next((each for each in await outbox(tartu) if each.problem), None)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500, 503], ids=lambda status: f"answered {status}")
async def test_a_no_is_no_acknowledgement_and_its_reason_is_shown(tartu: Town, status: int) -> None:
    lund = Writer("lund")

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        del request, body
        headers = {"Location": f"{tartu.base}/healthz"}
        return web.Response(status=status, headers=headers, body=json.dumps({"detail": "come again"}))

    await tartu.befriend(lund)
    async with serving(answer) as url:
        await call_at(tartu, lund, url)
        await send(tartu, lund)
        waiting = await until(lambda: _tried(tartu), "it is not tried")
    assert str(status) in waiting.problem or "can't be reached" in waiting.problem


async def test_an_endless_answer_is_cut_off(tartu: Town) -> None:
    lund = Writer("lund")

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        del body
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 65_536)
        return response

    await tartu.befriend(lund)
    async with serving(answer) as url:
        await call_at(tartu, lund, url)
        await send(tartu, lund)
        waiting = await until(lambda: _tried(tartu), "it is not tried")
    assert waiting.problem


async def test_one_recipient_that_does_not_answer_keeps_no_other_one_waiting(tartu: Town) -> None:
    lund, turku = Writer("lund"), Writer("turku")

    async def silent(request: web.Request, body: bytes) -> web.StreamResponse:
        del request, body
        await asyncio.sleep(3600)
        raise AssertionError

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        del request
        return answering(acknowledgement(tartu, turku, Sealed.parse(body).id))

    await tartu.befriend(lund, turku)
    async with serving(silent) as slow, serving(answer) as quick:
        await call_at(tartu, lund, slow)
        await call_at(tartu, turku, quick)
        for number in range(3):
            await send(tartu, lund, number)
        await send(tartu, turku, 9)

        async def only_lund() -> bool:
            return [each.recipient for each in await outbox(tartu)] == [lund.id]

        await until(only_lund, "it waits behind another's")


async def test_nothing_is_sent_to_who_is_not_honoured_and_no_more_to_who_ceased_to_be(tartu: Town) -> None:
    stranger, lund = Writer("stranger"), Writer("lund")
    with pytest.raises(InputError, match="not honoured"):
        await send(tartu, stranger)
    assert await tartu.app.database.read(written) == []
    calls = []

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        del request
        calls.append(body)
        return answering({"held": True})

    await tartu.befriend(lund)
    async with serving(answer) as url:
        await call_at(tartu, lund, url)
        await tartu.app.database.write(
            lambda db: tartu.app.parts.messages.send(db, lund.id, "echo", {"number": 1}, id="m1")
        )
        await until(lambda: _tried(tartu), "it is not tried")
        count = len(calls)
        await tartu.app.operations.run("block", {"node": lund.id}, lambda piece: None)

        async def not_honoured() -> bool:
            return any("not honoured here any more" in (each.problem or "") for each in await outbox(tartu))

        await until(not_honoured, "it is tried all the same")
        assert len(calls) <= count + 1


async def test_a_message_that_could_not_be_read_is_not_sent(tartu: Town) -> None:
    lund = Writer("lund")
    await tartu.befriend(lund)
    for body in ({"text": "x" * LARGEST_BODY}, {"share": 0.5}, {"a": {"b": {"c": {"d": {"e": {"f": {"g": {}}}}}}}}):
        with pytest.raises(Malformed):
            await tartu.app.database.write(
                lambda db, body=body: tartu.app.parts.messages.send(db, lund.id, "echo", body, id="m")  # type: ignore[misc]
            )
    assert await outbox(tartu) == []


async def test_what_the_transaction_of_its_cause_undoes_was_never_sent(tartu: Town) -> None:
    lund = Writer("lund")
    await tartu.befriend(lund)

    def fails(db: Any) -> None:
        tartu.app.parts.messages.send(db, lund.id, "echo", {}, id="m")
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        await tartu.app.database.write(fails)
    assert await outbox(tartu) == []


async def test_a_message_that_expires_is_given_up_and_whoever_sent_it_is_told_why(tartu: Town) -> None:
    lund = Writer("lund")
    await tartu.befriend(lund)
    await send(tartu, lund, 5, lasts=1)

    async def told() -> list[Any]:
        return [each for each in await tartu.app.database.read(written) if each[0] == "failed"]

    [(_, node, number, sentence)] = await until(told, "nobody is told")
    assert (node, number) == (lund.id, 5)
    assert "no acknowledgement came before it expired" in sentence
    assert await outbox(tartu) == []


async def test_an_address_in_a_beat_does_not_make_a_node_call_its_own_machine(tartu: Town) -> None:
    """In a rehearsal, where the nodes are all on one machine, it does."""
    lund, delivery = Writer("lund"), tartu.app.post._delivery
    await tartu.befriend(lund)

    async def addresses() -> list[Any]:
        def read(db: Any) -> list[Any]:
            return delivery._addresses(db, lund.id)

        return await tartu.app.database.read(read)

    def said(url: str) -> None:
        head = lund.author.head
        lund.author.newest_beat = Beat.make(lund.author.signing_key, head=head, time=tartu.app.world.now(), urls=(url,))

    lund.author.put("adoption", {"practice": "p", "by": "x", "since": "2026-01-15"})
    lund.author.commit()
    said("http://127.0.0.1:1234")
    await tartu.take(lund)
    assert [each.url for each in await addresses()] == ["http://127.0.0.1:1234"]
    delivery._own_url = "https://tartu.example"
    assert [each.url for each in await addresses()] == [""]
    # What a partner in a private network has opens no other host of it.
    oslo = Writer("oslo")
    await tartu.befriend(oslo)
    for url, called in (("https://10.0.0.7", False), ("http://127.0.0.1:5678", True)):
        await call_at(tartu, oslo, url)
        assert ("http://127.0.0.1:1234" in [each.url for each in await addresses()]) == called, url


async def test_who_can_not_be_called_has_its_mailbox_with_those_on_the_path_to_it(tartu: Town) -> None:
    """The nearest to it first, then one's own partners; a partner's is one's own."""
    lund, turku, oslo, riga = Writer("lund"), Writer("turku"), Writer("oslo"), Writer("riga")
    await tartu.befriend(lund, turku, oslo)
    acceptance, delivery = tartu.app.acceptance, tartu.app.post._delivery
    known = dict(acceptance.answer.known)
    known[riga.id] = Known(Standing.HONOURED, (lund.id, oslo.id, riga.id))
    acceptance.replace(replace(acceptance.answer, known=known))
    found = await tartu.app.database.read(lambda db: delivery._addresses(db, riga.id))
    assert [each.node for each in found] == [oslo.id, lund.id, turku.id]
    hidden = Writer("hidden")
    hidden.sealing = X25519PrivateKey.generate()
    await tartu.befriend(hidden)
    await tartu.app.database.write(
        lambda db: db.execute("UPDATE authors SET beat = NULL WHERE node_id = ?", (hidden.id,))
    )
    first, *others = await tartu.app.database.read(lambda db: delivery._addresses(db, hidden.id))
    assert (first.node, first.url) == (tartu.id, "")
    assert hidden.id not in [each.node for each in others]


async def test_of_what_a_partners_mailbox_gives_only_what_holds_is_taken_and_acknowledged(tartu: Town) -> None:
    lund, turku, left = Writer("lund"), Writer("turku"), []
    await tartu.befriend(lund, turku)
    right, wrong = (tartu.sealed(lund.message(tartu.id, {"number": number})) for number in (1, 2))
    stranger = Writer("stranger")
    mail = [
        right,
        replace(wrong, ciphertext=wrong.ciphertext[:-1] + bytes([wrong.ciphertext[-1] ^ 1])),
        tartu.sealed(stranger.message(tartu.id, {"number": 3})),
        # What was meant for Turku, whose mailbox this is not.
        tartu.sealed(lund.message(turku.id, {"number": 4})),
        right,
    ]

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        if request.method == "GET":
            return answering({"messages": [] if left else [each.as_value() for each in mail]})
        left.extend(decode(body)["answers"])
        return answering({"ended": len(mail)})

    async with serving(answer) as url:
        await call_at(tartu, turku, url)
        partner = await tartu.app.database.read(lambda db: partners.find(db, turku.id))
        assert partner is not None
        await tartu.app.post.collect(partner)
    assert await tartu.taken() == [(lund.id, 1)]
    assert [(each["id"], "acknowledgement" in each) for each in left] == [(each.id, each is right) for each in mail]
    assert lund.open(Sealed.of(left[0]["acknowledgement"])).refused is None


@pytest.mark.parametrize(
    "given",
    [{}, [], {"messages": 5}, {"messages": [{}]}, {"messages": [{}] * 17}, {"messages": ["x" * 60_000]}],
    ids=lambda given: str(given)[:30],
)
async def test_a_mailbox_that_gives_something_else_is_left_alone(tartu: Town, given: Any) -> None:
    turku, calls = Writer("turku"), []
    await tartu.befriend(turku)

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        calls.append((request.method, body))
        return answering(given)

    async with serving(answer) as url:
        await call_at(tartu, turku, url)
        partner = await tartu.app.database.read(lambda db: partners.find(db, turku.id))
        assert partner is not None
        await tartu.app.post.collect(partner)
    assert [method for method, _ in calls if method == "POST"] == []
    assert await tartu.taken() == []
