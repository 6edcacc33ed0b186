"""The server's side of the calls: who asks, whether it may, and the answer streamed from one read snapshot a block.

Rules (SPEC, "The wire"):

- every call but `/.well-known/bra-node` is signed by a node that is at least listed here; partners always are
- nothing is read of a body before its caller is known, and never more than the caps
- each caller, and all together, have a bounded number of requests under way, each of bounded time
- a refusal is problem+json (RFC 9457) with one sentence
"""

import asyncio
import base64
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiohttp import web

from node.directory.acceptance import Acceptance
from node.errors import Malformed, ProtocolError
from node.federation import sending, wire
from node.federation.answers import STREAMING, Handler, NotAllowed, answering, json_answer, ndjson, number, read_body
from node.federation.arrivals import Arrivals
from node.federation.reading import pushed_blocks
from node.federation.receiving import Receiver
from node.federation.signatures import CARD, RequestVerifier, caller
from node.protocol import names
from node.protocol.blocks import Limits, Want
from node.protocol.canonical import decode, encode
from node.protocol.keys import PrivateKey
from node.protocol.names import NodeId
from node.protocol.record import tree_key
from node.protocol.statements import Card, Hello
from node.protocol.tree import parse_prefix
from node.protocol.verdicts import Accepted, Compare, Refusal, Verdict
from node.storage import authors, mailbox, sets
from node.storage.database import Database
from node.trust.reach import Standing
from node.world import World

log = structlog.get_logger()

PUSHES_AT_ONCE = 4
"""Of all nodes together: each may hold 32 MiB in memory."""
_FOREIGN_CURSOR = "the cursor belongs to another database: start over without one"
_NOT_HONOURED = "only nodes that are honoured here may bring anything: let this node pull instead"
_STRANGERS_SECONDS = 2.0
"""For what isn't signed: in the threads of questions that anybody may ask, so that it keeps no partner waiting."""
_LARGEST_QUESTION = 2 * wire.MIB
"""Bytes of a pull's body."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What this node says of itself. `instance` names its database in this run: a feed's cursor belongs to one.

    `earlier_runs`: what it was called in earlier runs, each with the last place in the feed that counts.

    `url`: where it is reached, without a slash at its end; empty where it doesn't know.
    """

    card: Card
    key: PrivateKey
    instance: str
    url: str
    security_contact: str
    earlier_runs: Mapping[str, int] = field(default_factory=dict)


