"""What a reader makes of a block: every attack and accident by name, and the outcome it must have."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from node.errors import Forged, Malformed
from node.protocol import names
from node.protocol.blocks import Block, Leaf, Limits, Want, parse_line
from node.protocol.canonical import decode, encode
from node.protocol.evidence import Evidence
from node.protocol.record import Record, tree_key
from node.protocol.statements import Beat, Card, Head, sign
from node.protocol.tree import Tree, prefix_of
from node.protocol.verdicts import CLOCK_TOLERANCE, PRUNED_AFTER, Accepted, Compare, Held, Reason, Refusal, judge
from tests.protocol.builders import (
    DAY,
    NETWORK,
    NOW,
    Author,
    beat_line,
    card_line,
    compare_line,
    del_line,
    evidence_line,
    head_line,
    judged,
    key_named,
    leaf_line,
    leaf_of,
    line_of,
    next_line,
    padded_body,
    put_line,
    read,
)


def tartu() -> Author:
    """Three records, one of them for members, under one head of seq 3."""
    author = Author("tartu")
    author.put("organisation", {"name": "Tartu Science Park"}, "own")
    author.put("venue", {"name": "Sõbra"}, "room")
    author.put("contact", {"phone": "+372"}, "desk", "members")
    author.commit()
    return author


def moved_on(author: Author, steps: int = 1) -> Author:
    """The author after `steps` more heads, each with a new record."""
    for step in range(steps):
        author.put("event", {"title": {"en": f"Event {step}"}})
        author.commit()
    return author


def resigned(line: bytes, signature: bytes) -> bytes:
    """A line with another signature on the same statement."""
    [(tag, value)] = decode(line).items()
    return line_of(tag, encode({**value, "signature": names.encode_base64(signature)}))


def accepted(verdict: object) -> Accepted:
    assert isinstance(verdict, Accepted), verdict
    return verdict


# The honest way


def test_a_first_block_gives_the_whole_set():
    author = tartu()
    verdict = accepted(judged(author.block_lines(), author))
    assert (verdict.head, verdict.tree.root, len(verdict.tree)) == (author.head, author.tree.root, 3)
    assert verdict.continuous


def test_a_later_block_gives_the_changes_along_the_chain():
    author = tartu()
    held, want = author.held(), author.want()
    author.remove("venue", "room")
    author.put("organisation", {"name": "Renamed"}, "own")
    author.commit()
    moved_on(author, 2)
    lines = author.block_lines(want)
    verdict = accepted(judged(lines, author, held))
    assert len(verdict.heads) == 3
    assert verdict.changes == 4  # the renamed one, two events, a removal; the contact is not told again
    assert verdict.tree.root == author.tree.root


def test_a_block_without_changes_is_accepted_and_may_bring_a_newer_beat():
    author = tartu()
    held = author.held()
    beat = author.beat(NOW)
    lines = [head_line(author.head), beat_line(beat), next_line(author.id)]
    verdict = accepted(judged(lines, author, held))
    assert (verdict.beat, verdict.tree.root) == (beat, held.tree.root)


def test_leaves_instead_of_bodies_add_up_to_the_same_root():
    author = tartu()
    block = read(author.block_lines(shown={"public"}), author)
    assert [leaf.seq for leaf in block.leaves.values()] == [3]
    verdict = accepted(judge(block, None, network=NETWORK, now=NOW, limits=Limits()))
    assert verdict.tree.root == author.head.root


def test_a_block_of_leaves_alone_adds_up_to_the_same_root():
    author = tartu()
    verdict = accepted(judged(author.block_lines(shown=()), author))
    assert verdict.tree.root == author.head.root


def test_an_empty_set_is_accepted():
    author = Author("lund")
    author.put("venue", {}, "room")
    author.remove("venue", "room")
    author.commit()
    assert accepted(judged(author.block_lines(), author)).tree.root == bytes(32)


def test_removing_what_is_not_held_does_nothing():
    author = tartu()
    held, want = author.held(), author.want()
    author.put("venue", {"name": "Never seen"}, "brief")
    never = author.remove("venue", "brief")
    author.put("venue", {"name": "New"}, "new")
    author.commit()
    lines = author.block_lines(want)
    assert read(lines, author).removed == {never}
    assert accepted(judged(lines, author, held)).tree.root == author.tree.root


def test_a_set_at_the_very_limits_is_accepted():
    author = tartu()
    limits = Limits(records=author.head.count, size=author.head.size)
    accepted(judged(author.block_lines(), author, limits=limits))


def test_a_record_of_the_largest_size_travels_and_one_byte_more_is_refused():
    author = Author("lund")
    author.put("venue", padded_body(author, names.LARGEST_RECORD), "big")
    author.commit()
    accepted(judged(author.block_lines(), author))
    with pytest.raises(Malformed):
        author.put("venue", padded_body(author, names.LARGEST_RECORD + 1), "big")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_every_record_that_can_be_made_can_travel_however_deep_it_is_nested():
    author = Author("lund")
    author.put("venue", {"deep": nested(29)}, "room")
    author.commit()
    accepted(judged(author.block_lines(), author))
    author.signed_record("venue", "room").line  # noqa: B018 - it raises where it can't be written
    with pytest.raises(Malformed):
        author.put("venue", {"deep": nested(30)}, "room")


# Refused, by reason. Each case gives a block's lines, whose block it is, and what the reader holds.

Case = tuple[list[bytes], Author, Held | None]


def a_card_signed_by_a_stranger() -> Case:
    author = tartu()
    lines = author.block_lines()
    statement = encode(decode(lines[0])["card"]["statement"])
    lines[0] = resigned(lines[0], key_named("thief").sign(statement))
    return lines, author, None


def a_card_whose_root_key_was_swapped() -> Case:
    author, thief = tartu(), key_named("thief")
    statement = decode(author.card.signed.line)["statement"] | {"root": names.encode_base64(thief.public)}
    return [line_of("card", sign(thief, statement).line), *author.block_lines()[1:]], author, None


def a_head_signed_by_a_stranger() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    lines = moved_on(author).block_lines(want)
    forged = Head.make(
        key_named("thief"),
        author=author.id,
        epoch=1,
        seq=author.seq,
        count=4,
        size=author.head.size,
        root=author.head.root,
        prev=author.head.prev,
    )
    lines[1] = head_line(forged)
    return lines, author, held


def a_head_signed_by_the_root_key() -> Case:
    author = tartu()
    author.heads = []
    return (
        [card_line(author.card), head_line(author.head_with(key=author.root_key)), next_line(author.id)],
        author,
        None,
    )


def an_older_head_of_the_chain_forged() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    lines = moved_on(author, 3).block_lines(want)
    lines[1] = resigned(lines[1], bytes(64))
    return lines, author, held


def a_head_of_another_epoch_than_the_card() -> Case:
    author = tartu()
    lines = author.block_lines()
    author.rotate()
    return [card_line(author.card), *lines[1:]], author, None


def a_head_under_the_signing_key_of_the_epoch_before() -> Case:
    author = tartu()
    stolen = author.signing_key
    author.rotate()
    return (
        [card_line(author.card), head_line(author.head_with(key=stolen, epoch=2)), next_line(author.id)],
        author,
        None,
    )


def a_block_of_another_network() -> Case:
    author = Author("tartu", network="demo")
    author.put("venue", {}, "room")
    author.commit()
    return author.block_lines(), author, None


def a_card_of_another_network_for_a_known_author() -> Case:
    known, other = tartu(), Author("tartu", network="demo")
    other.rotate()
    return [card_line(other.card), *moved_on(known).block_lines(known.want())[1:]], known, known.held()


def a_head_older_than_the_one_held() -> Case:
    author = tartu()
    old = author.block_lines()
    return old, author, moved_on(author, 2).held()


def a_card_older_than_the_one_held() -> Case:
    author = tartu()
    old = author.block_lines()
    author.rotate()
    author.commit()
    return old, author, author.held()


def a_thief_s_head_and_old_card_after_the_new_card_came_alone() -> Case:
    author = tartu()
    thief, old = author.twin(), author.held()
    author.rotate()
    want = thief.want()
    return moved_on(thief).block_lines(want), author, replace(old, card=author.card)


def an_old_epoch_s_head_under_the_new_card_held() -> Case:
    author = tartu()
    old = author.block_lines()[1:]
    author.rotate()
    author.commit()
    return old, author, author.held()


def heads_that_don_t_follow_each_other() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    lines = moved_on(author, 3).block_lines(want)
    del lines[2]
    return lines, author, held


def heads_newest_first() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    lines = moved_on(author, 2).block_lines(want)
    return [lines[0], lines[2], lines[1], lines[-1]], author, held


def heads_whose_seq_stands_still() -> Case:
    author = tartu()
    first = author.head
    author.heads.append(author.head_with())
    return [card_line(author.card), head_line(first), head_line(author.head), next_line(author.id)], author, None


def a_young_chain_that_does_not_reach_the_head_held() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    lines = moved_on(author, 2).block_lines(want)
    del lines[1]
    return lines, author, held


def nothing_known_of_the_author() -> Case:
    author = tartu()
    return [next_line(author.id)], author, author.held()


def a_card_alone() -> Case:
    author = tartu()
    return [card_line(author.card), next_line(author.id)], author, None


def no_card_from_an_unknown_author() -> Case:
    author = tartu()
    return author.block_lines()[1:], author, None


def an_altered_record() -> Case:
    author = tartu()
    lines = author.block_lines()
    return [line.replace("Sõbra".encode(), b"Sobra!") for line in lines], author, None


def an_altered_leaf() -> Case:
    author = tartu()
    lines = author.block_lines(shown={"public"})
    leaf = leaf_of(next(each for each in author.records.values() if each.seq == 3))
    return [*lines[:-2], leaf_line(leaf._replace(value=bytes(32))), lines[-1]], author, None


def a_hidden_record() -> Case:
    author = tartu()
    lines = author.block_lines()
    del lines[3]
    return lines, author, None


def a_hidden_change() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    author.put("venue", {"name": "Revised"}, "room")
    author.commit()
    lines = author.block_lines(want)
    del lines[-2]
    return lines, author, held


def a_hidden_removal() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    author.remove("contact", "desk")
    author.commit()
    lines = author.block_lines(want)
    del lines[-2]
    return lines, author, held


def a_removal_that_the_author_never_made() -> Case:
    author = tartu()
    held, want = author.held(), author.want()
    lines = moved_on(author).block_lines(want)
    erased = next(record.key for record in author.records.values() if record.kind == "venue")
    return [*lines[:2], del_line(erased, 4), *lines[2:]], author, held


def an_erased_record_instead_of_a_living_one() -> Case:
    author = tartu()
    erased = next(record for record in author.records.values() if record.id == "room")
    author.remove("venue", "room")
    author.commit()
    card, head, _, own, _, end = author.block_lines()
    return [card, head, own, put_line(erased), end], author, None


def a_record_of_its_own_past() -> Case:
    author = tartu()
    earlier = next(record for record in author.records.values() if record.id == "room")
    author.put("venue", {"name": "Revised, and longer than before"}, "room")
    author.commit()
    card, head, own, desk, _, end = author.block_lines()
    return [card, head, own, put_line(earlier), desk, end], author, None


def a_count_that_the_set_does_not_have() -> Case:
    author = tartu()
    author.heads = [author.head_with(count=4)]
    return author.block_lines(), author, None


REFUSED = [
    (a_head_signed_by_a_stranger, Reason.FORGED),
    (a_head_signed_by_the_root_key, Reason.FORGED),
    (an_older_head_of_the_chain_forged, Reason.FORGED),
    (a_head_of_another_epoch_than_the_card, Reason.FORGED),
    (a_head_under_the_signing_key_of_the_epoch_before, Reason.FORGED),
    (an_old_epoch_s_head_under_the_new_card_held, Reason.FORGED),
    (a_block_of_another_network, Reason.FOREIGN_NETWORK),
    (a_card_of_another_network_for_a_known_author, Reason.FOREIGN_NETWORK),
    (a_head_older_than_the_one_held, Reason.ROLLED_BACK),
    (a_card_older_than_the_one_held, Reason.ROLLED_BACK),
    (a_thief_s_head_and_old_card_after_the_new_card_came_alone, Reason.ROLLED_BACK),
    (heads_that_don_t_follow_each_other, Reason.BROKEN_CHAIN),
    (heads_newest_first, Reason.BROKEN_CHAIN),
    (heads_whose_seq_stands_still, Reason.BROKEN_CHAIN),
    (a_young_chain_that_does_not_reach_the_head_held, Reason.BROKEN_CHAIN),
    (no_card_from_an_unknown_author, Reason.INCOMPLETE),
    (nothing_known_of_the_author, Reason.INCOMPLETE),
    (a_card_alone, Reason.INCOMPLETE),
]

WRONG_SETS = [
    an_altered_record,
    an_altered_leaf,
    a_hidden_record,
    a_hidden_change,
    a_hidden_removal,
    a_removal_that_the_author_never_made,
    an_erased_record_instead_of_a_living_one,
    a_record_of_its_own_past,
    a_count_that_the_set_does_not_have,
]


def named(case: Callable[[], Case]) -> str:
    return case.__name__.replace("_", " ")


@pytest.mark.parametrize(
    ("case", "reason"), [pytest.param(case, reason, id=f"{named(case)} is {reason}") for case, reason in REFUSED]
)
def test_a_block_is_refused_for_its_reason_and_never_compared(case, reason):
    lines, author, held = case()
    for compared in (False, True):
        verdict = judged(lines, author, held, compared=compared)
        assert isinstance(verdict, Refusal), verdict
        assert verdict.reason is reason
        assert verdict.evidence is None
        assert verdict.sentence[0].islower()  # it is shown inside a sentence


@pytest.mark.parametrize("case", [pytest.param(case, id=named(case)) for case in WRONG_SETS])
def test_a_set_that_does_not_add_up_is_compared_first_and_held_against_the_peer_after_that(case):
    lines, author, held = case()
    assert isinstance(judged(lines, author, held), Compare)
    verdict = judged(lines, author, held, compared=True)
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.WRONG_SET


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(a_card_signed_by_a_stranger, id="signed by a stranger"),
        pytest.param(a_card_whose_root_key_was_swapped, id="with another root key for the same author"),
    ],
)
def test_a_forged_card_does_not_even_parse(case):
    lines, author, _ = case()
    with pytest.raises(Forged):
        read(lines, author)


# Forks


def two_machines() -> tuple[Author, Author]:
    """One author on two machines that share its first head."""
    author = tartu()
    return author, author.twin()


def fork_by_the_same_prev() -> tuple[Author, Author]:
    mine, other = two_machines()
    return moved_on(mine), moved_on(other)


def fork_by_the_same_prev_and_another_seq() -> tuple[Author, Author]:
    mine, other = two_machines()
    mine.put("venue", {"name": "First"}, "first")
    other.put("venue", {"name": "Second"}, "second")
    other.put("venue", {"name": "Third"}, "third")
    mine.commit()
    other.commit()
    return mine, other


def fork_by_the_same_seq() -> tuple[Author, Author]:
    mine, other = two_machines()
    moved_on(mine, 2)
    other.put("venue", {"name": "Two changes"}, "two")
    other.put("venue", {"name": "under one head"}, "one")
    other.commit()
    other.heads = other.heads[-1:]
    return mine, other


def fork_that_only_skipped_heads_show() -> tuple[Author, Author]:
    """The other machine's chain steps over the seq of the head held, and the common past is not shown."""
    mine, other = two_machines()
    moved_on(mine, 3)  # seq 4, 5, 6
    other.put("venue", {"name": "a"}, "a")
    other.put("venue", {"name": "b"}, "b")
    other.commit()  # seq 5
    for name in "cde":
        other.put("venue", {"name": name}, name)
    other.commit()  # seq 8
    other.heads = other.heads[-2:]
    return mine, other


