"""An endpoint of the members' API, declared once: what it takes, what it gives, and who may call it.

Rules:

- the OpenAPI document is read off the very objects that answer (see `openapi`), so that they can't part
- query and body are checked before the handler runs; what is wrong is named field by field, with what to write
- an unknown query parameter is refused: a misspelt filter would silently show everything
- what is wrong on this machine is told to its log alone

    Endpoint(
        "GET", "/{kind}/{author}/{id}", "record", "One record", serve=self.one, gives={200: ("the record", RECORD)}
    )
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from node import kinds
from node.api.access import Access, Budget, Caller
from node.api.refusals import Refused
from node.api.role import Role
from node.errors import BraError, InputError, Malformed, ProtocolError
from node.kinds import sentences
from node.problem import problem
from node.protocol.canonical import decode_loose
from node.sentence import said

log = structlog.get_logger()

PREFIX = "/api/v1"

JSON = "application/json"

BODY_SECONDS = 600.0
"""In which a body has to come, also a large one by a slow line: whoever may send it is known."""

Q = TypeVar("Q", bound=BaseModel)

Schema = Mapping[str, Any]

_PLACE = re.compile(r"\{(\w+)\}")


class Query(BaseModel):
    """The query parameters of an endpoint, each a field with its description. This one takes none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Takes:
    """The body of a request: its media types, the schema that a JSON one has, and the most bytes it may have."""

    description: str
    media: tuple[str, ...] = (JSON,)
    schema: Schema = field(default_factory=dict)
    most: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Gives:
    """An answer: what it is, and the schema of each media type it comes in (none: no body)."""

    description: str
    media: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in: who asks, its checked query, and its body (a JSON value, or bytes)."""

    request: web.Request
    caller: Caller
    query: Any
    body: Any = None

    def path(self, name: str) -> str:
        """What stands at `{name}` in the path; empty where the endpoint has none."""
        return self.request.match_info.get(name, "")


Serve = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path under `/api/v1`. `name` is its operation's id; `role` is the least that may call it."""

    method: str
    path: str
    name: str
    summary: str
    serve: Serve
    gives: Mapping[int, Gives]
    query: type[BaseModel] = Query
    takes: Takes | None = None
    role: Role = Role.PUBLIC
    budget: Budget = Budget.READ
    headers: Mapping[str, str] = field(default_factory=dict)
    """The request's headers that it looks at, each with what it is for."""
    formats: tuple[str, ...] = ()
    """Extensions: with any, the path may also end with '.' and one of them. Such an address is a feed."""
    refuses: tuple[int, ...] = ()
    """Statuses of refusals that don't follow from what it takes."""
    tag: str = "directory"
    description: str = ""

    def routes(self, access: Access) -> Iterator[web.RouteDef]:
        """The endpoint as aiohttp serves it."""
        path = PREFIX + _PLACE.sub(r"{\1:[^{}/.]+}", self.path.replace("{kind}", f"{{kind:{'|'.join(kinds.KINDS)}}}"))
        if self.formats:
            yield web.route(self.method, f"{path}.{{format}}", self._answering(access, feed=True))
        yield web.route(self.method, path, self._answering(access, feed=False))

    @property
    def parameters(self) -> Mapping[str, Schema]:
        """The query parameters, by their names: those of the model but the ones that the path says."""
        found = query_schema(self.query).get("properties", {})
        return {name: schema for name, schema in found.items() if f"{{{name}}}" not in self.path}

    def _answering(self, access: Access, *, feed: bool) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                caller = await access.admit(request, self.role, self.budget, feed=feed)
                query = self._query(request, ignored=("token",) if feed else ())
                return await self.serve(Call(request, caller, query, await self._body(request)))
            except Refused as error:
                return problem(error.status, str(error), faults=error.faults, headers=error.headers)
            except (InputError, ProtocolError) as error:
                at = getattr(error, "field", None)
                return problem(400, str(error), faults=[(at, str(error))] if at else ())
            except BraError as error:
                log.error("request failed", call=request.path, problem=str(error))
                return problem(503, "this node can't answer now: try again later")

        return answer

    def _query(self, request: web.Request, ignored: tuple[str, ...]) -> BaseModel:
        given = {name: request.query.getall(name) for name in request.query if name not in ignored}
        known = self.parameters
        for name in given.keys() - known.keys():
            there = f"known here: {', '.join(known)}" if known else "none is known here"
            raise Refused.fields([(name[:64], f"the query parameter is not known; {there}")], 400)
        texts = {name: given[name] for name in given.keys() & known.keys()}
        if kind := request.match_info.get("kind"):
            texts |= {"kind": [kind]} if "kind" in self.query.model_fields else {}
        return parse_query(self.query, texts)

    async def _body(self, request: web.Request) -> Any:
        takes = self.takes
        if takes is None:
            return None
        if request.content_type not in takes.media:
            raise Refused(f"the body is sent as {' or '.join(takes.media)}: say so in Content-Type", 415)
        data = await _read(request, takes.most)
        if request.content_type != JSON:
            return data
        try:
            return decode_loose(data)
        except Malformed as error:
            raise Refused(f"the body can't be read: {error}", 400) from error


async def _read(request: web.Request, most: int) -> bytes:
    """The body; refused beyond `most` bytes, before they are read where their number is told."""
    if request.content_length is not None and request.content_length > most:
        raise _too_large(most)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("a compressed body is not taken: send it as it is", 415)
    async with in_time(BODY_SECONDS):
        return await read_at_most(request, most)


async def read_at_most(request: web.Request, most: int) -> bytes:
    """What was sent, as it is; Refused beyond `most` bytes."""
    data = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) > most:
            raise _too_large(most)
    return bytes(data)


def _too_large(most: int) -> Refused:
    return Refused(said("this is more than {most} bytes: send less at once", most=most), 413)


@asynccontextmanager
async def in_time(seconds: float | None) -> AsyncIterator[None]:
    """Refused where what is read while this lasts comes too slowly: one trickle after another would hold up a node."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Refused(said("this did not come in time: send it again, or less at once"), 408) from error


def parse_query(model: type[Q], texts: Mapping[str, list[str]]) -> Q:
    """The query parameters as `model` has them; Refused with 400, naming each parameter that is wrong."""
    given: dict[str, Any] = {}
    for name, values in texts.items():
        if "array" in str(query_schema(model)["properties"][name].get("type")):
            given[name] = values
        elif len(values) > 1:
            raise Refused.fields([(name, said("given twice: give it once"))], 400)
        else:
            given[name] = values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused.fields([*sentences.of(query_schema(model), error)], 400) from error


@lru_cache(64)
def query_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a query, from which the document and the sentences of its faults come."""
    return model.model_json_schema()
