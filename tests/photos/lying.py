"""Servers of photos that don't do what they should: each answers every request in one way, and counts them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Liar:
    """A server on this machine. `paths`: what it was asked for; `answers` may wait for `go`."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []
        self.go = asyncio.Event()
        self.go.set()


@asynccontextmanager
async def lying(behaviour: Behaviour) -> AsyncIterator[Liar]:
    liar = Liar()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            liar.paths.append(request.split(b" ")[1].decode())
            await liar.go.wait()
            await behaviour(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    liar.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield liar
    finally:
        server.close()


def answer(data: bytes, *, status: str = "200 OK", headers: str = "") -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status.encode(), len(data), headers.encode()))
        writer.write(data)

    return behave


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"\xff\xd8\xff" + bytes(2**16))
        await writer.drain()


async def slow(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"\xff")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)
