"""A block: what one node hands another of one author's set, checked here for form alone.

Rules (SPEC, "Blocks"):

- lines in this order: card?, heads (oldest first, the last is the state), beat?, evidence?, then either `compare`, or
  removals and after them records and leaves in the order of their seq, no two records sharing one; the last line is
  `next`
- the head comes first, so its count and bytes bound what follows
- a leaf stands for a record whose body the sender doesn't have, or doesn't show to this reader

Whether it holds is for `verdicts.judge`.

    {"head":{"signature":"…","statement":{…"seq":7,"count":4…}}}
    {"del":{"k":"094f…","seq":6}}
    {"put":{…"seq":7…}}
    {"next":{"author":"bra1…"}}
"""

import operator
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self, TypeVar

from node.errors import Malformed
from node.protocol import names, scanner
from node.protocol.canonical import decode
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.statements import NO_HASH, Beat, Card, Head
from node.protocol.tree import parse_prefix

LARGEST_LINE = names.LARGEST_RECORD + 1024
"""Bytes of one line at most: a record and its wrapping."""

S = TypeVar("S", Card, Head, Beat, Evidence)

LINE_TAGS = frozenset(("card", "head", "beat", "put", "del", "leaf", "evidence", "compare", "next"))


@dataclass(frozen=True, slots=True)
class Limits:
    """What this node takes of one author. Every node takes at least these defaults' first two (SPEC, "Limits")."""

    records: int = 10_000
    size: int = 50_000_000
    heads: int = 16_384


class OverQuota(Malformed):
    """A block that brings more than this node takes of one author."""


def over_quota(count: int, size: int, limits: Limits) -> str:
    return (
        f"the author has at least {count} records of {size} bytes, this node takes {limits.records} and {limits.size}: "
        "raise [limits] in config/node.toml to take it"
    )


class Leaf(NamedTuple):
    """A record's place in the tree without its body. `seq` is the sender's word until the record itself comes."""

    key: bytes
    value: bytes
    seq: int


@dataclass(frozen=True, slots=True)
class Want:
    """What a reader asks for: what it holds of the author, and where a page goes on.

    With `prefixes` (strings of 0 and 1) it asks for every leaf below them in the set of `head`, whatever its seq. With
    `kinds` it asks for the bodies of these kinds alone; leaves stand for the rest.
    """

    author: NodeId
    epoch: int = 0
    since: int = 0
    head: bytes = NO_HASH
    after: int = 0
    prefixes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: object) -> Self:
        members = {"author", "epoch", "since", "head", "after", "prefixes", "kinds"}
        if not isinstance(value, dict) or not value.keys() <= members:
            raise Malformed("a wish has the members author, epoch, since, head, after, prefixes and kinds")
        prefixes, kinds = value.get("prefixes", []), value.get("kinds", [])
        if not isinstance(prefixes, list) or len(prefixes) > 1024:
            raise Malformed("a wish names up to 1024 prefixes")
        if not isinstance(kinds, list) or len(kinds) > 64:
            raise Malformed("a wish names up to 64 kinds")
        return cls(
            names.parse_node_id(value.get("author")),
            names.parse_integer(value.get("epoch", 0)),
            names.parse_integer(value.get("since", 0)),
            names.parse_hash(value.get("head", NO_HASH.hex())),
            names.parse_integer(value.get("after", 0)),
            tuple(map(parse_prefix, prefixes)),
            tuple(map(names.parse_kind, kinds)),
        )

    def as_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {"author": self.author, "epoch": self.epoch, "since": self.since}
        if self.head != NO_HASH:
            value["head"] = self.head.hex()
        if self.after:
            value["after"] = self.after
        if self.prefixes:
            value["prefixes"] = list(self.prefixes)
        if self.kinds:
            value["kinds"] = list(self.kinds)
        return value


