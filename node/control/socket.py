"""The control socket: how commands reach the node that serves their home.

A Unix socket in the home that only its owner may open (0600): whoever can open it could as well read the key.
One operation a request: parameters as a JSON object in; out, one JSON object a line: `{"progress": …}` as it comes,
then `{"result": …}` or `{"error": "a sentence"}`.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import orjson
import structlog
from aiohttp import web

from node.control.operations import Operations
from node.control.parts import Report, unreported
from node.errors import BraError
from node.home import Home

log = structlog.get_logger()

_LONGEST_REQUEST = 256 * 1024 * 1024
"""Bytes: a spreadsheet of 50,000 rows, as JSON. The caller is the operator."""


class NotServing(BraError):
    """No node serves this home."""


@asynccontextmanager
async def listening(home: Home, operations: Operations) -> AsyncIterator[None]:
    """Answers commands while the context lasts."""
    app = web.Application(client_max_size=_LONGEST_REQUEST)
    app.add_routes([web.post("/operate/{name}", partial(_answer, operations=operations))])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        with home.short_socket() as name:
            # A socket left by a process that was killed: the home's lock says that nobody uses it.
            home.socket.unlink(missing_ok=True)
            mask = os.umask(0o177)
            try:
                await web.UnixSite(runner, name).start()
            finally:
                os.umask(mask)
        yield
    finally:
        await runner.cleanup()
        home.socket.unlink(missing_ok=True)


async def call(home: Home, name: str, parameters: dict[str, Any], report: Report = unreported) -> dict[str, Any]:
    """The result of an operation of the node that serves this home; NotServing where none does."""
    try:
        with home.short_socket() as path:
            connector = aiohttp.UnixConnector(path)
            timeout = aiohttp.ClientTimeout(total=None)
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=2**26) as http,
                http.post(f"http://node/operate/{name}", data=orjson.dumps(parameters)) as response,
            ):
                return await _result(response, report)
    except (aiohttp.ClientConnectorError, FileNotFoundError) as error:
        raise NotServing("no node serves this home") from error
    except aiohttp.ClientError as error:
        raise BraError("the node stopped in the middle: look at its log, and try again") from error


async def _result(response: aiohttp.ClientResponse, report: Report) -> dict[str, Any]:
    buffer = bytearray()
    async for chunk in response.content.iter_any():
        buffer += chunk
        if b"\n" not in chunk:
            continue
        *lines, rest = buffer.split(b"\n")
        buffer = bytearray(rest)
        for line in lines:
            message = orjson.loads(line)
            if "progress" in message:
                report(message["progress"])
            elif "error" in message:
                raise BraError(message["error"])
            else:
                result: dict[str, Any] = message["result"]
                return result
    raise BraError("the node stopped in the middle: look at its log, and try again")


async def _answer(request: web.Request, operations: Operations) -> web.StreamResponse:
    parameters = orjson.loads(await request.read() or b"{}")
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    waiting: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    async def work() -> dict[str, Any]:
        try:
            return {"result": await operations.run(request.match_info["name"], parameters, _to(waiting))}
        except BraError as error:
            return {"error": str(error)}
        except Exception:
            log.exception("operation failed", operation=request.match_info["name"])
            return {"error": "the node met an error of its own: see its log"}
        finally:
            waiting.put_nowait(None)

    task = asyncio.create_task(work())
    try:
        while (piece := await waiting.get()) is not None:
            await response.write(orjson.dumps({"progress": piece}) + b"\n")
        await response.write(orjson.dumps(await task) + b"\n")
    except ConnectionError:
        # The command was ended; what it asked for goes on, and its result is nobody's.
        with contextlib.suppress(BraError):
            await task
    return response


def _to(waiting: "asyncio.Queue[dict[str, Any] | None]") -> Report:
    return waiting.put_nowait
