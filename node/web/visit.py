"""The page behind a link in a letter: a visit that somebody asks for, and the answer to it.

Rules:

- GET shows, whoever asks: mail scanners open every link. POST decides, once; afterwards GET shows what was decided
- there is no account, so there is no session that another site could ride on: whoever can send the POST has the secret
  of the link, and with it the right to decide. That is why there is no token against forged requests
- each address has the budgets of whoever asks without a token (see `api.access`): one for all, a small one for links
  that are not good. A good one works beside it, so that nobody is shut out by a neighbour
- the secret stands in the address alone: no referrer is sent, nothing is kept by caches, no search engine lists it
- it has no scripts, and needs none
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aiohttp import web

from node.api.access import Access, Budget, Caller
from node.api.refusals import Refused
from node.api.role import Role
from node.errors import BraError, InputError, TooSlow
from node.roaming.links import DECISIONS, PATH, Links, NoLink
from node.roaming.visit import LONGEST_NOTE, Event
from node.sentence import said
from node.web import assets
from node.web.languages import Language
from node.web.page import Asked, read_form
from node.web.rendering import Rendering
from node.web.sessions import Visitor

LARGEST_FORM = 16 * 1024
"""Bytes."""
Serve = Callable[[web.Request], Awaitable[web.Response]]
_ROUTE = f"{PATH}/{{secret:[A-Za-z0-9_-]{{1,64}}}}"


class VisitPage:
    """GET and POST of the page."""

    def __init__(self, links: Links, access: Access) -> None:
        self._links = links
        self._access = access
        self._rendering = Rendering()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_ROUTE, self._within_budget(self._show)), web.post(_ROUTE, self._within_budget(self._decide))]

    def _within_budget(self, serve: Serve) -> Serve:
        async def answer(request: web.Request) -> web.Response:
            try:
                self._access.spend(Caller(Role.PUBLIC), request, Budget.READ)
                return await serve(request)
            except NoLink as error:
                refused = self._access.refused(request, str(error))
                known = refused.status != HTTPStatus.TOO_MANY_REQUESTS
                return await self._told(request, str(error if known else refused), 404 if known else refused.status)
            except Refused as error:
                return await self._told(request, str(error), error.status)
            except BraError:
                return await self._told(request, said("this node can't answer now: try again in a minute"), 503)

        return answer

    async def _show(self, request: web.Request) -> web.Response:
        return await self._page(_asked(request))

    async def _decide(self, request: web.Request) -> web.Response:
        secret, asked = request.match_info["secret"], _asked(request)
        try:
            given = {name: values[-1] for name, values in (await read_form(request, LARGEST_FORM)).items()}
            asked = replace(asked, form=given)
            event = _answer(given.get("answer", ""))
            days = (given.get("first", ""), given.get("last", "") or given.get("first", ""))
            offered = days if event is Event.PROPOSE else None
            await self._links.decide(secret, event, days=offered, note=given.get("note", "").strip())
        except (NoLink, TooSlow):
            raise
        except InputError as error:
            at = "first" if error.field == "days" else ""
            return await self._page(replace(asked, problem=str(error), faults=((at, str(error)),)), status=422)
        raise web.HTTPSeeOther(request.path)

    async def _page(self, asked: Asked, *, status: int = 200) -> web.Response:
        shown = await self._links.look(asked.request.match_info["secret"])
        values = {"visit": shown, "owner": shown["owner"], "longest": LONGEST_NOTE}
        return await self._html(asked, values, status)

    async def _told(self, request: web.Request, sentence: str, status: int) -> web.Response:
        values = {"visit": None, "sentence": sentence, "missing": status == HTTPStatus.NOT_FOUND, "owner": ""}
        return await self._html(_asked(request), values, status)

    async def _html(self, asked: Asked, values: Mapping[str, Any], status: int) -> web.Response:
        html = await asyncio.to_thread(self._rendering.render, asked, "visits/link.html", values)
        answer = assets.page(html.encode(), status=status, forms=True)
        answer.headers.update({"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"})
        return answer


def _asked(request: web.Request) -> Asked:
    """A visitor who has no session, whatever cookies were sent."""
    return Asked(request, Visitor(Caller(Role.PUBLIC)), Language.of(request))


def _answer(text: str) -> Event:
    if text not in DECISIONS:
        raise InputError(said("choose one of the answers"))
    return Event(text)
