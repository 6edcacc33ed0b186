"""The bytes that every implementation agrees on: each part of the file holds, and the code makes the whole file."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.errors import Forged, Malformed
from node.protocol import canonical, evidence, names
from node.protocol.keys import PrivateKey
from node.protocol.record import Record, tree_key
from node.protocol.signed_record import SignedRecord
from node.protocol.statements import NO_HASH, Beat, Card, Head
from node.protocol.tree import Proof, Tree
from tests.vectors.generate import generate, thousand_rooms

FILE = Path(__file__).parent.parent / "vectors" / "protocol.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
KEYS = VECTORS["keys"]
CARD = Card.parse(VECTORS["card"])
HEADS = {name: Head.parse(value) for name, value in VECTORS["heads"].items()}
RECORDS = [Record.parse(each["canonical"].encode()) for each in VECTORS["records"]]
STATE = [record for record in RECORDS if record.seq in (1, 2, 4, 7)]
PRESENT = {(record.kind, record.id) for record in STATE}


def tree_of(records: list[Record]) -> Tree:
    return Tree.of({record.key: record.value for record in records})


def size_of(records: list[Record]) -> int:
    return sum(len(record.line) for record in records)


def signed_lines() -> list[Any]:
    statements = {"card": VECTORS["card"], "card_epoch_2": VECTORS["card_epoch_2"], "beat": VECTORS["beat"]}
    statements |= {f"head {name}": head for name, head in VECTORS["heads"].items()}
    return [pytest.param(value, id=name) for name, value in statements.items()]


def members_of(value: Any, path: str = "") -> dict[str, Any]:
    """Every scalar (and empty container) in a JSON value under its path, so that a difference has a name."""
    if isinstance(value, dict) and value:
        return {name: each for key in value for name, each in members_of(value[key], f"{path}/{key}").items()}
    if isinstance(value, list) and value:
        return {
            name: each for i, member in enumerate(value) for name, each in members_of(member, f"{path}/{i}").items()
        }
    return {path: value}


def test_the_code_makes_every_member_of_the_file():
    assert members_of(generate()) == members_of(VECTORS)


def test_the_code_makes_the_file_in_the_same_types():
    # `==` takes 1 for True; the written form doesn't.
    assert json.dumps(generate(), sort_keys=True) == json.dumps(VECTORS, sort_keys=True)


@pytest.mark.parametrize("line", VECTORS["canonical"]["valid"])
def test_a_canonical_line_is_read_and_written_back_as_it_is(line):
    assert canonical.encode(canonical.decode(line.encode())) == line.encode()


@pytest.mark.parametrize(
    "line",
    [pytest.param(each["line"], id=f"{each['why']}-{i}") for i, each in enumerate(VECTORS["canonical"]["invalid"])],
)
def test_a_line_that_is_not_canonical_is_refused(line):
    with pytest.raises(Malformed):
        canonical.decode(line.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("private", "public"), [("root_private", KEYS["root_public"]), ("signing_private", KEYS["signing_public"])]
)
def test_a_private_key_has_the_public_key_that_the_file_names(private, public):
    assert names.encode_base64(PrivateKey(bytes.fromhex(KEYS[private])).public) == public


def test_the_second_epoch_s_signing_key_is_the_one_on_its_card():
    key = PrivateKey(bytes.fromhex(KEYS["signing_private_epoch_2"]))
    assert Card.parse(VECTORS["card_epoch_2"]).signing == key.public


def test_the_node_id_is_made_from_the_root_key():
    assert names.node_id(names.decode_base64(KEYS["root_public"], 32)) == KEYS["node_id"] == CARD.author


def test_the_second_card_is_of_the_same_author_and_root_and_the_next_epoch():
    second = Card.parse(VECTORS["card_epoch_2"])
    assert (second.author, second.root, second.network) == (CARD.author, CARD.root, CARD.network)
    assert (CARD.epoch, second.epoch) == (1, 2)


@pytest.mark.parametrize("value", signed_lines())
def test_a_signed_statement_travels_in_the_file_s_bytes_and_its_signature_is_the_signer_s(value):
    kind = value["statement"]["type"]
    statement = {"card": Card, "head": Head, "beat": Beat}[kind].parse(value)
    signer = PrivateKey(bytes.fromhex(KEYS["root_private" if kind == "card" else "signing_private"]))
    assert statement.signed.line == canonical.encode(value)
    assert signer.sign(canonical.encode(value["statement"])) == statement.signed.signature
    if kind != "card":
        statement.verify(CARD)


@pytest.mark.parametrize("value", signed_lines())
def test_a_signed_statement_with_one_letter_of_its_signature_changed_is_forged(value):
    letter = "B" if value["signature"][10] == "A" else "A"
    altered = {**value, "signature": value["signature"][:10] + letter + value["signature"][11:]}
    with pytest.raises(Forged):
        if value["statement"]["type"] == "card":
            Card.parse(altered)
        else:
            {"head": Head, "beat": Beat}[value["statement"]["type"]].parse(altered).verify(CARD)


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda each: f"seq {json.loads(each['canonical'])['seq']}")
def test_a_record_has_the_key_and_value_that_the_file_names(vector):
    record = Record.parse(vector["canonical"].encode())
    assert (record.key.hex(), record.value.hex()) == (vector["key"], vector["value"])


@pytest.mark.parametrize(
    "vector", [tree for tree in VECTORS["trees"] if "records" in tree], ids=lambda tree: tree["name"]
)
def test_a_tree_of_the_listed_records_has_the_file_s_root(vector):
    assert tree_of([Record.parse(line.encode()) for line in vector["records"]]).root.hex() == vector["root"]


def test_a_tree_of_the_thousand_generated_rooms_has_the_file_s_root():
    [vector] = [tree for tree in VECTORS["trees"] if "generate" in tree]
    assert tree_of(thousand_rooms()).root.hex() == vector["root"]


@pytest.mark.parametrize(
    ("name", "seqs"),
    [
        ("first", (1, 2, 3, 4)),
        ("second", (1, 2, 3, 4, 5)),
        ("third", (1, 2, 4, 7)),
        ("forks_from_second", (1, 2, 4)),
    ],
)
def test_a_head_counts_the_records_the_bytes_and_the_root_of_its_set(name, seqs):
    records, head = [record for record in RECORDS if record.seq in seqs], HEADS[name]
    assert (head.count, head.size, head.root) == (len(records), size_of(records), tree_of(records).root)


def test_the_heads_are_chained_from_no_hash_on():
    assert HEADS["first"].prev == NO_HASH
    assert HEADS["second"].prev == HEADS["first"].hash
    assert HEADS["third"].prev == HEADS["forks_from_second"].prev == HEADS["second"].hash


def test_the_two_heads_after_the_second_are_evidence_that_survives_being_passed_on():
    proof = evidence.of_heads(CARD, HEADS["third"], [HEADS["forks_from_second"]])
    assert proof is not None
    passed_on = evidence.Evidence.parse(canonical.decode(canonical.encode(proof.as_value())))
    assert passed_on == proof
    assert (passed_on.author, passed_on.epoch) == (CARD.author, 1)


def test_the_honest_chain_is_no_evidence():
    assert evidence.of_heads(CARD, HEADS["first"], [HEADS["second"], HEADS["third"]]) is None


def test_the_beat_is_of_the_third_head_and_lasts_a_fortnight():
    beat = Beat.parse(VECTORS["beat"])
    assert beat.head == HEADS["third"].hash
    assert beat.expires - beat.time == names.LONGEST_BEAT
    assert beat.urls == ("https://node.tartu.example/",)


@pytest.mark.parametrize("name", ["inclusion", "absence", "absence_at_another_leaf"])
def test_a_proof_verifies_and_the_tree_makes_the_same_one(name):
    vector = VECTORS["proofs"][name]
    proof = Proof.parse({member: vector[member] for member in ("siblings", "end") if member in vector})
    key, root = tree_key(vector["kind"], vector["id"]), bytes.fromhex(vector["root"])
    tree = tree_of(STATE)
    assert tree.prove(key) == proof
    if (vector["kind"], vector["id"]) in PRESENT:
        proof.verify_inclusion(root, key, tree.get(key) or b"")
        with pytest.raises(Forged):
            proof.verify_absence(root, key)
    else:
        proof.verify_absence(root, key)
        with pytest.raises(Forged):
            proof.verify_inclusion(root, key, RECORDS[0].value)


def test_the_signed_record_verifies_and_is_written_in_the_same_bytes():
    signed = SignedRecord.parse(VECTORS["signed_record"])
    assert signed.line == canonical.encode(VECTORS["signed_record"])
    assert (signed.record.kind, signed.record.id, signed.record.body["capacity"]) == ("venue", "v9p5w0xe", 16)
