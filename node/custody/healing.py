"""Healing: two homes signed apart with one key, and both histories become one set in a new epoch.

Rules (SPEC, "Healing"):

- the other history is fetched from each partner that holds one, or read from the other home itself, and believed only
  as far as this node's own key signed it: its set against its head, its heads back to the last common one
- that a record was removed elsewhere since then is a partner's word alone where this home has changed it meanwhile:
  the plan names each, and keeps a draft
- what is carried out is the plan that was shown
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from node import kinds
from node.app import App
from node.control.parts import unreported
from node.custody.rotation import CardSource, Renewed, check_bodies, renew, tell_partners
from node.errors import BraError, Forged, InputError
from node.federation.exchange import Exchange
from node.home import Home
from node.protocol.blocks import Block, Want
from node.protocol.merge import Merged, Side, merge
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.statements import Card, Head
from node.protocol.tree import Tree
from node.protocol.verdicts import Accepted, judge
from node.storage import authors, partners, records
from node.storage.authors import Author
from node.storage.partners import Partner
from node.world import World


@dataclass(slots=True)
class Plan:
    """What healing would do to the set under `head`.

    `removed`: the own records that go; `met`: who holds another history; `silent`: who couldn't be asked, and why.
    """

    head: bytes
    merged: Merged = field(default_factory=Merged)
    removed: list[Record] = field(default_factory=list)
    met: list[str] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Mine:
    """The history of this home, as it grows by what is taken from others."""

    author: Author
    head: Head
    chain: Sequence[Head]
    records: dict[bytes, Record]
    removals: dict[bytes, int]
    """Keys that this home removed, and the seq at which."""
    gone: set[bytes] = field(default_factory=set)


async def look(home: Home, other: Home | None, passphrase: bytes | None) -> Plan:
    """The plan, after asking everybody what is new."""
    async with App.opened(home, None, passphrase) as app:
        if other is None:
            await app.operations.run("sync", {}, unreported)
        return await plan(app, other)


async def heal(
    home: Home,
    source: CardSource,
    confirmed: Plan,
    *,
    accept_loss: bool = False,
    passphrase: bytes | None = None,
    world: World | None = None,
) -> Renewed:
    """Carries out a plan: this home's set with what was merged, in a new epoch under a new key."""
    async with App.opened(home, world, passphrase) as app:
        mine = await app.database.read(partial(_mine, me=app.authority.card.author))
        if mine.head.hash != confirmed.head:
            raise InputError("this home has changed since the plan was made: run 'bra heal' again")
        await check_bodies(app, accept_loss=accept_loss)
        card = await renew(app, source, passphrase, confirmed.merged)
    return await tell_partners(home, card, passphrase, world)


async def plan(app: App, other: Home | None = None) -> Plan:
    """What the partners, or the home `other`, have of this node that this home doesn't."""
    mine = await app.database.read(partial(_mine, me=app.authority.card.author))
    found = Plan(mine.head.hash)
    if other is not None:
        _add(found, mine, *_from_home(other, mine))
        found.met.append(str(other.path))
        return found
    for partner in await app.database.read(partners.everyone):
        try:
            differing = await _from_partner(app, mine, partner)
        except BraError as error:
            found.silent[partner.node_id] = str(error)
            continue
        if differing is not None:
            _add(found, mine, *differing)
            found.met.append(partner.node_id)
    return found


def _mine(db: sqlite3.Connection, me: NodeId) -> _Mine:
    author = authors.find(db, me)
    if author is None or author.head is None:
        raise InputError("this home holds nothing of its own author: run 'bra recover' first")
    removals = dict(records.removals_since(db, author.no, 0))
    return _Mine(author, author.head, authors.chain(db, author), _records(db, author), removals)


def _records(db: sqlite3.Connection, author: Author) -> dict[bytes, Record]:
    stored = records.since(db, author.no, 0)
    return {each.key: Record.parse(each.line) for each in stored if each.line is not None}


def _add(found: Plan, mine: _Mine, since: int, theirs: Side) -> None:
    """Adds one more history to the plan; mine follows, so that several don't contradict each other."""
    removed = mine.gone | {key for key, seq in mine.removals.items() if seq > since}
    step = merge(Side(mine.records, removed), theirs, since=since, personal=kinds.PERSONAL)
    mine.records.update(step.take)
    found.merged.take.update(step.take)
    for key in step.remove:
        found.removed.append(mine.records.pop(key))
        found.merged.take.pop(key, None)
    mine.gone |= step.remove
    found.merged.remove |= step.remove
    found.merged.drafts += step.drafts


async def _from_partner(app: App, mine: _Mine, partner: Partner) -> tuple[int, Side] | None:
    """The seq of the last common state, and the other history; None where the partner holds none."""
    author = mine.author
    exchange = app.exchange(partner)
    await exchange.round(0)
    # Its whole chain, because it doesn't know my newest head where the two differ.
    chain = await _fetched(exchange, Want(author.node_id, author.epoch, 0, mine.head.hash))
    if not chain.heads or chain.head.epoch != author.epoch:
        return None
    if chain.head.hash in {head.hash for head in mine.chain}:
        return None
    common = _common(mine, [mine.head, *chain.heads] if not chain.compare else chain.heads, author.card)
    whole = await _fetched(exchange, Want(author.node_id))
    verdict = judge(whole, None, network=app.config.node.network, now=app.world.now(), limits=app.limits)
    if not isinstance(verdict, Accepted) or verdict.head.hash != chain.head.hash:
        raise InputError(f"what {partner.node_id} holds of this node is not whole: ask it again later")
    since = await _fetched(exchange, Want(author.node_id, author.epoch, common.seq, common.hash))
    return common.seq, Side(whole.records, since.removed - whole.records.keys())


async def _fetched(exchange: Exchange, want: Want) -> Block:
    block = await exchange.fetch(want)
    if not isinstance(block, Block):
        raise InputError(f"what {exchange.session.partner} sent of this node can't be read: {block.sentence}")
    return block


def _from_home(other: Home, mine: _Mine) -> tuple[int, Side]:
    """The same from the other home's database, which no process may be using."""
    other.require()
    with other.lock(), closing(sqlite3.connect(f"{other.database.absolute().as_uri()}?mode=ro", uri=True)) as db:
        author = authors.find(db, mine.author.node_id)
        if author is None or author.head is None or other.load_card().author != mine.author.node_id:
            raise InputError(f"{other.path} is the home of another node: name the other home of this one")
        if Tree.of(records.leaves_of(db, author.no)).root != author.head.root:
            raise InputError(f"the database in {other.path} is damaged: its records are not what its key has signed")
        common = _common(mine, authors.chain(db, author), mine.author.card)
        removed = {key for key, _ in records.removals_since(db, author.no, common.seq)}
        return common.seq, Side(_records(db, author), removed)


def _common(mine: _Mine, theirs: Sequence[Head], card: Card) -> Head:
    """The newest head that both chains have; from it on, theirs has to be signed and whole."""
    known = {head.hash for head in mine.chain}
    place = next((place for place in reversed(range(len(theirs))) if theirs[place].hash in known), None)
    if place is None:
        raise InputError(
            "the two histories have no state in common that is still known, so they can't be merged: 'bra rotate "
            "--stolen' keeps this home's alone"
        )
    for before, after in pairwise(theirs[place:]):
        after.verify(card)
        if after.prev != before.hash or after.seq <= before.seq:
            raise Forged("its chain of states does not lead on from the last common one")
    return theirs[place]
