"""The client's side of the calls: one partner, signed requests, caps on all that comes back.

It knows HTTP and forms; what follows from an answer is `session`'s, whether it holds is `receiving`'s.
Raises Unreachable where no complete answer comes, Declined where it is a no, Malformed where it is not the protocol.
What another node says is told as its saying, and of one that hasn't proven who it is, not at all.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from node.errors import Declined, Forged, Malformed, Unreachable
from node.federation import wire
from node.federation.actions import News
from node.federation.greeting import Greeting
from node.federation.news import read_news
from node.federation.signatures import RequestSigner
from node.plain import plain
from node.protocol import names
from node.protocol.blocks import Limits, Want
from node.protocol.canonical import decode, decode_loose, encode
from node.protocol.names import NodeId
from node.protocol.statements import Beat, Card, Hello
from node.protocol.tree import Subtree, parse_prefix
from node.storage.photos import LARGEST
from node.world import World

_CONNECT_SECONDS = 10
_SILENT_SECONDS = 30
_FEW_LINES = 12
_CHUNK = 64 * 1024
"""Bytes of an answer, still compressed, that are expanded at once."""
_SMALL_CHUNK = 4 * 1024
"""Bytes that are not worth a thread."""
_LONG_BODY = 256 * 1024
"""Bytes that are hashed beside the event loop."""
_LONGEST_QUOTE = 200
"""Characters of another node's sentence."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What a node holds of an author: its newest card, and a beat, which may be of an older epoch."""

    card: Card
    beat: Beat | None


