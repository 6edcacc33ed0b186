"""House-keeping for what is to be gone. Each step is a job of its own, so that other changes get their turn in between.

What a withdrawn record leaves in its table and in the log goes at once (`database`); this is for what takes its time.
"""

from functools import partial

from node.storage import authors, records, sets
from node.storage.database import Database


async def purge_silent(database: Database, me: str, now: float) -> None:
    """Purges the personal records of everybody, but this node itself, who has given no sign of life for too long."""
    for author in await database.read(partial(authors.silent, now=now)):
        if author != me:
            await database.write(partial(sets.purge_silent, author_id=author, now=now))


async def forget_words(database: Database) -> None:
    """Takes the words of deleted records out of the full text."""
    while await database.write(records.forget_words):
        pass
