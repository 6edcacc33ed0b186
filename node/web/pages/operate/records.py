"""Own records: all of them in a table; each one as a form, or as JSON, to be made, changed and withdrawn.

Rules:

- who saves says which version was looked at. What another changed meanwhile is shown beside what was typed, and saving
  again overwrites it knowingly
- offered are the kinds that people keep: what a node makes of what it does (keys, receipts) is shown, and not changed
- what a form has no field for is kept as it is, and edited as JSON
- withdrawing asks once more, and says what follows
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import orjson
from pydantic import Field

from node import kinds
from node.api.access import Budget
from node.api.endpoint import Query
from node.api.refusals import Faults, Refused
from node.api.role import Role
from node.api.writing import LONGEST_REF
from node.directory import companions, own
from node.directory.draft import OWN_ORGANISATION
from node.directory.importing.template import KINDS
from node.errors import InputError, Malformed
from node.kinds.codes import COUNTRIES, CURRENCIES
from node.kinds.fields import zones
from node.protocol import names
from node.protocol.canonical import decode_loose
from node.protocol.names import LARGEST_RECORD
from node.protocol.record import VISIBILITIES
from node.sentence import Sentence, said
from node.trust.reach import Standing
from node.web import form
from node.web.ground import Ground
from node.web.languages import SPOKEN
from node.web.page import MOST_FIELDS, Answer, Asked, Page, View, record_path, see
from node.web.rendering import fields
from node.web.words import called

RECORDS = "/operate/records"
_KIND = f"{{kind:{'|'.join(KINDS)}}}"
_MOST = MOST_FIELDS - 10
"""Values that a form sends at most, beside its own."""
_MADE = tuple(kind for kind in KINDS if kind != "organisation")
"""Kinds of which another one can be made."""


class Listed(Query):
    """`kind` and `q`: which of them; `after`: the cursor that the page before ended with."""

    kind: Annotated[str, Field(max_length=64)] = ""
    q: Annotated[str, Field(max_length=200)] = ""
    after: Annotated[int, Field(ge=0)] | None = None


class OwnPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._me = ground.directory.acceptance.me

    def pages(self) -> list[Page]:
        one, operator = f"{RECORDS}/{_KIND}/{{id}}", Role.OPERATOR
        return [
            Page(RECORDS, show=self._list, role=operator, budget=Budget.SEARCH),
            Page(f"{RECORDS}/new/{_KIND}", show=self._new, do=self._create, role=operator, file=LARGEST_RECORD),
            Page(one, show=self._one, do=self._change, role=operator, file=LARGEST_RECORD),
            Page(f"{one}/withdraw", show=self._ask, do=self._withdraw, role=operator),
        ]

    async def _list(self, asked: Asked) -> Answer:
        reader, values = self._ground.reader(asked), dict[str, Any](edited=KINDS, made=_MADE)
        values["kinds"] = [(kind, called(asked.language, kind, "kinds")) for kind in kinds.KINDS]
        values["honoured"] = sum(known.standing >= Standing.HONOURED for known in reader.known.values()) - 1
        try:
            query = asked.query(Listed)
            job = partial(own.listing, reader=reader, kind=query.kind, text=query.q, before=query.after)
            page = await self._ground.ask(asked, job)
        except InputError as error:
            values |= {"asked": asked.wrong(error), "query": Listed(), "records": [], "cursor": None}
            return View("operate/records.html", values, 400)
        return View(
            "operate/records.html", {**values, "query": query, "records": fields(page.records), "cursor": page.cursor}
        )

    # --- one ----------------------------------------------------------------------------------------------------

    async def _new(self, asked: Asked) -> Answer:
        return await asyncio.to_thread(self._form, asked, asked.path("kind"), None)

    async def _create(self, asked: Asked) -> Answer:
        kind, ref = asked.path("kind"), asked.form.get("ref", "").strip()
        if kind not in _MADE:
            raise Refused(said("there is one record of your organisation: change it"), 422)
        body = await asyncio.to_thread(self._body, asked, kind, {})
        known = await self._ground.ask(asked, partial(companions.own_names, kind=kind))
        if len(ref) > LONGEST_REF or not ref.isprintable():
            raise Refused.fields([("ref", f"write at most {LONGEST_REF} plain characters")], 422)
        if ref in known.values():
            raise Refused.fields(
                [("ref", "another record has this name: choose one of its own, or change that one")], 422
            )
        change = {"kind": kind, "body": body, "visibility": _visibility(asked), **({"ref": ref} if ref else {})}
        done = await self._ground.operate("publish", {"changes": [change]})
        return see(f"{RECORDS}/{kind}/{done['ids'][0]}", done="made")

    async def _one(self, asked: Asked) -> Answer:
        record = await self._record(asked)
        return await asyncio.to_thread(self._form, asked, asked.path("kind"), record)

    async def _change(self, asked: Asked) -> Answer:
        record, version = await self._record(asked), asked.form.get("version", "")
        kind, id_ = record["kind"], record["id"]
        if record["version"] != version:
            raise Refused(said("somebody changed this record while you had it open: compare, then save again"), 412)
        body = await asyncio.to_thread(self._body, asked, kind, record["body"])
        change = {"kind": kind, "id": id_, "body": body, "version": version, "visibility": _visibility(asked)}
        done = await self._ground.operate("publish", {"changes": [change]})
        return see(f"{RECORDS}/{kind}/{id_}", done="saved" if done["changed"] else "same")

    async def _ask(self, asked: Asked) -> Answer:
        return View("operate/withdraw.html", {"record": fields(await self._record(asked))})

    async def _withdraw(self, asked: Asked) -> Answer:
        record = await self._record(asked)
        if (record["kind"], record["id"]) == ("organisation", OWN_ORGANISATION):
            raise Refused(said("the record of your organisation stays as long as it is a signatory: change it"), 422)
        change = {"kind": record["kind"], "id": record["id"], "body": None, "version": asked.form.get("version", "")}
        await self._ground.operate("publish", {"changes": [change]})
        return see(RECORDS, done="withdrawn")

    async def _record(self, asked: Asked) -> dict[str, Any]:
        id_ = names.parse_record_id(asked.path("id"))
        return await self._ground.record(asked, asked.path("kind"), self._me, id_)

    # --- what it says -------------------------------------------------------------------------------------------

    def _form(self, asked: Asked, kind: str, record: Mapping[str, Any] | None) -> View:
        """The form of a record, or of a new one; with what was typed, where it comes back."""
        as_json, held = asked.request.query.get("as") == "json", record["body"] if record else {}
        body = held
        if asked.form and not as_json:
            body, _ = form.read(kind, asked.several, held)
        elif asked.form:
            with suppress(Malformed, Refused):
                body = _parsed(asked)
        languages = [*dict.fromkeys(("en", asked.language.tag, *SPOKEN))]
        shown = form.fields(kind, body, asked.faults, languages) if _objects(body) <= _MOST else []
        fits = bool(shown) and form.count(shown) <= _MOST
        changed = bool(record and asked.form and asked.form.get("version") != record["version"])
        values = {
            "kind": kind,
            "record": fields(record) if record else None,
            "heading": {"kind": kind, **record} if record else None,
            "page": record_path(kind, self._me, record["id"]) if record else "",
            "as_json": as_json or not fits,
            "fits": fits,
            "fields": shown,
            "more": [name for name in body if name not in kinds.KINDS[kind].model_fields],
            "json": asked.form.get("json") or _json(body),
            "differing": _differing(held, body) if changed else (),
            "visibilities": [(each, called(asked.language, each, "visibility")) for each in VISIBILITIES],
            "visibility": asked.form.get("visibility")
            or (record or {}).get("visibility")
            or kinds.default_visibility(kind),
            "countries": sorted(COUNTRIES, key=asked.language.country),
            "currencies": sorted(CURRENCIES),
            "zones": sorted(zones()),
        }
        return View("operate/edit.html", values)

    def _body(self, asked: Asked, kind: str, held: Mapping[str, Any]) -> dict[str, Any]:
        """What the form says; Refused with all that is wrong with it."""
        faults: list[tuple[str, str]] = []
        if asked.request.query.get("as") == "json":
            body = _parsed(asked)
        else:
            body, faults = form.read(kind, asked.several, held)
        unread = {path for path, _ in faults}
        found = kinds.problems(kind, body, now=int(self._ground.directory.world.now()))
        faults += [(path, sentence) for path, sentence in found if path.partition("[")[0] not in unread]
        if faults:
            raise _refused(asked, faults)
        return body


def _objects(value: object) -> int:
    """How many objects a body holds, itself among them: each has a field of the form, if not several."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, dict) + sum(map(_objects, inner))


