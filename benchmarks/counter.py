"""A relay on loopback that counts what passes, by call: heads and bodies, there and back.

Bytes are those of the TCP stream, as HTTP/1.1 puts them there (chunk sizes count as body); what TCP, IP and TLS add is
not in them. A connection carries one exchange after the other: what the client sends after an answer is the next.

    counter = Counter(source.port)
    reader.add(source, "--url", counter.url)
    …
    counter.bytes, [call.name for call in counter.calls]
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.nodes import free_port


@dataclass(slots=True)
class Message:
    """One side of an exchange: bytes of its head, which ends with an empty line, and of its body."""

    head: bytes = b""
    body: int = 0
    _whole: bool = False

    @property
    def size(self) -> int:
        return len(self.head) + self.body

    def take(self, data: bytes) -> None:
        if self._whole:
            self.body += len(data)
            return
        head, end, body = (self.head + data).partition(b"\r\n\r\n")
        self.head, self.body, self._whole = head + end, len(body), bool(end)


@dataclass(slots=True)
class Call:
    """One request and its answer."""

    request: Message = field(default_factory=Message)
    answer: Message = field(default_factory=Message)

    @property
    def name(self) -> str:
        """The last part of the path: feed, pull, tree, bra-node."""
        return self.request.head.split(b" ", 2)[1].partition(b"?")[0].rpartition(b"/")[2].decode()

    @property
    def size(self) -> int:
        return self.request.size + self.answer.size


class Counter:
    """Relays to a port on this machine from one of its own, in a thread."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.calls: list[Call] = []
        self._target = target
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(10)

    @property
    def bytes(self) -> int:
        """All bytes so far, both ways."""
        return sum(call.size for call in self.calls)

    def take(self) -> list[Call]:
        """The calls since the last time."""
        taken, self.calls = self.calls, []
        return taken

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._relay, "127.0.0.1", self.port))
        started.set()
        self._loop.run_forever()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except ConnectionRefusedError:
            writer.close()
            return
        connection = _Connection(self)
        await asyncio.gather(
            _pass(reader, back, connection.asked), _pass(there, writer, connection.answered), return_exceptions=True
        )


class _Connection:
    """Which call the bytes of one connection belong to."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._call: Call | None = None

    def asked(self, data: bytes) -> None:
        if self._call is None or self._call.answer.size:
            self._call = Call()
            self._counter.calls.append(self._call)
        self._call.request.take(data)

    def answered(self, data: bytes) -> None:
        if self._call is not None:
            self._call.answer.take(data)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[bytes], None]) -> None:
    try:
        while data := await reader.read(65536):
            count(data)
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def by_call(calls: Iterable[Call]) -> dict[str, dict[str, int]]:
    """Where the bytes go: for each name, how many calls, and bytes of request and answer, each of head and body."""
    found: dict[str, dict[str, int]] = {}
    for call in calls:
        parts = {
            "calls": 1,
            "request_head": len(call.request.head),
            "request_body": call.request.body,
            "answer_head": len(call.answer.head),
            "answer_body": call.answer.body,
        }
        before = found.setdefault(call.name, dict.fromkeys(parts, 0))
        for part, size in parts.items():
            before[part] += size
    return found
