"""Operations on partners: whose keys were exchanged directly, and rounds with them."""

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.control.who import names_of
from node.errors import BraError
from node.protocol.names import NodeId, format_time
from node.storage import partners
from node.storage.partners import Partner


class Partnership:
    """partner-list, sync."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        return {
            "partner-list": self.partner_list,
            "sync": partial(self.sync, report=report),
        }

    async def partner_list(self) -> dict[str, Any]:
        return {"partners": await self._parts.database.read(partial(shown, parts=self._parts))}

    async def sync(self, *, report: Report) -> dict[str, Any]:
        """One round with every partner, now; what failed with one is told and stops no other."""
        await self._parts.newcomer.go_on()
        everyone, blocked = await self._parts.database.read(
            lambda db: (partners.everyone(db), self._parts.acceptance.blocked(db))
        )

        def progress(author: NodeId, count: int) -> None:
            report({"author": author, "records": count})

        async def one(partner: Partner) -> dict[str, Any]:
            if partner.url is None:
                # It connects to this node instead; nothing is wrong.
                return {"partner": partner.node_id, "skipped": "no URL of it is known"}
            if partner.node_id in blocked:
                return {"partner": partner.node_id, "skipped": "it is blocked here"}
            try:
                exchange = self._parts.exchange(partner, progress)
                done = await exchange.round(0)
                while done.news:
                    cursor = done.cursor
                    done = await exchange.round(0)
                    if done.cursor == cursor:
                        break
            except BraError as error:
                sentence = str(error)
                await self._parts.database.write(lambda db: partners.failed(db, partner.node_id, sentence))
                return {"partner": partner.node_id, "problem": sentence}
            await self._parts.database.write(
                lambda db: partners.succeeded(db, partner.node_id, done.cursor, self._parts.world.now())
            )
            return {"partner": partner.node_id}

        rounds = await asyncio.gather(*map(one, everyone))
        await self._parts.indexer.done()
        refusals = await self._parts.database.read(partners.refusals)
        return {"partners": rounds, "refusals": [asdict(each) | {"head": None} for each in refusals]}


def shown(db: sqlite3.Connection, parts: Parts) -> list[dict[str, Any]]:
    """The partners, and how the last round with each went."""
    everyone = partners.everyone(db)
    names = names_of(db, parts, [partner.node_id for partner in everyone])
    blocked = parts.acceptance.blocked(db)
    return [_shown(parts, partner, names, blocked=partner.node_id in blocked) for partner in everyone]


def _shown(parts: Parts, partner: Partner, names: Mapping[str, str], *, blocked: bool) -> dict[str, Any]:
    last = parts.schedule.last_round.get(partner.node_id) if parts.schedule else None
    found = {
        "node_id": partner.node_id,
        "organisation": names.get(partner.node_id, ""),
        "url": partner.url or "",
        "added": format_time(partner.added),
        "failures": partner.failures,
    }
    if moment := last or partner.last_sync:
        found["last_sync"] = format_time(moment)
    if blocked:
        found["problem"] = "blocked here: nothing is asked of it or told to it"
    elif partner.problem:
        found["problem"] = partner.problem
    return found
