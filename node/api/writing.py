"""Own records: made, changed and withdrawn over the API.

Rules:

- an operator's token alone writes, and this node's own records alone
- who changes or withdraws says which version it means (If-Match): what another changed meanwhile is not overwritten
- all that is wrong with a body is told at once, field by field
- a record counts once it is signed: the answer comes after that
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

from aiohttp import web

from node import kinds
from node.api import answers
from node.api.access import Budget
from node.api.directory import Directory
from node.api.endpoint import JSON, PREFIX, Call, Endpoint, Gives, Takes
from node.api.reading import RECORD
from node.api.refusals import Refused
from node.api.role import Role
from node.directory.draft import ChangedMeanwhile
from node.kinds.body import quoted
from node.protocol import names
from node.protocol.record import VISIBILITIES


class Operate(Protocol):
    """Does one of the node's operations (see `control.operations`) by its name and parameters.

    `report` takes how far one is that takes long, a piece of progress at a time.
    """

    def __call__(
        self, name: str, parameters: Mapping[str, Any], *, report: Callable[[dict[str, Any]], None] = ...
    ) -> Awaitable[dict[str, Any]]: ...


IF_MATCH = {"If-Match": "the ETag that came with the version that you change"}
LONGEST_REF = 200

DRAFT = {
    "type": "object",
    "required": ["body"],
    "additionalProperties": False,
    "properties": {
        "body": {"$ref": "#/components/schemas/{kind}"},
        "visibility": {"enum": list(VISIBILITIES), "description": "who may see it; the kind's usual one if left out"},
        "ref": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_REF,
            "description": "your own name for it: made again under the same name, it is changed and not made twice",
        },
    },
}
VERSION = {key: value for key, value in DRAFT["properties"].items() if key != "ref"}  # type: ignore[attr-defined]
REPLACEMENT = {**DRAFT, "properties": VERSION}


class Writing:
    """POST, PUT and DELETE of own records."""

    def __init__(self, operate: Operate, directory: Directory) -> None:
        self._operate = operate
        self._directory = directory
        self._me = directory.acceptance.me
        self._world = directory.world

    def endpoints(self) -> list[Endpoint]:
        record, one = {JSON: RECORD}, "/{kind}/{author}/{id}"
        there = Gives("a record of this ref was there: it is changed, or unchanged", record, ("ETag",))
        write = partial(Endpoint, role=Role.OPERATOR, budget=Budget.WRITE)
        return [
            write(
                "POST", "/{kind}", "create", "Publish a new {kind}", self._create,
                gives={201: Gives("the record, as it is shown", record, ("ETag", "Location")), 200: there},
                takes=Takes("what it says, and who may see it", schema=DRAFT),
            ),
            write(
                "PUT", one, "replace", "Change an own {kind}", self._replace,
                gives={200: Gives("the record, as it is shown now", record, ("ETag",))},
                takes=Takes("all that it says from now on", schema=REPLACEMENT), headers=IF_MATCH,
            ),
            write(
                "DELETE", one, "withdraw", "Withdraw an own {kind}", self._withdraw,
                gives={204: Gives("it has left the signed state, and leaves every node that follows it")},
                headers=IF_MATCH,
            ),
        ]  # fmt: skip

    async def _create(self, call: Call) -> web.StreamResponse:
        kind, draft = call.path("kind"), await self._draft(call, "body", "visibility", "ref")
        done = await self._publish({"kind": kind, **draft})
        [id_] = done["ids"]
        path = f"{PREFIX}/{kind}/{self._me}/{id_}"
        status = 201 if done["created"] else 200
        return await self._shown(call, id_, status=status, headers={"Location": path} if status == 201 else {})

    async def _replace(self, call: Call) -> web.StreamResponse:
        kind, id_ = self._own(call)
        version, draft = answers.expected_version(call), await self._draft(call, "body", "visibility")
        await self._publish({"kind": kind, "id": id_, "version": version, **draft})
        return await self._shown(call, id_)

    async def _withdraw(self, call: Call) -> web.StreamResponse:
        kind, id_ = self._own(call)
        await self._publish({"kind": kind, "id": id_, "body": None, "version": answers.expected_version(call)})
        return web.Response(status=204)

    def _own(self, call: Call) -> tuple[str, str]:
        """The kind and id of the path, where they are of an own record."""
        if names.parse_node_id(call.path("author")) != self._me:
            raise Refused("that is another organisation's record: only its own node can change it", 403)
        return call.path("kind"), names.parse_record_id(call.path("id"))

    async def _draft(self, call: Call, *allowed: str) -> dict[str, Any]:
        """The request's body: what is to be published, with nothing wrong."""
        said = call.body
        if not isinstance(said, dict):
            raise Refused.fields([("body", 'the request is no object: send {"body": {…}}')], 422)
        unknown = f"not known here: leave it out, or send one of {', '.join(allowed)}"
        faults = [(quoted(name), unknown) for name in said if name not in allowed]
        if "body" not in said:
            faults.append(("body", "missing: give what the record says"))
        else:
            # Many small mistakes in one body take most of a second to tell.
            now = int(self._world.now())
            found = await asyncio.to_thread(kinds.problems, call.path("kind"), said["body"], now=now)
            faults += [(f"body.{field}" if field != "record" else "body", sentence) for field, sentence in found]
        if said.get("visibility", "public") not in VISIBILITIES:
            faults.append(("visibility", f"write one of {', '.join(VISIBILITIES)}"))
        ref = said.get("ref", "-")
        if not isinstance(ref, str) or not 1 <= len(ref) <= LONGEST_REF:
            faults.append(("ref", f"{quoted(str(ref))} is no name: write 1 to {LONGEST_REF} characters"))
        if faults:
            raise Refused.fields(faults, 422)
        return said

    async def _publish(self, change: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._operate("publish", {"changes": [change]})
        except ChangedMeanwhile as error:
            raise Refused(str(error), 412) from error

    async def _shown(
        self, call: Call, id_: str, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        record = await self._directory.record(call.caller, call.path("kind"), self._me, id_)
        return answers.json(call, record, status=status, version=record["version"], headers=headers)
