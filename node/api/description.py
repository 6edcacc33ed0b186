"""The API's description of itself: what records and pages look like, and `openapi.json`."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from typing import Any

from aiohttp import web

from node.api import answers
from node.api.endpoint import JSON, Call, Endpoint, Gives
from node.api.openapi import document
from node.kinds import KINDS
from node.protocol.record import VISIBILITIES

_TIME = {"type": "string", "description": "a moment in UTC, such as 2027-06-02T09:00:00Z"}
_TEXT = {"type": "string"}

SCHEMAS: dict[str, dict[str, Any]] = {
    "Record": {
        "type": "object",
        "description": "A record, with where it comes from.",
        "required": [
            "kind",
            "id",
            "author",
            "organisation",
            "known",
            "stale",
            "seq",
            "version",
            "updated",
            "visibility",
            "body",
        ],
        "properties": {
            "kind": {"enum": list(KINDS)},
            "id": _TEXT,
            "author": {**_TEXT, "description": "the node id of the organisation that published it"},
            "organisation": {**_TEXT, "description": "what that organisation calls itself"},
            "known": {
                "type": "object",
                "description": "how this node knows the author: its standing, and who introduced it, the nearest first",
                "required": ["standing", "path"],
                "properties": {
                    "standing": {"enum": ["unknown", "reached", "listed", "honoured"]},
                    "since": {},
                    "path": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"author": _TEXT, "organisation": _TEXT}},
                    },
                },
            },
            "stale": {"type": "boolean", "description": "the author's node was not heard from for too long"},
            "heard": {**_TIME, "description": "when the author's node last said that this is its newest state"},
            "warning": {**_TEXT, "description": "what whoever uses this record has to know"},
            "seq": {
                "type": "integer",
                "description": "the author's count of changes; 0: it never leaves this node",
            },
            "version": {**_TEXT, "description": "tells this version of the record from any other"},
            "updated": _TIME,
            "expires": _TIME,
            "checked": _TIME,
            "licence": _TEXT,
            "visibility": {"enum": list(VISIBILITIES)},
            "body": {"type": "object", "description": "what it says: see the schema of its kind"},
            "distance_km": {"type": "number", "description": "from the place that was asked for"},
            "open": {"type": "boolean", "description": "whether the venue is open at the time that was asked for"},
            "why": {"type": "object", "description": "why it stands where it stands, where 'explain' was asked for"},
        },
    },
    "Page": {
        "type": "object",
        "required": ["records"],
        "properties": {
            "records": {"type": "array", "items": {"$ref": "#/components/schemas/Record"}},
            "after": {**_TEXT, "description": "the cursor of the next page; absent on the last one"},
            "total": {"description": "how many there are in all"},
            "facets": {"type": "object", "description": "hits counted, where 'facets' was asked for"},
            "counted": {"type": "integer", "description": "how many hits the facets count, where that is not all"},
            "understood": {"type": "object", "description": "what was made of the question: place, corrected words"},
        },
    },
}


class Description:
    """`openapi.json`, made when it is first asked for: no start waits for it."""

    def __init__(self, endpoints: Sequence[Endpoint], url: str) -> None:
        own = Endpoint(
            "GET", "/openapi.json", "describe", "This description", self._describe,
            gives={200: Gives("OpenAPI 3.1", {JSON: {"type": "object"}}, ("ETag",)), 304: Gives("the same")},
        )  # fmt: skip
        self.endpoints = [*endpoints, own]
        self._url = url

    async def _describe(self, call: Call) -> web.StreamResponse:
        return answers.json(call, await asyncio.to_thread(lambda: self._document))

    @cached_property
    def _document(self) -> dict[str, Any]:
        return document(
            self.endpoints, SCHEMAS, title="Business Roaming Agreement: this node's directory",
            version=metadata.version("bra-node"), url=self._url,
        )  # fmt: skip
