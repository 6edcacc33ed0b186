"""A network inside one process: streams of bytes between the real HTTP client and server, and all that goes wrong.

Rules:

- bytes of one direction of one connection arrive in order, as TCP has it; those of different connections don't
- what is lost stalls its connection until somebody's patience ends: TCP has no gaps
- a link has two directions, each with its own faults
- a replay sends a request that arrived whole again, byte by byte, on a connection of its own

    network = Network(loop, random, trace)
    network.listen(8001, process, server)
    protocol = await network.connect(process, 8001, factory)
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiohttp import BaseConnector, ClientConnectorError, ClientRequest, ClientTimeout
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import ceil_timeout

from tests.simulation.loop import Process, VirtualLoop

WINDOW = 256 * 1024
"""Bytes on their way in one direction of a connection before its sender has to wait."""
KEPT_REQUESTS = 64
"""Requests that were seen on the network and may be sent again."""

Factory = Callable[[], Any]


@dataclass
class Direction:
    """One direction of a link. `delay` and `jitter` in seconds, `rate` in bytes a second; shares from 0 to 1."""

    delay: float = 0.01
    jitter: float = 0.005
    rate: float = 10_000_000.0
    loss: float = 0.0
    reset: float = 0.0
    corruption: float = 0.0
    replay: float = 0.0
    cut: int = 0
    """How many partitions go through it now."""
    _changes: dict[str, list[float]] = field(default_factory=dict)

    def change(self, name: str, value: float) -> None:
        """Gives one of the above another value, until that is taken back; of several the newest counts."""
        self._changes.setdefault(name, [getattr(self, name)]).append(value)
        setattr(self, name, value)

    def change_back(self, name: str, value: float) -> None:
        self._changes[name].remove(value)
        setattr(self, name, self._changes[name][-1])


@dataclass
class Listener:
    """What a connection to a port meets."""

    process: Process
    context: Context
    factory: Factory


class Network:
    """All links, listeners and connections. `seen` gets every chunk that arrives, for the trace."""

    def __init__(self, loop: VirtualLoop, random: Random, seen: Callable[[str, bytes], None]) -> None:
        self.loop = loop
        self.random = random
        self.seen = seen
        self.faults: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        """By the name of the node that sent them."""
        self.requests = 0
        self.statuses: Counter[tuple[str, int]] = Counter()
        """Of answers, by the node that gave them."""
        self.replayed: Counter[tuple[str, int]] = Counter()
        """Answers to requests that were sent again."""
        self.buffered: Counter[str] = Counter()
        """The most that ever waited in one connection, by the node that sent it."""
        self._directions: dict[tuple[str, str], Direction] = {}
        self._listeners: dict[int, Listener] = {}
        self._ends: dict[End, None] = {}
        self._made = 0
        self._requests: list[tuple[str, int, bytes]] = []

    def direction(self, sender: str, receiver: str) -> Direction:
        return self._directions.setdefault((sender, receiver), Direction())

    def listen(self, port: int, process: Process, context: Context, factory: Factory) -> None:
        self._listeners[port] = Listener(process, context, factory)

    async def connect(self, process: Process, port: int, factory: Factory, context: Context) -> Any:
        """The client's protocol, once the server has taken the connection."""
        listener = self._listeners.get(port)
        there = listener.process.name if listener else f"port {port}"
        out, back = self.direction(process.name, there), self.direction(there, process.name)
        await asyncio.sleep(out.delay + back.delay + self.random.random() * (out.jitter + back.jitter))
        if out.cut or back.cut:
            # No answer at all: it is the caller's patience that ends this.
            await self.loop.create_future()
        listener = self._listeners.get(port)
        if listener is None or not listener.process.alive:
            raise ConnectionRefusedError(111, "connection refused")
        self._made += 1
        client = End(self, f"{self._made}>", process, context, out, port)
        server = End(self, f"{self._made}<", listener.process, listener.context, back, port)
        client.peer, server.peer = server, client
        self._ends |= {client: None, server: None}
        server.begin(listener.factory())
        client.begin(protocol := factory())
        return protocol

    def drop(self, process: Process, *, silently: bool) -> None:
        """The process is gone: the system resets its connections, or where its machine is gone, nobody does."""
        for port, listener in list(self._listeners.items()):
            if listener.process is process:
                del self._listeners[port]
        for end in [end for end in self._ends if end.process is process]:
            end.vanish(silently=silently)

    def forget(self, end: "End") -> None:
        self._ends.pop(end, None)

    def arrived(self, end: "End", data: bytes) -> None:
        """Counts what arrives, and keeps whole requests for those who would send them again."""
        self.seen(end.name, data)
        if end.name.endswith("<"):
            self.requests += data[:5] in (b"GET /", b"POST ")
            end.request = data if data.startswith(b"GET /federation/v1/") and data.endswith(b"\r\n\r\n") else b""
        elif data.startswith(b"HTTP/1.1 "):
            if end.peer is not None:
                self.statuses[end.peer.process.name, _status(data)] += 1
            self._answered(end, taken=data.startswith(b"HTTP/1.1 200"))

    def _answered(self, end: "End", *, taken: bool) -> None:
        """A request that was taken is one that may be tried again by somebody who saw it."""
        server = end.peer
        if server is None or not (replay := end.direction.replay) or not taken or not server.request:
            return
        self._requests = [*self._requests[1 - KEPT_REQUESTS :], (server.process.name, server.port, server.request)]
        if self.random.random() < replay:
            self.faults["replay"] += 1
            self.loop.create_task(self._replay(*self.random.choice(self._requests)), context=Context())

    async def _replay(self, there: str, port: int, request: bytes) -> None:
        attacker = Process("attacker")
        try:
            answer = await self.connect(attacker, port, _Answer, Context())
        except ConnectionRefusedError:
            return
        answer.transport.write(request)
        status = await answer.status
        answer.transport.abort()
        if status:
            self.replayed[there, status] += 1