def fork_of_a_machine_that_is_still_behind() -> tuple[Author, Author]:
    mine, other = two_machines()
    mine.put("venue", {"name": "a"}, "a")
    mine.put("venue", {"name": "b"}, "b")
    mine.commit()
    return mine, moved_on(other)


@pytest.mark.parametrize(
    ("machines", "heads"),
    [
        pytest.param(fork_by_the_same_prev, 2, id="the same prev and seq"),
        pytest.param(fork_by_the_same_prev_and_another_seq, 2, id="the same prev, another seq"),
        pytest.param(fork_by_the_same_seq, 2, id="the same seq, another prev"),
        pytest.param(fork_that_only_skipped_heads_show, 3, id="a chain that misses the head held"),
        pytest.param(fork_of_a_machine_that_is_still_behind, 2, id="seen from the side that is ahead"),
    ],
)
def test_a_fork_is_refused_with_evidence_that_convinces_anyone(machines, heads):
    mine, other = machines()
    lines = [card_line(other.card), *map(head_line, other.heads), next_line(other.id)]
    verdict = judged(lines, other, mine.held())
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.FORKED
    assert verdict.evidence is not None
    assert len(verdict.evidence.heads) == heads
    told = decode(evidence_line(verdict.evidence))["evidence"]
    assert Evidence.parse(told) == verdict.evidence


