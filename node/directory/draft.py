"""A draft: this node's own set as it will be, before it is signed.

Rules:

- a body that didn't change is left alone, so that importing again is no news to anybody
- a record for this node alone (`local`) has seq 0, and is in no tree and no head
- a farewell is the only record that is shared: while it stands nothing else is, and it never stands beside another
- a photo that a record names by its hash is held by this node
- an organisation describes itself in one record, whose id, and publisher's own name, is always `self`

    draft = Draft.of(db, author, world)
    outcome = draft.make([Change("venue", {"name": …}, ref="desk-1")])
    draft.put, draft.removed, draft.seq
"""

import base64
import copy
import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from node import kinds
from node.errors import InputError, Malformed
from node.protocol.canonical import decode, encode
from node.protocol.merge import Merged
from node.protocol.names import LARGEST_INTEGER, NodeId, encode_base64
from node.protocol.record import VISIBILITIES, Record, tree_key
from node.storage import authors, photos, records
from node.storage.authors import Author
from node.world import World

_COUNT_ANEW = LARGEST_INTEGER // 2
"""A seq beyond this was counted by nobody honest."""

OWN_ORGANISATION = "self"
"""The id of the record in which an author describes itself: never random, because everybody looks for it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record to publish, or with `body` None to withdraw.

    It is found by `id`, or by `ref`, the publisher's own name for it; without either it is a new one. `version`, if
    given, is the one that it must still have (see `version_of`): who changes what another changed meanwhile is told.
    """

    kind: str
    body: dict[str, Any] | None
    ref: str | None = None
    id: str | None = None
    visibility: str | None = None
    version: str | None = None
    source: str | None = None
    """Where a row with a `ref` came from: its publisher's name for the sheet. Asked about when it is missing there."""
    checked: str | None = None
    """The time at which somebody looked whether it is all still right; not given, it stays as it was."""

    def check(self) -> None:
        """Raises InputError for a change that no set would allow."""
        if self.kind not in kinds.KINDS:
            raise InputError(f"there is no kind {self.kind!r}: the kinds are {', '.join(kinds.KINDS)}")
        if self.visibility not in (None, *VISIBILITIES):
            raise InputError(f"visibility is one of {', '.join(VISIBILITIES)}, not {self.visibility!r}")
        if self.body is not None:
            try:
                kinds.interpret(self.kind, self.body)
            except Malformed as error:
                raise InputError(f"{self.kind}: {error}") from error


class ChangedMeanwhile(InputError):
    """A record has another version than the one that was to be changed, or is gone."""


def version_of(seq: int, line: bytes) -> str:
    """What tells one version of a record from another: its seq, and some of its hash, as local ones have no seq."""
    return f"{seq}-{hashlib.sha256(line).hexdigest()[:12]}"


@dataclass(slots=True)
class Outcome:
    """What became of the changes: ids in the order they were given, counts, and the seq of the state they are in."""

    ids: list[str] = field(default_factory=list)
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    seq: int = 0


