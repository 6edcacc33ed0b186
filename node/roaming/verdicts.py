"""What a desk is told of a pass: one of seven verdicts. Pure: what is known, and the time, are handed in.

Rules (the product, "Verify"; SPEC, "Passes"):

- whoever signed has to be honoured here, now, with the pass key of its newest epoch. Who is not, or who has signed two
  histories, is an unknown issuer like one of whom nobody has heard; the sentence says which
- what a pass says is shown only when an honoured issuer's signature holds
- then, in this order: revoked, for another venue, over, not yet begun, and whether what is known here is too old to
  say OK. What is old can still say no
- a visit that the host knows decides: whether it stands, where, and on which days, whatever its pass says
- of a visit that nobody asked for, its venue's terms decide: where notice is wanted, nobody comes unasked; else for as
  many days as are free there. Who comes to their own organisation's venue needs no asking
- one day's pass lets somebody in once at a venue: shown again it is used up, or noted, as this node's desk wants it

    verdict = verify(text, known, place, now=now, rules=Rules())
    verdict.word, verdict.sentence
    (Word.OK, 'Liis Tamm of Nordic Sensors is welcome')
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from node.errors import Forged, Malformed
from node.protocol.names import NodeId
from node.roaming.availability import each_day
from node.roaming.passes import Pass, Token
from node.roaming.status import StatusList
from node.roaming.visit import CALLED, EXPECTED, Days, State
from node.sentence import Sentence, said

LEEWAY = 60
"""Seconds by which the issuer's clock may be ahead."""
NOT_A_PASS = said("this is no pass, or it was changed: ask the guest to show it again, or call their organisation")


class Word(StrEnum):
    """The verdicts, as a desk reads them."""

    OK = "OK"
    NOT_YET = "NOT YET"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    UNKNOWN_ISSUER = "UNKNOWN ISSUER"
    NOT_THIS_VENUE = "NOT THIS VENUE"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a desk chooses. `stale_hours`: how old what is known of revocations may be; `replay`: of one day's pass."""

    stale_hours: int = 72
    replay: Literal["refuse", "note"] = "refuse"


@dataclass(frozen=True, slots=True)
class Issuer:
    """What is known here of who issued a pass. `refused`: why none of its passes is honoured; empty where they are.

    `keys`: the pass keys of its newest epoch, and no others, by their names; `heard`, `fresh_until`: of its last beat,
    which says that its set, and so its status lists, are the newest; seconds since 1970.
    """

    node_id: NodeId
    name: str
    phone: str
    refused: str
    keys: dict[str, bytes]
    heard: int | None
    fresh_until: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """The venue whose desk asks: its author, the record's id, and the clock that hangs there.

    `unasked_days`: for how many days guests may come there without having asked (see `availability.unasked_days`).
    """

    host: NodeId
    id: str
    name: str
    zone: str
    unasked_days: int

    def today(self, now: float) -> str:
        """The local day there."""
        return datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(self.zone)).date().isoformat()


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the host's own node holds of a visit: its state, the id of its venue, and its days."""

    state: State
    venue: str
    days: Days


class Known(Protocol):
    """What a node knows, as far as a pass makes it matter."""

    def issuer(self, node_id: NodeId) -> Issuer | None:
        """None where nothing is known of the node."""
        ...

    def revocations(self, claims: Pass) -> StatusList | None:
        """The status list that the pass names, of its issuer's; None where it isn't held here, or can't be read."""
        ...

    def visit(self, claims: Pass) -> Agreed | None:
        """The visit that the pass is of, as it was asked of this node; None where none was."""
        ...

    def arrivals(self, claims: Pass, place: Place) -> Sequence[int]:
        """When this pass let somebody in here, the first first; seconds since 1970."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, and the sentence beside it. `claims`: what the pass says, where that is proven.

    `issuer`: who issued it, where that is known; `arrived`: when it let somebody in before.
    """

    word: Word
    sentence: str
    claims: Pass | None = None
    issuer: Issuer | None = None
    arrived: tuple[int, ...] = field(default=())


def verify(text: str, known: Known, place: Place, *, now: float, rules: Rules) -> Verdict:
    """The verdict on a pass that is shown at a place. Raises nothing, whatever `text` is."""
    try:
        token = Token.parse(text)
    except Malformed:
        return Verdict(Word.UNKNOWN_ISSUER, NOT_A_PASS)
    issuer = known.issuer(token.claims.issuer)
    if issuer is None:
        return Verdict(Word.UNKNOWN_ISSUER, said("nobody here knows who issued this: call a partner who may"))
    if issuer.refused:
        return Verdict(Word.UNKNOWN_ISSUER, issuer.refused, issuer=issuer)
    public = issuer.keys.get(token.kid)
    if public is None:
        sentence = said("{issuer} has replaced the key of this pass: ask the guest for the new one", issuer=issuer.name)
        return Verdict(Word.UNKNOWN_ISSUER, sentence, issuer=issuer)
    try:
        token.check(public)
    except Forged:
        return Verdict(Word.UNKNOWN_ISSUER, NOT_A_PASS)
    claims = token.claims
    arrived, revocations = tuple(known.arrivals(claims, place)), known.revocations(claims)
    word, sentence = _judged(claims, issuer, place, arrived, revocations, now, rules)
    if word is Word.OK and (unexpected := _unexpected(claims, issuer, place, known.visit(claims), now)):
        word, sentence = unexpected
    return Verdict(word, sentence, claims, issuer, arrived)


