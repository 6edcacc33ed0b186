"""The prefix tree over one author's set: one root, short proofs, and a way to find where two sets differ.

Rules (SPEC, "The tree"; the prefix tree of the IETF KEYTRANS drafts):

- leaf = H(0x00 || k || v), node(l, r) = H(0x01 || l || r), EMPTY = 32 zero bytes, H = SHA-256
- T(S, d) = EMPTY if S is empty; the leaf if S has one; else node(T(bit d of k is 0), T(bit d of k is 1)),
  most significant bit first; root = T(S, 0)
- the root depends on the set alone, never on how it came about
- a leaf deeper than 64 is refused: only mined keys get there

A `Tree` never changes: `changed` gives another that shares what stayed equal, so a transaction that fails leaves
nothing to undo. Of a whole set the root is worked out in C where that was compiled (`native`), and the nodes are made
when somebody asks for one: of most sets that come for the first time nobody ever does.

    >>> tree = Tree.of({k1: v1, k2: v2})
    >>> tree.changed({k3: v3}, removed=[k1]).root == Tree.of({k2: v2, k3: v3}).root
    True
"""

import ctypes
import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from node.errors import Forged, Malformed
from node.protocol import names, native

EMPTY = bytes(32)
DEEPEST = 64
_PAIR = 64
"""Bytes of a key and its value."""

_sha256 = hashlib.sha256


class _Leaf:
    __slots__ = ("count", "hash", "key", "value")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key = key
        self.value = value
        self.count: int = 1
        self.hash: bytes = _sha256(b"\x00" + key + value).digest()


class _Branch:
    __slots__ = ("count", "hash", "left", "right")

    def __init__(self, left: "_Node", right: "_Node") -> None:
        self.left = left
        self.right = right
        # Written out, because a first set makes one for each of its records.
        self.hash: bytes = _sha256(b"\x01" + (left.hash if left else EMPTY) + (right.hash if right else EMPTY)).digest()
        self.count: int = (left.count if left else 0) + (right.count if right else 0)


_Node = _Leaf | _Branch | None


class Subtree(NamedTuple):
    """The non-empty subtree below `prefix` (a string of 0 and 1): its hash, and how many leaves it holds."""

    prefix: str
    hash: bytes
    leaves: int


@dataclass(frozen=True, slots=True)
class Proof:
    """That a key is in a set, or is not: the siblings from the root down, and where the path ends.

    `end` is the (key, value) of another leaf in which the path of an absent key ends; None where it ends in EMPTY, and
    None in a proof of inclusion.
    """

    siblings: tuple[bytes, ...]
    end: tuple[bytes, bytes] | None = None

    @classmethod
    def parse(cls, value: object) -> Self:
        if not isinstance(value, dict) or not value.keys() <= {"siblings", "end"}:
            raise Malformed("a proof is an object of siblings and, perhaps, end")
        siblings, end = value.get("siblings"), value.get("end")
        if not isinstance(siblings, list) or len(siblings) > DEEPEST:
            raise Malformed(f"a proof's siblings are up to {DEEPEST} hashes")
        if "end" not in value:
            return cls(tuple(map(names.parse_hash, siblings)))
        if not isinstance(end, dict) or end.keys() != {"key", "value"}:
            raise Malformed("a proof's end is an object of key and value")
        key, leaf = names.parse_hash(end["key"]), names.parse_hash(end["value"])
        return cls(tuple(map(names.parse_hash, siblings)), (key, leaf))

    def as_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {"siblings": [sibling.hex() for sibling in self.siblings]}
        if self.end:
            value["end"] = {"key": self.end[0].hex(), "value": self.end[1].hex()}
        return value

    def verify_inclusion(self, root: bytes, key: bytes, value: bytes) -> None:
        """Raises Forged unless the set under `root` holds (key, value)."""
        if self.end is not None:
            raise Forged("a proof of inclusion has no other end than the record itself")
        self._climb(root, key, _Leaf(key, value).hash)

    def verify_absence(self, root: bytes, key: bytes) -> None:
        """Raises Forged unless the set under `root` holds nothing at `key`."""
        if self.end is None:
            self._climb(root, key, EMPTY)
            return
        other, value = self.end
        if other == key or _prefix(other, len(self.siblings)) != _prefix(key, len(self.siblings)):
            raise Forged("the proof of absence ends in a leaf that is not on the key's path")
        self._climb(root, key, _Leaf(other, value).hash)

    def _climb(self, root: bytes, key: bytes, hash_: bytes) -> None:
        # A leaf stands as high as it can and a branch holds at least two leaves: an EMPTY beside the end is no tree.
        if self.siblings and self.siblings[-1] == EMPTY:
            raise Forged("the proof ends below an empty branch")
        for depth in range(len(self.siblings) - 1, -1, -1):
            sibling = self.siblings[depth]
            pair = sibling + hash_ if _bit(key, depth) else hash_ + sibling
            hash_ = _sha256(b"\x01" + pair).digest()
        if hash_ != root:
            raise Forged("the proof does not lead to the signed root")


