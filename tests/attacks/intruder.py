"""A hostile node: real keys and signatures, a real server, and any lie the test wants.

It does everything right until it is told otherwise: it greets, tells its news, answers pulls and looks at trees, about
itself and about any author whose story it tells. A lie is put in the place of one part.

    intruder = Intruder("mallory")
    intruder.tell(tartu)                                   # honestly
    intruder.tell(tartu, block=lambda want: altered)       # with another block
    intruder.instead["feed"] = drip                        # with another answer altogether
    status, answer = intruder.ask(victim, "POST", "/federation/v1/pull", body)
"""

import contextlib
import gzip
import http.client
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from node.federation.signatures import RequestSigner
from node.protocol.blocks import Want
from node.protocol.canonical import decode, encode
from node.protocol.names import NodeId
from node.protocol.statements import Hello
from tests.directory.small_node import endorsement_body, signatory
from tests.nodes import Node
from tests.protocol.builders import Author, beat_line, card_line, head_line

PATIENCE = 20
Answer = Callable[["Handler"], None]
Greeting = Callable[[str, str], dict[str, Any]]


@dataclass
class Story:
    """What is said of one author. `place`: in the order of news."""

    author: Author
    place: int
    feed: Sequence[bytes]
    block: Callable[[Want], Sequence[bytes]]


class Intruder(Author):
    """The hostile node is an author of its own, too: the only one that it may speak for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        honest = signatory(name)
        self.seq, self.records, self.heads = honest.seq, honest.records, honest.heads
        self.beat(int(time.time()))
        self.stories: dict[NodeId, Story] = {}
        self.instead: dict[str, Answer] = {}
        self.greeting: Greeting = self.greet
        self.asked: list[str] = []
        self._place = 0
        self._changed = threading.Condition()
        self._open = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.tell(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # What it says

    def tell(
        self,
        author: Author,
        *,
        feed: Sequence[bytes] | None = None,
        block: Callable[[Want], Sequence[bytes]] | None = None,
    ) -> None:
        """Tells of an author's newest state; with `feed` or `block`, something else in its place."""
        if feed is None:
            feed = [card_line(author.card), head_line(author.head)]
            feed += [beat_line(author.newest_beat)] if author.newest_beat else []
        with self._changed:
            self._place += 1
            self.stories[author.id] = Story(author, self._place, feed, block or author.block_lines)
            self._changed.notify_all()

    def endorse(self, *authors: Author) -> None:
        """Says in its own records that it knows them, and tells of their newest state."""
        for author in authors:
            self.put("endorsement", endorsement_body(author.id), f"e{author.id[4:20]}")
        self.commit()
        self.beat(int(time.time()))
        self.tell_together((self, *authors))

    def tell_together(self, authors: Iterable[Author]) -> None:
        """Tells of the authors' newest states in one answer."""
        with self._changed:
            for each in authors:
                self.tell(each)

    def interrupt(self) -> None:
        """Ends what waits for news with an error, so that the victim begins its session anew."""
        self.instead["feed"] = lambda handler: handler.send_error(503)
        with self._changed:
            self._changed.notify_all()

    def greet(self, nonce: str, url: str) -> dict[str, Any]:
        hello = Hello.make(
            self.signing_key, author=self.id, epoch=self.epoch, nonce=nonce, url=url, time=int(time.time())
        )
        return {"card": decode(self.card.signed.line), "hello": decode(hello.signed.line), "protocols": [1]}

    def news(self, since: int, wait: int) -> bytes:
        ends = time.monotonic() + wait
        with self._changed:
            while self._open and "feed" not in self.instead:
                told = sorted(
                    (each for each in self.stories.values() if each.place > since), key=lambda each: each.place
                )
                left = ends - time.monotonic()
                if told or left <= 0:
                    break
                self._changed.wait(left)
            else:
                told = []
            cursor = encode({"next": {"since": f"intruder:{self._place}"}})
        return _joined([*(line for story in told for line in story.feed), cursor])

    def blocks(self, wants: Sequence[Want]) -> bytes:
        return b"".join(_joined(self.stories[want.author].block(want)) for want in wants)

    def subtrees(self, author: str, head: str, prefix: str, depth: int) -> bytes | None:
        whose = self.stories[NodeId(author)].author
        if whose.head.hash.hex() != head:
            return None
        found = whose.tree.subtrees(prefix, depth)
        return encode(
            {"subtrees": [{"prefix": each.prefix, "hash": each.hash.hex(), "leaves": each.leaves} for each in found]}
        )

    # What it asks

    def ask(
        self,
        victim: Node,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        by: Author | None = None,
        **others: Any,
    ) -> tuple[int, bytes]:
        """Status and body of a signed request's answer. `at`, `recipient`: others than now and the victim."""
        return ask(victim, method, path, body, signed(victim, method, path, body, by=by or self, **others))


def signed(
    victim: Node, method: str, path: str, body: bytes | None = None, *, by: Author, at: float = 0, recipient: str = ""
) -> dict[str, str]:
    """The headers of a request that `by` signs."""
    signer = RequestSigner(by.signing_key, by.card)
    to = NodeId(recipient or victim.id)
    return signer.headers(method, f"http://node{path}", to, body=body, now=at or time.time(), nonce=os.urandom(16))


def ask(victim: Node, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", victim.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        data = response.read()
        return response.status, gzip.decompress(data) if response.headers.get("Content-Encoding") == "gzip" else data
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    """One request to the intruder."""

    intruder: Intruder

    def do_GET(self) -> None:
        self._answered()

    def do_POST(self) -> None:
        self._answered()

    def start(self, *, encoding: str = "identity", status: int = 200) -> None:
        """The head of an answer whose body goes on until the connection is closed."""
        self.send_response(status)
        self.send_header("Content-Encoding", encoding)
        self.end_headers()

    def _answered(self) -> None:
        # A victim that has had enough hangs up.
        with contextlib.suppress(ConnectionError):
            self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = parts.path.removeprefix("/federation/v1/")
        name = call.partition("/")[0] if call != parts.path else "greeting"
        self.intruder.asked.append(name)
        if name == "greeting":
            self._send(encode(self.intruder.greeting(query["nonce"], query["url"])))
            return
        data: bytes | None = None
        if name == "feed":
            data = self.intruder.news(int(query.get("since", ":0").partition(":")[2]), int(query["wait"]))
        if name in self.intruder.instead:
            self.intruder.instead[name](self)
            return
        if name == "pull":
            data = self.intruder.blocks([Want.parse(each) for each in decode(body)])
        elif name == "authors":
            _, author, _ = call.split("/")
            data = self.intruder.subtrees(author, query["head"], query["prefix"], int(query["depth"]))
        if data is None:
            self.send_error(409)
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """What the intruder is asked stands in `asked`."""


def _handler(intruder: Intruder) -> type[Handler]:
    return type("IntrudersHandler", (Handler,), {"intruder": intruder})


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(b"%b\n" % line for line in lines)
