"""Operations that keep somebody out: no partner any more, blocked, or both at once and said to everybody.

What is decided here counts here at once. Others hear of it by the endorsement that is taken back, with its reason, and
decide for themselves.
"""

import sqlite3
from dataclasses import asdict
from typing import Any

from node.control import endorsing
from node.control.parts import Operation, Parts, Report
from node.control.who import find_node, names_of
from node.directory.acceptance import Answer
from node.errors import InputError
from node.protocol.names import NodeId, format_time
from node.storage import blocks, joining, partners

NO_PARTNER = "no partner of this node any more"
"""The reason that is given where the operator gives none."""


class Exclusion:
    """block, block-list, expel, partner-remove, unblock."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "block": self.block,
            "block-list": self.block_list,
            "expel": self.expel,
            "partner-remove": self.partner_remove,
            "unblock": self.unblock,
        }

    async def partner_remove(self, *, node: str, reason: str | None = None) -> dict[str, Any]:
        """Ends the partnership with a node, and takes the endorsement of it back."""
        node_id = await self._other(node)
        was, endorsed = await self._parts.database.read(lambda db: self._ties(db, node_id))
        if not was and not endorsed:
            raise InputError(f"{node_id} is no partner of this node: 'bra partner list' shows who is")
        await self._exclude(node_id, removes=True)
        await self._take_back(node_id, reason or NO_PARTNER)
        return await self._now(node_id)

    async def block(self, *, node: str, reason: str | None = None) -> dict[str, Any]:
        """Accepts nothing of a node any more, whoever vouches for it; known to this node alone."""
        node_id = await self._other(node)
        await self._exclude(node_id, blocks_for=reason or "")
        return await self._now(node_id)

    async def expel(self, *, node: str, reason: str) -> dict[str, Any]:
        """Blocks a node, ends the partnership with it, and takes the endorsement of it back."""
        node_id = await self._other(node)
        await self._exclude(node_id, removes=True, blocks_for=reason)
        await self._take_back(node_id, reason)
        return await self._now(node_id)

    async def unblock(self, *, node: str) -> dict[str, Any]:
        """Takes a block back; the node stands again where the others' word puts it."""
        parts = self._parts
        node_id = await self._other(node)

        def change(db: sqlite3.Connection) -> tuple[Answer, bool]:
            if node_id in parts.acceptance.choices.blocked:
                raise InputError(f"{node_id} is blocked in config/node.toml: take it out there, and restart")
            if not blocks.unblock(db, node_id):
                raise InputError(f"{node_id} is not blocked: 'bra block --list' shows who is")
            return parts.acceptance.recompute(db, parts.world.now()), partners.find(db, node_id) is not None

        answer, partner = await parts.database.write(change)
        parts.acceptance.replace(answer)
        if partner and parts.schedule is not None:
            parts.schedule.sync_with(node_id)
        return await self._now(node_id)

    async def block_list(self) -> dict[str, Any]:
        """Who is blocked here: by command, since when and why; and in the configuration."""

        def read(db: sqlite3.Connection) -> dict[str, Any]:
            found: list[dict[str, Any]] = [
                asdict(each) | {"at": format_time(each.at), "by": "command"} for each in blocks.everything(db)
            ]
            by_command = {each["node_id"] for each in found}
            configured = sorted(self._parts.acceptance.choices.blocked)
            found += [{"node_id": each, "by": "configuration"} for each in configured if each not in by_command]
            names = names_of(db, self._parts, [each["node_id"] for each in found])
            return {"blocked": [each | {"organisation": names.get(each["node_id"], "")} for each in found]}

        return await self._parts.database.read(read)

    async def _other(self, text: str) -> NodeId:
        """The node that is meant; InputError where it is this one itself."""
        node_id = await self._parts.database.read(lambda db: find_node(db, self._parts, text))
        if node_id == self._parts.acceptance.me:
            raise InputError("this is this node itself: name another, or use 'bra leave'")
        return node_id

    def _ties(self, db: sqlite3.Connection, node_id: NodeId) -> tuple[bool, bool]:
        """Whether a node is a partner, and whether it is endorsed."""
        held = endorsing.of(db, self._parts.acceptance.me, node_id)
        return partners.find(db, node_id) is not None, any(map(endorsing.stands, held))

    async def _exclude(self, node_id: NodeId, *, removes: bool = False, blocks_for: str | None = None) -> None:
        """What counts here alone, which is first: it holds even if nothing can be published now."""
        parts = self._parts

        def change(db: sqlite3.Connection) -> Answer:
            if blocks_for is not None:
                blocks.block(db, node_id, blocks_for, parts.world.now())
            if removes:
                partners.remove(db, node_id)
            # What it still waited for is over, too: nobody is endorsed who was just put out.
            joining.end(db, node_id)
            return parts.acceptance.recompute(db, parts.world.now())

        answer = await parts.database.write(change)
        if parts.schedule is not None:
            parts.schedule.stop_with(node_id)
        parts.acceptance.replace(answer)
        if removes:
            parts.home.forget_partner_card(node_id)

    async def _take_back(self, node_id: NodeId, reason: str) -> None:
        parts = self._parts
        held = await parts.database.read(lambda db: endorsing.of(db, parts.acceptance.me, node_id))
        now = parts.world.now()
        if changes := [endorsing.withdrawal(each, reason, now) for each in held if endorsing.stands(each)]:
            await parts.publisher.publish(changes)
            await parts.reconsider()

    async def _now(self, node_id: NodeId) -> dict[str, Any]:
        """Where a node stands here now, and through whom."""
        found = self._parts.acceptance.known.get(node_id)
        path = list(found.path) if found else []
        names = await self._parts.database.read(lambda db: names_of(db, self._parts, [node_id, *path]))
        return {
            "node_id": node_id,
            "organisation": names.get(node_id, ""),
            "standing": self._parts.acceptance.standing(node_id).name.lower(),
            "path": [{"author": each, "organisation": names.get(each, "")} for each in path],
        }
