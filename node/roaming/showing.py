"""Visits as people are shown them: what the journal holds, with the names of those whom it speaks of.

Rules:

- whoever asked is shown other venues where the host is silent, or said no
- a list is of one stage, newest first: what waits for an answer isn't lost behind what is over

    listing(db, now, side=Side.HOST, stage=Stage.WAITING, most=50)["visits"]
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from node.directory import views
from node.directory.acceptance import Acceptance
from node.protocol.names import format_time
from node.roaming import journal
from node.roaming.alternatives import alternatives
from node.roaming.visit import EXPECTED, OPEN, SILENCE, Side, Stage, State
from node.storage import visits
from node.storage.visits import Among, Visit

_WITHOUT_ANSWER = (State.ASKED, State.REMINDED)
_WITHOUT_HOST = (State.REMINDED, State.DECLINED, State.EXPIRED)


def one(db: sqlite3.Connection, acceptance: Acceptance, no: int, now: float) -> dict[str, Any]:
    """The visit of this number: as `listing` has it, and with `alternatives` where its guests may want another."""
    visit = visits.numbered(db, no)
    assert visit is not None
    [value] = named(db, [visit], now)
    waits = visit.state == State.ASKED and visit.asked + SILENCE <= now
    if visit.side == Side.GUEST and (waits or value["state"] in _WITHOUT_HOST):
        value["alternatives"] = alternatives(db, acceptance, visit, now)
    return value


def listing(
    db: sqlite3.Connection,
    now: float,
    *,
    side: Side | None = None,
    asker: str = "",
    stage: Stage | None = None,
    before: int | None = None,
    most: int,
) -> dict[str, Any]:
    """The newest visits first: `visits`, and `before`, the cursor of the next page, if there is one.

    Each is as `named` has it.
    """
    hash_ = journal.hash_of(asker) if asker else None
    among = _AMONG[stage](now) if stage else None
    found = visits.listing(db, side=side, asker=hash_, among=among, before=before, most=most + 1)
    more = {"before": found[most - 1].no} if len(found) > most else {}
    return {"visits": named(db, found[:most], now), **more}


_AMONG = {
    Stage.WAITING: lambda now: Among(OPEN, now),
    Stage.COMING: lambda now: Among(EXPECTED, now),
    Stage.OVER: lambda now: Among(OPEN | EXPECTED, now, others=True),
}


def named(db: sqlite3.Connection, found: Sequence[Visit], now: float) -> list[dict[str, Any]]:
    """Each as `journal.shown` has it, with the names of the other `organisation` and of the `place`.

    These are empty where they are gone. While the host's answer is wanted, `answer_by` says until when.
    """
    names = views.organisation_names(db, {visit.other for visit in found})
    places = views.headings(db, "venue", {visit.venue for visit in found})
    shown = []
    for visit in found:
        value = journal.shown(db, visit, now)
        value |= {"organisation": names.get(visit.other, ""), "place": places.get(visit.venue, "")}
        if value["state"] in _WITHOUT_ANSWER:
            value["answer_by"] = format_time(visit.asked + SILENCE)
        shown.append(value)
    return shown
