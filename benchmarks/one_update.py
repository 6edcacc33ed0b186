"""How long one update takes from `publish` returning at one node to being found by the API of another, some hops away.

Serving nodes on loopback, in a chain of partners, in step, each holding RECORDS records; updates come one by one, more
than a second apart (a node makes at most one head a second), and the last node is asked again and again over one open
connection. The floor, in the same run: the same question asked at the same node, answered at once.

    make bench NAME=one_update RECORDS=2000
    make bench NAME=one_update RECORDS=2000 ARGS="--hops 3"
"""

import asyncio
import http.client
import json
import time
import urllib.parse
from itertools import pairwise

from benchmarks.harness import arguments, ending, median, operate, report, scratch
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


def main() -> None:
    options = arguments(records=2_000, hops=1)
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
            times, floors = [], []
            for number in range(UPDATES):
                time.sleep(1.2)
                word = f"quick{number}fox"
                start = publish(author, word)
                while not asker.finds(word):
                    # Asking without a pause would be what the partner mostly works at.
                    pass
                    assert time.perf_counter() - start < 10, "the update does not arrive"
                times.append(time.perf_counter() - start)
                start = time.perf_counter()
                asker.finds(word)
                floors.append(time.perf_counter() - start)
    times = [took * 1000 for took in times]
    print("ms:", [round(took, 1) for took in times])
    report(
        "one_update",
        median(times),
        "ms",
        floor=median(floors) * 1000,
        worst=round(max(times), 1),
        hops=options.hops,
        updates=UPDATES,
        records=options.records,
    )


if __name__ == "__main__":
    main()
