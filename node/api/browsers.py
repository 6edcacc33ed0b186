"""What browsers and caches are told with every answer of the API, and which other sites' pages may ask.

Rules:

- a page of another site reads nothing (CORS is off), unless its exact origin stands in the configuration. Cookies are
  never allowed with it: a page shows the token that its user gave it
- a preflight (Fetch, "CORS-preflight request") is answered before anybody asks for a token: browsers send none with it
- an answer says itself what it is (nosniff), runs nothing and stands in no frame; where it says nothing of caches, none
  keeps it, and what was given to a token is for its bearer alone, whatever it says
"""

from collections.abc import Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

BELOW = "/api/"

_PAGES_MAY_SEND = "Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since"
_PAGES_MAY_READ = "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate"
_METHODS = "GET, HEAD, POST, PUT, DELETE"
_PREFLIGHT_SECONDS = "600"
_ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_UNLESS_SAID = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store"}


class Browsers:
    """The headers for all that is asked below `BELOW`. `origins`: whose pages may ask, such as https://park.example."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a browser that asks whether a page may ask; None for any other request."""
        wanted = "Origin" in request.headers and "Access-Control-Request-Method" in request.headers
        if request.method != "OPTIONS" or not wanted or not self._origins or not _ours(request):
            return None
        answer = web.Response(status=204)
        if request.headers["Origin"] in self._origins:
            answer.headers["Access-Control-Allow-Methods"] = _METHODS
            answer.headers["Access-Control-Allow-Headers"] = _PAGES_MAY_SEND
            answer.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
        return answer

    def middleware(self) -> Middleware:
        @web.middleware
        async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
            return self.preflight(request) or await handler(request)

        return answered

    def tell(self, request: web.Request, response: web.StreamResponse, *, public: bool) -> None:
        """Puts the headers on an answer that is about to be sent. `public`: everybody gets the same."""
        if not _ours(request):
            return
        headers = response.headers
        headers.update(_ALWAYS)
        for name, value in _UNLESS_SAID.items():
            headers.setdefault(name, value)
        if not public and not {"private", "no-store"} & _listed(headers["Cache-Control"]):
            # How long its bearer may keep it stays as it was said.
            headers["Cache-Control"] = ", ".join(["private", *sorted(_listed(headers["Cache-Control"]) - {"public"})])
        _vary(response, "Authorization")
        if self._origins:
            _vary(response, "Origin")
            if (origin := request.headers.get("Origin")) in self._origins:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = _PAGES_MAY_READ


def _ours(request: web.Request) -> bool:
    return request.path.startswith(BELOW)


def _vary(response: web.StreamResponse, name: str) -> None:
    said = response.headers.get("Vary", "")
    if name.lower() not in _listed(said):
        response.headers["Vary"] = f"{said}, {name}" if said else name


def _listed(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(",")}
