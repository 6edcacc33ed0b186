"""A refusal over HTTP: problem details (RFC 9457), with one sentence that says what to do next."""

import json

from aiohttp import web

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
