"""Connections that nobody uses are closed; those with a request under way are not."""

import asyncio

import aiohttp
from aiohttp import web

from node.federation.connections import Connections


class Line:
    """A connection as the sweep sees it."""

    def __init__(self) -> None:
        self.closed = False

    def force_close(self) -> None:
        self.closed = True


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_a_connection_without_a_request_is_closed_after_its_time() -> None:
    clock, line = Hands(), Line()
    connections = Connections(most=10, idle_seconds=60, clock=clock)
    for clock.time in (0, 30, 59):
        connections.sweep([line])
        assert not line.closed
    clock.time = 60
    connections.sweep([line])
    assert line.closed


def test_beyond_the_cap_the_longest_idle_make_room() -> None:
    clock = Hands()
    connections = Connections(most=2, idle_seconds=60, clock=clock)
    lines = []
    for clock.time in range(4):
        lines.append(Line())
        connections.sweep([line for line in lines if not line.closed])
    assert [line.closed for line in lines] == [True, True, False, False]


async def test_a_long_wait_keeps_its_connection_and_half_a_request_does_not() -> None:
    clock = Hands()
    connections = Connections(most=10, idle_seconds=60, clock=clock)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        arrived.set()
        await go_on.wait()
        return web.Response(text="news")

    app = web.Application(middlewares=[connections.middleware()])
    app.add_routes([web.get("/", wait)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTT")
    async with aiohttp.ClientSession() as http:
        answer = asyncio.create_task(http.get(f"http://127.0.0.1:{port}/"))
        await arrived.wait()
        assert runner.server is not None
        connections.sweep(runner.server.connections)
        clock.time = 61
        connections.sweep(runner.server.connections)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        go_on.set()
        assert await (await answer).text() == "news"
    writer.close()
    await runner.cleanup()
