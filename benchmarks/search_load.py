"""How long members wait for a search while many search, and how much of that is the node's own doing.

MEMBERS ask a serving node that holds RECORDS records over HTTP, each over one open connection, with a pause between two
questions; the questions are mixed: words, a slip, a city's surroundings, what is open, a box, filters with facets,
events, an organisation, later pages. The floor is what the bare SQLite file takes: the very statements that the node
ran for these questions, asked by as many processes as there are cores, of which each serves its members' questions one
after the other, at the same pace. A process has an interpreter of its own, so the floor has both cores to itself; the
node shares them with the members that ask it.

    make bench NAME=search_load RECORDS=100000
"""

import asyncio
import http.client
import json
import multiprocessing
import os
import random
import sqlite3
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.harness import arguments, ending, memory, operate, report, scratch, seconds
from benchmarks.population import AUTHORS, node_id, populate, word
from node.directory.reader import PUBLIC, Reader
from node.directory.search import Question, search
from node.protocol.names import NodeId
from node.storage.database import READERS
from tests.nodes import Node

MEMBERS = 50
PAUSES = (2.0, 1.0)
"""Seconds between an answer and the same member's next question, in the middle: each is a run of its own."""
SECONDS = 40.0
CITIES = ("Tartu", "Lund", "Munich", "London", "Hong Kong")
SLIPS = ("Tratu", "Lnud", "Munch", "Lonndon", "Mnuich")

Asked = dict[str, str]


def words(chance: random.Random) -> Asked:
    return {"q": f"{word(chance, 3)} {word(chance, 1)}"}


def words_in_a_city(chance: random.Random) -> Asked:
    return {"q": f"{chance.choice(CITIES)} {word(chance, 2)}"}


def a_city(chance: random.Random) -> Asked:
    return {"q": chance.choice(CITIES)}


def a_slip(chance: random.Random) -> Asked:
    return {"q": f"{chance.choice(SLIPS)} {word(chance, 2)}"}


def near(chance: random.Random) -> Asked:
    return {"near": chance.choice(CITIES), "radius_km": "3", "kind": "venue"}


def a_desk_that_is_open(chance: random.Random) -> Asked:
    at = f"2027-06-{chance.randint(1, 28):02}T10:00"
    return {"near": chance.choice(CITIES), "radius_km": "3", "type": "desk", "open_at": at}


def a_box(chance: random.Random) -> Asked:
    latitude, longitude = 48.137 + chance.uniform(-0.05, 0.05), 11.575 + chance.uniform(-0.05, 0.05)
    return {"bbox": f"{longitude - 0.02:.4f},{latitude - 0.02:.4f},{longitude + 0.02:.4f},{latitude + 0.02:.4f}"}


def filters(chance: random.Random) -> Asked:
    countries = chance.choice(("EE", "SE", "DE", "GB", "HK"))
    return {
        "q": word(chance, 2),
        "country": countries,
        "type": "meeting,office",
        "facilities": "wifi",
        "facets": "true",
    }


def events(chance: random.Random) -> Asked:
    return {"from": f"2027-06-{chance.randint(1, 28):02}", "until": "2027-07-01"}


def an_organisation(chance: random.Random) -> Asked:
    return {"organisation": node_id(chance.randrange(AUTHORS)), "kind": "venue", "q": word(chance, 2)}


QUESTIONS: Sequence[Callable[[random.Random], Asked]] = (
    words, words_in_a_city, a_city, a_slip, near, a_desk_that_is_open, a_box, filters, events, an_organisation,
)  # fmt: skip

Times = dict[str, list[float]]


def member(number: int, answer: Callable[[Asked], None], *, pause: float, ends: float, times: Times) -> None:
    """One who asks until `ends`, and waits in between; the same questions whoever answers."""
    chance = random.Random(number)
    pauses = random.Random(-number)
    time.sleep(pauses.uniform(0, pause))
    while time.perf_counter() < ends:
        make = chance.choice(QUESTIONS)
        asked = make(chance)
        start = time.perf_counter()
        answer(asked)
        times[make.__name__].append(seconds(start))
        time.sleep(pauses.uniform(0, 2 * pause))


