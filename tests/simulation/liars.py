"""Byzantine nodes: the real program, whose answers a liar puts in the place of the true ones, every other time.

A liar keeps a true copy of everything, has real keys and is somebody's partner: it lies as well as anybody could.

- forge: alters and makes up records, and heads under its own key; also pushes them where nobody asked
- hide: leaves out records, removals and parts of the tree
- roll back: tells and hands out the first state that it ever had of an author
- freeze: has no news, ever
- equivocate: signs a second history of its own set, and shows it to half of those who ask
- flood: lines without end, lines too long, a bomb, and noise on the wire

And each of them pries: it asks everybody for everybody's records, whether it is their partner or not.
"""

import asyncio
import hashlib
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from random import Random
from typing import Any

from aiohttp import web

from node.app import App
from node.errors import BraError
from node.federation import sending, wire
from node.federation.signatures import caller
from node.protocol.blocks import Limits, Want
from node.protocol.canonical import decode, encode
from node.protocol.names import NodeId, encode_base64
from node.protocol.record import Record
from node.protocol.statements import Head
from node.protocol.tree import Tree
from node.storage import authors, partners, records
from tests.protocol.builders import head_line, put_line
from tests.simulation.loop import Process
from tests.simulation.nodes import Machine

Lines = list[bytes]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SHARE = 0.5
"""Of its answers are lies; the others keep its partners listening."""
BUSY = 15.0
"""Seconds between two things that a liar does unasked."""


