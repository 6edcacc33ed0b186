"""Whole sheets over the API: what importing one would do, and doing it; an empty one to fill in.

Rules:

- without `commit` nothing is written: the answer is the preview, with every problem by row and column, and a digest
- a commit happens as a whole or not at all; naming the preview's digest, it is refused where anything changed since
- rows that were there before and are missing now are asked about: `missing` says whether they are withdrawn or kept
"""

import asyncio
import base64
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from aiohttp import web
from pydantic import Field

from node.api import answers
from node.api.access import Budget
from node.api.endpoint import JSON, Call, Endpoint, Gives, Query, Takes
from node.api.refusals import Refused
from node.api.role import Role
from node.api.writing import Operate
from node.directory.draft import ChangedMeanwhile
from node.directory.importing import template as templates
from node.directory.importing.encoding import LARGEST_FILE

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LINES = "application/x-ndjson"


class Form(NamedTuple):
    """A form of sheet; `write` makes the template of a kind."""

    extension: str
    media_type: str
    write: Callable[[str], bytes]


FORMS = (Form("csv", CSV, templates.csv), Form("xlsx", XLSX, templates.workbook))
_SHEETS = {form.media_type: {"type": "string"} for form in FORMS}


class ImportQuery(Query):
    """How a sheet is to be imported."""

    commit: bool = Field(False, description="publish it; without this nothing is written")
    source: Annotated[str, Field(max_length=200)] = Field(
        "", description="your name for where its rows come from: without one no row is ever missing"
    )
    missing: Literal["withdraw", "keep"] | None = Field(
        None, description="what becomes of rows that came from this source before and are not there any more"
    )
    digest: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="the preview's: refused where the file or this node's records are others by now"
    )
    # All of them have to fit into an address, which has some 8 KB.
    map: tuple[Annotated[str, Field(max_length=100, pattern=r"^[^=]+=[^=]*$")], ...] = Field(
        (), max_length=50, description="what a header stands for, such as Nimi=name; may be repeated", strict=False
    )


_PROBLEM = {
    "type": "object",
    "properties": {"row": {"type": "integer"}, "column": {"type": "string"}, "sentence": {"type": "string"}},
}
_PLACE = {
    "type": "object",
    "properties": {"latitude": {"type": "integer"}, "longitude": {"type": "integer"}, "name": {"type": "string"}},
}
_COUNTS = {name: {"type": "integer"} for name in ("created", "changed", "unchanged", "withdrawn")}
REPORT = {
    "type": "object",
    "required": ["published", "missing", "digest", "problems", "warnings", *_COUNTS],
    "properties": {
        "published": {"type": "boolean"},
        "missing": {"type": "array", "items": {"type": "string"}, "description": "refs that are not there any more"},
        "digest": {"type": "string", "description": "stands for the file, how it was read, and this node's records"},
        "problems": {"type": "array", "items": _PROBLEM},
        "warnings": {"type": "array", "items": _PROBLEM},
        "places": {"type": "array", "items": _PLACE, "description": "where its first rows are, for a map"},
        **_COUNTS,
    },
}


class ImportEndpoints:
    """POST of sheets, and their templates."""

    def __init__(self, operate: Operate) -> None:
        self._operate = operate

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                "POST", "/{kind}/import", "import", "Import a sheet, or see what that would do", self._import,
                query=ImportQuery, role=Role.OPERATOR, budget=Budget.WRITE,
                takes=Takes("a CSV, XLSX or JSON lines file", media=(CSV, XLSX, LINES), most=LARGEST_FILE),
                gives={200: Gives("what was published, or would be", {JSON: REPORT})},
                refuses=(409, 412),
            ),
            Endpoint(
                "GET", "/{kind}/template", "template", "A sheet to fill in, with an example of each sort",
                self._template, gives={200: Gives("the sheet", _SHEETS, ("ETag",)), 304: Gives("the same")},
                formats=tuple(form.extension for form in FORMS),
            ),
        ]  # fmt: skip

    async def _import(self, call: Call) -> web.StreamResponse:
        asked: ImportQuery = call.query
        mapping = dict(each.split("=", 1) for each in asked.map)
        data = await asyncio.to_thread(lambda: base64.b64encode(call.body).decode())
        done = await self._imported(
            kind=call.path("kind"),
            data=data,
            source=asked.source,
            mapping=mapping,
            missing=asked.missing,
            commit=asked.commit,
            digest=asked.digest,
        )
        if asked.commit and not done["published"]:
            raise _not_published(done)
        return answers.json(call, done)

    async def _imported(self, **parameters: Any) -> dict[str, Any]:
        try:
            return await self._operate("import", parameters)
        except ChangedMeanwhile as error:
            raise Refused(str(error), 412) from error

    async def _template(self, call: Call) -> web.StreamResponse:
        form = answers.preferred(call, FORMS)
        return answers.body(call, await asyncio.to_thread(form.write, call.path("kind")), form.media_type)


def _not_published(done: dict[str, Any]) -> Refused:
    """Why nothing was: problems by row and column, or rows that nobody decided about."""
    if faults := [(f"row {each['row']}, {each['column']}", each["sentence"]) for each in done["problems"]]:
        return Refused.fields(faults, 422)
    count = len(done["missing"])
    return Refused(f"{count} rows of this source are missing: say missing=withdraw or missing=keep", 409)
