"""Arrivals: that guests came, as a statement which both sides sign. No person's name is in it.

Rules (SPEC, "Visits"):

- the host signs that the guests of a visit came; the guest's node, which knows what was agreed, signs the same bytes
  and sends its signature back. Only what both signed counts
- that somebody came, the guest's node believes where the host names a pass of this visit: its `jti` is in the pass and
  nowhere else. Else, and where that pass was revoked and may be in the wrong hands, it waits for its own people to
  confirm that they came; what they don't goes with the visit
- both signing keys are those of the newest cards; the statement says both names, so that it means nothing elsewhere

    {"type": "arrival", "host": "bra1...", "guest": "bra1...", "visit": "...", "venue": "delta-desk",
     "day": "2027-06-02", "days": 2, "at": "2027-06-02T06:31:00Z"}
"""

import hmac
import sqlite3
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from node.directory.acceptance import Acceptance
from node.errors import Forged, InputError, Malformed, ProtocolError
from node.protocol import keys
from node.protocol.canonical import decode, encode
from node.protocol.keys import PrivateKey
from node.protocol.names import NodeId, decode_base64, encode_base64, format_time, parse_record_id, parse_time
from node.roaming.availability import each_day, starts
from node.roaming.issuing import Passes
from node.roaming.journal import answer_minutes
from node.roaming.messages import Messages, Refusal
from node.roaming.passes import Token
from node.roaming.visit import Days, Event
from node.sentence import said
from node.storage import arrivals, authors, visits
from node.storage.arrivals import Arrival
from node.storage.visits import Visit

KIND = "receipt"
MEMBERS = frozenset(("type", "host", "guest", "visit", "venue", "day", "days", "at"))
"""Of the statement."""
_CLOCKS = 3600
"""Seconds by which two nodes' clocks may differ."""


class Arrivals:
    """States, takes, confirms and keeps arrivals. `key`: this node's signing key; `passes`: its own."""

    def __init__(self, acceptance: Acceptance, messages: Messages, passes: Passes, key: PrivateKey) -> None:
        self._acceptance = acceptance
        self._messages = messages
        self._passes = passes
        self._key = key
        messages.on(KIND, self._hear)

    def state(self, db: sqlite3.Connection, visit: Visit, days: Days, now: float, *, shown: str = "") -> dict[str, Any]:
        """The host's signed statement that the guests are there, which is kept. `shown`: the `jti` of their pass."""
        statement = {
            "type": "arrival",
            "host": visit.host,
            "guest": visit.guest,
            "visit": visit.id,
            "venue": visit.venue.partition("/")[2],
            # Whoever writes it down the morning after means the last day.
            "day": min(datetime.fromtimestamp(now, ZoneInfo(visit.zone)).date().isoformat(), days.last),
            "days": len(each_day(days)),
            "at": format_time(now),
        }
        data = encode(statement)
        signature = self._key.sign(data)
        arrivals.put(db, _arrival(visit, statement, data, signature))
        value = {"statement": statement, "signature": encode_base64(signature)}
        return {**value, "pass": shown} if shown else value

    def take(self, db: sqlite3.Connection, visit: Visit, days: Days, value: object, now: float) -> bool:
        """Keeps what the host states, and signs it where a pass of the visit was shown; whether it is signed.

        ProtocolError where the host states anything else.
        """
        if not isinstance(value, dict) or value.keys() - {"pass"} != {"statement", "signature"}:
            raise Malformed("an arrival has a statement, a signature, and perhaps the pass that was shown")
        statement = value["statement"]
        if not isinstance(statement, dict) or statement.keys() != MEMBERS:
            raise Malformed("the statement of an arrival has other members")
        expected = {
            "type": "arrival",
            "host": visit.host,
            "guest": self._acceptance.me,
            "visit": visit.id,
            "venue": visit.venue.partition("/")[2],
            "day": statement["day"],
            "days": len(each_day(days)),
            "at": format_time(parse_time(statement["at"])),
        }
        data = encode(statement)
        # The bytes, because to Python `true` is 1.
        if data != encode(expected) or statement["day"] not in each_day(days):
            raise Forged("the statement is not of this visit")
        if starts(visit.zone, days) > now + _CLOCKS:
            raise Forged(f"nobody arrives before {days.first}")
        if any(said.event == Event.CANCEL for said in visits.moves(db, visit.no)):
            # A host that says it had not seen that can make a course in which they came before.
            raise Forged("the guests have cancelled this visit: nobody signs that they came")
        host_signature = decode_base64(value["signature"], 64)
        keys.verify(_signing(db, visit.host), host_signature, data)
        arrivals.put(db, _arrival(visit, statement, data, host_signature, answer_minutes(db, visit)))
        if "pass" not in value or not self._was_shown(db, visit, parse_record_id(value["pass"])):
            return False
        self.confirm(db, visit)
        return True

    def confirm(self, db: sqlite3.Connection, visit: Visit) -> None:
        """Signs the arrival that the host has stated, and sends the signature; InputError where it stated none."""
        held = arrivals.find(db, visit.guest, visit.id)
        if held is None:
            raise InputError(said("the host has not said that you came: ask it to say so"))
        if held.guest_signature is not None:
            return
        signature = self._key.sign(held.statement)
        arrivals.countersigned(db, held.guest, held.visit, signature)
        body = {"visit": held.visit, "signature": encode_base64(signature)}
        self._messages.send(db, NodeId(visit.host), KIND, body, id=f"{held.visit}-{KIND}")

    def _was_shown(self, db: sqlite3.Connection, visit: Visit, shown: str) -> bool:
        """Whether this node has made a pass of this id for the visit, and not revoked it."""
        revoked = self._passes.revoked(db)
        made = [Token.parse(text).claims for text in visits.passes(db, visit.no).values()]
        return any(hmac.compare_digest(each.id, shown) for each in made if each.index not in revoked)

    def _hear(self, db: sqlite3.Connection, guest: NodeId, body: dict[str, Any], at: float) -> Refusal | None:
        """Keeps the guest's signature, if it is one of the arrival that was stated."""
        del at
        try:
            held = arrivals.find(db, guest, parse_record_id(body.get("visit")))
            if held is None or held.side != "host":
                return Refusal("no arrival of this visit was stated here")
            signature = decode_base64(body.get("signature"), 64)
            keys.verify(_signing(db, guest), signature, held.statement)
        except (InputError, ProtocolError) as error:
            return Refusal(str(error))
        arrivals.countersigned(db, guest, held.visit, signature)
        return None


def _arrival(
    visit: Visit, statement: dict[str, Any], data: bytes, host_signature: bytes, minutes: int | None = None
) -> Arrival:
    return Arrival(
        guest=visit.guest,
        visit=visit.id,
        side=visit.side,
        venue=visit.venue,
        day=statement["day"],
        days=statement["days"],
        answer_minutes=minutes,
        statement=data,
        host_signature=host_signature,
    )


def _signing(db: sqlite3.Connection, author: str) -> bytes:
    """The key that signs for an author now."""
    found = authors.find(db, NodeId(author))
    if found is None:
        raise Forged(f"{author} is not known here")
    return found.newest_card.signing


def shown(arrival: Arrival) -> dict[str, Any]:
    """The doubly signed statement as both sides keep it."""
    value: dict[str, Any] = {"statement": decode(arrival.statement), "host": encode_base64(arrival.host_signature)}
    if arrival.guest_signature:
        value["guest"] = encode_base64(arrival.guest_signature)
    return value
