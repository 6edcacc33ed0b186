"""A node that holds many authors' records, made quickly but with the real storage code: what a benchmark syncs from.

Each author has real keys, a card, an organisation, an agreement and venues of about 600 bytes; the node endorses them
all, so that whoever trusts the node takes them.
"""

import hashlib
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from node.app import App
from node.directory.draft import OWN_ORGANISATION, Change
from node.home import AGREEMENT, Home, example
from node.protocol.keys import PrivateKey
from node.protocol.names import NodeId
from node.protocol.statements import NO_HASH, Beat, Card, Head, Record
from node.protocol.tree import Tree
from node.storage import sets

Body = tuple[str, str, dict[str, object]]
"""Kind, id and body of a record."""

AUTHORS = 50
NETWORK = "test"

_SYLLABLES = [consonant + vowel for consonant in "bdklmnrstv" for vowel in "aeio"]
_PLACES = [
    ("Tartu", "EE", 58378000, 26729000, "Europe/Tallinn"),
    ("Lund", "SE", 55704000, 13191000, "Europe/Stockholm"),
    ("Munich", "DE", 48137000, 11575000, "Europe/Berlin"),
    ("London", "GB", 51507000, -127000, "Europe/London"),
    ("Hong Kong", "HK", 22319000, 114169000, "Asia/Hong_Kong"),
]


def venue(chance: random.Random, number: int) -> dict[str, object]:
    """A venue's body of about 600 bytes, the way real ones are filled in."""
    city, country, latitude, longitude, zone = chance.choice(_PLACES)
    near = (-90_000, 90_000)

    def words(count: int) -> str:
        return " ".join("".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(count))

    return {
        "name": words(3).title(),
        "type": chance.choice(("office", "desk", "meeting", "event", "lab")),
        "address": f"{words(1).title()} street {chance.randint(1, 200)}, {chance.randint(1000, 99999)}",
        "city": city,
        "country": country,
        "geo": {"lat_e6": latitude + chance.randint(*near), "lon_e6": longitude + chance.randint(*near)},
        "time_zone": zone,
        "hours": f"Mo-Fr {chance.randint(7, 9):02}:00-{chance.randint(16, 20)}:00",
        "contact": {"email": f"desk{number}@{words(1)}.example", "phone": f"+372{chance.randint(10**6, 10**7 - 1)}"},
        "terms": {"free_days": chance.randint(1, 5), "notice_hours": 24},
        "capacity": chance.randint(1, 60),
        "facilities": sorted(chance.sample(("wifi", "parking", "kitchen", "lift", "ramp", "shower", "stage"), 3)),
        "directions": {"en": words(24).capitalize() + "."},
    }


@dataclass(frozen=True, slots=True)
class Population:
    """What was made: the ids of the authors, and how many records they have together."""

    authors: tuple[str, ...]
    records: int


async def populate(home: Path, count: int, authors: int = AUTHORS, seed: int = 42) -> Population:
    """Fills the home of a node that doesn't serve with `count` records over `authors`, and endorses them all."""
    chance = random.Random(seed)
    async with App.opened(Home(home)) as app:
        ids = []
        for number in range(authors):
            own = count // authors + (number < count % authors)
            ids.append(await app.database.write(lambda db, own=own, n=number: _author(db, app.trees, chance, n, own)))
        today = "2026-11-01"
        await app.publisher.publish(
            [
                Change(
                    "endorsement",
                    {"node_id": each, "organisation": f"Park {n}", "method": "key_card", "date": today},
                    ref=each,
                )
                for n, each in enumerate(ids)
            ]
        )
        known = await app.database.write(lambda db: app.acceptance.recompute(db, app.world.now()))
        app.acceptance.replace(known)
    return Population(tuple(ids), count)


def _author(db: sqlite3.Connection, trees: sets.Trees, chance: random.Random, number: int, count: int) -> str:
    venues: list[Body] = [("venue", f"v{n:07}", venue(chance, n)) for n in range(count - 2)]
    return state(db, trees, chance, number, [*introduction(number), *venues], now=1_793_000_000)


def node_id(number: int) -> NodeId:
    """The id of the author of this number."""
    return card_of(number)[0].author


def introduction(number: int) -> list[Body]:
    """Who the author of this number is, and its signature."""
    agreement = {
        "version": "1",
        "text_sha256": hashlib.sha256(example(AGREEMENT)).hexdigest(),
        "signatory_role": "director",
        "date": "2026-11-01",
    }
    organisation = {
        "name": f"Park {number}",
        "roles": ["science_park"],
        "city": "Tartu",
        "country": "EE",
        "website": f"https://park{number}.example/",
        "languages": ["en"],
    }
    return [("organisation", OWN_ORGANISATION, organisation), ("agreement", "a1", agreement)]


def card_of(number: int) -> tuple[Card, PrivateKey]:
    """The card of the author of this number, and its signing key."""
    root, signing = (PrivateKey(hashlib.sha256(b"%s %d" % (use, number)).digest()) for use in (b"root", b"signing"))
    return Card.make(root, network=NETWORK, epoch=1, signing=signing.public, issued=1_793_000_000), signing


def state(
    db: sqlite3.Connection,
    trees: sets.Trees,
    chance: random.Random,
    number: int,
    bodies: Sequence[Body],
    *,
    now: int,
    seq: int = 0,
) -> str:
    """Makes these bodies all that the author of this number says, in a signed state after `seq`; its node id."""
    card, signing = card_of(number)
    records: dict[bytes, Record] = {}
    for place, (kind, id_, body) in enumerate(bodies, seq + 1):
        record = Record.make(
            author=card.author,
            kind=kind,
            id=id_,
            seq=place,
            salt=chance.randbytes(16),
            updated=now,
            visibility="public",
            body=body,
        )
        records[record.key] = record
    tree = Tree.of({key: record.value for key, record in records.items()})
    head = Head.make(
        signing,
        author=card.author,
        epoch=1,
        seq=seq + len(bodies),
        count=len(tree),
        size=sum(len(record.line) for record in records.values()),
        root=tree.root,
        prev=NO_HASH,
    )
    beat = Beat.make(signing, head=head, time=now, urls=())
    sets.advance(db, trees, card=card, heads=[head], tree=tree, beat=beat, put=records, now=now)
    return card.author
