"""A record that proves itself, and what is refused in a file that somebody mailed."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from node.errors import Forged, Malformed
from node.protocol import canonical, names
from node.protocol.record import tree_key
from node.protocol.signed_record import SignedRecord
from node.protocol.statements import Beat, Head
from node.protocol.tree import EMPTY, Proof, Tree
from tests.protocol.builders import NOW, Author, key_named


def author() -> Author:
    tartu = Author("tartu")
    tartu.put("venue", {"name": "Sõbra"}, "room")
    tartu.put("venue", {"name": "Desk"}, "desk")
    tartu.commit()
    tartu.beat(NOW)
    return tartu


def test_a_signed_record_comes_back_from_a_pretty_printed_file():
    signed = author().signed_record("venue", "room")
    file = json.dumps(signed.as_value(), indent=2).encode("utf-8-sig")
    assert SignedRecord.parse(canonical.decode_loose(file)) == signed


def test_a_file_with_a_key_given_twice_is_refused():
    with pytest.raises(Malformed, match="twice"):
        canonical.decode_loose(b'{"card": {"a": 1, "a": 2}}')


def of_another_author(a: Author, signed: SignedRecord) -> SignedRecord:
    """Lund's head over Tartu's record: the proof holds, but the record is not Lund's."""
    lund = Author("lund")
    lund.records = a.records
    lund.seq = a.seq
    lund.commit()
    return SignedRecord(lund.card, lund.head, signed.record, signed.proof)


def newer_than_its_head(a: Author, signed: SignedRecord) -> SignedRecord:
    return replace(signed, head=a.head_with(seq=0, prev=bytes(32)), beat=None)


def with_the_beat_of_another_head(a: Author, signed: SignedRecord) -> SignedRecord:
    a.put("venue", {"name": "Later"}, "later")
    a.commit()
    return replace(signed, beat=a.beat(NOW))


def with_a_forged_beat(a: Author, signed: SignedRecord) -> SignedRecord:
    return replace(signed, beat=Beat.make(key_named("thief"), head=a.head, time=NOW, urls=()))


def with_a_forged_head(a: Author, signed: SignedRecord) -> SignedRecord:
    head: Head = a.head_with(key=key_named("thief"))
    return replace(signed, head=head, beat=None)


def with_another_record_s_proof(a: Author, signed: SignedRecord) -> SignedRecord:
    return replace(signed, proof=a.tree.prove(tree_key("venue", "desk")))


def with_an_altered_body(a: Author, signed: SignedRecord) -> SignedRecord:
    return replace(signed, record=a.record("venue", {"name": "Altered"}, "room", 1))


@pytest.mark.parametrize(
    "spoil",
    [
        of_another_author,
        newer_than_its_head,
        with_the_beat_of_another_head,
        with_a_forged_beat,
        with_a_forged_head,
        with_another_record_s_proof,
        with_an_altered_body,
    ],
    ids=lambda spoil: spoil.__name__.replace("_", " "),
)
def test_a_signed_record_is_forged_when_it_is(spoil):
    tartu = author()
    signed = tartu.signed_record("venue", "room")
    SignedRecord.parse(signed.as_value())
    with pytest.raises(Forged):
        SignedRecord.parse(spoil(tartu, signed).as_value())


@pytest.mark.parametrize("missing", ["card", "head", "record", "proof"])
def test_a_signed_record_without_a_part_is_malformed(missing):
    value: dict[str, Any] = author().signed_record("venue", "room").as_value()
    del value[missing]
    with pytest.raises(Malformed):
        SignedRecord.parse(value)


def test_a_proof_below_an_empty_branch_is_forged_even_under_a_root_that_was_made_for_it():
    key, value = bytes(32), bytes([7]) * 32
    leaf = Tree.of({key: value}).root
    no_tree = hashlib.sha256(b"\x01" + leaf + EMPTY).digest()
    with pytest.raises(Forged):
        Proof((EMPTY,)).verify_inclusion(no_tree, key, value)
    with pytest.raises(Forged):
        Proof((EMPTY,)).verify_absence(hashlib.sha256(b"\x01" + EMPTY + EMPTY).digest(), key)


@pytest.mark.parametrize(
    ("spelling", "length"),
    [
        pytest.param("AAAAAAAAAAAAAAAAAAAAAB", 16, id="unused bits set"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAAA==", 16, id="padding"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAA+", 16, id="the other alphabet's plus"),
        pytest.param("/AAAAAAAAAAAAAAAAAAAAA", 16, id="the other alphabet's slash"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAA\n", 16, id="an end of line"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAÀA", 16, id="a letter that is not ASCII"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAA", 16, id="too short"),
        pytest.param(b"AAAAAAAAAAAAAAAAAAAAAA", 16, id="bytes"),
    ],
)
def test_base64_has_one_spelling(spelling, length):
    assert names.decode_base64("A" * 22, length) == bytes(length)
    with pytest.raises(Malformed):
        names.decode_base64(spelling, length)
