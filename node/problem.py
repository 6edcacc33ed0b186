"""A refusal over HTTP: problem details (RFC 9457), with one sentence that says what to do next."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web

log = structlog.get_logger()

PROBLEM = "application/problem+json"

_TITLES = {
    400: "Malformed request",
    401: "Signature refused",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "No such format",
    409: "Moved on",
    410: "Foreign cursor",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not understood",
    421: "Called elsewhere",
    422: "Not publishable",
    428: "Version needed",
    429: "Too many requests",
    500: "Internal error",
    503: "Overloaded",
}


def problem(
    status: int,
    sentence: str,
    *,
    faults: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    title: str | None = None,
) -> web.Response:
    """The answer that says no. `faults`: (field, sentence) of each field that was wrong."""
    body: dict[str, Any] = {"title": title or _TITLES.get(status, "Refused"), "status": status, "detail": sentence}
    if faults:
        body["errors"] = [{"field": field, "detail": each} for field, each in faults]
    return web.Response(status=status, body=json.dumps(body).encode(), content_type=PROBLEM, headers=headers)


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
        # A method that isn't there is answered with those that are (RFC 9110, 15.5.6).
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        where = f"{request.method} {request.path[:200]}"
        if error.status == 404:
            return problem(404, f"{where}: not found: the page at /api lists what this node answers")
        return problem(error.status, f"{where}: {error.reason.lower()}", headers=allowed)
    except ConnectionError:
        # Whoever asked has hung up in the middle of the answer: no bug, and nobody is there to be told.
        raise
    except Exception:
        # The pattern of the path: what stands in its places may be the secret of a link.
        resource = request.match_info.route.resource
        log.exception("request failed", call=resource.canonical if resource else request.path[:200])
        return problem(500, "this node met an error of its own: its operator finds it in the log")