def _parsed(asked: Asked) -> dict[str, Any]:
    """The body that was typed as JSON; Refused where it is none."""
    try:
        found = decode_loose(asked.form.get("json", "").encode())
    except Malformed as error:
        raise Refused.fields([("json", f"this is no JSON ({error}): mend it")], 422) from error
    if not isinstance(found, dict):
        raise Refused.fields([("json", "this is no object: begin it with { and end it with }")], 422)
    return found


def _visibility(asked: Asked) -> str:
    if (visibility := asked.form.get("visibility", "")) not in VISIBILITIES:
        raise Refused.fields([("visibility", f"choose one of {', '.join(VISIBILITIES)}")], 422)
    return visibility


def _refused(asked: Asked, faults: Faults) -> Refused:
    sentence = asked.language.ngettext(
        "%(num)d thing has to be mended first: nothing was saved",
        "%(num)d things have to be mended first: nothing was saved",
        len(faults),
    )
    # It is in the visitor's language already: without words of its own, a sentence is translated no more.
    return Refused(Sentence("{told}", told=sentence % {"num": len(faults)}), 422, faults=faults)


def _differing(held: Mapping[str, Any], typed: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Where two bodies differ: the field, what the first says and what the second."""
    every = dict.fromkeys((*held, *typed))
    return [
        (name, _plain(held.get(name)), _plain(typed.get(name))) for name in every if held.get(name) != typed.get(name)
    ]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else _json(value)


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
