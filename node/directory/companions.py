"""What an export needs beside the records it is of: the venues of events, and a publisher's own names.

Every venue is shown to this reader, or is not there: an event doesn't tell of a place that its reader may not see.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from node.directory import views
from node.directory.reader import Reader
from node.protocol.statements import tree_key


def venues_of(
    db: sqlite3.Connection, reader: Reader, records: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The venues that these events are at, as far as the reader may see them, by `author/id`."""
    refs = {
        ref if "/" in ref else f"{record['author']}/{ref}"
        for record in records
        if record["kind"] == "event" and (ref := record["body"].get("venue"))
    }
    numbers = []
    for author, _, id_ in (ref.partition("/") for ref in sorted(refs)):
        found = db.execute(
            "SELECT records.no FROM records JOIN authors ON authors.no = records.author "
            "WHERE authors.node_id = ? AND records.key = ?",
            (author, tree_key("venue", id_)),
        ).fetchone()
        if found:
            numbers.append(found[0])
    return {f"{venue['author']}/{venue['id']}": venue for venue in views.of_numbers(db, reader, numbers)}


def own_names(db: sqlite3.Connection, kind: str) -> dict[str, str]:
    """What this node's publisher calls its records of a kind (`ref`), by their ids."""
    return dict(db.execute("SELECT id, ref FROM refs WHERE kind = ?", (kind,)).fetchall())
