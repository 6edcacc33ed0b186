"""How long it takes to work out anew who is accepted: the walk alone, and all of it after one changed endorsement.

A node with 30 partners knows authors with 10 endorsements each, at random; `--records` counts the endorsements. The
floor: a plain breadth-first search over the same endorsements, which knows no rule.

    make bench NAME=reach RECORDS=100000
"""

import asyncio
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import population
from benchmarks.harness import arguments, median, report, scratch, seconds
from benchmarks.population import Body
from node.app import App
from node.home import Home
from node.protocol.names import NodeId
from node.storage import partners
from node.trust.reach import reach
from tests.nodes import Node

PARTNERS = 30
ENDORSEMENTS = 10
"""Of each author."""


def bodies(number: int, others: Sequence[NodeId]) -> list[Body]:
    said: list[Body] = [
        ("endorsement", f"e{place}", {"node_id": each, "organisation": "Park", "method": "video", "date": "2026-11-01"})
        for place, each in enumerate(others)
    ]
    return [*population.introduction(number), *said]


def timed(work: Callable[[], object], repeat: int) -> float:
    """The median of so many times, in seconds."""
    took = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        took.append(seconds(start))
    return median(took)


def search(said: Mapping[NodeId, Sequence[NodeId]], start: Sequence[NodeId]) -> int:
    seen, frontier = set(start), list(start)
    while frontier:
        found = []
        for node in frontier:
            for each in said[node]:
                if each not in seen:
                    seen.add(each)
                    found.append(each)
        frontier = found
    return len(seen)


async def measure(home: Path, endorsements: int, repeat: int) -> None:
    chance = random.Random(42)
    count = endorsements // ENDORSEMENTS
    ids = [population.node_id(number) for number in range(count)]
    said = {node: chance.sample(ids, ENDORSEMENTS) for node in ids}
    now = int(time.time())

    def fill(db: sqlite3.Connection) -> None:
        for number, node in enumerate(ids):
            population.state(db, app.trees, chance, number, bodies(number, said[node]), now=now)
        for node in ids[:PARTNERS]:
            partners.add(db, node, None, now)

    def change(db: sqlite3.Connection) -> tuple[float, float]:
        """One author endorses another one instead of its first, or takes that back: seconds of all, and of the walk."""
        number = chance.randrange(count)
        others = [chance.choice(ids), *said[ids[number]][1:]]
        seq = db.execute("SELECT seq FROM authors WHERE node_id = ?", (ids[number],)).fetchone()[0]
        population.state(db, app.trees, chance, number, bodies(number, others), now=now, seq=seq)
        start = time.perf_counter()
        app.acceptance.recompute(db, now)
        return seconds(start), timed(walk, 1)

    def walk() -> int:
        testimony = app.acceptance._testimony
        known = reach(
            app.acceptance.me,
            partners=ids[:PARTNERS],
            vouches=testimony.vouches,
            signatories=testimony.signatories,
            rules=app.acceptance.choices.rules,
        )
        return len(known)

    async with App.opened(Home(home)) as app:
        await app.database.write(fill)
        start = time.perf_counter()
        app.acceptance.replace(await app.database.write(lambda db: app.acceptance.recompute(db, now)))
        whole = seconds(start)
        took = [await app.database.write(change) for _ in range(repeat)]
        recompute, walked = (median(times) for times in zip(*took, strict=True))
        floor = timed(lambda: search(said, ids[:PARTNERS]), repeat)
        standings = Counter(found.standing.name.lower() for found in app.acceptance.known.values())
    print(f"everything read for the first time: {whole:.2f} s; known: {dict(standings)}")
    report("reach", walked * 1000, "ms", floor=floor * 1000, endorsements=endorsements, authors=count)
    report("recompute", recompute * 1000, "ms", floor=floor * 1000, endorsements=endorsements, authors=count)


def main() -> None:
    options = arguments(records=100_000)
    with scratch() as folder:
        node = Node(folder / "node", "Node", url="")
        asyncio.run(measure(node.home, options.records, max(options.repeat, 7)))


if __name__ == "__main__":
    main()
