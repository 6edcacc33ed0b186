"""What holds for every set, every value and every string of bytes, not just for the ones somebody thought of."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from node.errors import Forged, Malformed, ProtocolError
from node.protocol import canonical
from node.protocol.blocks import Block, Limits, Want, parse_leaf, parse_line
from node.protocol.evidence import Evidence
from node.protocol.names import LARGEST_INTEGER
from node.protocol.record import Record
from node.protocol.signed_record import SignedRecord
from node.protocol.statements import Beat, Card, Head, Hello
from node.protocol.tree import DEEPEST, Proof, Tree, parse_prefix, prefix_of, prefix_range
from node.protocol.verdicts import Accepted, Compare, Refusal, judge
from tests.protocol.builders import Author, evidence_line

MODEST = settings(max_examples=200, database=None, suppress_health_check=[HealthCheck.too_slow])


# Sets. Keys are often close to each other, so that paths are long and branches one-sided.

hashes = st.binary(min_size=32, max_size=32)


def shallow(leaves: dict[bytes, bytes]) -> bool:
    """Whether no two keys share 64 bits: then the set has a tree."""
    return len({key[:8] for key in leaves}) == len(leaves)


close = st.builds(
    lambda start, end: start + end + bytes(24),
    st.sampled_from([bytes(6), b"\xff" * 6]),
    st.binary(min_size=2, max_size=2),
)
keys = st.one_of(hashes, close)
sets = st.dictionaries(keys, hashes, max_size=40).filter(shallow)
some_sets = st.dictionaries(keys, hashes, min_size=1, max_size=40).filter(shallow)


def plain_root(leaves: dict[bytes, bytes], depth: int = 0) -> bytes:
    """T(S, d) straight from the specification: slow, and nothing like `tree._build`."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        [(key, value)] = leaves.items()
        return hashlib.sha256(b"\x00" + key + value).digest()
    sides: list[dict[bytes, bytes]] = [{}, {}]
    for key, value in leaves.items():
        sides[int(prefix_of(key, 256)[depth])][key] = value
    return hashlib.sha256(b"\x01" + plain_root(sides[0], depth + 1) + plain_root(sides[1], depth + 1)).digest()


@MODEST
@given(sets)
def test_a_tree_has_the_root_that_the_specification_s_formula_gives(leaves):
    assert Tree.of(leaves).root == plain_root(leaves)


@MODEST
@given(sets)
def test_a_tree_holds_its_set_in_the_order_of_keys(leaves):
    tree = Tree.of(leaves)
    assert list(tree.items()) == sorted(leaves.items())
    assert len(tree) == len(leaves)
    assert all(tree.get(key) == value for key, value in leaves.items())


@MODEST
@given(sets, sets, st.sets(keys, max_size=10), st.data())
def test_a_changed_tree_equals_the_one_built_afresh(leaves, puts, strangers, data):
    gone = strangers | data.draw(st.sets(st.sampled_from(sorted(leaves)))) if leaves else strangers
    after = {key: value for key, value in leaves.items() if key not in gone} | puts
    before = Tree.of(leaves)
    if not shallow(after):
        with pytest.raises(Malformed):
            before.changed(puts, gone)
        return
    assert before.changed(puts, gone).root == plain_root(after)
    assert before.root == plain_root(leaves)


@MODEST
@given(some_sets, st.data())
def test_removing_and_adding_again_gives_the_same_root(leaves, data):
    gone = data.draw(st.sets(st.sampled_from(sorted(leaves))))
    tree = Tree.of(leaves)
    assert tree.changed({}, gone).changed({key: leaves[key] for key in gone}).root == tree.root


