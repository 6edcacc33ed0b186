"""Strangers at the door, and a newcomer that lies: a refusal each, and nothing is changed."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from node.errors import InputError
from node.federation import wire
from node.federation.signatures import CARD, RequestSigner
from node.joining import reception
from node.joining.invitation import Link, proof
from node.joining.messages import LONGEST, JoinRequest
from node.protocol.canonical import encode
from node.protocol.names import encode_base64
from node.storage import blocks
from tests.joining.conftest import Side, until
from tests.protocol.builders import NOW, Author

PATH = f"{wire.PREFIX}/join"
PARIS = Author("paris")
PARIS_SAYS = {
    "name": "Paris Park", "roles": ["other"], "city": "Paris", "country": "FR", "website": "https://paris.example/",
    "languages": ["fr"],
}  # fmt: skip
PARIS.put("organisation", PARIS_SAYS, "self")
PARIS.commit()


class Newcomer:
    """A raw client that signs as Paris, and says what it is told to."""

    def __init__(self, lund: Side, link: Link, http: aiohttp.ClientSession) -> None:
        self.lund = lund
        self.link = link
        self.http = http
        self._nonces = 0

    def request(self, *, who: Author = PARIS, confirming: bool = True, **different: Any) -> dict[str, Any]:
        said = {
            "invitation": self.link.id,
            "key_card": who.signed_record("organisation", "self").as_value(),
            "confirmed": confirming,
            "proof": proof(self.link.key, "newcomer", by=who.id, to=self.lund.id, confirmed=confirming),
        }
        return said | different

    async def asks(self, *, who: Author = PARIS, confirming: bool = True) -> tuple[int, str]:
        """The status, and what is said with it or the other side's confirmation."""
        status, answer = await self.send(encode(self.request(who=who, confirming=confirming)), by=who)
        value = json.loads(answer)
        return status, value.get("detail", str(value.get("confirmed")))

    async def becomes_partner(self) -> None:
        assert await self.asks(confirming=False) == (200, "False")
        shown = await self.lund.does("join-show", who=PARIS.id)
        await self.lund.does("partner-confirm", node_id=PARIS.id, words=" ".join(shown["words"]))
        assert await self.asks() == (200, "True")
        assert await self.lund.partners() == [PARIS.id]

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
OTHER.put("organisation", PARIS_SAYS | {"name": "Oslo Park", "website": "https://oslo.example/"}, "self")
OTHER.commit()
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


def saying(**different: Any) -> Author:
    """Paris, which says something else of itself now."""
    other = PARIS.twin()
    other.put("organisation", PARIS_SAYS | different, "self")
    other.commit()
    return other


def elsewhere() -> Author:
    other = PARIS.twin()
    other.beat(NOW)
    return other


def with_a_new_key() -> Author:
    other = PARIS.twin()
    other.rotate(from_seq=10)
    other.commit()
    return other


