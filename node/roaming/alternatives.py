"""Other venues that could take a visit which its host doesn't answer, or declined."""

import sqlite3
from typing import Any

from node.directory import views
from node.directory.acceptance import Acceptance
from node.directory.reader import Reader
from node.directory.search import Question, search
from node.roaming import availability, journal
from node.storage.visits import Visit

MOST = 5
_WITHIN = "25"
"""Kilometres."""
_OF_MEMBERS = frozenset(("public", "members"))


def alternatives(db: sqlite3.Connection, acceptance: Acceptance, visit: Visit, now: float) -> list[dict[str, Any]]:
    """Venues near, of honoured organisations, that could take the same visit and that any member may see.

    Of each its `venue`, `name` and `organisation`.
    """
    reader = Reader.of(acceptance, _OF_MEMBERS, now)
    venue = views.one(db, reader, "venue", visit.host, visit.venue.partition("/")[2])
    request = journal.request_of(visit)
    if venue is None:
        return []
    geo = venue["body"]["geo"]
    near = f"{geo['lat_e6'] / 1e6:.6f},{geo['lon_e6'] / 1e6:.6f}"
    asked = Question.parse({"near": near, "radius_km": _WITHIN, "kind": "venue", "limit": 50})
    found = []
    for each in search(db, reader, asked).records:
        name = f"{each['author']}/{each['id']}"
        honoured = each["known"]["standing"] == "honoured" and each["author"] != acceptance.me
        if honoured and name != visit.venue and not availability.hindrance(each["body"], request, now):
            found.append({"venue": name, "name": each["body"]["name"], "organisation": each["organisation"]})
    return found[:MOST]
