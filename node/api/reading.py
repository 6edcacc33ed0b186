"""Reading the directory: questions, lists of a kind, and single records, in every format that has words for them.

Rules:

- a list is a question whose kind the path says; all that is shown goes through one `Reader`
- JSON comes in pages; a format that has none (a calendar, a map, a table) comes whole, up to `MOST_EXPORTED` records
  and `LARGEST_EXPORT` bytes of them; one at a time for the public, and one for those with a token, as it takes memory
- the bundle holds what authors signed: anybody can check it without this node ('bra verify')
"""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from node.api import answers
from node.api.access import Budget
from node.api.directory import Directory
from node.api.endpoint import JSON, PREFIX, Call, Endpoint, Gives, Schema
from node.api.refusals import Refused
from node.api.role import Role
from node.directory import companions
from node.directory.reader import Reader
from node.directory.search import Found, Question, search
from node.exports import FORMATS, Collection, Format, Shown
from node.federation import sending
from node.protocol import names

MOST_EXPORTED = 10_000
"""Records of an answer that has no pages."""
LARGEST_EXPORT = 32_000_000
"""Bytes of these records, as JSON."""
LARGEST_PAGE = 8_000_000
"""Bytes of a page: more is asked for in several."""
_PAGE_EXPORTED = 1_000
_SIGNED_AT_ONCE = 500

RECORD: Schema = {"$ref": "#/components/schemas/Record"}
PAGE: Schema = {"$ref": "#/components/schemas/Page"}
CONDITIONAL = {
    "If-None-Match": "the ETag of what you have: 304 says that it is still the same",
    "Accept-Language": "the languages that you like best, for formats that hold one",
}


