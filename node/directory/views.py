"""What the nodes know together, as it is shown: lists, one record, search; each with where it comes from.

Rules:

- shown are records of listed authors, verified, well formed, not expired, and of a visibility that the reader may see
- a farewell is shown of everybody who is reached: who leaves withdraws the signature by which it was listed
- personal kinds are hidden while their author has not been heard from for longer than its last beat lasts
- provenance comes with every record: author, its organisation's name, how it is known, when it was last heard from
"""

import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from node import kinds
from node.directory.acceptance import Acceptance
from node.directory.draft import OWN_ORGANISATION
from node.errors import InputError
from node.kinds.fields import first_of
from node.protocol.canonical import decode
from node.protocol.names import NodeId, format_time
from node.protocol.statements import tree_key
from node.storage.index import fold
from node.trust.look_alikes import Likeness
from node.trust.reach import Known, Standing

EVERYTHING = frozenset(("public", "members", "partners", "local"))
"""What the operator of this node sees."""

PUBLIC = frozenset(("public",))

LARGEST_PAGE = 1_000
LONGEST_QUERY = 200
MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: which visibilities it may see, at what time, and the acceptance that counts (see `Answer`)."""

    visibilities: Collection[str]
    now: float
    me: NodeId
    known: Mapping[NodeId, Known]
    called: Mapping[NodeId, str] = field(default_factory=dict)
    look_alikes: Mapping[NodeId, Likeness] = field(default_factory=dict)

    @classmethod
    def of(cls, acceptance: Acceptance, visibilities: Collection[str], now: float) -> Self:
        """One who looks with the acceptance of this moment."""
        answer = acceptance.answer
        return cls(visibilities, now, acceptance.me, answer.known, answer.called, answer.look_alikes)


@dataclass(frozen=True, slots=True)
class Page:
    """Records in a stable order, and the cursor of the next page, if there is one."""

    records: list[dict[str, Any]]
    cursor: int | None


_SHOWN = (
    "SELECT records.no, authors.node_id, records.kind, records.line, authors.beat_time, authors.beat_expires, "
    "authors.forked_epoch, authors.epoch, authors.continuous, authors.damaged "
)
_MAY_SEE = (
    "(authors.standing >= {listed} "
    "OR (authors.standing >= {reached} AND records.kind = 'farewell' AND authors.count = 1)) "
    "AND records.line IS NOT NULL AND records.problem IS NULL AND records.no NOT IN (SELECT no FROM backlog) "
    "AND records.visibility IN ({visibilities}) AND (records.expires IS NULL OR records.expires > {now}) "
    "AND (records.kind NOT IN ({personal}) OR coalesce(authors.beat_expires, 0) > {now} "
    "OR authors.node_id = '{me}')"
)


def listing(db: sqlite3.Connection, reader: Reader, kind: str, *, after: int = 0, limit: int = 100) -> Page:
    """The records of a kind, in the order in which they came here."""
    rows = db.execute(
        f"{_SHOWN} FROM records JOIN authors ON authors.no = records.author "
        f"WHERE records.kind = ? AND records.no > ? AND {_may_see(reader)} ORDER BY records.no LIMIT ?",
        (kind, after, _page(limit) + 1),
    ).fetchall()
    return Page(_as_shown(db, reader, rows[:limit]), rows[limit - 1][0] if len(rows) > limit else None)


def one(db: sqlite3.Connection, reader: Reader, kind: str, author: str, record_id: str) -> dict[str, Any] | None:
    """One record, if there is one that the reader may see."""
    rows = db.execute(
        f"{_SHOWN} FROM records JOIN authors ON authors.no = records.author "
        f"WHERE authors.node_id = ? AND records.key = ? AND {_may_see(reader)}",
        (author, tree_key(kind, record_id)),
    ).fetchall()
    return next(iter(_as_shown(db, reader, rows)), None)


def search(db: sqlite3.Connection, reader: Reader, text: str, *, limit: int = 50) -> list[dict[str, Any]]:
    """The records that hold every word of `text` (from three letters on, as the beginning of one), the best first."""
    rows = db.execute(
        f"{_SHOWN} FROM texts_fts JOIN records ON records.no = texts_fts.rowid "
        "JOIN authors ON authors.no = records.author "
        f"WHERE texts_fts MATCH ? AND {_may_see(reader)} ORDER BY bm25(texts_fts, 5.0, 1.0), records.no LIMIT ?",
        (_match(text), _page(limit)),
    ).fetchall()
    return _as_shown(db, reader, rows)


def organisation_names(db: sqlite3.Connection, node_ids: Collection[str] | None = None) -> dict[str, str]:
    """What each of these authors (everybody, where none are named) calls itself, where it says so."""
    chosen = "" if node_ids is None else f"AND authors.node_id IN ({','.join('?' * len(node_ids))})"
    rows = db.execute(
        "SELECT authors.node_id, texts.heading FROM authors "
        "JOIN records ON records.author = authors.no JOIN texts ON texts.no = records.no "
        f"WHERE records.key = ? {chosen}",
        (tree_key("organisation", OWN_ORGANISATION), *(node_ids or ())),
    )
    return dict(rows.fetchall())


def farewells(db: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """When and why they left, of everybody reached who says farewell: `date` and `reason` by node id."""
    rows = db.execute(
        "SELECT authors.node_id, records.line FROM records JOIN authors ON authors.no = records.author "
        "WHERE authors.standing >= ? AND authors.count = 1 AND records.no IN "
        "(SELECT min(no) FROM records WHERE kind = 'farewell' "
        "AND line IS NOT NULL AND problem IS NULL AND no NOT IN (SELECT no FROM backlog) AND seq > 0 GROUP BY author)",
        (int(Standing.REACHED),),
    )
    bodies = ((node_id, decode(line)["body"]) for node_id, line in rows)
    return {node_id: {"date": body["date"], "reason": first_of(body["reason"])} for node_id, body in bodies}


def _match(text: str) -> str:
    """An FTS5 query that means `text` literally: every word quoted, each as a prefix."""
    if len(text) > LONGEST_QUERY:
        raise InputError(f"a search has up to {LONGEST_QUERY} characters: use fewer words")
    words = re.findall(r"\w+", fold(text))
    if not words:
        raise InputError("there is nothing to search for: give at least one word")
    if len(words) > MOST_WORDS:
        raise InputError(f"a search has up to {MOST_WORDS} words: use fewer")
    # The beginning of a word has three letters at least: one letter would be the beginning of half the directory.
    return " ".join(f'"{word}"*' if len(word) >= 3 else f'"{word}"' for word in words)


def _may_see(reader: Reader) -> str:
    # Every value here is this program's own: standings, known visibilities and kinds, a number, this node's id.
    quoted = ",".join(f"'{each}'" for each in sorted(EVERYTHING & set(reader.visibilities)))
    personal = ",".join(f"'{kind}'" for kind in sorted(kinds.PERSONAL))
    return _MAY_SEE.format(
        listed=int(Standing.LISTED),
        reached=int(Standing.REACHED),
        visibilities=quoted,
        personal=personal,
        now=int(reader.now),
        me=reader.me,
    )


def _page(limit: int) -> int:
    if not 1 <= limit <= LARGEST_PAGE:
        raise InputError(f"a page has 1 to {LARGEST_PAGE} records")
    return limit


def _as_shown(db: sqlite3.Connection, reader: Reader, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    shown = {row[1] for row in rows}
    alike = {reader.look_alikes[node].of for node in shown if node in reader.look_alikes}
    everyone = shown.union(alike, *(_path(reader, node) for node in shown))
    said = organisation_names(db, everyone)
    names = {node: said.get(node) or reader.called.get(node, "") for node in everyone}
    return [_shown(reader, row, names) for row in rows]


def _shown(reader: Reader, row: Sequence[Any], names: Mapping[str, str]) -> dict[str, Any]:
    _, author, kind, line, beat_time, beat_expires, forked_epoch, epoch, continuous, damaged = row
    record = decode(line)
    standing = reader.known[author].standing if author in reader.known else Standing.UNKNOWN
    known: dict[str, Any] = {
        "standing": standing.name.lower(),
        "path": [{"author": node, "organisation": names.get(node, "")} for node in _path(reader, author)],
    }
    if author in reader.known and reader.known[author].since:
        known["since"] = reader.known[author].since
    shown = {
        "kind": kind,
        "id": record["id"],
        "author": author,
        "organisation": names.get(author, ""),
        "known": known,
        "stale": not beat_expires or beat_expires <= reader.now,
        "seq": record["seq"],
        "updated": record["updated"],
        "visibility": record["visibility"],
        "body": record["body"],
    }
    if beat_time is not None:
        shown["heard"] = format_time(beat_time)
    warnings = []
    if forked_epoch is not None and forked_epoch >= epoch:
        warnings.append("this organisation's node signed two histories: shown is the last state that was verified")
    elif not continuous:
        warnings.append("continuity unknown: this node was away for longer than its peers keep the chain of states")
    if damaged:
        warnings.append("damaged here: being fetched again, and not proven until then")
    if author in reader.look_alikes:
        warnings.append(look_alike_warning(reader.look_alikes[author], names))
    if warnings:
        shown["warning"] = "; ".join(warnings)
    return shown


def look_alike_warning(likeness: Likeness, names: Mapping[str, str]) -> str:
    """What a person is told of an organisation that looks like another."""
    other = names.get(likeness.of) or likeness.of
    if likeness.what == "scripts":
        return "its name mixes letters of different scripts in one word: compare node ids"
    if likeness.what == "website":
        return f"its website is that of {other}, which is known here for longer, under another key: compare node ids"
    return f"its name looks like that of {other}, which is known here for longer: compare node ids"


def _path(reader: Reader, author: str) -> tuple[NodeId, ...]:
    found = reader.known.get(NodeId(author))
    return found.path if found else ()
