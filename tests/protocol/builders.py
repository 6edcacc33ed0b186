"""A small honest author: it signs real statements with real keys, keeps its own set, and hands out blocks of it.

Everything is made from the author's name and counters, so that two runs make the same bytes. A test that needs a liar
takes an honest author's lines and alters them.

    >>> tartu = Author("tartu")
    >>> room = tartu.put("venue", {"name": "Sõbra"})
    >>> head = tartu.commit()
    >>> judged(tartu.block_lines(Want(tartu.id)), tartu)
    Accepted(...)
"""

# ruff: noqa: A002 - a record's id is called what the protocol calls it

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Self

from node.protocol.blocks import Block, Leaf, Limits, Want
from node.protocol.canonical import encode
from node.protocol.evidence import Evidence
from node.protocol.keys import PrivateKey
from node.protocol.names import LARGEST_RECORD, LONGEST_BEAT, NodeId, node_id
from node.protocol.record import VISIBILITIES, Record, tree_key
from node.protocol.signed_record import SignedRecord
from node.protocol.statements import NO_HASH, Beat, Card, Head, Hello
from node.protocol.tree import Tree
from node.protocol.verdicts import Held, Verdict, judge

NETWORK = "test"
NOW = 1_795_262_400
"""2026-11-21T12:00:00Z, the noon at which tests take place."""
DAY = 86_400


class Author:
    """One organisation: its keys, its set and the chain of heads over it. `put` and `remove` count until `commit`."""

    def __init__(self, name: str = "tartu", *, network: str = NETWORK, now: int = NOW) -> None:
        self.name = name
        self.network = network
        self.now = now
        self.root_key = key_named(f"{name}/root")
        self.id: NodeId = node_id(self.root_key.public)
        self.epoch = 1
        self.signing_key = key_named(f"{name}/signing/1")
        self.card = self._new_card()
        self.seq = 0
        self.records: dict[bytes, Record] = {}
        self.removals: dict[bytes, int] = {}
        self.heads: list[Head] = []
        self.newest_beat: Beat | None = None
        self._salts = 0

    # What an author does

    def put(self, kind: str, body: dict[str, Any], id: str | None = None, visibility: str = "public") -> Record:
        """Adds a record to the set, or replaces the one of that kind and id."""
        self.seq += 1
        record = self.record(kind, body, id or f"{self.name[:8]}{self.seq:04d}", self.seq, visibility)
        self.records[record.key] = record
        self.removals.pop(record.key, None)
        return record

    def remove(self, kind: str, id: str) -> bytes:
        """Erases a record; gives the key it stood at."""
        self.seq += 1
        key = tree_key(kind, id)
        del self.records[key]
        self.removals[key] = self.seq
        return key

    def commit(self) -> Head:
        """Signs a head over the set as it is now; the newest head itself where nothing has changed."""
        if not self.heads or self.heads[-1].seq != self.seq:
            self.heads.append(self.head_with())
        return self.heads[-1]

    def beat(self, time: int, *, lasts: int = LONGEST_BEAT) -> Beat:
        """Says that the newest head is the state at `time`; blocks carry it from now on."""
        self.newest_beat = Beat.make(
            self.signing_key, head=self.head, time=time, lasts=lasts, urls=(f"https://{self.name}.example/",)
        )
        return self.newest_beat

    def rotate(self, *, from_seq: int | None = None) -> Card:
        """Begins a new epoch under a new signing key; with `from_seq`, stamps the whole set anew above that seq."""
        self.epoch += 1
        self.signing_key = key_named(f"{self.name}/signing/{self.epoch}")
        self.card = self._new_card()
        self.heads, self.removals, self.newest_beat = [], {}, None
        if from_seq is not None:
            self.seq = from_seq
            for record in sorted(self.records.values(), key=lambda each: each.seq):
                self.put(record.kind, record.body, record.id, record.visibility)
        return self.card

    def prune(self) -> None:
        """Forgets what it may forget after 90 days: old heads and removals."""
        self.heads = self.heads[-1:]
        self.removals = {}

    def twin(self) -> Self:
        """A second machine on the same keys, as a restored backup is: from here on the two go their own ways."""
        other = type(self)(self.name, network=self.network, now=self.now)
        other.epoch, other.signing_key, other.card, other.seq = self.epoch, self.signing_key, self.card, self.seq
        other.records, other.removals, other.heads = dict(self.records), dict(self.removals), list(self.heads)
        other.newest_beat, other._salts = self.newest_beat, self._salts + 1_000_000
        return other

    # What an author shows

    @property
    def head(self) -> Head:
        return self.heads[-1]

    @property
    def tree(self) -> Tree:
        return Tree.of({key: record.value for key, record in self.records.items()})

    def held(self, at: float | None = None, *, forked_epoch: int | None = None) -> Held:
        """What a reader holds who has taken everything up to now; `at` is when the head came to it."""
        return Held(self.card, self.head, self.now if at is None else at, self.tree, forked_epoch)

    def want(self, **others: Any) -> Want:
        """The wish of a reader who has taken everything up to now."""
        return Want(self.id, self.epoch, self.head.seq, self.head.hash, **others)

    def block_lines(
        self, want: Want | None = None, *, page: int | None = None, shown: Collection[str] = VISIBILITIES
    ) -> list[bytes]:
        """The block that answers `want`: up to `page` records at a time, bodies of `shown` visibilities alone."""
        want = want or Want(self.id)
        chain = self._chain_after(want)
        lines = [card_line(self.card), *map(head_line, chain or (self.head,))]
        if self.newest_beat:
            lines.append(beat_line(self.newest_beat))
        if want.prefixes and want.head == self.head.hash:
            keys = {key for prefix in want.prefixes for key, _ in self.tree.items(prefix)}
            records = [record for key, record in self.records.items() if key in keys]
        elif want.prefixes or chain is None:
            return [*lines, compare_line(), next_line(self.id)]
        else:
            lines += [del_line(key, seq) for key, seq in self.removals.items() if seq > want.since]
            records = [record for record in self.records.values() if record.seq > want.since]
        records = sorted((each for each in records if each.seq > want.after), key=lambda each: each.seq)
        told = records[:page]
        lines += [put_line(each) if each.visibility in shown else leaf_line(leaf_of(each)) for each in told]
        return [*lines, next_line(self.id, after=told[-1].seq if len(told) < len(records) else None)]

    def signed_record(self, kind: str, id: str) -> SignedRecord:
        key = tree_key(kind, id)
        return SignedRecord(self.card, self.head, self.records[key], self.tree.prove(key), self.newest_beat)

    def hello(self, nonce: str, time: int, url: str = "https://node.tartu.example") -> Hello:
        return Hello.make(self.signing_key, author=self.id, epoch=self.epoch, nonce=nonce, url=url, time=time)

    # The pieces, for tests that need one out of order

    def record(
        self, kind: str, body: dict[str, Any], id: str, seq: int, visibility: str = "public", **optional: str
    ) -> Record:
        """A record of this author that its set doesn't hold."""
        self._salts += 1
        salt = hashlib.sha256(f"{self.name}/salt/{self._salts}".encode()).digest()[:16]
        return Record.make(
            author=self.id,
            kind=kind,
            id=id,
            seq=seq,
            salt=salt,
            updated=self.now,
            visibility=visibility,
            body=body,
            **optional,
        )

    def head_with(self, *, key: PrivateKey | None = None, **different: Any) -> Head:
        """The head over the set as it is, with `different` members and perhaps another's key: not kept."""
        members: dict[str, Any] = {
            "author": self.id,
            "epoch": self.epoch,
            "seq": self.seq,
            "count": len(self.records),
            "size": sum(len(record.line) for record in self.records.values()),
            "root": self.tree.root,
            "prev": self.heads[-1].hash if self.heads else NO_HASH,
        }
        return Head.make(key or self.signing_key, **members | different)

    def _new_card(self) -> Card:
        return Card.make(
            self.root_key,
            network=self.network,
            epoch=self.epoch,
            signing=self.signing_key.public,
            issued=self.now + self.epoch,
        )

    def _chain_after(self, want: Want) -> list[Head] | None:
        """The heads after the one that the reader holds; None where its changes can't be told."""
        if want.head == NO_HASH and want.since == 0:
            return [self.head]
        hashes = [head.hash for head in self.heads]
        if want.epoch != self.epoch or want.head not in hashes:
            return None
        return self.heads[hashes.index(want.head) + 1 :]