class Liar(Machine):
    """A byzantine node."""

    def __init__(self, *arguments: Any, lie: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lie = lie
        self.lies = 0
        self._draw = Random(f"liar/{self.name}/{lie}")
        self._first: dict[str, Lines] = {}
        self._first_told: dict[str, Lines] = {}
        self._twin: tuple[Head, Record] | None = None

    def open(self, *arguments: Any) -> App:
        liar = self

        class LyingApp(App):
            def _web(self, *parts: Any) -> web.Application:
                application = super()._web(*parts)
                application.middlewares.append(liar.answering(self))
                return application

        return LyingApp(*arguments)

    def answering(self, app: App) -> Any:
        """Goes around every answer that other nodes get."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith(wire.PREFIX) or self._draw.random() > SHARE:
                return await handler(request)
            call = request.path.removeprefix(f"{wire.PREFIX}/")
            lying = {"feed": self._feed, "pull": self._pull}.get(call)
            if call.endswith("/tree") and self.lie == "hide":
                self.lies += 1
                return web.json_response({"subtrees": []})
            if lying is None or not app.acceptance.partners & {caller(request.headers)}:
                return await handler(request)
            found = await lying(app, request, handler)
            self.lies += 1
            return found

        return answer

    async def unasked(self, app: App) -> None:
        """What a liar does of its own accord, as long as its process lives."""
        while True:
            await asyncio.sleep(BUSY * (0.5 + self._draw.random()))
            await self._pry(app)
            for partner in app.database.read_now(partners.everyone):
                if partner.url and self.lie == "forge":
                    await self._push(app, partner.node_id, partner.url)
                elif partner.url and self.lie == "flood":
                    await self._noise(int(partner.url.rpartition(":")[2]))

    # Answers

    async def _feed(self, app: App, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.lie == "freeze":
            await asyncio.sleep(int(request.query.get("wait", "0")))
            return _answer([encode({"next": {"since": request.query.get("since", f"{app.instance}:0")}})])
        if self.lie == "flood":
            return self._flooded(app)
        # There has to be news first to lie about.
        if (true := await handler(request)).status != 200:
            return true
        since = int(request.query.get("since", ":0").partition(":")[2])
        found = app.database.read_now(lambda db: sending.feed(db, since, honoured=True))
        if found is None or not found.lines:
            return true
        lines, reached = found.lines, found.reached
        cursor = encode({"next": {"since": f"{app.instance}:{reached}"}})
        if self.lie == "forge":
            return _answer([*self._forged(app, lines), cursor])
        if self.lie == "hide":
            return _answer([*self._hidden(lines), cursor])
        told = _by_author(lines)
        for author, own in told.items():
            self._first_told.setdefault(author, own)
            if self.lie == "roll back" and author != self.id:
                told[author] = self._first_told[author]
        if self.lie == "equivocate" and self.id in told and self._fooled(request) and (twin := self._twins(app)):
            told[self.id] = [told[self.id][0], head_line(twin[0])]
        return _answer([*(line for own in told.values() for line in own), cursor])

    async def _pull(self, app: App, request: web.Request, handler: Handler) -> web.StreamResponse:
        del handler
        wants = [Want.parse(each) for each in decode(await request.read())]
        lines: Lines = []
        for want in wants:
            block = app.database.read_now(
                lambda db, want=want: list(sending.block(db, want, honoured=True, limits=Limits()))
            )
            lines += self._altered(app, request, want, block)
        return _answer(lines)

    def _altered(self, app: App, request: web.Request, want: Want, block: Lines) -> Lines:
        if want.author == self.id:
            fooled = self.lie == "equivocate" and self._fooled(request)
            return self._second_history(app, want, block) if fooled else block
        if want == Want(want.author):
            self._first.setdefault(want.author, block)
        match self.lie:
            case "forge":
                return self._forged(app, block)
            case "hide":
                return self._hidden(block)
            case "roll back":
                return self._first.get(want.author, block)
            case "freeze":
                return [encode({"next": {"author": want.author}})]
            case "flood":
                return [*block[:-1], *(block[-2:-1] * 500), block[-1]] if len(block) > 1 else block
        return block

    def _forged(self, app: App, block: Lines) -> Lines:
        """The block with a record altered or made up, or under a head that the liar signed."""
        block = list(block)
        puts = [place for place, line in enumerate(block) if line.startswith(b'{"put":')]
        heads = [place for place, line in enumerate(block) if line.startswith(b'{"head":')]
        way = self._draw.choice(("alter", "make up", "own head"))
        if way == "own head" and heads:
            statement = decode(block[heads[-1]])["head"]["statement"] | {"seq": 10_000}
            signature = encode_base64(app.key.sign(encode(statement)))
            block[heads[-1]] = encode({"head": {"signature": signature, "statement": statement}})
        elif puts:
            record = decode(block[puts[-1]])["put"]
            if way == "alter":
                block[puts[-1]] = encode({"put": record | {"updated": "2026-01-01T00:00:00Z"}})
            else:
                block.insert(puts[-1], encode({"put": record | {"id": "madeup", "seq": max(1, record["seq"] - 1)}}))
        return block

    def _hidden(self, block: Lines) -> Lines:
        hidable = [place for place, line in enumerate(block) if line.startswith((b'{"put":', b'{"leaf":', b'{"del":'))]
        if not hidable:
            return block
        left_out = self._draw.choice(hidable)
        return [line for place, line in enumerate(block) if place != left_out]

    def _flooded(self, app: App) -> web.StreamResponse:
        cursor = encode({"next": {"since": f"{app.instance}:0"}})
        card = encode({"card": decode(app.authority.card.signed.line)})
        match self._draw.randrange(4):
            case 0:
                return _answer([card] * 2_000 + [cursor])
            case 1:
                return _answer([b'{"card":"' + b"x" * 100_000 + b'"}', cursor])
            case 2:
                bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
                body = bomb.compress(bytes(4_000_000)) + bomb.flush()
                return web.Response(body=body, content_type=wire.NDJSON, headers={"Content-Encoding": "gzip"})
            case _:
                return _answer([b"[" * 40 + b"]" * 40, b"\xff\xfe", b"", cursor])

    # A second history

    def _fooled(self, request: web.Request) -> bool:
        return hashlib.sha256(caller(request.headers).encode()).digest()[0] % 2 == 0

    def _twins(self, app: App) -> tuple[Head, Record] | None:
        """A head beside the liar's newest one, over the same set but for one record; the same each time."""

        def make(db: Any) -> tuple[Head, Record] | None:
            me = authors.find(db, self.id)
            if me is None or me.head is None:
                return None
            if self._twin is not None and self._twin[0].order == me.head.order:
                return self._twin
            stored = list(records.since(db, me.no, 0))[-1]
            assert stored.line is not None
            other = Record.parse(encode(decode(stored.line) | {"updated": "2026-01-01T00:00:00Z"}))
            tree = Tree.of(records.leaves_of(db, me.no)).changed({other.key: other.value}, ())
            head = Head.make(
                app.key,
                author=self.id,
                epoch=me.epoch,
                seq=me.head.seq,
                count=me.head.count,
                size=me.head.size,
                root=tree.root,
                prev=me.head.prev,
            )
            return head, other

        self._twin = app.database.read_now(make)
        return self._twin

    def _second_history(self, app: App, want: Want, block: Lines) -> Lines:
        twin = self._twins(app)
        if twin is None or want.prefixes:
            return block
        head, other = twin
        lines: Lines = []
        for line in block:
            if line.startswith(b'{"head":') and Head.parse(decode(line)["head"]).order == head.order:
                lines.append(head_line(head))
            elif line.startswith(b'{"put":') and Record.parse(line[7:-1]).key == other.key:
                lines.append(put_line(other))
            elif not line.startswith(b'{"beat":'):
                lines.append(line)
        return lines

    # Unasked

    async def _push(self, app: App, node: NodeId, url: str) -> None:
        """Brings a partner a forged state of somebody else."""
        others = [each for each in app.database.read_now(authors.everyone) if each.node_id not in (node, self.id)]
        if not others:
            return
        want = Want(self._draw.choice(others).node_id)
        block = app.database.read_now(lambda db: list(sending.block(db, want, honoured=True, limits=Limits())))
        lines = self._forged(app, block)
        try:
            await app._client(url, node).push(lines, whole=bool(self._draw.randrange(2)))
        except BraError:
            # That it is refused is what it is for.
            return
        self.lies += 1

    async def _pry(self, app: App) -> None:
        """Asks somebody for all that it has of somebody."""
        everyone = app.database.read_now(authors.everyone)
        victim = self.setting.anybody(self)
        want = Want(self._draw.choice(everyone).node_id)
        try:
            async for lines in app._client(victim.url, victim.id).pull([want]):
                bodies = [Record.parse(line[7:-1]) for line in lines if line.startswith(b'{"put":')]
                self.setting.gave(victim, self, [each for each in bodies if each.visibility != "public"])
        except BraError:
            return

    async def _noise(self, port: int) -> None:
        """Bytes that are no HTTP, and half a request that never ends."""
        for data in (
            self._draw.randbytes(2_000),
            b"POST /federation/v1/pull HTTP/1.1\r\nContent-Length: 9999\r\n\r\n[",
        ):
            try:
                noise = await self.setting.network.connect(Process(self.name), port, _Noise, Context())
            except OSError:
                return
            noise.transport.write(data)
            self.lies += 1


class _Noise(asyncio.Protocol):
    """Writes, and never listens."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport


def _answer(lines: Sequence[bytes]) -> web.Response:
    return web.Response(body=b"".join(b"%b\n" % line for line in lines), content_type=wire.NDJSON)


def _by_author(lines: Sequence[bytes]) -> dict[str, Lines]:
    """A feed's lines, by the author that they tell of."""
    found: dict[str, Lines] = {}
    author = ""
    for line in lines:
        if line.startswith(b'{"card":'):
            author = decode(line)["card"]["statement"]["author"]
        found.setdefault(author, []).append(line)
    return found
