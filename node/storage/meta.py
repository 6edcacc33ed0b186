"""What the database knows of itself."""

import sqlite3
from collections.abc import Callable

import orjson

RUNS_KEPT = 100
"""Runs of the program whose cursors still count."""


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


def begin_run(db: sqlite3.Connection, random: Callable[[int], bytes], reached: int) -> dict[str, int]:
    """Gives the database another name for this run of the program; the names of earlier runs, each with its last place.

    A cursor that an earlier run gave counts up to that place: where the disk was set back, it may have given more.
    """
    earlier: dict[str, int] = orjson.loads(get(db, "earlier") or "{}")
    if name := get(db, "instance"):
        earlier[name] = reached
    earlier = dict(list(earlier.items())[-RUNS_KEPT:])
    put(db, "earlier", orjson.dumps(earlier).decode())
    new_instance(db, random)
    return earlier


def give_numbers(db: sqlite3.Connection, count: int) -> int:
    """Numbers so many records; the first number. None is given twice, or a page would skip what came later."""
    [(highest,)] = db.execute(
        "INSERT INTO meta (name, value) VALUES ('records', ?) ON CONFLICT (name) DO UPDATE "
        "SET value = CAST(CAST(value AS INTEGER) + excluded.value AS TEXT) RETURNING value",
        (str(count),),
    ).fetchall()
    return int(highest) - count + 1
