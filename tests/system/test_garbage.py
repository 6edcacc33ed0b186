"""A serving node gets garbage, from strangers and from a signed caller, answers each with one sentence, and goes on."""

import contextlib
import functools
import gzip
import http.client
import json
import os
import random
import socket
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.federation.signatures import RequestSigner
from node.home import Home
from tests.nodes import Node, get, venue
from tests.system.conftest import Make

MIB = 1024 * 1024
FEED = "/federation/v1/feed"
PULL = "/federation/v1/pull"
PUSH = "/federation/v1/push"


@dataclass
class Served:
    node: Node
    signer: RequestSigner
    ids: list[str]


@pytest.fixture(scope="module")
def served(make_once: Make) -> Iterator[Served]:
    """A node, and the key of one of its partners, so that what a known caller sends is read at all."""
    node, partner = make_once("Ahti Park"), make_once("Bergen Park")
    node.befriend(partner)
    ids = node.publish("venue", [venue("v1")])["ids"]
    node.serve()
    home = Home(partner.home)
    yield Served(node, RequestSigner(home.load_signing_key(), home.load_card()), ids)


@pytest.fixture(autouse=True)
def goes_on(served: Served) -> Iterator[None]:
    yield
    assert served.node.healthy()
    assert [each["id"] for each in served.node.listed("venue")] == served.ids
    assert '"level": "error"' not in served.node.log()


def ask(served: Served, method: str, path: str, body: bytes = b"", headers: dict | None = None):
    """Status and body of the answer; what the server does not wait for is not sent."""
    connection = http.client.HTTPConnection("127.0.0.1", served.node.port, timeout=20)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers.get("Content-Type", ""), response.read()
    finally:
        connection.close()


def signed(served: Served, method: str, path: str, body: bytes, **headers: str) -> dict[str, str]:
    made = served.signer.headers(
        method, f"http://node{path}", served.node.id, body=body, now=time.time(), nonce=os.urandom(16)
    )
    return {**made, **{name.replace("_", "-"): value for name, value in headers.items()}}


def is_one_sentence(answer: tuple[int, str, bytes], status: int) -> str:
    assert answer[0] == status, answer
    assert answer[1].startswith("application/problem+json"), answer
    problem = json.loads(answer[2])
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert "\n" not in problem["detail"]
    return problem["detail"]


STRANGERS = {
    "an unknown route": ("GET", "/nothing/here", b"", 404),
    "an unknown route below the federation's": ("GET", "/federation/v1/nothing", b"", 404),
    "another version of the federation": ("GET", "/federation/v9/feed", b"", 404),
    "a route out of the folder": ("GET", "/api/v1/../../keys/signing.key", b"", 404),
    "a wrong method": ("DELETE", FEED, b"", 405),
    "an unsigned feed": ("GET", FEED, b"", 400),
    "an unsigned pull": ("POST", PULL, b"[]", 400),
    "an unsigned push": ("POST", PUSH, b"", 400),
    "an unsigned look at a tree": ("GET", "/federation/v1/authors/bra1x/tree", b"", 400),
    "an unsigned question for a record": ("GET", "/federation/v1/authors/bra1x/records/venue/x", b"", 400),
    "an unsigned push of 10 MB": ("POST", PUSH, bytes(10 * MIB), 400),
    "an unsigned pull of 10 MB": ("POST", PULL, bytes(10 * MIB), 400),
    "10 MB for a page": ("POST", "/api/v1/venue", bytes(10 * MIB), 401),
    "a nonce that is none": ("GET", "/.well-known/bra-node?nonce=%00%ff", b"", 400),
    "a kind that is none": ("GET", "/api/v1/nothing", b"", 404),
    "a search for nothing": ("GET", "/api/v1/search?q=", b"", 400),
    "a search for signs": ("GET", "/api/v1/search?q=%22%29%28*%3A", b"", 400),
    "an unknown parameter": ("GET", "/api/v1/venue?ciity=Tartu", b"", 400),
    "a parameter twice": ("GET", "/api/v1/search?q=a&q=b", b"", 400),
    "a page that is none": ("GET", "/api/v1/venue?after=-1", b"", 400),
    "a page beyond every number": ("GET", "/api/v1/venue?after=999999999999999999999", b"", 400),
    "a page of nothing": ("GET", "/api/v1/venue?limit=0", b"", 400),
    "a record of nobody": ("GET", "/api/v1/venue/nobody/x", b"", 400),
    "a record of a stranger": ("GET", f"/api/v1/venue/bra1{'a' * 32}/x", b"", 404),
    "a record with a broken id": ("GET", f"/api/v1/venue/bra1{'a' * 32}/%00", b"", 400),
    "a path that is not UTF-8": ("GET", "/api/v1/%ff%fe", b"", 404),
}


