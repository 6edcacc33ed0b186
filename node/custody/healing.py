"""Healing: two homes signed apart with one key, and both histories become one set in a new epoch.

Rules (SPEC, "Healing"): the other history is fetched from each partner that holds one, or read from the other home
itself; it is verified like anybody's; what both have in common is found by their chains of heads; `protocol.merge` says
what becomes of each record. A plan is made first, to be shown.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from node import kinds
from node.app import App
from node.control.parts import unreported
from node.custody.rotation import CardSource, Renewed, renew, tell_partners
from node.errors import BraError, InputError
from node.home import Home
from node.protocol.blocks import Block, Want
from node.protocol.merge import Merged, Side, merge
from node.protocol.names import NodeId
from node.protocol.statements import Head, Record
from node.protocol.verdicts import Accepted, judge
from node.storage import authors, partners, records
from node.storage.authors import Author
from node.storage.partners import Partner
from node.world import World


@dataclass(slots=True)
class Plan:
    """What healing would do. `met`: who holds another history; `silent`: who couldn't be asked, and why."""

    merged: Merged = field(default_factory=Merged)
    met: list[str] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)


async def plan(app: App, other: Home | None = None) -> Plan:
    """What the partners, or the home `other`, have of this node that this home doesn't."""
    me = app.authority.card.author
    author = await app.database.read(lambda db: authors.find(db, me))
    if author is None or author.head is None:
        raise InputError("this home holds nothing of its own author: run 'bra recover' first")
    found = Plan()
    current = await app.database.read(partial(_side, author=author, since=0))
    if other is not None:
        since, theirs = _from_home(other, await app.database.read(partial(authors.chain, author=author)), me)
        _add(found, app, current, theirs, since)
        found.met.append(str(other.path))
        return found
    for partner in await app.database.read(partners.everyone):
        try:
            differing = await _from_partner(app, author, partner)
        except BraError as error:
            found.silent[partner.node_id] = str(error)
            continue
        if differing is not None:
            _add(found, app, current, differing[1], differing[0])
            found.met.append(partner.node_id)
    return found


async def heal(
    home: Home,
    source: CardSource,
    *,
    other: Home | None = None,
    passphrase: bytes | None = None,
    world: World | None = None,
) -> tuple[Plan, Renewed]:
    """Merges what `plan` finds into this home's set, in a new epoch under a new key."""
    async with App.opened(home, world, passphrase) as app:
        found = await plan(app, other)
        card = await renew(app, source, passphrase, found.merged)
    return found, await tell_partners(home, card, passphrase, world)


async def look(home: Home, other: Home | None, passphrase: bytes | None) -> Plan:
    """The plan alone, after asking everybody what is new."""
    async with App.opened(home, None, passphrase) as app:
        if other is None:
            await app.operations.run("sync", {}, unreported)
        return await plan(app, other)


def _add(found: Plan, app: App, current: Side, theirs: Side, since: int) -> None:
    """Adds one more history to the plan. `current` follows, so that several don't contradict each other."""
    assert isinstance(current.records, dict)
    assert isinstance(current.removed, set)
    mine = Side(current.records, current.removed - _removed_before(app, since))
    step = merge(mine, theirs, since=since, personal=kinds.PERSONAL)
    current.records.update(step.take)
    for key in step.remove:
        del current.records[key]
        found.merged.take.pop(key, None)
    current.removed.update(step.remove)
    found.merged.take.update(step.take)
    found.merged.remove |= step.remove
    found.merged.drafts += step.drafts


def _removed_before(app: App, since: int) -> set[bytes]:
    """Keys that this home removed while both histories were still one."""
    me = app.authority.card.author

    def read(db: sqlite3.Connection) -> set[bytes]:
        author = authors.find(db, me)
        removals = records.removals_since(db, author.no, 0) if author else []
        return {key for key, seq in removals if seq <= since}

    return app.database.read_now(read)


async def _from_partner(app: App, author: Author, partner: Partner) -> tuple[int, Side] | None:
    """The seq of the last common state, and the other history; None where the partner holds none."""
    exchange = app.exchange(partner)
    await exchange.round(0)
    assert author.head is not None
    chain = await exchange.fetch(Want(author.node_id, author.epoch, 0, author.head.hash))
    if not isinstance(chain, Block) or not chain.heads or chain.head.epoch != author.epoch:
        return None
    mine = await app.database.read(partial(authors.chain, author=author))
    if chain.head.hash in {head.hash for head in mine}:
        return None
    # Without `compare` the partner's chain goes on from my newest head, which it leaves out.
    common = _common(mine, chain.heads) if chain.compare else author.head
    whole = await exchange.fetch(Want(author.node_id))
    if not isinstance(whole, Block):
        raise InputError(f"what {partner.node_id} holds of this node does not hold: {whole.sentence}")
    verdict = judge(whole, None, network=app.config.node.network, now=app.world.now(), limits=app.limits)
    if not isinstance(verdict, Accepted) or verdict.card.signed.statement != author.card.signed.statement:
        raise InputError(f"what {partner.node_id} holds of this node was not signed whole with its key")
    since = await exchange.fetch(Want(author.node_id, author.epoch, common.seq, common.hash))
    removed = since.removed if isinstance(since, Block) else set()
    return common.seq, Side(whole.records, removed - whole.records.keys())


def _from_home(other: Home, mine: list[Head], me: NodeId) -> tuple[int, Side]:
    """The same from the other home's database, which no process may be using."""
    other.require()
    with other.lock(), closing(sqlite3.connect(f"{other.database.absolute().as_uri()}?mode=ro", uri=True)) as db:
        author = authors.find(db, me)
        if author is None or author.head is None or other.load_card().author != me:
            raise InputError(f"{other.path} is the home of another node: name the other home of this one")
        common = _common(mine, authors.chain(db, author))
        return common.seq, _side(db, author, common.seq)


def _common(mine: list[Head], theirs: tuple[Head, ...] | list[Head]) -> Head:
    known = {head.hash for head in theirs}
    for head in reversed(mine):
        if head.hash in known:
            return head
    raise InputError(
        "the two histories have no state in common that is still known, so they can't be merged: 'bra rotate --stolen' "
        "keeps this home's alone"
    )


def _side(db: sqlite3.Connection, author: Author, since: int) -> Side:
    found = {
        stored.key: Record.parse(stored.line) for stored in records.since(db, author.no, 0) if stored.line is not None
    }
    return Side(found, {key for key, _ in records.removals_since(db, author.no, since)})


def home_of(path: Path | None) -> Home | None:
    return Home(path) if path is not None else None
