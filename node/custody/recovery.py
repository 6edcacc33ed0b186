"""Recovery: a lost disk, and the 24 words. The key is made anew; what was shared comes back from partners.

Rules (SPEC, "After a restore, a theft, a fork"):

- the node that is asked is believed nothing: what it holds of this node was signed by this node, or isn't taken
- the new card's epoch is above the one that it knows, so the lost key counts no more
- partners are those whose keys were exchanged, by this node's own endorsements; their addresses come from their beats,
  and all of them are asked, too, before the new epoch is signed: what one holds and this home doesn't would be dropped
- broken off, it goes on when it is run again
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from node.app import App
from node.control.parts import Report, unreported
from node.custody import rotation
from node.custody.rotation import Renewed, check_bodies, tell_partners
from node.directory.acceptance import Answer
from node.directory.draft import own
from node.errors import HomeError, InputError, Malformed
from node.federation import client
from node.federation.client import Client, Statements
from node.federation.clocks import check_hello
from node.federation.wire import parse_url
from node.home import Home
from node.protocol import names
from node.protocol.blocks import Limits
from node.protocol.keys import PrivateKey, root_from_words
from node.protocol.names import NodeId
from node.protocol.statements import Card
from node.storage import authors, partners
from node.world import World

EXCHANGED = ("invitation", "key_card")
"""Methods of the endorsements that partners get."""

_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Source:
    """A node that was asked, and what it holds of the one that is recovered, if anything."""

    url: str
    card: Card
    held: Statements | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came back. `lost`: records of which nobody asked has the body."""

    node_id: NodeId
    renewed: Renewed
    records: int
    lost: int
    partners: int


async def recover(
    home: Home,
    words: str,
    urls: Sequence[str],
    *,
    accept_loss: bool = False,
    report: Report = unreported,
    world: World | None = None,
) -> Recovered:
    """Makes the node of these words anew in `home`, from what the nodes at `urls`, and then its partners, hold of it.

    Refused, unless `accept_loss`, while a partner can't be reached that may hold more.
    """
    world = world or World()
    root = root_from_words(words)
    me = names.node_id(root.public)
    sources = [await ask(parse_url(url), me, world) for url in urls]
    if not home.exists:
        _make(home, root, [each.held for each in sources if each.held], world)
    elif home.load_card().author != me:
        raise HomeError(f"there is another node in {home.path}: name an empty folder with --home")
    async with App.opened(home, world) as app:
        await _gather(app, sources, report, accept_loss=accept_loss)
        author = app.database.read_now(lambda db: authors.find(db, me))
        if author and author.beat and author.beat.urls and not app.config.node.url:
            # What it said of itself, under its own key: the next opening goes by it.
            home.configure({"node.url": orjson.dumps(parse_url(author.beat.urls[0])).decode()})
    async with App.opened(home, world) as app:
        lost = await check_bodies(app, accept_loss=accept_loss)
        # The card that was shown so far may have been shown by an earlier run, too, with another key.
        card = Card.make(
            root,
            network=app.config.node.network,
            epoch=rotation.request(app, app.key).epoch,
            signing=app.key.public,
            issued=world.now(),
        )
        rotation.had_words(app, words)
        await rotation.renew(app, lambda app: (app.key, card), None)
        count, friends = await app.database.read(lambda db: _counts(db, me))
    renewed = await tell_partners(home, card, None, world)
    return Recovered(me, renewed, count, lost, friends)


async def _gather(app: App, sources: Sequence[Source], report: Report, *, accept_loss: bool) -> None:
    """Gets this node's set from the sources, and then what is newer from the partners that it names."""
    me = app.authority.card.author
    _refuse_a_living_one(app, me)
    before = await app.database.read(partners.everyone)
    app.acceptance.replace(await app.database.write(lambda db: _add_sources(db, app, sources)))
    await _sync(app, report)
    author = await app.database.read(lambda db: authors.find(db, me))
    if author is None or author.head_hash is None:
        known = {each.node_id for each in before}
        strangers = [each.card.author for each in sources if each.card.author not in known]
        await app.database.write(lambda db: [partners.remove(db, each) for each in strangers])
        raise InputError(
            f"none of them gave back anything of {me}: ask a partner that still lists you, with another --from"
        )
    app.acceptance.replace(await app.database.write(lambda db: _restore_names(db, app)))
    await _sync(app, report)
    await app.database.write(_restore_urls)
    rounds = await _sync(app, report)
    silent = [f"{each['partner']} ({each['problem']})" for each in rounds if "problem" in each]
    silent += [f"{each['partner']} (no address of it is known)" for each in rounds if "skipped" in each]
    more = await app.database.read(lambda db: partners.newer_than_held(db, me))
    if (silent or more) and not accept_loss:
        raise InputError(
            f"what {', '.join(silent) or 'a partner'} may hold beyond this could not be had: run this again when it "
            "can, or go on without it with --accept-loss"
        )


