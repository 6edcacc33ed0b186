"""Own records as their operator sees them: all, page by page; and those that somebody should look at.

Rules:

- the newest come first, by when they were made first: a change moves nothing on the page
- what ends is due `SOON` before it does, and from then on; what somebody has to look at now and then is due when nobody
  did for `LONG`, counted from when it was checked, or else published
- a culture guide says itself when it was reviewed. A person's consent to be named is asked for anew each `CONSENT`
- events end by themselves, and what the node makes of what it does is nobody's to look at

    listing(db, reader, kind="venue", text="delta").records
    due(db, reader)[0].why      # "ends", "confirm" or "consent"
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from node.directory import companions, views
from node.directory.reader import Reader
from node.directory.search import words
from node.kinds import KINDS
from node.kinds.fields import parse_day_or_moment
from node.protocol.names import parse_time

DAY = 86_400
SOON = 30 * DAY
LONG = 180 * DAY
CONSENT = 2 * 365 * DAY
CONFIRMED = ("organisation", "venue", "offer", "contact", "culture_guide")
"""What is right until something around it changes, of which nobody tells the node."""
MOST_DUE = 50
"""Records that are told at once, those that are due for longest first."""

_OWN = "FROM authors CROSS JOIN records ON records.author = authors.no WHERE authors.node_id = :me"


@dataclass(frozen=True, slots=True)
class Due:
    """A record that somebody should look at. `since`: seconds at which that began (`ends`: at which it ends)."""

    why: str
    since: int
    no: int


def listing(
    db: sqlite3.Connection,
    reader: Reader,
    *,
    kind: str = "",
    text: str = "",
    before: int | None = None,
    limit: int = 50,
) -> views.Page:
    """Own records of a kind, or of all, that hold all words of a text, or whose `ref` begins with it.

    `before`: the cursor of the page before. Each record has its `ref`, where its publisher gave it one.
    """
    conditions = ["records.kind IN (SELECT value FROM json_each(:kinds))"]
    parameters = {"me": reader.me, "limit": limit + 1, "kinds": orjson.dumps([kind] if kind else list(KINDS)).decode()}
    if before is not None:
        conditions.append("records.no < :before")
        parameters["before"] = before
    if text:
        conditions.append(
            "(records.no IN (SELECT rowid FROM texts_fts WHERE texts_fts MATCH :match) OR (records.kind, records.id) "
            "IN (SELECT kind, id FROM refs WHERE substr(ref, 1, length(:text)) = :text))"
        )
        parameters |= {"match": words.match(words.parse(text)), "text": text}
    numbers = [
        no
        for (no,) in db.execute(
            f"SELECT records.no {_OWN} AND {' AND '.join(conditions)} ORDER BY records.no DESC LIMIT :limit", parameters
        )
    ]
    records = views.of_numbers(db, reader, numbers[:limit])
    refs = {each: companions.own_names(db, each) for each in {record["kind"] for record in records}}
    named = [{**each, "ref": refs[each["kind"]].get(each["id"], "")} for each in records]
    return views.Page(named, numbers[limit - 1] if len(numbers) > limit else None)


def due(db: sqlite3.Connection, reader: Reader) -> list[Due]:
    """Own records that somebody should look at, those that are due for longest first."""
    rows = db.execute(
        f"SELECT records.no, records.kind, records.line {_OWN} AND records.line IS NOT NULL "
        "AND records.problem IS NULL AND records.kind IN (SELECT value FROM json_each(:kinds))",
        {"me": reader.me, "kinds": orjson.dumps(["need", *CONFIRMED]).decode()},
    )
    found = [
        Due(why, since, no)
        for no, kind, line in rows
        for why, since, when in _reasons(kind, orjson.loads(line))
        if when <= reader.now
    ]
    return sorted(found, key=lambda each: (each.since, each.no))


def shown(db: sqlite3.Connection, reader: Reader, listed: list[Due]) -> list[dict[str, Any]]:
    """The first of these records as views show them, each with `why` and `since`."""
    return [
        {**record, "why": each.why, "since": each.since}
        for each in listed[:MOST_DUE]
        for record in views.of_numbers(db, reader, [each.no])
    ]


def _reasons(kind: str, record: dict[str, Any]) -> list[tuple[str, int, float]]:
    """Why a record is or will be due: the reason, what it is told with, and the second from which on it is."""
    body = record["body"]
    if kind == "need":
        ends = parse_day_or_moment(body["expires"])
        return [("ends", ends, ends - SOON)]
    looked = parse_time(record.get("checked") or record["updated"])
    if kind == "culture_guide":
        looked = parse_time(f"{body['reviewed']}T00:00:00Z")
    found: list[tuple[str, int, float]] = [("confirm", looked, looked + LONG)]
    if kind == "contact" and "consent" in body:
        agreed = parse_day_or_moment(body["consent"])
        found.append(("consent", agreed, agreed + CONSENT))
    return found
