"""A page for people, declared once: its address, what it shows, what its forms do, and who may see it.

Rules:

- a page shows what the visitor's role may see, out of the visitor's budget, as the API does (see `api.access`)
- GET changes nothing. What a form sends (POST) counts only from this visitor's own page (see `sessions`), and is
  answered by another page (303), so that going back or reloading does nothing twice
- what is wrong with a form is said above it, with everything that was typed still in it
- htmx asks for a part of a page: the block of its template that is named like the element to be replaced
- whoever may not see a page without logging in is asked to, and comes back to it

    Page("/venue/{author}/{id}", show=self.venue)
    Page("/operate/partners", show=self.list, do=self.change, role=Role.OPERATOR)
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import structlog
from aiohttp import BodyPartReader, web
from aiohttp.hdrs import METH_POST
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from node import kinds
from node.api.access import Access, Budget
from node.api.endpoint import BODY_SECONDS, Q, in_time, parse_query, read_at_most
from node.api.refusals import Faults, Refused
from node.api.role import Role
from node.errors import BraError, InputError, ProtocolError
from node.kinds.fields import zones
from node.problem import PROBLEM, problem
from node.sentence import said, without_field
from node.web import assets
from node.web.languages import N_, Language
from node.web.rendering import Rendering
from node.web.sessions import Sessions, Visitor

log = structlog.get_logger()

LARGEST_FORM = 64 * 1024
"""Bytes of a form without a file."""
FORM_SECONDS = 30.0
"""In which it has to come: nobody needs to be known here to send one. One with a file has `BODY_SECONDS`."""
MOST_FIELDS = 200

_HTMX = "HX-Request"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a form brought."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a page: who asks, in which language, and what a form sent (one text a field; of several the last).

    `problem`, `faults`: what was wrong with the form, where the page is shown again because of it.
    """

    request: web.Request
    visitor: Visitor
    language: Language
    form: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)
    problem: str = ""
    faults: Faults = ()

    def path(self, name: str) -> str:
        """What stands at `{name}` in the path."""
        return self.request.match_info[name]

    def query(self, model: type[Q]) -> Q:
        """The address' query as `model` has it, without empty fields; Refused with 400 that names what is wrong."""
        known = model.model_fields
        aliases = {each.alias for each in known.values() if each.alias}
        given = self.request.query
        texts = {
            name: values
            for name in dict.fromkeys(given)
            if (name in known or name in aliases) and (values := [each for each in given.getall(name) if each.strip()])
        }
        return parse_query(model, texts)

    @property
    def zone(self) -> str:
        """The visitor's own time zone, as the address says it or else the browser; empty where neither does."""
        told = self.request.query.get("zone") or self.request.cookies.get("zone", "")
        return told if told in zones() else ""

    @property
    def origin(self) -> str:
        """Where this node was asked, such as https://node.park.example; Refused with 400 where that is no address."""
        try:
            return str(self.request.url.origin())
        except ValueError as error:
            raise Refused(said("the Host header holds no address: call this node by its own"), 400) from error

    def wrong(self, error: BraError) -> "Asked":
        """The same with what was wrong with it, for the page that is shown again."""
        if at := getattr(error, "field", None):
            fault = without_field(str(error))
            return replace(self, problem=fault, faults=((at, fault),))
        return replace(self, problem=str(error), faults=getattr(error, "faults", ()))

    @property
    def done(self) -> str:
        """What was done just now, by the word that the page itself put into the address; else empty."""
        return self.request.query.get("done", "")[:32]


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: a template and its values. `parts`: the blocks that htmx may ask for alone."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    parts: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = View | web.StreamResponse
Show = Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Page:
    """One address. `show` answers GET, `do` POST; `role`: the least that may see it.

    `file`: bytes that a form may bring; `camera`: whether the page may ask for the camera.
    """

    path: str
    show: Show | None = None
    do: Show | None = None
    role: Role = Role.PUBLIC
    budget: Budget = Budget.READ
    file: int = 0
    camera: bool = False


