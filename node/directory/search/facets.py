"""Counts of a question's hits by what they are: how many in each country, of each kind, with each facility.

Rules:

- counted are the hits that the reader may see, and nothing else; at most `MOST_COUNTED` of them
- a record with several facilities or languages counts for each
- one without a city of its own counts for that of the venue that it names, or of its organisation (see `spots`)
"""

import sqlite3
from collections import Counter
from typing import Any

from node.directory import views
from node.directory.draft import OWN_ORGANISATION
from node.directory.reader import Reader
from node.directory.search.spots import AT_HOME, HOST
from node.protocol.record import tree_key

MOST_COUNTED = 10_000
"""Hits that are counted; of more, the first in the directory."""
MOST_SHOWN = 50
"""Values of one facet."""
SINGLE = ("kind", "country", "city", "type", "category", "organisation")
SEVERAL = ("facilities", "languages")


def count(db: sqlite3.Connection, reader: Reader, numbers: str) -> dict[str, list[dict[str, Any]]]:
    """By facet, its values with their counts, the most frequent first; organisations with their names.

    `numbers`: those of the hits, as JSON.
    """
    columns = ", ".join(f"facts.{name} AS {name}" for name in (*SINGLE[:-1], *SEVERAL, "author", "venue"))
    own = ", ".join(f"first.{name} AS {name}" for name in ("kind", "type", "category", "organisation", *SEVERAL))
    of_another = ", ".join(
        f"CASE WHEN facts.no IS NULL THEN first.{name} WHEN {reader.may_see('facts')} THEN facts.{name} END AS {name}"
        for name in ("country", "city")
    )
    each = " UNION ALL ".join(f"SELECT * FROM ({_of(name)})" for name in (*SINGLE, *SEVERAL))
    rows = db.execute(
        f"WITH first AS MATERIALIZED (SELECT {columns}, {HOST} AS host, authors.node_id AS organisation "
        "FROM json_each(:numbers) AS hit CROSS JOIN facts ON facts.no = hit.value "
        "CROSS JOIN authors ON authors.no = facts.author), "
        f"hits AS MATERIALIZED (SELECT {own}, {of_another} FROM first LEFT JOIN records "
        f"ON first.city IS NULL AND first.kind IN ({', '.join(map(repr, AT_HOME))}) "
        "AND records.author = first.host AND records.key = coalesce(first.venue, :organisation_key) "
        f"LEFT JOIN facts ON facts.no = records.no LEFT JOIN authors ON authors.no = facts.author) {each}",
        reader.parameters(numbers=numbers, organisation_key=tree_key("organisation", OWN_ORGANISATION)),
    )
    counted: dict[str, Counter[str]] = {}
    for name, value, many in rows.fetchall():
        values = value.split() if name in SEVERAL else (value,)
        counted.setdefault(name, Counter()).update(dict.fromkeys(values, many))
    names = views.organisation_names(db, list(counted.get("organisation", ())), reader.visibilities)
    return {name: [_told(name, *each, names) for each in _first(counter)] for name, counter in counted.items()}


def census(db: sqlite3.Connection, reader: Reader) -> dict[str, list[dict[str, Any]]]:
    """How many records of each kind the reader may see, and how many of them in each country: all of them."""
    rows = db.execute(
        "SELECT facts.kind, facts.country, count(*) FROM facts CROSS JOIN authors ON authors.no = facts.author "
        f"WHERE {reader.may_see('facts')} GROUP BY facts.kind, facts.country",
        reader.parameters(),
    )
    counted: dict[str, Counter[str]] = {"kind": Counter(), "country": Counter()}
    for kind, country, many in rows.fetchall():
        counted["kind"][kind] += many
        if country is not None:
            counted["country"][country] += many
    return {name: [_told(name, *each, {}) for each in _first(counter)] for name, counter in counted.items()}


def _of(name: str) -> str:
    grouped = f"SELECT '{name}', {name}, count(*) AS many FROM hits WHERE {name} IS NOT NULL GROUP BY {name}"
    # What is split afterwards has to be there whole.
    return grouped if name in SEVERAL else f"{grouped} ORDER BY many DESC, {name} LIMIT {MOST_SHOWN}"


def _first(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:MOST_SHOWN]


def _told(name: str, value: str, many: int, names: dict[str, str]) -> dict[str, Any]:
    called = {"name": names[value]} if name == "organisation" and value in names else {}
    return {"value": value, "count": many, **called}
