"""What this node tells others: its feed, blocks, trees and signed records, out of one read snapshot each.

Rules (SPEC, "The wire"):

- told are authors that are accepted here, and only states whose full set verified here, and isn't damaged since
- records that are not public go as they are to nodes that this node honours; everybody else gets the leaf
- where the changes since the reader's state can't be told, the block says `compare`
"""

import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from node.errors import InputError
from node.federation.wire import CHANGES_AT_MOST, CHANGES_BYTES, MIB, PAGE_BYTES
from node.federation.wire import FEED_LINES as FEED_LINES_READ
from node.protocol.blocks import Limits, Want
from node.protocol.canonical import decode, encode
from node.protocol.names import NodeId
from node.protocol.record import Record, tree_key
from node.protocol.signed_record import SignedRecord
from node.protocol.tree import Subtree
from node.storage import authors, partners, records, sets
from node.storage.authors import Author
from node.storage.records import Stored
from node.trust.reach import Standing

FEED_PAGE = 500
"""Authors in one answer of the feed."""
FEED_BYTES = 4 * MIB
"""Bytes of lines after which the feed goes on in a next answer."""
LINKS_AT_FIRST = 16
"""Heads of the chain, the newest among them, that a first pull brings: of days, some 200 bytes and a signature each."""
FEED_LINES = FEED_LINES_READ - 100
"""Lines after which it does: a reader takes no more, and one author's fit into what is left."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Lines of a feed, and the place that they reach.

    `urgent`: there is more in them than that authors are alive and that what the reader told is held here, or there
    are more of them to come.
    """

    lines: list[bytes]
    reached: int
    urgent: bool


def feed(db: sqlite3.Connection, after: int, *, honoured: bool, reader: NodeId | None = None) -> Feed | None:
    """The newest of each author that changed after place `after`, as it is told to the node `reader`.

    Whoever goes on from a place gets small changes at once; whoever begins has nothing that they could change. None
    where no such place was ever given: the database is an older state of the one that gave it.
    """
    if after > authors.newest_arrival(db):
        return None
    lines: list[bytes] = []
    reached, room, urgent = after, FEED_BYTES, after == 0
    arrived = authors.arrived_since(db, after, FEED_PAGE)
    # Who has told of a state holds it: it hears that it is held here, too, when there is something else.
    heard = partners.heard(db, reader, [author.node_id for author in arrived]) if after and reader else {}
    for author in arrived:
        if room <= 0 or len(lines) >= FEED_LINES:
            break
        reached = author.arrival or reached
        told = _feed_lines(db, author, reader)
        if not told:
            continue
        known = author.node_id in heard and heard[author.node_id].head == author.head_hash and not author.is_forked
        news = (author.news or 0) > after and not known
        urgent = urgent or news
        if after and news and not author.is_forked and not author.damaged:
            told += _changes(db, author, honoured=honoured)
        room -= sum(map(len, told))
        lines += told
    # Behind a page full of beats there may be what is urgent.
    full = len(arrived) == FEED_PAGE or bool(arrived and arrived[-1].arrival != reached)
    return Feed(lines, reached, urgent or full)


def _feed_lines(db: sqlite3.Connection, author: Author, reader: NodeId | None) -> list[bytes]:
    """The lines of what an author has signed last; none where the reader isn't told of it.

    That it forked is told also where what is held of it is damaged, because nobody else may have the proof; and the
    author itself is told what it has signed: restored from a backup, it may know of it by nobody else, and sign anew.
    """
    proof = _evidence(db, author)
    its_own = author.damaged and author.node_id == reader and author.standing >= Standing.REACHED
    if author.head_line is None or not (_is_told(author) or its_own):
        return [b'{"card":%b}' % author.card_line, *proof] if proof else []
    told = [b'{"card":%b}' % author.card_line, b'{"head":%b}' % author.head_line]
    if author.beat_line and not its_own:
        told.append(b'{"beat":%b}' % author.beat_line)
    return [*told, *proof]


def _is_told(author: Author) -> bool:
    """Whether others are told of the author's state. It is asked for again where it is damaged, and told after that."""
    return author.head_line is not None and author.standing >= Standing.REACHED and not author.damaged


def _evidence(db: sqlite3.Connection, author: Author) -> list[bytes]:
    """The line of evidence against an author that others may be told of, if there is any that counts."""
    told = author.is_forked and author.standing >= Standing.REACHED
    line = authors.evidence_line(db, author) if told else None
    return [line] if line else []


