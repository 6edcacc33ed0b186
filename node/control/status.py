"""The node's status: who it is, whom it syncs with, what it holds, and what it refused and why."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from node.control import custody, partnership
from node.control.parts import Operation, Parts, Report
from node.control.who import names_of
from node.directory import views
from node.protocol.names import format_time
from node.storage import authors, backlog, mailbox, messages, partners, records
from node.trust.reach import Standing


class Status:
    """status."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"status": self.status}

    async def status(self) -> dict[str, Any]:
        """Who this node is, whom it syncs with, what it holds, and what it refused and why."""
        return await self._parts.database.read(self._status)

    def _status(self, db: sqlite3.Connection) -> dict[str, Any]:
        me = authors.find(db, self._parts.acceptance.me)
        everyone = authors.everyone(db)
        names = names_of(db, self._parts, [author.node_id for author in everyone])
        left = views.farewells(db)
        refusals = [partnership.refusal(each, names) for each in partners.refusals(db)]
        return {
            "node_id": self._parts.acceptance.me,
            "organisation": names.get(self._parts.acceptance.me, ""),
            "network": self._parts.network,
            "serving": self._parts.schedule is not None,
            "authority": custody.shown(db, self._parts),
            "epoch": me.epoch if me else 0,
            "seq": me.seq if me else 0,
            "partners": partnership.shown(db, self._parts),
            "authors": [
                self._author(author, names) | ({"left": left[author.node_id]} if author.node_id in left else {})
                for author in everyone
            ],
            "records": sum(author.count or 0 for author in everyone),
            "backlog": backlog.size(db),
            "without_body": sum(map(len, records.without_bodies(db).values())),
            "refusals": refusals,
            "messages": self._messages(db),
        }

    def _messages(self, db: sqlite3.Connection) -> dict[str, Any]:
        """Those that wait to be acknowledged, by recipient, and how many are kept for partners."""
        found = messages.waiting(db)
        names = names_of(db, self._parts, [each.recipient for each in found])
        return {
            "waiting": [
                {
                    "to": each.recipient,
                    "organisation": names.get(each.recipient, ""),
                    "messages": each.messages,
                    "since": format_time(each.since),
                    "problem": each.problem or "",
                }
                for each in found
            ],
            "kept": mailbox.waiting(db),
        }

    def _author(self, author: authors.Author, names: Mapping[str, str]) -> dict[str, Any]:
        known = self._parts.acceptance.known.get(author.node_id)
        found: dict[str, Any] = {
            "node_id": author.node_id,
            "organisation": names.get(author.node_id, ""),
            "standing": Standing(author.standing).name.lower(),
            "through": names.get(known.path[0], known.path[0]) if known and known.path else "",
            "epoch": author.epoch,
            "seq": author.seq,
            "records": author.count or 0,
            "root": author.root.hex() if author.root else "",
            "stale": (author.beat_expires or 0) <= self._parts.world.now(),
            "forked": author.is_forked,
            "damaged": bool(author.damaged),
        }
        if likeness := self._parts.acceptance.look_alikes.get(author.node_id):
            found["warning"] = views.look_alike_warning(likeness, names)
        if author.beat_time is not None:
            found["heard"] = format_time(author.beat_time)
        return found