def test_a_replayed_past_is_no_evidence_of_a_fork():
    author = moved_on(tartu(), 3)
    past = author.twin()
    past.heads = past.heads[:2]
    lines = [card_line(past.card), *map(head_line, past.heads), next_line(past.id)]
    verdict = judged(lines, author, author.held())
    assert isinstance(verdict, Refusal)
    assert (verdict.reason, verdict.evidence) == (Reason.ROLLED_BACK, None)


def another_card_of(author: Author) -> Card:
    return Card.make(
        author.root_key, network=NETWORK, epoch=author.epoch, signing=key_named("second").public, issued=NOW + 5
    )


def test_two_cards_of_one_epoch_are_evidence():
    author = tartu()
    lines = [card_line(another_card_of(author)), *author.block_lines()[1:]]
    verdict = judged(lines, author, author.held())
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.FORKED
    assert verdict.evidence is not None
    assert Evidence.parse(verdict.evidence.as_value()) == verdict.evidence
    assert verdict.evidence.epoch == 1


def test_the_same_card_signed_again_is_the_same_card():
    author = tartu()
    again = Card.parse(decode(author.block_lines()[0])["card"])
    assert accepted(judged(author.block_lines(), author, replace(author.held(), card=again))).card == author.card


@pytest.mark.parametrize(
    "change",
    [pytest.param(lambda author: None, id="the very head held"), pytest.param(moved_on, id="a head that continues it")],
)
def test_a_forked_epoch_brings_no_further_head(change):
    author = tartu()
    held, want = author.held(forked_epoch=1), author.want()
    change(author)
    verdict = judged(author.block_lines(want), author, held)
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.FORKED


