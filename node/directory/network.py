"""The network as a list: every organisation that the reader may see, how it is known, and what it opens to others.

Rules:

- an organisation is listed by the record in which it describes itself; one that says nothing of itself is not
- its venues are counted as far as the reader may see them
- of more than `MOST` those are told that came here first, and the answer says so

    network(db, reader).organisations[0].name
"""

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from node.directory import views
from node.directory.draft import OWN_ORGANISATION
from node.directory.reader import Reader
from node.protocol.names import NodeId
from node.protocol.record import tree_key
from node.trust.reach import Standing

MOST = 1_000


class Listed(NamedTuple):
    """One organisation. `through`: between this node and it, the nearest first, by name; `languages`: first subtags."""

    author: NodeId
    name: str
    country: str
    city: str
    languages: tuple[str, ...]
    venues: int
    standing: str
    through: tuple[str, ...]
    stale: bool
    warning: str


@dataclass(frozen=True, slots=True)
class Network:
    """`more`: whether there are others, because there are too many."""

    organisations: list[Listed]
    more: bool


def network(db: sqlite3.Connection, reader: Reader) -> Network:
    """The organisations by country and name."""
    rows = db.execute(
        "SELECT authors.no, authors.node_id, texts.heading, facts.country, facts.city, coalesce(facts.languages, ''), "
        "coalesce(authors.beat_expires, 0) <= :now FROM authors "
        "CROSS JOIN records ON records.author = authors.no AND records.key = :key "
        "CROSS JOIN facts ON facts.no = records.no CROSS JOIN texts ON texts.no = records.no "
        f"WHERE {reader.may_see('facts')} ORDER BY authors.no LIMIT {MOST + 1}",
        reader.parameters(key=tree_key("organisation", OWN_ORGANISATION)),
    ).fetchall()
    venues = dict(
        db.execute(
            "SELECT facts.author, count(*) FROM facts JOIN authors ON authors.no = facts.author "
            f"WHERE facts.kind = 'venue' AND {reader.may_see('facts')} GROUP BY facts.author",
            reader.parameters(),
        ).fetchall()
    )
    names = {node: name for _, node, name, *_ in rows}
    found = [
        Listed(
            NodeId(node), name, country, city, tuple(languages.split()), venues.get(no, 0), _standing(reader, node),
            _through(reader, node, names), bool(stale), _warning(reader, node, names),
        )
        for no, node, name, country, city, languages, stale in rows[:MOST]
    ]  # fmt: skip
    return Network(sorted(found, key=lambda each: (each.country, each.name.casefold())), len(rows) > MOST)


def _standing(reader: Reader, node: str) -> str:
    known = reader.known.get(NodeId(node))
    return (known.standing if known else Standing.UNKNOWN).name.lower()


def _through(reader: Reader, node: str, names: dict[str, str]) -> tuple[str, ...]:
    known = reader.known.get(NodeId(node))
    return tuple(names.get(each) or reader.called.get(each) or each for each in (known.path[:-1] if known else ()))


def _warning(reader: Reader, node: str, names: dict[str, str]) -> str:
    likeness = reader.look_alikes.get(NodeId(node))
    return views.look_alike_warning(likeness, names) if likeness else ""