def see(path: str, **query: str) -> web.Response:
    """Go on at another page of this node: the answer to a form."""
    return web.Response(status=303, headers={"Location": f"{path}?{urlencode(query)}" if query else path})


def record_path(kind: str, author: str, id_: str) -> str:
    """The page of a record."""
    return f"/{kind}/{author}/{id_}"


class Pages:
    """The pages as aiohttp serves them."""

    def __init__(
        self, sessions: Sessions, access: Access, owner: Callable[[], Awaitable[str]], pages: Sequence[Page]
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._owner = owner
        self._rendering = Rendering()
        self._pages = pages

    def routes(self) -> Iterator[web.RouteDef]:
        for page in self._pages:
            path = page.path.replace("{kind}", f"{{kind:{'|'.join(kinds.KINDS)}}}")
            if page.show is not None:
                yield web.get(path, self._answering(page, page.show))
            if page.do is not None:
                yield web.post(path, self._answering(page, page.do))

    def middleware(self) -> Middleware:
        """Around `plain_errors`: what it tells a program, of an address or a bug, a person is told on a page."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = await handler(request)
            if given.content_type != PROBLEM or not _is_a_persons(request):
                return given
            try:
                asked = Asked(request, await self._sessions.visitor(request), Language.of(request))
                sentence = _SENTENCES.get(given.status, _NO_ANSWER)
                return await self._wrong(asked, given.status, sentence, given.headers)
            except Exception:
                # What was wrong may be wrong for this page, too.
                log.exception("no page for what was wrong", status=given.status)
                return given

        return answer

    def _answering(self, page: Page, serve: Show) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                asked = Asked(request, await self._sessions.visitor(request), Language.of(request))
                return await self._answer(asked, page, serve)
            except BraError as error:
                # Not even a page that says so can be made: who asks, and whose node this is, can't be looked up.
                log.error("no page", page=page.path, problem=str(error))
                return problem(503, "this node can't answer now: try again later")

        return answer

    async def _answer(self, asked: Asked, page: Page, serve: Show) -> web.StreamResponse:
        request = asked.request
        try:
            budget = Budget.WRITE if request.method == METH_POST and asked.visitor.logged_in else page.budget
            self._access.spend(asked.visitor.caller, request, budget)
            self._access.require(asked.visitor.caller, page.role)
            if request.method == METH_POST:
                asked = await self._with_form(asked, page)
            given = await serve(asked)
        except Refused as error:
            if error.status == 401:
                return _log_in(request, request.path_qs if page.show else "/")
            if asked.form and error.status in (400, 409, 412, 422) and page.show:
                return await self._again(page, page.show, asked, error)
            return await self._wrong(asked, error.status, str(error), error.headers)
        except (InputError, ProtocolError) as error:
            if asked.form and page.show:
                return await self._again(page, page.show, asked, error)
            return await self._wrong(asked, 400, str(error))
        except BraError as error:
            log.error("page failed", page=page.path, problem=str(error))
            return await self._wrong(asked, 503, N_("this node can't answer now: try again later"))
        return await self._shown(asked, given, page)

    async def _again(self, page: Page, show: Show, asked: Asked, error: BraError) -> web.StreamResponse:
        """The page of a form, with what was wrong, and with what was typed."""
        asked = asked.wrong(error)
        try:
            given = await show(asked)
        except BraError:
            return await self._wrong(asked, 422, str(error))
        if isinstance(given, View) and given.status == 200:
            given = replace(given, status=422)
        return await self._shown(asked, given, page)

    async def _wrong(
        self, asked: Asked, status: int, sentence: str, headers: Mapping[str, str] | None = None
    ) -> web.StreamResponse:
        kept = {name: value for name, value in (headers or {}).items() if name in ("Allow", "Retry-After")}
        return await self._shown(asked, View("wrong.html", {"sentence": sentence}, status, headers=kept), None)

    async def _shown(self, asked: Asked, given: Answer, page: Page | None) -> web.StreamResponse:
        if not isinstance(given, View):
            return given
        part = asked.request.headers.get("HX-Target", "") if _HTMX in asked.request.headers else ""
        values = {"owner": await self._owner(), **given.values}
        part = part if part in given.parts else ""
        html = await asyncio.to_thread(self._rendering.render, asked, given.template, values, part)
        answer = assets.page(html.encode(), status=given.status, forms=True, camera=page is not None and page.camera)
        # The same address shows others other things, and in other languages. Without any referrer a form's own origin
        # would be told as "null".
        kept = "no-store" if asked.visitor.logged_in else "no-cache"
        told = {"Cache-Control": kept, "Vary": _VARY, "Referrer-Policy": "same-origin"}
        answer.headers.update({**told, **given.headers})
        answer.enable_compression()
        return answer

    async def _with_form(self, asked: Asked, page: Page) -> Asked:
        """What the form sent, where it is this visitor's own; Refused where it isn't, or is too large."""
        request = asked.request
        if page.file and request.content_type == "multipart/form-data":
            async with in_time(BODY_SECONDS):
                several, files = await _parts(request, page.file)
        else:
            several, files = await read_form(request, LARGEST_FORM), {}
        form = {name: values[-1] for name, values in several.items()}
        self._sessions.check(request, asked.visitor, form)
        return replace(asked, form=form, several=several, files=files)


_FOR_PROGRAMS = ("/api/", "/assets/", "/federation/", "/.well-known/")
_SENTENCES = {
    404: N_("there is no such page here: search for what you need, or begin at the first page"),
    405: N_("nothing is to be sent to this page: go back, and load the page that you came from again"),
    500: N_("this node met an error of its own: its operator finds it in the log"),
}
_NO_ANSWER = N_("this node can't answer that: go back and try again")


def _is_a_persons(request: web.Request) -> bool:
    """Whether a browser asks for a page: it says that it takes HTML, as no program does that wants anything else."""
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith(_FOR_PROGRAMS)


def _log_in(request: web.Request, back: str) -> web.Response:
    """Asks whoever isn't logged in, or isn't any more, to do that and to come back."""
    path = f"/login?next={quote(back, safe='')}"
    # htmx would show the page for logging in as a part of this one.
    # A cache that takes it for the page itself would send everybody there.
    told = {"HX-Redirect": path, "Cache-Control": "no-store"}
    return web.Response(headers=told) if _HTMX in request.headers else see(path)


_VARY = "Cookie, Accept-Language, HX-Request, HX-Target"
_THE_FORM = said("send the form of this page")


async def read_form(request: web.Request, most: int) -> dict[str, list[str]]:
    """All values of each field of a form without a file; Refused where it is none, too large, or comes too slowly."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refused(_THE_FORM, 415)
    async with in_time(FORM_SECONDS):
        return _fields(await read_at_most(request, most))


def _fields(data: bytes) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise Refused(_THE_FORM, 400) from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        # A browser sends the lines of a text with the ends that networks have (RFC 7578).
        found.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return found


async def _parts(request: web.Request, most: int) -> tuple[dict[str, list[str]], dict[str, Upload]]:
    """The fields and files of a form that brings files, at most `most` bytes in all."""
    fields: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    left = most + LARGEST_FORM
    try:
        reader = await request.multipart()
        for _ in range(MOST_FIELDS + 1):
            part = await reader.next()
            if part is None:
                break
            if not isinstance(part, BodyPartReader) or not part.name:
                raise Refused(_THE_FORM, 400)
            data = bytearray()
            while chunk := await part.read_chunk(64 * 1024):
                data += chunk
                left -= len(chunk)
                if left < 0:
                    size = most // 1_000_000
                    raise Refused(said("the file has more than {size} MB: send a smaller one", size=size), 413)
            if part.filename is not None:
                files[part.name] = Upload(part.filename[:200], bytes(data))
            else:
                fields.setdefault(part.name, []).append(data.decode().replace("\r\n", "\n"))
        else:
            # What came is no whole form: it isn't taken for one.
            raise Refused(said("the form has more than {most} fields: send less at once", most=MOST_FIELDS), 413)
    except (ValueError, AssertionError, HttpProcessingError) as error:
        raise Refused(_THE_FORM, 400) from error
    return fields, {name: each for name, each in files.items() if each.name or each.data}