@pytest.mark.parametrize("seq", [pytest.param(None, id="going on"), pytest.param(0, id="with every record re-stamped")])
def test_a_fork_is_healed_by_a_higher_epoch(seq):
    author = tartu()
    held = author.held(forked_epoch=1)
    author.rotate(from_seq=seq)
    author.put("venue", {"name": "After"}, "after")
    author.commit()
    verdict = accepted(judged(author.block_lines(), author, held))
    assert verdict.card.epoch == verdict.head.epoch == 2


def test_a_new_epoch_may_lower_seq_so_that_a_thief_s_highest_one_bricks_nobody():
    author = tartu()
    author.seq = names.LARGEST_INTEGER - 1
    author.put("venue", {"name": "Thief's"}, "theirs")
    author.commit()
    held = author.held()
    assert held.head.seq == names.LARGEST_INTEGER
    theirs = tree_key("venue", "theirs")
    del author.records[theirs]
    author.rotate(from_seq=0)
    author.commit()
    verdict = judged([*author.block_lines()[:2], compare_line(), next_line(author.id)], author, held)
    assert isinstance(verdict, Compare)
    block = read(author.block_lines(), author)
    block.removed.add(theirs)  # what comparing finds
    assert accepted(judge(block, held, network=NETWORK, now=NOW, limits=Limits())).head.seq == 3