class ChangesOneByOne(RuleBasedStateMachine):
    """A tree of many leaves changed a little at a time, so that paths are rebuilt and never the whole."""

    @initialize(seed=st.binary(min_size=1, max_size=4))
    def begin(self, seed: bytes) -> None:
        self.model = {bytes([i]) + seed.ljust(31, bytes([i])): bytes([i]) * 32 for i in range(0, 256, 4)}
        self.tree = Tree.of(self.model)
        self.erased: list[tuple[bytes, bytes]] = []

    def change(self, puts: dict[bytes, bytes], gone: list[bytes]) -> None:
        assert (len(puts) + len(gone)) * 4 <= len(self.tree)  # else this machine would test the rebuild
        if not shallow({**{key: value for key, value in self.model.items() if key not in gone}, **puts}):
            with pytest.raises(Malformed):
                self.tree.changed(puts, gone)
            return
        self.tree = self.tree.changed(puts, gone)
        for key in gone:
            self.model.pop(key, None)
        self.model.update(puts)

    @rule(key=hashes, value=hashes)
    def put(self, key: bytes, value: bytes) -> None:
        self.change({key: value}, [])

    @rule(data=st.data(), shared=st.integers(1, 62), value=hashes)
    def put_beside(self, data: st.DataObject, shared: int, value: bytes) -> None:
        """A key that leaves another's path only after `shared` bits."""
        other = data.draw(st.sampled_from(sorted(self.model)))
        bits = prefix_of(other, 256)
        turned = bits[:shared] + ("1" if bits[shared] == "0" else "0") + bits[shared + 1 :]
        self.change({int(turned, 2).to_bytes(32): value}, [])

    @rule(data=st.data(), value=hashes)
    def replace(self, data: st.DataObject, value: bytes) -> None:
        self.change({data.draw(st.sampled_from(sorted(self.model))): value}, [])

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        self.erased.append((key, self.model[key]))
        self.change({}, [key])

    @rule()
    def add_again(self) -> None:
        if self.erased:
            key, value = self.erased.pop()
            self.change({key: value}, [])

    @rule(key=hashes)
    def remove_what_is_not_there(self, key: bytes) -> None:
        if key not in self.model:
            before = self.tree.root
            self.change({}, [key])
            assert self.tree.root == before

    @invariant()
    def the_tree_is_the_set_s(self) -> None:
        if hasattr(self, "model"):
            assert self.tree.root == plain_root(self.model)
            assert len(self.tree) == len(self.model)


TestChangesOneByOne = ChangesOneByOne.TestCase
TestChangesOneByOne.settings = settings(MODEST, max_examples=30, stateful_step_count=30)


# Proofs


def convinces(proof: Proof, root: bytes, key: bytes, value: bytes | None) -> bool:
    """Whether a reader believes that `key` has this value, or with None: that it is absent."""
    try:
        if value is None:
            proof.verify_absence(root, key)
        else:
            proof.verify_inclusion(root, key, value)
    except Forged:
        return False
    return True


def flipped(raw: bytes, bit: int) -> bytes:
    return (int.from_bytes(raw) ^ 1 << (bit % (len(raw) * 8))).to_bytes(len(raw))


@MODEST
@given(sets, st.lists(keys, max_size=5))
def test_proofs_of_present_and_absent_keys_verify_and_never_prove_the_contrary(leaves, others):
    tree = Tree.of(leaves)
    for key in [*leaves, *others]:
        proof = Proof.parse(tree.prove(key).as_value())
        assert proof == tree.prove(key)
        assert convinces(proof, tree.root, key, tree.get(key))
        contrary = None if key in leaves else bytes(32)
        assert not convinces(proof, tree.root, key, contrary)


@MODEST
@given(sets, keys, st.data())
def test_a_proof_with_any_bit_flipped_anywhere_does_not_verify(leaves, other, data):
    tree = Tree.of(leaves)
    key = data.draw(st.sampled_from([*sorted(leaves), other]))
    proof, value, bit = tree.prove(key), tree.get(key), data.draw(st.integers(0, 255))
    assert not convinces(proof, flipped(tree.root, bit), key, value)
    for at, sibling in enumerate(proof.siblings):
        altered = (*proof.siblings[:at], flipped(sibling, bit), *proof.siblings[at + 1 :])
        assert not convinces(Proof(altered, proof.end), tree.root, key, value)
    if value is not None:
        assert not convinces(proof, tree.root, flipped(key, bit), value)
        assert not convinces(proof, tree.root, key, flipped(value, bit))
    if proof.end is not None:
        for end in ((flipped(proof.end[0], bit), proof.end[1]), (proof.end[0], flipped(proof.end[1], bit))):
            assert not convinces(Proof(proof.siblings, end), tree.root, key, value)
    for above in range(len(proof.siblings)):
        # A bit that the path turns on; below the path's end, another absent key has the same proof.
        assert not convinces(proof, tree.root, flipped(key, 255 - above), value)