class Client:
    """One partner at one URL.

    Where nobody knows yet who answers there, `partner` and `signer` are None: only what isn't signed can be asked then.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        partner: NodeId | None,
        signer: RequestSigner | None,
        *,
        world: World,
        limits: Limits,
        request_seconds: float,
    ) -> None:
        self._http = http
        self._url = wire.parse_url(url)
        self._partner = partner
        self._signer = signer
        self._world = world
        self._limits = limits
        self._seconds = request_seconds
        self._introduced = False

    async def greet(self, nonce: str, own: str) -> Greeting:
        """The server's proof that it holds its key and is reached at `own`. Not signed: it proves itself first."""
        url = f"{self._url}{wire.WELL_KNOWN}?{urlencode({'nonce': nonce, 'url': own})}"
        async with self._answer("GET", url, signed=False) as response:
            value = decode(await _whole(response, wire.LONGEST_ANSWER))
        if not isinstance(value, dict) or not isinstance(value.get("protocols"), list):
            raise Malformed("the answer is not a node's: check the URL")
        versions = tuple(version for version in value["protocols"] if isinstance(version, int))
        return Greeting(Card.parse(value.get("card")), Hello.parse(value.get("hello")), versions)

    async def statements(self, author: NodeId) -> Statements | None:
        """The newest that the node holds of an author; None where it doesn't know it. Not signed: anybody may ask."""
        try:
            async with self._answer("GET", self._call(f"authors/{author}"), signed=False) as response:
                value = decode(await _whole(response, wire.LONGEST_ANSWER))
        except Declined as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(value, dict):
            raise Malformed("the answer has no statements")
        card = Card.parse(value.get("card"))
        beat = Beat.parse(value["beat"]) if "beat" in value else None
        if card.author != author or (beat and beat.author != author):
            raise Malformed(f"statements of another author came than of {author}")
        return Statements(card, beat)

    async def feed(self, cursor: str | None, wait: int, concerns: Callable[[NodeId], bool] = lambda _: True) -> News:
        """What the partner has to tell since `cursor`, for which it waits up to `wait` seconds.

        `concerns`: whether an author is accepted here, or anything of it is held.
        """
        query = urlencode({**({"since": cursor} if cursor else {}), "wait": wait})
        async with self._answer("GET", f"{self._call('feed')}?{query}", seconds=wait + _SILENT_SECONDS) as response:
            lines = [line async for batch in _lines(response, wire.LONGEST_FEED, wire.FEED_LINES) for line in batch]
            mail = response.headers.get(wire.MAIL) == "1"
        # Two signatures an author: a few are checked here, many would hold up everybody else.
        assert self._partner is not None, "a feed is asked of a partner"
        if len(lines) > _FEW_LINES:
            news = await asyncio.to_thread(read_news, lines, self._partner, concerns)
        else:
            news = read_news(lines, self._partner, concerns)
        return replace(news, mail=mail)

    async def pull(self, wants: Sequence[Want]) -> AsyncIterator[list[bytes]]:
        """The lines of each want's block, in the order of the wants; of the first ones, where all would be too much."""
        body = encode([want.as_value() for want in wants])
        lines: list[bytes] = []
        size, blocks, most = 0, 0, wire.block_lines(self._limits)
        async with self._answer("POST", self._call("pull"), body=body) as response:
            async for batch in _lines(response, wire.LONGEST_BLOCK * len(wants), most * len(wants)):
                begin = 0
                for end in [place for place, line in enumerate(batch, 1) if line.startswith(b'{"next":')]:
                    if blocks == len(wants):
                        raise Malformed(f"more than the {len(wants)} blocks came that were asked for")
                    yield lines + batch[begin:end]
                    blocks += 1
                    lines, size, begin = [], 0, end
                rest = batch[begin:]
                lines += rest
                size += sum(map(len, rest))
                if size > wire.LONGEST_BLOCK or len(lines) > most:
                    raise Malformed(f"a block has at most {wire.LONGEST_BLOCK} bytes in one answer")
        if not blocks or lines:
            raise Malformed("the answer breaks off within a block")

    async def tree(self, author: NodeId, head: bytes, prefix: str, depth: int) -> list[Subtree] | None:
        """The subtrees of an author's set under `head`; None where that is not the partner's newest head any more."""
        query = urlencode({"head": head.hex(), "prefix": prefix, "depth": depth})
        try:
            async with self._answer("GET", f"{self._call(f'authors/{author}/tree')}?{query}") as response:
                value = decode(await _whole(response, wire.LONGEST_ANSWER))
        except Declined as error:
            if error.status == 409:
                return None
            raise
        if not isinstance(value, dict) or not isinstance(value.get("subtrees"), list):
            raise Malformed("the answer has no subtrees")
        return [_subtree(each) for each in value["subtrees"][: 2**depth]]

    async def push(self, lines: Sequence[bytes], *, whole: bool) -> tuple[str, str]:
        """Brings one author's block, or its `whole` set; the outcome (accepted, compare or refused) and the reason."""
        body = await asyncio.to_thread(lambda: wire.gzipped(b"\n".join([*lines, b""])))
        url = f"{self._call('push')}?whole={int(whole)}"
        async with self._answer("POST", url, body=body, encoding="gzip") as response:
            value = decode(await _whole(response, wire.LONGEST_ANSWER, ending=b"\n"))
        try:
            verdict = value["verdict"]
            return str(verdict["outcome"]), str(verdict.get("reason", ""))
        except (AttributeError, KeyError, TypeError) as error:
            raise Malformed("the answer to a push has no verdict") from error

    async def photo(self, hash_: str, seconds: float) -> bytes | None:
        """The photo with this SHA-256, verified; None where the node doesn't hold it, or doesn't tell it to us."""
        try:
            async with self._answer("GET", self._call(f"photos/{hash_}"), seconds=seconds) as response:
                data = await _whole(response, LARGEST)
        except Declined as error:
            if error.status == 404:
                return None
            raise
        if (await asyncio.to_thread(hashlib.sha256, data)).hexdigest() != hash_:
            raise Forged("what came is not the photo that was asked for")
        return data

    async def join(self, request: bytes) -> bytes:
        """Brings a newcomer's request to be a partner; the inviter's answer, as it came."""
        async with self._answer("POST", self._call("join"), body=request) as response:
            return await _whole(response, wire.LONGEST_ANSWER)

    async def post(self, name: str, body: bytes) -> Any:
        """Brings one JSON object to a call; the object that is answered."""
        async with self._answer("POST", self._call(name), body=body) as response:
            return decode(await _whole(response, wire.LONGEST_ANSWER))

    async def mailbox(self) -> Any:
        """What the node keeps for us."""
        async with self._answer("GET", self._call("mailbox")) as response:
            return decode(await _whole(response, wire.LONGEST_ANSWER))

    def _call(self, name: str) -> str:
        return f"{self._url}{wire.PREFIX}/{name}"

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        encoding: str | None = None,
        signed: bool = True,
        seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept-Encoding": "gzip"}
        # What is signed is what is sent: the HTTP client has its own way of quoting.
        target = URL(url)
        if signed:
            headers |= await self._signature(method, target, body)
        if encoding:
            headers["Content-Encoding"] = encoding
        timeout = aiohttp.ClientTimeout(
            total=seconds or self._seconds, sock_connect=_CONNECT_SECONDS, sock_read=max(_SILENT_SECONDS, seconds or 0)
        )
        try:
            async with self._http.request(
                method,
                target,
                data=BytesIO(body) if body else None,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise Declined(await self._refusal(response, quoted=signed), response.status)
                # Whoever took a signed request has our card; one that lost it declines, and a new session brings it.
                self._introduced |= signed
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The parser's complaints about an answer repeat what the other side sent.
            foreign = isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientPayloadError)
            said = "what answers there breaks off, or is no HTTP" if foreign else str(error) or type(error).__name__
            raise Unreachable(f"{self._url} can't be reached: {said}") from error

    async def _signature(self, method: str, target: URL, body: bytes | None) -> dict[str, str]:
        """The headers that sign a request."""
        assert self._partner is not None
        assert self._signer is not None
        sign = partial(
            self._signer.headers,
            method,
            str(target),
            self._partner,
            body=body,
            now=self._world.now(),
            nonce=self._world.random(16),
            introduced=self._introduced,
        )
        return await asyncio.to_thread(sign) if body and len(body) > _LONG_BODY else sign()

    async def _refusal(self, response: aiohttp.ClientResponse, *, quoted: bool) -> str:
        """That the other side says no. Its own sentence is `quoted`, never told as this program's.

        It isn't where nobody knows yet who answers: whoever made up a link could have it say anything.
        """
        answered = f"the node at {self._url} answered {response.status}"
        if not quoted:
            return f"{answered}: ask its operator whether it serves there"
        try:
            value = decode_loose(await _whole(response, 16_384))
            detail = plain(str(value["detail"]), _LONGEST_QUOTE).replace('"', "'")
        except (Malformed, KeyError, TypeError):
            return f"{answered}: ask its operator why"
        return f'{answered}: "{detail}"'