@pytest.mark.parametrize("what", STRANGERS)
def test_a_stranger_gets_one_sentence_for(what, served) -> None:
    method, path, body, status = STRANGERS[what]
    is_one_sentence(ask(served, method, path, body), status)


BAD_SIGNATURES = {
    "for another node": (lambda made: made | {"BRA-Recipient": "bra1" + "a" * 32}, 401),
    "over another body": (lambda made: made | {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}, 401),
    "of another's": (lambda made: made | {"Signature": "bra=:" + "A" * 86 + "==:"}, 401),
    "that is none": (lambda made: made | {"Signature": "nothing"}, 401),
    "with a card that is none": (lambda made: made | {"BRA-Card": "nothing"}, 400),
    "by a stranger": (lambda made: made | {"Signature-Input": 'bra=();keyid="bra1' + "a" * 32 + '"'}, 403),
    "with broken parameters": (
        lambda made: made | {"Signature-Input": made["Signature-Input"].replace("alg=", "alg==")},
        401,
    ),
}


@pytest.mark.parametrize("what", BAD_SIGNATURES)
def test_one_sentence_for_a_signature(what, served) -> None:
    change, status = BAD_SIGNATURES[what]
    body = b'[{"author":"x"}]'
    is_one_sentence(ask(served, "POST", PULL, body, change(signed(served, "POST", PULL, body))), status)