@MODEST
@given(sets, keys, hashes, st.data())
def test_a_proof_with_a_sibling_dropped_added_or_moved_does_not_verify(leaves, other, extra, data):
    tree = Tree.of(leaves)
    key = data.draw(st.sampled_from([*sorted(leaves), other]))
    proof, value = tree.prove(key), tree.get(key)
    siblings = proof.siblings
    altered = [siblings[:at] + siblings[at + 1 :] for at in range(len(siblings))]
    for added in (extra, bytes(32), tree.root):
        altered += [(*siblings[:at], added, *siblings[at:]) for at in range(len(siblings) + 1)]
    altered += [siblings[::-1], siblings[1:] + siblings[:1]]
    for each in altered:
        if each != siblings:
            assert not convinces(Proof(each, proof.end), tree.root, key, value)


@MODEST
@given(some_sets, keys, st.data())
def test_a_proof_with_another_end_does_not_verify(leaves, absent, data):
    tree = Tree.of(leaves)
    present = data.draw(st.sampled_from(sorted(leaves)))
    included = tree.prove(present)
    assert not convinces(Proof(included.siblings, (present, leaves[present])), tree.root, present, leaves[present])
    assert not convinces(Proof(included.siblings, (present, leaves[present])), tree.root, present, None)
    missing = tree.prove(absent)
    if absent in leaves:
        return
    ends = [None, *((key, value) for key, value in leaves.items()), (absent, bytes(32))]
    if missing.end is not None:
        ends.append((missing.end[1], missing.end[0]))
    for end in ends:
        if end != missing.end:
            assert not convinces(Proof(missing.siblings, end), tree.root, absent, None)


# Comparing two sets


@MODEST
@given(sets, sets, st.integers(0, 8), st.data())
def test_the_subtrees_of_two_sets_differ_exactly_where_the_sets_do(common, changes, depth, data):
    other = {**common, **changes}
    if not shallow(other):
        return
    prefix = prefix_of(data.draw(keys), data.draw(st.integers(0, 12)))
    found = [{each.prefix: each for each in Tree.of(leaves).subtrees(prefix, depth)} for leaves in (common, other)]
    for path in {path for each in found for path in each}:
        parts = [
            {key: leaves[key] for key in leaves if prefix_of(key, len(path)) == path} for leaves in (common, other)
        ]
        same = found[0].get(path) == found[1].get(path)
        assert same == (parts[0] == parts[1])


@MODEST
@given(sets, st.integers(0, 8), st.data())
def test_the_subtrees_below_a_prefix_hold_every_leaf_below_it_once(leaves, depth, data):
    tree = Tree.of(leaves)
    prefix = prefix_of(data.draw(st.sampled_from([*sorted(leaves), bytes(32)])), data.draw(st.integers(0, 256)))
    low, high = prefix_range(prefix)
    below = {key: value for key, value in leaves.items() if low <= key <= high}
    assert dict(tree.items(prefix)) == below
    subtrees = tree.subtrees(prefix, depth)
    assert sum(each.leaves for each in subtrees) == len(below)
    for each in subtrees:
        assert len(each.prefix) == min(len(prefix) + depth, 256)
        part = {key: value for key, value in leaves.items() if prefix_of(key, len(each.prefix)) == each.prefix}
        assert each.leaves == len(part)
        assert each.hash == plain_root(part, min(len(each.prefix), DEEPEST))


# Canonical JSON