@pytest.mark.parametrize(
    ("age", "outcome"),
    [
        pytest.param(0, Refusal, id="young"),
        pytest.param(PRUNED_AFTER, Refusal, id="of 90 days"),
        pytest.param(PRUNED_AFTER + 1, Accepted, id="older than 90 days"),
    ],
)
def test_a_gap_in_the_chain_is_taken_with_continuity_unknown_only_when_it_may_have_been_pruned(age, outcome):
    author = tartu()
    held = author.held(at=NOW - age)
    lines = moved_on(author, 3).block_lines(Want(author.id, 1, 3, held.head.hash))
    del lines[1]
    verdict = judged(lines, author, held)
    assert isinstance(verdict, outcome)
    if isinstance(verdict, Accepted):
        assert not verdict.continuous


def test_a_fork_is_found_even_where_the_chain_may_have_been_pruned():
    mine, other = fork_by_the_same_seq()
    lines = [card_line(other.card), head_line(other.head), next_line(other.id)]
    verdict = judged(lines, other, mine.held(at=NOW - 2 * PRUNED_AFTER))
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.FORKED


# Quota


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(lambda head: Limits(records=head.count - 1), id="one record too many"),
        pytest.param(lambda head: Limits(size=head.size - 1), id="one byte too many"),
    ],
)
def test_an_author_over_quota_is_refused_before_its_set_is_looked_at(limits):
    author = tartu()
    verdict = judged(author.block_lines()[:2] + [next_line(author.id)], author, limits=limits(author.head))
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.OVER_QUOTA


def test_a_chain_of_more_heads_than_a_reader_takes_is_refused():
    author = tartu()
    want = author.want()
    lines = moved_on(author, 4).block_lines(want)
    read(lines, author, Limits(heads=4))
    with pytest.raises(Malformed, match="heads"):
        read(lines, author, Limits(heads=3))


def test_more_removals_than_a_reader_takes_records_are_refused():
    author = tartu()
    want = author.want()
    for kind, id_ in (("venue", "room"), ("contact", "desk")):
        author.remove(kind, id_)
    author.commit()
    lines = author.block_lines(want)
    read(lines, author, Limits(records=2))
    with pytest.raises(Malformed, match="removes"):
        read(lines, author, Limits(records=1))


# A block's form: the order of its lines, and the bounds that its head sets


def record_of(author: Author, seq: int, name: str = "x", visibility: str = "public") -> Record:
    return author.record("event", {"title": name}, f"e{seq}", seq, visibility)


def of_form(change: Callable[[Author, dict[str, bytes]], list[bytes]], id_: str) -> Any:
    return pytest.param(change, id=id_)


MALFORMED = [
    of_form(lambda a, of: [of["card"], of["head"], of["own"], of["room"], of["desk"]], "breaking off"),
    of_form(lambda a, of: [], "empty"),
    of_form(lambda a, of: [of["card"], compare_line(), of["end"]], "comparing without a head"),
    of_form(lambda a, of: [of["card"], next_line(a.id, after=0)], "going on without a head"),
    of_form(lambda a, of: [of["own"], of["head"], of["end"]], "a record before the head"),
    of_form(
        lambda a, of: [of["head"], of["card"], of["own"], of["room"], of["desk"], of["end"]], "the card after the head"
    ),
    of_form(lambda a, of: [of["card"], of["card"], of["head"], of["end"]], "two cards"),
    of_form(lambda a, of: [of["head"], of["beat"], of["beat"], of["end"]], "two beats"),
    of_form(lambda a, of: [of["beat"], of["head"], of["end"]], "the beat before the head"),
    of_form(lambda a, of: [of["head"], of["own"], of["beat"], of["end"]], "the beat after a record"),
    of_form(lambda a, of: [of["head"], of["own"], of["del"], of["end"]], "a removal after a record"),
    of_form(lambda a, of: [of["head"], of["own"], of["head"], of["end"]], "a head after a record"),
    of_form(lambda a, of: [of["head"], compare_line(), of["own"], of["end"]], "compare and records"),
    of_form(lambda a, of: [of["head"], compare_line(), of["del"], of["end"]], "compare and removals"),
    of_form(lambda a, of: [of["head"], compare_line(), compare_line(), of["end"]], "compare twice"),
    of_form(lambda a, of: [of["head"], of["end"], of["end"]], "lines after its end"),
    of_form(lambda a, of: [of["head"], of["own"], of["evidence"], of["end"]], "evidence after a record"),
    of_form(lambda a, of: [of["head"], of["evidence"], of["evidence"], of["end"]], "evidence twice"),
    of_form(lambda a, of: [of["evidence"], of["head"], of["end"]], "evidence in front"),
    of_form(lambda a, of: [of["head"], next_line(Author("lund").id)], "ending as another author's"),
    of_form(lambda a, of: [of["head"], b'{"next":{}}'], "ending as nobody's"),
    of_form(lambda a, of: [of["head"], of["room"], of["own"], of["end"]], "seq going back"),
    of_form(lambda a, of: [of["head"], of["own"], of["own"], of["end"]], "seq standing still"),
    of_form(
        lambda a, of: [of["head"], of["room"], leaf_line(Leaf(bytes(32), bytes(32), 1)), of["end"]],
        "a leaf whose seq goes back",
    ),
    of_form(lambda a, of: [of["head"], leaf_line(Leaf(bytes(32), bytes(32), 0)), of["end"]], "a leaf of seq 0"),
    of_form(lambda a, of: [of["head"], put_line(record_of(a, 4)), of["end"]], "a record newer than its head"),
    of_form(
        lambda a, of: [of["head"], leaf_line(Leaf(bytes(32), bytes(32), 4)), of["end"]], "a leaf newer than its head"
    ),
    of_form(
        lambda a, of: [head_line(a.head_with(count=2)), of["own"], of["room"], of["desk"], of["end"]],
        "more records than its head says",
    ),
    of_form(
        lambda a, of: [head_line(a.head_with(count=2)), *map(leaf_line, map(leaf_of, a.records.values())), of["end"]],
        "more leaves than its head says",
    ),
    of_form(
        lambda a, of: [head_line(a.head_with(size=a.head.size - 1)), of["own"], of["room"], of["desk"], of["end"]],
        "more bytes than its head says",
    ),
    of_form(
        lambda a, of: [of["head"], put_line(record_of(a, 0, visibility="local")), of["end"]],
        "a record for its own node alone",
    ),
    of_form(
        lambda a, of: [of["head"], put_line(record_of(Author("lund"), 1)), of["end"]], "a record of another author"
    ),
    of_form(lambda a, of: [head_line(moved_on(Author("lund")).head), of["end"]], "a head of another author"),
    of_form(lambda a, of: [card_line(Author("lund").card), of["head"], of["end"]], "a card of another author"),
    of_form(
        lambda a, of: [of["head"], beat_line(moved_on(Author("lund")).beat(NOW)), of["end"]], "a beat of another author"
    ),
    of_form(
        lambda a, of: [of["head"], of["own"], next_line(a.id, after=2)], "going on after another seq than its last"
    ),
    of_form(lambda a, of: [of["head"], next_line(a.id, after=0)], "going on without having brought anything"),
    of_form(lambda a, of: [of["head"], b'{"put":[]}', of["end"]], "a record that is none"),
    of_form(lambda a, of: [of["head"], b'{"del":{"k":"00","seq":1}}', of["end"]], "a removal without a key"),
    of_form(
        lambda a, of: [of["head"], line_of("leaf", encode({"k": "0" * 64, "v": "0" * 64})), of["end"]],
        "a leaf without seq",
    ),
    of_form(lambda a, of: [of["head"], b'{"blob":{}}', of["end"]], "a line of an unknown tag"),
    of_form(lambda a, of: [of["head"], b'{"next":{},"put":{}}'], "a line of two members"),
    of_form(lambda a, of: [of["head"], b'{"del": {}}', of["end"]], "a line that is not canonical"),
    of_form(lambda a, of: [of["head"], of["own"][:-1] + b" " * 70_000 + b"}", of["end"]], "a line that is too long"),
]