@dataclass(slots=True)
class Block:
    """One author's block as it was read, checked for form alone. `after` is set while more pages are to come."""

    author: NodeId
    card: Card | None = None
    heads: tuple[Head, ...] = ()
    beat: Beat | None = None
    compare: bool = False
    removed: set[bytes] = field(default_factory=set)
    records: dict[bytes, Record] = field(default_factory=dict)
    leaves: dict[bytes, Leaf] = field(default_factory=dict)
    after: int | None = None
    evidence: Evidence | None = None

    @property
    def head(self) -> Head:
        return self.heads[-1]

    def keep_bodies(self, kinds: Container[str]) -> None:
        """Makes leaves of the records of all other kinds."""
        for key, record in list(self.records.items()):
            if record.kind not in kinds:
                del self.records[key]
                self.leaves[key] = Leaf(key, record.value, record.seq)

    def read(self, lines: Sequence[bytes], limits: Limits) -> None:
        """Adds one page; Malformed when a line, their order or a bound is not kept.

        A later page may name a newer head: its removals are told again, and what was replaced meanwhile comes again.
        """
        reader = _Reader(self, limits)
        for run in scanner.runs(lines, self.author):
            if isinstance(run, bytes):
                reader.take(run)
            else:
                reader.take_records(run)
        if not reader.ended:
            raise Malformed("the block breaks off: its last line is not `next`")