async def _sync(app: App, report: Report) -> list[dict[str, Any]]:
    """A round with every partner; whatever they hold that goes on from what is here is adopted."""
    app.authority.restored = True
    found: list[dict[str, Any]] = (await app.operations.run("sync", {}, report))["partners"]
    return found


async def ask(url: str, me: NodeId, world: World) -> Source:
    """Who answers at `url`, and what it holds of `me`."""
    nonce = names.encode_base64(world.random(32))
    async with client.session() as http:
        talk = Client(http, url, None, None, world=world, limits=Limits(), request_seconds=_SECONDS)
        greeting = await talk.greet(nonce, url)
        # Whoever answers there: nobody is expected, and nothing of it believed but that it is this node, now.
        card = greeting.card
        greeting.check(card.author, network=card.network, newest_card=None, nonce=nonce, url=url)
        check_hello(greeting.hello, world.now())
        if card.author == me:
            raise InputError(f"{url} is the node that is to be recovered: name a partner's with --from")
        return Source(url, card, await talk.statements(me))


def _make(home: Home, root: PrivateKey, held: Sequence[Statements], world: World) -> None:
    """A home with a new key, above every epoch that somebody knows."""
    if not held:
        raise InputError("none of them knows this node: check the words, or ask another partner with --from")
    networks = {each.card.network for each in held}
    if len(networks) > 1:
        raise Malformed(f"they hold cards of several networks ({', '.join(sorted(networks))}): ask one network's nodes")
    signing = PrivateKey(world.random(32))
    [network] = networks
    epoch = max(each.card.epoch for each in held) + 1
    card = Card.make(root, network=network, epoch=epoch, signing=signing.public, issued=world.now())
    settings = {}
    if network != "bra":
        settings["node.network"] = orjson.dumps(network).decode()
    home.make(settings=settings, signing=signing, card=card)


def _refuse_a_living_one(app: App, me: NodeId) -> None:
    author = app.database.read_now(lambda db: authors.find(db, me))
    if author is not None and author.head_hash is not None and author.epoch == app.authority.card.epoch:
        raise HomeError(f"the node in {app.home.path} has its records: there is nothing to recover")


def _add_sources(db: sqlite3.Connection, app: App, sources: Sequence[Source]) -> Answer:
    for source in sources:
        authors.introduce(db, source.card)
        partners.add(db, source.card.author, source.url, app.world.now())
    return app.acceptance.recompute(db, app.world.now())


def _restore_names(db: sqlite3.Connection, app: App) -> Answer:
    """Partners, and this node's own names of the records that it finds by them, from its own records."""
    me, now = app.authority.card.author, app.world.now()
    endorsements = own(db, me, "endorsement")
    friends = {
        record.body["node_id"]
        for record in endorsements
        if record.body["method"] in EXCHANGED and "withdrawn" not in record.body
    }
    for node in friends:
        partners.add(db, node, None, now)
    # Whoever was only asked, in this run or an earlier one, is no partner.
    for partner in partners.everyone(db):
        if partner.node_id not in friends:
            partners.remove(db, partner.node_id)
    own_names = [("endorsement", record.body["node_id"], record.id) for record in endorsements]
    own_names += [("agreement", record.body["version"], record.id) for record in own(db, me, "agreement")]
    db.executemany("INSERT OR REPLACE INTO refs (kind, ref, id) VALUES (?, ?, ?)", own_names)
    return app.acceptance.recompute(db, now)


def _restore_urls(db: sqlite3.Connection) -> None:
    """Where partners are reached, as they said last."""
    for partner in partners.everyone(db):
        author = authors.find(db, partner.node_id)
        if partner.url is None and author is not None and author.beat and author.beat.urls:
            partners.add(db, partner.node_id, author.beat.urls[0], 0)


def _counts(db: sqlite3.Connection, me: NodeId) -> tuple[int, int]:
    author = authors.find(db, me)
    return (author.count or 0 if author else 0), len(partners.everyone(db))
