"""An author's set: its rows, its tree and its head, changed together.

The publisher and the receiver of blocks both end here. Trees are immutable, so the newest of each author is kept in
memory under its root and is right for whoever holds that root, in whatever transaction.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

import orjson

from node.errors import Malformed
from node.protocol.blocks import Leaf
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.statements import Beat, Card, Head
from node.protocol.tree import EMPTY, Tree
from node.storage import authors, bulk, records
from node.storage.authors import Author
from node.storage.index import Entry

LEAVES_KEPT = 200_000
"""Leaves of trees kept in memory, of all authors together: at most 100 MB."""


class Trees:
    """Trees by root, the least recently used of which make room. Thread-safe."""

    def __init__(self, leaves_kept: int = LEAVES_KEPT) -> None:
        self._kept: OrderedDict[bytes, Tree] = OrderedDict()
        self._leaves = 0
        self._leaves_kept = leaves_kept
        self._lock = threading.Lock()
        self._suspects: set[NodeId] = set()

    def of(self, db: sqlite3.Connection, author: Author) -> Tree:
        """The tree of the author's rows as `db` sees them; its root is not the author's where they are damaged."""
        root = author.root or EMPTY
        with self._lock:
            if root in self._kept:
                self._kept.move_to_end(root)
                return self._kept[root]
        tree = Tree.of(records.leaves_of(db, author.no))
        if tree.root == root:
            self.keep(tree)
        elif not author.damaged:
            with self._lock:
                self._suspects.add(author.node_id)
        return tree

    def take_suspects(self) -> set[NodeId]:
        """Authors whose rows were met not to make up their root, each told once: `scrub` looks at them."""
        with self._lock:
            taken, self._suspects = self._suspects, set()
        return taken

    def keep(self, tree: Tree) -> None:
        with self._lock:
            if tree.root not in self._kept:
                self._kept[tree.root] = tree
                self._leaves += len(tree)
            while self._leaves > self._leaves_kept:
                _, dropped = self._kept.popitem(last=False)
                self._leaves -= len(dropped)

    def drop(self, root: bytes) -> None:
        """Forgets a tree that no author has any more."""
        with self._lock:
            if dropped := self._kept.pop(root, None):
                self._leaves -= len(dropped)


def purge_silent(db: sqlite3.Connection, author_id: str, now: float) -> None:
    """The bodies of an author's personal records go if it has given no sign of life for too long; the set stays."""
    author = authors.find(db, author_id)
    if author and author.silent(now):
        authors.hold(db, author.no, -records.purge(db, author.no))


def with_other_kinds(db: sqlite3.Connection, me: str, kinds: Collection[str]) -> list[str]:
    """All but `me` of whose records bodies of other kinds than these are held."""
    rows = db.execute(
        "SELECT node_id FROM authors WHERE node_id != ? AND no IN (SELECT author FROM records "
        "WHERE kind NOT IN (SELECT value FROM json_each(?)) AND line IS NOT NULL AND seq > 0)",
        (me, orjson.dumps(list(kinds)).decode()),
    )
    return [node_id for (node_id,) in rows]


def keep_kinds(db: sqlite3.Connection, author_id: str, kinds: Collection[str]) -> None:
    """The bodies of an author's records of all other kinds go; the set stays."""
    author = authors.find(db, author_id)
    if author is None:
        return
    rows = db.execute("SELECT DISTINCT kind FROM records WHERE author = ? AND line IS NOT NULL", (author.no,))
    others = {kind for (kind,) in rows} - set(kinds)
    authors.hold(db, author.no, -records.purge(db, author.no, others))


def advance(
    db: sqlite3.Connection,
    trees: Trees,
    before: Author | None,
    *,
    card: Card,
    heads: Sequence[Head],
    tree: Tree,
    beat: Beat | None,
    put: Mapping[bytes, Record],
    entries: Mapping[bytes, Entry] | None = None,
    leaves: Mapping[bytes, Leaf] | None = None,
    removed: Collection[bytes] = (),
    now: float,
    continuous: bool = True,
) -> None:
    """Makes the author's verified new state durable: rows, removals, chain, card and beat. The caller commits.

    `before`: the author as it was read in this transaction, if it is known. `beat`: of the last head. `entries`: see
    `records.replace`. Raises Malformed where the head understates its author's bytes: what is held is counted, so that
    no quota is passed by small steps.
    """
    # What wasn't held anybody can make up without end, so it is passed on by nobody; who held it compares.
    held = trees.of(db, before) if before and removed else Tree()
    gone = [key for key in removed if held.get(key)]
    number = authors.adopt(db, card)
    grown = records.replace(db, number, records=put, entries=entries, leaves=leaves, removed=gone)
    head = heads[-1]
    _count(db, number, grown, head)
    if before is None or before.head_hash != head.hash:
        records.remember_removals(db, number, gone, head.seq, now)
        if before:
            shared = (key for key, record in put.items() if record.seq)
            records.forget_removals(db, number, [*shared, *(leaves or ())])
        authors.advance(db, number, heads, now, beat=beat, continuous=continuous)
    elif beat is not None:
        authors.hear_beat(db, before, beat)
    if before is not None and before.root not in (None, tree.root):
        trees.drop(before.root or EMPTY)
    if before and before.damaged:
        # The verdict may follow from a tree of the time before the damage was noticed.
        tree = Tree.of(records.leaves_of(db, number))
        authors.mark(db, number, damaged=tree.root != head.root)
    trees.keep(tree)


def _count(db: sqlite3.Connection, author: int, grown: int, head: Head) -> None:
    """Counts what is held of the author, which grew by so many bytes; Malformed where its head says that it is less."""
    if authors.hold(db, author, grown) <= head.size:
        return
    # It is counted step by step: bytes of rows that were lost on the way are still in it.
    size = records.bodies(db, author)[1]
    authors.count_held(db, author, size)
    if size > head.size:
        raise Malformed("the records have more bytes together than their author's head says")


def forget_dropped(db: sqlite3.Connection, trees: Trees, *, me: str, before: float) -> bool:
    """Deletes all that is held of one author that was dropped before a moment, and its row; whether there was one.

    What partners say that they have of it stays: by that it is pulled anew, should it ever be accepted again.
    """
    author = authors.dropped(db, before)
    if author is None:
        return False
    if own := authors.find(db, me):
        # Places in the feed only ever rise, also where the author that is deleted has the last.
        authors.arrive(db, own.no)
    bulk.delete(db, [no for (no,) in db.execute("SELECT no FROM records WHERE author = ?", (author.no,))])
    for table in ("removals", "heads", "evidence"):
        db.execute(f"DELETE FROM {table} WHERE author = ?", (author.no,))
    db.execute("DELETE FROM refusals WHERE author = ?", (author.node_id,))
    db.execute("DELETE FROM authors WHERE no = ?", (author.no,))
    trees.drop(author.root or EMPTY)
    return True
