"""How long a desk waits for its verdict on a pass, where many organisations may have issued it.

A node knows ISSUERS organisations, each with records of its own: a card, a head, a beat, a pass key, a status list with
some revoked passes, a contact and an endorsement or two. One pass of each of 2,000 of them is shown, every one for the
first time: in the process, then over HTTP to a node that serves. The floor is what nobody does without: one check of an
Ed25519 signature of as many bytes.

    make bench NAME=desk RECORDS=10000
"""

import asyncio
import http.client
import json
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.harness import arguments, ending, report, scratch
from benchmarks.population import ENDORSED, Body, endorsement, introduction, node_id, state
from node.api.role import Role
from node.app import App
from node.directory.draft import Change
from node.home import Home
from node.protocol.keys import PrivateKey, public_key
from node.protocol.names import encode_base64, format_time
from node.roaming.availability import ends, starts
from node.roaming.passes import Pass
from node.roaming.status import pack
from node.roaming.visit import Days
from node.storage import partners
from tests.nodes import Node, venue

SHOWN = 2_000
"""Passes that are shown, each of another issuer."""
REVOKED = 20
"""Of each issuer."""
AT_ONCE = 200
"""Issuers in a transaction, while the database is filled."""


def pass_key(number: int) -> PrivateKey:
    """What the issuer of this number signs passes with."""
    return PrivateKey(number.to_bytes(32))


def bodies(chance: random.Random, number: int, introduced: range, now: int) -> list[Body]:
    """All that the issuer of this number says."""
    key = {"use": "pass", "public_key": encode_base64(pass_key(number).public), "since": format_time(now)}
    revoked = chance.sample(range(1_000, 60_000), REVOKED)
    listed = {"bits": 1, "list": pack(revoked), "issued": format_time(now), "ttl": 30 * 86_400}
    contact = {"role": "Desk", "languages": ["en"], "phone": f"+3725{number:07}"}
    return [
        *introduction(number), ("node_key", "pass-1", key), ("status_list", "passes", listed),
        ("contact", "c", contact), *(("endorsement", f"e{each}", endorsement(each)) for each in introduced),
    ]  # fmt: skip


async def fill(home: Path, count: int) -> None:
    """Has the node of this home know so many issuers, all of whom it honours, and publish a venue."""
    chance, now = random.Random(42), int(time.time()) - 60
    async with App.opened(Home(home)) as app:
        for first in range(0, count, AT_ONCE):
            jobs = [
                partial(
                    state, trees=app.trees, chance=chance, number=number, now=now,
                    bodies=bodies(chance, number, range(count)[ENDORSED * (number + 1) : ENDORSED * (number + 2)], now),
                )
                for number in range(first, min(first + AT_ONCE, count))
            ]  # fmt: skip
            await asyncio.gather(*map(app.database.write, jobs))
        terms = {"free_days": 1, "notice_hours": 0}
        room = {name: value for name, value in venue("desk", terms=terms).items() if name != "ref"}
        met = range(min(ENDORSED, count))
        await app.database.write(lambda db: [partners.add(db, node_id(each), None, now) for each in met])
        changes = [Change("endorsement", endorsement(each), ref=node_id(each)) for each in met]
        await app.publisher.publish([Change("venue", room, id="desk"), *changes])


def token(host: str, number: int) -> str:
    """A pass of today's, of the issuer of this number."""
    today, zone = format_time(time.time())[:10], "Europe/Tallinn"
    days = Days(today, today)
    made = Pass(
        id=f"pass{number:012}", issuer=node_id(number), host=host, venues=("desk",), visit=f"visit{number:011}",
        name="Liis Tamm", company="Nordic Sensors OÜ", days=days, issued=int(time.time()) - 60,
        begins=int(starts(zone, days)), ends=int(ends(zone, days)), status_list="passes", index=number % 1_000,
    )  # fmt: skip
    return made.sign("pass-1", pass_key(number))


async def timed(tokens: list[str], verify: Callable[[str], Awaitable[dict[str, Any]]]) -> list[float]:
    """Seconds that each verdict took; all of them are OK."""
    took: list[float] = []
    for each in tokens:
        began = time.perf_counter()
        said = await verify(each)
        took.append(time.perf_counter() - began)
        assert said["verdict"] == "OK", said
    return took


async def within(home: Path, tokens: list[str]) -> list[float]:
    async with App.opened(Home(home)) as app:
        known = await app.database.write(lambda db: app.acceptance.recompute(db, app.world.now()))
        app.acceptance.replace(known)
        return await timed(tokens, app.parts.desk.verify)


def over_http(node: Node, tokens: list[str]) -> list[float]:
    """As a desk's program asks: with a token of its own, over one open connection."""
    bearer = node.json("token", "create", "--role", Role.DESK.label, "--label", "Reception")["token"]
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", node.port)

    async def verify(shown: str) -> dict[str, Any]:
        connection.request("POST", "/api/v1/desk/verify", json.dumps({"token": shown}), headers)
        answer = connection.getresponse()
        said: dict[str, Any] = json.loads(answer.read())
        assert answer.status == 200, said
        return said

    return asyncio.run(timed(tokens, verify))


def bare(size: int) -> list[float]:
    """Seconds that a check of a signature of so many bytes took, each time: what the machine itself makes of it."""
    key, data = pass_key(1), b"x" * size
    signature, public = key.ed25519().sign(data), public_key(key.public)
    took = []
    for _ in range(2_000):
        began = time.perf_counter()
        public.verify(signature, data)
        took.append(time.perf_counter() - began)
    return took


def milliseconds(took: list[float]) -> dict[str, float]:
    """The median, the 99th percentile and the longest."""
    cuts = quantiles(took, n=100)
    return {"p50": round(cuts[49] * 1e3, 3), "p99": round(cuts[98] * 1e3, 3), "most": round(max(took) * 1e3, 3)}


def main() -> None:
    wanted = arguments(10_000)
    count = wanted.records
    with scratch() as folder:
        node = Node(
            folder / "desk", "Munich Park",
            trust={"vouches_honoured": 1, "introductions": 1_000_000}, api={"reads": 1_000_000},
        )  # fmt: skip
        asyncio.run(fill(node.home, count))
        chance = random.Random(7)
        tokens = [token(node.id, number) for number in chance.sample(range(count), min(SHOWN, count))]
        inside = milliseconds(asyncio.run(within(node.home, tokens)))
        with ending(node):
            node.serve()
            outside = milliseconds(over_http(node, tokens))
    floor = milliseconds(bare(len(tokens[0])))
    report("desk", inside["p50"], "ms", floor=floor["p50"], issuers=count, process=inside, http=outside, bare=floor)


if __name__ == "__main__":
    main()
