"""Strangers at the door, an inviter that lies and a newcomer that lies: a refusal each, and nothing is changed."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from node.errors import BraError
from node.federation import wire
from node.federation.client import Client
from node.federation.signatures import CARD, RequestSigner
from node.joining import reception
from node.joining.invitation import Link, proof
from node.joining.messages import LONGEST
from node.joining.newcomer import Newcomer as Newcomers
from node.protocol.canonical import decode, encode
from node.protocol.names import NodeId, encode_base64
from node.storage import blocks
from tests.joining.conftest import Side
from tests.protocol.builders import Author

PATH = f"{wire.PREFIX}/join"
PARIS = Author("paris")
PARIS.put(
    "organisation",
    {"name": "Paris Park", "roles": ["other"], "city": "Paris", "country": "FR", "website": "https://paris.example/",
     "languages": ["fr"]}, "self",
)  # fmt: skip
PARIS.commit()


class Newcomer:
    """A raw client that signs as Paris, and says what it is told to."""

    def __init__(self, lund: Side, link: Link, http: aiohttp.ClientSession) -> None:
        self.lund = lund
        self.link = link
        self.http = http
        self._nonces = 0

    def request(self, **different: Any) -> dict[str, Any]:
        said = {
            "invitation": self.link.id,
            "key_card": PARIS.signed_record("organisation", "self").as_value(),
            "confirmed": True,
            "proof": proof(self.link.key, "newcomer", by=PARIS.id, to=self.lund.id, confirmed=True),
        }
        return said | different

    async def send(self, body: bytes, *, by: Author = PARIS, **headers: str | None) -> tuple[int, bytes]:
        self._nonces += 1
        signer = RequestSigner(by.signing_key, by.card)
        url, now = f"{self.lund.url}{PATH}", self.lund.app.world.now()
        signed = signer.headers("POST", url, self.lund.id, body=body, now=now, nonce=self._nonces.to_bytes(16))
        sent = {name: value for name, value in (signed | headers).items() if value is not None}
        async with self.http.post(url, data=body, headers=sent) as response:
            return response.status, await response.read()


@pytest.fixture
async def newcomer(lund: Side) -> Any:
    async with aiohttp.ClientSession() as http:
        yield Newcomer(lund, Link.parse(await lund.invite()), http)


async def state(side: Side) -> list[Any]:
    return [await side.rows(table) for table in ("joins", "invitations", "partners", "authors", "records")]


async def test_an_unknown_invitation_and_a_wrong_proof_are_answered_with_the_same_bytes(newcomer: Newcomer) -> None:
    wrong = proof(bytes(32), "newcomer", by=PARIS.id, to=newcomer.lund.id, confirmed=True)
    answers = [
        await newcomer.send(encode(newcomer.request(proof=wrong))),
        await newcomer.send(encode(newcomer.request(invitation="0123456789abcdef"))),
        await newcomer.send(encode(newcomer.request(confirmed=False))),
    ]
    assert len(set(answers)) == 1
    assert answers[0][0] == 403


Body = Callable[[Newcomer], bytes]
OTHER = Author("oslo")
LIES: dict[str, tuple[Body, dict[str, Any], int]] = {
    "no signature": (lambda it: encode(it.request()), {"Signature-Input": None, "Signature": None}, 400),
    "no card": (lambda it: encode(it.request()), {CARD: None}, 403),
    "a card that is none": (lambda it: encode(it.request()), {CARD: "AAAA"}, 400),
    "another node's card": (lambda it: encode(it.request()), {CARD: encode_base64(OTHER.card.signed.line)}, 403),
    "a signature to another node": (lambda it: encode(it.request()), {"BRA-Recipient": PARIS.id}, 401),
    "the signature of another node": (lambda it: encode(it.request()), {"by": OTHER}, 403),
    "no body": (lambda it: b"", {}, 400),
    "what is not JSON": (lambda it: b"\xff" * 100, {}, 400),
    "what is nested without end": (lambda it: b"[" * 100_000, {}, 400),
    "a list": (lambda it: b"[]", {}, 400),
    "too much": (lambda it: b"x" * (LONGEST + 1), {}, 413),
    "a member more": (lambda it: encode(it.request(more=1)), {}, 400),
    "no key card": (lambda it: encode(it.request(key_card={})), {}, 400),
    "a key card that was changed": (lambda it: encode(it.request()).replace(b"Paris Park", b"Tartu Park"), {}, 400),
}  # fmt: skip


@pytest.mark.parametrize("what", LIES)
async def test_a_newcomer_is_refused_and_leaves_nothing_with(what: str, newcomer: Newcomer) -> None:
    body, headers, status = LIES[what]
    before = await state(newcomer.lund)
    found, said = await newcomer.send(body(newcomer), **headers)
    assert (found, json.loads(said)["status"]) == (status, status)
    assert await state(newcomer.lund) == before
    # The same one, honestly: the lie alone was refused.
    assert (await newcomer.send(encode(newcomer.request())))[0] == 200


async def test_a_request_that_was_overheard_is_no_second_request(newcomer: Newcomer) -> None:
    body = encode(newcomer.request())
    signer = RequestSigner(PARIS.signing_key, PARIS.card)
    url = f"{newcomer.lund.url}{PATH}"
    headers = signer.headers(
        "POST", url, newcomer.lund.id, body=body, now=newcomer.lund.app.world.now(), nonce=bytes(16)
    )
    statuses = []
    for _ in range(2):
        async with newcomer.http.post(url, data=body, headers=headers) as response:
            statuses.append(response.status)
    assert statuses == [200, 401]


async def test_after_ten_wrong_tries_an_address_waits_a_minute_but_a_right_one_is_answered(newcomer: Newcomer) -> None:
    wrong, right = encode(newcomer.request(invitation="0123456789abcdef")), encode(newcomer.request())
    statuses = [(await newcomer.send(wrong))[0] for _ in range(reception.FAILURES + 1)]
    assert statuses == [403] * reception.FAILURES + [429]
    assert (await newcomer.send(right))[0] == 200
    newcomer.lund.pass_by(reception.FAILURES_WITHIN + 1)
    assert (await newcomer.send(wrong))[0] == 403


def test_of_many_addresses_those_that_failed_long_ago_are_forgotten() -> None:
    failures = reception.Failures(lambda: 0.0)
    for number in range(5_000):
        failures.count(str(number))
    assert len(failures._times) == 1_000


async def test_strangers_who_send_slowly_take_their_own_few_places_and_no_partners(newcomer: Newcomer) -> None:
    async def drip() -> Any:
        yield b"{"
        await asyncio.sleep(60)

    async def slow() -> None:
        signer = RequestSigner(PARIS.signing_key, PARIS.card)
        url, now = f"{newcomer.lund.url}{PATH}", newcomer.lund.app.world.now()
        headers = signer.headers("POST", url, newcomer.lund.id, body=b"{", now=now, nonce=bytes(16))
        async with newcomer.http.post(url, data=drip(), headers=headers):
            pass

    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(10):
            # Whichever place becomes free, there is somebody slow to take it.
            while (await newcomer.send(encode(newcomer.request())))[0] != 429:
                tasks.append(asyncio.create_task(slow()))
                await asyncio.sleep(0.02)
        async with newcomer.http.get(f"{newcomer.lund.url}{wire.WELL_KNOWN}") as response:
            assert response.status == 200
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_page_does_nothing_and_runs_nothing(newcomer: Newcomer) -> None:
    before = await state(newcomer.lund)
    for method in ("GET", "HEAD"):
        async with newcomer.http.request(method, f"{newcomer.lund.url}/join") as response:
            assert response.status == 200
            assert response.headers["Referrer-Policy"] == "no-referrer"
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none';")
            assert "script" not in policy
            assert "unsafe" not in policy
            page = await response.text()
    assert "<script" not in page
    assert await state(newcomer.lund) == before
    assert (await newcomer.send(encode(newcomer.request())))[0] == 200


class Liar(Client):
    """The way to the inviter's node, on which its honest answers are changed."""

    def __init__(self, change: Callable[[bytes], bytes], *parts: Any, **limits: Any) -> None:
        super().__init__(*parts, **limits)
        self._change = change

    async def join(self, request: bytes) -> bytes:
        return self._change(await super().join(request))


