"""Operations on trust: why somebody is known here, and what would be lost without somebody."""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.control.who import find_node, names_of
from node.directory.views import look_alike_warning
from node.protocol.names import NodeId
from node.trust.explain import Way


class Trust:
    """trust-why, trust-what-if."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"trust-why": self.why, "trust-what-if": self.what_if}

    async def why(self, *, node: str) -> dict[str, Any]:
        """A node's standing, and every way by which it comes to it, the shortest first."""
        parts = self._parts
        node_id = await self._find(node)
        found = await parts.database.write(lambda db: parts.acceptance.why(db, parts.world.now(), node_id))
        likeness = parts.acceptance.look_alikes.get(node_id)
        met = {node_id, *(step.node for way in found.ways for step in way.steps)}
        names = await self._names(met | ({likeness.of} if likeness else set()))
        shown = {
            "node_id": node_id,
            "organisation": names.get(node_id, ""),
            "standing": found.standing.name.lower(),
            "partner": found.partner,
            "by_hand": found.by_hand,
            "blocked": found.blocked,
            "signed": found.signed,
            "silent": found.silent,
            "ways": [_way(way, names) for way in found.ways],
        }
        return shown | ({"warning": look_alike_warning(likeness, names)} if likeness else {})

    async def what_if(self, *, without: str, blocked: bool = True) -> dict[str, Any]:
        """Who would be lost if a node were no partner and not endorsed any more, and blocked unless `blocked` is false.

        Nothing is changed.
        """
        parts = self._parts
        node_id = await self._find(without)
        lost = await parts.database.write(
            lambda db: parts.acceptance.what_if(db, parts.world.now(), node_id, blocked=blocked)
        )
        names = await self._names({node_id, *lost.unreachable, *lost.unlisted, *lost.unhonoured})

        def shown(nodes: Iterable[NodeId]) -> list[dict[str, str]]:
            return [{"node_id": node, "organisation": names.get(node, "")} for node in nodes]

        return {
            "node_id": node_id,
            "organisation": names.get(node_id, ""),
            "standing": parts.acceptance.standing(node_id).name.lower(),
            "unreachable": shown(lost.unreachable),
            "unlisted": shown(lost.unlisted),
            "unhonoured": shown(lost.unhonoured),
        }

    async def _find(self, text: str) -> NodeId:
        return await self._parts.database.read(partial(find_node, parts=self._parts, text=text))

    async def _names(self, nodes: Collection[NodeId]) -> dict[str, str]:
        return await self._parts.database.read(partial(names_of, parts=self._parts, nodes=nodes))


def _way(way: Way, names: Mapping[str, str]) -> dict[str, Any]:
    path = [
        {"author": step.node, "organisation": names.get(step.node, "")}
        | ({"date": step.date, "method": step.method} if step.date else {})
        for step in way.steps
    ]
    return {"path": path, "honours": way.honours}
