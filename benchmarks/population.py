"""A node that holds many authors' records, made quickly but with the real storage code: what a benchmark syncs from.

Each author has real keys, a card, an organisation, an agreement and venues of about 600 bytes. The node endorses 100 of
them, each of these 100 others, and so on: whoever trusts the node takes them all. Later some of their venues can be
given new bodies, as a difference that a reader then catches up with.
"""

import asyncio
import hashlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from node.app import App
from node.directory.draft import OWN_ORGANISATION, Change
from node.home import AGREEMENT, Home, example
from node.protocol.keys import PrivateKey
from node.protocol.names import NodeId
from node.protocol.record import Record
from node.protocol.statements import NO_HASH, Beat, Card, Head
from node.protocol.tree import Tree
from node.storage import authors, sets
from node.storage import records as stored

T = TypeVar("T")

Body = tuple[str, str, dict[str, object]]
"""Kind, id and body of a record."""

AUTHORS = 50
AT_ONCE = 32
"""Authors whose states wait for the writer together, so that they share a transaction."""
ENDORSED = 100
"""By each: of one author a reader counts 200 endorsements at most."""
FOUNDED = 1_793_000_000
"""When everything was made, in seconds since 1970."""
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
        return " ".join(word(chance, chance.randint(1, 4)) for _ in range(count))

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


def word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choices(_SYLLABLES, k=syllables))


@dataclass(frozen=True, slots=True)
class Population:
    """What was made: the ids of the authors, and how many records they have together."""

    authors: tuple[str, ...]
    records: int


async def populate(home: Path, count: int, by: int = AUTHORS, *, first: int = 0, seed: int = 42) -> Population:
    """Fills the home of a node that doesn't serve with `count` records by so many authors, all of whom it reaches.

    What they endorse each other with comes on top of `count`. `first`: the number of the first author, where another
    population has those below.
    """
    chance = random.Random(seed)
    numbers = range(first, first + by)
    async with App.opened(Home(home)) as app:

        def made(place: int, number: int) -> Callable[[sqlite3.Connection], str]:
            own = count // by + (place < count % by)
            introduced = numbers[ENDORSED * (place + 1) : ENDORSED * (place + 2)]
            return lambda db: state(
                db, app.trees, chance, number, _bodies(chance, number, own, introduced), now=FOUNDED
            )

        ids = await _written(app, [made(place, number) for place, number in enumerate(numbers)])
        changes = [Change("endorsement", endorsement(each), ref=node_id(each)) for each in numbers[:ENDORSED]]
        await app.publisher.publish(changes)
        known = await app.database.write(lambda db: app.acceptance.recompute(db, app.world.now()))
        app.acceptance.replace(known)
    return Population(tuple(ids), count)


async def change_venues(home: Path, counts: Mapping[int, int], seed: int) -> list[Record]:
    """Gives so many venues of each of these authors (by number) a new body, one state an author; the new records.

    The node of this home doesn't serve.
    """
    chance, now = random.Random(seed), int(time.time())
    async with App.opened(Home(home)) as app:
        jobs = [
            partial(_change, trees=app.trees, chance=chance, number=number, count=count, now=now)
            for number, count in counts.items()
        ]
        return [record for made in await _written(app, jobs) for record in made]


async def beat(home: Path, numbers: Iterable[int]) -> None:
    """Has these authors say that their newest head still is the newest. The node of this home doesn't serve."""
    now = int(time.time())

    def renew(db: sqlite3.Connection, number: int) -> None:
        card, signing = card_of(number)
        author = authors.find(db, card.author)
        assert author is not None
        assert author.head is not None
        authors.hear_beat(db, author, Beat.make(signing, head=author.head, time=now, urls=(url(number),)))

    async with App.opened(Home(home)) as app:
        await _written(app, [partial(renew, number=number) for number in numbers])


