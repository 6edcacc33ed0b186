"""The API's page: what it can do, three questions to begin with, and every endpoint, read off the objects that answer.

Rules:

- its examples ask where the page came from, so they can be copied as they are; what a Host header says is never more
  than text, and the page is kept by no cache: kept for somebody else, it would have them send their tokens to whatever
  host was asked for here
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from node.api.endpoint import PREFIX, Endpoint
from node.web.page import Answer, Asked, Page, View
from node.world import World

_TUESDAY = 1


class DocumentationPages:
    """`endpoints`: what is described."""

    def __init__(self, endpoints: Sequence[Endpoint], world: World) -> None:
        self._groups = _grouped(endpoints)
        self._world = world

    def pages(self) -> list[Page]:
        return [Page("/api", show=self._show)]

    async def _show(self, asked: Asked) -> Answer:
        values = {"origin": asked.origin, "prefix": PREFIX, "tuesday": self._tuesday(), "groups": self._groups}
        return View("documentation.html", values, headers={"Cache-Control": "no-store"})

    def _tuesday(self) -> str:
        """The next one, so that the examples find what is open then."""
        today = datetime.fromtimestamp(self._world.now(), UTC).date()
        return (today + timedelta(days=(_TUESDAY - today.weekday()) % 7 or 7)).isoformat()


def _grouped(endpoints: Sequence[Endpoint]) -> Mapping[str, list[dict[str, Any]]]:
    """What the page says of each endpoint, by what they are about."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for endpoint in endpoints:
        groups.setdefault(endpoint.tag, []).append(
            {
                "name": endpoint.name,
                "method": endpoint.method,
                "path": endpoint.path,
                "summary": endpoint.summary.replace("{kind}", "record of a kind"),
                "description": endpoint.description,
                "role": endpoint.role,
                "formats": endpoint.formats,
                "parameters": [*_said(endpoint.parameters)],
                "headers": endpoint.headers,
                "takes": endpoint.takes,
                "gives": endpoint.gives,
            }
        )
    return groups


def _said(parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for name, schema in parameters.items():
        yield name, str(schema.get("description", ""))
