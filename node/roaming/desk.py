"""The desk: whoever shows a pass at an own venue, judged by what this node holds. It needs no network.

Rules (the product, "Verify"):

- a pass is judged against one snapshot of the database and the acceptance of this moment
- who arrives is written down in the transaction that judges the pass again, together with all that follows from it
- no name is kept: an arrival is the pass's number, the venue and the time
- a desk that couldn't reach this node says later who came, and when: they are judged as of then, by what is known now
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from node.directory import views
from node.directory.acceptance import Acceptance
from node.errors import InputError, Malformed
from node.protocol.canonical import decode
from node.protocol.names import NodeId, format_time
from node.roaming import offline, status
from node.roaming.availability import unasked_days
from node.roaming.node_keys import pass_keys
from node.roaming.passes import Pass
from node.roaming.status import StatusList
from node.roaming.verdicts import LEEWAY, Agreed, Issuer, Place, Rules, Verdict, Word, verify
from node.roaming.visit import Days, Side, State
from node.sentence import Sentence, said
from node.storage import authors, passes, records, visits
from node.storage.authors import Author
from node.storage.database import Database
from node.trust.reach import Standing
from node.world import World

Arrived = Callable[[sqlite3.Connection, Pass, Place, float], None]
"""Is told of an arrival, inside its transaction: (db, what the pass says, where, seconds since 1970)."""
_MOST_CONTACTS = 20
_MOST_VENUES = 1_000
_MOST_LISTS = 8
"""Of one issuer, for a desk that is on its own: it takes a pass of another for one of which nothing is known."""
LATEST = 14 * 86_400
"""Seconds after which nobody is noted any more who came while the desk was on its own."""


WHY = {
    "blocked": said("{name} is blocked at this node: ask its operator"),
    "forked": said("the key of {name} has signed two histories: its passes count again when it has a new one"),
    "left": said("{name} has left the agreement: its passes don't count any more"),
    "unknown": said("{name} is not accepted here any more: ask this node's operator"),
    "listed": said("{name} is known here, but not honoured yet: ask this node's operator"),
}
"""Why none of an issuer's passes is honoured. No name is in it yet: a desk on its own puts it there (see `offline`)."""


class Desk:
    """The desks of this organisation's venues. `on_arrival` is for what else follows from one."""

    def __init__(self, database: Database, acceptance: Acceptance, rules: Rules, world: World) -> None:
        self._database = database
        self._acceptance = acceptance
        self._rules = rules
        self._world = world
        self._listeners: list[Arrived] = []

    def on_arrival(self, listener: Arrived) -> None:
        """Calls `listener` in the transaction of each arrival, before it is committed."""
        self._listeners.append(listener)

    async def verify(self, token: str, venue: str | None = None) -> dict[str, Any]:
        """What the desk of `venue`, an own venue's id, is shown of a pass; without one, of the only venue there is."""
        return await self._database.read(partial(self.judge, token=token, venue=venue))

    async def arrive(self, token: str, venue: str | None = None, at: float | None = None) -> dict[str, Any]:
        """The same, and where it is OK the arrival is written down. `at`: when it was, in seconds; now without one."""
        return await self._database.write(partial(self._arrive, token=token, venue=venue, at=at))

    async def told(self) -> dict[str, Any]:
        """All that a desk needs to judge passes where it can't reach this node: see `offline`."""
        return await self._database.read(self._told)

    def judge(self, db: sqlite3.Connection, token: str, venue: str | None) -> dict[str, Any]:
        now, place = self._world.now(), self._place(db, venue)
        return _shown(self._verdict(db, token, place, now), place)

    def _told(self, db: sqlite3.Connection) -> dict[str, Any]:
        now = self._world.now()
        held, me = Held(db, self._acceptance, now), authors.find(db, self._acceptance.me)
        assert me is not None
        venues = [id_ for _, id_, _ in records.of_kind(db, me.no, "venue", most=_MOST_VENUES)]
        return offline.told(
            # Whoever isn't honoured gives this node nothing to unpack.
            ((issuer, {} if issuer.refused else held.lists(no)) for no, issuer in held.issuers()),
            [place for id_ in venues if (place := _own(db, me, id_))],
            visits.hosted(db),
            passes.admissions(db),
            host=me.node_id,
            rules=self._rules,
            now=now,
        )

    def _arrive(self, db: sqlite3.Connection, token: str, venue: str | None, at: float | None) -> dict[str, Any]:
        now, place = self._then(at), self._place(db, venue)
        verdict = self._verdict(db, token, place, now)
        if verdict.word is Word.OK and (claims := verdict.claims) is not None:
            passes.arrive(db, claims.issuer, claims.id, place.id, place.today(now), now, claims.ends)
            for listener in self._listeners:
                listener(db, claims, place, now)
            verdict = replace(verdict, arrived=(*verdict.arrived, int(now)))
        return _shown(verdict, place)

    def _verdict(self, db: sqlite3.Connection, token: str, place: Place, now: float) -> Verdict:
        return verify(token.strip(), Held(db, self._acceptance, now), place, now=now, rules=self._rules)

    def _then(self, at: float | None) -> float:
        now = self._world.now()
        if at is None:
            return now
        if not now - LATEST < at < now + LEEWAY:
            raise InputError(said("this arrival is of another time: set the clock of the desk's device right"), "at")
        return min(at, now)

    def _place(self, db: sqlite3.Connection, venue: str | None) -> Place:
        """The own venue with this id, or the only one; InputError, with those there are, where that is none."""
        me = authors.find(db, self._acceptance.me)
        assert me is not None
        if venue is None:
            there = [id_ for _, id_, _ in records.of_kind(db, me.no, "venue", most=_MOST_VENUES)]
            if len(there) != 1:
                some = ", ".join(there[:10]) or said("publish one first")
                raise InputError(said("say which venue's desk this is: {venues}", venues=some), "venue")
            [venue] = there
        if (place := _own(db, me, venue)) is None:
            sentence = said("there is no own venue {venue}: look with 'bra list venue'", venue=repr(venue[:64]))
            raise InputError(sentence, "venue")
        return place


