"""Authors: newest card, head and beat of each as received, the chain of heads, evidence, and the order of arrival.

Every function takes the connection of the transaction that its caller owns.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from node.protocol.canonical import decode, encode
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.statements import NO_HASH, Beat, Card, Head

HEADS_KEPT = 16_384
"""Heads of one author: some months of one an hour, and at most 16 MB."""

_NEXT_ARRIVAL = "(SELECT coalesce(max(arrival), 0) + 1 FROM authors)"

SILENT_AFTER = 60 * 86_400
"""Seconds without a sign of life after which an author's personal records are purged."""

_COLUMNS = (
    "no, node_id, card, epoch, head, head_hash, head_at, seq, count, size, root, beat, beat_time, beat_expires, "
    "arrival, standing, forked_epoch, continuous, next_card, news, damaged"
)


@dataclass(frozen=True, slots=True)
class Author:
    """One author's row. Without a head it is known by its card alone.

    `card` and `epoch` belong to the head held; `next_card` is a newer epoch's, whose first head hasn't come yet.
    """

    no: int
    node_id: NodeId
    card_line: bytes
    epoch: int
    head_line: bytes | None
    head_hash: bytes | None
    head_at: int | None
    seq: int
    count: int | None
    size: int | None
    root: bytes | None
    beat_line: bytes | None
    beat_time: int | None
    beat_expires: int | None
    arrival: int | None
    standing: int
    forked_epoch: int | None
    continuous: int
    next_card_line: bytes | None
    news: int | None
    damaged: int

    @property
    def newest_card(self) -> Card:
        """What the author's word is checked against from now on."""
        return stored_card(self.next_card_line or self.card_line)

    @property
    def newest_epoch(self) -> int:
        # Parsing a card checks a signature: of many authors, that takes seconds.
        return self.newest_card.epoch if self.next_card_line else self.epoch

    @property
    def card(self) -> Card:
        return stored_card(self.card_line)

    @property
    def head(self) -> Head | None:
        return Head.parse(decode(self.head_line)) if self.head_line else None

    @property
    def beat(self) -> Beat | None:
        return Beat.parse(decode(self.beat_line)) if self.beat_line else None

    @property
    def is_forked(self) -> bool:
        """Whether there is evidence against the epoch that is held."""
        return self.forked_epoch is not None and self.forked_epoch >= self.epoch

    @property
    def heard(self) -> int | None:
        """When it was last heard from: its last beat, or where there never was one, when its head came here."""
        return self.head_at if self.beat_time is None else self.beat_time

    def silent(self, now: float) -> bool:
        """Whether it has given no sign of life for too long."""
        return self.heard is not None and self.heard < now - SILENT_AFTER


@lru_cache(maxsize=4096)
def stored_card(line: bytes) -> Card:
    """A card from its line; parsing one checks a signature, so it is kept."""
    return Card.parse(decode(line))


def find(db: sqlite3.Connection, node_id: str) -> Author | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM authors WHERE node_id = ?", (node_id,)).fetchone()
    return Author(*row) if row else None


