"""The honour record of a venue: how it received the visitors of others, as their own organisations say.

Rules:

- it is the sum of the receipts of honoured organisations; what the venue's own host says doesn't count
- a receipt names nobody: its counts are of a month and a venue (see `kinds.receipt`)

    honour(db, reader, "bra1.../delta-desk")
    # {"visits_received": 14, "median_answer_minutes": 600, "last_month": "2027-06", "organisations": 5}
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from node.directory.reader import Reader
from node.protocol.canonical import decode
from node.trust.reach import Standing

MOST_RECEIPTS = 5_000
"""Of one venue, that are looked at."""


def honour(db: sqlite3.Connection, reader: Reader, venue: str) -> dict[str, Any] | None:
    """How a venue (`node id/record id`) honours visits; None where nobody honoured here has written a receipt of it.

    `median_answer_minutes`: the median of all months' medians, each as often as it has visits.
    """
    host = venue.partition("/")[0]
    # Words are indexed, fields are not; what the phrase finds is compared exactly.
    rows = db.execute(
        "SELECT authors.node_id, records.line FROM texts_fts JOIN records ON records.no = texts_fts.rowid "
        "JOIN authors ON authors.no = records.author WHERE texts_fts MATCH :venue AND records.kind = 'receipt' "
        "AND records.line IS NOT NULL AND records.problem IS NULL AND authors.standing >= :honoured "
        f"AND authors.node_id <> :host AND {reader.may_see('records')} LIMIT :most",
        reader.parameters(venue=f'"{venue}"', honoured=int(Standing.HONOURED), host=host, most=MOST_RECEIPTS),
    )
    said = [(author, body) for author, line in rows if (body := decode(line)["body"])["venue"] == venue]
    received = sum(body["visits_received"] for _, body in said)
    if not received:
        return None
    return {
        "visits_received": received,
        "median_answer_minutes": _weighted(
            [(body["median_answer_minutes"], body["visits_received"]) for _, body in said]
        ),
        "last_month": max(body["month"] for _, body in said if body["visits_received"]),
        "organisations": len({author for author, _ in said}),
    }


def _weighted(medians: Sequence[tuple[int, int]]) -> int:
    """The median of values that count so many times each."""
    half = sum(weight for _, weight in medians) / 2
    for value, weight in sorted(medians):
        half -= weight
        if half <= 0:
            return value
    return 0
