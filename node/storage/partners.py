"""Partners: whom this node syncs with, what each says it has of every author, and what of it was refused."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from node.plain import plain
from node.protocol.names import NodeId
from node.protocol.verdicts import Refusal
from node.storage import authors

REFUSALS_KEPT = 1_000
"""Refusals of what one partner offers; the newest stay."""

LONGEST_LIST = 20_000
"""Authors that one partner may tell of."""


@dataclass(frozen=True, slots=True)
class Partner:
    """A node whose key was exchanged directly. `cursor`: where its feed goes on; times in seconds since 1970."""

    node_id: NodeId
    url: str | None
    added: int
    cursor: str | None
    last_sync: int | None
    failures: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest state of an author that a partner says it holds."""

    author: NodeId
    epoch: int
    seq: int
    head: bytes

    @property
    def order(self) -> tuple[int, int]:
        return self.epoch, self.seq


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused of a partner's word about an author, and when."""

    partner: NodeId
    author: NodeId
    reason: str
    sentence: str
    head: bytes | None
    at: int


_COLUMNS = "node_id, url, added, cursor, last_sync, failures, problem"


def add(db: sqlite3.Connection, node_id: NodeId, url: str | None, now: float) -> bool:
    """Adds a partner, or gives a known one another URL; whether it was new."""
    cursor = db.execute(
        "INSERT INTO partners (node_id, url, added) VALUES (?, ?, ?) ON CONFLICT (node_id) DO NOTHING",
        (node_id, url, int(now)),
    )
    if not cursor.rowcount:
        db.execute("UPDATE partners SET url = coalesce(?, url) WHERE node_id = ?", (url, node_id))
    return bool(cursor.rowcount)


def remove(db: sqlite3.Connection, node_id: str) -> bool:
    """It is no partner any more: what it told and what was refused of it is forgotten; whether it was one."""
    for table in ("heard", "refusals"):
        db.execute(f"DELETE FROM {table} WHERE partner = ?", (node_id,))
    return bool(db.execute("DELETE FROM partners WHERE node_id = ?", (node_id,)).rowcount)


def find(db: sqlite3.Connection, node_id: str) -> Partner | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM partners WHERE node_id = ?", (node_id,)).fetchone()
    return Partner(*row) if row else None