def everyone(db: sqlite3.Connection) -> list[Author]:
    return [Author(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM authors ORDER BY no")]


def states(db: sqlite3.Connection, of: Collection[NodeId] | None = None) -> Iterator[tuple[NodeId, int, int, bytes]]:
    """Node id, epoch, seq and head hash of everybody, or of these, of whom a set is held.

    A damaged set is no set of its head: its hash is `NO_HASH`, so that whoever has that head is asked to compare.
    """
    chosen, ids = among("node_id", of)
    query = (
        "SELECT node_id, epoch, seq, CASE WHEN damaged THEN ? ELSE head_hash END FROM authors "
        f"WHERE head_hash IS NOT NULL {chosen}"
    )
    return iter(db.execute(query, (NO_HASH, *ids)))


def silent(db: sqlite3.Connection, now: float, of: Collection[NodeId] | None = None) -> set[NodeId]:
    """Those of everybody, or of these, of whom a set is held and who have given no sign of life for too long."""
    chosen, ids = among("node_id", of)
    rows = db.execute(
        f"SELECT node_id FROM authors WHERE head IS NOT NULL AND coalesce(beat_time, head_at) < ? {chosen}",
        (now - SILENT_AFTER, *ids),
    )
    return {node_id for (node_id,) in rows}


def among(column: str, of: Collection[NodeId] | None) -> tuple[str, tuple[str, ...]]:
    """A further condition, and its parameter: that a column is one of these node ids. None is everybody."""
    if of is None:
        return "", ()
    return f"AND {column} IN (SELECT value FROM json_each(?))", (encode(list(of)).decode(),)


def arrived_since(db: sqlite3.Connection, arrival: int, limit: int) -> list[Author]:
    """Authors whose newest statements came here after `arrival`, in that order."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM authors WHERE arrival > ? AND head IS NOT NULL ORDER BY arrival LIMIT ?",
        (arrival, limit),
    )
    return [Author(*row) for row in rows]


def newest_arrival(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(arrival), 0) FROM authors").fetchone()[0])


def arrive(db: sqlite3.Connection, author: int) -> None:
    """Makes the author the newest in the feed; one without a head isn't in it."""
    db.execute(f"UPDATE authors SET arrival = {_NEXT_ARRIVAL}, news = {_NEXT_ARRIVAL} WHERE no = ?", (author,))


def introduce(db: sqlite3.Connection, card: Card) -> None:
    """Keeps `card` if it is the author's first, or of a newer epoch than the newest; its head may come later."""
    author = find(db, card.author)
    if author is None or (author.head_line is None and card.epoch > author.epoch):
        adopt(db, card)
    elif card.epoch > author.newest_card.epoch:
        db.execute("UPDATE authors SET next_card = ? WHERE no = ?", (card.signed.line, author.no))


def adopt(db: sqlite3.Connection, card: Card) -> int:
    """Makes `card` the one that the author's head is under; the author's number."""
    row = db.execute(
        "INSERT INTO authors (node_id, card, epoch) VALUES (?, ?, ?) ON CONFLICT (node_id) DO UPDATE SET "
        "next_card = CASE WHEN excluded.epoch > epoch THEN NULL ELSE next_card END, "
        "card = excluded.card, epoch = excluded.epoch RETURNING no",
        (card.author, card.signed.line, card.epoch),
    ).fetchone()
    return int(row[0])


def hold(db: sqlite3.Connection, author: int, grown: int) -> int:
    """Bytes of the shared bodies that are held of the author, after they have grown by so many."""
    row = db.execute("UPDATE authors SET held = held + ? WHERE no = ? RETURNING held", (grown, author)).fetchone()
    return int(row[0])


def held(db: sqlite3.Connection, author: int) -> int:
    """Bytes of the shared bodies that are held of the author, as they were counted."""
    return int(db.execute("SELECT held FROM authors WHERE no = ?", (author,)).fetchone()[0])


def count_held(db: sqlite3.Connection, author: int, size: int) -> None:
    """Corrects what is held of the author, after it was counted anew."""
    db.execute("UPDATE authors SET held = ? WHERE no = ?", (size, author))


def mark(db: sqlite3.Connection, author: int, *, damaged: bool) -> None:
    """Notes whether the author's rows fail to make up its root; where they do so again, everybody is told anew."""
    cursor = db.execute("UPDATE authors SET damaged = ? WHERE no = ? AND damaged != ?", (damaged, author, damaged))
    if cursor.rowcount and not damaged:
        arrive(db, author)


def advance(
    db: sqlite3.Connection,
    author: int,
    heads: Sequence[Head],
    now: float,
    *,
    beat: Beat | None = None,
    continuous: bool = True,
) -> None:
    """Keeps a verified chain, whose last head is the author's new state, and that one's first beat.

    It has no beat until its author sends one; what is known of the time before stays.
    """
    head = heads[-1]
    db.executemany(
        "INSERT OR REPLACE INTO heads (author, epoch, seq, hash, line, at) VALUES (?, ?, ?, ?, ?, ?)",
        [(author, each.epoch, each.seq, each.hash, each.signed.line, int(now)) for each in heads],
    )
    db.execute(
        "DELETE FROM heads WHERE author = ? AND (epoch, seq) <= (SELECT epoch, seq FROM heads WHERE author = ? "
        "ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET ?)",
        (author, author, HEADS_KEPT),
    )
    db.execute(
        "UPDATE authors SET head = ?, head_hash = ?, head_at = ?, seq = ?, count = ?, size = ?, root = ?, "
        "beat = ?, beat_time = coalesce(?, beat_time), beat_expires = coalesce(?, beat_expires), "
        f"continuous = ?, arrival = {_NEXT_ARRIVAL}, news = {_NEXT_ARRIVAL} WHERE no = ?",
        (
            head.signed.line,
            head.hash,
            int(now),
            head.seq,
            head.count,
            head.size,
            head.root,
            beat.signed.line if beat else None,
            beat.time if beat else None,
            beat.expires if beat else None,
            int(continuous),
            author,
        ),
    )


def hear_beat(db: sqlite3.Connection, author: Author, beat: Beat) -> bool:
    """Keeps a verified beat of the newest head if it is newer than the one held; whether it was."""
    if beat.head != author.head_hash:
        return False
    # A head's first beat counts whenever it is; `beat_time` may still be of the head before.
    if author.beat_line is not None and author.beat_time is not None and beat.time <= author.beat_time:
        return False
    db.execute(
        f"UPDATE authors SET beat = ?, beat_time = ?, beat_expires = ?, arrival = {_NEXT_ARRIVAL} WHERE no = ?",
        (beat.signed.line, beat.time, beat.expires, author.no),
    )
    return True


def forget_beat(db: sqlite3.Connection, author: int) -> None:
    """Makes room for the author's next beat, whatever time it says."""
    db.execute("UPDATE authors SET beat = NULL WHERE no = ?", (author,))


def chain_since(db: sqlite3.Connection, author: Author, epoch: int, head: bytes) -> list[bytes] | None:
    """The lines of the heads after `head`, oldest first; None where `head` is not in the chain kept here."""
    known = db.execute(
        "SELECT seq FROM heads WHERE author = ? AND epoch = ? AND hash = ?", (author.no, epoch, head)
    ).fetchone()
    if known is None or epoch != author.epoch:
        return None
    rows = db.execute(
        "SELECT line FROM heads WHERE author = ? AND epoch = ? AND seq > ? ORDER BY seq", (author.no, epoch, known[0])
    )
    return [line for (line,) in rows]


def last_links(db: sqlite3.Connection, author: Author, most: int) -> list[bytes]:
    """The lines of the last heads of the author's newest epoch, oldest first, as far back as they follow each other."""
    rows = db.execute(
        "SELECT line FROM heads WHERE author = ? AND epoch = ? ORDER BY seq DESC LIMIT ?",
        (author.no, author.epoch, most),
    )
    links: list[Head] = []
    for (line,) in rows:
        head = Head.parse(decode(line))
        if links and links[-1].prev != head.hash:
            break
        links.append(head)
    return [head.signed.line for head in reversed(links)]


def seq_before(db: sqlite3.Connection, author: Author) -> int | None:
    """The seq of the state that the author's newest one follows, 0 where it is the first; None where it isn't known."""
    head = author.head
    if head is None or head.prev == NO_HASH:
        return 0 if head else None
    row = db.execute(
        "SELECT seq, hash FROM heads WHERE author = ? AND epoch = ? AND seq < ? ORDER BY seq DESC LIMIT 1",
        (author.no, author.epoch, head.seq),
    ).fetchone()
    return int(row[0]) if row and row[1] == head.prev else None


def chain_around(db: sqlite3.Connection, author: Author, seq: int) -> list[bytes]:
    """The lines of the heads from the last one at or before `seq` to the newest, oldest first."""
    rows = db.execute(
        "SELECT line FROM heads WHERE author = ? AND epoch = ? AND seq >= "
        "(SELECT coalesce(max(seq), 0) FROM heads WHERE author = ? AND epoch = ? AND seq <= ?) ORDER BY seq",
        (author.no, author.epoch, author.no, author.epoch, seq),
    )
    return [line for (line,) in rows]


def has_head(db: sqlite3.Connection, author: Author, head: bytes) -> bool:
    """Whether a head of this hash is in the chain kept of the author, in whatever epoch."""
    return db.execute("SELECT 1 FROM heads WHERE author = ? AND hash = ?", (author.no, head)).fetchone() is not None


def chain(db: sqlite3.Connection, author: Author) -> list[Head]:
    """The heads of the newest epoch that are kept of the author, oldest first."""
    rows = db.execute("SELECT line FROM heads WHERE author = ? AND epoch = ? ORDER BY seq", (author.no, author.epoch))
    return [Head.parse(decode(line)) for (line,) in rows]


def neighbours(db: sqlite3.Connection, author: Author, seq: int) -> list[Head]:
    """The last head of the newest epoch at or before `seq`, and the one that followed it, as far as there are any."""
    before, after = (
        db.execute(
            f"SELECT line FROM heads WHERE author = ? AND epoch = ? AND seq {side} LIMIT 1",
            (author.no, author.epoch, seq),
        ).fetchall()
        for side in ("<= ? ORDER BY seq DESC", "> ? ORDER BY seq")
    )
    return [Head.parse(decode(line)) for (line,) in (*before, *after)]


def keep_evidence(db: sqlite3.Connection, author: int, evidence: Evidence) -> bool:
    """Keeps a verified fork; from now on no further head of that epoch is taken. Whether it was news.

    One proof an author, of the highest epoch: an author could make up any number.
    """
    cursor = db.execute(
        "INSERT INTO evidence (author, epoch, line) VALUES (?, ?, ?) ON CONFLICT (author) DO UPDATE SET "
        "epoch = excluded.epoch, line = excluded.line WHERE excluded.epoch > epoch",
        (author, evidence.epoch, encode({"evidence": evidence.as_value()})),
    )
    if not cursor.rowcount:
        return False
    db.execute(
        "UPDATE authors SET forked_epoch = max(coalesce(forked_epoch, 0), ?) WHERE no = ?", (evidence.epoch, author)
    )
    arrive(db, author)
    return True


def evidence_line(db: sqlite3.Connection, author: Author) -> bytes | None:
    """The evidence against the author, while it still counts: until a higher epoch."""
    row = db.execute("SELECT line FROM evidence WHERE author = ? AND epoch >= ?", (author.no, author.epoch)).fetchone()
    return row[0] if row else None


def forked(db: sqlite3.Connection, of: Collection[NodeId] | None = None) -> dict[NodeId, int]:
    """The forked epoch of everybody, or of these, against whom there is evidence that still counts."""
    chosen, ids = among("node_id", of)
    return dict(db.execute(f"SELECT node_id, forked_epoch FROM authors WHERE forked_epoch >= epoch {chosen}", ids))


def dropped(db: sqlite3.Connection, before: float) -> Author | None:
    """One of those who have not been accepted since before a moment, and are no partners."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM authors WHERE dropped_at < ? AND standing = 0 "
        "AND node_id NOT IN (SELECT node_id FROM partners) ORDER BY no LIMIT 1",
        (int(before),),
    ).fetchone()
    return Author(*row) if row else None


def prune(db: sqlite3.Connection, before: float) -> None:
    """Forgets heads that were followed, and removals, since before a moment."""
    db.execute(
        "DELETE FROM heads WHERE at < ? AND hash NOT IN (SELECT head_hash FROM authors WHERE head_hash IS NOT NULL)",
        (int(before),),
    )
    db.execute("DELETE FROM removals WHERE at < ?", (int(before),))