class _Reader:
    """The order of a block's lines, and the bounds that its head sets."""

    ORDER: Mapping[str, int] = {
        "card": 0, "head": 1, "beat": 2, "evidence": 3, "compare": 4, "del": 5, "put": 6, "leaf": 6, "next": 7
    }  # fmt: skip
    REPEATED = frozenset((1, 5, 6))
    BEFORE_RECORDS = frozenset((1, 2, 3, 5, 6))

    def __init__(self, block: Block, limits: Limits) -> None:
        self.block = block
        self.limits = limits
        self.stage = -1
        self.seq = self.start = self.record_seq = block.after or 0
        # What earlier pages brought may have been replaced since: until the last page only our own bound counts.
        self.first_page = not block.records and not block.leaves
        self.size = sum(len(record.line) for record in block.records.values())
        self.ended = False
        block.after = None
        self.heads: list[Head] = []
        self.earlier_heads = block.heads

    def take_records(self, records: Sequence[Record]) -> None:
        """Takes the next lines: these records, by the scanner all the block's author's, and none for its node alone."""
        if self._take_together(records):
            return
        for record in records:
            if self.heads and self.stage in self.BEFORE_RECORDS:
                self.stage = self.ORDER["put"]
                self._put(record)
            else:
                self.take(b'{"put":%b}' % record.line)

    def _take_together(self, records: Sequence[Record]) -> bool:
        """Takes them in one go, if nothing is wrong with them and none takes another's place; whether it did."""
        if not self.heads or self.stage not in self.BEFORE_RECORDS:
            return False
        block, head, seqs = self.block, self.block.head, [record.seq for record in records]
        added = {record.key: record for record in records}
        in_order = (
            max(self.record_seq, self.start, self.seq - 1) < seqs[0]
            and all(map(operator.lt, seqs, seqs[1:]))
            and seqs[-1] <= head.seq
        )
        # Between views the smaller one is gone through: there may be as many runs as records.
        others = (
            len(added) == len(records)
            and added.keys().isdisjoint(block.records.keys())
            and added.keys().isdisjoint(block.leaves.keys())
        )
        count = len(block.records) + len(block.leaves) + len(added)
        size = self.size + sum([len(record.line) for record in records])
        within = count <= self.limits.records and size <= self.limits.size
        if self.first_page:
            within = within and count <= head.count and size <= head.size
        if not (in_order and others and within):
            return False
        self.stage = self.ORDER["put"]
        self.seq = self.record_seq = seqs[-1]
        self.size = size
        block.records.update(added)
        return True

    def take(self, line: bytes) -> None:
        """Takes the next line."""
        tag, value = parse_line(line)
        stage = self.ORDER.get(tag, -1)
        if stage < self.stage or (stage == self.stage and stage not in self.REPEATED) or self.ended:
            raise Malformed(f"a block has no {tag} line at this place")
        if 3 < stage < 7 and not self.heads:
            raise Malformed("a block's head comes before its records")
        if self.stage == self.ORDER["compare"] and tag != "next":
            raise Malformed("a block that says compare brings no changes")
        self.stage = stage
        self._add(tag, value, line)

    def _add(self, tag: str, value: Any, line: bytes) -> None:
        if tag == "put":
            self._put(Record.of(value, line[7:-1]))
        elif tag == "leaf":
            self._leaf(parse_leaf(value))
        elif tag == "del":
            self._del(value)
        elif tag == "card":
            self.block.card = self._own(Card.parse(value))
        elif tag == "head":
            self._head(self._own(Head.parse(value)))
        elif tag == "beat":
            self.block.beat = self._own(Beat.parse(value))
        elif tag == "evidence":
            self.block.evidence = self._own(Evidence.parse(value))
        elif tag == "compare":
            self.block.compare = True
        else:
            self._next(value)

    def _own(self, statement: S) -> S:
        if statement.author != self.block.author:
            raise Malformed(f"a statement of {statement.author} stands in the block of {self.block.author}")
        return statement

    def _head(self, head: Head) -> None:
        earlier = self.earlier_heads
        if not self.heads and earlier and earlier[-1].hash in (head.hash, head.prev):
            # A later page goes on where the last one ended.
            self.heads = list(earlier)
        if not self.heads or self.heads[-1].hash != head.hash:
            self.heads.append(head)
        if len(self.heads) > self.limits.heads:
            raise Malformed(f"the chain has more than {self.limits.heads} heads")
        self.block.heads = tuple(self.heads)

    def _del(self, value: Any) -> None:
        if not isinstance(value, dict) or value.keys() != {"k", "seq"}:
            raise Malformed("a removal has the members k and seq")
        names.parse_integer(value["seq"])
        key = names.parse_hash(value["k"])
        self._forget(key)
        self.block.removed.add(key)
        if len(self.block.removed) > self.limits.records:
            raise Malformed(f"the block removes more than {self.limits.records} records")

    def _put(self, record: Record) -> None:
        if record.author != self.block.author:
            raise Malformed(f"a record of {record.author} stands in the block of {self.block.author}")
        if record.visibility == "local":
            raise Malformed("a record for its own node alone has left it")
        if record.seq <= self.record_seq:
            raise Malformed("the records of a block have strictly increasing seq")
        self._advance(record.seq)
        self.record_seq = record.seq
        key = record.key
        self._forget(key)
        self.size += len(record.line)
        self.block.records[key] = record
        self._check_bounds(whole=False)

    def _leaf(self, leaf: Leaf) -> None:
        self._advance(leaf.seq)
        self._forget(leaf.key)
        self.block.leaves[leaf.key] = leaf
        self._check_bounds(whole=False)

    def _forget(self, key: bytes) -> None:
        """What an earlier page brought for this key is out of date."""
        self.block.leaves.pop(key, None)
        if earlier := self.block.records.pop(key, None):
            self.size -= len(earlier.line)

    def _advance(self, seq: int) -> None:
        # Two leaves, or a leaf and a record, may share a seq: a leaf's is only its sender's word.
        if seq <= self.start or not self.seq <= seq <= self.block.head.seq:
            raise Malformed("the records of a block come in the order of their seq, none above the head's")
        self.seq = seq

    def _check_bounds(self, *, whole: bool) -> None:
        count, head = len(self.block.records) + len(self.block.leaves), self.block.head
        if count > self.limits.records or self.size > self.limits.size:
            raise OverQuota(over_quota(count, self.size, self.limits))
        if (whole or self.first_page) and (count > head.count or self.size > head.size):
            raise Malformed("the block has more records, or more bytes, than its head says")

    def _next(self, value: Any) -> None:
        if not isinstance(value, dict) or value.get("author") != self.block.author:
            raise Malformed("the block's last line does not name its author")
        if "after" in value:
            after = names.parse_integer(value["after"])
            if after != self.seq or after == self.start:
                raise Malformed("the page does not go on after its last record, or brings none")
            self.block.after = after
        elif self.heads:
            self._check_bounds(whole=True)
        self.ended = True


def parse_line(line: bytes) -> tuple[str, Any]:
    """The tag and value of a line: canonical JSON with one member; Malformed otherwise."""
    if len(line) > LARGEST_LINE:
        raise Malformed(f"a line has at most {LARGEST_LINE} bytes")
    value = decode(line)
    if type(value) is not dict or len(value) != 1:
        raise Malformed("a line is an object with one member")
    [(tag, content)] = value.items()
    if tag not in LINE_TAGS:
        raise Malformed(f"a line has one of the members {', '.join(sorted(LINE_TAGS))}")
    return tag, content


def parse_leaf(value: object) -> Leaf:
    if not isinstance(value, dict) or value.keys() != {"k", "v", "seq"}:
        raise Malformed("a leaf has the members k, v and seq")
    return Leaf(names.parse_hash(value["k"]), names.parse_hash(value["v"]), names.parse_integer(value["seq"]))