@dataclass(slots=True)
class Draft:
    """What is to be added to the author's newest head, within one transaction."""

    db: sqlite3.Connection
    author: Author
    world: World
    seq: int
    size: int
    count: int
    farewell: str | None
    """The id of the farewell that is shared, if one is."""
    put: dict[bytes, Record] = field(default_factory=dict)
    removed: set[bytes] = field(default_factory=set)
    dropped: set[bytes] = field(default_factory=set)
    """Keys of records that never left this node: gone from its rows, told to nobody."""
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    sources: dict[tuple[str, str], str] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    """Ids of withdrawn personal records: their publisher's name for them may be a person's, too."""

    @classmethod
    def of(cls, db: sqlite3.Connection, author: Author, world: World) -> Self:
        """The set as it is."""
        farewell = next((id_ for _, id_, _ in records.of_kind(db, author.no, "farewell", most=1)), None)
        return cls(db, author, world, author.seq, author.size or 0, author.count or 0, farewell)

    def copy(self) -> Self:
        """One to try a wish on: the wish is made whole or not at all."""
        other = copy.copy(self)
        other.put, other.ids, other.sources = dict(self.put), dict(self.ids), dict(self.sources)
        other.removed, other.dropped, other.forgotten = set(self.removed), set(self.dropped), set(self.forgotten)
        return other

    def make(self, changes: Sequence[Change]) -> Outcome:
        """Makes all the changes; InputError where one can't be made, and then the draft is good for nothing."""
        left = self.farewell
        outcome = Outcome()
        for change in changes:
            self._make(change, outcome)
        if self.farewell is None or self.count == 1:
            return outcome
        if left is None:
            raise InputError("a farewell is the only record of one who has left: 'bra leave' withdraws all others")
        raise InputError(f"this organisation has left: 'bra withdraw farewell {left}' comes back, then it may publish")

    def merge(self, merged: Merged) -> None:
        """Takes in another history of this author, and leaves out what has lost its body."""
        # Above both histories, so that no record of either keeps a seq that another one has.
        self.seq = max([self.seq, *(record.seq for record in merged.take.values())])
        # Of what nobody gave back the body there is nothing to hand out: it can't stay in the set.
        lost, self.size = records.bodies(self.db, self.author.no)
        if self.seq > _COUNT_ANEW:
            self._count_anew()
        for key in lost:
            self._remove_leaf(key)
        for key in merged.remove:
            if held := self._held(key):
                self._remove(key, held)
        for record in merged.take.values():
            self._put_version(record, record.id, record.visibility)
        for record in merged.drafts:
            self._put_version(record, self._drawn(), "local")
        if self.farewell is not None and self.count > 1:
            # One side left and the other went on: who still publishes hasn't left.
            key = tree_key("farewell", self.farewell)
            if held := self._held(key):
                self._remove(key, held)

    def _make(self, change: Change, outcome: Outcome) -> None:
        id_ = self._id(change)
        key = tree_key(change.kind, id_)
        held = self._held(key)
        if change.version is not None and (held is None or version_of(held.seq, held.line) != change.version):
            raise ChangedMeanwhile(f"{change.kind} {id_} was changed or withdrawn meanwhile: look at it again first")
        outcome.ids.append(id_)
        if change.body is None:
            if held is None and self._is_leaf(key):
                self._remove_leaf(key)
                outcome.withdrawn += 1
                return
            if held is None:
                raise InputError(f"there is no {change.kind} {id_} of this node's own: look with 'bra list'")
            self._remove(key, held)
            outcome.withdrawn += 1
            return
        visibility = change.visibility or (held.visibility if held else kinds.default_visibility(change.kind))
        said_before = held is not None and held.body == change.body and held.visibility == visibility
        if said_before and change.checked is None:
            outcome.unchanged += 1
            return
        self._check_photos(change, held)
        if held is not None and held.seq and visibility == "local":
            self._remove(key, held)
        self._put(key, held, change, id_, visibility)
        if held is None:
            outcome.created += 1
        else:
            outcome.changed += 1

    def _check_photos(self, change: Change, held: Record | None) -> None:
        """Raises InputError for a photo that this node doesn't hold, but one that the record names already."""
        assert change.body is not None
        before = photos.named(held.kind, held.body) if held else set()
        for photo in sorted(photos.named(change.kind, change.body) - before):
            if not photos.holds(self.db, self.author.no, photo):
                name = f"{photos.PREFIX}{photo}"
                raise InputError(f"this node holds no photo {name}: add its file first ('bra photo add')")

    def _id(self, change: Change) -> str:
        if change.id is not None:
            return change.id
        if change.ref is None:
            return self._drawn()
        if (change.kind, change.ref) == ("organisation", OWN_ORGANISATION):
            return OWN_ORGANISATION
        name = (change.kind, change.ref)
        if change.source is not None:
            self.sources[name] = change.source
        if name not in self.ids:
            row = self.db.execute("SELECT id FROM refs WHERE kind = ? AND ref = ?", name).fetchone()
            # A table that was exported calls a record by its id where it has no other name.
            known = row[0] if row else change.ref if self._held(tree_key(*name)) else None
            self.ids[name] = known or self._drawn()
        return self.ids[name]

    def _drawn(self) -> str:
        """A new record's id."""
        return base64.b32encode(self.world.random(10)).decode().lower()

    def _held(self, key: bytes) -> Record | None:
        if key in self.put:
            return self.put[key]
        if key in self.removed or key in self.dropped:
            return None
        stored = records.find(self.db, self.author.no, key)
        return Record.parse(stored.line) if stored and stored.line else None

    def _remove(self, key: bytes, held: Record) -> None:
        if held.kind in kinds.PERSONAL:
            self.forgotten.add(held.id)
        self.put.pop(key, None)
        if held.seq:
            self.removed.add(key)
            self.seq += 1
            self.size -= len(held.line)
            self.count -= 1
            if held.kind == "farewell":
                self.farewell = None
        else:
            self.dropped.add(key)

    def _is_leaf(self, key: bytes) -> bool:
        """Whether a shared record is held without its body, as after a restore."""
        stored = records.find(self.db, self.author.no, key)
        return stored is not None and stored.line is None and key not in self.removed

    def _remove_leaf(self, key: bytes) -> None:
        """Its bytes aren't known; the size stays an upper bound of what is held."""
        self.removed.add(key)
        self.seq += 1
        self.count -= 1

    def _count_anew(self) -> None:
        """Stamps the whole set from 1 on: whoever stole a key may have counted nearly to the end."""
        self.seq = 0
        for stored in list(records.since(self.db, self.author.no, 0)):
            if stored.line is not None:
                record = Record.parse(stored.line)
                self._put_version(record, record.id, record.visibility)

    def _put(self, key: bytes, held: Record | None, change: Change, id_: str, visibility: str) -> None:
        shared = visibility != "local"
        record = Record.make(
            author=self.author.node_id,
            kind=change.kind,
            id=id_,
            seq=self.seq + 1 if shared else 0,
            salt=self.world.random(16),
            updated=self.world.now(),
            visibility=visibility,
            body=change.body,
            **_checked(change, held),
        )
        self._place(key, held, record)

    def _put_version(self, record: Record, id_: str, visibility: str) -> None:
        """Puts a version of a record that was made before, or elsewhere: all as it was, but under a new seq."""
        seq = self.seq + 1 if visibility != "local" else 0
        new = {"id": id_, "seq": seq, "visibility": visibility, "salt": encode_base64(self.world.random(16))}
        version = Record.parse(encode({**decode(record.line), **new}))
        self._place(version.key, self._held(version.key), version)

    def _place(self, key: bytes, held: Record | None, record: Record) -> None:
        if record.seq:
            self.seq += 1
            self.size += len(record.line) - (len(held.line) if held and held.seq else 0)
            self.count += not (held and held.seq)
            if record.kind == "farewell":
                self.farewell = record.id
            self.removed.discard(key)
        self.put[key] = record


def _checked(change: Change, held: Record | None) -> dict[str, str]:
    time = change.checked or (decode(held.line).get("checked") if held else None)
    return {"checked": time} if time else {}


def own(db: sqlite3.Connection, me: NodeId, kind: str) -> list[Record]:
    """The records of a kind that this node shares of its own, in the order in which they were made."""
    author = authors.find(db, me)
    return [Record.parse(line) for _, _, line in records.of_kind(db, author.no, kind)] if author else []