def everyone(db: sqlite3.Connection) -> list[Partner]:
    return [Partner(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM partners ORDER BY added, node_id")]


def succeeded(db: sqlite3.Connection, node_id: str, cursor: str, now: float) -> None:
    """A round went through; the partner's feed goes on at `cursor`."""
    db.execute(
        "UPDATE partners SET cursor = ?, last_sync = ?, failures = 0, problem = NULL WHERE node_id = ?",
        (cursor, int(now), node_id),
    )


def failed(db: sqlite3.Connection, node_id: str, problem: str) -> None:
    db.execute("UPDATE partners SET failures = failures + 1, problem = ? WHERE node_id = ?", (plain(problem), node_id))


def start_over(db: sqlite3.Connection, node_id: str) -> None:
    """The partner's database is another one: its feed is read from the start, what it said before is forgotten."""
    db.execute("UPDATE partners SET cursor = NULL WHERE node_id = ?", (node_id,))
    db.execute("DELETE FROM heard WHERE partner = ?", (node_id,))


def heard(db: sqlite3.Connection, partner: str, of: Collection[NodeId] | None = None) -> dict[NodeId, Heard]:
    """What a partner says it has: of everybody, or of these authors."""
    chosen, ids = authors.among("author", of)
    rows = db.execute(f"SELECT author, epoch, seq, head FROM heard WHERE partner = ? {chosen}", (partner, *ids))
    return {row[0]: Heard(*row) for row in rows}


def hear(db: sqlite3.Connection, partner: str, told: list[Heard], cursor: str | None = None) -> None:
    """Keeps what a partner says it has now, up to `cursor` of its feed; of too many authors, those it told of first."""
    if cursor is not None:
        db.execute("UPDATE partners SET cursor = ? WHERE node_id = ?", (cursor, partner))
    known: int | None = None
    for each in told:
        changed = db.execute(
            "UPDATE heard SET epoch = ?, seq = ?, head = ? WHERE partner = ? AND author = ?",
            (each.epoch, each.seq, each.head, partner, each.author),
        )
        if changed.rowcount:
            continue
        if known is None:
            known = int(db.execute("SELECT count(*) FROM heard WHERE partner = ?", (partner,)).fetchone()[0])
        if known < LONGEST_LIST:
            db.execute(
                "INSERT INTO heard (partner, author, epoch, seq, head) VALUES (?, ?, ?, ?, ?)",
                (partner, each.author, each.epoch, each.seq, each.head),
            )
            known += 1


def newer_than_held(db: sqlite3.Connection, author: str) -> bool:
    """Whether a partner says that it has a newer state of the author than is held here."""
    row = db.execute(
        "SELECT 1 FROM heard LEFT JOIN authors ON authors.node_id = heard.author AND authors.head IS NOT NULL "
        "WHERE heard.author = ? AND (heard.epoch, heard.seq) > (coalesce(authors.epoch, 0), coalesce(authors.seq, -1))",
        (author,),
    ).fetchone()
    return row is not None


def ahead(db: sqlite3.Connection) -> dict[str, int]:
    """Of how many accepted authors each partner says that it has a newer state than is held here."""
    rows = db.execute(
        "SELECT heard.partner, count(*) FROM heard JOIN authors ON authors.node_id = heard.author AND standing > 0 "
        "WHERE (heard.epoch, heard.seq) > (authors.epoch, CASE WHEN authors.head IS NULL THEN -1 ELSE authors.seq END) "
        "GROUP BY heard.partner"
    )
    return dict(rows.fetchall())


def everything_anew(db: sqlite3.Connection) -> None:
    """All partners' feeds are read from the start: what is held here may be older than what they were asked last."""
    for partner in everyone(db):
        start_over(db, partner.node_id)


def refuse(db: sqlite3.Connection, partner: str, author: str, refusal: Refusal, head: bytes | None, now: float) -> None:
    """Keeps the newest refusal of what a partner offered of an author, to be shown."""
    db.execute(
        "INSERT OR REPLACE INTO refusals (partner, author, reason, sentence, head, at) VALUES (?, ?, ?, ?, ?, ?)",
        (partner, author, str(refusal.reason), plain(refusal.sentence), head, int(now)),
    )
    db.execute(
        "DELETE FROM refusals WHERE partner = ? AND author IN (SELECT author FROM refusals WHERE partner = ? "
        "ORDER BY at DESC, author LIMIT -1 OFFSET ?)",
        (partner, partner, REFUSALS_KEPT),
    )


def forgive(db: sqlite3.Connection, partner: str, author: str) -> None:
    """What the partner offers of the author now holds."""
    db.execute("DELETE FROM refusals WHERE partner = ? AND author = ?", (partner, author))


def refusals(db: sqlite3.Connection, about: str | None = None, *, most: int = -1) -> list[Refused]:
    """The newest first, `most` of them; all, or those of what a node brought or is the author of."""
    rows = db.execute(
        "SELECT partner, author, reason, sentence, head, at FROM refusals "
        "WHERE :about IS NULL OR :about IN (partner, author) ORDER BY at DESC LIMIT :most",
        {"about": about, "most": most},
    )
    return [Refused(*row) for row in rows]


def refusals_since(db: sqlite3.Connection, since: float) -> dict[str, int]:
    """How often there was each reason."""
    rows = db.execute("SELECT reason, count(*) FROM refusals WHERE at >= ? GROUP BY reason ORDER BY 2 DESC", (since,))
    return dict(rows.fetchall())
