"""The specification is tested: every JSON example in it is canonical, parses, and proves what the text says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import node.protocol
from node.joining.invitation import LASTS as INVITATION_LASTS
from node.joining.invitation import Link, proves
from node.joining.invitation import proof as proof_of_joining
from node.joining.messages import LONGEST, JoinRequest
from node.protocol import names
from node.protocol.blocks import LARGEST_LINE, LINE_TAGS, Block, Limits, Want, parse_leaf, parse_line
from node.protocol.canonical import DEEPEST, decode, encode
from node.protocol.evidence import Evidence
from node.protocol.keys import PrivateKey
from node.protocol.messages import (
    LARGEST_MESSAGE,
    LARGEST_SEALED,
    LONGEST_LIFE,
    LONGEST_REASON,
    Acknowledgement,
    Message,
    Sealed,
)
from node.protocol.record import Record, tree_key
from node.protocol.signed_record import SignedRecord
from node.protocol.statements import DEEPEST_STATEMENT, Beat, Card, Head, Hello
from node.protocol.tree import EMPTY, Proof, Subtree, Tree
from node.protocol.verdicts import CLOCK_TOLERANCE, PRUNED_AFTER, Accepted, Held, judge
from node.roaming.arrivals import MEMBERS as ARRIVAL
from node.roaming.node_keys import OLD_SEALING_DAYS
from node.roaming.passes import CLAIMS, MOST_VENUES, TYPE, Token
from node.roaming.passes import HOURS as PASS_HOURS
from node.roaming.passes import LONGEST as LONGEST_PASS
from node.roaming.post_office import AT_ONCE
from node.roaming.request import Request as VisitRequest
from node.roaming.status import LARGEST as LARGEST_STATUS_LIST
from node.roaming.verdicts import LEEWAY
from node.roaming.verdicts import Rules as DeskRules
from node.roaming.visit import LONGEST_NOTE, MOST_DAYS, MOST_MOVES, SAYS, TABLE, Move, Side
from node.roaming.visit import MOST_DAYS as VISIT_DAYS
from node.roaming.visits import SILENCE
from node.storage.joining import LASTS as JOIN_LASTS
from node.trust.safety_words import N, safety_words
from tests.vectors.generate import AUTHOR, NOON, generate
from tests.vectors.messages import generate as generate_messages

SPEC = (Path(node.protocol.__file__).parent / "SPEC.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)\n```$", SPEC, re.MULTILINE | re.DOTALL)
PLAIN = re.findall(r"^```text\n(.*?)\n```$", SPEC, re.MULTILINE | re.DOTALL)
LINES = [line for example in EXAMPLES for line in example.split("\n")]
VECTORS = generate()
MESSAGES = generate_messages()
CARD = Card.parse(VECTORS["card"])
SECOND, THIRD = (Head.parse(VECTORS["heads"][name]) for name in ("second", "third"))
RECORDS = [Record.parse(each["canonical"].encode()) for each in VECTORS["records"]]


def tree_of(*seqs: int) -> Tree:
    return Tree.of({record.key: record.value for record in RECORDS if record.seq in seqs})


AT_SECOND, AT_THIRD = tree_of(1, 2, 3, 4, 5), tree_of(1, 2, 4, 7)


# Each reads one form of example strictly, and checks that it holds.


STATEMENTS = {
    "card": Card,
    "head": Head,
    "beat": Beat,
    "hello": Hello,
    "message": Message,
    "acknowledgement": Acknowledgement,
}


def signed(value: Any) -> None:
    statement = STATEMENTS[value["statement"]["type"]].parse(value)
    if isinstance(statement, Acknowledgement):
        statement.verify(Card.parse(MESSAGES["keys"]["recipient_card"]))
    elif not isinstance(statement, Card):
        statement.verify(CARD)
    assert statement.signed.line == encode(value)
    if isinstance(statement, Message | Acknowledgement):
        assert value in [MESSAGES[name]["signed"] for name in ("message", "taken", "refused")]


def sealed(value: Any) -> None:
    assert Sealed.parse(encode(value)).header.decode() in PLAIN
    assert value == MESSAGES["message"]["sealed"]


def record(value: Any) -> None:
    assert Record.parse(encode(value)) in RECORDS


def proof(value: Any) -> None:
    found = Proof.parse(value)
    proven = {("venue", "v9p5w0xe"), ("contact", "c0d4j8sb"), ("venue", "none0")}
    keys = [tree_key(*name) for name in proven if AT_THIRD.prove(tree_key(*name)) == found]
    assert len(keys) == 1
    if here := AT_THIRD.get(keys[0]):
        found.verify_inclusion(THIRD.root, keys[0], here)
    else:
        found.verify_absence(THIRD.root, keys[0])


def line(value: Any) -> None:
    tag, content = parse_line(encode(value))
    if tag in ("card", "head", "beat"):
        signed(content)
    elif tag == "put":
        record(content)
    elif tag == "leaf":
        leaf = parse_leaf(content)
        assert AT_SECOND.get(leaf.key) == leaf.value
    elif tag == "evidence":
        assert Evidence.parse(content).author == AUTHOR
    elif tag == "del":
        assert AT_SECOND.get(names.parse_hash(content["k"]))
        assert AT_THIRD.get(names.parse_hash(content["k"])) is None
    else:
        assert (tag, content) == ("next", {"author": AUTHOR})


def wishes(value: Any) -> None:
    assert [Want.parse(each).as_value() for each in value] == value


def subtrees(value: Any) -> None:
    found = [Subtree(each["prefix"], names.parse_hash(each["hash"]), each["leaves"]) for each in value["subtrees"]]
    assert found == AT_THIRD.subtrees("", 2)


def well_known(value: Any) -> None:
    for name in ("card", "beat", "hello"):
        signed(value[name])
    assert value["limits"] == {"records": Limits().records, "bytes": Limits().size}
    assert value["protocols"] == [1]


def signed_record(value: Any) -> None:
    assert SignedRecord.parse(value).line == encode(value)


def join_request(value: Any) -> None:
    request = JoinRequest.parse(encode(value))
    newcomer = SignedRecord.parse(request.key_card).card.author
    link = Link.parse(re.findall(r"^link +(\S+)$", SPEC, re.MULTILINE)[0])
    assert (link.node_id, link.id) == (AUTHOR, request.invitation)
    assert proves(request.proof, link.key, "newcomer", by=newcomer, to=AUTHOR, confirmed=False)
    answered = proof_of_joining(link.key, "inviter", by=AUTHOR, to=newcomer, confirmed=True)
    assert f"{request.proof}\n{answered}" in PLAIN
    assert f"invitation   {link.id}\nkey          {link.key.hex()}" in SPEC
    words = " ".join(safety_words(AUTHOR, newcomer))
    assert f"{AUTHOR}\n{newcomer}\n{words}" in PLAIN


PASS_KEY = PrivateKey(bytes(range(0x30, 0x50)))


def pass_part(value: Any) -> None:
    [text] = [each for each in PLAIN if each.startswith("eyJ")]
    token = Token.parse(text)
    token.check(PASS_KEY.public)
    assert f"`{names.encode_base64(PASS_KEY.public)}`" in SPEC
    assert value in ({"alg": "Ed25519", "kid": token.kid, "typ": TYPE}, token.claims.as_claims())
    assert token.claims.sign(token.kid, PASS_KEY) == text


def visit_part(value: Any) -> None:
    side = Side.GUEST if "request" in value else Side.HOST
    assert Move.parse(value["move"], side).as_value() == value["move"]
    if side is Side.GUEST:
        assert VisitRequest.parse(value["request"]).as_value() == value["request"]


def arrival(value: Any) -> None:
    assert value["type"] == "arrival"


def any_value(value: Any) -> None:
    assert set(value) == {"Z", "_", "a-b", "en"}


def form_of(value: Any) -> Callable[[Any], None]:
    """What an example is; an example of a form that nothing reads fails here."""
    if isinstance(value, list):
        return wishes
    if len(value) == 1 and value.keys() <= LINE_TAGS:
        return line
    forms: dict[frozenset[str], Callable[[Any], None]] = {
        frozenset({"signature", "statement"}): signed,
        frozenset({"siblings"}): proof,
        frozenset({"siblings", "end"}): proof,
        frozenset({"card", "head", "record", "proof"}): signed_record,
        frozenset({"subtrees"}): subtrees,
        frozenset({"confirmed", "invitation", "key_card", "proof"}): join_request,
        frozenset({"card", "beat", "hello", "protocols", "limits", "security"}): well_known,
        frozenset({"from", "id", "key", "sealed", "to"}): sealed,
        frozenset({"alg", "kid", "typ"}): pass_part,
        CLAIMS: pass_part,
        frozenset({"move", "request", "visit"}): visit_part,
        frozenset({"move", "visit"}): visit_part,
        ARRIVAL: arrival,
        frozenset({"Z", "_", "a-b", "en"}): any_value,
    }
    return record if value.get("type") == "record" else forms[frozenset(value)]


@pytest.mark.parametrize("example", LINES, ids=lambda text: text[:40])
def test_an_example_is_canonical_and_holds(example):
    value = decode(example.encode())
    form_of(value)(value)


def test_every_form_that_a_node_sends_has_an_example():
    forms = {form_of(json.loads(each)) for each in LINES}
    assert forms == {
        any_value, signed, record, proof, line, wishes, signed_record, well_known, subtrees, join_request, sealed,
        pass_part, visit_part, arrival,
    }  # fmt: skip
    statements = {
        json.loads(each).get("statement", {}).get("type") for each in LINES if each.startswith('{"signature"')
    }
    assert statements == STATEMENTS.keys()
    tags = {next(iter(json.loads(each))) for each in LINES if form_of(json.loads(each)) is line}
    assert tags == {"head", "beat", "del", "put", "leaf", "evidence", "next"}


def test_the_example_of_a_block_is_accepted_by_a_reader_of_the_head_before():
    [example] = [each for each in EXAMPLES if each.count("\n") > 1]
    [wish] = [json.loads(each) for each in LINES if each.startswith("[")]
    want = Want.parse(wish[0])
    assert (want.epoch, want.since, want.head) == (*SECOND.order, SECOND.hash)
    block = Block(want.author)
    block.read(example.encode().split(b"\n"), Limits())
    held = Held(CARD, SECOND, NOON, AT_SECOND)
    verdict = judge(block, held, network="test", now=NOON + 7200, limits=Limits())
    assert isinstance(verdict, Accepted)
    assert verdict.beat is not None
    assert verdict.tree.root == THIRD.root


def test_every_section_that_the_code_cites_is_there():
    titles = re.findall(r"^##+ (.+)$", SPEC, re.MULTILINE)
    cited = {
        title
        for source in Path(node.protocol.__file__).parents[1].rglob("*.py")
        for title in re.findall(r'SPEC, "([^"]+)"', source.read_text(encoding="utf-8"))
    }
    assert cited
    assert cited <= set(titles)


def test_the_hashes_and_ids_in_the_text_are_those_of_the_vectors():
    room = RECORDS[-1]
    leaf = Tree.of({room.key: room.value}).root
    text = "\n".join(PLAIN)
    for figure in (AUTHOR, VECTORS["keys"]["root_public"], room.key.hex(), room.value.hex(), leaf.hex()):
        assert figure in text
    assert CARD.signed.statement.decode() in PLAIN
    assert f"`{THIRD.hash.hex()}`" in SPEC
    assert f"these {len(CARD.signed.statement)} bytes" in SPEC


def test_the_table_of_visits_is_the_one_in_the_code():
    rows = re.findall(r"^\| `(\w+)` \| (guest|host) \| ([^|]+) \| ([a-z-]+) \|$", SPEC, re.MULTILINE)
    written = {
        (None if state == "nothing" else state, event): (side, after)
        for event, side, before, after in rows
        for state in before.replace(", with the same `days`", "").strip().split(", ")
    }
    assert written == {(state, event): (SAYS[event], after) for (state, event), after in TABLE.items()}


@pytest.mark.parametrize(
    ("sentence", "figure"),
    [
        ("a record | {:,} bytes", names.LARGEST_RECORD),
        ("31 levels", DEEPEST - 1 == 31),
        ("any other statement | {:,} bytes", names.LARGEST_STATEMENT),
        ("bytes, {} levels |\n| a line", DEEPEST_STATEMENT),
        ("a line | {:,} bytes", LARGEST_LINE),
        ("bytes, {} levels |\n| a tree", DEEPEST),
        ("a beat | {} days", names.LONGEST_BEAT // 86_400),
        ("ahead of mine | {} seconds", CLOCK_TOLERANCE),
        ("heads in one block, and of one author kept | {:,}", Limits().heads),
        ("every node MUST take {:,} records", Limits().records),
        ("records and {:,} bytes", Limits().size),
        ("more than {} days ago", PRUNED_AFTER // 86_400),
        ("EMPTY = {} zero bytes", len(EMPTY)),
        ("good for {} hours", INVITATION_LASTS // 3600),
        ("both within {} days", JOIN_LASTS // 86_400),
        ("Both have at most {:,} bytes", LONGEST),
        ("N = {}, r = 8, p = 1", N),
        ("a message | {:,} bytes", LARGEST_MESSAGE),
        ("sealed {:,} bytes", LARGEST_SEALED),
        ("and at most {} days after it. It is signed", LONGEST_LIFE // 86_400),
        ("a sentence of at most {} code\npoints", LONGEST_REASON),
        ("up to {} sealed messages", AT_ONCE),
        ("a pass has at most {:,} characters", LONGEST_PASS),
        ("`venues` (1 to {} ids", MOST_VENUES),
        ("and at most {} hours after `nbf`", PASS_HOURS),
        ("at most {}), `iat`", MOST_DAYS),
        ("MUST NOT unpack more than {:,} bytes", LARGEST_STATUS_LIST),
        ("more than {} seconds ahead", LEEWAY),
        ("older than the desk allows ({} hours)", DeskRules().stale_hours),
        ("of them. `note`: at most\n{:,} code points", LONGEST_NOTE),
        ("calendar, 1 to {} of them", VISIT_DAYS),
        ("from 1 on (`no`, at most {})", MOST_MOVES),
        ("reminds {} hours after", SILENCE // 3600),
        ("keeps an old sealing key for {} days", OLD_SEALING_DAYS),
    ],
)
def test_a_limit_in_the_text_is_the_one_in_the_code(sentence, figure):
    assert figure
    assert sentence.format(figure) in SPEC