def _judged(
    claims: Pass,
    issuer: Issuer,
    place: Place,
    arrived: Sequence[int],
    revocations: StatusList | None,
    now: float,
    rules: Rules,
) -> tuple[Word, Sentence]:
    if revocations is not None and revocations.revoked(claims.index):
        return Word.REVOKED, said("{issuer} has revoked this pass: call them", issuer=issuer.name)
    if claims.host != place.host or place.id not in claims.venues:
        sentence = said("this pass is not for {place}: ask the guest where they are expected", place=place.name)
        return Word.NOT_THIS_VENUE, sentence
    today = place.today(now)
    if now >= claims.ends or today > claims.days.last:
        return Word.EXPIRED, said("this pass ended on {day}: ask for a new one", day=claims.days.last)
    if claims.issued > now + LEEWAY:
        return Word.NOT_YET, said(
            "this pass was issued in the future: check this machine's clock, then call its issuer"
        )
    if now < claims.begins or today < claims.days.first:
        return Word.NOT_YET, said("this pass begins on {day}", day=claims.days.first)
    then = _clock(arrived[0], place) if arrived and claims.single_day else ""
    if then and rules.replay == "refuse":
        return Word.EXPIRED, said("this pass of one day was used here at {time}: ask who came then", time=then)
    if (old := _age(issuer, revocations, now, rules)) is not None:
        return Word.STALE, old
    who = {"name": claims.name, "company": claims.company}
    if then:
        return Word.OK, said(
            "{name} of {company} is welcome; this pass was shown here at {time}, too", **who, time=then
        )
    return Word.OK, said("{name} of {company} is welcome", **who)


def _unexpected(
    claims: Pass, issuer: Issuer, place: Place, visit: Agreed | None, now: float
) -> tuple[Word, Sentence] | None:
    """Why the bearer of a good pass is not expected here today, if that is so."""
    if visit is None:
        days = len(each_day(claims.days))
        if issuer.node_id == place.host or days <= place.unasked_days:
            return None
        names = {"place": place.name, "issuer": issuer.name}
        if not place.unasked_days:
            return Word.NOT_THIS_VENUE, said(
                "{place} takes nobody who has not asked before: call {issuer}, and have them ask for a visit", **names
            )
        most = said("1 day") if place.unasked_days == 1 else said("{number} days", number=place.unasked_days)
        return Word.NOT_THIS_VENUE, said(
            "{place} takes guests who have not asked for {most} at most: call {issuer}, and have them ask for a visit",
            **names,
            most=most,
        )
    if visit.state not in EXPECTED:
        return Word.REVOKED, said("this visit is {state} here: ask who expects them", state=CALLED[visit.state])
    if visit.venue != place.id:
        sentence = said("this visit is not to {place}: ask the guest where they are expected", place=place.name)
        return Word.NOT_THIS_VENUE, sentence
    if place.today(now) > visit.days.last:
        return Word.EXPIRED, said("this visit was agreed until {day}: ask who expects them", day=visit.days.last)
    if place.today(now) < visit.days.first:
        return Word.NOT_YET, said("this visit was agreed from {day} on", day=visit.days.first)
    return None


def _age(issuer: Issuer, revocations: StatusList | None, now: float, rules: Rules) -> Sentence | None:
    """Why what is known here is too old to say OK, if it is."""
    if revocations is None:
        return said(
            "which passes {issuer} has revoked isn't known here: call {issuer}, and see that this node is connected",
            issuer=issuer.name,
        )
    if issuer.heard is None or (issuer.fresh_until or 0) <= now or issuer.heard < now - rules.stale_hours * 3_600:
        return said(
            "nothing was heard from {issuer} for too long to know of revocations:"
            " call {issuer}, and see that this node is connected",
            issuer=issuer.name,
        )
    if revocations.expires <= now:
        return said(
            "the list of passes that {issuer} has revoked is too old:"
            " call {issuer}, and see that this node is connected",
            issuer=issuer.name,
        )
    return None


def _clock(moment: int, place: Place) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(place.zone)).strftime("%H:%M")
