"""The passes of a visit's people: each is made when it is first asked for, kept with the visit, and ends with it.

Rules:

- one that ended with its key, when this node's keys were changed, is made anew
- one that was revoked is not, whatever becomes of the keys: somebody has decided that. Who it was for is told so

    given(db, passes, visit)     # [{"name": "Liis Tamm", "token": "eyJ…"}, {"name": "Jaan Kask", "revoked": True}]
"""

import sqlite3
from typing import Any

from node.errors import InputError
from node.protocol.names import NodeId
from node.roaming import journal
from node.roaming.issuing import Passes
from node.roaming.passes import Token
from node.roaming.visit import CALLED, EXPECTED, Days, State
from node.sentence import said
from node.storage import visits
from node.storage.visits import Visit


def given(db: sqlite3.Connection, passes: Passes, visit: Visit) -> list[dict[str, Any]]:
    """Of each of the people their `name`, and the `token` of their pass, or in its place that it is `revoked`.

    InputError where the guests aren't expected.
    """
    if visit.state not in EXPECTED:
        state = CALLED.get(State(visit.state) if visit.state else None)
        raise InputError(said("this visit is {state}: there are passes once the host has accepted it", state=state))
    request, held, revoked = journal.request_of(visit), visits.passes(db, visit.no), passes.revoked(db)
    found: list[dict[str, Any]] = []
    for number, person in enumerate(request.people):
        token = held.get(number)
        if token and Token.parse(token).claims.index in revoked:
            found.append({"name": person.name, "revoked": True})
            continue
        if not token or not passes.current(token):
            token = passes.issue(
                db,
                host=NodeId(visit.host),
                venues=[request.venue_id],
                visit=visit.id,
                days=Days(visit.first, visit.last),
                zone=visit.zone,
                name=person.name,
                company=request.company,
            )
            visits.keep_pass(db, visit.no, number, token)
        found.append({"name": person.name, "token": token})
    return found


def end(db: sqlite3.Connection, passes: Passes, visit: Visit) -> None:
    """Revokes all that were made. The status list is published a moment later, by the passes' own chore."""
    if visits.passes(db, visit.no):
        passes.revoke(db, visit=visit.id)
        visits.drop_passes(db, visit.no)
