"""Each thing that a peer or a stranger could make cost without end has an end. One test a defence."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from node.directory.reader import PUBLIC, Reader
from node.directory.search import Question, search
from node.errors import InputError, TooSlow
from node.federation.sending import FEED_BYTES
from node.joining.key_card import KeyCard
from node.plain import plain
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.statements import Card
from node.protocol.verdicts import Reason, Refusal
from node.storage import authors, partners, records
from node.storage.index import entry
from node.trust.reach import Rules, Standing, reach
from node.trust.vouches import Endorsement, Vouches
from tests.directory.small_node import NETWORK, NOW, SmallNode, adoption_body, key_named, signatory
from tests.federation.test_between_nodes import accepted
from tests.protocol.builders import Author


def two_cards(name: str, epoch: int) -> Evidence:
    root = key_named(f"{name}/root")
    first, second = (
        Card.make(root, network=NETWORK, epoch=epoch, signing=key_named(f"{name}/{n}").public, issued=NOW)
        for n in (1, 2)
    )
    return Evidence((first, second), ())


async def test_of_any_number_of_forks_one_proof_is_kept_and_told(tartu: SmallNode) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    held = tartu.author(paris.id)
    assert held is not None

    def flood(db: Any) -> list[bool]:
        return [authors.keep_evidence(db, held.no, two_cards("paris", epoch)) for epoch in (5, 9, 7, 9, 3)]

    assert tartu.database.write_now(flood) == [True, True, False, False, False]
    assert sum(line.startswith(b'{"evidence":') for line in tartu.feed()) == 1
    assert sum(map(len, tartu.feed())) < FEED_BYTES


async def test_prefixes_within_others_are_looked_at_once(tartu: SmallNode) -> None:
    await tartu.publish()
    paris = signatory("paris")
    tartu.befriend(paris)
    accepted(await tartu.take(paris.block_lines(), paris))
    held = tartu.author(paris.id)
    assert held is not None
    looks: list[str] = []

    def below(db: Any) -> list[Any]:
        db.set_trace_callback(looks.append)
        try:
            return list(records.below(db, held.no, ["", "0", "01", "1", *["0101"] * 1000], 0))
        finally:
            db.set_trace_callback(None)

    found = tartu.database.read_now(below)
    assert len(found) == held.count
    assert sum("BETWEEN" in look for look in looks) == 1


async def test_a_blocked_partner_is_pushed_nothing(tmp_path: Path) -> None:
    lund = signatory("lund")
    tartu = SmallNode(tmp_path, blocked=[lund.id])
    tartu.befriend(lund)
    assert not tartu.receiver.honours(lund.id)
    tartu.close()


@pytest.mark.parametrize(
    "text", [" ".join("abcdefghi"), "one two three four five six seven eight nine"], ids=["letters", "words"]
)
def test_a_search_of_too_many_words_is_refused(tartu: SmallNode, text: str) -> None:
    reader = Reader(PUBLIC, NOW, tartu.id, tartu.acceptance.known)
    with pytest.raises(InputError, match="up to 8 words"):
        tartu.database.read_now(lambda db: search(db, reader, Question.parse({"q": text})))


async def test_a_question_that_takes_too_long_is_ended_and_others_go_on(tartu: SmallNode) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    async with asyncio.timeout(10):
        with pytest.raises(TooSlow, match="takes too long"):
            await tartu.database.query(lambda db: db.execute(endless).fetchone(), 0.05)
        assert await tartu.database.query(lambda db: db.execute("SELECT 1").fetchone(), 5) == (1,)


async def test_a_flood_of_strangers_leaves_no_refusals(tartu: SmallNode) -> None:
    lund = signatory("lund")
    tartu.befriend(lund)
    for number in range(5):
        stranger = signatory(f"stranger {number}")
        verdict = await tartu.take(stranger.block_lines(), stranger, peer=lund.id)
        assert isinstance(verdict, Refusal)
        assert verdict.reason is Reason.NOT_ACCEPTED
    assert tartu.database.read_now(partners.refusals) == []


def test_of_one_partners_refusals_the_newest_stay(tartu: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partners, "REFUSALS_KEPT", 3)

    def refuse(db: Any) -> None:
        for number in range(6):
            refusal = Refusal(Reason.FORGED, f"number {number}\x1b[2J")
            partners.refuse(db, "lund", f"author {number}", refusal, None, NOW + number)

    tartu.database.write_now(refuse)
    kept = tartu.database.read_now(partners.refusals)
    assert [each.sentence for each in kept] == ["number 5 [2J", "number 4 [2J", "number 3 [2J"]


async def test_of_an_authors_chain_the_newest_heads_stay(tartu: SmallNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authors, "HEADS_KEPT", 3)
    paris = signatory("paris")
    tartu.befriend(paris)
    for number in range(6):
        paris.put("adoption", adoption_body(str(number)), f"r{number}")
        paris.commit()
        accepted(await tartu.take(paris.block_lines(tartu.want(paris)), paris))
    seqs = tartu.database.read_now(lambda db: db.execute("SELECT seq FROM heads ORDER BY seq").fetchall())
    assert len(seqs) == 3
    assert seqs[-1] == (paris.seq,)


def test_one_partners_introductions_end_and_anothers_go_on() -> None:
    me, flood, other = (NodeId(f"bra1{letter * 32}") for letter in "abc")
    sybils = [NodeId(f"bra1{number:032}".replace("0", "x").replace("1", "y").replace("8", "z")) for number in range(50)]
    guest = NodeId("bra1" + "q" * 32)
    endorsements = [Endorsement(flood, each) for each in sybils] + [Endorsement(other, guest)]
    known = reach(
        me,
        partners=[flood, other],
        vouches=Vouches(endorsements),
        signatories={*sybils, guest, flood, other},
        rules=Rules(introductions=10),
    )
    assert sum(each in known for each in sybils) == 10
    assert known[guest].standing is Standing.LISTED


@pytest.mark.parametrize(
    "geo",
    [{}, {"lat_e6": 1}, {"lat_e6": "1", "lon_e6": 2}, {"lat_e6": 1, "lon_e6": 2**40}, {"lat_e6": True, "lon_e6": 1}],
)
def test_a_place_that_is_none_in_a_kind_without_one_is_no_accident(geo: dict[str, Any]) -> None:
    record = Author("paris").record("adoption", {**adoption_body("bye"), "geo": geo}, "f", 1)
    assert entry(record.kind, record.body).place is None
    assert entry(record.kind, record.body).problem is None


def test_a_key_card_whose_organisation_can_not_be_read_is_refused_before_anything_is_done() -> None:
    paris = Author("paris", network=NETWORK)
    paris.put("organisation", {"name": "Park\x1b[2J"}, "self")
    paris.commit()
    with pytest.raises(InputError, match="organisation can't be read"):
        KeyCard.parse(paris.signed_record("organisation", "self").as_value(), network=NETWORK, me=NodeId("x"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Tartu Teaduspark, 香港, München", "Tartu Teaduspark, 香港, München"),
        ("Park\x1b[2J\x07", "Park [2J "),
        ("gnp.\u202eexe\u200b", "gnp. exe "),
        ("two\nlines\ttab", "two lines tab"),
        ("Lund\u3164Park\uffa0\u2800\ufe0f!", "Lund Park   !"),
        ("half \udcff a letter", "half   a letter"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
def test_text_of_others_is_shown_without_what_a_terminal_obeys(text: str, shown: str) -> None:
    assert plain(text) == shown
