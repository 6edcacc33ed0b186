"""What the routes between nodes have in common: reading a body, an end to the time, answers, and errors as answers.

Rules: a refusal is problem+json (RFC 9457) with one sentence; what is wrong on this machine is told to its log alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web

from node.errors import BraError, Forged, InputError, Malformed, ProtocolError
from node.federation import wire
from node.problem import problem
from node.protocol.canonical import encode

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STREAMING = web.RequestKey("streaming", bool)
"""Set on a request whose answer has begun."""
_WORTH_PACKING = 1024
_LONG = 64 * 1024
"""Bytes beyond which packing would keep the event loop for milliseconds."""


class NotAllowed(BraError):
    """The caller is who it says it is, but may not do this; or too much is going on, for so many seconds perhaps."""

    def __init__(self, sentence: str, status: int, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = None if retry_after is None else {"Retry-After": str(retry_after)}


def answering(handler: Handler, seconds: float) -> Handler:
    """The handler with our errors as answers, and an end to its time."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(seconds):
                return await handler(request)
        except NotAllowed as error:
            return problem(error.status, str(error), headers=error.headers)
        except Forged as error:
            return problem(401, str(error))
        except (ProtocolError, InputError) as error:
            return problem(400, str(error))
        except TimeoutError:
            return _broken_off(request, f"the answer took more than {seconds:.0f} s: ask for less")
        except BraError as error:
            # What is wrong on this machine is its operator's to read, not the caller's.
            log.error("request failed", call=request.path, problem=str(error))
            return _broken_off(request, "this node can't answer now: try again later")

    return answer


def _broken_off(request: web.Request, sentence: str) -> web.Response:
    if STREAMING in request and request.transport is not None:
        # Part of the answer is out: only a connection cut short says that it is not whole.
        request.transport.abort()
    return problem(503, sentence)


async def read_body(request: web.Request, limit: int) -> bytes:
    """The body as it was sent, still compressed; NotAllowed beyond `limit` bytes."""
    chunks: list[bytes] = []
    room = limit
    async for chunk in request.content.iter_chunked(64 * 1024):
        room -= len(chunk)
        if room < 0:
            raise NotAllowed(f"the body has more than {limit} bytes: send less at once", 413)
        chunks.append(chunk)
    return b"".join(chunks)


def number(text: str) -> int:
    """The whole number of a query parameter."""
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise Malformed("expected a whole number")
    return int(text)


def json_answer(value: object) -> web.Response:
    """A JSON value as an answer, compressed."""
    return web.Response(
        body=wire.gzipped(encode(value)), content_type="application/json", headers={"Content-Encoding": "gzip"}
    )


async def ndjson(lines: Sequence[bytes]) -> web.Response:
    """Lines as an answer, compressed where that is worth it, and beside the event loop where it takes long."""
    body = b"".join(b"%b\n" % line for line in lines)
    if len(body) < _WORTH_PACKING:
        return web.Response(body=body, content_type=wire.NDJSON)
    packed = wire.gzipped(body) if len(body) < _LONG else await asyncio.to_thread(wire.gzipped, body)
    return web.Response(body=packed, content_type=wire.NDJSON, headers={"Content-Encoding": "gzip"})