def _changes(db: sqlite3.Connection, author: Author, *, honoured: bool) -> list[bytes]:
    """The lines of what the author's newest state changed; none where they are many, or large, or not known."""
    before = authors.seq_before(db, author)
    if before is None:
        return []
    removals = records.removals_since(db, author.no, before)
    if len(removals) > CHANGES_AT_MOST:
        return []
    lines = [_removal_line(*each) for each in removals]
    room = CHANGES_BYTES - sum(map(len, lines))
    for stored in records.since(db, author.no, before):
        lines.append(_record_line(stored, honoured=honoured))
        room -= len(lines[-1])
        if room < 0 or len(lines) > CHANGES_AT_MOST:
            return []
    return lines


def block(
    db: sqlite3.Connection, want: Want, *, honoured: bool, limits: Limits, page_bytes: int = PAGE_BYTES
) -> Iterator[bytes]:
    """The lines of the block that answers `want`. An author that isn't told of gets an empty one, but for evidence."""
    author = authors.find(db, want.author)
    if author is None or not _is_told(author):
        yield from _evidence(db, author) if author else ()
        yield _next(want.author)
        return
    if want.epoch != author.epoch:
        yield b'{"card":%b}' % author.card_line
    if want.prefixes:
        yield from _below(db, author, want, honoured=honoured, page_bytes=page_bytes)
        return
    chain = _chain(db, author, want)
    for line in chain.lines:
        yield b'{"head":%b}' % line
    if author.beat_line:
        yield b'{"beat":%b}' % author.beat_line
    yield from _evidence(db, author)
    # A reader without anything needs no removals, but one that already has a page may hold what was removed since.
    removals = records.removals_since(db, author.no, want.since) if want.epoch or want.after else []
    if not chain.linked or len(removals) > limits.records:
        yield b'{"compare":{}}'
        yield _next(author.node_id)
        return
    for key, seq in removals:
        yield _removal_line(key, seq)
    rows = records.since(db, author.no, max(want.since, want.after))
    yield from _page(author.node_id, rows, want, honoured=honoured, page_bytes=page_bytes)


@dataclass(frozen=True, slots=True)
class _Chain:
    """Signed heads, oldest first, the last the newest; `linked`: they go on from what the reader holds."""

    lines: list[bytes]
    linked: bool


def _chain(db: sqlite3.Connection, author: Author, want: Want) -> _Chain:
    assert author.head_line is not None
    if want.epoch == 0:
        # With the last links: who has just come is perhaps the only way to somebody who holds an older state.
        return _Chain(authors.last_links(db, author, LINKS_AT_FIRST), linked=True)
    if want.epoch != author.epoch:
        return _Chain([author.head_line], linked=False)
    if want.head == author.head_hash:
        return _Chain([author.head_line], linked=True)
    lines = authors.chain_since(db, author, want.epoch, want.head)
    if lines:
        return _Chain(lines, linked=True)
    # The reader's head isn't in this chain: show it the links around its place, it may hold evidence of a fork.
    return _Chain(authors.chain_around(db, author, want.since), linked=False)


def _below(db: sqlite3.Connection, author: Author, want: Want, *, honoured: bool, page_bytes: int) -> Iterator[bytes]:
    assert author.head_line is not None
    yield b'{"head":%b}' % author.head_line
    if want.head != author.head_hash:
        yield b'{"compare":{}}'
        yield _next(author.node_id)
        return
    rows = records.below(db, author.no, want.prefixes, want.after)
    yield from _page(author.node_id, rows, want, honoured=honoured, page_bytes=page_bytes)


def _page(author: NodeId, rows: Iterator[Stored], want: Want, *, honoured: bool, page_bytes: int) -> Iterator[bytes]:
    room, after = page_bytes, 0
    for stored in rows:
        # Rows that share a seq (a leaf's is only somebody's word) stay on one page, or the next would leave one out.
        if room <= 0 and stored.seq > after:
            yield _next(author, after)
            return
        line = _record_line(stored, honoured=honoured, kinds=want.kinds)
        room -= len(line)
        after = stored.seq
        yield line
    yield _next(author)


