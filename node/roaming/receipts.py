"""What visits leave behind: monthly receipts, and what two organisations have done for each other.

Rules:

- a receipt is counts of one month and venue, published by the *guests'* organisation from what both sides signed. It
  comes when the month is over: one that changed on the day would tell who travels when
- what was hosted and travelled with each other is read from one's own arrivals: only the two of them have these

    >>> [receipt] = monthly([("2027-06", "bra1…/desk", 5), ("2027-06", "bra1…/desk", 9)])
    >>> receipt.body["visits_received"], receipt.body["median_answer_minutes"]
    (2, 7)
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from statistics import median
from typing import Any

from node.directory.draft import Change
from node.directory.publishing import Publisher
from node.directory.views import organisation_names
from node.storage import arrivals
from node.storage.database import Database

MONTHS_BACK = 24
"""Receipts are published for that many months."""
_LARGEST = 1_000_000


async def publish(database: Database, publisher: Publisher, now: float) -> None:
    """Publishes the receipts of the months that are over; those that are out already stay as they are."""
    today = datetime.fromtimestamp(now, UTC).date()
    since = date(today.year - MONTHS_BACK // 12, today.month, 1).isoformat()
    before = today.replace(day=1).isoformat()
    visits = await database.read(lambda db: arrivals.travelled(db, since, before))
    if changes := monthly(visits):
        await publisher.publish(changes)


def monthly(visits: Sequence[tuple[str, str, int]]) -> list[Change]:
    """The receipts of these visits, each (month, venue, answer minutes)."""
    answers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for month, venue, minutes in visits:
        answers[month, venue].append(minutes or 0)
    return [
        Change(
            "receipt",
            {
                "month": month,
                "venue": venue,
                "visits_received": len(minutes),
                "median_answer_minutes": min(int(median(minutes)), _LARGEST),
            },
            ref=f"{month}/{venue}",
        )
        for (month, venue), minutes in sorted(answers.items())
    ]


def reciprocity(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Visits and days hosted for each other organisation, and travelled to it: for the operator's eyes."""
    found: dict[str, dict[str, Any]] = {}
    for each in arrivals.shared(db):
        what = "hosted" if each.side == "host" else "travelled"
        found.setdefault(each.other, {})[what] = {"visits": each.visits, "days": each.days}
    names, none = organisation_names(db, list(found)), {"visits": 0, "days": 0}
    return [
        {"node_id": other, "organisation": names.get(other, ""), "hosted": none, "travelled": none, **counts}
        for other, counts in found.items()
    ]
