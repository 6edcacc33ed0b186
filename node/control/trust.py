"""Operations on trust: why somebody is known here, and what would be lost without somebody."""

import asyncio
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.control.who import find_node, names_of
from node.directory.reader import EVERYTHING
from node.directory.views import look_alike_warning
from node.protocol.names import NodeId
from node.trust.explain import Step, Way

MOST_SHOWN = 200
"""Nodes of a graph that are told at once."""


class Trust:
    """trust-graph, trust-why, trust-what-if."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"trust-graph": self.graph, "trust-why": self.why, "trust-what-if": self.what_if}

    async def graph(self, *, start: int = 0, most: int = MOST_SHOWN) -> dict[str, Any]:
        """Who is known, the nearest first: each with its path, and who of those shown vouches for whom.

        `known`: how many there are in all; `nodes` are `most` of them from `start` on, and this node with the first.
        """
        parts = self._parts
        known = parts.acceptance.known
        everyone = await asyncio.to_thread(sorted, known, key=lambda node: (len(known[node].path), node))
        shown = everyone[start : start + max(0, min(most, MOST_SHOWN))]

        def read(db: sqlite3.Connection) -> tuple[dict[NodeId, tuple[Step, ...]], list[tuple[NodeId, NodeId]]]:
            paths = parts.acceptance.nearest(db, parts.world.now(), shown)
            return paths, parts.acceptance.vouched(shown)

        paths, vouched = await parts.database.write(read)
        names = await self._names({*shown, *(step.node for path in paths.values() for step in path)})
        nodes = [
            {
                "node_id": node,
                "organisation": names.get(node, ""),
                "standing": known[node].standing.name.lower(),
                "partner": node in parts.acceptance.partners,
                "path": _path(path, names),
            }
            for node, path in paths.items()
        ]
        vouches = [{"by": by, "of": of} for by, of in vouched]
        return {"me": parts.acceptance.me, "known": len(everyone), "nodes": nodes, "vouches": vouches}

    async def why(self, *, node: str, visibilities: Sequence[str] = tuple(EVERYTHING)) -> dict[str, Any]:
        """A node's standing, and every way by which it comes to it, the shortest first.

        `visibilities`: of the records that may say what each is called.
        """
        parts = self._parts
        node_id = await self._find(node)
        found = await parts.database.write(lambda db: parts.acceptance.why(db, parts.world.now(), node_id))
        likeness = parts.acceptance.look_alikes.get(node_id)
        met = {node_id, *(step.node for way in found.ways for step in way.steps)}
        names = await self._names(met | ({likeness.of} if likeness else set()), visibilities)
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

    async def what_if(self, *, without: Sequence[str], blocked: bool = True) -> dict[str, Any]:
        """Who would be lost if nodes were no partners and not endorsed any more, and blocked unless `blocked` is false.

        Nothing is changed.
        """
        parts = self._parts
        gone = list(dict.fromkeys([await self._find(each) for each in without]))
        lost = await parts.database.write(
            lambda db: parts.acceptance.what_if(db, parts.world.now(), gone, blocked=blocked)
        )
        names = await self._names({*gone, *lost.unreachable, *lost.unlisted, *lost.unhonoured})

        def shown(nodes: Iterable[NodeId]) -> list[dict[str, str]]:
            return [
                {
                    "node_id": node,
                    "organisation": names.get(node, ""),
                    "standing": parts.acceptance.standing(node).name.lower(),
                }
                for node in nodes
            ]

        return {
            "without": shown(gone),
            "unreachable": shown(lost.unreachable),
            "unlisted": shown(lost.unlisted),
            "unhonoured": shown(lost.unhonoured),
        }

    async def _find(self, text: str) -> NodeId:
        return await self._parts.database.read(partial(find_node, parts=self._parts, text=text))

    async def _names(self, nodes: Collection[NodeId], visibilities: Collection[str] = EVERYTHING) -> dict[str, str]:
        job = partial(names_of, parts=self._parts, nodes=nodes, visibilities=visibilities)
        return await self._parts.database.read(job)


def _way(way: Way, names: Mapping[str, str]) -> dict[str, Any]:
    return {"path": _path(way.steps, names), "honours": way.honours}


def _path(steps: Iterable[Step], names: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"author": step.node, "organisation": names.get(step.node, "")}
        | ({"date": step.date, "method": step.method} if step.date else {})
        for step in steps
    ]
