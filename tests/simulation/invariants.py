"""What must be true, whatever happens; looked at after every commit of every node, and once more at the end.

While it runs:

- signed: a replica's set is one that its author signed: the rows recompute to the root of the head held, and that head
  is in the ledger of all that honest authors ever committed, or is under a byzantine author's own key
- forward: (epoch, seq) of an author never goes back at a node, but where the plan set its disk back
- private: a body that isn't public comes only from somebody who has it and honours the node that it comes to
- proven: no honest author whose disk was never set back is ever shown as forked

At the end, after faults and quiet:

- equal: partners that both accept an author hold the same head of it, and no proof of a fork, or both hold such a proof
- kept: whatever an author was told is published is in its own set, and the public part of it, with bodies, in others'
- quiet: idle rounds write nothing, and are no more than the long wait between them allows
- sound: no node's log has an error, no request was answered by one (500), no replayed request was taken

A breach is a `Violation`: the invariant's name, and what was found.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from node.protocol.canonical import decode
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.statements import Head
from node.protocol.tree import Tree
from node.storage.authors import stored_card
from node.trust.reach import Standing
from tests.simulation.nodes import Machine

AUTHORS = (
    "SELECT no, node_id, card, epoch, seq, head, head_hash, count, root, held, standing, forked_epoch, "
    "(SELECT line FROM evidence WHERE author = no), damaged FROM authors"
)
Row = tuple[bytes, bytes, int, str, str, bytes | None]
"""A record's key, value, seq, kind, visibility and line, as they are stored."""
LEAVING = 90.0
"""Seconds for which an answer that was begun while its reader was honoured may still be on its way."""


class Violation(AssertionError):
    """An invariant that does not hold."""

    def __init__(self, invariant: str, found: str) -> None:
        super().__init__(invariant, found)
        self.invariant = invariant
        self.found = found

    def __str__(self) -> str:
        return f"{self.invariant}: {self.found}"


@dataclass(frozen=True, slots=True)
class Held:
    """An author's row at a node."""

    no: int
    node_id: NodeId
    card: bytes
    epoch: int
    seq: int
    head: bytes | None
    head_hash: bytes | None
    count: int | None
    root: bytes | None
    held: int
    standing: int
    forked_epoch: int | None
    evidence: bytes | None
    damaged: int

    @property
    def order(self) -> tuple[int, int]:
        return self.epoch, self.seq

    @property
    def forked(self) -> bool:
        """Whether its newest epoch is known to be forked; a newer one heals that."""
        return self.forked_epoch is not None and self.forked_epoch >= self.epoch


@dataclass
class Known:
    """What is remembered of one machine."""

    rows: dict[NodeId, Held] = field(default_factory=dict)
    order: dict[NodeId, tuple[int, int]] = field(default_factory=dict)
    bodies: set[bytes] = field(default_factory=set)
    honoured: dict[NodeId, float] = field(default_factory=dict)
    """Until when a node was honoured: without end while it is."""
    set_back: bool = False
    damaged: set[NodeId] = field(default_factory=set)
    """Of whom the plan has spoilt rows that were not met whole again since."""
    spoilt: bool = False
    """Whether it ever has: older copies of the disk may hold that."""


