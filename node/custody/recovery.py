"""Recovery: a lost disk, and the 24 words. The key is made anew; what was shared comes back from partners.

Rules (SPEC, "After a restore, a theft, a fork"):

- the node that is asked is believed nothing: what it holds of this node was signed by this node, or isn't taken
- the new card's epoch is above the one that it knows, so the lost key counts no more
- partners are those whose keys were exchanged, by this node's own endorsements; their addresses come from their beats
- broken off, it goes on when it is run again
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from node.app import App
from node.control.parts import Report, unreported
from node.custody.rotation import Renewed, tell_partners
from node.directory.acceptance import Answer
from node.directory.draft import own
from node.errors import Declined, HomeError, InputError, Malformed
from node.federation import client
from node.federation.client import Client, Statements
from node.federation.wire import parse_url
from node.home import Home
from node.protocol import names
from node.protocol.blocks import Limits
from node.protocol.keys import PrivateKey, root_from_words
from node.protocol.names import NodeId
from node.protocol.statements import Card
from node.storage import authors, partners, records
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
    home: Home, words: str, urls: Sequence[str], *, report: Report = unreported, world: World | None = None
) -> Recovered:
    """Makes the node of these words anew in `home`, from what the nodes at `urls` hold of it."""
    world = world or World()
    root = root_from_words(words)
    me = names.node_id(root.public)
    sources = [await ask(parse_url(url), me, world) for url in urls]
    if not home.exists:
        _make(home, root, [each.held for each in sources if each.held], world)
    elif home.load_card().author != me:
        raise HomeError(f"there is another node in {home.path}: name an empty folder with --home")
    async with App.opened(home, world) as app:
        _refuse_a_living_one(app, me)
        # It has to ask before it signs, whatever its files say.
        app.authority.restored = True
        app.acceptance.replace(await app.database.write(lambda db: _add_sources(db, app, sources)))
        await app.operations.run("sync", {}, report)
        author = await app.database.read(lambda db: authors.find(db, me))
        if author is None or author.head_hash is None:
            raise InputError(
                f"none of them gave back anything of {me}: ask a partner that still lists you, with another --from"
            )
        app.acceptance.replace(await app.database.write(lambda db: _restore_names(db, app, sources)))
        await app.operations.run("sync", {}, report)
        await app.database.write(_restore_urls)
        lost, _ = await app.database.read(lambda db: records.bodies(db, author.no))
        await app.publisher.begin_epoch(app.key, app.authority.card)
        count, friends = await app.database.read(lambda db: _counts(db, me))
    renewed = await tell_partners(home, home.load_card(), None, world)
    return Recovered(me, renewed, count, len(lost), friends)


async def ask(url: str, me: NodeId, world: World) -> Source:
    """Who answers at `url`, and what it holds of `me`."""
    nonce = names.encode_base64(world.random(32))
    async with client.session() as http:
        talk = Client(http, url, None, None, world=world, limits=Limits(), request_seconds=_SECONDS)
        greeting = await talk.greet(nonce, url)
        greeting.hello.verify(greeting.card)
        if (greeting.hello.nonce, greeting.hello.url) != (nonce, url):
            raise Declined("the node signed another greeting than it was given: somebody may be in between", 421)
        if greeting.card.author == me:
            raise InputError(f"{url} is the node that is to be recovered: name a partner's with --from")
        return Source(url, greeting.card, await talk.statements(me))


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
    # The newest of what the node said of itself.
    beats = sorted((each.beat for each in held if each.beat and each.beat.urls), key=lambda beat: beat.time)
    if beats:
        settings["node.url"] = orjson.dumps(beats[-1].urls[0]).decode()
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


def _restore_names(db: sqlite3.Connection, app: App, sources: Sequence[Source]) -> Answer:
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
    for source in sources:
        if source.card.author not in friends:
            partners.remove(db, source.card.author)
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
