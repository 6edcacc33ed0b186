"""Homes that hold much of others: real authors with real signatures, stored by the node's own code.

asyncio.run(fill(node.home, [largest_author(), *many_authors(64, 100)]))
"""

import random
import sqlite3
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from node.app import App
from node.directory.draft import Change
from node.home import Home
from node.protocol.statements import Card
from node.storage import authors as stored
from node.storage import partners, sets
from node.world import World
from tests.directory.small_node import endorsement_body, signatory
from tests.nodes import venue
from tests.protocol.builders import Author

RECORDS, SIZE = 10_000, 50_000_000
"""The most that every node takes of one author (SPEC, "Limits")."""


@cache
def _words() -> list[str]:
    chance = random.Random(7)
    return ["".join(chance.choices("abdeiklmnorstu", k=chance.randint(3, 9))) for _ in range(5_000)]


def room(chance: random.Random, number: int, prose: int) -> dict[str, Any]:
    """A venue's body with so many words of directions."""
    body = venue("", name=f"Room {number}", directions={"en": " ".join(chance.choices(_words(), k=prose))})
    del body["ref"]
    return body


def author(name: str, records: int, prose: int) -> Author:
    """A signatory with so many records."""
    made, chance = signatory(name), random.Random(name)
    for number in range(records - len(made.records)):
        made.put("venue", room(chance, number, prose), f"v{number}")
    made.commit()
    made.beat(int(World().now()))
    return made


def largest_author() -> Author:
    """One with as many records and nearly as many bytes."""
    made = author("largest", RECORDS, (SIZE // RECORDS - 630) // 7)
    assert 0.9 * SIZE < made.head_with().size <= SIZE
    return made


def many_authors(count: int, records: int) -> list[Author]:
    return [author(f"one-of-many-{number}", records, 24) for number in range(count)]


async def fill(home: Path, authors: Sequence[Author]) -> None:
    """Stores what the authors say in the home of a node that doesn't serve, and has it endorse them."""
    async with App.opened(Home(home)) as app:
        for each in authors:
            await app.database.write(partial(_store, app.trees, each))
        endorsements = [Change("endorsement", endorsement_body(each.id), ref=each.id) for each in authors]
        await app.publisher.publish(endorsements)


def _store(trees: sets.Trees, each: Author, db: sqlite3.Connection) -> None:
    sets.advance(
        db,
        trees,
        stored.find(db, each.id),
        card=each.card,
        heads=[each.head],
        tree=each.tree,
        beat=each.newest_beat,
        put=each.records,
        now=World().now(),
    )


async def befriend(home: Path, nodes: Sequence[tuple[Card, str | None]]) -> None:
    """Makes partners of nodes, each with its URL, in the home of one that doesn't serve, as if words had been heard."""

    def add(db: sqlite3.Connection) -> None:
        for card, url in nodes:
            stored.introduce(db, card)
            partners.add(db, card.author, url, World().now())

    async with App.opened(Home(home)) as app:
        await app.database.write(add)