def key_named(name: str) -> PrivateKey:
    return PrivateKey(hashlib.sha256(name.encode()).digest())


def read(lines: Sequence[bytes], author: Author, limits: Limits | None = None) -> Block:
    """The block that one page is."""
    block = Block(author.id)
    block.read(lines, limits or Limits())
    return block


def judged(
    lines: Iterable[bytes],
    author: Author,
    held: Held | None = None,
    *,
    now: float = NOW,
    limits: Limits | None = None,
    compared: bool = False,
) -> Verdict:
    """The verdict of a reader in the test network on one page."""
    limits = limits or Limits()
    block = read(list(lines), author, limits)
    return judge(block, held, network=NETWORK, now=now, limits=limits, compared=compared)


def padded_body(author: Author, size: int) -> dict[str, str]:
    """A body that makes a record of exactly `size` bytes (for seq 1 and the id "big")."""
    empty = len(author.record("venue", {"name": ""}, "big", 1).line)
    assert empty <= size <= LARGEST_RECORD + 4096
    return {"name": "x" * (size - empty)}


def line_of(tag: str, content: bytes) -> bytes:
    return b'{"%b":%b}' % (tag.encode(), content)


def card_line(card: Card) -> bytes:
    return line_of("card", card.signed.line)


def head_line(head: Head) -> bytes:
    return line_of("head", head.signed.line)


def beat_line(beat: Beat) -> bytes:
    return line_of("beat", beat.signed.line)


def put_line(record: Record) -> bytes:
    return line_of("put", record.line)


def leaf_of(record: Record) -> Leaf:
    return Leaf(record.key, record.value, record.seq)


def leaf_line(leaf: Leaf) -> bytes:
    return line_of("leaf", encode({"k": leaf.key.hex(), "v": leaf.value.hex(), "seq": leaf.seq}))


def del_line(key: bytes, seq: int) -> bytes:
    return line_of("del", encode({"k": key.hex(), "seq": seq}))


def compare_line() -> bytes:
    return b'{"compare":{}}'


def evidence_line(evidence: Evidence) -> bytes:
    return line_of("evidence", encode(evidence.as_value()))


def next_line(author: NodeId, *, after: int | None = None) -> bytes:
    return line_of("next", encode({"author": author} if after is None else {"author": author, "after": after}))