class Invariants:
    """Watches all machines. `liars`: names of those whose word is worth nothing."""

    def __init__(self, machines: Iterable[Machine], liars: Iterable[str]) -> None:
        self.machines = {machine.id: machine for machine in machines}
        self.liars = frozenset(machine.id for machine in self.machines.values() if machine.name in set(liars))
        self.ledger: dict[bytes, Head] = {}
        """Heads that honest authors committed, by hash."""
        self.known = {node_id: Known() for node_id in self.machines}
        self.checks = 0
        self._records: dict[bytes, Record] = {}
        self._proven: set[bytes] = set()

    def set_back(self, machine: Machine) -> None:
        """The machine's disk is what it was before: it may hold older states now."""
        known = self.known[machine.id]
        known.order.clear()
        known.rows.clear()
        known.set_back = True
        if known.spoilt:
            self.damaged(machine)

    def damaged(self, machine: Machine) -> None:
        """The plan spoils rows of others on the machine's disk."""
        known = self.known[machine.id]
        known.damaged |= self.rows(machine).keys() - {machine.id}
        known.spoilt = True

    def committed(self, machine: Machine, now: float, *, everything: bool = False) -> None:
        """Looks at what a commit has changed; Violation where something can't be."""
        db, known = machine.platter.connection, self.known[machine.id]
        for row in db.execute(AUTHORS).fetchall():
            held = Held(*row)
            self._honours(known, held, now)
            before = known.rows.get(held.node_id)
            if everything or before is None or _changed(before, held):
                known.rows[held.node_id] = held
                if held.head is not None:
                    self._check(db, machine, known, held, now, ended=everything)

    def _honours(self, known: Known, held: Held, now: float) -> None:
        if held.standing == Standing.HONOURED:
            known.honoured[held.node_id] = float("inf")
        elif known.honoured.get(held.node_id) == float("inf"):
            known.honoured[held.node_id] = now + LEAVING

    def _check(
        self, db: sqlite3.Connection, machine: Machine, known: Known, held: Held, now: float, *, ended: bool
    ) -> None:
        self.checks += 1
        where = f"{self._name(held.node_id)} at {machine.name}"
        self._check_head(machine, held, where)
        if machine.id not in self.liars and known.order.get(held.node_id, (0, 0)) > held.order:
            raise Violation("forward", f"{where} went from {known.order[held.node_id]} back to {held.order}")
        known.order[held.node_id] = held.order
        try:
            self._check_rows(db, machine, known, held, where, now)
            known.damaged.discard(held.node_id)
        except Violation as violation:
            noticed = not ended or held.damaged
            if violation.invariant != "signed" or held.node_id not in known.damaged or not noticed:
                raise
        self._check_fork(held, where)

    def _check_head(self, machine: Machine, held: Held, where: str) -> None:
        assert held.head is not None
        assert held.head_hash is not None
        if held.node_id == machine.id and machine.id not in self.liars and held.head_hash not in self.ledger:
            # Whatever its own home has committed, the author has signed.
            self.ledger[held.head_hash] = Head.parse(decode(held.head))
        elif held.node_id in self.liars or held.node_id not in self.machines:
            if held.head_hash not in self._proven:
                head = Head.parse(decode(held.head))
                head.verify(stored_card(held.card))
                self._proven.add(held.head_hash)
        elif held.head_hash not in self.ledger:
            raise Violation("signed", f"{where} is under a head that its author never committed ({held.order})")
        head = self.ledger.get(held.head_hash) or Head.parse(decode(held.head))
        if (head.author, head.order, head.root, head.count, head.hash) != (
            held.node_id,
            held.order,
            held.root,
            held.count,
            held.head_hash,
        ):
            raise Violation("signed", f"{where}: the columns are not what the head says")

    def _check_rows(
        self, db: sqlite3.Connection, machine: Machine, known: Known, held: Held, where: str, now: float
    ) -> None:
        found = db.execute("SELECT key, value, seq, kind, visibility, line FROM records WHERE author = ?", (held.no,))
        rows: list[Row] = found.fetchall()
        # All of them, and first: what a disk has spoilt keeps nobody from giving on what came to lie beside it.
        self._check_bodies_came(machine, known, held, rows, where, now)
        leaves: dict[bytes, bytes] = {}
        for key, value, seq, kind, visibility, line in rows:
            if seq == 0:
                continue
            leaves[key] = value
            if line is None:
                continue
            record = self._record(value, line, where)
            if (record.key, record.kind, record.visibility, record.seq) != (key, kind, visibility, seq):
                raise Violation("signed", f"{where}: {kind} is stored as something that it is not")
        if Tree.of(leaves).root != held.root or len(leaves) != held.count:
            raise Violation("signed", f"{where}: {len(leaves)} rows are not the set that {held.order} signs")

    def _check_bodies_came(
        self, machine: Machine, known: Known, held: Held, rows: Sequence[Row], where: str, now: float
    ) -> None:
        """Looks at where bodies come from that aren't public, and remembers who has them."""
        for _, value, seq, _, visibility, line in rows:
            if seq == 0 and held.node_id != machine.id:
                raise Violation("private", f"{where}: a record for its own node alone has left it")
            if seq == 0 or line is None or visibility == "public" or value in known.bodies:
                continue
            if hashlib.sha256(line).digest() == value:
                self._check_giver(machine, held, value, where, now)
                known.bodies.add(value)

    def _record(self, value: bytes, line: bytes, where: str) -> Record:
        found = self._records.get(value)
        if found is None or found.line != line:
            if hashlib.sha256(line).digest() != value:
                raise Violation("signed", f"{where}: a record's bytes are not those that were hashed")
            found = self._records[value] = Record.parse(line)
        return found

    def _check_giver(self, machine: Machine, held: Held, value: bytes, where: str, now: float) -> None:
        if held.node_id == machine.id or held.node_id in self.liars:
            return
        for node_id, other in self.known.items():
            # Of what a liar has, it makes what it likes.
            if value in other.bodies and (node_id in self.liars or other.honoured.get(machine.id, 0.0) >= now):
                return
        raise Violation("private", f"{where}: a body came here that nobody who has it would have given")

    def gave(self, giver: Machine, to: Machine, records: Sequence[Record], now: float) -> None:
        """Looks at bodies that aren't public and that one node got straight from another."""
        honoured = giver.id in self.liars or self.known[giver.id].honoured.get(to.id, 0.0) >= now
        for record in records:
            if not honoured and record.author != to.id:
                raise Violation("private", f"{giver.name} gave a {record.kind} to {to.name}, which it doesn't honour")

    def _check_fork(self, held: Held, where: str) -> None:
        if held.forked_epoch is None:
            return
        if held.evidence is None:
            raise Violation("proven", f"{where} is said to have forked, without evidence")
        if held.evidence not in self._proven:
            Evidence.parse(decode(held.evidence)["evidence"])
            self._proven.add(held.evidence)
        if held.node_id in self.machines and held.node_id not in self.liars and not self.known[held.node_id].set_back:
            raise Violation("proven", f"{where} is shown as forked, but its disk was never set back")

    # At the end

    def rows(self, machine: Machine) -> dict[NodeId, Held]:
        found = (Held(*row) for row in machine.platter.connection.execute(AUTHORS))
        return {held.node_id: held for held in found}

    def check_equal(self) -> None:
        """Partners that both accept an author hold the same of it, or both the proof of a fork."""
        honest = [machine for machine in self.machines.values() if machine.id not in self.liars]
        rows = {machine.id: self.rows(machine) for machine in honest}
        for place, one in enumerate(honest):
            for other in honest[place + 1 :]:
                if not _partners(one, other):
                    continue
                for author in rows[one.id].keys() | rows[other.id].keys():
                    mine, theirs = rows[one.id].get(author), rows[other.id].get(author)
                    if not (mine and theirs and mine.standing and theirs.standing):
                        continue
                    if mine.damaged != theirs.damaged and not _gives(other if mine.damaged else one, author):
                        # What only pushes has isn't asked for; the author's next state repairs it.
                        continue
                    if (difference := self._difference(mine, theirs)) is not None:
                        names = f"{one.name} and {other.name}"
                        raise Violation("equal", f"{names} are partners, but of {self._name(author)} {difference}")

    def _difference(self, mine: Held, theirs: Held) -> str | None:
        if mine.forked and theirs.forked:
            # What was damaged of it comes anew with its next epoch: of this one nothing is taken any more.
            return None
        if mine.damaged != theirs.damaged:
            return f"one holds {_shown(mine)} and the other could have repaired {_shown(theirs)}"
        if mine.head_hash == theirs.head_hash and mine.forked == theirs.forked:
            return None
        return f"one holds {_shown(mine)}, the other {_shown(theirs)}"

    def check_bodies(self) -> None:
        """Whoever holds an honest author's newest head has the bodies of all that is public in it."""
        for machine in self.machines.values():
            if machine.id in self.liars:
                continue
            missing = machine.platter.connection.execute(
                "SELECT node_id, hex(value) FROM records JOIN authors ON authors.no = author "
                "WHERE line IS NULL AND records.seq > 0 AND standing > 0"
            )
            for node_id, value in missing.fetchall():
                known = self.known[machine.id]
                lost = known.spoilt or known.set_back
                if lost and not self._given(machine, node_id, bytes.fromhex(value)):
                    # What the disk lost, or was set back before, and nobody has any more who would give it.
                    continue
                record = self._records.get(bytes.fromhex(value))
                if record and record.visibility == "public" and node_id not in self.liars:
                    raise Violation("kept", f"{machine.name} lacks a public {record.kind} of {self._name(node_id)}")

    def _given(self, machine: Machine, author: NodeId, value: bytes) -> bool:
        """Whether an honest partner of the machine has a body of an author that it takes, and would give it."""
        found = (
            "SELECT 1 FROM records JOIN authors ON authors.no = author "
            "WHERE value = ? AND line IS NOT NULL AND standing > 0"
        )
        return any(
            other.platter.connection.execute(found, (value,)).fetchone()
            for other in self.machines.values()
            if other.id not in self.liars | {machine.id} and _partners(machine, other) and _gives(other, author)
        )

    def _name(self, node_id: str) -> str:
        machine = self.machines.get(NodeId(node_id))
        return machine.name if machine else node_id


def _changed(before: Held, held: Held) -> bool:
    return (before.head_hash, before.held, before.card, before.forked_epoch, before.damaged) != (
        held.head_hash,
        held.held,
        held.card,
        held.forked_epoch,
        held.damaged,
    )


def _partners(one: Machine, other: Machine) -> bool:
    """Whether two nodes take each other's word directly, and one can reach the other."""
    for here, there in ((one, other), (other, one)):
        found = here.platter.connection.execute(
            "SELECT 1 FROM partners WHERE node_id = ? AND node_id NOT IN (SELECT node_id FROM blocks)", (there.id,)
        )
        if found.fetchone() is None:
            return False
    return bool(one.url or other.url)


def _gives(machine: Machine, author: NodeId) -> bool:
    """Whether a machine gives its partners what they lost of an author: it can be asked, or brings its own."""
    return bool(machine.url) or machine.id == author


def _shown(held: Held) -> str:
    forked = f", forked in epoch {held.forked_epoch}" if held.forked_epoch is not None else ""
    return f"{held.order}{forked}" if held.head else "its card alone"
