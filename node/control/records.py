"""Operations on records: the node's own, and what it knows of others.

Confirming says that somebody looked and that all is still right: the record is published anew, `checked` now. A culture
guide is reviewed by that, too. What somebody else has to say, such as that they agree to be named, isn't said by it.
"""

import asyncio
from dataclasses import asdict
from functools import partial
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory import companions, views
from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.search import Question, search
from node.errors import InputError
from node.exports import FORMATS, Collection
from node.federation import sending
from node.protocol.names import format_time


class Records:
    """card, confirm, export, list, search, show, publish, withdraw, write."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "card": self.card,
            "confirm": self.confirm,
            "export": self.export,
            "list": self.list_kind,
            "publish": self.publish,
            "search": self.search,
            "show": self.show,
            "withdraw": self.withdraw,
            "write": self.write_kind,
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

    async def write_kind(self, *, kind: str, format: str, languages: list[str]) -> dict[str, Any]:  # noqa: A002
        """All records of a kind in one of `exports.FORMATS`: the file's `text`, how many were `written` and `left_out`.

        An own record comes with its publisher's name for it, so that its row can be published again.
        """
        form = FORMATS[format]
        if kind not in form.kinds:
            raise InputError(f"{form.name} has no words for {kind}: it takes {', '.join(sorted(form.kinds))}")
        read, reader, me = self._parts.database.read, self._parts.reader(), self._parts.acceptance.me
        said = records = (await self.list_kind(kind=kind))["records"]
        names = await read(partial(companions.own_names, kind=kind))
        for each in records:
            if each["author"] == me and each["id"] in names:
                each["ref"] = names[each["id"]]
        venues = await read(partial(companions.venues_of, reader=reader, records=records))
        if form.signed:
            said = await read(partial(sending.signed_values, trees=self._parts.trees, shown=records))
        title = f"Business Roaming Agreement: {kind.replace('_', ' ')}"
        about = Collection(title, kind=kind, languages=languages, venues=venues)
        text = await asyncio.to_thread(lambda: b"".join(form.write(said, about)).decode())
        return {"text": text, "written": len(said), "left_out": len(records) - len(said)}

    async def search(self, *, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question (`directory.search.Question`, each value a text), as a value."""
        found = await self._parts.database.read(
            partial(search, reader=self._parts.reader(), question=Question.parse(question))
        )
        return found.as_value()

    async def show(self, *, kind: str, id: str, author: str | None = None) -> dict[str, Any]:  # noqa: A002
        """One record, of this node's own or of another author, as its operator sees it."""
        author = author or self._parts.acceptance.me
        found = await self._parts.database.read(
            partial(views.one, reader=self._parts.reader(), kind=kind, author=author, record_id=id)
        )
        if found is None:
            raise InputError(f"there is no {kind} {id} of {author} here: look with 'bra list {kind}'")
        return found

    async def publish(self, *, changes: list[dict[str, Any]]) -> dict[str, Any]:
        """All of them in one new state, or none."""
        return await self._publish([Change(**change) for change in changes])

    async def confirm(self, *, records: list[dict[str, str]]) -> dict[str, Any]:
        """Confirms own records, each named by `kind`, `id` and the `version` that was looked at: all or none."""
        now = format_time(self._parts.world.now())
        changes = []
        for each in records:
            body = (await self.show(kind=each["kind"], id=each["id"]))["body"]
            if each["kind"] == "culture_guide":
                body = {**body, "reviewed": now[:10]}
            changes.append(Change(each["kind"], body, id=each["id"], version=each["version"], checked=now))
        return await self._publish(changes)

    async def withdraw(self, *, kind: str, id: str) -> dict[str, Any]:  # noqa: A002
        return await self._publish([Change(kind, None, id=id)])

    async def _publish(self, changes: list[Change]) -> dict[str, Any]:
        return asdict(await self._parts.publish(changes))
