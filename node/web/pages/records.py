"""The page of a record, of every kind, and what belongs to it: its files, its photos, and why one sees it.

Rules:

- a page shows what its visitor may see, and ends with where that is from: whose it is, known through whom, heard when
- search engines are told of what everybody may see, and of nothing else: no contact, and nobody who looks like another
- to them a page says the same in JSON-LD, which is data: no browser runs it, and no text in it can end it
- files of a record are as the API gives them, for who is logged in here; they are saved, never opened as a page of ours

    RecordPages(ground).pages()
"""

import sqlite3
from functools import partial
from typing import Any

from markupsafe import Markup

from node import kinds
from node.api import photos
from node.api.access import Budget
from node.api.endpoint import Call, Query
from node.api.photos import PhotoQuery
from node.api.reading import Reading
from node.api.refusals import Refused
from node.api.role import Role
from node.directory.reader import Reader
from node.exports import FORMATS, Collection, linked
from node.exports.collection import line
from node.kinds.culture_guide import SECTIONS
from node.protocol import names
from node.sentence import said
from node.web.beside import BESIDE, Record, Values
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, record_path
from node.web.rendering import fields
from node.web.words import called

OFFERED = ("vcf", "ics", "geojson", "csv", "jsonld", "json", "bundle")
"""The formats that a page offers of its record, where there are words in them for its kind."""
TEMPLATES = frozenset((
    "venue", "event", "organisation", "offer", "contact", "culture_guide", "practice", "need",
))  # fmt: skip
"""The kinds with a template of their own; the others are told field by field."""
LONGEST_DESCRIPTION = 200
"""Characters that search engines are given to show."""
_DESCRIBES = ("description", "summary", "how_to_get", "reason")


class RecordPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._reading = Reading(ground.directory)

    def pages(self) -> list[Page]:
        return [
            Page("/photo/{hash}", show=self._photo),
            Page("/why/{author}", show=self._why, role=Role.MEMBER, budget=Budget.SEARCH),
            Page("/{kind}/{author}/{id:[^{}/.]+}.{format}", show=self._file),
            Page(f"/{{kind:{'|'.join(BESIDE)}}}/{{author}}/{{id}}", show=self._show, budget=Budget.SEARCH),
            Page("/{kind}/{author}/{id}", show=self._show),
        ]

    async def _show(self, asked: Asked) -> Answer:
        kind, author = asked.path("kind"), names.parse_node_id(asked.path("author"))
        id_ = names.parse_record_id(asked.path("id"))
        record = await self._ground.record(asked, kind, author, id_)
        beside = await self._ground.ask(
            asked, partial(_beside, reader=self._ground.reader(asked), of=record, asked=asked)
        )
        path, indexed = record_path(kind, author, id_), _indexed(record)
        values = {
            "record": fields(record),
            "fields": [name for name in kinds.KINDS[kind].model_fields if name in record["body"]],
            "path": path,
            "sections": SECTIONS,
            "formats": _formats(record),
            "indexed": indexed,
            "canonical": f"{self._ground.directory.url}{path}" if self._ground.directory.url else "",
            "described": _described(record, asked),
            "linked": self._linked(record, beside, asked) if indexed else "",
            "me": self._ground.reader(asked).me,
            **beside,
        }
        headers = {} if indexed else {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        name = kind if kind in TEMPLATES else "other"
        return View(f"records/{name}.html", values, headers=headers, parts=("contacts",))

    def _linked(self, record: Record, beside: Values, asked: Asked) -> Markup:
        """The record in schema.org's words, for a data block of the page."""
        if record["kind"] not in linked.KINDS:
            return Markup()
        about = Collection("", languages=asked.language.wanted, venues=beside.get("venues", {}))
        # It is JSON in which no '<', '>' or '&' stands: see `exports.linked`.
        return Markup(b"".join(linked.write([record], about)).decode())  # noqa: S704

    async def _file(self, asked: Asked) -> Answer:
        answer = await self._reading.one(Call(asked.request, asked.visitor.caller, Query()))
        name = f"{asked.path('kind')}-{asked.path('id')}.{asked.path('format')}"
        answer.headers.update({
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
            "Cache-Control": "no-store" if asked.visitor.logged_in else "no-cache",
            "Vary": "Cookie, Accept-Language",
        })  # fmt: skip
        return answer

    async def _photo(self, asked: Asked) -> Answer:
        call = Call(asked.request, asked.visitor.caller, asked.query(PhotoQuery))
        answer = await photos.show(call, self._ground.photos, self._ground.reader(asked))
        answer.headers["Vary"] = "Cookie"
        return answer

    async def _why(self, asked: Asked) -> Answer:
        author, reader = names.parse_node_id(asked.path("author")), self._ground.reader(asked)
        if author not in reader.known:
            # Whom this node has blocked is its operator's to know.
            raise Refused(said("nothing of this organisation is shown here"), 404)
        asking = {"node": author, "visibilities": sorted(asked.visitor.caller.visibilities)}
        why = await self._ground.operate("trust-why", asking)
        return View("records/why.html", {"why": why, "me": reader.me})


def _beside(db: sqlite3.Connection, reader: Reader, of: Record, asked: Asked) -> Values:
    ask = BESIDE.get(of["kind"])
    return ask(db, reader, of, asked) if ask else {}


def _indexed(record: Record) -> bool:
    """Whether search engines may show the page."""
    return record["visibility"] == "public" and record["kind"] not in kinds.PERSONAL and "warning" not in record


def _formats(record: Record) -> list[Any]:
    offered = [FORMATS[extension] for extension in OFFERED if record["kind"] in FORMATS[extension].kinds]
    # What never leaves this node was never signed.
    return [form for form in offered if not (form.signed and record["visibility"] == "local")]


def _described(record: Record, asked: Asked) -> str:
    """A line or two for search engines."""
    body, said = record["body"], asked.language.said
    told = next((said(body[name]).text for name in _DESCRIBES if name in body), "")
    place = ", ".join(body[name] for name in ("address", "city") if name in body)
    kind = f"{called(asked.language, record['kind'], 'kind')}: {record['organisation']}"
    return line(told or place or kind)[:LONGEST_DESCRIPTION]
