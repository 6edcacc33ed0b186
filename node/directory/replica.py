"""What a node keeps of others: everything, or the bodies of some kinds alone.

Rules:

- whatever is left out stays as leaves, so that each author's set still proves itself, and nobody can hide the rest
- what tells who somebody is, and what passes and receipts need, is always kept
- a node's own records are always whole

>>> sorted(kept(["venue"]) & SELECTABLE)
['venue']
>>> kept([])
frozenset()
"""

from collections.abc import Collection, Iterable
from functools import partial

from node.errors import InputError
from node.kinds import KINDS
from node.storage import sets
from node.storage.database import Database

SELECTABLE = frozenset(("venue", "event", "offer", "contact", "culture_guide", "practice", "adoption", "need"))


def kept(chosen: Iterable[str]) -> frozenset[str]:
    """The kinds of which bodies are kept, where these are chosen; none named: all. InputError for one that can't be."""
    asked = frozenset(chosen)
    if unknown := asked - SELECTABLE:
        raise InputError(
            f"directory.kinds in config/node.toml: {min(unknown)!r} can't be chosen: choose among "
            f"{', '.join(sorted(SELECTABLE))}"
        )
    return asked | (frozenset(KINDS) - SELECTABLE) if asked else asked


async def narrow(database: Database, me: str, kinds: Collection[str]) -> None:
    """Makes leaves of what is held of others and not kept any more, an author at a time."""
    if not kinds:
        return
    for author in await database.read(partial(sets.with_other_kinds, me=me, kinds=kinds)):
        await database.write(partial(sets.keep_kinds, author_id=author, kinds=kinds))