async def _written(app: App, jobs: Sequence[Callable[[sqlite3.Connection], T]]) -> list[T]:
    """The results of jobs for the writer, some of which wait together."""
    results: list[T] = []
    for start in range(0, len(jobs), AT_ONCE):
        results += await asyncio.gather(*map(app.database.write, jobs[start : start + AT_ONCE]))
    return results


def _bodies(chance: random.Random, number: int, count: int, others: Iterable[int]) -> list[Body]:
    """So many bodies of one author: who it is, its signature, and venues; and its endorsements of others."""
    endorsements: list[Body] = [("endorsement", f"e{each}", endorsement(each)) for each in others]
    venues: list[Body] = [("venue", _venue_id(n), venue(chance, n)) for n in range(count - 2)]
    return [*introduction(number), *endorsements, *venues]


def _venue_id(number: int) -> str:
    return f"v{number:07}"


def node_id(number: int) -> NodeId:
    """The id of the author of this number."""
    return card_of(number)[0].author


def endorsement(number: int) -> dict[str, object]:
    """That somebody knows the author of this number."""
    return {"node_id": node_id(number), "organisation": f"Park {number}", "method": "key_card", "date": "2026-11-01"}


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
        "website": f"{url(number)}/",
        "languages": ["en"],
    }
    return [("organisation", OWN_ORGANISATION, organisation), ("agreement", "a1", agreement)]


def url(number: int) -> str:
    """Where the node of the author of this number would be reached."""
    return f"https://park{number}.example"


@cache
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
    records = _records(chance, number, bodies, seq=seq, now=now)
    tree = Tree.of({key: record.value for key, record in records.items()})
    _advance(db, trees, number, records, tree, seq=seq + len(bodies), size=_size(records), prev=NO_HASH, now=now)
    return node_id(number)


def _change(
    db: sqlite3.Connection, *, trees: sets.Trees, chance: random.Random, number: int, count: int, now: int
) -> list[Record]:
    author = authors.find(db, node_id(number))
    assert author is not None
    assert author.head is not None
    ids = db.execute("SELECT id FROM records WHERE author = ? AND kind = 'venue' ORDER BY no", (author.no,)).fetchall()
    bodies: list[Body] = [
        ("venue", id_, venue(chance, place)) for place, (id_,) in enumerate(chance.sample(ids, count))
    ]
    records = _records(chance, number, bodies, seq=author.seq, now=now)
    before = (stored.find(db, author.no, key) for key in records)
    _advance(
        db,
        trees,
        number,
        records,
        trees.of(db, author).changed({key: record.value for key, record in records.items()}),
        seq=author.seq + count,
        size=author.head.size + _size(records) - sum(len(each.line or b"") for each in before if each),
        prev=author.head.hash,
        now=now,
    )
    return list(records.values())


def _records(chance: random.Random, number: int, bodies: Sequence[Body], *, seq: int, now: int) -> dict[bytes, Record]:
    """The author's records with these bodies, by key, each with a seq of its own after `seq`."""
    made = (
        Record.make(
            author=node_id(number),
            kind=kind,
            id=id_,
            seq=place,
            salt=chance.randbytes(16),
            updated=now,
            visibility="public",
            body=body,
        )
        for place, (kind, id_, body) in enumerate(bodies, seq + 1)
    )
    return {record.key: record for record in made}


def _size(records: Mapping[bytes, Record]) -> int:
    return sum(len(record.line) for record in records.values())


def _advance(
    db: sqlite3.Connection,
    trees: sets.Trees,
    number: int,
    records: Mapping[bytes, Record],
    tree: Tree,
    *,
    seq: int,
    size: int,
    prev: bytes,
    now: int,
) -> None:
    """Signs the author's new state and stores it, as the publisher would."""
    card, signing = card_of(number)
    head = Head.make(
        signing, author=card.author, epoch=1, seq=seq, count=len(tree), size=size, root=tree.root, prev=prev
    )
    beat = Beat.make(signing, head=head, time=now, urls=(url(number),))
    before = authors.find(db, card.author)
    sets.advance(db, trees, before, card=card, heads=[head], tree=tree, beat=beat, put=records, now=now)