@functools.cache
def bomb() -> bytes:
    """512 MiB of lines in half a MB."""
    stream = zlib.compressobj(6, zlib.DEFLATED, 31)
    return b"".join([*(stream.compress(b"x" * 1000 + b"\n") for _ in range(512 * MIB // 1001)), stream.flush()])


FROM_A_PARTNER = {
    "a pull that is not JSON": (PULL, b"{nothing", {}, 400),
    "a pull that is not canonical": (PULL, b"[ ]", {}, 400),
    "a pull of nothing": (PULL, b"[]", {}, 400),
    "a pull of too much": (PULL, json.dumps([{}] * 65).encode(), {}, 400),
    "a pull of what is no author": (PULL, b'[{"author":"x"}]', {}, 400),
    "a pull nested without end": (PULL, b"[" * 100_000, {}, 400),
    "a pull of 10 MB": (PULL, b"[" + b" " * (10 * MIB) + b"]", {}, 413),
    "a compressed pull": (PULL, gzip.compress(b"[]"), {"Content_Encoding": "gzip"}, 400),
    "a push of random bytes": (PUSH, random.Random(1).randbytes(5000), {}, 400),
    "a push that only says it is compressed": (PUSH, b"nothing", {"Content_Encoding": "gzip"}, 400),
    "a push that breaks off": (PUSH, gzip.compress(b"x" * 5000)[:-9], {"Content_Encoding": "gzip"}, 400),
    "a push of one endless line": (PUSH, b"x" * (10 * MIB), {}, 400),
    "a push of empty lines without an end": (PUSH, b"\n" * MIB, {}, 400),
    "a push of a block of nobody": (PUSH, b'{"next":{"author":"x"}}\n', {}, 400),
    "a push of 40 MB": (PUSH, bytes(40 * MIB), {}, 413),
}


@pytest.mark.parametrize("what", FROM_A_PARTNER)
def test_a_partner_gets_one_sentence_for(what, served) -> None:
    path, body, headers, status = FROM_A_PARTNER[what]
    is_one_sentence(ask(served, "POST", path, body, signed(served, "POST", path, body, **headers)), status)


def peak(served: Served) -> int:
    """The most memory that the node ever had, in kB."""
    status = Path(f"/proc/{served.node.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.parametrize("path", [PUSH, PULL])
def test_a_compressed_bomb_is_refused_before_it_fills_the_memory(path, served) -> None:
    body = bomb()
    assert len(body) < 2 * MIB
    answer = ask(served, "POST", path, body, signed(served, "POST", path, body, Content_Encoding="gzip"))
    is_one_sentence(answer, 400)
    assert peak(served) < 500_000, "kB were used at the most"


def test_a_malformed_block_in_a_push_is_told_and_stops_no_other(served) -> None:
    stranger = b'{"next":{"author":"bra1%b"}}\n' % (b"a" * 32)
    body = b'{"put":1}\n' + stranger + stranger
    status, _, data = ask(served, "POST", PUSH, body, signed(served, "POST", PUSH, body))
    assert status == 200
    verdicts = [json.loads(line)["verdict"] for line in data.splitlines()]
    assert [verdict["outcome"] for verdict in verdicts] == ["refused", "refused"]
    assert [verdict["reason"].split(":")[0] for verdict in verdicts] == ["malformed", "not accepted"]


def test_a_request_that_is_sent_twice_is_answered_once(served) -> None:
    headers = signed(served, "GET", FEED, b"")
    made = served.signer.headers(
        "GET", f"http://node{FEED}", served.node.id, body=None, now=time.time(), nonce=os.urandom(16)
    )
    assert headers.keys() >= made.keys()
    assert ask(served, "GET", FEED, headers=made)[0] == 200
    assert "used" in is_one_sentence(ask(served, "GET", FEED, headers=made), 401)


NOT_HTTP = {
    "a method nobody knows": b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "random bytes": random.Random(2).randbytes(100_000),
    "random lines": b"\r\n".join(random.Random(3).randbytes(20) for _ in range(500)) + b"\r\n\r\n",
    "a greeting of TLS": bytes.fromhex("16030100c8010000c40303") + bytes(300),
    "an endless first line": b"GET /" + b"a" * 1_000_000,
    "an endless header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "endless headers": b"GET /healthz HTTP/1.1\r\n" + b"X-Many: a\r\n" * 100_000 + b"\r\n",
    "two lengths": b"POST /healthz HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length below nothing": b"POST /healthz HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    "a broken chunk": b"POST /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("what", NOT_HTTP)
def test_what_is_not_http_is_answered_4xx_or_not_at_all(what, served) -> None:
    with socket.create_connection(("127.0.0.1", served.node.port), timeout=20) as connection:
        answer = b""
        # The node may have hung up before everything was sent.
        with contextlib.suppress(OSError):
            connection.sendall(NOT_HTTP[what])
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65536):
                answer += data
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer[:200]
    assert b"Traceback" not in answer


def test_requests_that_never_end_hold_up_nobody(served) -> None:
    slow = []
    try:
        for begun in (b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nX-Slow:", b"POST " + PUSH.encode()) * 25:
            connection = socket.create_connection(("127.0.0.1", served.node.port), timeout=20)
            connection.sendall(begun)
            slow.append(connection)
        started = time.monotonic()
        assert len(get(f"{served.node.url}/api/v1/venue")["records"]) == 1
        assert time.monotonic() - started < 2
    finally:
        for connection in slow:
            connection.close()


def test_many_empty_lines_within_the_cap_do_not_fill_the_memory(served) -> None:
    body = gzip.compress(b"\n" * (30 * MIB), 6)
    before = peak(served)
    is_one_sentence(ask(served, "POST", PUSH, body, signed(served, "POST", PUSH, body, Content_Encoding="gzip")), 400)
    assert peak(served) < before + 200_000


def test_garbage_leaves_no_traceback_in_the_log(served) -> None:
    with socket.create_connection(("127.0.0.1", served.node.port), timeout=20) as connection:
        connection.sendall(NOT_HTTP["two lengths"])
        assert b" 400 Bad Request" in connection.recv(1000).splitlines()[0]
    assert "Traceback" not in served.node.log()
