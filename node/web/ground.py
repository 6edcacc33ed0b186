"""What all pages stand on: the directory, the operations that a form may have done, and who owns the node."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from node.api.directory import Directory
from node.api.endpoint import Endpoint
from node.api.writing import Operate
from node.directory import views
from node.directory.draft import OWN_ORGANISATION
from node.directory.reader import PUBLIC, Reader
from node.photos.photos import Photos
from node.web.page import Asked

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ground:
    """`operate` does an operation as the node's operator: who may ask for it, the page's role decides.

    `endpoints`: those of the API.
    """

    directory: Directory
    photos: Photos
    operate: Operate
    endpoints: Sequence[Endpoint] = ()

    def reader(self, asked: Asked) -> Reader:
        """The eyes with which the visitor looks."""
        return self.directory.reader(asked.visitor.caller)

    async def ask(self, asked: Asked, question: Callable[[sqlite3.Connection], T]) -> T:
        """The answer to a question of the database, from the visitor's share of threads."""
        return await self.directory.ask(asked.visitor.caller, question)

    async def record(self, asked: Asked, kind: str, author: str, id_: str) -> dict[str, Any]:
        """One record as the visitor sees it; Refused with 404 where there is none for them."""
        return await self.directory.record(asked.visitor.caller, kind, author, id_)


class Owner:
    """The organisation of this node, whose name stands on each page. It is read again after each own change."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._name = ""
        self._changes = 0

    def forget(self) -> None:
        self._name = ""
        self._changes += 1

    async def name(self) -> str:
        if self._name:
            return self._name
        before = self._changes
        found = await self._directory.database.read(self._find)
        if before == self._changes:
            self._name = found
        return found

    def _find(self, db: sqlite3.Connection) -> str:
        # The name stands on pages for everybody.
        me, now = self._directory.acceptance.me, self._directory.world.now()
        reader = Reader.of(self._directory.acceptance, PUBLIC, now)
        found = views.one(db, reader, "organisation", me, OWN_ORGANISATION)
        return str(found["body"]["name"]) if found else me
