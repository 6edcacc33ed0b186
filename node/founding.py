"""Founding a node: its keys, its home, and its first signed state.

The root key exists only while this runs; afterwards it is the 24 recovery words and nothing else. The signing key is
written to the home, once. The first state holds the organisation itself, and its signature under the agreement's text
if somebody signs at once.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from node import kinds
from node.app import App
from node.config import load
from node.control.membership import accession, agreement_text
from node.directory import word_check
from node.directory.draft import OWN_ORGANISATION, Change
from node.directory.word_check import Sample
from node.errors import HomeError, InputError, Malformed
from node.federation.wire import parse_url
from node.home import AGREEMENT, Home, example, write_new
from node.protocol.keys import PrivateKey, recovery_words
from node.protocol.names import NodeId
from node.protocol.statements import Card
from node.world import World


@dataclass(frozen=True, slots=True)
class Organisation:
    """What `bra init` asks of an organisation; the rest is published like any other record."""

    name: str
    country: str
    city: str
    website: str
    languages: tuple[str, ...] = ("en",)
    role: str = "other"

    def body(self) -> dict[str, object]:
        return {
            "name": self.name,
            "roles": [self.role],
            "city": self.city,
            "country": self.country,
            "website": self.website,
            "languages": list(self.languages),
        }


@dataclass(frozen=True, slots=True)
class Founded:
    """A new node. `words` are the root key: to be shown once and kept nowhere."""

    node_id: NodeId
    words: str


async def found(
    home: Home,
    organisation: Organisation,
    *,
    url: str,
    network: str = "bra",
    signatory_role: str | None = None,
    recovery_file: Path | None = None,
    world: World | None = None,
) -> Founded:
    """Makes a home with a node in it. InputError or HomeError, before anything is written, where that can't be.

    `signatory_role`: the role of the person who signs the agreement with this; without it nobody does.
    """
    world = world or World()
    base = parse_url(url) if url else ""
    if home.exists:
        raise HomeError(f"there is a node in {home.path} already: a node's key is never overwritten")
    changes = [_organisation(organisation)]
    if signatory_role is not None:
        changes.append(_accession(home, signatory_role, organisation.city, world.now()))
    for change in changes:
        try:
            kinds.interpret(change.kind, change.body)
        except Malformed as error:
            raise InputError(f"the {change.kind}'s {error}") from error
    root, signing = PrivateKey(world.random(32)), PrivateKey(world.random(32))
    card = Card.make(root, network=network, epoch=1, signing=signing.public, issued=world.now())
    words = recovery_words(root)
    if recovery_file is not None:
        _write_words(recovery_file, card.author, words)
    settings = {"node.url": orjson.dumps(base).decode()}
    if network != "bra":
        settings["node.network"] = orjson.dumps(network).decode()
    _make_home(home, settings, signing, card, recovery_file)
    async with App.opened(home, world) as app:
        await app.publisher.publish([*changes, *app.parts.passes.first()])
        sample = Sample.of(words, world.random)
        await app.database.write(lambda db: word_check.keep(db, sample))
    return Founded(card.author, words)


def website_of(url: str) -> str:
    """The website of an organisation that named none: its node's host, or where that is no name, one that says so."""
    host = urlsplit(url).hostname or ""
    named = "." in host and not host.replace(".", "").isdigit()
    return f"https://{host}/" if named else "https://not-given.invalid/"


def _make_home(
    home: Home, settings: dict[str, str], signing: PrivateKey, card: Card, recovery_file: Path | None
) -> None:
    try:
        home.make(settings=settings, signing=signing, card=card)
        load(home.config)
    except BaseException:
        # Words of a key that was never used would only confuse.
        if recovery_file is not None:
            recovery_file.unlink()
        raise


def _organisation(organisation: Organisation) -> Change:
    return Change("organisation", organisation.body(), id=OWN_ORGANISATION, visibility="public")


def _accession(home: Home, role: str, city: str, now: float) -> Change:
    """The signature under the text that lies in the home, or will."""
    text = agreement_text(home) if home.agreement.exists() else example(AGREEMENT)
    if home.config.exists():
        recognised = load(home.config).agreement.recognised
    else:
        recognised = tomllib.loads(example("node.toml").decode())["agreement"]["recognised"]
    return accession(text, recognised, role=role, place=city, now=now)


def _write_words(path: Path, node_id: NodeId, words: str) -> None:
    text = f"Recovery words of {node_id}: whoever has them is this node. Keep them on paper.\n{words}\n"
    try:
        write_new(path, text.encode(), 0o600)
    except FileExistsError as error:
        raise HomeError(f"{path} is there already: name a new file for the recovery words") from error
    except OSError as error:
        raise HomeError(f"{path} can't be written ({error.strerror}): name another --recovery-file") from error
