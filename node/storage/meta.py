"""What the database knows of itself."""

import sqlite3
from collections.abc import Callable


def instance(db: sqlite3.Connection, random: Callable[[int], bytes]) -> str:
    """The name of this database, drawn when it was made: a feed's cursor means nothing in another one."""
    row = db.execute("SELECT value FROM meta WHERE name = 'instance'").fetchone()
    if row:
        return str(row[0])
    drawn = random(8).hex()
    db.execute("INSERT INTO meta (name, value) VALUES ('instance', ?)", (drawn,))
    return drawn


def numbers_given(db: sqlite3.Connection) -> int:
    """The highest number that a record ever had here: none is given twice, or a page would skip what came later."""
    row = db.execute("SELECT value FROM meta WHERE name = 'records'").fetchone()
    return int(row[0]) if row else 0


def give_numbers(db: sqlite3.Connection, highest: int) -> None:
    db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('records', ?)", (str(highest),))
