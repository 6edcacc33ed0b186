"""The proof that an author forked goes with its block, and without: to whoever comes late, and to whom a push goes."""

import pytest

from node.federation import sending
from node.federation.actions import Hear, News, Push
from node.federation.exchange import Exchange
from node.federation.holdings import Holdings
from node.federation.news import read_news
from node.federation.server import brought_card
from node.protocol.blocks import Block, Want
from node.protocol.evidence import Evidence, of_heads
from node.protocol.names import NodeId, encode_base64
from node.protocol.statements import NO_HASH
from node.protocol.verdicts import Accepted, Reason, Refusal, Verdict
from node.storage import authors
from node.storage.partners import Heard
from node.trust.reach import Standing
from tests.directory.small_node import SmallNode, adoption_body, signatory, statements, tags
from tests.federation.test_bounds import two_cards
from tests.federation.test_session import LUND_WITH_HEAD, Partner, author_named, heard, session
from tests.protocol.builders import NETWORK, Author, card_line, evidence_line


async def forked(tartu: SmallNode, lund: SmallNode, network: str = NETWORK) -> tuple[Author, Author]:
    """An author and its other self, of whom Tartu has the proof that they are one that forked."""
    paris = signatory("paris")
    twin = paris.twin()
    paris.put("adoption", adoption_body("one"))
    twin.put("adoption", adoption_body("other"))
    paris.commit()
    twin.commit()
    for node in (tartu, lund):
        node.befriend(paris)
    assert isinstance(await tartu.take(paris.block_lines(), paris), Accepted)
    assert isinstance(await tartu.take(twin.block_lines(tartu.want(paris)), twin), Refusal)
    return paris, twin


def reason(verdict: Verdict) -> Reason:
    assert isinstance(verdict, Refusal), verdict
    return verdict.reason


def forked_epoch(node: SmallNode, author: Author) -> int | None:
    held = node.author(author.id)
    assert held is not None
    return held.forked_epoch


