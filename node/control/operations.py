"""What an operator can have a node do: the one list of operations, the same whether the node serves or not.

Each takes parameters and gives a result, both JSON objects; `sync` also reports progress on its way. A command line
calls them through a serving node's control socket, or in its own process where none serves.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from node.control.key_card import KeyCard
from node.directory import views
from node.directory.acceptance import Acceptance
from node.directory.publishing import OWN_ORGANISATION, Change, Publisher, published
from node.directory.views import EVERYTHING, Reader
from node.errors import BraError, InputError
from node.federation import sending, wire
from node.federation.exchange import Exchange, Progress
from node.federation.schedule import Schedule
from node.protocol.names import NodeId, format_time
from node.storage import authors, partners, records, sets
from node.storage.database import Database
from node.storage.partners import Partner
from node.trust.reach import Standing
from node.world import World

Report = Callable[[dict[str, Any]], None]
"""Takes one piece of progress."""


def unreported(piece: dict[str, Any]) -> None:
    """Progress that nobody watches."""


@dataclass(slots=True)
class Operations:
    """The operations, over the parts of one running node. `schedule` is absent while it doesn't serve."""

    database: Database
    trees: sets.Trees
    acceptance: Acceptance
    publisher: Publisher
    exchange: Callable[[Partner, Progress], Exchange]
    keep_card: Callable[[str, bytes], None]
    network: str
    world: World
    schedule: Schedule | None = None

    async def run(self, name: str, parameters: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Does the operation `name`; BraError with a sentence where it can't be done."""
        operations: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "card": self.card,
            "export": self.export,
            "list": self.list_kind,
            "partner-add": self.partner_add,
            "partner-list": self.partner_list,
            "publish": self.publish,
            "search": self.search,
            "status": self.status,
            "sync": partial(self.sync, report=report),
            "withdraw": self.withdraw,
        }
        if name not in operations:
            raise InputError(f"this node knows no operation {name!r}: is it an older version? Restart it")
        return await operations[name](**parameters)

    async def card(self) -> dict[str, Any]:
        """The key card: this node's organisation as a signed record, with a fresh beat."""
        await self.publisher.beat()
        return await self.export(kind="organisation", id=OWN_ORGANISATION)

    async def export(self, *, kind: str, id: str, author: str | None = None) -> dict[str, Any]:  # noqa: A002
        """The portable signed record, of this node's own or of another author."""
        found = await self.database.read(
            partial(
                sending.signed_record,
                trees=self.trees,
                author_id=author or self.acceptance.me,
                kind=kind,
                record_id=id,
                everything=True,
            )
        )
        return {"signed_record": found.as_value()}

    async def list_kind(self, *, kind: str) -> dict[str, Any]:
        """All records of a kind that this node shows its operator."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self.database.read(
                partial(views.listing, reader=self._reader(), kind=kind, after=after, limit=views.LARGEST_PAGE)
            )
            found += page.records
            after = page.cursor
        return {"records": found}

    async def search(self, *, text: str, limit: int = 20) -> dict[str, Any]:
        found = await self.database.read(partial(views.search, reader=self._reader(), text=text, limit=limit))
        return {"records": found}

    async def publish(self, *, changes: list[dict[str, Any]]) -> dict[str, Any]:
        """All of them in one new state, or none."""
        return asdict(await self.publisher.publish([Change(**change) for change in changes]))

    async def withdraw(self, *, kind: str, id: str) -> dict[str, Any]:  # noqa: A002
        return asdict(await self.publisher.publish([Change(kind, None, id=id)]))

    async def partner_add(self, *, key_card: dict[str, Any], url: str | None = None) -> dict[str, Any]:
        """Makes the node of a key card a partner, and says so to everybody by an endorsement."""
        card = KeyCard.parse(key_card, network=self.network, me=self.acceptance.me)
        reached = wire.parse_url(url) if url else next((wire.parse_url(each) for each in card.urls), None)
        now = self.world.now()

        def add(db: sqlite3.Connection) -> tuple[bool, bool, Any]:
            authors.introduce(db, card.signed.card)
            new = partners.add(db, card.node_id, reached, now)
            return new, published(db, "endorsement", card.node_id), self.acceptance.recompute(db, now)

        new, endorsed, known = await self.database.write(add)
        self.acceptance.replace(known)
        self.keep_card(card.node_id, card.signed.line)
        # Asked of the database and not of `new`: this may have been ended between the two.
        if not endorsed:
            await self.publisher.publish([Change("endorsement", self._endorsement(card), ref=card.node_id)])
        if self.schedule is not None:
            self.schedule.sync_with(card.node_id)
        return {"node_id": card.node_id, "organisation": card.organisation, "url": reached or "", "new": new}

    async def partner_list(self) -> dict[str, Any]:
        return {"partners": await self.database.read(self._partners)}

    async def sync(self, *, report: Report) -> dict[str, Any]:
        """One round with every partner, now; what failed with one is told and stops no other."""
        everyone = await self.database.read(partners.everyone)

        def progress(author: NodeId, count: int) -> None:
            report({"author": author, "records": count})

        async def one(partner: Partner) -> dict[str, Any]:
            if partner.url is None:
                # It connects to this node instead; nothing is wrong.
                return {"partner": partner.node_id, "skipped": "no URL of it is known"}
            try:
                exchange = self.exchange(partner, progress)
                done = await exchange.round(0)
                while done.news and not done.refused:
                    cursor = done.cursor
                    done = await exchange.round(0)
                    if done.cursor == cursor:
                        break
            except BraError as error:
                sentence = str(error)
                await self.database.write(lambda db: partners.failed(db, partner.node_id, sentence))
                return {"partner": partner.node_id, "problem": sentence}
            await self.database.write(lambda db: partners.succeeded(db, partner.node_id, done.cursor, self.world.now()))
            return {"partner": partner.node_id}

        rounds = await asyncio.gather(*map(one, everyone))
        refusals = await self.database.read(partners.refusals)
        return {"partners": rounds, "refusals": [asdict(each) | {"head": None} for each in refusals]}

    async def status(self) -> dict[str, Any]:
        """Who this node is, whom it syncs with, what it holds, and what it refused and why."""
        return await self.database.read(self._status)

    def _status(self, db: sqlite3.Connection) -> dict[str, Any]:
        me = authors.find(db, self.acceptance.me)
        everyone = authors.everyone(db)
        names = views.organisation_names(db, [author.node_id for author in everyone])
        refusals = [
            {
                "partner": each.partner,
                "author": each.author,
                "organisation": names.get(each.author, ""),
                "reason": each.reason,
                "sentence": each.sentence,
                "at": format_time(each.at),
            }
            for each in partners.refusals(db)
        ]
        return {
            "node_id": self.acceptance.me,
            "organisation": names.get(self.acceptance.me, ""),
            "network": self.network,
            "serving": self.schedule is not None,
            "epoch": me.epoch if me else 0,
            "seq": me.seq if me else 0,
            "partners": self._partners(db),
            "authors": [self._author(author, names) for author in everyone],
            "records": sum(author.count or 0 for author in everyone),
            "without_body": sum(map(len, records.without_bodies(db).values())),
            "refusals": refusals,
        }

    def _author(self, author: authors.Author, names: Mapping[str, str]) -> dict[str, Any]:
        known = self.acceptance.known.get(author.node_id)
        found: dict[str, Any] = {
            "node_id": author.node_id,
            "organisation": names.get(author.node_id, ""),
            "standing": Standing(author.standing).name.lower(),
            "through": names.get(known.path[0], known.path[0]) if known and known.path else "",
            "epoch": author.epoch,
            "seq": author.seq,
            "records": author.count or 0,
            "root": author.root.hex() if author.root else "",
            "forked": author.forked_epoch is not None and author.forked_epoch >= author.epoch,
        }
        if author.beat_time is not None:
            found["heard"] = format_time(author.beat_time)
        return found

    def _partners(self, db: sqlite3.Connection) -> list[dict[str, Any]]:
        everyone = partners.everyone(db)
        names = views.organisation_names(db, [partner.node_id for partner in everyone])
        return [self._partner(partner, names) for partner in everyone]

    def _partner(self, partner: Partner, names: Mapping[str, str]) -> dict[str, Any]:
        last = self.schedule.last_round.get(partner.node_id) if self.schedule else None
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

    def _endorsement(self, card: KeyCard) -> dict[str, Any]:
        today = datetime.fromtimestamp(self.world.now(), UTC).date().isoformat()
        return {"node_id": card.node_id, "organisation": card.organisation, "method": "key_card", "date": today}

    def _reader(self) -> Reader:
        return Reader(EVERYTHING, self.world.now(), self.acceptance.me, self.acceptance.known)
