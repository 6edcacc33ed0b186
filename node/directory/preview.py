"""What importing a sheet would do to this node's own set; nothing is written.

Rules:

- a row is new, changed or unchanged by its `ref`; one that came from the same source before, is held still and is in
  the sheet no more, is missing: it is asked about, never withdrawn by itself
- a row with a problem is in the sheet: it is not missing
- the state is a hash of all that the answer depends on here; whoever commits a preview checks that it still is the same

    missing(db, me, "venue", "rooms.csv", refs)
    outcome(db, me, world, changes).created
"""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Sequence

from node.directory.draft import Change, Draft, Outcome
from node.errors import InputError
from node.protocol.names import NodeId
from node.protocol.record import tree_key
from node.storage import authors, imports, records
from node.storage.authors import Author
from node.world import World


def missing(db: sqlite3.Connection, me: NodeId, kind: str, source: str, refs: Collection[str]) -> list[str]:
    """The refs of rows that came from this source, are held still, and aren't among `refs`."""
    author = _author(db, me)
    return sorted(
        ref
        for ref, id_ in imports.of_source(db, kind, source).items()
        if ref not in refs and records.find(db, author.no, tree_key(kind, id_)) is not None
    )


def outcome(db: sqlite3.Connection, me: NodeId, world: World, changes: Sequence[Change]) -> Outcome:
    """What would become of the changes; InputError where they can't be made. Its ids of new records are made up."""
    found = Draft.of(db, _author(db, me), world).make(changes)
    found.ids = []
    return found


def state(db: sqlite3.Connection, me: NodeId, kind: str, source: str) -> bytes:
    """A hash of this node's own set, what it doesn't share included, and of the rows that came from a source."""
    author = _author(db, me)
    known = hashlib.sha256(author.head_hash or b"")
    # Every change of what is shared makes a new head; what isn't has none.
    for (value,) in db.execute("SELECT value FROM records WHERE author = ? AND seq = 0 ORDER BY key", (author.no,)):
        known.update(value)
    known.update(json.dumps(imports.of_source(db, kind, source), sort_keys=True).encode())
    return known.digest()


def _author(db: sqlite3.Connection, me: NodeId) -> Author:
    author = authors.find(db, me)
    if author is None:
        raise InputError("this home has no record of its own author: run 'bra init' first")
    return author