async def test_who_comes_late_gets_the_set_and_the_proof(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    assert isinstance(await lund.pull(tartu, paris), Accepted)
    assert forked_epoch(lund, paris) == 1
    assert "evidence" in tags(lund.feed())


async def test_who_holds_the_other_history_gets_the_proof(tartu: SmallNode, lund: SmallNode) -> None:
    paris, twin = await forked(tartu, lund)
    assert isinstance(await lund.take(twin.block_lines(), twin), Accepted)
    assert reason(await lund.pull(tartu, paris)) is Reason.FORKED
    assert forked_epoch(lund, paris) == 1
    held = lund.author(paris.id)
    assert held is not None
    assert held.head_hash == twin.head.hash


async def test_who_holds_the_same_state_gets_the_proof(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    assert isinstance(await lund.take(paris.block_lines(), paris), Accepted)
    assert reason(await lund.pull(tartu, paris)) is Reason.FORKED
    assert forked_epoch(lund, paris) == 1


async def test_a_new_epoch_is_not_stopped_by_proof_of_an_old_one(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    assert isinstance(await lund.take(paris.block_lines(), paris), Accepted)
    [proof] = [line for line in tartu.tell(Want(paris.id)) if line.startswith(b'{"evidence":')]
    paris.rotate()
    paris.commit()
    lines = paris.block_lines()
    place = tags(lines).index("put")
    assert isinstance(await lund.take([*lines[:place], proof, *lines[place:]], paris), Accepted)
    assert forked_epoch(lund, paris) is None


async def test_proof_against_somebody_else_makes_the_block_malformed(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    munich = signatory("munich")
    lund.befriend(munich)
    [proof] = [line for line in tartu.tell(Want(paris.id)) if line.startswith(b'{"evidence":')]
    lines = munich.block_lines()
    place = tags(lines).index("put")
    for count in (1, 2):
        verdict = await lund.take([*lines[:place], *([proof] * count), *lines[place:]], munich)
        assert reason(verdict) is Reason.MALFORMED
    assert forked_epoch(lund, munich) is None


async def test_proof_of_another_network_refuses_the_block(lund: SmallNode) -> None:
    paris, rehearsal = signatory("paris"), Author("paris", network="rehearsal")
    lund.befriend(paris)
    assert isinstance(await lund.take(paris.block_lines(), paris), Accepted)
    twin = rehearsal.twin()
    rehearsal.put("adoption", adoption_body("one"))
    twin.put("adoption", adoption_body("other"))
    proof = of_heads(rehearsal.card, rehearsal.commit(), [twin.commit()])
    assert proof is not None
    lines = paris.block_lines()
    place = tags(lines).index("put")
    lines.insert(place, evidence_line(proof))
    assert reason(await lund.take(lines, paris)) is Reason.FOREIGN_NETWORK
    assert forked_epoch(lund, paris) is None


async def test_the_proof_in_a_block_is_the_one_of_the_feed(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    in_block, in_feed = (
        [value for tag, value in statements(lines) if tag == "evidence"]
        for lines in (tartu.tell(Want(paris.id)), tartu.feed())
    )
    assert in_block == in_feed
    assert Evidence.parse(in_block[0]).author == paris.id
    block = Block(paris.id)
    block.read(tartu.tell(Want(paris.id)), tartu.limits)
    assert block.evidence == Evidence.parse(in_block[0])


async def test_a_node_knows_whom_it_can_prove_to_have_forked(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    holdings: Holdings = await tartu.receiver.holdings(lund.id)
    assert holdings.forked == {paris.id: 1}
    assert (await tartu.receiver.holdings(lund.id, {lund.id})).forked == {}
    paris.rotate()
    paris.commit()
    tartu.database.write_now(lambda db: authors.adopt(db, paris.card))
    assert (await tartu.receiver.holdings(lund.id)).forked == {}


def test_who_can_not_be_reached_pushes_what_it_can_prove_once() -> None:
    known = author_named("known")
    partner, talk = Partner(), session(outbound_only=True)
    partner.offers(known, LUND_WITH_HEAD)
    partner.holds(known, LUND_WITH_HEAD)
    partner.drive(talk)
    assert partner.all(Push) == []
    partner.holdings = Holdings(
        partner.holdings.heard,
        partner.holdings.held,
        partner.holdings.accepted,
        {},
        forked={known.id: 1, LUND_WITH_HEAD.id: 1},
    )
    for _ in range(2):
        talk.look_again()
        partner.drive(talk)
    [push] = partner.all(Push)
    assert set(push.wants) == {Want(each.id, 1, heard(each).seq, heard(each).head) for each in (known, LUND_WITH_HEAD)}


def damage(node: SmallNode, author: Author) -> None:
    """Has the node know that its disk lost some of what it held of the author."""
    held = node.author(author.id)
    assert held is not None
    node.database.write_now(lambda db: authors.mark(db, held.no, damaged=True))


def news(lines: list[bytes], partner: NodeId) -> News:
    return read_news([*lines, b'{"next":{"since":"x:1"}}'], partner)


async def test_whose_own_copy_is_damaged_tells_the_proof_and_nothing_else(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    damage(tartu, paris)
    assert tags(tartu.feed()) == ["card", "evidence"]
    assert tags(tartu.tell(Want(paris.id))) == ["evidence", "next"]


async def test_the_proof_alone_in_a_feed_is_heard(tartu: SmallNode, lund: SmallNode) -> None:
    paris, _ = await forked(tartu, lund)
    assert isinstance(await lund.take(paris.block_lines(), paris), Accepted)
    damage(tartu, paris)
    told = news(tartu.feed(), tartu.id)
    assert (told.told, told.refused, told.is_none) == ((), (), False)
    await lund.receiver.hear(tartu.id, told.told, told.evidence)
    assert forked_epoch(lund, paris) == 1
    assert "evidence" in tags(lund.feed())


async def test_the_proof_alone_counts_by_the_epoch_that_is_held_though_a_newer_card_is_known(
    tartu: SmallNode, lund: SmallNode
) -> None:
    paris, _ = await forked(tartu, lund)
    assert isinstance(await lund.take(paris.block_lines(), paris), Accepted)
    damage(tartu, paris)
    lines = tartu.tell(lund.want(paris))
    paris.rotate()
    lund.database.write_now(lambda db: authors.introduce(db, paris.card))
    assert reason(await lund.take(lines, paris)) is Reason.FORKED
    assert forked_epoch(lund, paris) == 1


async def test_an_author_is_told_what_it_has_signed_though_its_set_is_damaged(
    tartu: SmallNode, lund: SmallNode
) -> None:
    paris = signatory("paris")
    tartu.befriend(paris)
    assert isinstance(await tartu.take(paris.block_lines(), paris), Accepted)
    damage(tartu, paris)

    def told(reader: NodeId) -> list[str]:
        feed = tartu.database.read_now(lambda db: sending.feed(db, 0, honoured=True, reader=reader))
        assert feed is not None
        return tags(feed.lines)

    assert told(lund.id) == []
    assert told(paris.id) == ["card", "head"]


def test_of_any_number_of_proofs_in_a_feed_the_one_of_the_highest_epoch_is_heard(lund: SmallNode) -> None:
    proofs = [two_cards("paris", epoch) for epoch in (5, 9, 7)]
    lines = [card_line(proofs[0].cards[0]), *map(evidence_line, proofs)]
    assert news(lines, lund.id).evidence == (proofs[1],)


def test_news_of_a_fork_alone_is_heard_in_that_round() -> None:
    partner, talk = Partner(), session()
    partner.offers(author_named("known"))
    partner.drive(talk)
    told = News((), "x:9", evidence=(two_cards("known", 1),))
    partner.news = [told]
    partner.drive(talk)
    assert partner.all(Hear)[-1] == Hear(told)


async def test_the_proof_alone_in_a_block_is_taken_and_refuses_nothing_but_the_block(
    tartu: SmallNode, lund: SmallNode
) -> None:
    paris, _ = await forked(tartu, lund)
    damage(tartu, paris)
    assert reason(await lund.pull(tartu, paris)) is Reason.INCOMPLETE, "nothing is held that it could be judged by"
    assert isinstance(await lund.take(paris.block_lines(), paris), Accepted)
    assert reason(await lund.pull(tartu, paris)) is Reason.FORKED
    assert forked_epoch(lund, paris) == 1


async def test_the_proof_of_a_fork_stands_among_its_authors_own_statements(tartu: SmallNode, lund: SmallNode) -> None:
    await forked(tartu, lund)
    munich = signatory("munich")
    [proof] = [line for line in tartu.feed() if line.startswith(b'{"evidence":')]
    for lines in ([card_line(munich.card), proof], [proof]):
        found = news(lines, lund.id)
        assert (found.told, found.evidence) == ((), ())
    assert [each.reason for _, each in news([card_line(munich.card), proof], lund.id).refused] == [Reason.MALFORMED]


def test_who_can_not_be_reached_pushes_the_proof_of_a_fork_though_its_copy_is_damaged() -> None:
    known = author_named("known")
    partner, talk = Partner(), session(outbound_only=True)
    partner.holds(known)
    partner.offers()
    partner.authors[known.id] = known
    held = {known.id: Heard(known.id, 1, heard(known).seq, NO_HASH)}
    none: dict[NodeId, int] = {}
    # Whoever holds nothing of it yet couldn't judge by it: it is brought when that one does.
    for forks, theirs in ((none, ()), ({known.id: 1}, ()), ({known.id: 1}, (known,))):
        heads = {each.id: heard(each) for each in theirs}
        partner.holdings = Holdings(heads, held, partner.holdings.accepted, {}, forked=forks)
        talk.look_again(retry=True)
        partner.drive(talk)
        assert len(partner.all(Push)) == len(theirs)


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        pytest.param("forked: the author signed two histories of one epoch", False, id="the proof was taken"),
        pytest.param("not accepted: nobody endorses it", True, id="it may be endorsed later"),
    ],
)
async def test_what_is_refused_as_forked_is_not_brought_again(
    tartu: SmallNode, lund: SmallNode, answer: str, again: bool
) -> None:
    paris, _ = await forked(tartu, lund)
    tartu.accept(lund, Standing.HONOURED)

    class Answering:
        async def push(self, lines: list[bytes], *, whole: bool) -> tuple[str, str]:
            assert "evidence" in tags(lines)
            assert not whole
            return "refused", answer

    talk = Exchange(session(partner=lund.id), Answering(), tartu.receiver, tartu.database)  # type: ignore[arg-type]
    refused = await talk._perform(Push((tartu.want(paris),)))
    assert refused == ({paris.id} if again else frozenset())


def test_a_card_that_is_known_is_not_read_again() -> None:
    paris = signatory("paris")
    header = encode_base64(paris.card.signed.line)
    assert brought_card(paris.id, header, NETWORK, paris.card) is paris.card
    again = brought_card(paris.id, header, NETWORK)
    assert again == paris.card
    assert again is not paris.card