class Server:
    """The routes under `/federation/v1`, and `/.well-known/bra-node`."""

    def __init__(
        self,
        identity: Identity,
        database: Database,
        trees: sets.Trees,
        acceptance: Acceptance,
        receiver: Receiver,
        arrivals: Arrivals,
        *,
        limits: Limits,
        requests_per_peer: int,
        requests: int,
        request_seconds: float,
        world: World,
    ) -> None:
        self._identity = identity
        self._me = identity.card.author
        self._database = database
        self._trees = trees
        self._acceptance = acceptance
        self._receiver = receiver
        self._arrivals = arrivals
        self._limits = limits
        self._per_peer = requests_per_peer
        self._requests = requests
        self._seconds = request_seconds
        self._world = world
        self._verifier = RequestVerifier(self._me, world.moment())
        self._under_way: Counter[NodeId] = Counter()
        self._pushes = 0

    def routes(self) -> list[web.RouteDef]:
        author = f"{wire.PREFIX}/authors/{{author}}"
        return [
            web.get(wire.WELL_KNOWN, self._answering(self._well_known)),
            web.get(f"{wire.PREFIX}/feed", self._answering(self._feed)),
            web.post(f"{wire.PREFIX}/pull", self._answering(self._pull)),
            web.post(f"{wire.PREFIX}/push", self._answering(self._push)),
            web.get(author, self._answering(self._statements)),
            web.get(f"{author}/tree", self._answering(self._tree)),
            web.get(f"{author}/records/{{kind}}/{{id}}", self._answering(self._record)),
            web.get(f"{wire.PREFIX}/photos/{{hash}}", self._answering(self._photo)),
        ]

    def _answering(self, handler: Handler) -> Handler:
        return answering(handler, self._seconds)

    async def _well_known(self, request: web.Request) -> web.StreamResponse:
        nonce = request.query.get("nonce")
        now = self._world.now()
        author = await self._database.query(lambda db: authors.find(db, self._me), _STRANGERS_SECONDS)
        value: dict[str, object] = {
            "card": decode(self._identity.card.signed.line),
            "protocols": [wire.VERSION],
            "limits": {"records": self._limits.records, "bytes": self._limits.size},
            "security": self._identity.security_contact,
        }
        if author and author.beat_line:
            value["beat"] = decode(author.beat_line)
        if nonce is not None:
            names.decode_base64(nonce, 32)
            called = request.query.get("url", "")
            if self._identity.url and called != self._identity.url:
                raise NotAllowed(f"this node is reached at {self._identity.url}: call it there", 421)
            epoch = self._identity.card.epoch
            hello = Hello.make(self._identity.key, author=self._me, epoch=epoch, nonce=nonce, url=called, time=now)
            value["hello"] = decode(hello.signed.line)
        return web.Response(body=encode(value), content_type="application/json")

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        async with self.caller(request) as (node, _):
            after = self._cursor(request.query.get("since"))
            # Well within the time that a request has, or every quiet wait would end as an error.
            wait = min(number(request.query.get("wait", "0")), 60, self._seconds - 2)
            ends = asyncio.get_running_loop().time() + wait
            while True:
                news = self._arrivals.next()
                honoured = self._receiver.honours(node)
                told, mail = await self._database.read(partial(self._told, node, after=after, honoured=honoured))
                if told is None:
                    raise NotAllowed(_FOREIGN_CURSOR, 410)
                # Who was shut out while it waited is told no news any more.
                self._require_listed(node)
                if told.urgent or self._arrivals.over or not await _within(news, ends):
                    break
            cursor = encode({"next": {"since": f"{self._identity.instance}:{told.reached}"}})
            answer = await ndjson([*told.lines, cursor])
            if mail:
                answer.headers[wire.MAIL] = "1"
            return answer

    def _told(
        self, node: NodeId, db: sqlite3.Connection, *, after: int, honoured: bool
    ) -> tuple[sending.Feed | None, bool]:
        """What the feed tells a node, and whether its mailbox holds anything."""
        mail = node in self._acceptance.partners and mailbox.waits_for(db, node)
        return sending.feed(db, after=after, honoured=honoured, reader=node), mail

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        async with self.caller(request, body_limit=_LARGEST_QUESTION) as (node, body):
            wants = await asyncio.to_thread(_wants, body)
            response = web.StreamResponse(headers={"Content-Type": wire.NDJSON, "Content-Encoding": "gzip"})
            request[STREAMING] = True
            await response.prepare(request)
            stream = wire.Compressor()
            for want in wants:
                honoured = self._receiver.honours(node)
                await response.write(await self._database.read(partial(self._packed, want, stream, honoured=honoured)))
                if stream.size >= wire.ANSWER_BYTES:
                    # A request has its time. Who asked for more asks again.
                    break
            await response.write_eof(stream.end())
            return response

    def _packed(self, want: Want, stream: wire.Compressor, db: sqlite3.Connection, *, honoured: bool) -> bytes:
        return stream.add(sending.block(db, want, honoured=honoured, limits=self._limits))

    async def _push(self, request: web.Request) -> web.StreamResponse:
        async with self.caller(request, body_limit=wire.LONGEST_REQUEST_BODY, pushes=True) as (node, body):
            compressed = request.headers.get("Content-Encoding") == "gzip"
            whole = request.query.get("whole", "0") == "1"
            blocks = await asyncio.to_thread(pushed_blocks, body, compressed=compressed, limits=self._limits)
            lines: list[bytes] = []
            try:
                for author, block in blocks:
                    if isinstance(block, Refusal):
                        await self._receiver.refuse(node, author, block)
                        verdict: Verdict = block
                    else:
                        verdict = await self._receiver.apply(node, block, whole=whole)
                        if isinstance(verdict, Accepted) and not whole and await self._receiver.misses(node, author):
                            verdict = Compare(block)
                    lines.append(encode({"verdict": {"author": author, **_outcome(verdict)}}))
            finally:
                # Also where the caller has hung up: what was applied counts.
                await self._receiver.settle()
            return await ndjson(lines)

    async def _tree(self, request: web.Request) -> web.StreamResponse:
        async with self.caller(request):
            author = names.parse_node_id(request.match_info["author"])
            head = names.parse_hash(request.query.get("head"))
            prefix = parse_prefix(request.query.get("prefix", ""))
            depth = number(request.query.get("depth", str(wire.DEEPEST_LOOK)))
            if not 1 <= depth <= wire.DEEPEST_LOOK or len(prefix) + depth > 256:
                raise Malformed(f"depth is from 1 to {wire.DEEPEST_LOOK}, and 256 bits are the end")
            found = await self._database.read(
                partial(sending.subtrees, trees=self._trees, author_id=author, head=head, prefix=prefix, depth=depth)
            )
            if found is None:
                raise NotAllowed("that is not the newest head of this author here: read the feed again", 409)
            subtrees = [{"prefix": each.prefix, "hash": each.hash.hex(), "leaves": each.leaves} for each in found]
            return json_answer({"subtrees": subtrees})

    async def _statements(self, request: web.Request) -> web.StreamResponse:
        """An author's newest card, head and beat. For anybody: whoever lost its key can't sign the question."""
        author = names.parse_node_id(request.match_info["author"])
        found = await self._database.query(partial(sending.statements, author_id=author), _STRANGERS_SECONDS)
        if found is None:
            raise NotAllowed(f"{author} is not known here", 404)
        return json_answer(found)

    async def _record(self, request: web.Request) -> web.StreamResponse:
        async with self.caller(request) as (node, _):
            author = names.parse_node_id(request.match_info["author"])
            kind = names.parse_kind(request.match_info["kind"])
            id_ = names.parse_record_id(request.match_info["id"])
            everything = self._receiver.honours(node)
            key = tree_key(kind, id_)
            absent = await self._database.read(partial(sending.absence, trees=self._trees, author_id=author, key=key))
            if absent is not None:
                return web.json_response(absent, status=404)
            found = await self._database.read(
                partial(
                    sending.signed_record,
                    trees=self._trees,
                    author_id=author,
                    kind=kind,
                    record_id=id_,
                    everything=everything,
                )
            )
            return json_answer(found.as_value())

    async def _photo(self, request: web.Request) -> web.StreamResponse:
        async with self.caller(request) as (node, _):
            hash_ = names.parse_hash(request.match_info["hash"]).hex()
            honoured = self._receiver.honours(node)
            found = await self._database.query(
                partial(sending.photo, hash_=hash_, honoured=honoured), _STRANGERS_SECONDS
            )
            if found is None:
                raise NotAllowed("this photo is not held here, or not told to you: ask the node of its author", 404)
            return web.Response(body=found, content_type="application/octet-stream")

    @asynccontextmanager
    async def caller(
        self, request: web.Request, *, body_limit: int = 0, honoured: bool = False, pushes: bool = False
    ) -> AsyncIterator[tuple[NodeId, bytes]]:
        """The node that signed the request, and its body; NotAllowed or a ProtocolError where it may not ask.

        `honoured`: only such nodes may; a push, too, is theirs alone.
        """
        node = caller(request.headers)
        card, brought = await self._card(node, request.headers.get(CARD))
        self._require_listed(node)
        if card is None:
            raise _not_known(node)
        check_body = self._verifier.verify(
            request.method, f"http://node{request.raw_path}", request.headers, card.signing, now=self._world.now()
        )
        # The last quarter of all places is for partners: those whom they introduced can't shut them out.
        places = self._requests if node in self._acceptance.partners else self._requests * 3 // 4
        if self._under_way[node] >= self._per_peer or self._under_way.total() >= places:
            raise NotAllowed("too many requests are under way: wait for one to end", 429)
        if (honoured or pushes) and self._acceptance.standing(node) is not Standing.HONOURED:
            raise NotAllowed(_NOT_HONOURED, 403)
        if pushes and self._pushes >= PUSHES_AT_ONCE:
            raise NotAllowed("other pushes are being taken: try again in a moment", 429)
        self._under_way[node] += 1
        self._pushes += pushes
        try:
            body = await read_body(request, body_limit)
            # Hashing megabytes would hold up everybody else.
            await asyncio.to_thread(check_body, body)
            if brought:
                # Just proven to be in use; nothing is written where it was known.
                await self._database.write(lambda db: authors.introduce(db, card))
            yield node, body
        finally:
            self._pushes -= pushes
            self._under_way[node] -= 1
            if not self._under_way[node]:
                del self._under_way[node]

    def _require_listed(self, node: NodeId) -> None:
        if self._acceptance.standing(node) < Standing.LISTED:
            raise _not_known(node)

    async def _card(self, node: NodeId, header: str | None) -> tuple[Card | None, bool]:
        """The caller's newest card, and whether it brought it: if it is of a newer epoch than the one held."""
        held = await self._database.read(lambda db: authors.find(db, node))
        known = held.newest_card if held else None
        brought = brought_card(node, header, self._identity.card.network, known)
        if brought and (known is None or brought.epoch > known.epoch):
            return brought, True
        return known, False

    def _cursor(self, since: str | None) -> int:
        if not since:
            return 0
        instance, _, place = since.partition(":")
        mine = instance == self._identity.instance
        last = names.LARGEST_INTEGER if mine else self._identity.earlier_runs.get(instance)
        # One that was damaged is as good as foreign: whoever keeps it would come with it for ever.
        if last is None or not place.isdecimal() or (after := number(place)) > last:
            raise NotAllowed(_FOREIGN_CURSOR, 410)
        return after