def _record_line(stored: Stored, *, honoured: bool, kinds: Container[str] = ()) -> bytes:
    wanted = not kinds or stored.kind in kinds
    if stored.line is not None and wanted and (honoured or stored.visibility == "public"):
        return b'{"put":%b}' % stored.line
    return encode({"leaf": {"k": stored.key.hex(), "v": stored.value.hex(), "seq": stored.seq}})


def _removal_line(key: bytes, seq: int) -> bytes:
    return encode({"del": {"k": key.hex(), "seq": seq}})


def _next(author: str, after: int | None = None) -> bytes:
    return encode({"next": {"author": author} if after is None else {"author": author, "after": after}})


def statements(db: sqlite3.Connection, author_id: NodeId) -> dict[str, object] | None:
    """The newest card of an author, and the head and beat held; None where nothing is told of it."""
    author = authors.find(db, author_id)
    if author is None or author.standing < Standing.REACHED:
        return None
    lines = {"card": author.newest_card.signed.line, "head": author.head_line, "beat": author.beat_line}
    return {name: decode(line) for name, line in lines.items() if line}


def subtrees(
    db: sqlite3.Connection, trees: sets.Trees, author_id: NodeId, head: bytes, prefix: str, depth: int
) -> list[Subtree] | None:
    """The subtrees `depth` levels below `prefix` in the set of `head`; None where that is not the newest head."""
    author = authors.find(db, author_id)
    if author is None or author.head_hash != head or not _is_told(author):
        return None
    tree = trees.of(db, author)
    return tree.subtrees(prefix, depth) if tree.root == author.root else None


def signed_record(
    db: sqlite3.Connection, trees: sets.Trees, author_id: str, kind: str, record_id: str, *, everything: bool
) -> SignedRecord:
    """A record with all that proves it; InputError where there is none, or none that may be shown."""
    author = authors.find(db, author_id)
    stored = records.find(db, author.no, tree_key(kind, record_id)) if author else None
    if author is None or author.head is None or stored is None or stored.line is None:
        raise InputError(f"there is no {kind} {record_id} of {author_id} here: look with 'bra list {kind}'")
    if stored.seq == 0:
        raise InputError(f"{kind} {record_id} never leaves this node: publish it with another visibility first")
    if stored.visibility != "public" and not everything:
        raise InputError(f"{kind} {record_id} of {author_id} is not public")
    tree = trees.of(db, author)
    if author.damaged or tree.root != author.root:
        raise InputError(f"what is held of {author_id} was damaged here: repair it first ('bra sync')")
    return SignedRecord(author.card, author.head, Record.parse(stored.line), tree.prove(stored.key), author.beat)


def signed_values(
    db: sqlite3.Connection, trees: sets.Trees, shown: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What proves each of these shown records; without those that nothing proves (they never leave this node, or were
    damaged here), and those that were kept to fewer readers since they were shown.
    """
    found = []
    for each in shown:
        with suppress(InputError):
            signed = signed_record(db, trees, each["author"], each["kind"], each["id"], everything=True)
            if signed.record.visibility == each["visibility"]:
                found.append(signed.as_value())
    return found


def absence(db: sqlite3.Connection, trees: sets.Trees, author_id: str, key: bytes) -> dict[str, object] | None:
    """What proves that an author has nothing at `key`; None where it has, or where the author is not known here."""
    author = authors.find(db, author_id)
    if author is None or not _is_told(author):
        return None
    tree = trees.of(db, author)
    if tree.root != author.root or tree.get(key) is not None:
        return None
    statements = {"card": author.card_line, "head": author.head_line, "beat": author.beat_line}
    return {
        **{name: decode(line) for name, line in statements.items() if line},
        "proof": tree.prove(key).as_value(),
    }


def photo(db: sqlite3.Connection, hash_: str, *, honoured: bool) -> bytes | None:
    """A photo's bytes, if it is held and a record that may be told names it; see SPEC, "Photos"."""
    row = db.execute(
        "SELECT photo FROM photos WHERE hash = ? AND EXISTS (SELECT 1 FROM photo_uses "
        "JOIN records ON records.no = photo_uses.record JOIN authors ON authors.no = records.author "
        "WHERE photo_uses.photo = photos.hash AND photo_uses.author = photos.author AND records.seq > 0 "
        "AND authors.head IS NOT NULL AND authors.standing >= ? AND NOT authors.damaged "
        "AND (records.visibility = 'public' OR ?))",
        (hash_, int(Standing.REACHED), honoured),
    ).fetchone()
    return row[0] if row else None
