"""What the database knows of itself."""

import sqlite3
from collections.abc import Callable


def get(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def put(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))


def instance(db: sqlite3.Connection, random: Callable[[int], bytes]) -> str:
    """The name of this database, drawn when it was made: a feed's cursor means nothing in another one."""
    return get(db, "instance") or new_instance(db, random)


def new_instance(db: sqlite3.Connection, random: Callable[[int], bytes]) -> str:
    """Another name: cursors that were given for what this database held once mean nothing in it any more."""
    drawn = random(8).hex()
    put(db, "instance", drawn)
    return drawn


def numbers_given(db: sqlite3.Connection) -> int:
    """The highest number that a record ever had here: none is given twice, or a page would skip what came later."""
    return int(get(db, "records") or 0)


def give_numbers(db: sqlite3.Connection, highest: int) -> None:
    put(db, "records", str(highest))
