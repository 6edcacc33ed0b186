"""Who is accepted here now: the rules of `trust` fed with what this database holds.

Rules:

- it is worked out anew in the transaction that changes an input, and kept in each author's row for the views to filter
  by; in memory, for the network side to ask, it changes after the commit
- what the answer follows from is kept in memory between two times (see `testimony`), so that it takes milliseconds
- whatever works it out runs in the writer's thread: `recompute`, `why`, `what_if`, `nearest` are for `Database.write`

    acceptance.replace(await database.write(lambda db: acceptance.recompute(db, now)))
    acceptance.standing(node_id)
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from node.directory.testimony import KINDS, Row, Testimony
from node.protocol.blocks import Block
from node.protocol.names import NodeId
from node.protocol.record import kind_byte
from node.storage import authors, blocks, partners
from node.trust.explain import Lost, Step, Way, lost, nearest, ways
from node.trust.look_alikes import Likeness, Named, look_alikes
from node.trust.look_alikes import resembles as looks_like
from node.trust.reach import Known, Rules, Standing, reach
from node.trust.vouches import Vouches


@dataclass(frozen=True, slots=True)
class Choices:
    """What this node's configuration decides: texts whose signatories it accepts (SHA-256, hex), and by hand whom."""

    recognised: Collection[str]
    rules: Rules
    honoured: Collection[NodeId] = ()
    blocked: Collection[NodeId] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Who is accepted, worked out from one state of the database.

    `partners`: whose keys were exchanged directly, and who aren't blocked. `taken`: whose sets are taken. `dropped`:
    whose sets aren't taken any more, and are still held. `called`: what those who don't say their name are called by
    who endorses them. `look_alikes`: who looks like whom.
    """

    known: Mapping[NodeId, Known] = field(default_factory=dict)
    partners: frozenset[NodeId] = frozenset()
    taken: frozenset[NodeId] = frozenset()
    dropped: frozenset[NodeId] = frozenset()
    called: Mapping[NodeId, str] = field(default_factory=dict)
    look_alikes: Mapping[NodeId, Likeness] = field(default_factory=dict)
    names: tuple[tuple[NodeId, Named], ...] = ()
    """What those who are known say of themselves, in the order in which they are trusted to be known."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """What a node's standing follows from. `signed`: a text that is recognised here; `ways`: the vouches that count."""

    standing: Standing
    partner: bool
    by_hand: bool
    blocked: bool
    signed: bool
    silent: bool
    ways: Sequence[Way]


