"""What authors say that acceptance depends on, kept in memory: endorsements, signatures, names.

Rules:

- an author is read again only when its set is another than when it was read (another head, or other bodies under it),
  or when an endorsement of it has expired since. So it doesn't matter who changed what, nor whether the transaction
  that it was read in was undone later
- everybody is read again when the clock was set back
- of one author so many endorsements count at most, those that came here first; withdrawn and expired ones aren't among
  them
- who hasn't been known here for some time is forgotten until somebody vouches for it again. So what one partner can
  make this node keep is bounded: the authors that come in through it, and so much of each

It is for the writer's thread alone.
"""

import sqlite3
import sys
from collections.abc import Collection, Container, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from node.directory.draft import OWN_ORGANISATION
from node.protocol.names import NodeId, format_time
from node.storage import records
from node.storage.authors import SILENT_AFTER
from node.trust.look_alikes import Named
from node.trust.reach import Known
from node.trust.vouches import Endorsement, Vouch, Vouches

KINDS = frozenset(("agreement", "endorsement", "organisation"))
"""The kinds that are read."""

MOST_ENDORSEMENTS = 200
"""Of one author but this node's own; a park endorses tens."""

_FOREVER = "9999-12-31"


class Row(NamedTuple):
    """What is asked of an author's row each time."""

    no: int
    node_id: NodeId
    standing: int
    dropped_at: int | None
    heard: int | None
    head_hash: bytes | None
    held: int


class _Read(NamedTuple):
    """What an author's set was when it was read, and the last day on which all that was read counts."""

    head_hash: bytes | None
    held: int
    until: str


class Testimony:
    """The newest word of everybody, as one database has it."""

    def __init__(self, me: NodeId, recognised: Collection[str]) -> None:
        self._me = me
        self._recognised = recognised
        self._read: dict[NodeId, _Read] = {}
        self._left_out: list[Row] = []
        self._day = ""
        self.vouches = Vouches()
        self.signatories: set[NodeId] = set()
        self.names: dict[NodeId, Named] = {}
        self.namings = 0
        """Grows when a name or a website has changed."""
        self.changes = 0
        """Grows when anything else has: who endorses whom, who has signed, who is silent."""
        self.silent: frozenset[NodeId] = frozenset()

        self._calls: dict[NodeId, dict[NodeId, str]] = {}
        """What those who say no name are called, by who calls them so."""

    def refresh(self, db: sqlite3.Connection, now: float) -> list[Row]:
        """Takes up what changed since the last time; the rows of all authors, in the order in which they came.

        Those whom nobody vouched for the last time are left out, until `hear`.
        """
        found = db.execute(
            "SELECT no, node_id, standing, dropped_at, coalesce(beat_time, head_at), head_hash, held "
            "FROM authors ORDER BY no"
        )
        rows = list(map(Row._make, found))
        today = format_time(now)[:10]
        if today < self._day:
            self._read.clear()
        self._day = today
        heard = [row for row in rows if row.dropped_at is None]
        self._left_out = [row for row in rows if row.dropped_at is not None]
        for gone in self._read.keys() - {row.node_id for row in heard}:
            del self._read[gone]
            self.namings += gone in self.names
            self.changes += 1
            self._forget(gone)
        for row in heard:
            before = self._read.get(row.node_id)
            if before is None or (before.head_hash, before.held) != (row.head_hash, row.held) or before.until < today:
                self._read_anew(db, row)
        quiet = now - SILENT_AFTER
        silent = frozenset(row.node_id for row in rows if row.heard is not None and row.heard < quiet) - {self._me}
        self.changes += silent != self.silent
        self.silent = silent
        return rows

    def hear(self, db: sqlite3.Connection, nodes: Container[NodeId]) -> bool:
        """Reads those of `nodes` that `refresh` left out, too; whether there were any."""
        late = [row for row in self._left_out if row.node_id in nodes and row.node_id not in self._read]
        for row in late:
            self._read_anew(db, row)
        return bool(late)

    def told(self, db: sqlite3.Connection, by: NodeId, of: NodeId) -> Endorsement | None:
        """All that an endorsement says, read from its record; None where there is none that counts, or is whole."""
        vouch = self.vouches.by(by).get(of)
        if vouch is None:
            return None
        if (line := records.line(db, vouch.arrival)) is None:
            return None
        body = orjson.loads(line)["body"]
        return Endorsement(by, of, body["date"], body["method"], body["organisation"], vouch.arrival)

    def called(self, db: sqlite3.Connection, known: Mapping[NodeId, Known]) -> dict[NodeId, str]:
        """What those who are known and say no name are called by the last on the path to them."""
        before, self._calls = self._calls, {}
        found = {}
        for node in known.keys() - self.names.keys() - {self._me}:
            by = (self._me, *known[node].path)[-2]
            name = before.get(by, {}).get(node)
            if name is None and (said := self.told(db, by, node)):
                name = said.organisation
            if name is not None:
                found[node] = self._calls.setdefault(by, {})[node] = name
        return found

    def _read_anew(self, db: sqlite3.Connection, row: Row) -> None:
        """Reads an author, and notes what has changed."""
        named, said = self.names.get(row.node_id), self._said(row.node_id)
        self._read[row.node_id] = _Read(row.head_hash, row.held, self._take(db, row))
        self.namings += self.names.get(row.node_id) != named
        self.changes += self._said(row.node_id) != said

    def _take(self, db: sqlite3.Connection, row: Row) -> str:
        """Takes in an author's records; the last day on which all that was read counts."""
        author = row.node_id
        self._forget(author)
        if row.head_hash is None:
            return _FOREVER
        until = _FOREVER
        said: list[Endorsement] = []
        for no, _, body in _bodies(db, row, "endorsement"):
            expires = body.get("expires", _FOREVER)
            if "withdrawn" in body or expires < self._day:
                continue
            if len(said) == MOST_ENDORSEMENTS and author != self._me:
                break
            until = min(until, expires)
            said.append(Endorsement(author, NodeId(sys.intern(body["node_id"])), sys.intern(body["date"]), arrival=no))
        self.vouches.put(author, said)
        if any(body["text_sha256"] in self._recognised for _, _, body in _bodies(db, row, "agreement")):
            self.signatories.add(author)
        for _, id_, body in _bodies(db, row, "organisation"):
            if id_ == OWN_ORGANISATION:
                self.names[author] = Named(body["name"], body["website"])
        return until

    def _said(self, author: NodeId) -> tuple[Mapping[NodeId, Vouch], bool]:
        return self.vouches.by(author), author in self.signatories

    def _forget(self, author: NodeId) -> None:
        self.vouches.put(author, ())
        self._calls.pop(author, None)
        self.signatories.discard(author)
        self.names.pop(author, None)


def _bodies(db: sqlite3.Connection, row: Row, kind: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for no, id_, line in records.of_kind(db, row.no, kind):
        yield no, id_, orjson.loads(line)["body"]