def of_the_node(port: int, pause: float) -> Times:
    """Seconds by question, of members in threads of this process."""
    times: Times = defaultdict(list)
    ends = time.perf_counter() + SECONDS

    def ask(connection: http.client.HTTPConnection, asked: Asked) -> None:
        connection.request("GET", f"/api/v1/search?{urllib.parse.urlencode(asked)}")
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body

    connections = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(MEMBERS)]
    _together(
        [
            partial(member, number, partial(ask, connection), pause=pause, ends=ends, times=times)
            for number, connection in enumerate(connections)
        ]
    )
    return times


Statements = list[str]


def statements(home: Path) -> dict[str, Statements]:
    """What the node asks SQLite for each question that any member may ask, by the question."""
    with closing(sqlite3.connect(_uri(home), uri=True)) as db:
        me = NodeId(db.execute("SELECT node_id FROM authors ORDER BY no LIMIT 1").fetchone()[0])
        reader = Reader(PUBLIC, time.time(), me, {})
        made: dict[str, Statements] = {}
        for asked in _every_question():
            ran: Statements = []
            db.set_trace_callback(ran.append)
            search(db, reader, Question.parse(asked))
            db.set_trace_callback(None)
            made[json.dumps(asked)] = ran
    return made


def _every_question() -> list[Asked]:
    chances = [random.Random(number) for number in range(MEMBERS)]
    return [chance.choice(QUESTIONS)(chance) for chance in chances for _ in range(int(SECONDS / min(PAUSES)) * 2)]


_connection: sqlite3.Connection


def _open(home: Path) -> None:
    global _connection
    _connection = sqlite3.connect(_uri(home), uri=True)
    _connection.execute("PRAGMA cache_size = -16000")


def _run(ran: Statements) -> None:
    for statement in ran:
        _connection.execute(statement).fetchall()


def _uri(home: Path) -> str:
    return f"file:{home / 'var' / 'node.db'}?mode=ro"


def of_the_file(home: Path, ran: dict[str, Statements], pause: float) -> Times:
    """The same of the bare file: the members' threads hand their statements to as many processes as there are cores."""
    times: Times = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1, _open, (home,)) as pool:
        pool.map(_run, list(ran.values())[:READERS])
        ends = time.perf_counter() + SECONDS

        def ask(asked: Asked) -> None:
            pool.apply(_run, (ran[json.dumps(asked)],))

        _together([partial(member, number, ask, pause=pause, ends=ends, times=times) for number in range(MEMBERS)])
    return times


def _together(jobs: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def percentiles(times: list[float]) -> dict[str, float]:
    cuts = quantiles(times, n=100, method="inclusive")
    return {"p50": round(cuts[49] * 1000, 1), "p99": round(cuts[98] * 1000, 1)}


def told(times: Times) -> dict[str, Any]:
    """Percentiles in milliseconds, of all questions and of each."""
    every = {"all": [took for each in times.values() for took in each], **times}
    return {name: {"asked": len(each), **percentiles(each)} for name, each in sorted(every.items())}


def main() -> None:
    options = arguments(records=100_000)
    with scratch() as folder:
        # Fifty members behind one address are many for the public's budget.
        node = Node(folder / "node", "Node", url="", api={"public_searches": 1_000_000})
        asyncio.run(populate(node.home, options.records))
        node.publish("event", [event(number) for number in range(200)])
        ran = statements(node.home)
        with ending(node):
            node.serve()
            operate(node, "status")
            served = {pause: told(of_the_node(node.port, pause)) for pause in PAUSES}
            memories = memory(node=node)
        bare = {pause: told(of_the_file(node.home, ran, pause)) for pause in PAUSES}
    for pause in PAUSES:
        print(f"pause {pause:g} s\nnode: {served[pause]}\nfile: {bare[pause]}")
        report(
            "search_load", served[pause]["all"]["p99"], "ms", floor=bare[pause]["all"]["p99"], records=options.records,
            members=MEMBERS, pause_seconds=pause, node=served[pause], file=bare[pause], memory_mb=memories,
        )  # fmt: skip


def event(number: int) -> dict[str, Any]:
    day = f"2027-06-{number % 28 + 1:02}"
    return {
        "ref": f"event-{number}", "title": {"en": f"Demo day {number}"}, "start": f"{day}T09:00", "end": f"{day}T17:00",
        "time_zone": "Europe/Tallinn", "status": "confirmed", "organiser": "Node",
        "online_url": "https://park.example/live", "open_to": "members",
    }  # fmt: skip


if __name__ == "__main__":
    main()