@pytest.mark.parametrize("change", MALFORMED)
def test_a_block_is_malformed_when_it_comes(change):
    author = tartu()
    card, head, own, room, desk, end = author.block_lines()
    fork = Evidence((author.card, another_card_of(author)), ())
    lines = {
        "card": card,
        "head": head,
        "own": own,
        "room": room,
        "desk": desk,
        "end": end,
        "beat": beat_line(author.beat(NOW)),
        "del": del_line(bytes(32), 1),
        "evidence": evidence_line(fork),
    }
    with pytest.raises(Malformed):
        read(change(author, lines), author)


# Pages


def paged(author: Author, pages: int, changes: Callable[[int], None] = lambda page: None) -> Block:
    """The block read one record a page; `changes` happen after each page."""
    block = Block(author.id)
    for page in range(pages):
        block.read(author.block_lines(Want(author.id, after=block.after or 0), page=1), Limits())
        if block.after is None:
            return block
        changes(page)
    raise AssertionError(f"the block has more than {pages} pages")


def test_a_block_in_pages_is_the_same_block():
    author = tartu()
    block = paged(author, 3)
    assert block.records == author.records
    assert accepted(judge(block, None, network=NETWORK, now=NOW, limits=Limits())).tree.root == author.head.root


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda author: author.put("event", {"title": "new"}, "new"), id="a record added"),
        pytest.param(
            lambda author: author.put("organisation", {"name": "Renamed park, at length"}, "own"),
            id="a told record replaced",
        ),
        pytest.param(lambda author: author.put("contact", {"phone": "+1"}, "desk"), id="a coming record replaced"),
    ],
)
def test_pages_under_a_newer_head_add_up_to_it(change):
    author = tartu()

    def after(page: int) -> None:
        if page == 0:
            change(author)
            author.commit()

    block = paged(author, 5, after)
    assert block.head == author.head
    assert accepted(judge(block, None, network=NETWORK, now=NOW, limits=Limits())).tree.root == author.head.root


def test_a_record_told_on_one_page_and_removed_before_the_next_is_forgotten():
    author = tartu()
    held, want = author.held(), author.want()
    author.put("venue", {"name": "Brief"}, "brief")
    author.put("venue", {"name": "Lasting"}, "lasting")
    author.commit()
    block = Block(author.id)
    block.read(author.block_lines(want, page=1), Limits())
    assert [record.id for record in block.records.values()] == ["brief"]
    author.remove("venue", "brief")
    author.commit()
    block.read(author.block_lines(replace(want, after=block.after or 0), page=1), Limits())
    assert [record.id for record in block.records.values()] == ["lasting"]
    assert accepted(judge(block, held, network=NETWORK, now=NOW, limits=Limits())).tree.root == author.head.root