class Held:
    """What a node holds of those who issue passes, and of arrivals (`verdicts.Known`)."""

    def __init__(self, db: sqlite3.Connection, acceptance: Acceptance, now: float) -> None:
        self._db = db
        self._acceptance = acceptance
        self._now = now

    def issuer(self, node_id: NodeId) -> Issuer | None:
        author = authors.find(self._db, node_id)
        if author is None and node_id not in self._blocked:
            return None
        return self._issuer(node_id, author, views.organisation_names(self._db, [node_id]).get(node_id))

    def issuers(self) -> Iterator[tuple[int | None, Issuer]]:
        """All of whom anything is known, each with the number of its author."""
        names, there = views.organisation_names(self._db), authors.everyone(self._db)
        for author in there:
            yield author.no, self._issuer(author.node_id, author, names.get(author.node_id))
        for node_id in self._blocked - {author.node_id for author in there}:
            yield None, self._issuer(node_id, None, names.get(node_id))

    def lists(self, author: int | None) -> dict[str, dict[str, Any]]:
        """The bodies of an author's status lists, by their ids, as far as they can be read."""
        if author is None:
            return {}
        ids = [id_ for _, id_, _ in records.of_kind(self._db, author, "status_list", most=_MOST_LISTS)]
        bodies = {id_: records.body(self._db, author, "status_list", id_) for id_ in ids}
        return {id_: body for id_, body in bodies.items() if body and _readable(body)}

    @cached_property
    def _blocked(self) -> frozenset[NodeId]:
        return self._acceptance.blocked(self._db)

    def _issuer(self, node_id: NodeId, author: Author | None, own_name: str | None) -> Issuer:
        name = own_name or self._acceptance.answer.called.get(node_id) or node_id
        if author is None or node_id in self._blocked:
            return Issuer(node_id, name, "", _why("blocked", name), {}, None, None)
        mine = node_id == self._acceptance.me
        return Issuer(
            node_id,
            name,
            self._phone(author),
            self._refused(author, name),
            pass_keys(self._db, node_id),
            # This node's own word is never old.
            int(self._now) if mine else author.beat_time,
            int(self._now) + 1 if mine else author.beat_expires,
        )

    def revocations(self, claims: Pass) -> StatusList | None:
        author = authors.find(self._db, claims.issuer)
        body = records.body(self._db, author.no, "status_list", claims.status_list) if author else None
        try:
            return status.read(body) if body else None
        except Malformed:
            return None

    def visit(self, claims: Pass) -> Agreed | None:
        found = visits.find(self._db, claims.issuer, claims.visit)
        # One of which only what follows the question has come yet was not asked.
        if found is None or found.side != Side.HOST or not found.state:
            return None
        return Agreed(State(found.state), found.venue.partition("/")[2], Days(found.first, found.last))

    def arrivals(self, claims: Pass, place: Place) -> Sequence[int]:
        return passes.arrivals(self._db, claims.issuer, claims.id, place.id)

    def _refused(self, author: Author, name: str) -> str:
        """Why none of an author's passes is honoured; empty where they are."""
        if author.forked_epoch is not None and author.forked_epoch >= author.newest_epoch:
            return _why("forked", name)
        standing = self._acceptance.standing(author.node_id)
        if standing is Standing.HONOURED:
            return ""
        if next(records.of_kind(self._db, author.no, "farewell", most=1), None) is not None:
            return _why("left", name)
        if standing is Standing.UNKNOWN:
            return _why("unknown", name)
        return _why("listed", name)

    def _phone(self, author: Author) -> str:
        """A number of the organisation's; none of one that has fallen silent, whose contacts are hidden."""
        if (author.beat_expires or 0) <= self._now and author.node_id != self._acceptance.me:
            return ""
        found = records.of_kind(self._db, author.no, "contact", most=_MOST_CONTACTS)
        return next((body["phone"] for _, _, line in found if "phone" in (body := decode(line)["body"])), "")


def _own(db: sqlite3.Connection, me: Author, venue: str) -> Place | None:
    body = records.body(db, me.no, "venue", venue)
    return Place(me.node_id, venue, body["name"], body["time_zone"], unasked_days(body)) if body else None


def _why(what: str, name: str) -> Sentence:
    return Sentence(WHY[what].template, name=name)


def _readable(body: dict[str, Any]) -> bool:
    try:
        status.read(body)
    except Malformed:
        return False
    return True


def _shown(verdict: Verdict, place: Place) -> dict[str, Any]:
    """A verdict as JSON: `pass` is there only where what it says is proven, `issuer` where it is known here."""
    shown: dict[str, Any] = {
        "verdict": verdict.word.value,
        "sentence": verdict.sentence,
        "venue": {"id": place.id, "name": place.name},
        "arrived": [format_time(each) for each in verdict.arrived],
    }
    if (issuer := verdict.issuer) is not None:
        shown["issuer"] = {"node_id": issuer.node_id, "organisation": issuer.name, "phone": issuer.phone}
        if issuer.heard is not None:
            shown["revocations_as_of"] = format_time(issuer.heard)
    if (claims := verdict.claims) is not None:
        shown["pass"] = {
            "id": claims.id,
            "name": claims.name,
            "company": claims.company,
            "days": list(claims.days),
            "visit": claims.visit,
        }
    return shown
