"""What importing remembers: which sheet a row came from, and what the headers of a sheet meant.

A mapping belongs to a kind and to all headers of a table together, in any order. Its id is their hash.
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

MOST_MAPPINGS = 1_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the headers of one table meant: those that a person mapped, to a column's name or to "" for none."""

    id: str
    kind: str
    headers: frozenset[str]
    mapping: Mapping[str, str]


def mappings(db: sqlite3.Connection, kind: str | None = None) -> list[Remembered]:
    """Those of a kind, or all, the newest first."""
    rows = db.execute(
        "SELECT id, kind, headers, mapping FROM mappings WHERE ? IS NULL OR kind = ? ORDER BY at DESC, id", (kind, kind)
    )
    return [Remembered(id_, of, frozenset(json.loads(headers)), json.loads(text)) for id_, of, headers, text in rows]


def remember(db: sqlite3.Connection, kind: str, headers: frozenset[str], mapping: Mapping[str, str], now: int) -> None:
    """Keeps a mapping for the next table with these headers; the oldest beyond `MOST_MAPPINGS` is forgotten."""
    written = json.dumps(sorted(headers), ensure_ascii=False)
    id_ = hashlib.sha256(f"{kind}\0{written}".encode()).hexdigest()[:16]
    db.execute(
        "INSERT OR REPLACE INTO mappings (id, kind, headers, mapping, at) VALUES (?, ?, ?, ?, ?)",
        (id_, kind, written, json.dumps(mapping, ensure_ascii=False, sort_keys=True), now),
    )
    db.execute(
        "DELETE FROM mappings WHERE id IN (SELECT id FROM mappings ORDER BY at DESC, id LIMIT -1 OFFSET ?)",
        (MOST_MAPPINGS,),
    )


def forget(db: sqlite3.Connection, id_: str) -> bool:
    """Whether there was such a mapping; there is none now."""
    return db.execute("DELETE FROM mappings WHERE id = ?", (id_,)).rowcount > 0


def of_source(db: sqlite3.Connection, kind: str, source: str) -> dict[str, str]:
    """Ref to id of the rows that were in a sheet when it was imported last."""
    return dict(db.execute("SELECT ref, id FROM refs WHERE kind = ? AND source = ?", (kind, source)))
