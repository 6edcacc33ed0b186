"""Operations on partners: whose keys were exchanged directly, and rounds with them."""

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from node.control.key_card import KeyCard
from node.control.parts import Operation, Parts, Report
from node.directory import views
from node.directory.publishing import Change, published
from node.errors import BraError
from node.federation import wire
from node.protocol.names import NodeId, format_time
from node.storage import authors, partners
from node.storage.partners import Partner


class Partnership:
    """partner-add, partner-list, sync."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        return {
            "partner-add": self.partner_add,
            "partner-list": self.partner_list,
            "sync": partial(self.sync, report=report),
        }

    async def partner_add(self, *, key_card: dict[str, Any], url: str | None = None) -> dict[str, Any]:
        """Makes the node of a key card a partner, and says so to everybody by an endorsement."""
        card = KeyCard.parse(key_card, network=self._parts.network, me=self._parts.acceptance.me)
        reached = wire.parse_url(url) if url else next((wire.parse_url(each) for each in card.urls), None)
        now = self._parts.world.now()

        def add(db: sqlite3.Connection) -> tuple[bool, bool, Any]:
            authors.introduce(db, card.signed.card)
            new = partners.add(db, card.node_id, reached, now)
            return new, published(db, "endorsement", card.node_id), self._parts.acceptance.recompute(db, now)

        new, endorsed, known = await self._parts.database.write(add)
        self._parts.acceptance.replace(known)
        self._parts.home.keep_partner_card(card.node_id, card.signed.line)
        # Asked of the database and not of `new`: this may have been ended between the two.
        if not endorsed:
            await self._parts.publisher.publish([Change("endorsement", self._endorsement(card), ref=card.node_id)])
        if self._parts.schedule is not None:
            self._parts.schedule.sync_with(card.node_id)
        return {"node_id": card.node_id, "organisation": card.organisation, "url": reached or "", "new": new}

    async def partner_list(self) -> dict[str, Any]:
        return {"partners": await self._parts.database.read(partial(shown, parts=self._parts))}

    async def sync(self, *, report: Report) -> dict[str, Any]:
        """One round with every partner, now; what failed with one is told and stops no other."""
        everyone = await self._parts.database.read(partners.everyone)

        def progress(author: NodeId, count: int) -> None:
            report({"author": author, "records": count})

        async def one(partner: Partner) -> dict[str, Any]:
            if partner.url is None:
                # It connects to this node instead; nothing is wrong.
                return {"partner": partner.node_id, "skipped": "no URL of it is known"}
            try:
                exchange = self._parts.exchange(partner, progress)
                done = await exchange.round(0)
                while done.news and not done.refused:
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
        refusals = await self._parts.database.read(partners.refusals)
        return {"partners": rounds, "refusals": [asdict(each) | {"head": None} for each in refusals]}

    def _endorsement(self, card: KeyCard) -> dict[str, Any]:
        today = datetime.fromtimestamp(self._parts.world.now(), UTC).date().isoformat()
        return {"node_id": card.node_id, "organisation": card.organisation, "method": "key_card", "date": today}


def shown(db: sqlite3.Connection, parts: Parts) -> list[dict[str, Any]]:
    """The partners, and how the last round with each went."""
    everyone = partners.everyone(db)
    names = views.organisation_names(db, [partner.node_id for partner in everyone])
    return [_shown(parts, partner, names) for partner in everyone]


def _shown(parts: Parts, partner: Partner, names: Mapping[str, str]) -> dict[str, Any]:
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
    if partner.problem:
        found["problem"] = partner.problem
    return found
