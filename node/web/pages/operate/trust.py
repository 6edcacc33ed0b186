"""Trust: who is known and through whom, drawn and as a table; and who would be lost without somebody.

Rules:

- the table says all that the drawing shows, so that nobody needs the drawing
- asking what if changes nothing, and stands in the address: it can be sent to a colleague
- the nearest come first; of a large network one page is drawn at a time
"""

import asyncio
from typing import Annotated, Any

from pydantic import Field

from node.api.endpoint import Query
from node.api.role import Role
from node.web.graph import HEIGHT, WIDTH, Drawing, draw
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View

PAGE = 60
"""Organisations that are drawn at once."""
MOST_WITHOUT = 20


class Without(Query):
    """`without`: node ids; `start`: how many of the nearest to leave out."""

    without: Annotated[tuple[str, ...], Field(max_length=MOST_WITHOUT)] = ()
    start: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class TrustPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/operate/trust", show=self._show, role=Role.OPERATOR)]

    async def _show(self, asked: Asked) -> Answer:
        query = asked.query(Without)
        found = await self._ground.operate("trust-graph", {"start": query.start, "most": PAGE})
        lost = await self._ground.operate("trust-what-if", {"without": list(query.without)}) if query.without else None
        values = {
            "found": found,
            "drawing": await asyncio.to_thread(_drawn, found),
            "box_size": (WIDTH, HEIGHT),
            "nodes": {each["node_id"]: each for each in found["nodes"]},
            "lost": lost,
            "without": set(query.without),
            "gone": {each["node_id"] for each in lost["unreachable"]} if lost else set(),
            "start": query.start,
            "page": PAGE,
        }
        return View("operate/trust.html", values, parts=("graph",))


def _drawn(found: dict[str, Any]) -> Drawing:
    paths = {each["node_id"]: [step["author"] for step in each["path"]] for each in found["nodes"]}
    return draw(found["me"], paths, [(each["by"], each["of"]) for each in found["vouches"]])
