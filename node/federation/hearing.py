"""What a partner's feed says, and what of it is kept: what the partner has, beats, evidence of forks, steps back."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from node.federation.clocks import beat_ahead
from node.protocol import evidence as forks
from node.protocol.canonical import encode
from node.protocol.evidence import Evidence
from node.protocol.names import NodeId
from node.protocol.statements import Beat, Card, Head
from node.protocol.verdicts import Reason, Refusal, Verdict, fresh
from node.storage import authors, partners
from node.storage.authors import Author
from node.storage.partners import Heard


@dataclass(slots=True)
class Told:
    """What a feed says of one author: its newest statements, checked for form alone.

    `changes`: lines of what its newest state changed, unread, where the feed brings them.
    """

    card: Card
    head: Head
    beat: Beat | None = None
    changes: tuple[bytes, ...] = ()

    def block(self) -> list[bytes]:
        """The lines of the block that a pull would bring whoever holds the state before."""
        statements = [b'{"card":%b}' % self.card.signed.line, b'{"head":%b}' % self.head.signed.line]
        if self.beat:
            statements.append(b'{"beat":%b}' % self.beat.signed.line)
        return [*statements, *self.changes, encode({"next": {"author": self.card.author}})]


@dataclass(frozen=True, slots=True)
class Heeded:
    """What came of a feed's news: the verdicts on changes that it brought and that follow what was held here.

    `revived`: one of whom nothing had been heard for too long was heard again.
    """

    revived: bool = False
    verdicts: tuple[Verdict, ...] = ()


def keep(
    db: sqlite3.Connection,
    partner: NodeId,
    told: Sequence[Told],
    evidence: Sequence[Evidence],
    *,
    others: Sequence[Heard] = (),
    me: NodeId,
    taken: Collection[NodeId],
    network: str,
    now: float,
    cursor: str | None = None,
) -> bool:
    """Keeps what a partner's feed says: what it has, beats of heads held here, evidence; and where it went back.

    `others`: what it has of authors whose statements nobody checked. `taken`: whose sets are taken. Of strangers there
    may be any number: what is wrong with theirs is not kept. `cursor`: where the feed goes on. It may be kept before
    anything that the partner has is pulled: that it has it is known from here on, and the first round of each session
    looks at all that is known. Returns whether one of whom nothing had been heard for too long was heard again.
    """
    for proof in evidence:
        if author := authors.find(db, proof.author):
            _keep_evidence(db, author, proof, network)
    authors_told = {each.card.author for each in told}
    silent = authors.silent(db, now, authors_told)
    before = partners.heard(db, partner, authors_told)
    fresh_news: list[Heard] = [*others]
    for each in told:
        news = Heard(each.head.author, each.head.epoch, each.head.seq, each.head.hash)
        earlier = before.get(news.author)
        if _hear_author(db, each, me, network, now):
            partners.forgive(db, partner, news.author)
        fresh_news.append(news)
        if news.author not in taken and news.author != me:
            continue
        if refusal := beat_ahead(each.beat, each.card, now):
            partners.refuse(db, partner, news.author, refusal, news.head, now)
        if earlier and earlier.order > news.order:
            refusal = Refusal(
                Reason.ROLLED_BACK,
                f"it offers epoch {news.epoch} seq {news.seq}, after it offered epoch {earlier.epoch} "
                f"seq {earlier.seq}: what is held here stays",
            )
            partners.refuse(db, partner, news.author, refusal, news.head, now)
    partners.hear(db, partner, fresh_news, cursor)
    return bool(silent and silent - authors.silent(db, now, authors_told))


def _hear_author(db: sqlite3.Connection, told: Told, me: NodeId, network: str, now: float) -> bool:
    """Takes beats, and what proves a fork; whether the partner has exactly what is held here."""
    author = authors.find(db, told.card.author)
    if author is None or author.head_hash is None:
        return False
    two_cards = forks.of_cards(author.card, told.card) or forks.of_cards(author.newest_card, told.card)
    if two_cards:
        _keep_evidence(db, author, two_cards, network)
    if author.node_id == me:
        _hear_own(db, author, told, network)
    if two_cards is None and told.beat and told.card.epoch == author.epoch and fresh(told.beat, author.card, now):
        authors.hear_beat(db, author, told.beat)
    return told.head.hash == author.head_hash


def _keep_evidence(db: sqlite3.Connection, author: Author, proof: Evidence, network: str) -> None:
    """Keeps a proof that counts against what is held of its author."""
    counts = author.head_hash is not None and proof.epoch >= author.epoch
    if counts and {card.network for card in proof.cards} == {network}:
        authors.keep_evidence(db, author.no, proof)


def _hear_own(db: sqlite3.Connection, author: Author, told: Told, network: str) -> None:
    """What is said of this node's own author: a newer card, or a state that this home never signed."""
    if told.card.epoch > author.newest_card.epoch:
        # The same words may be in use in another network, too.
        if told.card.network == network:
            authors.introduce(db, told.card)
    elif told.card.signed.statement == author.card.signed.statement and not authors.has_head(
        db, author, told.head.hash
    ):
        # One that is older than ours is no news to pull, but between two of our own it is the proof.
        around = authors.neighbours(db, author, told.head.seq)
        if proof := forks.of_heads(author.card, told.head, around):
            authors.keep_evidence(db, author.no, proof)