def test_a_page_that_comes_twice_is_malformed():
    author = tartu()
    block = Block(author.id)
    first = author.block_lines(page=1)
    block.read(first, Limits())
    with pytest.raises(Malformed):
        block.read(first, Limits())


def test_pages_together_keep_the_bounds_of_the_head():
    author = tartu()
    author.heads = []
    card, head = card_line(author.card), head_line(author.head_with(count=1))
    own, room = (put_line(record) for record in list(author.records.values())[:2])
    block = Block(author.id)
    block.read([card, head, own, next_line(author.id, after=1)], Limits())
    with pytest.raises(Malformed, match="more records"):
        block.read([card, head, room, next_line(author.id)], Limits())


# Comparing


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda author, want: replace(want, epoch=7), id="of another epoch"),
        pytest.param(lambda author, want: replace(want, head=bytes([1]) * 32), id="from an unknown head"),
        pytest.param(lambda author, want: author.prune() or want, id="whose removals were pruned"),
    ],
)
def test_a_server_that_can_t_tell_the_changes_says_compare(spoil):
    author = tartu()
    held, want = author.held(), author.want()
    moved_on(author, 2)
    lines = author.block_lines(spoil(author, want))
    assert read(lines, author).compare
    assert isinstance(judged(lines, author, held, now=NOW + 2 * PRUNED_AFTER), Compare)


def test_comparing_finds_what_a_hidden_change_left_out():
    """The whole repair: find the prefixes that differ, ask for their leaves, judge again."""
    author = tartu()
    for i in range(30):
        author.put("venue", {"name": f"Room {i}"}, f"r{i}")
    author.commit()
    held = author.held()
    author.put("venue", {"name": "Revised"}, "r7")
    gone = author.remove("venue", "r8")
    author.commit()
    theirs, mine = set(author.tree.subtrees("", 8)), set(held.tree.subtrees("", 8))
    prefixes = tuple(sorted({each.prefix for each in theirs ^ mine}))
    want = author.want(prefixes=prefixes)
    block = read(author.block_lines(want), author)
    mine_below = {key for prefix in prefixes for key, _ in held.tree.items(prefix)}
    block.removed |= mine_below - block.records.keys()
    assert gone in block.removed
    # The chain is the newest head alone here; it continues the one held.
    assert (
        accepted(judge(block, held, network=NETWORK, now=NOW, limits=Limits(), compared=True)).tree.root
        == author.head.root
    )


def test_leaves_below_prefixes_of_a_head_that_has_moved_are_not_given():
    author = tartu()
    want = author.want(prefixes=("0", "1"))
    moved_on(author)
    assert read(author.block_lines(want), author).compare


# Depth


def keys_sharing(bits: int) -> tuple[bytes, bytes]:
    """Two keys whose first `bits` bits are equal and whose next is not."""
    return bytes(32), (1 << (255 - bits)).to_bytes(32)


def test_a_set_64_deep_is_taken():
    one, other = keys_sharing(63)
    tree = Tree.of({one: bytes(32), other: bytes(32)})
    assert len(tree.prove(one).siblings) == 64
    tree.prove(one).verify_inclusion(tree.root, one, bytes(32))
    assert prefix_of(one, 63) == prefix_of(other, 63)
    assert Tree.of({one: bytes(32)}).changed({other: bytes(32)}).root == tree.root


def test_a_set_deeper_than_64_is_refused_when_it_is_built():
    one, other = keys_sharing(64)
    with pytest.raises(Malformed, match="64"):
        Tree.of({one: bytes(32), other: bytes(32)})


def test_a_set_deeper_than_64_is_refused_when_a_path_is_changed():
    one, other = keys_sharing(64)
    tree = Tree.of({one: bytes(32)} | {bytes([i]) * 32: bytes(32) for i in range(1, 100)})
    with pytest.raises(Malformed, match="64"):
        tree.changed({other: bytes(32)})


def test_a_block_whose_set_is_deeper_than_64_is_refused():
    author = tartu()
    author.heads = []
    one, other = keys_sharing(64)
    lines = [
        card_line(author.card),
        head_line(author.head_with(count=2)),
        leaf_line(Leaf(one, bytes(32), 1)),
        leaf_line(Leaf(other, bytes(32), 2)),
        next_line(author.id),
    ]
    verdict = judged(lines, author)
    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.MALFORMED


# Beats


def beat_of_another_head(author: Author) -> Beat:
    beat = author.beat(NOW)
    moved_on(author)
    return beat


def beat_of_another_epoch(author: Author) -> Beat:
    stolen = author.signing_key
    later = author.twin()
    later.rotate()
    later.commit()
    return Beat.make(stolen, head=later.head, time=NOW, urls=())


