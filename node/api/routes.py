"""The members' local API: search, lists and single records as JSON, each with its provenance; and `/healthz`.

Rules:

- whoever asks over HTTP sees public records alone: there are no members' tokens yet
- errors are problem+json with one sentence; unknown query parameters are refused, because a misspelt filter would
  silently show everything
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from node import kinds
from node.directory import views
from node.directory.acceptance import Acceptance
from node.directory.views import PUBLIC, Reader
from node.errors import BraError, InputError, ProtocolError
from node.problem import problem
from node.protocol import names
from node.storage.database import Database
from node.world import World

PREFIX = "/api/v1"
PAGE = 100
QUERY_SECONDS = 2.0
"""Seconds that one question may keep a thread."""


class Api:
    """The routes under `/api/v1`."""

    def __init__(self, database: Database, acceptance: Acceptance, *, world: World) -> None:
        self._database = database
        self._acceptance = acceptance
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", _answering(self._health)),
            web.get(f"{PREFIX}/search", _answering(self._search)),
            web.get(f"{PREFIX}/{{kind}}", _answering(self._list)),
            web.get(f"{PREFIX}/{{kind}}/{{author}}/{{id}}", _answering(self._one)),
        ]

    async def _health(self, request: web.Request) -> web.Response:
        """200 while the database answers."""
        del request
        await self._database.read(lambda db: db.execute("SELECT 1").fetchone())
        return _json({"status": "ok"})

    async def _search(self, request: web.Request) -> web.Response:
        query = _query(request, "q", "limit")
        limit = _limit(query)
        reader = self._reader()
        found = await self._database.query(
            partial(views.search, reader=reader, text=query.get("q", ""), limit=limit), QUERY_SECONDS
        )
        return _json({"records": found})

    async def _list(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        if kind not in kinds.KINDS:
            return problem(404, f"there is no kind {kind[:64]!r}: the kinds are {', '.join(kinds.KINDS)}")
        query = _query(request, "after", "limit")
        page = await self._database.query(
            partial(
                views.listing, reader=self._reader(), kind=kind, after=_number(query, "after", 0), limit=_limit(query)
            ),
            QUERY_SECONDS,
        )
        return _json({"records": page.records, **({"after": page.cursor} if page.cursor else {})})

    async def _one(self, request: web.Request) -> web.Response:
        _query(request)
        kind = names.parse_kind(request.match_info["kind"])
        author = names.parse_node_id(request.match_info["author"])
        id_ = names.parse_record_id(request.match_info["id"])
        found = await self._database.query(
            partial(views.one, reader=self._reader(), kind=kind, author=author, record_id=id_),
            QUERY_SECONDS,
        )
        if found is None:
            return problem(404, f"there is no {kind} {id_} of {author} here that everybody may see")
        return _json(found)

    def _reader(self) -> Reader:
        return Reader.of(self._acceptance, PUBLIC, self._world.now())


def _answering(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (InputError, ProtocolError) as error:
            return problem(400, str(error))
        except BraError:
            return problem(503, "this node can't answer now: try again later")

    return answer


def _query(request: web.Request, *allowed: str) -> dict[str, str]:
    for name in request.query:
        if name not in allowed:
            known = f"known here: {', '.join(allowed)}" if allowed else "none is known here"
            raise InputError(f"the query parameter {name[:64]!r} is not known; {known}")
        if len(request.query.getall(name)) > 1:
            raise InputError(f"the query parameter {name!r} is given twice: give it once")
    return dict(request.query)


def _limit(query: dict[str, str]) -> int:
    return _number(query, "limit", PAGE)


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InputError(f"{name} is a whole number")
    return int(text)


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
