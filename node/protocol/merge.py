"""Healing a fork: two histories of one author, and their last common state, become one set. Pure.

Rules (SPEC, "Healing"):

- what only one side changed since then is as that side left it
- what either side deleted stays deleted, whatever the other did with it: erasure is a promise
- of a record that both changed, the one with the later `updated` stands (of equal ones, the larger value, so that both
  sides choose alike)
- the version that doesn't stand is handed back as a draft, so that nothing that was published is lost; but of personal
  data there are no drafts

A record was changed since the common state if its seq is above that state's.

    >>> merge(Side(mine, removed), Side(theirs, removed_there), since=12, personal=frozenset({"contact"}))
    Merged(take={...}, remove={...}, drafts=[...])
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from node.protocol.record import Record


@dataclass(frozen=True, slots=True)
class Side:
    """One history's newest set, by key, and the keys that it removed since the common state."""

    records: Mapping[bytes, Record]
    removed: AbstractSet[bytes] = frozenset()


@dataclass(slots=True)
class Merged:
    """What becomes of my set: `take` from the other side, `remove`, and what stands no more but isn't to be lost."""

    take: dict[bytes, Record] = field(default_factory=dict)
    remove: set[bytes] = field(default_factory=set)
    drafts: list[Record] = field(default_factory=list)


def merge(mine: Side, theirs: Side, *, since: int, personal: Collection[str] = ()) -> Merged:
    """What to do to `mine` so that it holds both. `since`: the seq of the last common head."""
    merged = Merged()

    def keep_draft(record: Record) -> None:
        if record.kind not in personal:
            merged.drafts.append(record)

    for key in mine.records.keys() | theirs.records.keys():
        own, other = mine.records.get(key), theirs.records.get(key)
        if own is not None and other is not None:
            if own.value == other.value or other.seq <= since:
                continue
            if own.seq <= since or _stands(other, own):
                merged.take[key] = other
                if own.seq > since:
                    keep_draft(own)
            else:
                keep_draft(other)
        elif own is not None:
            if own.seq <= since:
                merged.remove.add(key)
            elif key in theirs.removed:
                merged.remove.add(key)
                keep_draft(own)
        elif other is not None and other.seq > since:
            if key in mine.removed:
                keep_draft(other)
            else:
                merged.take[key] = other
    return merged


def _stands(one: Record, other: Record) -> bool:
    # Times have one spelling, so they compare as text.
    return (one.updated, one.value) > (other.updated, other.value)