CHANGES: dict[str, Callable[[], Author]] = {
    "name": lambda: saying(name="Tartu Science Park"),
    "website": lambda: saying(website="https://tartu.example/"),
    "URL": elsewhere,
    "key": with_a_new_key,
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_newcomer_that_was_confirmed_can_not_exchange_its(what: str, newcomer: Newcomer) -> None:
    lund, other = newcomer.lund, CHANGES[what]()
    await newcomer.asks(confirming=False)
    shown = await lund.does("join-show")
    await lund.does("partner-confirm", node_id=PARIS.id, words=" ".join(shown["words"]), shown=shown["shown"])
    before = await state(lund)
    for confirming in (False, True):
        status, said = await newcomer.asks(who=other, confirming=confirming)
        assert (status, "begin anew" in said) == (400, True)
    assert await state(lund) == before
    assert await newcomer.asks() == (200, "True")
    await until(lund.endorsed, "it is not endorsed")
    [endorsement] = (await lund.does("list", kind="endorsement"))["records"]
    assert endorsement["body"]["organisation"] == "Paris Park"


async def test_a_yes_is_to_what_was_shown_and_to_nothing_that_came_in_its_place(newcomer: Newcomer) -> None:
    lund = newcomer.lund
    await newcomer.asks(confirming=False)
    shown = await lund.does("join-show")
    yes = {"node_id": PARIS.id, "words": " ".join(shown["words"])}
    await lund.does("partner-refuse", who=PARIS.id)
    newcomer.link = Link.parse(await lund.invite())
    assert (await newcomer.asks(who=saying(name="Tartu Science Park")))[0] == 200
    with pytest.raises(InputError, match="has changed since it was shown: look again"):
        await lund.does("partner-confirm", **yes, shown=shown["shown"])
    assert await lund.partners() == []
    again = await lund.does("join-show")
    assert (again["organisation"], again["confirmed_here"]) == ("Tartu Science Park", False)
    assert (await lund.does("partner-confirm", **yes, shown=again["shown"]))["partner"]


async def test_what_a_newcomer_publishes_beside_asks_for_no_second_look(newcomer: Newcomer) -> None:
    lund, busy = newcomer.lund, PARIS.twin()
    await newcomer.asks(confirming=False)
    shown = await lund.does("join-show")
    busy.put("venue", {})
    busy.commit()
    assert await newcomer.asks(who=busy) == (200, "False")
    yes = {"node_id": PARIS.id, "words": " ".join(shown["words"]), "shown": shown["shown"]}
    assert (await lund.does("partner-confirm", **yes))["partner"]


async def test_a_name_that_nobody_could_read_is_refused_before_it_waits(newcomer: Newcomer) -> None:
    before = await state(newcomer.lund)
    status, said = await newcomer.asks(who=saying(name="\ue000\ue001"))
    assert (status, "name" in said) == (400, True)
    assert await state(newcomer.lund) == before


async def test_a_confirmation_is_of_one_invitation_and_counts_by_no_other(newcomer: Newcomer) -> None:
    lund = newcomer.lund
    await newcomer.asks(confirming=False)
    shown = await lund.does("join-show")
    await lund.does("partner-confirm", node_id=PARIS.id, words=" ".join(shown["words"]))
    newcomer.link = Link.parse(await lund.invite())
    assert await newcomer.asks() == (200, "False")
    assert await lund.partners() == []


async def test_an_invitation_that_a_partner_used_is_open_to_nobody(newcomer: Newcomer) -> None:
    await newcomer.becomes_partner()
    newcomer.link = Link.parse(await newcomer.lund.invite())
    assert await newcomer.asks() == (200, "True")
    states = [each["state"] for each in (await newcomer.lund.does("invitation-list"))["invitations"]]
    assert set(states) == {"used"}
    status, said = await newcomer.asks(who=OTHER)
    assert (status, "another node has used this invitation" in said) == (403, True)


async def test_who_was_removed_before_it_was_endorsed_needs_the_words_again(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lund = newcomer.lund

    async def dies(changes: object, **conditions: object) -> None:
        raise InputError("nothing can be published now")

    with monkeypatch.context() as now:
        now.setattr(lund.app.publisher, "publish", dies)
        await newcomer.becomes_partner()
        await lund.does("partner-remove", node=PARIS.id)
    assert await lund.waiting() == []
    newcomer.link = Link.parse(await lund.invite())
    assert await newcomer.asks() == (200, "False")
    assert await lund.partners() == []
    assert await lund.endorsed() == {}


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


async def test_what_is_no_request_is_read_beside_everything_else_and_counted_as_a_wrong_try(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()
    parse = JoinRequest.parse

    def watched(body: bytes) -> JoinRequest:
        threads.add(threading.current_thread())
        return parse(body)

    monkeypatch.setattr(JoinRequest, "parse", watched)
    nonsense = b"[" + b",".join([b"{}"] * (LONGEST // 3 - 1)) + b"]"
    statuses = [(await newcomer.send(nonsense))[0] for _ in range(reception.FAILURES + 1)]
    assert statuses == [400] * reception.FAILURES + [429]
    assert await newcomer.asks() == (200, "False")
    assert threads
    assert threading.main_thread() not in threads


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
    for method in ("HEAD", "GET"):
        async with newcomer.http.request(method, f"{newcomer.lund.url}/join") as response:
            assert response.status == 200
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Cache-Control"] == "no-store"
            assert "unsafe" not in response.headers["Content-Security-Policy"]
            page = await response.text()
    assert "Joining by an invitation" in page
    assert "<script" not in page
    assert "<form" not in page
    # Whoever followed such a link would lose the secret that stands behind the "#".
    assert 'href="#' not in page
    assert await state(newcomer.lund) == before
    assert (await newcomer.send(encode(newcomer.request())))[0] == 200


async def test_a_partner_that_is_blocked_is_not_told_so_by_an_invitation(newcomer: Newcomer) -> None:
    lund = newcomer.lund
    added = await lund.does("partner-add", key_card=newcomer.request()["key_card"])
    await lund.does("partner-confirm", node_id=PARIS.id, words=" ".join(added["words"]))
    assert (await newcomer.send(encode(newcomer.request())))[0] == 200
    await lund.app.database.write(lambda db: blocks.block(db, PARIS.id, "", 0))
    unknown = await newcomer.send(encode(newcomer.request(invitation="0123456789abcdef")))
    assert await newcomer.send(encode(newcomer.request())) == unknown
