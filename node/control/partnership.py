"""Operations on partners: whose keys were exchanged directly, and rounds with them."""

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from node.control import endorsing
from node.control.parts import Operation, Parts, Report
from node.control.who import find_node, names_of
from node.errors import BraError
from node.protocol.names import NodeId, format_time
from node.storage import authors, blocks, partners
from node.storage.authors import Author
from node.storage.partners import Partner, Refused

STATES = ("failing", "behind", "new", "calls", "in step", "blocked")
"""Of a partner, those that need somebody first; "calls": no URL of it is known, so it connects to this node."""
_MOST_REFUSALS = 100


class Partnership:
    """partner-list, partner-show, sync."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        return {
            "partner-list": self.partner_list,
            "partner-show": self.partner_show,
            "sync": partial(self.sync, report=report),
        }

    async def partner_list(self) -> dict[str, Any]:
        """The partners, those that need somebody first."""
        found = await self._parts.database.read(partial(shown, parts=self._parts))
        return {"partners": sorted(found, key=lambda each: STATES.index(each["state"]))}

    async def partner_show(self, *, node: str) -> dict[str, Any]:
        """One node: as a partner, if it is one, what this node says of it, and what was refused of it and why."""
        parts = self._parts

        def read(db: sqlite3.Connection) -> dict[str, Any]:
            node_id = find_node(db, parts, node)
            held, refused = authors.find(db, node_id), partners.refusals(db, node_id, most=_MOST_REFUSALS)
            names = names_of(db, parts, {node_id, *(each.author for each in refused)})
            said = [each.body for each in endorsing.of(db, parts.acceptance.me, node_id)]
            blocked = next((each for each in blocks.everything(db) if each.node_id == node_id), None)
            return {
                "node_id": node_id,
                "organisation": names.get(node_id, ""),
                "own": node_id == parts.acceptance.me,
                "records": (held.count or 0) if held else 0,
                "epoch": held.epoch if held else 0,
                "forked": bool(held and held.is_forked),
                **({"heard": format_time(held.beat_time)} if held and held.beat_time is not None else {}),
                "partner": next((each for each in shown(db, parts) if each["node_id"] == node_id), None),
                "endorsements": said,
                **({"blocked": {"at": format_time(blocked.at), "reason": blocked.reason}} if blocked else {}),
                "refusals": [refusal(each, names) for each in refused],
            }

        return await parts.database.read(read)

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
    nodes = [partner.node_id for partner in everyone]
    names, blocked, ahead = names_of(db, parts, nodes), parts.acceptance.blocked(db), partners.ahead(db)
    return [
        _shown(parts, partner, names.get(partner.node_id, ""), ahead.get(partner.node_id, 0))
        | _held(authors.find(db, partner.node_id))
        | _state(partner, ahead.get(partner.node_id, 0), blocked=partner.node_id in blocked)
        for partner in everyone
    ]


def refusal(each: Refused, names: Mapping[str, str]) -> dict[str, Any]:
    """A refusal as it is told: of whose records, brought by whom, why and when."""
    return {
        "partner": each.partner,
        "author": each.author,
        "organisation": names.get(each.author, ""),
        "reason": each.reason,
        "sentence": each.sentence,
        "at": format_time(each.at),
    }


def _shown(parts: Parts, partner: Partner, name: str, behind: int) -> dict[str, Any]:
    """`behind`: of how many organisations it says that it has something newer than is held here."""
    last = parts.schedule.last_round.get(partner.node_id) if parts.schedule else None
    found = {
        "node_id": partner.node_id,
        "organisation": name,
        "url": partner.url or "",
        "added": format_time(partner.added),
        "failures": partner.failures,
        "behind": behind,
    }
    if moment := last or partner.last_sync:
        found["last_sync"] = format_time(moment)
    return found


def _held(author: Author | None) -> dict[str, Any]:
    """How many records of it are held, and when it last said that its state is its newest."""
    heard = author.beat_time if author else None
    held = {"records": (author.count or 0) if author else 0}
    return held | ({"heard": format_time(heard)} if heard is not None else {})


def _state(partner: Partner, behind: int, *, blocked: bool) -> dict[str, str]:
    """How things stand with a partner, in one word of `STATES`, and what is wrong, if anything is."""
    if blocked:
        return {"state": "blocked", "problem": "blocked here: nothing is asked of it or told to it"}
    if partner.problem:
        return {"state": "failing", "problem": partner.problem}
    if partner.url is None:
        return {"state": "calls"}
    return {"state": "new" if partner.last_sync is None else "behind" if behind else "in step"}