def connector(resolver: AbstractResolver | None = None) -> aiohttp.BaseConnector:
    """What opens the connections of a client; names are resolved by the system, or by `resolver`."""
    return aiohttp.TCPConnector(limit=0, limit_per_host=8, resolver=resolver)


def session(connector_: aiohttp.BaseConnector | None = None) -> aiohttp.ClientSession:
    """The HTTP client that all partners share. It keeps no cookies and leaves bodies compressed, to cap them itself."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=connector_ or connector(),
        trust_env=False,
    )


def _subtree(value: Any) -> Subtree:
    if not isinstance(value, dict):
        raise Malformed("a subtree is an object of prefix, hash and leaves")
    return Subtree(
        parse_prefix(value.get("prefix")), names.parse_hash(value.get("hash")), names.parse_integer(value.get("leaves"))
    )


async def _lines(response: aiohttp.ClientResponse, limit: int, lines: int) -> AsyncIterator[list[bytes]]:
    """The lines of the answer, in batches as they come."""
    reader = wire.LineReader(limit=limit, compressed=_compressed(response), lines=lines)
    async for chunk in response.content.iter_chunked(_CHUNK):
        coming = iter(reader.feed(chunk))
        # A chunk may become a thousand times as much: whoever reads has to be able to stop in between.
        while batch := _some(coming) if len(chunk) < _SMALL_CHUNK else await asyncio.to_thread(_some, coming):
            yield batch
    reader.end()


def _some(coming: Iterator[list[bytes]]) -> list[bytes]:
    """The next megabyte of lines."""
    taken: list[bytes] = []
    room = wire.MIB
    for lines in coming:
        taken += lines
        # A line costs memory beyond its bytes, too.
        room -= sum(map(len, lines)) + 64 * len(lines)
        if room < 0:
            break
    return taken


async def _whole(response: aiohttp.ClientResponse, limit: int, *, ending: bytes = b"") -> bytes:
    expander = wire.Expander(limit=limit, compressed=_compressed(response))
    pieces: list[bytes] = []
    async for chunk in response.content.iter_chunked(_CHUNK):
        pieces.extend(expander.feed(chunk))
    expander.end()
    return b"".join(pieces).removesuffix(ending)


def _compressed(response: aiohttp.ClientResponse) -> bool:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding not in ("gzip", "identity"):
        raise Malformed("the answer is encoded in a way that nodes don't use: they use gzip")
    return encoding == "gzip"