def _not_known(node: NodeId) -> NotAllowed:
    return NotAllowed(f"{node} is not known here: exchange key cards with this node's operator first", 403)


def _wants(body: bytes) -> list[Want]:
    """The wishes of a pull."""
    value = decode(body)
    if not isinstance(value, list) or not 1 <= len(value) <= wire.WANTS_AT_ONCE:
        raise Malformed(f"a pull is an array of 1 to {wire.WANTS_AT_ONCE} wishes")
    return [Want.parse(each) for each in value]


def _outcome(verdict: Verdict) -> dict[str, str]:
    if isinstance(verdict, Accepted):
        return {"outcome": "accepted"}
    if isinstance(verdict, Refusal):
        return {"outcome": "refused", "reason": f"{verdict.reason}: {verdict.sentence}"}
    return {"outcome": "compare"}


def brought_card(node: NodeId, header: str | None, network: str, known: Card | None = None) -> Card | None:
    """The card that the caller `node` brought in `BRA-Card`, if it is its own and of this network.

    Its signature is checked where it isn't the one `known` already: whoever asks often brings it often.
    """
    if header is None or len(header) > 4096:
        return None
    try:
        line = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))
        card = known if known and line == known.signed.line else Card.parse(decode(line))
    except (ValueError, ProtocolError) as error:
        raise Malformed(f"{CARD} is not a card") from error
    return card if (card.author, card.network) == (node, network) else None


async def _within(news: asyncio.Event, ends: float) -> bool:
    """Whether there was news before the time was up."""
    try:
        async with asyncio.timeout_at(ends):
            return await news.wait()
    except TimeoutError:
        return False
