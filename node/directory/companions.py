"""What stands beside records: the venues of events, the events of a venue, who took a practice over, an author's all.

Rules:

- every companion is shown to this reader, or is not there: an event doesn't tell of a place that its reader may not see
- there is never more of it than the caller asks for; where it is counted, everything that the reader may see is

    venues_of(db, reader, events)["bra1…/hall"]
    of_author(db, reader, lund, few=3)["venue"]        # Several(42, [three venues, as views show them])
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from node.directory import views
from node.directory.reader import Reader
from node.protocol.record import tree_key

MOST_LOOKED_AT = 1_000
"""Records that hold a word, when what they name is compared."""


def venues_of(
    db: sqlite3.Connection, reader: Reader, records: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The venues that these events are at, as far as the reader may see them, by `author/id`."""
    refs = {
        ref if "/" in ref else f"{record['author']}/{ref}"
        for record in records
        if record["kind"] == "event" and (ref := record["body"].get("venue"))
    }
    return {f"{venue['author']}/{venue['id']}": venue for venue in named(db, reader, "venue", sorted(refs))}


def named(db: sqlite3.Connection, reader: Reader, kind: str, refs: Iterable[str]) -> list[dict[str, Any]]:
    """The records of a kind that are named so (`author/id`), in this order, as far as the reader may see them."""
    numbers = []
    for author, _, id_ in (ref.partition("/") for ref in refs):
        found = db.execute(
            "SELECT records.no FROM records JOIN authors ON authors.no = records.author "
            "WHERE authors.node_id = ? AND records.key = ?",
            (author, tree_key(kind, id_)),
        ).fetchone()
        if found:
            numbers.append(found[0])
    return views.of_numbers(db, reader, numbers)


def events_at(db: sqlite3.Connection, reader: Reader, venue: str, *, few: int) -> list[dict[str, Any]]:
    """The first events at a venue (`author/id`), by whomever, that are not over yet."""
    author, _, id_ = venue.partition("/")
    rows = db.execute(
        "SELECT facts.no FROM facts JOIN authors ON authors.no = facts.author "
        "WHERE facts.venue = :venue AND facts.kind = 'event' AND coalesce(facts.host, authors.node_id) = :author "
        f"AND facts.ends > :now AND {reader.may_see('facts')} ORDER BY facts.starts, facts.no LIMIT :few",
        reader.parameters(venue=tree_key("venue", id_), author=author, few=few),
    )
    return views.of_numbers(db, reader, [no for (no,) in rows])


def adoptions_of(db: sqlite3.Connection, reader: Reader, practice: str, *, few: int) -> list[dict[str, Any]]:
    """The first records by which a practice (`author/id`) was taken over."""
    author, _, id_ = practice.partition("/")
    # Words are indexed, fields are not; what the phrase finds is compared exactly.
    rows = db.execute(
        "SELECT facts.no FROM texts_fts CROSS JOIN facts ON facts.no = texts_fts.rowid "
        "CROSS JOIN authors ON authors.no = facts.author WHERE texts_fts MATCH :id AND facts.kind = 'adoption' "
        f"AND {reader.may_see('facts')} LIMIT :most",
        reader.parameters(id=f'"{id_}"', most=MOST_LOOKED_AT),
    )
    found = views.of_numbers(db, reader, [no for (no,) in rows])
    meant = (practice, id_)
    return [each for each in found if each["body"]["practice"] in meant[: 1 + (each["author"] == author)]][:few]


class Several(NamedTuple):
    """How many there are, and the first of them."""

    total: int
    first: list[dict[str, Any]]


def of_author(db: sqlite3.Connection, reader: Reader, author: str, *, few: int) -> dict[str, Several]:
    """What an author has, by kind: events that are not over by their start, everything else by its name."""
    rows = db.execute(
        "WITH seen AS (SELECT facts.no AS no, facts.kind AS kind, facts.starts AS starts, facts.name AS name "
        "FROM authors CROSS JOIN records ON records.author = authors.no CROSS JOIN facts ON facts.no = records.no "
        f"WHERE authors.node_id = :author AND coalesce(facts.ends > :now, true) AND {reader.may_see('facts')}) "
        "SELECT kind, total, no FROM (SELECT kind, no, count(*) OVER (PARTITION BY kind) AS total, "
        "row_number() OVER (PARTITION BY kind ORDER BY starts, name, no) AS place FROM seen) "
        "WHERE place <= :few ORDER BY kind, place",
        reader.parameters(author=author, few=few),
    ).fetchall()
    found = {kind: Several(total, []) for kind, total, _ in rows}
    for record in views.of_numbers(db, reader, [no for *_, no in rows]):
        found[record["kind"]].first.append(record)
    return found


def own_names(db: sqlite3.Connection, kind: str) -> dict[str, str]:
    """What this node's publisher calls its records of a kind (`ref`), by their ids."""
    return dict(db.execute("SELECT id, ref FROM refs WHERE kind = ?", (kind,)).fetchall())
