"""Looking for damage: what a disk lost or altered beneath what was verified when it came.

Rules:

- each author's rows have to be what storing their lines would give, and to make up the root and count of its head
- a row that isn't becomes a leaf: its body is asked for again, like any that is missing
- an author whose rows don't make up its root is marked: it is told to nobody, and its set is compared with a partner's
  until it does
- one author after the other: read and hashed beside the event loop, with a rest in between; the writer is asked only
  where something is wrong, and looks again before it changes anything
- a node's own records that never leave it are in no root, and nobody could give them back: they are left alone

    for damage in await Scrub(database, trees, ask_again).everybody():
        print(damage.author, damage.altered, damage.whole)
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from node.errors import Malformed
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.tree import EMPTY, Tree
from node.storage import authors, bulk, records, sets
from node.storage.authors import Author
from node.storage.bulk import Row, Rows
from node.storage.database import Database

Progress = Callable[[int, int], None]
"""Called with how many authors were looked at, and of how many."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with what is held of an author under `head` (its hash).

    `altered`: numbers of rows that aren't what their lines say. `whole`: the rows make up the head's root and count.
    `counted`: the bytes of the bodies held are what the author's row says.
    """

    author: NodeId
    head: bytes
    altered: tuple[int, ...] = ()
    whole: bool = True
    counted: bool = True


class Scrub:
    """Looks for damage. `found` is told where there is some, so that whoever has what was lost is asked for it."""

    def __init__(self, database: Database, trees: sets.Trees, found: Callable[[Sequence[Damage]], None]) -> None:
        self._database = database
        self._trees = trees
        self._found = found

    async def everybody(self, progress: Progress | None = None) -> list[Damage]:
        """Looks at all that is held; what was damaged, which the next sync repairs."""
        held = await self._database.read(lambda db: [node_id for node_id, *_ in authors.states(db)])
        return await self._each(held, progress)

    async def suspects(self) -> list[Damage]:
        """Looks at those whose rows were met not to make up their root."""
        return await self._each(self._trees.take_suspects())

    async def _each(self, those: Collection[NodeId], progress: Progress | None = None) -> list[Damage]:
        found: list[Damage] = []
        clock = asyncio.get_running_loop().time
        for number, author in enumerate(those, 1):
            began = clock()
            if damage := await self._one(author):
                found.append(damage)
            if progress:
                progress(number, len(those))
            # As long a rest as the work took: whoever asks this node something goes first.
            await asyncio.sleep(clock() - began)
        if found:
            self._found(found)
        return found

    async def _one(self, author: NodeId) -> Damage | None:
        """Looks at one author, and makes what is wrong repairable; None where all is well."""
        while damage := await self._database.read(partial(look, author_id=author)):
            if await self._database.write(partial(settle, trees=self._trees, damage=damage)):
                return damage
        return None


def look(db: sqlite3.Connection, author_id: NodeId) -> Damage | None:
    """The damage to an author's set as `db` sees it. Some 10 microseconds a record: not for the event loop."""
    author = authors.find(db, author_id)
    if author is None or author.head_hash is None:
        return None
    altered: list[int] = []
    leaves: dict[bytes, bytes] = {}
    held = 0
    for row in _rows(db, author.no):
        leaves[row.key] = row.value
        held += len(row.line or b"")
        if not _as_stored(row, author_id):
            altered.append(row.no)
    whole = _makes_up(leaves, author)
    counted = held == authors.held(db, author.no)
    if not altered and counted and whole and not author.damaged:
        return None
    return Damage(author.node_id, author.head_hash, tuple(altered), whole, counted)


def settle(db: sqlite3.Connection, trees: sets.Trees, damage: Damage) -> bool:
    """Makes damage repairable; False where the author has a newer state since it was found, so look again."""
    author = authors.find(db, damage.author)
    if author is None or author.head_hash != damage.head:
        return False
    altered = [row for row in _rows(db, author.no, damage.altered) if not _as_stored(row, author.node_id)]
    bulk.delete(db, [row.no for row in altered])
    bulk.insert(db, author.no, Rows.of(Row(row.no, row.key, row.value, row.seq) for row in altered))
    authors.count_held(db, author.no, records.bodies(db, author.no)[1])
    authors.mark(db, author.no, damaged=not damage.whole)
    # The tree that was right would hide what is wrong with the rows.
    trees.drop(author.root or EMPTY)
    return True


def _rows(db: sqlite3.Connection, author: int, numbers: tuple[int, ...] | None = None) -> Iterator[Row]:
    """The author's shared rows: all, or those with these numbers."""
    chosen = "" if numbers is None else "AND no IN (SELECT value FROM json_each(?))"
    parameters: tuple[Any, ...] = (author,) if numbers is None else (author, orjson.dumps(numbers).decode())
    rows = db.execute(
        "SELECT no, key, value, seq, kind, id, visibility, expires, line FROM records "
        f"WHERE author = ? AND seq > 0 {chosen}",
        parameters,
    )
    return (Row(*row) for row in rows)


def _as_stored(row: Row, author: NodeId) -> bool:
    """Whether a row is what storing its line gives; of a leaf there is nothing to compare."""
    if row.line is None:
        return True
    try:
        record = Record.of(orjson.loads(row.line), row.line)
    except (Malformed, TypeError, ValueError):
        return False
    return record.author == author and row[:8] == (
        row.no, record.key, record.value, record.seq, record.kind, record.id, record.visibility, record.expires
    )  # fmt: skip


def _makes_up(leaves: dict[bytes, bytes], author: Author) -> bool:
    """Whether these leaves are the set that the author signed."""
    try:
        return (Tree.of(leaves).root, len(leaves)) == (author.root, author.count)
    except (Malformed, TypeError, IndexError):
        return False
