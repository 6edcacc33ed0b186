"""What the nodes know together, as it is shown: lists, one record, those that a search found.

Rules:

- shown are verified, well-formed records that the reader may see (see `reader`), and that were looked into
- provenance comes with every record: author, its organisation's name, how it is known, when it was last heard from
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from node.directory.draft import OWN_ORGANISATION, version_of
from node.directory.reader import EVERYTHING, Reader
from node.errors import InputError
from node.kinds.fields import first_of
from node.protocol.canonical import decode
from node.protocol.names import NodeId, format_time
from node.protocol.record import tree_key
from node.trust.look_alikes import Likeness
from node.trust.reach import Standing

LARGEST_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """Records in a stable order, and the cursor of the next page, if there is one."""

    records: list[dict[str, Any]]
    cursor: int | None


_SHOWN = (
    "SELECT records.no, authors.node_id, records.kind, records.line, authors.beat_time, authors.beat_expires, "
    "authors.forked_epoch, authors.epoch, authors.continuous, authors.damaged "
)
_WHOLE = "records.line IS NOT NULL AND records.problem IS NULL AND records.no NOT IN (SELECT no FROM backlog)"


def listing(db: sqlite3.Connection, reader: Reader, kind: str, *, after: int = 0, limit: int = 100) -> Page:
    """The records of a kind, in the order in which they came here."""
    rows = db.execute(
        f"{_SHOWN} FROM records JOIN authors ON authors.no = records.author "
        f"WHERE records.kind = :kind AND records.no > :after AND {_may_see(reader)} ORDER BY records.no LIMIT :limit",
        reader.parameters(kind=kind, after=after, limit=_page(limit) + 1),
    ).fetchall()
    return Page(_as_shown(db, reader, rows[:limit]), rows[limit - 1][0] if len(rows) > limit else None)


def one(db: sqlite3.Connection, reader: Reader, kind: str, author: str, record_id: str) -> dict[str, Any] | None:
    """One record, if there is one that the reader may see."""
    rows = db.execute(
        f"{_SHOWN} FROM records JOIN authors ON authors.no = records.author "
        f"WHERE authors.node_id = :author AND records.key = :key AND {_may_see(reader)}",
        reader.parameters(author=author, key=tree_key(kind, record_id)),
    ).fetchall()
    return next(iter(_as_shown(db, reader, rows)), None)


def of_numbers(db: sqlite3.Connection, reader: Reader, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The records with these numbers that the reader may see, in this order."""
    rows = db.execute(
        f"{_SHOWN} FROM json_each(:numbers) AS wanted CROSS JOIN records ON records.no = wanted.value "
        f"JOIN authors ON authors.no = records.author WHERE {_may_see(reader)} ORDER BY wanted.key",
        reader.parameters(numbers=orjson.dumps(numbers).decode()),
    ).fetchall()
    return _as_shown(db, reader, rows)


def photo_authors(db: sqlite3.Connection, reader: Reader, photo: str) -> dict[NodeId, bool]:
    """Whose records that the reader may see name a photo (its SHA-256), and whether everybody may see one of them."""
    rows = db.execute(
        "SELECT authors.node_id, max(records.visibility = 'public') FROM photo_uses "
        "JOIN records ON records.no = photo_uses.record JOIN authors ON authors.no = records.author "
        f"WHERE photo_uses.photo = :photo AND {_may_see(reader)} GROUP BY authors.no ORDER BY authors.no",
        reader.parameters(photo=photo),
    )
    return {NodeId(node_id): bool(public) for node_id, public in rows}


def organisation_names(
    db: sqlite3.Connection, node_ids: Collection[str] | None = None, visibilities: Collection[str] = EVERYTHING
) -> dict[str, str]:
    """What each of these authors (everybody, where none are named) calls itself, where it says so to who asks."""
    chosen = "" if node_ids is None else f"AND authors.node_id IN ({','.join('?' * len(node_ids))})"
    rows = db.execute(
        "SELECT authors.node_id, texts.heading FROM authors "
        "JOIN records ON records.author = authors.no JOIN texts ON texts.no = records.no "
        f"WHERE records.key = ? AND records.visibility IN (SELECT value FROM json_each(?)) {chosen}",
        (
            tree_key("organisation", OWN_ORGANISATION),
            orjson.dumps(sorted(visibilities)).decode(),
            *(node_ids or ()),
        ),
    )
    return dict(rows.fetchall())


def headings(db: sqlite3.Connection, kind: str, names: Collection[str]) -> dict[str, str]:
    """What records of a kind are called, by the names (`node id/record id`) of those that are there."""
    found = {}
    for name in names:
        author, _, id_ = name.partition("/")
        row = db.execute(
            "SELECT texts.heading FROM records JOIN authors ON authors.no = records.author "
            "JOIN texts ON texts.no = records.no WHERE authors.node_id = ? AND records.key = ?",
            (author, tree_key(kind, id_)),
        ).fetchone()
        if row:
            found[name] = row[0]
    return found


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


def _may_see(reader: Reader) -> str:
    return f"{_WHOLE} AND {reader.may_see('records')}"


def _page(limit: int) -> int:
    if not 1 <= limit <= LARGEST_PAGE:
        raise InputError(f"a page has 1 to {LARGEST_PAGE} records")
    return limit


def _as_shown(db: sqlite3.Connection, reader: Reader, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    shown = {row[1] for row in rows}
    alike = {reader.look_alikes[node].of for node in shown if node in reader.look_alikes}
    everyone = shown.union(alike, *(_path(reader, node) for node in shown))
    said = organisation_names(db, everyone, reader.visibilities)
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
        "version": version_of(record["seq"], line),
        "updated": record["updated"],
        "visibility": record["visibility"],
        "body": record["body"],
    }
    shown |= {name: record[name] for name in ("licence", "checked", "expires") if name in record}
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