@pytest.mark.parametrize(
    ("make", "kept"),
    [
        pytest.param(lambda author: author.beat(NOW), True, id="now"),
        pytest.param(lambda author: author.beat(NOW + CLOCK_TOLERANCE), True, id="as far ahead as a clock may be"),
        pytest.param(lambda author: author.beat(NOW + CLOCK_TOLERANCE + 1), False, id="from the future"),
        pytest.param(lambda author: author.beat(NOW - 60 * DAY), True, id="long expired, it says since when"),
        pytest.param(beat_of_another_head, False, id="of another head"),
        pytest.param(beat_of_another_epoch, False, id="of another epoch"),
        pytest.param(
            lambda author: Beat.make(key_named("thief"), head=author.head, time=NOW, urls=()), False, id="forged"
        ),
    ],
)
def test_a_beat_that_does_not_hold_is_ignored_and_the_block_is_taken(make, kept):
    author = tartu()
    beat = make(author)
    card, head, *rest = (line for line in author.block_lines() if b'{"beat"' not in line)
    verdict = accepted(judged([card, head, beat_line(beat), *rest], author))
    assert verdict.beat == (beat if kept else None)


@pytest.mark.parametrize(
    ("lasts", "good"),
    [
        pytest.param(names.LONGEST_BEAT, True, id="14 days"),
        pytest.param(names.LONGEST_BEAT + 1, False, id="a second more"),
        pytest.param(0, False, id="no time at all"),
        pytest.param(-DAY, False, id="less than no time"),
    ],
)
def test_a_beat_lasts_up_to_14_days(lasts, good):
    author = tartu()
    if good:
        assert author.beat(NOW, lasts=lasts).expires == NOW + lasts
    else:
        with pytest.raises(Malformed):
            author.beat(NOW, lasts=lasts)


# Evidence that is none


def heads_of_a_fork() -> tuple[Author, Head, Head]:
    mine, other = fork_by_the_same_prev()
    return mine, mine.head, other.head


EVIDENCE = [
    pytest.param(lambda a, one, two: ((a.card,), (one, a.heads[-2])), Forged, id="two heads of one honest chain"),
    pytest.param(lambda a, one, two: ((a.card,), (a.heads[0], one, a.heads[0])), Forged, id="one head twice"),
    pytest.param(lambda a, one, two: ((a.card, a.card), ()), Forged, id="one card twice"),
    pytest.param(lambda a, one, two: ((a.card, Author("lund").card), ()), Forged, id="the cards of two authors"),
    pytest.param(lambda a, one, two: ((Author("lund").card,), (one, two)), Forged, id="another author's card"),
    pytest.param(lambda a, one, two: ((a.card,), ()), Malformed, id="a card alone"),
    pytest.param(lambda a, one, two: ((a.card,), (one,)), Malformed, id="one head"),
    pytest.param(lambda a, one, two: ((), (one, two)), Malformed, id="no card"),
    pytest.param(lambda a, one, two: ((a.card, another_card_of(a)), (one, two)), Malformed, id="two cards and heads"),
    pytest.param(lambda a, one, two: ((a.card,), (one, two, one, two)), Malformed, id="four heads"),
]


@pytest.mark.parametrize(("made", "error"), EVIDENCE)
def test_evidence_is_refused_when_it_is(made, error):
    author, one, two = heads_of_a_fork()
    with pytest.raises(error):
        Evidence.parse(Evidence(*made(author, one, two)).as_value())


def test_cards_with_an_empty_list_of_heads_are_a_second_spelling_and_refused():
    author = tartu()
    value = Evidence((author.card, another_card_of(author)), ()).as_value()
    Evidence.parse(value)
    with pytest.raises(Malformed):
        Evidence.parse({**value, "heads": []})


# Limits that keep evidence small enough to be told


def padded_head(author: Author, root: bytes, size: int) -> Head:
    """A head with an unknown member that makes its statement `size` bytes long."""
    statement = decode(author.head_with(root=root).signed.line)["statement"]
    empty = len(encode({**statement, "pad": ""}))
    return Head.parse(decode(sign(author.signing_key, {**statement, "pad": "x" * (size - empty)}).line))


def test_the_largest_evidence_fits_a_line():
    author = tartu()
    first = padded_head(author, bytes([1]) * 32, names.LARGEST_HEAD)
    second = padded_head(author, bytes([2]) * 32, names.LARGEST_HEAD)
    evidence = Evidence((author.card,), (first, second, author.head))
    tag, value = parse_line(evidence_line(evidence))
    assert (tag, len(value["heads"])) == ("evidence", 3)
    assert Evidence.parse({**value, "heads": value["heads"][:2]}).heads == (first, second)


def test_a_statement_larger_than_evidence_could_hold_is_refused():
    with pytest.raises(Malformed):
        padded_head(tartu(), bytes(32), names.LARGEST_HEAD + 1)


def test_a_statement_nested_deeper_than_evidence_could_hold_is_refused():
    author = tartu()
    statement = decode(author.head.signed.line)["statement"]
    for levels, good in ((7, True), (8, False)):
        signed = sign(author.signing_key, {**statement, "deep": nested(levels)})
        if good:
            Head.parse(decode(signed.line)).verify(author.card)
        else:
            with pytest.raises(Malformed):
                Head.parse(decode(signed.line))


def test_an_hour_has_one_spelling_in_every_python():
    for late in ("2026-11-21T24:00:00Z", "2026-11-21T23:60:00Z", "2026-11-21T23:59:60Z", "2026-02-29T12:00:00Z"):
        with pytest.raises(Malformed):
            names.parse_time(late)