class Tree:
    """One author's set as key -> value (32 bytes each), with its root. Immutable."""

    __slots__ = ("_made", "root")

    def __init__(self, top: _Node = None) -> None:
        self._made: _Node | bytes = top
        """The topmost node; or, while nobody asked for one, key and value of each leaf, in the order of keys."""
        self.root = _hash(top)

    @classmethod
    def of(cls, leaves: Mapping[bytes, bytes]) -> Self:
        """The tree of this set; Malformed when it is deeper than 64."""
        ordered = sorted(leaves)
        pairs = b"".join([key + leaves[key] for key in ordered])
        # Rows that the disk altered may have other lengths.
        whole = {*map(len, ordered), *map(len, leaves.values())} == {_PAIR // 2}
        if not whole or (root := _root(pairs)) is None:
            return cls(_build([_Leaf(key, leaves[key]) for key in ordered]))
        tree = cls()
        tree._made, tree.root = pairs, root
        return tree

    @property
    def _top(self) -> _Node:
        made = self._made
        if isinstance(made, bytes):
            # Another thread may do the same at this moment: its nodes are equal.
            made = self._made = _build([_Leaf(*pair) for pair in _pairs(made)])
        return made

    def with_nodes(self) -> Self:
        """The same tree, for whoever must not wait for its nodes: the first who needs one makes them, 3 us a leaf."""
        _ = self._top
        return self

    def __len__(self) -> int:
        made = self._made
        if isinstance(made, bytes):
            return len(made) // _PAIR
        return made.count if made else 0

    def get(self, key: bytes) -> bytes | None:
        _, end = self._path(key)
        return end.value if isinstance(end, _Leaf) and end.key == key else None

    def items(self, prefix: str = "") -> Iterator[tuple[bytes, bytes]]:
        """(key, value) in the order of keys, of the leaves below `prefix`."""
        made = self._made
        if isinstance(made, bytes) and not prefix:
            yield from _pairs(made)
            return
        stack = [self._below(prefix)]
        while stack:
            node = stack.pop()
            if isinstance(node, _Leaf):
                yield node.key, node.value
            elif node is not None:
                stack += (node.right, node.left)

    def changed(self, puts: Mapping[bytes, bytes], removed: Iterable[bytes] = ()) -> "Tree":
        """The tree after removing and then putting; removing what is not there does nothing."""
        gone = list(removed)
        # One path costs ~10 hashes, a rebuild ~2.5 a leaf (less in C): beyond a quarter of the set, start afresh.
        if (len(puts) + len(gone)) * 4 > len(self):
            leaves = dict(self.items())
            for key in gone:
                leaves.pop(key, None)
            return Tree.of({**leaves, **puts})
        top = self._top
        for key in gone:
            top = _removed(top, key, 0)
        for key, value in puts.items():
            top = _put(top, _Leaf(key, value), 0)
        return Tree(top)

    def prove(self, key: bytes) -> Proof:
        """The proof that `key` is in the set, or that it is not."""
        siblings, end = self._path(key)
        other = isinstance(end, _Leaf) and end.key != key
        return Proof(tuple(siblings), (end.key, end.value) if other and isinstance(end, _Leaf) else None)

    def subtrees(self, prefix: str, depth: int) -> list[Subtree]:
        """The non-empty subtrees `depth` levels below `prefix`; a leaf that ends higher stands under its whole path."""
        level: list[tuple[str, _Node]] = [(prefix, self._below(prefix))]
        for at in range(len(prefix), min(len(prefix) + depth, 256)):
            below: list[tuple[str, _Node]] = []
            for path, node in level:
                if isinstance(node, _Branch):
                    below += ((path + "0", node.left), (path + "1", node.right))
                elif node is not None:
                    below.append((path + str(_bit(node.key, at)), node))
            level = below
        return [Subtree(path, node.hash, node.count) for path, node in level if node is not None]

    def _below(self, prefix: str) -> _Node:
        node = self._top
        for depth, bit in enumerate(prefix):
            if isinstance(node, _Branch):
                node = node.right if bit == "1" else node.left
            elif node is None or _bit(node.key, depth) != int(bit):
                return None
        return node

    def _path(self, key: bytes) -> tuple[list[bytes], _Node]:
        siblings: list[bytes] = []
        node = self._top
        while isinstance(node, _Branch):
            left, right = node.left, node.right
            node, other = (right, left) if _bit(key, len(siblings)) else (left, right)
            siblings.append(_hash(other))
        return siblings, node


def prefix_of(key: bytes, length: int) -> str:
    """The first `length` bits of a key as a string of 0 and 1."""
    return bin(int.from_bytes(b"\x01" + key))[3 : 3 + length]


def parse_prefix(value: object) -> str:
    if not isinstance(value, str) or len(value) > 256 or value.strip("01"):
        raise Malformed("a prefix is up to 256 characters of 0 and 1")
    return value


def prefix_range(prefix: str) -> tuple[bytes, bytes]:
    """The lowest and the highest key below `prefix`."""
    return (
        int(prefix.ljust(256, "0"), 2).to_bytes(32),
        int(prefix.ljust(256, "1"), 2).to_bytes(32),
    )


def _root(pairs: bytes) -> bytes | None:
    """The root of leaves in the order of keys; None where C doesn't tell it."""
    if native.functions is None:
        return None
    found = ctypes.create_string_buffer(len(EMPTY))
    done = native.functions.root(native.functions.openssl, pairs, len(pairs) // _PAIR, found)
    return found.raw if done else None


def _pairs(pairs: bytes) -> Iterator[tuple[bytes, bytes]]:
    for begin in range(0, len(pairs), _PAIR):
        yield pairs[begin : begin + _PAIR // 2], pairs[begin + _PAIR // 2 : begin + _PAIR]


def _hash(node: _Node) -> bytes:
    return node.hash if node is not None else EMPTY


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _prefix(key: bytes, length: int) -> int:
    return int.from_bytes(key) >> (256 - length)


def _build(leaves: Sequence[_Leaf], depth: int = 0) -> _Node:
    """The subtree of these leaves, sorted by key and equal in their first `depth` bits."""
    # No branch is below the first bits: as numbers they tell in one step where two halves part.
    bits = [int.from_bytes(leaf.key[: DEEPEST // 8]) for leaf in leaves]

    def between(begin: int, end: int, depth: int) -> _Branch:
        """The subtree of leaves[begin:end], two or more, that are equal in their first `depth` bits."""
        differing = bits[begin] ^ bits[end - 1]
        if not differing:
            raise Malformed(f"the set is deeper than {DEEPEST}: two of its keys share their first {DEEPEST} bits")
        behind = differing.bit_length() - 1  # bits behind the first one in which they differ
        middle = bisect_left(bits, bits[end - 1] >> behind << behind, begin, end)
        at = DEEPEST - 1 - behind
        node = _Branch(
            leaves[begin] if middle == begin + 1 else between(begin, middle, at + 1),
            leaves[middle] if end == middle + 1 else between(middle, end, at + 1),
        )
        for above in range(at - 1, depth - 1, -1):
            node = _Branch(None, node) if _bit(leaves[begin].key, above) else _Branch(node, None)
        return node

    if len(leaves) < 2:
        return leaves[0] if leaves else None
    return between(0, len(leaves), depth)


def _put(node: _Node, leaf: _Leaf, depth: int) -> _Node:
    if node is None:
        return leaf
    if isinstance(node, _Branch):
        if _bit(leaf.key, depth):
            return _Branch(node.left, _put(node.right, leaf, depth + 1))
        return _Branch(_put(node.left, leaf, depth + 1), node.right)
    if node.key == leaf.key:
        return leaf
    return _build(sorted((node, leaf), key=lambda each: each.key), depth)


def _removed(node: _Node, key: bytes, depth: int) -> _Node:
    if not isinstance(node, _Branch):
        return None if node is not None and node.key == key else node
    if _bit(key, depth):
        left, right = node.left, _removed(node.right, key, depth + 1)
        unchanged = right is node.right
    else:
        left, right = _removed(node.left, key, depth + 1), node.right
        unchanged = left is node.left
    if unchanged:
        return node
    if left is None and not isinstance(right, _Branch):
        return right
    if right is None and not isinstance(left, _Branch):
        return left
    return _Branch(left, right)