def lying(side: Side, change: Callable[[bytes], bytes]) -> Newcomers:
    """The newcomer's side of joining of a node to which the inviter's answers come changed."""
    app = side.app

    def client(url: str, node: NodeId) -> Client:
        limits = {"world": app.world, "limits": app.limits, "request_seconds": 10}
        return Liar(change, app._http, url, node, app._signer, **limits)

    return Newcomers(app.parts.pairing, client)


def with_members(**different: Any) -> Callable[[bytes], bytes]:
    return lambda answer: encode(decode(answer) | different)


ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda answer: b"",
    "what is not JSON": lambda answer: b"<html>",
    "what is nested without end": lambda answer: b"[" * 100_000,
    "too much": lambda answer: answer + b" " * LONGEST,
    "a member more": with_members(more=1),
    "a wrong proof": with_members(proof=encode_base64(bytes(32))),
    "a confirmation that nobody made": with_members(confirmed=True),
    "another node's key card": with_members(key_card=PARIS.signed_record("organisation", "self").as_value()),
    "a key card that was changed": lambda answer: answer.replace(b"Lund Park", b"Oslo Park"),
    "a key card that is none": with_members(key_card=[]),
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_an_inviter_is_refused_that_answers_with(what: str, lund: Side, tartu: Side) -> None:
    link = await lund.invite()
    before = await state(tartu)
    with pytest.raises(BraError):
        await lying(tartu, ANSWERS[what]).join(Link.parse(link))
    assert await state(tartu) == before
    assert (await tartu.does("join", link=link))["node_id"] == lund.id


async def test_an_answer_that_lies_later_confirms_nothing_and_is_shown(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    await tartu.confirm(lund)
    await lying(tartu, with_members(confirmed=True)).go_on()
    [join] = await tartu.waiting()
    assert "somebody may be in between" in join["problem"]
    assert await tartu.partners() == []


async def test_a_partner_that_is_blocked_is_not_told_so_by_an_invitation(newcomer: Newcomer) -> None:
    lund = newcomer.lund
    added = await lund.does("partner-add", key_card=newcomer.request()["key_card"])
    await lund.does("partner-confirm", node_id=PARIS.id, words=" ".join(added["words"]))
    assert (await newcomer.send(encode(newcomer.request())))[0] == 200
    await lund.app.database.write(lambda db: blocks.block(db, PARIS.id, "", 0))
    unknown = await newcomer.send(encode(newcomer.request(invitation="0123456789abcdef")))
    assert await newcomer.send(encode(newcomer.request())) == unknown
