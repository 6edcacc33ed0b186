"""A new signing key: because the old one grew old, or may be stolen.

Rules (SPEC, "After a restore, a theft, a fork"):

- the moment at which the new key counts is the database's transaction with its first head; files follow (`Home.settle`)
- first the partners are asked, so that nothing they hold of this node is left out; with `stolen` this home's database
  alone is the truth, and whatever a thief published under the old key ends with its epoch
- afterwards the partners hear of the new card at once, because until they do they believe the old key
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from node.app import App
from node.control.parts import unreported
from node.custody.keys import Request, check_card, signed_card
from node.directory import word_check
from node.directory.word_check import Sample
from node.errors import BraError, InputError
from node.home import Home
from node.protocol.keys import PrivateKey
from node.protocol.merge import Merged
from node.protocol.statements import Card
from node.storage import authors, records
from node.world import World

CardSource = Callable[[App], tuple[PrivateKey, Card]]
"""Gives the new key and its card, for the node that is opened."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """The new epoch, and which partners have heard of it and which couldn't be reached (node ids)."""

    epoch: int
    told: tuple[str, ...]
    untold: tuple[str, ...]


async def rotate(
    home: Home,
    source: CardSource,
    *,
    stolen: bool,
    accept_loss: bool = False,
    passphrase: bytes | None = None,
    world: World | None = None,
) -> Renewed:
    """Begins a new epoch with a new key. NotOpen where it isn't clear what this node published last."""
    async with App.opened(home, world, passphrase) as app:
        if not stolen:
            await app.operations.run("sync", {}, unreported)
            await app.database.read(app.authority.require)
        await check_bodies(app, accept_loss=accept_loss)
        card = await renew(app, source, passphrase)
    return await tell_partners(home, card, passphrase, world)


async def check_bodies(app: App, *, accept_loss: bool) -> int:
    """How many own records are held without their body, which can't stay in a new epoch; refused unless accepted."""
    me = app.authority.card.author

    def count(db: sqlite3.Connection) -> int:
        author = authors.find(db, me)
        return len(records.bodies(db, author.no)[0]) if author else 0

    lost = await app.database.read(count)
    if lost and not accept_loss:
        raise InputError(
            f"nobody who could be asked gave back {lost} of this node's own records: try again when more partners can "
            "be reached, or leave those records out with --accept-loss"
        )
    return lost


async def renew(app: App, source: CardSource, passphrase: bytes | None, merged: Merged | None = None) -> Card:
    """Signs the set of an opened node anew, under the key that `source` gives; afterwards the node is to be closed."""
    key, card = source(app)
    app.home.stage(key, card, passphrase)
    # Where this is broken off, the database tells at the next opening whether the new key counts.
    await app.publisher.begin_epoch(key, card, merged)
    app.home.settle(card)
    return card


async def tell_partners(home: Home, card: Card, passphrase: bytes | None = None, world: World | None = None) -> Renewed:
    """A round with every partner under the new key: each request carries the new card."""
    async with App.opened(home, world, passphrase) as app:
        try:
            rounds = (await app.operations.run("sync", {}, unreported))["partners"]
        except BraError:
            rounds = []
    told = tuple(each["partner"] for each in rounds if each.keys() == {"partner"})
    return Renewed(card.epoch, told, tuple(each["partner"] for each in rounds if "problem" in each))


def request(app: App, key: PrivateKey) -> Request:
    """The card that is needed next."""
    me = app.authority.card.author
    author = app.database.read_now(lambda db: authors.find(db, me))
    epochs = [app.authority.card.epoch]
    if author is not None:
        epochs += [author.newest_card.epoch, author.forked_epoch or 0]
    return Request(app.config.node.network, me, max(epochs) + 1, key.public)


def from_words(words: str) -> CardSource:
    """A new key, whose card is signed here and now."""

    def source(app: App) -> tuple[PrivateKey, Card]:
        key = PrivateKey(app.world.random(32))
        card = signed_card(words, request(app, key), now=app.world.now())
        had_words(app, words)
        return key, card

    return source


def had_words(app: App, words: str) -> None:
    """Notes that somebody has the recovery words, and draws anew which of them are asked for from now on."""
    sample, now = Sample.of(words, app.world.random), app.world.now()
    app.database.write_now(lambda db: word_check.keep(db, sample, now))


def from_card(card: Card, passphrase: bytes | None) -> CardSource:
    """The key that waits in the home for this card, which another machine signed."""

    def source(app: App) -> tuple[PrivateKey, Card]:
        key = app.home.load_asked_key(passphrase)
        check_card(card, request(app, key))
        return key, card

    return source


async def ask_card(home: Home, *, passphrase: bytes | None = None, world: World | None = None) -> Request:
    """Draws a new key that waits for its card, and the request to carry to the machine where the words are typed."""
    async with App.opened(home, world, passphrase) as app:
        key = PrivateKey(app.world.random(32))
        home.ask_card(key, passphrase)
        return request(app, key)