class End(asyncio.Transport):
    """One end of a connection: what is written here arrives at its peer."""

    def __init__(
        self, network: Network, name: str, process: Process, context: Context, direction: Direction, port: int
    ) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.process = process
        self.context = context
        self.direction = direction
        self.port = port
        self.peer: End | None = None
        self.request = b""
        """The last one that came whole to a server."""
        self._protocol: Any = None
        self._free_at = 0.0
        self._stalled = False
        self._closing = False
        self._lost = False
        self._reading = True
        self._held: list[Callable[[], None]] = []
        self._on_the_way = 0
        self._writing_paused = False

    def begin(self, protocol: Any) -> None:
        self._protocol = protocol
        self.context.run(protocol.connection_made, self)

    # What a protocol asks of its transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", self.port) if name in ("peername", "sockname") else default

    def get_protocol(self) -> Any:
        return self._protocol

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        while self._reading and self._held:
            self._held.pop(0)()

    def get_write_buffer_size(self) -> int:
        return self._on_the_way

    def write(self, data: Any) -> None:
        if self._closing or not self.process.alive or not data:
            return
        self._send(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._carry(0, lambda peer: peer.ended())
        self.network.loop.call_soon(self.lose, None, context=self.context)

    def abort(self) -> None:
        if self._lost:
            return
        self._closing = True
        self._carry(0, lambda peer: peer.lose(ConnectionResetError(104, "connection reset by peer")))
        self.network.loop.call_soon(self.lose, None, context=self.context)

    # What the network does

    def vanish(self, *, silently: bool) -> None:
        """This end's process is gone."""
        if not silently and not self._lost:
            self._carry(0, lambda peer: peer.lose(ConnectionResetError(104, "connection reset by peer")))
        # What is torn away may wait for this, too.
        self.network.loop.call_soon(self.lose, None, context=self.context)

    def ended(self) -> None:
        """The other side has sent all that it will."""
        if not self._reading:
            self._held.append(self.ended)
        elif not self._lost and not self._protocol.eof_received():
            self.close()

    def lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._closing = self._lost = True
        self.network.forget(self)
        protocol, self._protocol = self._protocol, None
        protocol.connection_lost(error)

    def arrive(self, data: bytes) -> None:
        if self._lost or not self.process.alive:
            return
        if not self._reading:
            self._held.append(lambda: self.arrive(data))
            return
        self.network.arrived(self, data)
        self._protocol.data_received(data)

    def _send(self, data: bytes) -> None:
        network, direction, random = self.network, self.direction, self.network.random
        network.bytes[self.process.name] += len(data)
        if direction.loss and random.random() < direction.loss:
            self._fault("loss")
            self._stalled = True
        if direction.reset and random.random() < direction.reset:
            self._fault("reset")
            self.abort()
            return
        if direction.corruption and random.random() < direction.corruption:
            self._fault("corruption")
            place = random.randrange(len(data))
            data = data[:place] + bytes((data[place] ^ (1 << random.randrange(8)),)) + data[place + 1 :]
        self._on_the_way += len(data)
        network.buffered[self.process.name] = max(network.buffered[self.process.name], self._on_the_way)
        if self._on_the_way > WINDOW and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()
        size = len(data)
        self._carry(size, lambda peer: peer.arrive(data))

    def _carry(self, size: int, deliver: "Callable[[End], None]") -> None:
        """Has something happen at the peer after all that was sent before it, unless the way there is cut."""
        direction, loop = self.direction, self.network.loop
        if direction.cut and not self._stalled:
            self._fault("partition")
            self._stalled = True
        if self._stalled or self.peer is None:
            return
        begins = max(loop.time(), self._free_at)
        self._free_at = begins + size / direction.rate
        # Ever so little later than what came before it, whatever the jitter: a stream has an order.
        arrives = self._free_at + direction.delay + self.network.random.random() * direction.jitter
        self._free_at = max(self._free_at, arrives - direction.delay)
        loop.call_at(arrives, self._delivered, size, deliver, context=self.peer.context)

    def _delivered(self, size: int, deliver: "Callable[[End], None]") -> None:
        peer = self.peer
        assert peer is not None
        self._on_the_way -= size
        if not self._stalled and not peer._lost:
            deliver(peer)
        if self._writing_paused and self._on_the_way < WINDOW // 4 and self._protocol is not None:
            self._writing_paused = False
            if self.process.alive:
                self.context.run(self._protocol.resume_writing)

    def _fault(self, name: str) -> None:
        self.network.faults[name] += 1
        self.network.seen(f"{self.name} {name}", b"")


def _status(data: bytes) -> int:
    """The status of the answer that begins with these bytes; 0 where they are none, or were damaged."""
    return int(data[9:12]) if data.startswith(b"HTTP/1.1 ") and data[9:12].isdigit() else 0


class _Answer(asyncio.Protocol):
    """Waits for the status of one answer; 0 where there is none."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(90, self._tell, 0)

    def data_received(self, data: bytes) -> None:
        self._tell(_status(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell(0)

    def _tell(self, status: int) -> None:
        if not self.status.done():
            self.status.set_result(status)


class Connector(BaseConnector):
    """The HTTP client's way into the simulated network."""

    def __init__(self, network: Network, process: Process, context: Context, **options: Any) -> None:
        super().__init__(**options)
        self._network = network
        self._process = process
        self._context = context

    async def _create_connection(self, req: ClientRequest, traces: Any, timeout: ClientTimeout) -> ResponseHandler:
        assert req.url.port is not None
        try:
            async with ceil_timeout(timeout.sock_connect, ceil_threshold=timeout.ceil_threshold):
                return await self._network.connect(self._process, req.url.port, self._factory, self._context)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
            raise ClientConnectorError(req.connection_key, error) from error
