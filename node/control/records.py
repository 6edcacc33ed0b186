"""Operations on records: the node's own, and what it knows of others."""

from dataclasses import asdict
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory import views
from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.testimony import KINDS
from node.federation import sending


class Records:
    """card, export, list, search, publish, withdraw."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "card": self.card,
            "export": self.export,
            "list": self.list_kind,
            "publish": self.publish,
            "search": self.search,
            "withdraw": self.withdraw,
        }

    async def card(self) -> dict[str, Any]:
        """The key card: this node's organisation as a signed record, with a fresh beat."""
        await self._parts.publisher.beat()
        return await self.export(kind="organisation", id=OWN_ORGANISATION)

    async def export(self, *, kind: str, id: str, author: str | None = None) -> dict[str, Any]:  # noqa: A002
        """The portable signed record, of this node's own or of another author."""
        found = await self._parts.database.read(
            partial(
                sending.signed_record,
                trees=self._parts.trees,
                author_id=author or self._parts.acceptance.me,
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
            page = await self._parts.database.read(
                partial(views.listing, reader=self._parts.reader(), kind=kind, after=after, limit=views.LARGEST_PAGE)
            )
            found += page.records
            after = page.cursor
        return {"records": found}

    async def search(self, *, text: str, limit: int = 20) -> dict[str, Any]:
        found = await self._parts.database.read(
            partial(views.search, reader=self._parts.reader(), text=text, limit=limit)
        )
        return {"records": found}

    async def publish(self, *, changes: list[dict[str, Any]]) -> dict[str, Any]:
        """All of them in one new state, or none."""
        return await self._publish([Change(**change) for change in changes])

    async def withdraw(self, *, kind: str, id: str) -> dict[str, Any]:  # noqa: A002
        return await self._publish([Change(kind, None, id=id)])

    async def _publish(self, changes: list[Change]) -> dict[str, Any]:
        outcome = await self._parts.publisher.publish(changes)
        if any(change.kind in KINDS for change in changes):
            await self._parts.reconsider()
        return asdict(outcome)