class Acceptance:
    """The newest answer, replaced as a whole after the commit that it follows from."""

    def __init__(self, me: NodeId, choices: Choices) -> None:
        self.me = me
        self.choices = choices
        self.answer = Answer()
        self._computed = self.answer
        self._testimony = Testimony(me, choices.recognised)
        self._namings = 0
        self._follows_from: object = None
        self._walked: dict[NodeId, Known] = {}
        self._listeners: list[Callable[[], None]] = []

    @property
    def known(self) -> Mapping[NodeId, Known]:
        return self.answer.known

    @property
    def taken(self) -> frozenset[NodeId]:
        return self.answer.taken

    @property
    def partners(self) -> frozenset[NodeId]:
        return self.answer.partners

    @property
    def silent(self) -> frozenset[NodeId]:
        """Of whom nothing had been heard for too long when it was worked out last: they vouch for nobody until then."""
        return self._testimony.silent

    @property
    def look_alikes(self) -> Mapping[NodeId, Likeness]:
        return self.answer.look_alikes

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after the answer has changed."""
        self._listeners.append(listener)

    def replace(self, answer: Answer) -> None:
        """Takes a recomputed answer, after its transaction was committed."""
        if answer is not self.answer:
            self.answer = answer
            for listener in self._listeners:
                listener()

    def standing(self, node: str) -> Standing:
        found = self.known.get(NodeId(node))
        return found.standing if found else Standing.UNKNOWN

    def beside(self, node: NodeId) -> frozenset[NodeId]:
        """All who are known through the first hop through which `node` is, it among them.

        Looks at everybody who is known: not for the event loop.
        """
        known = self.known
        hop = known[node].path[:1] if node in known else ()
        return frozenset((node, *(each for each, one in known.items() if hop and one.path[:1] == hop)))

    def resembles(self, node: NodeId, name: str, website: str = "") -> Likeness | None:
        """Whom a node that says this of itself looks like, of those who are known here.

        Takes a tenth of a second where 10,000 are known: not for the event loop.
        """
        return looks_like(node, Named(name, website), self.answer.names)

    def recompute(self, db: sqlite3.Connection, now: float) -> Answer:
        """Works it out from the transaction's state and keeps it in the authors' rows. The caller replaces the answer.

        It is the same object as before where nothing changed.
        """
        rows, met, known = self._known(db, now)
        _keep(db, rows, known, now)
        before, confirmed, namings = self._computed, frozenset(met) & known.keys(), self._testimony.namings
        names, alike = before.names, before.look_alikes
        if (namings, confirmed, known.keys()) != (self._namings, before.partners, before.known.keys()):
            self._namings, names = namings, tuple(self._names(rows, confirmed, known))
            alike = look_alikes(names)
        dropped = frozenset(row.node_id for row in rows if row.node_id not in known)
        answer = Answer(known, confirmed, frozenset(known), dropped, self._testimony.called(db, known), alike, names)
        if answer != before:
            self._computed = answer
        return self._computed

    def why(self, db: sqlite3.Connection, now: float, node: NodeId) -> Reasons:
        """What a node's standing follows from."""
        _, met, known = self._known(db, now)
        self._testimony.hear(db, (node,))
        return Reasons(
            standing=known[node].standing if node in known else Standing.UNKNOWN,
            partner=node in met,
            by_hand=node in self.choices.honoured,
            blocked=node in self.blocked(db),
            signed=node in self._testimony.signatories,
            silent=node in self._testimony.silent,
            ways=ways(
                self.me,
                node,
                self._testimony.vouches,
                known,
                partial(self._testimony.told, db),
                depth=self.choices.rules.depth,
                silent=self._testimony.silent,
            ),
        )

    def what_if(self, db: sqlite3.Connection, now: float, without: Collection[NodeId], *, blocked: bool = True) -> Lost:
        """What would be lost if nodes were no partners and not endorsed here any more; and `blocked`, if so."""
        _, met, before = self._known(db, now)
        vouches, gone = self._testimony.vouches, frozenset(without)
        for node in gone:
            vouches = vouches.but(self.me, node)
        shut = self.blocked(db) | (gone if blocked else frozenset())
        return lost(before, self._walk([each for each in met if each not in gone], vouches, shut), gone)

    def nearest(self, db: sqlite3.Connection, now: float, nodes: Iterable[NodeId]) -> dict[NodeId, tuple[Step, ...]]:
        """The shortest path to each of these nodes that is known."""
        _, _, known = self._known(db, now)
        told = partial(self._testimony.told, db)
        return {node: nearest(self.me, node, known, told) for node in nodes if node in known}

    def vouched(self, nodes: Collection[NodeId]) -> list[tuple[NodeId, NodeId]]:
        """Who of these nodes vouches for whom of them, as far as that counts. The writer's, after `nearest`."""
        vouches, among = self._testimony.vouches, frozenset(nodes)
        return [(by, of) for by in nodes for of in vouches.by(by) if of in among and by not in self._testimony.silent]

    def _known(self, db: sqlite3.Connection, now: float) -> tuple[list[Row], list[NodeId], dict[NodeId, Known]]:
        """The rows of all authors, the partners, and who is known."""
        testimony = self._testimony
        rows = testimony.refresh(db, now)
        met, shut = [partner.node_id for partner in partners.everyone(db)], self.blocked(db)
        while (follows_from := (testimony.changes, tuple(met), shut)) != self._follows_from:
            self._walked = self._walk(met, testimony.vouches, shut)
            self._follows_from = follows_from
            # Whom somebody vouches for again may have signed, and vouch for others.
            testimony.hear(db, self._walked)
        return rows, met, self._walked

    def _walk(self, met: Collection[NodeId], vouches: Vouches, shut: frozenset[NodeId]) -> dict[NodeId, Known]:
        return reach(
            self.me,
            partners=met,
            vouches=vouches,
            signatories=self._testimony.signatories,
            rules=self.choices.rules,
            blocked=shut,
            by_hand=self.choices.honoured,
            silent=self._testimony.silent,
        )

    def _names(
        self, rows: Iterable[Row], met: Collection[NodeId], known: Mapping[NodeId, Known]
    ) -> Iterator[tuple[NodeId, Named]]:
        """What is said by me, then by my partners, then by all others as they came here."""
        names = self._testimony.names
        came = [row.node_id for row in rows]
        for node in dict.fromkeys((self.me, *(node for node in came if node in met), *came)):
            if node in names and node in known:
                yield node, names[node]

    def blocked(self, db: sqlite3.Connection) -> frozenset[NodeId]:
        """Whom this node accepts nothing of: by command, or by the configuration."""
        return blocks.blocked(db).union(self.choices.blocked)


_FIRST_BYTES = frozenset(map(kind_byte, KINDS))
"""Of the keys of what tells who is accepted; of another kind's now and then, too."""


def concerns(block: Block) -> bool:
    """Whether applying the block can change who is accepted, or what they are called."""
    # A removal or a leaf may stand where an endorsement was.
    return any(key[:1] in _FIRST_BYTES for key in (*block.removed, *block.leaves)) or any(
        record.kind in KINDS for record in block.records.values()
    )


def _keep(db: sqlite3.Connection, rows: Iterable[Row], known: Mapping[NodeId, Known], now: float) -> None:
    """Writes the standings that changed into the authors' rows, and since when nobody vouches for an author."""
    for row in rows:
        standing = known[row.node_id].standing if row.node_id in known else Standing.UNKNOWN
        dropped_at = None if standing else row.dropped_at or int(now)
        if (standing, dropped_at) != (row.standing, row.dropped_at):
            db.execute(
                "UPDATE authors SET standing = ?, dropped_at = ? WHERE no = ?", (int(standing), dropped_at, row.no)
            )
            if row.standing == Standing.UNKNOWN and standing:
                authors.arrive(db, row.no)
