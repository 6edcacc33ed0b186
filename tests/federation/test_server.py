"""The server's calls over real HTTP on the loopback, asked by a raw client: what is answered, and what is refused."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from node.directory.draft import Change
from node.federation import wire
from node.federation.server import Arrivals, Identity, Server
from node.federation.signatures import CARD, RequestSigner
from node.problem import plain_errors
from node.protocol.blocks import Want
from node.protocol.canonical import decode, encode
from node.protocol.names import encode_base64
from node.protocol.record import tree_key
from node.protocol.signed_record import SignedRecord
from node.protocol.statements import Card, Hello
from node.protocol.tree import Proof
from node.storage import authors, blocks, meta
from node.trust.reach import Standing
from tests.directory.small_node import (
    Clock,
    SmallNode,
    adoption,
    adoption_body,
    contact_body,
    organisation,
    signatory,
    statements,
    tags,
)
from tests.federation.test_wire import BOMB
from tests.protocol.builders import Author, next_line

LUND = signatory("lund")
PREFIX = wire.PREFIX
OWN_URL = "https://node.tartu.example"


class Watched(Arrivals):
    """Counts who asks for the next news."""

    asked = 0

    def next(self) -> asyncio.Event:
        self.asked += 1
        return super().next()


class Served:
    """A node that serves, and a raw client that signs as whoever it is told to be."""

    def __init__(
        self, node: SmallNode, instance: str, base: str, http: aiohttp.ClientSession, arrivals: Watched
    ) -> None:
        self.arrivals = arrivals
        self.node = node
        self.instance = instance
        self.base = base
        self.http = http
        self._nonces = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path, **limits: Any) -> AsyncIterator["Served"]:
        # Signatures are compared with the machine's clock: these tests live now.
        node = SmallNode(folder, clock=Clock(time.time()))
        await node.publish(
            organisation("Tartu Park"),
            adoption("for all", id="open"),
            Change("contact", contact_body("secret manager"), id="c", visibility="members"),
            adoption("for nobody", id="own", visibility="local"),
        )
        node.befriend(LUND)
        arrivals = Watched()
        node.database.on_commit(arrivals.committed)
        node.acceptance.on_change(arrivals.tell)
        instance = node.database.write_now(lambda db: meta.instance(db, node.world.random))
        bounds = {"requests_per_peer": 3, "requests": 8, "request_seconds": 20.0} | limits
        server = Server(
            Identity(node.card, node.key, instance, OWN_URL, "security@park.example"),
            node.database,
            node.trees,
            node.acceptance,
            node.receiver,
            arrivals,
            limits=node.limits,
            world=node.world,
            **bounds,
        )
        app = web.Application(middlewares=[plain_errors])
        app.add_routes(server.routes())
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, auto_decompress=False, shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with aiohttp.ClientSession() as http:
                yield cls(node, instance, f"http://127.0.0.1:{runner.addresses[0][1]}", http, arrivals)
        finally:
            await runner.cleanup()
            node.close()

    def signed(self, method: str, path: str, *, by: Author = LUND, body: bytes | None = None, **others: Any) -> Any:
        """The headers of a request; `card` is another one to bring along."""
        self._nonces += 1
        nonce = self._nonces.to_bytes(16)
        recipient = others.get("recipient", self.node.id)
        now = others.get("at", self.node.clock.time)
        signer = RequestSigner(by.signing_key, others.get("card", by.card))
        return signer.headers(method, f"http://node{path}", recipient, body=body, now=now, nonce=nonce)

    async def ask(
        self, method: str, path: str, *, body: bytes | None = None, headers: Any = None, **others: Any
    ) -> tuple[int, bytes]:
        """Status and body of the answer; signed by the partner unless `headers` are given."""
        found = self.signed(method, path, body=body, **others) if headers is None else headers
        url = URL(f"{self.base}{path}", encoded=True)
        data = io.BytesIO(body) if body and len(body) > wire.MIB else body
        async with self.http.request(method, url, data=data, headers=found) as response:
            return response.status, await response.read()

    async def lines(self, method: str, path: str, **others: Any) -> list[bytes]:
        status, body = await self.ask(method, path, **others)
        assert status == 200, body
        return body.splitlines()

    async def waiting(self, path: str) -> asyncio.Task[list[bytes]]:
        """A question for news that was let in: one that is read after the clock has moved is refused as an old one."""
        before = self.arrivals.asked
        task = asyncio.create_task(self.lines("GET", path))
        async with asyncio.timeout(20):
            while self.arrivals.asked == before:
                await asyncio.sleep(0.01)
        return task

    async def pull(self, *wants: Want, **others: Any) -> list[bytes]:
        body = encode([want.as_value() for want in wants])
        return await self.lines("POST", f"{PREFIX}/pull", body=body, **others)

    @property
    def head(self) -> bytes:
        return self.node.mine().head_hash or b""


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with Served.opened(tmp_path) as served:
        yield served


def cursor(lines: list[bytes]) -> str:
    tag, value = statements(lines[-1:])[0]
    assert tag == "next"
    return str(value["since"])


# What a partner is answered


async def test_whoever_asks_learns_who_this_is_and_that_it_holds_its_key(served: Served) -> None:
    nonce = encode_base64(b"n" * 32)
    status, body = await served.ask("GET", f"{wire.WELL_KNOWN}?nonce={nonce}&url={OWN_URL}", headers={})
    value = decode(body)
    card = Card.parse(value["card"])
    hello = Hello.parse(value["hello"])
    hello.verify(card)
    assert (status, card.author, hello.nonce) == (200, served.node.id, nonce)
    assert value["protocols"] == [1]
    assert value["limits"] == {"records": 10_000, "bytes": 50_000_000}
    assert value["security"] == "security@park.example"
    assert "beat" in value


async def test_a_greeting_for_another_address_is_not_signed(served: Served) -> None:
    nonce = encode_base64(b"n" * 32)
    status, body = await served.ask("GET", f"{wire.WELL_KNOWN}?nonce={nonce}&url=https://bought.example", headers={})
    assert status == 421
    assert OWN_URL.encode() in body


async def test_without_a_nonce_nothing_is_signed(served: Served) -> None:
    status, body = await served.ask("GET", wire.WELL_KNOWN, headers={})
    assert status == 200
    assert "hello" not in decode(body)


async def test_the_feed_tells_what_is_new_since_its_cursor(served: Served) -> None:
    first = await served.lines("GET", f"{PREFIX}/feed")
    assert tags(first) == ["card", "head", "beat", "next"]
    again = await served.lines("GET", f"{PREFIX}/feed?since={cursor(first)}&wait=0")
    assert tags(again) == ["next"]
    assert cursor(again) == cursor(first)
    await served.node.publish(adoption("more"))
    later = await served.lines("GET", f"{PREFIX}/feed?since={cursor(first)}")
    assert tags(later) == ["card", "head", "beat", "put", "next"], "a small change comes along"


async def test_a_waiting_feed_answers_as_soon_as_something_is_published(served: Served) -> None:
    since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
    waiting = await served.waiting(f"{PREFIX}/feed?since={since}&wait=20")
    # Another request is answered meanwhile, and something that is no news happens, for which nobody looks again.
    asked = served.arrivals.asked
    served.node.database.write_now(lambda db: db.execute("INSERT INTO meta VALUES ('a', 'b')"))
    await served.lines("GET", f"{PREFIX}/feed?since={since}&wait=0")
    assert served.arrivals.asked == asked + 1
    assert not waiting.done()
    await served.node.publish(adoption("news"))
    began = asyncio.get_running_loop().time()
    assert tags(await waiting) == ["card", "head", "beat", "put", "next"]
    assert asyncio.get_running_loop().time() - began < 5


async def test_a_beat_alone_waits_for_company_and_comes_when_the_wait_is_over(served: Served) -> None:
    since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
    waiting = await served.waiting(f"{PREFIX}/feed?since={since}&wait=4")
    served.node.clock.pass_by(2)
    await served.node.publisher.beat()
    await served.lines("GET", f"{PREFIX}/feed?since={since}&wait=0", at=served.node.clock.time)
    assert not waiting.done()
    assert tags(await waiting) == ["card", "head", "beat", "next"]


async def test_a_waiting_feed_ends_without_news_for_a_caller_that_is_shut_out_meanwhile(served: Served) -> None:
    since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
    waiting = asyncio.create_task(served.ask("GET", f"{PREFIX}/feed?since={since}&wait=20"))
    await served.lines("GET", f"{PREFIX}/feed?since={since}&wait=0")
    served.node.database.write_now(lambda db: blocks.block(db, LUND.id, "", served.node.clock.time))
    served.node.reconsider()
    async with asyncio.timeout(5):
        status, answer = await waiting
    assert (status, "is not known here" in json.loads(answer)["detail"]) == (403, True)


async def test_a_feed_without_news_ends_when_its_time_is_up(served: Served) -> None:
    since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
    assert tags(await served.lines("GET", f"{PREFIX}/feed?since={since}&wait=1")) == ["next"]


async def test_an_answer_that_grows_too_large_ends_with_a_whole_block(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_BYTES", 1)
    lines = await served.pull(Want(served.node.id), Want(served.node.id))
    assert tags(lines).count("next") == 1
    assert tags(lines)[-1] == "next"


async def test_a_pull_answers_each_wish_in_order(served: Served) -> None:
    lines = await served.pull(Want(LUND.id), Want(served.node.id), Want(served.node.id, 1, 3, served.head))
    assert tags(lines) == [
        "next",
        *("card", "head", "beat", "put", "put", "put", "next"),
        *("head", "beat", "next"),
    ]
    assert b"for nobody" not in b"".join(lines)


async def test_who_is_merely_listed_gets_leaves_for_what_is_not_public(served: Served) -> None:
    paris = Author("paris")
    served.node.accept(paris, Standing.LISTED)
    lines = await served.pull(Want(served.node.id), by=paris)
    assert [tag for tag in tags(lines) if tag in ("put", "leaf")] == ["put", "put", "leaf"]
    assert b"secret" not in b"".join(lines)
    body = encode([Want(served.node.id, 1, 0, served.head, prefixes=("",)).as_value()])
    again = await served.lines("POST", f"{PREFIX}/pull", body=body, by=paris)
    assert b"secret" not in b"".join(again)


async def test_the_tree_shows_subtrees_of_the_newest_head(served: Served) -> None:
    path = f"{PREFIX}/authors/{served.node.id}/tree?head={served.head.hex()}&prefix=&depth=8"
    status, body = await served.ask("GET", path)
    found = decode(body)["subtrees"]
    assert status == 200
    assert sum(each["leaves"] for each in found) == 3
    assert {len(each["prefix"]) for each in found} == {8}


async def test_a_record_comes_with_its_proof(served: Served) -> None:
    status, body = await served.ask("GET", f"{PREFIX}/authors/{served.node.id}/records/adoption/open")
    found = SignedRecord.parse(decode(body))
    assert (status, found.record.body) == (200, adoption_body("for all"))


@pytest.mark.parametrize("id_", ["gone", "own"])
async def test_what_is_not_shared_is_proven_absent(served: Served, id_: str) -> None:
    status, body = await served.ask("GET", f"{PREFIX}/authors/{served.node.id}/records/adoption/{id_}")
    head = served.node.mine().head
    assert head is not None
    assert status == 404
    Proof.parse(json.loads(body)["proof"]).verify_absence(head.root, tree_key("adoption", id_))


async def test_a_push_of_a_partner_is_judged_block_by_block(served: Served) -> None:
    stranger = signatory("stranger")
    lines = LUND.block_lines() + stranger.block_lines()
    data = wire.gzipped(b"".join(line + b"\n" for line in lines))
    headers = served.signed("POST", f"{PREFIX}/push", body=data) | {"Content-Encoding": "gzip"}
    status, body = await served.ask("POST", f"{PREFIX}/push", body=data, headers=headers)
    verdicts = [json.loads(line)["verdict"] for line in body.splitlines()]
    assert status == 200
    assert [(each["author"], each["outcome"]) for each in verdicts] == [(LUND.id, "accepted"), (stranger.id, "refused")]
    held = served.node.author(LUND.id)
    assert held is not None
    assert held.head_hash == LUND.head.hash


async def test_an_uncompressed_push_will_do(served: Served) -> None:
    data = b"".join(line + b"\n" for line in LUND.block_lines())
    status, _ = await served.ask("POST", f"{PREFIX}/push", body=data)
    assert status == 200


# What is refused


def tree(served: Served, query: str) -> str:
    return f"{PREFIX}/authors/{served.node.id}/tree?{query}"


def wishes(count: int) -> bytes:
    return encode([Want(LUND.id).as_value()] * count)


REFUSED: list[Any] = [
    # name, method, path, body, status, sentence
    ("a cursor of another database", "GET", lambda s: f"{PREFIX}/feed?since=0123456789:3", None, 410, "start over"),
    ("a cursor without a place", "GET", lambda s: f"{PREFIX}/feed?since=", None, 200, ""),
    ("a cursor that was damaged", "GET", lambda s: f"{PREFIX}/feed?since={s.instance}:2%3F", None, 410, "start over"),
    ("a cursor of a later time", "GET", lambda s: f"{PREFIX}/feed?since={s.instance}:999999", None, 410, "start over"),
    ("a cursor that is none", "GET", lambda s: f"{PREFIX}/feed?since=x", None, 410, "start over"),
    ("a wait that is none", "GET", lambda s: f"{PREFIX}/feed?wait=-1", None, 400, "whole number"),
    ("a wait beyond all numbers", "GET", lambda s: f"{PREFIX}/feed?wait={'9' * 30}", None, 400, "whole number"),
    ("a wait in other digits", "GET", lambda s: f"{PREFIX}/feed?wait=%D9%A3", None, 400, "whole number"),
    ("a pull without a body", "POST", lambda s: f"{PREFIX}/pull", b"", 400, "not JSON"),
    ("a pull that is no array", "POST", lambda s: f"{PREFIX}/pull", b"{}", 400, "an array of 1 to 64"),
    ("a pull of nothing", "POST", lambda s: f"{PREFIX}/pull", b"[]", 400, "an array of 1 to 64"),
    ("a pull of too much", "POST", lambda s: f"{PREFIX}/pull", wishes(65), 400, "an array of 1 to 64"),
    ("a pull that is not canonical", "POST", lambda s: f"{PREFIX}/pull", b'[ {"author":"x"}]', 400, "not canonical"),
    ("a wish for nobody", "POST", lambda s: f"{PREFIX}/pull", b'[{"author":"x"}]', 400, "a node id is"),
    ("a wish with a riddle", "POST", lambda s: f"{PREFIX}/pull", b'[{"riddle":1}]', 400, "a wish has the members"),
    ("nested too deep", "POST", lambda s: f"{PREFIX}/pull", b"[" * 5000 + b"]" * 5000, 400, ""),
    ("a body where none belongs", "GET", lambda s: f"{PREFIX}/feed", b"x", 413, "more than 0 bytes"),
    ("a pull's body without an end", "POST", lambda s: f"{PREFIX}/pull", b" " * (2 * wire.MIB + 1), 413, "send less"),
    ("a tree of no head", "GET", lambda s: tree(s, "depth=8"), None, 400, "a hash is"),
    ("a tree of another head", "GET", lambda s: tree(s, f"head={'0' * 64}"), None, 409, "read the feed again"),
    ("a tree too deep", "GET", lambda s: tree(s, f"head={s.head.hex()}&depth=9"), None, 400, "depth is from 1 to 8"),
    ("a tree of no depth", "GET", lambda s: tree(s, f"head={s.head.hex()}&depth=0"), None, 400, "depth is from 1 to 8"),
    ("a prefix that is none", "GET", lambda s: tree(s, f"head={s.head.hex()}&prefix=2"), None, 400, "a prefix is"),
    ("a prefix to the end", "GET", lambda s: tree(s, f"head={s.head.hex()}&prefix={'0' * 256}"), None, 400, "the end"),
    ("a tree of nobody", "GET", lambda s: f"{PREFIX}/authors/x/tree?head={'0' * 64}", None, 400, "a node id is"),
    ("a kind that is none", "GET", lambda s: f"{PREFIX}/authors/{LUND.id}/records/A/b", None, 400, "a kind is"),
    ("an id that is none", "GET", lambda s: f"{PREFIX}/authors/{LUND.id}/records/a/B", None, 400, "a record id is"),
    ("a call there is not", "GET", lambda s: f"{PREFIX}/secrets", None, 404, "not found"),
    ("another method", "DELETE", lambda s: f"{PREFIX}/feed", None, 405, "not allowed"),
    ("a push that breaks off", "POST", lambda s: f"{PREFIX}/push", b'{"card":', 400, "breaks off"),
    ("a push without its end", "POST", lambda s: f"{PREFIX}/push", b"{}\n", 400, "breaks off"),
    ("a push of nobody", "POST", lambda s: f"{PREFIX}/push", b'{"next":{"author":"x"}}\n', 400, "a node id is"),
    (
        "a push of too many blocks",
        "POST",
        lambda s: f"{PREFIX}/push",
        (next_line(LUND.id) + b"\n") * (wire.WANTS_AT_ONCE + 1),
        400,
        "up to 64 blocks",
    ),
    ("a push's line without an end", "POST", lambda s: f"{PREFIX}/push", b"x" * 100_000, 400, "a line has at most"),
    ("a nonce that is none", "GET", lambda s: f"{wire.WELL_KNOWN}?nonce=x", None, 400, "32 bytes"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED]
)
async def test_what_can_not_be_answered_gets_a_status_and_a_sentence(
    served: Served, method: str, path: Callable[[Served], str], body: bytes | None, status: int, sentence: str
) -> None:
    found, answer = await served.ask(method, path(served), body=body)
    assert found == status, answer
    if status != 200:
        problem = json.loads(answer)
        assert problem["status"] == status
        assert sentence in problem["detail"]


async def test_a_bomb_is_refused_and_the_server_goes_on(served: Served) -> None:
    headers = served.signed("POST", f"{PREFIX}/push", body=BOMB) | {"Content-Encoding": "gzip"}
    status, answer = await served.ask("POST", f"{PREFIX}/push", body=BOMB, headers=headers)
    assert (status, "a line has at most" in json.loads(answer)["detail"] or b"more than" in answer) == (400, True)
    assert tags(await served.lines("GET", f"{PREFIX}/feed"))[-1] == "next"


async def test_a_request_counts_once(served: Served) -> None:
    headers = served.signed("GET", f"{PREFIX}/feed")
    assert (await served.ask("GET", f"{PREFIX}/feed", headers=headers))[0] == 200
    status, answer = await served.ask("GET", f"{PREFIX}/feed", headers=headers)
    assert (status, json.loads(answer)["title"]) == (401, "Signature refused")
    assert "sent before" in json.loads(answer)["detail"]


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        pytest.param({"recipient": LUND.id}, 401, "is meant for", id="for another node"),
        pytest.param({"by": Author("mallory")}, 403, "is not known here", id="from nobody known"),
        pytest.param({"at": 1_000_000_000}, 401, "one of the two clocks is wrong", id="from long ago"),
    ],
)
async def test_a_caller_is_refused(served: Served, change: dict[str, Any], status: int, sentence: str) -> None:
    found, answer = await served.ask("GET", f"{PREFIX}/feed", **change)
    assert (found, sentence in json.loads(answer)["detail"]) == (status, True)


async def test_an_unsigned_request_is_refused(served: Served) -> None:
    status, answer = await served.ask("GET", f"{PREFIX}/feed", headers={})
    assert (status, json.loads(answer)["detail"][:29]) == (400, "the request is not signed: no")


@pytest.mark.parametrize("created", ["9999999999", "99999999999", "999999999999"])
async def test_a_date_beyond_all_calendars_is_a_refusal_and_no_accident(served: Served, created: str) -> None:
    headers = served.signed("GET", f"{PREFIX}/feed")
    before = headers["Signature-Input"].partition(";created=")
    headers["Signature-Input"] = f"{before[0]};created={created};{before[2].partition(';')[2]}"
    assert (await served.ask("GET", f"{PREFIX}/feed", headers=headers))[0] == 401


async def test_who_is_merely_reached_may_not_ask(served: Served) -> None:
    paris = Author("paris")
    served.node.accept(paris, Standing.REACHED)
    assert (await served.ask("GET", f"{PREFIX}/feed", by=paris))[0] == 403
    served.node.accept(paris, Standing.LISTED)
    assert (await served.ask("GET", f"{PREFIX}/feed", by=paris))[0] == 200


async def test_who_is_merely_listed_may_not_push(served: Served) -> None:
    paris = Author("paris")
    served.node.accept(paris, Standing.LISTED)
    status, answer = await served.ask("POST", f"{PREFIX}/push", body=b"", by=paris)
    assert (status, "let this node pull" in json.loads(answer)["detail"]) == (403, True)


async def test_a_caller_can_not_sign_as_another(served: Served) -> None:
    mallory = Author("mallory")
    liar = Author("lund")
    liar.signing_key = mallory.signing_key
    assert (await served.ask("GET", f"{PREFIX}/feed", by=liar))[0] == 401
    assert (await served.ask("GET", f"{PREFIX}/feed", by=liar, card=mallory.card))[0] == 403


async def test_each_caller_has_a_bounded_number_of_requests_under_way(served: Served) -> None:
    since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
    path = f"{PREFIX}/feed?since={since}&wait=20"
    waiting = [asyncio.create_task(served.ask("GET", path)) for _ in range(4)]
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    status, answer = done.pop().result()
    assert (status, "too many requests" in json.loads(answer)["detail"]) == (429, True)
    paris = Author("paris")
    served.node.accept(paris, Standing.LISTED)
    assert (await served.ask("GET", f"{PREFIX}/feed", by=paris))[0] == 200
    await served.node.publish(adoption("news"))
    assert {status for status, _ in await asyncio.gather(*others)} == {200}
    assert (await served.ask("GET", f"{PREFIX}/feed"))[0] == 200


async def test_a_caller_that_hangs_up_gives_its_place_back(served: Served) -> None:
    since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await served.ask("GET", f"{PREFIX}/feed?since={since}&wait=20")
    async with asyncio.timeout(5):
        while (await served.ask("GET", f"{PREFIX}/feed"))[0] == 429:
            await asyncio.sleep(0.01)


async def test_a_wait_longer_than_a_request_may_take_is_cut_short_and_answered(tmp_path: Path) -> None:
    async with Served.opened(tmp_path, request_seconds=2.5) as served:
        since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
        status, answer = await served.ask("GET", f"{PREFIX}/feed?since={since}&wait=25")
        assert (status, tags(answer.splitlines())) == (200, ["next"])


# Cards


async def test_a_rotated_card_introduces_itself_and_the_old_key_is_over(served: Served) -> None:
    lund = signatory("lund")
    old_key, old_card = lund.signing_key, lund.card
    lund.rotate()
    assert (await served.ask("GET", f"{PREFIX}/feed", by=lund))[0] == 200
    held = served.node.author(lund.id)
    assert held is not None
    assert (held.epoch, held.card_line) == (2, lund.card.signed.line)
    lund.signing_key = old_key
    assert (await served.ask("GET", f"{PREFIX}/feed", by=lund, card=old_card))[0] == 401
    held = served.node.author(lund.id)
    assert held is not None
    assert held.epoch == 2


async def test_a_newer_card_counts_only_with_a_signature_under_it(served: Served) -> None:
    lund = signatory("lund")
    old_key = lund.signing_key
    card = lund.rotate()
    lund.signing_key = old_key
    assert (await served.ask("GET", f"{PREFIX}/feed", by=lund, card=card))[0] == 401
    held = served.node.author(lund.id)
    assert held is not None
    assert held.epoch == 1


async def test_a_card_of_another_network_is_not_looked_at(served: Served) -> None:
    rehearsal = Author("lund", network="rehearsal")
    rehearsal.rotate()
    assert (await served.ask("GET", f"{PREFIX}/feed", by=rehearsal))[0] == 401
    held = served.node.author(LUND.id)
    assert held is not None
    assert held.epoch == 1


@pytest.mark.parametrize("value", ["%%%", "AAAA", encode_base64(b"{}"), encode_base64(LUND.head.signed.line)])
async def test_what_is_no_card_is_malformed(served: Served, value: str) -> None:
    headers = served.signed("GET", f"{PREFIX}/feed") | {CARD: value}
    assert (await served.ask("GET", f"{PREFIX}/feed", headers=headers))[0] == 400


async def test_a_request_without_a_card_will_do_where_it_is_known(served: Served) -> None:
    headers = {name: value for name, value in served.signed("GET", f"{PREFIX}/feed").items() if name != CARD}
    assert (await served.ask("GET", f"{PREFIX}/feed", headers=headers))[0] == 200


async def test_an_idle_feed_writes_nothing(served: Served) -> None:
    def version() -> int:
        """Changes with every commit of another connection."""
        return int(served.node.database.read_now(lambda db: db.execute("PRAGMA data_version").fetchone()[0]))

    since = cursor(await served.lines("GET", f"{PREFIX}/feed"))
    before = version()
    for _ in range(3):
        await served.lines("GET", f"{PREFIX}/feed?since={since}")
    assert version() == before
    served.node.database.write_now(lambda db: authors.arrive(db, 1))
    assert version() != before
