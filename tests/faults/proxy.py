"""A relay on loopback in front of one node, which breaks what passes as it is told, each direction for itself.

    proxy = Proxy(node.port)
    proxy.break_(answers=Cut(700))      # connections that are open already, and new ones
    proxy.hits                          # how often a fault has struck since
    proxy.mend()                        # what was held back goes on

Bytes are counted in each direction of each connection, from when the fault began.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is reset after so many bytes."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """After so many bytes nothing passes, and nobody is told. `lost`: that connection stays dead after mending."""

    after: int = 0
    lost: bool = False


@dataclass(frozen=True, slots=True)
class HalfClose:
    """This direction ends after so many bytes, in good order; the other one goes on."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Throttle:
    """So many bytes a second."""

    rate: int = 1024


@dataclass(frozen=True, slots=True)
class Corrupt:
    """One byte in so many is another."""

    every: int


@dataclass(frozen=True, slots=True)
class Delay:
    """What passes comes so many seconds later."""

    seconds: float


Fault = Cut | Stall | HalfClose | Throttle | Corrupt | Delay


class _Broken(Exception):
    """The connection is to be reset."""


class _Dead(Exception):
    """Nothing passes in this direction any more; `told`: the other side is to see its end."""

    def __init__(self, *, told: bool) -> None:
        self.told = told


@dataclass(slots=True)
class _Way:
    """One direction: the fault that it has now, and how to wait for another."""

    fault: Fault | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """Relays to `target`, a port of this machine, in a thread of its own."""

    def __init__(self, target: int) -> None:
        self.hits = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._requests, self._answers = _Way(), _Way()
        # The event loop holds its tasks weakly, and one that waits for bytes is held by nobody else.
        self._relays: set[asyncio.Task[None]] = set()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._begin, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def break_(self, *, requests: Fault | None = None, answers: Fault | None = None) -> None:
        """From now on, what goes to the node and what comes from it passes with these faults."""
        self._call(lambda: self._switch(requests, answers))

    def mend(self) -> None:
        self._call(lambda: self._switch(None, None))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Callable[[], None]) -> None:
        """Does it in the relay's thread, and waits until it is done."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (work(), done.set()))
        assert done.wait(10), "the proxy does not answer"

    def _switch(self, requests: Fault | None, answers: Fault | None) -> None:
        self.hits = 0
        for way, fault in ((self._requests, requests), (self._answers, answers)):
            way.fault = fault
            way.changed.set()
            way.changed = asyncio.Event()

    async def _end(self) -> None:
        self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay = self._loop.create_task(self._relay(reader, writer))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(back)
            await asyncio.gather(self._pass(reader, back, self._requests), self._pass(there, writer, self._answers))
        except (OSError, _Broken):
            for each in writers:
                _reset(each)
        finally:
            for each in writers:
                each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Way) -> None:
        """Passes one direction on until it ends."""
        began, passed, told = way.fault, 0, True
        try:
            while data := await reader.read(PIECE):
                while data:
                    if way.fault is not began:
                        began, passed = way.fault, 0
                    sent = await self._send(data, passed, writer, way)
                    passed += sent
                    data = data[sent:]
        except _Dead as dead:
            told = dead.told
        if told and not writer.transport.is_closing():
            writer.write_eof()
        while await reader.read(PIECE):
            pass

    async def _send(self, data: bytes, passed: int, writer: asyncio.StreamWriter, way: _Way) -> int:
        """Sends what may pass of `data`, as it may pass; how many bytes are dealt with."""
        match way.fault:
            case Cut(after) | Stall(after) | HalfClose(after) if len(data) > after - passed:
                if passed >= after:
                    return await self._stop(way)
                data = data[: after - passed]
            case Throttle(rate):
                self.hits += 1
                data = data[: max(1, rate // 10)]
                await asyncio.sleep(len(data) / rate)
            case Delay(seconds):
                self.hits += 1
                await asyncio.sleep(seconds)
            case Corrupt(every):
                data = self._corrupted(data, passed, every)
        writer.write(data)
        await writer.drain()
        return len(data)

    async def _stop(self, way: _Way) -> int:
        """What happens where a fault lets nothing more pass."""
        self.hits += 1
        match way.fault:
            case Stall(lost=False):
                await way.changed.wait()
                return 0
            case Stall():
                raise _Dead(told=False)
            case HalfClose():
                raise _Dead(told=True)
        raise _Broken

    def _corrupted(self, data: bytes, passed: int, every: int) -> bytes:
        altered = bytearray(data)
        for place in range(every - 1 - passed % every, len(altered), every):
            altered[place] ^= 0x55
            self.hits += 1
        return bytes(altered)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection the hard way: the other side gets ECONNRESET instead of an end."""
    if found := writer.get_extra_info("socket"):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
