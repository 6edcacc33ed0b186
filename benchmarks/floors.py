"""The floor of a sync: hashing the same records, and storing the same rows in one transaction, from memory.

It uses the node's own bulk insert (one statement a table), the fastest way to fill these tables and indexes (full text
and R*Tree included) that we know.
"""

import hashlib
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from benchmarks.harness import seconds
from node.storage import bulk
from node.storage.bulk import Row, Rows
from node.storage.database import Database
from node.storage.facts import Facts
from node.storage.index import Entry


def rows(home: Path, values: Collection[bytes] | None = None) -> dict[int, list[Row]]:
    """The rows of a home's database by their author's number: all, or those of these values (hashes of records)."""
    db = sqlite3.connect(home / "var" / "node.db")
    found: dict[int, list[Row]] = {}
    names = ", ".join(f"facts.{name}" for name in Facts._fields)
    for author, heading, words, south, west, *rest in db.execute(
        f"SELECT records.author, heading, words, south, west, {names}, records.no, key, value, seq, records.kind, id, "
        "records.visibility, records.expires, line, problem FROM records LEFT JOIN texts USING (no) "
        "LEFT JOIN places USING (no) LEFT JOIN facts USING (no)"
    ):
        place = None if south is None else (south, west)
        facts = Facts(*rest[: len(Facts._fields)]) if heading else None
        row = Row(*rest[len(Facts._fields) :], entry=Entry(heading or "", words or "", place, None, facts))
        if values is None or row.value in values:
            found.setdefault(author, []).append(row)
    db.close()
    return found


def floor(path: Path, stored: Mapping[int, Sequence[Row]]) -> float:
    """Seconds that it takes to hash these rows' records and to store them, in place of those of the same numbers."""
    lines = [row.line for each in stored.values() for row in each if row.line]

    def store(db: sqlite3.Connection) -> None:
        for author, each in stored.items():
            bulk.delete(db, [row.no for row in each])
            bulk.insert(db, author, Rows.of(each))

    path.parent.mkdir(exist_ok=True)
    database = Database(path)
    start = time.perf_counter()
    for line in lines:
        hashlib.sha256(line).digest()
    database.write_now(store)
    took = seconds(start)
    database.close()
    return took
