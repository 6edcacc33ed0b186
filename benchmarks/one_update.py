"""How long one update takes from `publish` returning at one node to being found by the API of another, some hops away.

Serving nodes on loopback, in a chain of partners, in step, each holding RECORDS records; updates come one by one, more
than a second apart (a node makes at most one head a second). In turns:

- the last node's file is watched, and its API asked once, as soon as the update is committed there: the figure, with
  the time of the commit as `committed`
- its API is asked again and again over one open connection, from when `publish` returned: `asked_all_the_time`. These
  questions keep the node from the very update that they wait for

The floor, in the same run: the same question asked at the same node, answered at once.

    make bench NAME=one_update RECORDS=2000
    make bench NAME=one_update RECORDS=2000 ARGS="--hops 3"
"""

import asyncio
import http.client
import json
import sqlite3
import time
import urllib.parse
from itertools import pairwise

from benchmarks.harness import arguments, ending, median, operate, reading, report, scratch, seconds, waited
from benchmarks.population import populate
from tests.nodes import Node, until, venue

UPDATES = 24


class Asker:
    """One open connection to a node's API."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def finds(self, word: str) -> bool:
        self._connection.request("GET", f"/api/v1/search?{urllib.parse.urlencode({'q': word})}")
        return bool(json.loads(self._connection.getresponse().read())["records"])


def publish(node: Node, word: str) -> float:
    """When, by the performance counter, the publish of a venue with this word returned."""
    body = venue("updated", name=f"Room {word}")
    del body["ref"]
    changes = [{"kind": "venue", "body": body, "ref": "updated"}]
    operate(node, "publish", changes=changes)
    return time.perf_counter()


def place(db: sqlite3.Connection) -> int:
    """The last place in a node's feed, read beside it: it rises with each update that it stores."""
    return int(db.execute("SELECT max(arrival) FROM authors").fetchone()[0])


def main() -> None:
    options = arguments(records=2_000, hops=1)
    found, committed, asked, floors = list[float](), list[float](), list[float](), list[float]()
    with scratch() as folder:
        chain = [Node(folder / f"node{number}", f"Node {number}") for number in range(options.hops + 1)]
        author, last = chain[0], chain[-1]
        asyncio.run(populate(author.home, options.records))
        with ending(*chain):
            for node in chain:
                node.serve()
            for node, following in pairwise(chain):
                node.befriend(following)
            until(lambda: operate(last, "status")["records"] > options.records, "they don't get in step", deadline=120)
            asker = Asker(last.port)
            with reading(last.home) as db:
                for number in range(2 * UPDATES):
                    time.sleep(1.2)
                    before, word = place(db), f"quick{number}fox"
                    start = publish(author, word)
                    if number % 2:
                        waited(lambda: asker.finds(word), "the update does not arrive", every=0, deadline=10)  # noqa: B023
                        asked.append(seconds(start))
                    else:
                        waited(lambda: place(db) > before, "it does not arrive", every=0.0001, deadline=10)  # noqa: B023
                        committed.append(seconds(start))
                        assert asker.finds(word)
                        found.append(seconds(start))
                    again = time.perf_counter()
                    assert asker.finds(word)
                    floors.append(seconds(again))
    print("ms:", [round(took * 1000, 1) for took in found])
    report(
        "one_update",
        median(found) * 1000,
        "ms",
        floor=median(floors) * 1000,
        worst=round(max(found) * 1000, 1),
        committed=round(median(committed) * 1000, 2),
        asked_all_the_time=round(median(asked) * 1000, 2),
        hops=options.hops,
        updates=UPDATES,
        records=options.records,
    )


if __name__ == "__main__":
    main()
