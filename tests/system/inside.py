"""What a node's database holds, looked at from outside: while it serves, or after it was stopped or killed."""

import copy
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from node.protocol.tree import EMPTY, Tree
from node.storage import authors
from node.storage.records import leaves_of
from tests.nodes import Node


@contextmanager
def reading(node: Node) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{node.home / 'var' / 'node.db'}?mode=ro", uri=True)) as db:
        yield db


@contextmanager
def editing(node: Node) -> Iterator[sqlite3.Connection]:
    """A stopped node's database, changed behind its back."""
    assert node.process is None
    with closing(sqlite3.connect(node.home / "var" / "node.db")) as db:
        yield db
        db.commit()


def states(node: Node) -> dict[str, tuple[int, int, bytes]]:
    """Epoch, seq and root of every author of whom the node holds a set."""
    with reading(node) as db:
        rows = db.execute("SELECT node_id, epoch, seq, root FROM authors WHERE head IS NOT NULL").fetchall()
    return {row[0]: row[1:] for row in rows}


def cursor(node: Node, partner: Node) -> str | None:
    with reading(node) as db:
        found: str | None = db.execute("SELECT cursor FROM partners WHERE node_id = ?", (partner.id,)).fetchone()[0]
    return found


def moved(node: Node, folder: Path) -> Node:
    """A copy of a stopped node's home, as a node of the same name and address."""
    assert node.process is None
    twin = copy.copy(node)
    twin.home = folder / node.home.name
    shutil.copytree(node.home, twin.home, ignore=shutil.ignore_patterns("bra.sock"))
    return twin


def check(database: Path, scratch: Path) -> dict[str, int]:
    """Fails unless the database, as a killed process left it, is sound and holds each author's whole set or none of it.

    Works on a copy, so that the node itself still has to recover. Returns the number of records by author.
    """
    scratch.mkdir(parents=True)
    for path in database.parent.glob(f"{database.name}*"):
        shutil.copy(path, scratch / path.name)
    counts: dict[str, int] = {}
    with closing(sqlite3.connect(scratch / database.name)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO texts_fts(texts_fts) VALUES ('integrity-check')")
        for author in authors.everyone(db):
            tree = Tree.of(leaves_of(db, author.no))
            head = author.head
            signed = (head.root, head.count, head.seq) if head else (EMPTY, 0, 0)
            assert (tree.root, len(tree), author.seq) == signed, f"{author.node_id} is half applied"
            counts[author.node_id] = len(tree)
        searched, shown = "SELECT no FROM texts", "SELECT no FROM records WHERE line IS NOT NULL AND problem IS NULL"
        assert set(db.execute(searched)) <= set(db.execute(shown)), "what is searched and what is held differ"
        located = (
            "SELECT count(*) FROM places",
            "SELECT count(*) FROM records WHERE kind = 'venue' AND no NOT IN (SELECT no FROM backlog)",
        )
        assert db.execute(located[0]).fetchone() == db.execute(located[1]).fetchone()
    shutil.rmtree(scratch)
    return counts
