"""How long members wait for answers, idle and while the node takes in another partner's records.

Eight members ask a node that holds RECORDS records over HTTP, each over one open connection, with a pause between two
questions; the questions are mixed: words that few records have, a word that a fifth of all records have (a city), both
together, pages of a kind, and single records. First while nothing else happens, then while the node syncs 20,000 new
records of another partner, from nothing; then of a second one, and a third. The ratio is that of the 99th percentiles.

    make bench NAME=queries RECORDS=100000
"""

import asyncio
import http.client
import json
import random
import sqlite3
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, contextmanager
from statistics import quantiles
from typing import Any

from benchmarks.harness import arguments, ending, median, memory, operate, report, scratch, seconds, unread
from benchmarks.population import AUTHORS, node_id, populate, word
from node.trust.safety_words import safety_words
from tests.nodes import Node, until

MEMBERS = 8
PAUSE = 0.25
"""Seconds between an answer and the same member's next question, in the middle."""
IDLE = 15.0
"""Seconds of questions while nothing else happens."""
MORE = 20_000
"""Records of each other partner."""

Times = dict[str, list[float]]


def rare(chance: random.Random, _: int) -> str:
    return search(f"{word(chance, 3)} {word(chance, 1)}")


def common(chance: random.Random, _: int) -> str:
    return search(f"{chance.choice(('Tartu', 'Lund', 'Munich', 'London'))} {word(chance, 2)}")


def city(chance: random.Random, _: int) -> str:
    return search(chance.choice(("Tartu", "Lund", "Munich", "London")))


def search(text: str) -> str:
    return f"search?{urllib.parse.urlencode({'q': text, 'limit': 20})}"


def kind(chance: random.Random, _: int) -> str:
    return f"venue?limit=20&type={chance.choice(('desk', 'meeting'))}"


def one(chance: random.Random, venues: int) -> str:
    return f"venue/{node_id(chance.randrange(AUTHORS))}/v{chance.randrange(venues):07}"


QUESTIONS: dict[str, Callable[[random.Random, int], str]] = {
    "word": rare,
    "word in a city": common,
    "city": city,
    "kind": kind,
    "one": one,
}


class Members:
    """Ask until they are ended, each in a thread of its own; seconds that answers took, by question.

    `venues`: how many each author has.
    """

    def __init__(self, port: int, venues: int) -> None:
        self.times: Times = defaultdict(list)
        self.failed = 0
        self._port = port
        self._venues = venues
        self._over = threading.Event()

    @contextmanager
    def asking(self) -> Any:
        threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(MEMBERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _ask(self, number: int) -> None:
        chance = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        while not self._over.wait(chance.uniform(0, 2 * PAUSE)):
            name = chance.choice(list(QUESTIONS))
            start = time.perf_counter()
            connection.request("GET", f"/api/v1/{QUESTIONS[name](chance, self._venues)}")
            answer = connection.getresponse()
            json.loads(answer.read())
            self.times[name].append(seconds(start))
            self.failed += answer.status != 200


def told(members: Members) -> dict[str, Any]:
    """Percentiles in milliseconds, of all questions and of each."""
    every = {"all": [took for times in members.times.values() for took in times], **members.times}
    return {
        "failed": members.failed,
        **{name: {"asked": len(times), **percentiles(times)} for name, times in every.items()},
    }


def percentiles(times: list[float]) -> dict[str, float]:
    cuts = quantiles(times, n=100, method="inclusive")
    return {"p50": round(cuts[49] * 1000, 1), "p99": round(cuts[98] * 1000, 1)}


def synced(node: Node, other: Node) -> float:
    """Seconds that it takes the node to find all of another's records, from the moment that it is a partner."""
    card, words = json.loads(other.card()), " ".join(safety_words(node.id, other.id))
    operate(node, "partner-add", key_card=card)
    whole = listed(node) + MORE
    start = time.perf_counter()
    operate(node, "partner-confirm", node_id=other.id, words=words)
    until(lambda: listed(node) > whole and not unread(node.home), "the sync does not end", deadline=180)
    return seconds(start)


def listed(node: Node) -> int:
    """Records of all sets that a node holds, read beside it, because asking it would be work."""
    with closing(sqlite3.connect(f"file:{node.home / 'var' / 'node.db'}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT sum(count) FROM authors").fetchone()[0])


def main() -> None:
    options = arguments(records=100_000)
    with scratch() as folder:
        node = Node(folder / "node", "Node", url="")
        others = [Node(folder / f"other{number}", f"Other {number}") for number in range(options.repeat)]
        asyncio.run(populate(node.home, options.records))
        for number, other in enumerate(others, 1):
            asyncio.run(populate(other.home, MORE, first=AUTHORS * number, seed=number))
            other.add(node)
        with ending(node, *others):
            for each in (node, *others):
                each.serve()
            quiet, busy = (Members(node.port, options.records // AUTHORS - 2) for _ in range(2))
            with quiet.asking():
                time.sleep(IDLE)
            with busy.asking():
                took = [synced(node, other) for other in others]
            memories = memory(node=node)
    calm, strained = told(quiet), told(busy)
    print(f"idle: {calm}\nsyncing: {strained}")
    report(
        "queries",
        strained["all"]["p99"],
        "ms",
        floor=calm["all"]["p99"],
        records=options.records,
        idle=calm,
        syncing=strained,
        synced=MORE,
        sync_seconds=round(median(took), 2),
        memory_mb=memories,
    )


if __name__ == "__main__":
    main()
