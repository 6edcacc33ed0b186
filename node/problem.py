"""A refusal over HTTP: problem details (RFC 9457), with one sentence that says what to do next."""

import json
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

log = structlog.get_logger()

_TITLES = {
    400: "Malformed request",
    401: "Signature refused",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Moved on",
    410: "Foreign cursor",
    413: "Too large",
    421: "Called elsewhere",
    429: "Too many requests",
    500: "Internal error",
    503: "Overloaded",
}


def problem(status: int, sentence: str) -> web.Response:
    """The answer that says no."""
    body = {"title": _TITLES.get(status, "Refused"), "status": status, "detail": sentence}
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/problem+json")


@web.middleware
async def plain_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whatever went wrong, the caller gets one sentence, and a bug shows in the log alone."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem(error.status, f"{request.method} {request.path[:200]}: {error.reason.lower()}")
    except ConnectionError:
        # Whoever asked has hung up in the middle of the answer: no bug, and nobody is there to be told.
        raise
    except Exception:
        log.exception("request failed", call=request.path)
        return problem(500, "this node met an error of its own: its operator finds it in the log")
