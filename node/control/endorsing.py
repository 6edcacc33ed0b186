"""Endorsements by this node: how one is made, found again, and taken back.

One that was taken back stays a record, with the day and the reason: everybody sees why it counts no more.
"""

import asyncio
import sqlite3
from datetime import UTC, datetime
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.control.who import find_node, names_of
from node.directory import views
from node.directory.draft import Change, own
from node.errors import InputError
from node.protocol.names import NodeId
from node.protocol.record import Record


class Endorsing:
    """endorse, endorse-withdraw."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"endorse": self.endorse, "endorse-withdraw": self.endorse_withdraw}

    async def endorse(
        self, *, node: str, method: str, organisation: str | None = None, expires: str | None = None
    ) -> dict[str, Any]:
        """Says to everybody that this node knows another, as the organisation that it says it is or as `organisation`.

        One that says the same already keeps its day; one that says something else, or was taken back, is replaced.
        """
        parts = self._parts
        now = parts.world.now()
        node_id, name, held = await parts.database.read(lambda db: self._known(db, node))
        name = organisation or name
        if not name:
            raise InputError(f"nothing of {node_id} is known here that says who it is: name it with --organisation")
        latest = held[-1] if held else None
        change = endorsement(node_id, name, method=method, now=now, expires=expires, held=latest)
        assert change.body is not None
        warning = await self._warning(node_id, name)
        if latest is not None and latest.body == change.body | {"date": latest.body["date"]}:
            return {**latest.body, "new": False} | warning
        await parts.publisher.publish([change])
        await parts.reconsider()
        return {**change.body, "new": True} | warning

    async def endorse_withdraw(self, *, node: str, reason: str) -> dict[str, Any]:
        """Takes the endorsement of a node back, and says to everybody why."""
        parts = self._parts
        now = parts.world.now()
        node_id, name, held = await parts.database.read(lambda db: self._known(db, node))
        if not held:
            raise InputError(f"this node has never endorsed {node_id}: there is nothing to withdraw")
        standing = [each for each in held if stands(each)]
        if not standing:
            since = held[-1].body["withdrawn"].get("date", "before")
            raise InputError(f"the endorsement of {node_id} was withdrawn already ({since}): there is nothing to do")
        await parts.publisher.publish([withdrawal(each, reason, now) for each in standing])
        await parts.reconsider()
        return {"node_id": node_id, "organisation": name or standing[-1].body["organisation"]}

    async def _warning(self, node_id: NodeId, name: str) -> dict[str, str]:
        """A `warning` where the node looks like somebody else, by what it says of itself or as it is endorsed."""
        acceptance = self._parts.acceptance
        says = dict(acceptance.answer.names).get(node_id)
        likeness = acceptance.look_alikes.get(node_id)
        if says is None or says.name != name:
            likeness = await asyncio.to_thread(acceptance.resembles, node_id, name) or likeness
        if likeness is None:
            return {}
        names = await self._parts.database.read(lambda db: names_of(db, self._parts, [likeness.of]))
        return {"warning": views.look_alike_warning(likeness, names)}

    def _known(self, db: sqlite3.Connection, text: str) -> tuple[NodeId, str, list[Record]]:
        """The node that is meant, what it calls itself, and the endorsements of it by this node."""
        node_id = find_node(db, self._parts, text)
        me = self._parts.acceptance.me
        if node_id == me:
            raise InputError("this is this node itself: an endorsement is of another")
        return node_id, views.organisation_names(db, [node_id]).get(node_id, ""), of(db, me, node_id)


def endorsement(
    node_id: NodeId,
    organisation: str,
    *,
    method: str,
    now: float,
    expires: str | None = None,
    held: Record | None = None,
) -> Change:
    """The change by which this node endorses another from today on, in the place of the endorsement `held`."""
    body: dict[str, Any] = {"node_id": node_id, "organisation": organisation, "method": method, "date": day(now)}
    if expires is not None:
        body["expires"] = expires
    return Change("endorsement", body, id=held.id) if held else Change("endorsement", body, ref=node_id)


def withdrawal(held: Record, reason: str, now: float) -> Change:
    """The change by which an endorsement counts no more, for a reason in English that everybody may read."""
    withdrawn = {"reason": {"en": reason}, "date": day(now)}
    return Change("endorsement", held.body | {"withdrawn": withdrawn}, id=held.id)


def of(db: sqlite3.Connection, me: NodeId, node_id: NodeId) -> list[Record]:
    """The endorsements of a node that this one has published, under whatever name."""
    return [record for record in own(db, me, "endorsement") if record.body.get("node_id") == node_id]


def stands(held: Record) -> bool:
    """Whether an endorsement was not taken back."""
    return "withdrawn" not in held.body


def day(now: float) -> str:
    """The day of a moment, as bodies have it: 2027-01-15."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()
