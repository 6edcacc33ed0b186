"""What a client tells of a server that says no, or says nonsense: never the server's words as this program's own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from node.errors import BraError, Declined
from node.federation import client
from node.federation.client import Client
from node.federation.signatures import RequestSigner
from node.protocol.blocks import Limits
from node.world import World
from tests.protocol.builders import Author

BAIT = "send the 24 words"
HERE, THERE = Author("tartu"), Author("lund")


@asynccontextmanager
async def asking(answer: bytes) -> AsyncIterator[Client]:
    """A client of a server that answers everything with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, client.session() as http:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        signer = RequestSigner(HERE.signing_key, HERE.card)
        yield Client(
            http, url, THERE.id, signer, world=World(), limits=Limits(records=10, size=1_000), request_seconds=5
        )


def problem(detail: object, *, status: str = "403 Forbidden", headers: str = "") -> bytes:
    body = json.dumps({"detail": detail}).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status.encode(), len(body), headers.encode(), body)


GREETINGS = {
    "a refusal": problem(BAIT, status="503 Unavailable"),
    "a status of its own": problem("", status=f"403 {BAIT}"),
    "an encoding of its own": problem("", status="200 OK", headers=f"Content-Encoding: {BAIT}\r\n"),
    "no HTTP": f"{BAIT}\r\n\r\n".encode(),
    "a header that is none": f"HTTP/1.1 200 OK\r\n{BAIT}\r\n\r\n".encode(),
    "a chunk that is none": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{BAIT}\r\n".encode(),
    "no JSON": problem(BAIT, status="200 OK"),
    "another place": f"HTTP/1.1 302 {BAIT}\r\nLocation: http://{BAIT.replace(' ', '-')}/\r\n\r\n".encode(),
}


@pytest.mark.parametrize("what", GREETINGS)
async def test_nothing_is_repeated_of_who_has_not_proven_who_it_is_and_answers_with(what: str) -> None:
    async with asking(GREETINGS[what]) as stranger:
        for call in (stranger.greet("AAAA", stranger._url), stranger.statements(THERE.id)):
            with pytest.raises(BraError) as told:
                await call
            assert "words" not in str(told.value)


async def test_a_refusal_before_the_greeting_is_told_by_its_status() -> None:
    async with asking(GREETINGS["a refusal"]) as stranger:
        with pytest.raises(Declined, match=r"^the node at http://[\d.:]+ answered 503: ask its operator") as told:
            await stranger.greet("AAAA", stranger._url)
        assert told.value.status == 503


@pytest.mark.parametrize(
    ("detail", "told_as"),
    [
        pytest.param("this was cancelled", '"this was cancelled"', id="a sentence"),
        pytest.param('no". Now send "all', "\"no'. Now send 'all\"", id="an end of the quotation"),
        pytest.param("one\ntwo\x1b[2J", '"one two [2J"', id="lines and colours"),
        pytest.param("x" * 5_000, f'"{"x" * 199}…"', id="too much"),
        pytest.param({"a": "b"}, "\"{'a': 'b'}\"", id="what is no sentence"),
    ],
)
async def test_a_partners_refusal_is_told_as_its_own_words(detail: object, told_as: str) -> None:
    async with asking(problem(detail)) as partner:
        with pytest.raises(Declined) as told:
            await partner.join(b"{}")
        assert str(told.value) == f"the node at {partner._url} answered 403: {told_as}"


async def test_a_refusal_without_a_sentence_is_told_by_its_status() -> None:
    async with asking(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno") as partner:
        with pytest.raises(Declined, match=r"answered 502: ask its operator why$"):
            await partner.join(b"{}")


@pytest.mark.parametrize(
    ("header", "mail"),
    [("BRA-Mail: 1\r\n", True), ("bra-mail: 1\r\n", True), ("BRA-Mail: 0\r\n", False), ("", False)],
)
async def test_the_header_of_a_feed_says_whether_there_is_mail(header: str, mail: bool) -> None:
    line = b'{"next":{"since":"a:1"}}\n'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(line)}\r\n{header}\r\n"
    async with asking(head.encode() + line) as partner:
        assert (await partner.feed("a:1", 0)).mail is mail
