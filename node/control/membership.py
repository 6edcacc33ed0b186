"""Operations on belonging to the agreement: signing its text, and leaving.

Signing is the act of a person with a role, never a side effect. Leaving withdraws everything that is shared, and one
farewell takes its place: both are one new state, so that nobody ever sees half of it.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Collection
from typing import Any

from node.control.endorsing import day
from node.control.parts import Operation, Parts, Report
from node.control.who import names_of
from node.directory.draft import Change, own
from node.errors import InputError
from node.home import AGREEMENT, Home
from node.protocol.names import NodeId
from node.storage import partners

AGREEMENT_VERSION = "1"


class Membership:
    """agreement, agreement-sign, leave, leave-what-if."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {
            "agreement": self.agreement,
            "agreement-sign": self.agreement_sign,
            "leave": self.leave,
            "leave-what-if": self.leave_what_if,
        }

    async def agreement(self) -> dict[str, Any]:
        """The text in this home, its hash, and how it was signed here, if it was."""
        text = agreement_text(self._parts.home)
        found: dict[str, Any] = {
            "version": AGREEMENT_VERSION,
            "text": text.decode(errors="replace"),
            "text_sha256": hashlib.sha256(text).hexdigest(),
        }
        found["recognised"] = found["text_sha256"] in self._parts.acceptance.choices.recognised
        if signed := await self._parts.database.read(lambda db: _signature(db, self._parts.acceptance.me)):
            found["signed"] = signed
        return found

    async def agreement_sign(self, *, role: str, place: str | None = None) -> dict[str, Any]:
        """Publishes that this organisation signs the text; what was signed before stays as it is."""
        parts = self._parts
        text, recognised = agreement_text(parts.home), parts.acceptance.choices.recognised
        change = accession(text, recognised, role=role, place=place, now=parts.world.now())
        before = await parts.database.read(lambda db: _signature(db, parts.acceptance.me))
        assert change.body is not None
        if before and before["text_sha256"] == change.body["text_sha256"]:
            return {**before, "new": False}
        await parts.publisher.publish([change])
        await parts.reconsider()
        return {**change.body, "new": True}

    async def leave_what_if(self) -> dict[str, Any]:
        """What leaving would withdraw, by kind, and who the partners are that would see it first."""
        return await self._parts.database.read(self._what_if)

    async def leave(self, *, reason: str, language: str = "en") -> dict[str, Any]:
        """Withdraws all that is shared and publishes the farewell, in one new state."""
        parts = self._parts
        farewell = {"date": day(parts.world.now()), "reason": {language: reason}}

        def withdrawals(db: sqlite3.Connection) -> list[Change]:
            _require_member(db, parts.acceptance.me)
            return [Change(kind, None, id=id_) for kind, id_ in _shared(db, parts.acceptance.me)]

        changes = await parts.database.read(withdrawals)
        # Whatever is published in between, the publisher leaves no farewell beside it: it has to be asked again.
        outcome = await parts.publisher.publish([*changes, Change("farewell", farewell)])
        await parts.reconsider()
        return {"id": outcome.ids[-1], "withdrawn": outcome.withdrawn, "seq": outcome.seq, **farewell}

    def _what_if(self, db: sqlite3.Connection) -> dict[str, Any]:
        me = self._parts.acceptance.me
        _require_member(db, me)
        everyone = [partner.node_id for partner in partners.everyone(db)]
        names = names_of(db, self._parts, [me, *everyone])
        return {
            "node_id": me,
            "organisation": names.get(me, ""),
            "records": dict(Counter(kind for kind, _ in _shared(db, me))),
            "partners": [{"node_id": each, "organisation": names.get(each, "")} for each in everyone],
        }


def agreement_text(home: Home) -> bytes:
    """The text of the agreement as it lies in the home; InputError where it doesn't."""
    try:
        return home.agreement.read_bytes()
    except OSError as error:
        raise InputError(
            f"{home.agreement} can't be read ({(error.strerror or 'unknown error').lower()}): put the agreement's text "
            "there again"
        ) from error


def accession(text: bytes, recognised: Collection[str], *, role: str, place: str | None, now: float) -> Change:
    """The change by which a person with this role signs the text today; InputError unless it is a recognised one."""
    sha256 = hashlib.sha256(text).hexdigest()
    if sha256 not in recognised:
        raise InputError(
            f"config/{AGREEMENT} was altered, or is a text that this node doesn't recognise: put the text back whose "
            f"SHA-256 is in [agreement] recognised of config/node.toml, or add {sha256} there"
        )
    body = {"version": AGREEMENT_VERSION, "text_sha256": sha256, "signatory_role": role, "date": day(now)}
    if place is not None:
        body["place"] = place
    return Change("agreement", body, ref=AGREEMENT_VERSION)


def _signature(db: sqlite3.Connection, me: NodeId) -> dict[str, Any] | None:
    """The newest signature of this node's own."""
    signed = [record.body for record in own(db, me, "agreement")]
    return signed[-1] if signed else None


def _shared(db: sqlite3.Connection, me: NodeId) -> list[tuple[str, str]]:
    """Kind and id of all records that this node shares."""
    rows = db.execute(
        "SELECT records.kind, records.id FROM records JOIN authors ON authors.no = records.author "
        "WHERE authors.node_id = ? AND records.seq > 0 ORDER BY records.no",
        (me,),
    )
    return rows.fetchall()


def _require_member(db: sqlite3.Connection, me: NodeId) -> None:
    for record in own(db, me, "farewell"):
        date = record.body["date"]
        raise InputError(f"this organisation left on {date} already: 'bra withdraw farewell {record.id}' takes it back")
