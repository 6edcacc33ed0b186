"""The directory as those who ask for it see it: what is read, with which eyes, and with whose share of the threads.

reader = directory.reader(caller)
found = await directory.ask(caller, partial(search, reader=reader, question=question))
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from node.api.access import Caller
from node.api.refusals import Refused
from node.api.role import Role
from node.directory import views
from node.directory.acceptance import Acceptance
from node.directory.reader import Reader
from node.sentence import said
from node.storage import sets
from node.storage.database import QUERIERS, Database
from node.world import World

QUERY_SECONDS = 2.0
"""Seconds that one question may keep a thread."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Directory:
    """What is read. `url` is this node's own, empty where it has none."""

    database: Database
    acceptance: Acceptance
    trees: sets.Trees
    world: World
    url: str
    # Of the threads that answer, one is never the public's: members needn't wait behind it.
    _public: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(QUERIERS - 1))

    def reader(self, caller: Caller) -> Reader:
        return Reader.of(self.acceptance, caller.visibilities, self.world.now())

    async def ask(self, caller: Caller, question: Callable[[sqlite3.Connection], T]) -> T:
        """The answer to a question, for this caller; a BraError where it takes too long."""
        if caller.role is not Role.PUBLIC:
            return await self.database.query(question, QUERY_SECONDS)
        async with self._public:
            return await self.database.query(question, QUERY_SECONDS)

    async def record(self, caller: Caller, kind: str, author: str, id_: str) -> dict[str, Any]:
        """One record as this caller sees it; Refused with 404 where there is none for it."""
        reader = self.reader(caller)
        found = await self.ask(caller, partial(views.one, reader=reader, kind=kind, author=author, record_id=id_))
        if found is None:
            sentence = said(
                "there is no {kind} {id} of {author} here that you may see", kind=kind, id=id_, author=author
            )
            raise Refused(sentence, 404)
        return dict(found)