class Reading:
    """GET of all there is to see."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._exporting = {public: asyncio.Semaphore(1) for public in (True, False)}

    def endpoints(self) -> list[Endpoint]:
        pages = {200: Gives("records, the best first", {**_media(), JSON: PAGE}, ("ETag", "Link")), 304: _SAME}
        one = {200: Gives("the record", {**_media(), JSON: RECORD}, ("ETag",)), 304: _SAME}
        get = partial(Endpoint, "GET", formats=tuple(FORMATS), headers=CONDITIONAL)
        ask = partial(get, serve=self._many, gives=pages, query=Question, budget=Budget.SEARCH)
        return [
            ask("/search", "search", "Ask the whole directory", description=_QUESTIONS),
            ask("/{kind}", "list", "Every {kind}, or those you ask for", description=_QUESTIONS),
            get("/{kind}/{author}/{id}", "one", "One {kind}", serve=self.one, gives=one),
        ]

    async def one(self, call: Call) -> web.StreamResponse:
        author, id_ = names.parse_node_id(call.path("author")), names.parse_record_id(call.path("id"))
        form = _form(call, [call.path("kind")])
        record = await self._directory.record(call.caller, call.path("kind"), author, id_)
        if form.media_type == JSON:
            return answers.json(call, record, version=record["version"])
        return await self._exported(call, form, [record], record["kind"], version=record["version"])

    async def _many(self, call: Call) -> web.StreamResponse:
        question: Question = call.query
        form = _form(call, question.kind)
        reader = self._directory.reader(call.caller)
        if form.media_type != JSON:
            async with self._exporting[call.caller.role is Role.PUBLIC]:
                records = await self._everything(call, question)
                return await self._exported(call, form, records, question.kind[0] if len(question.kind) == 1 else "")
        page, data, tag = await self._directory.ask(call.caller, partial(_page, reader=reader, question=question))
        next_page = call.request.rel_url.update_query(after=page.cursor) if page.cursor else None
        link = {"Link": f'<{next_page.raw_path_qs}>; rel="next"'} if next_page else {}
        return answers.body(call, data, JSON, tag=tag, headers=link)

    async def _everything(self, call: Call, question: Question) -> list[dict[str, Any]]:
        """The records of all pages; Refused with 400 where there are too many for one answer."""
        records: list[dict[str, Any]] = []
        reader, size = self._directory.reader(call.caller), 0
        page = question.model_copy(update={"limit": _PAGE_EXPORTED, "facets": False, "explain": False})
        while True:
            found, more = await self._directory.ask(call.caller, partial(_measured, reader=reader, question=page))
            records += found.records
            size += more
            if size > LARGEST_EXPORT:
                most = LARGEST_EXPORT // 1_000_000
                raise Refused(f"more than {most} MB of records: ask for fewer, by place, kind or time", 400)
            if not found.cursor:
                return records
            if len(records) >= MOST_EXPORTED:
                raise Refused(f"more than {MOST_EXPORTED} records: ask for fewer, by place, kind or time", 400)
            page = page.model_copy(update={"after": found.cursor})

    async def _exported(
        self, call: Call, form: Format, records: Sequence[Shown], kind: str, *, version: str = ""
    ) -> web.StreamResponse:
        said = [record for record in records if record["kind"] in form.kinds]
        reader = self._directory.reader(call.caller)
        venues = await self._directory.ask(call.caller, partial(companions.venues_of, reader=reader, records=said))
        if form.extension == "csv" and call.caller.role is Role.OPERATOR:
            # The publisher's own names: with them the table can be published again.
            refs = await self._directory.ask(call.caller, partial(companions.own_names, kind=kind))
            own = {record["id"] for record in said if record["author"] == reader.me} & refs.keys()
            said = [{**record, "ref": refs[record["id"]]} if record["id"] in own else record for record in said]
        if form.signed:
            said = await self._signed(call, said)
            if version and not said:
                raise Refused("this record never leaves this node: there is nothing signed to show", 404)
        about = Collection(
            title="Business Roaming Agreement" + (f": {kind.replace('_', ' ')}" if kind else ""),
            kind=kind,
            url=f"{self._directory.url}{call.request.path}" if self._directory.url else "",
            languages=answers.languages(call.request),
            venues=venues,
            link=self._link,
        )

        def written() -> tuple[bytes, str]:
            data = b"".join(form.write(said, about))
            return data, answers.etag(data, version)

        data, tag = await asyncio.to_thread(written)
        return answers.body(call, data, form.media_type, tag=tag)

    async def _signed(self, call: Call, records: Sequence[Shown]) -> list[Shown]:
        """What proves each of these records, some at a time: a proof takes longer than a record."""
        found: list[Shown] = []
        for start in range(0, len(records), _SIGNED_AT_ONCE):
            shown = records[start : start + _SIGNED_AT_ONCE]
            job = partial(sending.signed_values, trees=self._directory.trees, shown=shown)
            found += await self._directory.ask(call.caller, job)
        return found

    def _link(self, record: Shown) -> str:
        return f"{self._directory.url}{PREFIX}/{record['kind']}/{record['author']}/{record['id']}"


def _page(db: sqlite3.Connection, *, reader: Reader, question: Question) -> tuple[Found, bytes, str]:
    """A page of an answer, its bytes as they are sent, and their ETag."""
    found = search(db, reader, question)
    data = orjson.dumps(found.as_value())
    if len(data) > LARGEST_PAGE:
        sentence = f"this page would have more than {LARGEST_PAGE // 1_000_000} MB: ask for fewer records a page"
        raise Refused.fields([("limit", sentence)], 400)
    return found, data, answers.etag(data)


def _measured(db: sqlite3.Connection, *, reader: Reader, question: Question) -> tuple[Found, int]:
    """A page of an answer, and the bytes of its records."""
    found = search(db, reader, question)
    return found, len(orjson.dumps(found.records))


_SAME = Gives("it is what you have already")
_QUESTIONS = (
    "Words are forgiving: accents, small slips and beginnings are understood. A place is a city or a point; times are "
    "a place's own, unless an offset says otherwise. `understood` in the answer tells what was made of the question."
)


def _media() -> dict[str, Schema]:
    """The schema of each format's answers, as far as JSON Schema can say it."""
    objects = ("application/json", "application/ld+json", "application/geo+json")
    return {
        each.media_type: {"type": "object"} if each.media_type in objects else {"type": "string"}
        for each in FORMATS.values()
    }


def _form(call: Call, kinds: Iterable[str]) -> Format:
    """The format to answer in: one that has words for one of the kinds at least."""
    asked = frozenset(kinds)
    return answers.preferred(call, [form for form in FORMATS.values() if not asked or asked & form.kinds])
