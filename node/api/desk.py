"""The desk over HTTP: a pass is verified, and who it is for has arrived.

Rules:

- a token of the role desk asks, for this organisation's own venues
- a verdict is an answer, whatever its word: 200. It is kept by nobody in between, because it names somebody
"""

from typing import Any

from aiohttp import web

from node.api.access import Budget
from node.api.endpoint import JSON, Call, Endpoint, Gives, Takes
from node.api.refusals import Refused
from node.api.role import Role
from node.api.writing import Operate
from node.roaming.passes import LONGEST
from node.roaming.verdicts import Word

SHOWN = {
    "type": "object",
    "required": ["token"],
    "additionalProperties": False,
    "properties": {
        "token": {"type": "string", "maxLength": LONGEST, "description": "the pass, as it was scanned"},
        "venue": {
            "type": "string",
            "pattern": "^[a-z0-9_-]{1,64}$",
            "description": "the id of the own venue whose desk asks; where there is one alone it may be left out",
        },
    },
}
_MEMBERS = frozenset(("token", "venue"))
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}


def _object(optional: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties}


VERDICT = _object(
    ("pass", "issuer", "revocations_as_of"),
    verdict={"enum": [word.value for word in Word]},
    sentence={"type": "string", "description": "the same in a sentence, which says what to do"},
    venue=_object(id=_TEXT, name=_TEXT),
    arrived={"type": "array", "items": _TIME, "description": "when this pass let somebody in here"},
    **{"pass": _object(id=_TEXT, name=_TEXT, company=_TEXT, days={"type": "array", "items": _TEXT}, visit=_TEXT)},
    issuer=_object(node_id=_TEXT, organisation=_TEXT, phone=_TEXT),
    revocations_as_of=_TIME,
)


class DeskEndpoints:
    """POST of a pass that is shown, and of its bearer's arrival. `operate` does an operation of the node's."""

    def __init__(self, operate: Operate) -> None:
        self._operate = operate

    def endpoints(self) -> list[Endpoint]:
        said = Takes("the pass, and where it is shown", schema=SHOWN, most=4 * LONGEST)
        gives = {200: Gives("the verdict", {JSON: VERDICT})}
        return [
            Endpoint(
                "POST", "/desk/verify", "verify_pass", "Verify a pass that is shown", self._verify, gives=gives,
                takes=said, role=Role.DESK, tag="desk",
            ),
            Endpoint(
                "POST", "/desk/arrivals", "arrive", "Verify a pass, and note that its bearer has arrived", self._arrive,
                gives=gives, takes=said, role=Role.DESK, budget=Budget.WRITE, tag="desk",
            ),
        ]  # fmt: skip

    async def _verify(self, call: Call) -> web.StreamResponse:
        return await self._answer("desk-verify", call)

    async def _arrive(self, call: Call) -> web.StreamResponse:
        return await self._answer("desk-arrived", call)

    async def _answer(self, operation: str, call: Call) -> web.StreamResponse:
        said = call.body if isinstance(call.body, dict) else {}
        faults = [(str(name)[:64], "not known here: leave it out") for name in said if name not in _MEMBERS]
        faults += [
            (name, f"{rule}: send it as text")
            for name, rule in (("token", "the pass"), ("venue", "an own venue's id"))
            if not isinstance(said.get(name, "" if name == "venue" else None), str)
        ]
        if faults:
            raise Refused.fields(faults, 422)
        found = await self._operate(operation, {"token": said["token"], "venue": said.get("venue")})
        return web.json_response(found, headers={"Cache-Control": "no-store"})
