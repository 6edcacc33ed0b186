"""Visits over HTTP: members ask and see their own, the desk answers what is asked of this organisation.

Rules:

- whose visits a caller sees and answers, the guestbook says (see `guestbook`)
- what names people is kept by nobody in between
- whom to call and how a venue honours visits stand beside the venue
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from node.api.access import Budget
from node.api.endpoint import JSON, Call, Endpoint, Gives, Query, Takes
from node.api.guestbook import HOSTS, Guestbook
from node.api.refusals import Refused
from node.api.role import Role
from node.api.writing import Operate
from node.kinds.fields import LanguageTag
from node.roaming import packing
from node.roaming.request import schema
from node.roaming.visit import LONGEST_NOTE, State

_TEXT = {"type": "string"}
_DAYS = {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 2, "maxItems": 2}
_OBJECT = {"type": "object"}
VISIT = {
    "type": "object",
    "required": ["visit", "side", "guest", "host", "venue", "time_zone", "state", "days", "asked", "request", "moves"],
    "properties": {
        "visit": _TEXT,
        "side": {"enum": ["guest", "host"], "description": "this organisation's part in it"},
        "guest": _TEXT,
        "host": _TEXT,
        "venue": _TEXT,
        "organisation": {"type": "string", "description": "what the other one is called"},
        "place": {"type": "string", "description": "what the venue is called"},
        "time_zone": _TEXT,
        "state": {"enum": [state.value for state in State]},
        "days": _DAYS,
        "asked": {"type": "string", "format": "date-time"},
        "answer_by": {
            "type": "string",
            "format": "date-time",
            "description": "when the host is reminded",
        },
        "request": {"type": "object", "description": "what was asked for"},
        "moves": {"type": "array", "items": _OBJECT, "description": "who said what, in order"},
        "alternatives": {"type": "array", "items": _OBJECT, "description": "other venues that could take it"},
        "unconfirmed": {"const": True, "description": "the host says that you came, without a pass: confirm it"},
        "problem": {"type": "string", "description": "why the other side was not told"},
    },
}
LIST = {
    "type": "object",
    "required": ["visits"],
    "properties": {"visits": {"type": "array", "items": VISIT}, "before": {"type": "integer"}},
}
ANSWER = {
    "type": "object",
    "required": ["answer"],
    "additionalProperties": False,
    "properties": {
        "answer": {"enum": list(HOSTS)},
        "days": {**_DAYS, "description": "with propose: the first and the last day that you offer"},
        "note": {"type": "string", "maxLength": LONGEST_NOTE, "description": "a word to the guests"},
    },
}
SAID = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"note": {"type": "string", "maxLength": LONGEST_NOTE, "description": "a word to the host"}},
}
PASSES = {
    "type": "object",
    "required": ["passes"],
    "properties": {
        "passes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": _TEXT,
                    "token": {"type": "string", "description": "as its bearer shows it"},
                    "revoked": {"const": True, "description": "there is no token any more: ask the operator"},
                },
            },
        }
    },
}
CONTACTS = {
    "type": "object",
    "required": ["venue", "local_time", "contacts"],
    "properties": {
        "venue": _OBJECT,
        "local_time": {"type": "string", "description": "the venue's own time now"},
        "contacts": {"type": "array", "items": _OBJECT, "description": "the best first"},
        "guide": _OBJECT,
        "honour": {"type": "object", "description": "how the venue received visitors, as their organisations say"},
    },
}
PARTNERS = {"type": "object", "required": ["partners"], "properties": {"partners": {"type": "array", "items": _OBJECT}}}

PACKS = {name: form.media_type for name, form in packing.FORMS.items()}
_PRIVATE = {"Cache-Control": "no-store"}


class VisitsQuery(Query):
    """Which visits."""

    side: Literal["guest", "host"] | None = Field(None, description="guest: asked from here; host: asked of here")
    stage: Literal["waiting", "coming", "over"] | None = Field(
        None, description="waiting: for an answer; coming: guests are expected or there; over: all others"
    )
    before: int | None = Field(None, ge=1, description="the cursor that the page before ended with")
    limit: int = Field(50, ge=1, le=200, description="a number of visits from 1 to 200")


class PackQuery(Query):
    """In which form."""

    form: Literal["html", "zip", "ics", "vcf"] = Field(
        "html", description="html: one page; zip: its parts; ics: the date alone; vcf: the venue and whom to call"
    )


class ContactsQuery(Query):
    """About what, and in which language."""

    topic: str = Field("", max_length=100, description="a word of what it is about")
    language: Annotated[LanguageTag, Field(description="a language that you speak, such as en")] | None = None


class VisitEndpoints:
    """Everything about visits. `operate` does an operation of the node's (see `control.visiting`)."""

    def __init__(self, operate: Operate) -> None:
        self._book = Guestbook(operate)

    def endpoints(self) -> list[Endpoint]:
        one = {200: Gives("the visit", {JSON: VISIT})}
        read = partial(Endpoint, "GET", role=Role.MEMBER, tag="visit")
        write = partial(Endpoint, "POST", role=Role.MEMBER, budget=Budget.WRITE, tag="visit")
        note = Takes("a word to the host, if you like", schema=SAID, most=16 * 1024)
        packs = {form: {"type": "string", "format": "binary"} for form in PACKS.values()}
        return [
            write(
                "/visits", "ask_visit", "Ask a host for a visit", self._ask,
                gives={201: Gives("the visit, as it was asked", {JSON: VISIT})},
                takes=Takes("what is asked for", schema=schema(), most=32 * 1024),
            ),
            read("/visits", "visits", "The newest visits", self._list, gives={200: Gives("visits", {JSON: LIST})},
                 query=VisitsQuery),
            read("/visits/{visit}", "visit", "One visit", self._show, gives=one),
            write("/visits/{visit}/cancel", "cancel_visit", "Cancel a visit", self._cancel, gives=one, takes=note),
            write("/visits/{visit}/agree", "agree_visit", "Agree to the host's other date", self._agree, gives=one,
                  takes=note),
            write("/visits/{visit}/confirm", "confirm_visit", "Confirm that you came, where no pass was shown",
                  self._confirm, gives=one),
            write(
                "/visits/{visit}/answer", "answer_visit", "Answer a visit, or say who came", self._answer, gives=one,
                takes=Takes("the answer", schema=ANSWER, most=16 * 1024), role=Role.DESK,
            ),
            read("/visits/{visit}/passes", "visit_passes", "The passes of an accepted visit", self._passes,
                 gives={200: Gives("a pass for each of the people", {JSON: PASSES})}),
            read("/visits/{visit}/pack", "visit_pack", "The trip pack of an accepted visit", self._pack,
                 gives={200: Gives("a file to take along", packs)}, query=PackQuery),
            read(
                "/venue/{author}/{id}/contacts", "venue_contacts", "Whom to call about a venue", self._contacts,
                gives={200: Gives("contacts, the culture guide, and how it honours visits", {JSON: CONTACTS})},
                query=ContactsQuery, role=Role.PUBLIC, budget=Budget.SEARCH,
            ),
            read("/reciprocity", "reciprocity", "What was hosted and travelled with each other", self._reciprocity,
                 gives={200: Gives("visits and days, by organisation", {JSON: PARTNERS})}, role=Role.OPERATOR),
        ]  # fmt: skip

    async def _ask(self, call: Call) -> web.StreamResponse:
        if not isinstance(call.body, dict):
            raise Refused.fields([("body", "the request is no object: send what is asked for")], 422)
        return _private(await self._book.ask(call.caller, call.body), status=201)

    async def _list(self, call: Call) -> web.StreamResponse:
        asked = call.query
        return _private(
            await self._book.listing(
                call.caller, side=asked.side, stage=asked.stage, before=asked.before, limit=asked.limit
            )
        )

    async def _show(self, call: Call) -> web.StreamResponse:
        return _private(await self._book.one(call.caller, call.path("visit")))

    async def _cancel(self, call: Call) -> web.StreamResponse:
        return _private(await self._book.say(call.caller, call.path("visit"), "cancel", **_fields(call, "note")))

    async def _agree(self, call: Call) -> web.StreamResponse:
        return _private(await self._book.say(call.caller, call.path("visit"), "agree", **_fields(call, "note")))

    async def _confirm(self, call: Call) -> web.StreamResponse:
        return _private(await self._book.confirm(call.caller, call.path("visit")))

    async def _answer(self, call: Call) -> web.StreamResponse:
        said = _fields(call, "answer", "days", "note")
        return _private(await self._book.answer(call.path("visit"), said.pop("answer", ""), **said))

    async def _passes(self, call: Call) -> web.StreamResponse:
        return _private({"passes": await self._book.passes(call.caller, call.path("visit"))})

    async def _pack(self, call: Call) -> web.StreamResponse:
        form = call.query.form
        return packed(await self._book.pack(call.caller, call.path("visit"), form), form)

    async def _contacts(self, call: Call) -> web.StreamResponse:
        venue = f"{call.path('author')}/{call.path('id')}"
        languages = [call.query.language] if call.query.language else []
        return _private(await self._book.contacts(call.caller, venue, topic=call.query.topic, languages=languages))

    async def _reciprocity(self, call: Call) -> web.StreamResponse:
        del call
        return _private(await self._book.reciprocity())


def packed(data: bytes, form: str) -> web.Response:
    """A trip pack as a file to keep."""
    headers = {
        **_PRIVATE,
        "Content-Type": PACKS[form],
        "Content-Disposition": f'attachment; filename="trip.{form}"',
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=data, headers=headers)


def _private(found: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.json_response(found, status=status, headers=_PRIVATE)


def _fields(call: Call, *known: str) -> dict[str, Any]:
    """The members of a request's body that are there; Refused with 422 for others, and for what has another form."""
    said = call.body
    if not isinstance(said, dict):
        raise Refused.fields([("body", "the request is no object: send {}")], 422)
    faults = [(str(name)[:64], f"not known here: send {', '.join(known)}") for name in said if name not in known]
    faults += [
        (name, f"write a text of at most {LONGEST_NOTE} characters")
        for name in ("answer", "note")
        if not isinstance(said.get(name, ""), str)
    ]
    days = said.get("days", ["", ""])
    if not isinstance(days, list) or len(days) != 2 or not all(isinstance(day, str) for day in days):
        faults.append(("days", "write the first and the last day"))
    if faults:
        raise Refused.fields(faults, 422)
    return dict(said)