integers = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
names = st.text("abcXYZ019_-", min_size=1, max_size=6)
texts = st.text(max_size=12)
values = st.recursive(
    st.one_of(integers, st.booleans(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
all_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=12,
)


def plain(value: Any) -> bytes:
    """The spelling closest to canonical that Python's own JSON gives, refusing nothing."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")


@MODEST
@given(values)
@example({"a": "\x7f\u2028\u2029\ud7ff\ue000\uffff\U0010ffff"})
@example({"-": "".join(map(chr, range(0x20)))})
def test_a_canonical_value_comes_back_and_has_the_bytes_that_rfc_8785_gives(value):
    line = canonical.encode(value)
    assert line == rfc8785.dumps(value)
    assert canonical.decode(line) == value
    assert canonical.decode_loose(line) == value


@MODEST
@given(values)
def test_any_spelling_of_a_value_in_a_file_means_the_same(value):
    spelled = json.dumps(value, indent=2, sort_keys=False).encode()
    assert canonical.encode(canonical.decode_loose(b"\xef\xbb\xbf" + spelled)) == canonical.encode(value)


@MODEST
@given(all_json)
def test_a_value_outside_the_profile_is_refused_on_both_ways(value):
    try:
        line = canonical.encode(value)
    except Malformed:
        with pytest.raises(Malformed):
            canonical.decode(plain(value))
    else:
        assert line == rfc8785.dumps(value)


# Whatever comes in: it parses, or it is refused as what it is

AUTHOR = Author("tartu")
AUTHOR.put("venue", {"name": "Sõbra", "capacity": 12}, "room")
AUTHOR.put("contact", {"phone": "+372"}, "desk", "members")
AUTHOR.commit()
TWIN = AUTHOR.twin()
TWIN.put("venue", {"name": "Other"}, "room")
TWIN.commit()
AUTHOR.remove("contact", "desk")
AUTHOR.put("event", {"title": {"en": "Open day"}}, "day")
AUTHOR.commit()
AUTHOR.beat(AUTHOR.now)
FORK = Evidence((AUTHOR.card,), (AUTHOR.head, TWIN.head))
WANT = Want(AUTHOR.id, 1, 2, AUTHOR.heads[0].hash, 3, ("01", ""))
SIGNED = AUTHOR.signed_record("event", "day")
HELLO = AUTHOR.hello("A" * 43, AUTHOR.now)

GIVEN: dict[str, tuple[Callable[[Any], object], Any]] = {
    "card": (Card.parse, canonical.decode(AUTHOR.card.signed.line)),
    "head": (Head.parse, canonical.decode(AUTHOR.head.signed.line)),
    "beat": (Beat.parse, canonical.decode(AUTHOR.newest_beat.signed.line)),
    "hello": (Hello.parse, canonical.decode(HELLO.signed.line)),
    "record": (
        lambda value: Record.parse(plain(value)),
        canonical.decode(SIGNED.record.line),
    ),
    "proof": (Proof.parse, SIGNED.proof.as_value()),
    "evidence": (Evidence.parse, FORK.as_value()),
    "signed record": (SignedRecord.parse, SIGNED.as_value()),
    "want": (Want.parse, WANT.as_value()),
    "leaf": (parse_leaf, {"k": "0" * 64, "v": "1" * 64, "seq": 1}),
    "prefix": (parse_prefix, "0101"),
}
BYTES: dict[str, Callable[[bytes], object]] = {
    "decode": canonical.decode,
    "decode_loose": canonical.decode_loose,
    "parse_line": parse_line,
    "Record.parse": Record.parse,
    "Block.read": lambda line: Block(AUTHOR.id).read([line], Limits()),
}
LINES = [*AUTHOR.block_lines(), *AUTHOR.block_lines(Want(AUTHOR.id, 1, 2, AUTHOR.heads[0].hash)), evidence_line(FORK)]


def parses_or_is_refused(parse: Callable[[Any], object], given: Any) -> None:
    try:
        parse(given)
    except ProtocolError as refusal:
        assert str(refusal)


@pytest.mark.parametrize("name", GIVEN)
def test_every_valid_form_that_is_mutated_below_is_valid_to_begin_with(name):
    parse, value = GIVEN[name]
    parse(value)


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """`value` with one thing in it replaced, dropped, doubled or added, at any depth."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        form = draw(st.sampled_from(("inside", "inside", "drop", "rename", "add")))
        rest = {name: each for name, each in value.items() if name != key}
        if form == "drop":
            return rest
        if form == "rename":
            return {**rest, draw(st.text(max_size=4)): value[key]}
        if form == "add":
            return {**value, draw(names): draw(all_json)}
        return {**value, key: draw(mutated(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(value) - 1))
        if draw(st.booleans()):
            return value[:at] + value[at + 1 :]
        return [*value[:at], draw(mutated(value[at])), *value[at:]]
    if isinstance(value, str) and value and draw(st.booleans()):
        at = draw(st.integers(0, len(value) - 1))
        return value[:at] + draw(st.text(max_size=2)) + value[at + 1 :]
    if type(value) is int and draw(st.booleans()):
        return draw(st.sampled_from([value + 1, -value, -1, 0, 2**53 - 1, 2**53, 2**70, float(value), True]))
    return draw(all_json)


@pytest.mark.parametrize("name", GIVEN)
def test_a_mutated_valid_value_parses_or_is_refused(name):
    parse, value = GIVEN[name]

    @MODEST
    @given(mutated(value))
    def check(given: Any) -> None:
        parses_or_is_refused(parse, given)

    check()


@pytest.mark.parametrize("name", GIVEN)
def test_any_json_value_parses_or_is_refused(name):
    parse, _ = GIVEN[name]

    @MODEST
    @given(all_json)
    def check(given: Any) -> None:
        parses_or_is_refused(parse, given)

    check()


@pytest.mark.parametrize("name", BYTES)
def test_any_bytes_parse_or_are_refused(name):
    @MODEST
    @given(
        st.one_of(
            st.binary(max_size=64), st.text('{}[]",:0123456789-+.eEnulltruefalse\\ud8 ', max_size=40).map(str.encode)
        )
    )
    @example(b"[" * 100_000)
    @example(b'{"a":' * 100_000)
    @example(b"9" * 10_000)
    @example(b"1e999999")
    @example(b'"\\ud800"')
    @example(b'{"\\ud800":1}')
    @example(b'"\xed\xa0\x80"')
    @example(b"\xff\xfe{\x00}\x00")
    @example(b"")
    @example(b"\x00")
    def check(given: bytes) -> None:
        parses_or_is_refused(BYTES[name], given)

    check()


@pytest.mark.parametrize("name", BYTES)
def test_a_valid_line_with_any_byte_altered_parses_or_is_refused(name):
    @MODEST
    @given(st.sampled_from([*LINES, SIGNED.record.line]), st.data())
    def check(line: bytes, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(line) - 1))
        kind = data.draw(st.sampled_from(("replace", "drop", "insert", "cut")))
        byte = data.draw(st.binary(min_size=1, max_size=1))
        after = {"replace": byte + line[at + 1 :], "drop": line[at + 1 :], "insert": byte + line[at:], "cut": b""}
        parses_or_is_refused(BYTES[name], line[:at] + after[kind])

    check()


@MODEST
@given(st.data())
def test_a_block_whose_lines_are_altered_is_refused_or_judged_and_raises_nothing_else(data):
    lines = AUTHOR.block_lines(Want(AUTHOR.id, 1, 2, AUTHOR.heads[0].hash)) if data.draw(st.booleans()) else LINES[:]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        tag, value = parse_line(lines[at])
        altered = {tag: data.draw(mutated(value))}
        try:
            lines[at] = canonical.encode(altered)
        except Malformed:
            del lines[at]
        if not lines:
            return
    block = Block(AUTHOR.id)
    try:
        block.read(lines, Limits())
    except ProtocolError:
        return
    verdict = judge(block, None, network="test", now=AUTHOR.now, limits=Limits())
    assert isinstance(verdict, Accepted | Compare | Refusal)
