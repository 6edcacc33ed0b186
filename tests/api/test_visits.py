"""Visits over HTTP: a member sees its own, the desk answers, and nobody else gets anywhere."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from node.api.access import Access
from node.api.role import Role
from node.api.tokens import DAY
from node.api.visits import VisitEndpoints
from node.config import Api as Settings
from node.config import Oidc
from node.control.parts import unreported
from node.problem import plain_errors
from node.roaming.passes import Token
from node.storage.database import READERS
from tests.kinds.kind_examples import example
from tests.roaming.correspondents import Town, Writer, town
from tests.roaming.parks import venue_body


class Counter:
    """The API of a node that holds a venue of another's, and a token of each role."""

    def __init__(self, of: Town, host: Writer) -> None:
        self.town = of
        self.place = f"{host.id}/desk"
        self.base = ""
        self.tokens: dict[str, str] = {"": ""}

    async def ask(self, method: str, path: str, who: str = "", body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        async with self.town.http.request(method, f"{self.base}/api/v1{path}", headers=headers, json=body) as answer:
            data = await answer.read()
            assert answer.headers.get("Cache-Control") == "no-store" or answer.status >= 400
            return answer.status, json.loads(data) if "json" in answer.content_type else data

    def request(self, **fields: Any) -> dict[str, Any]:
        day = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
        return {
            "venue": self.place,
            "days": [day, day],
            "company": "Nordic Sensors",
            "people": [{"name": "Liis Tamm", "email": "liis@sensors.example"}],
            "purpose": "A first customer",
            **fields,
        }


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with town(tmp_path) as tartu:
        lund = Writer("lund")
        lund.author.put("venue", venue_body(hours="24/7"), "desk")
        lund.author.put("contact", {**example("contact"), "topics": ["visas"]}, "c1", visibility="members")
        staff = {**example("contact"), "email": "staff-only@lund.example"}
        lund.author.put("contact", staff, "c2", visibility="partners")
        await tartu.befriend(lund)
        await tartu.app.indexer.done()
        made = Counter(tartu, lund)
        tokens = tartu.app.parts.tokens
        roles = {"liis": Role.MEMBER, "jaan": Role.MEMBER, "desk": Role.DESK, "operator": Role.OPERATOR}
        for who, role in roles.items():
            made.tokens[who], _ = await tokens.create(role, who, 30 * DAY)
        access = Access(tokens, tartu.http, api=Settings(), oidc=Oidc(), world=tartu.app.world)
        app = web.Application(middlewares=[plain_errors])
        access.protect(app)
        operate = partial(tartu.app.operations.run, report=unreported)
        for endpoint in VisitEndpoints(operate).endpoints():
            app.add_routes(endpoint.routes(access))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
        await runner.cleanup()


async def test_a_member_sees_and_cancels_what_its_own_token_asked_and_operators_see_all(counter: Counter) -> None:
    status, made = await counter.ask("POST", "/visits", "liis", counter.request())
    assert (status, made["state"]) == (201, "asked"), made
    one = f"/visits/{made['visit']}"
    for who, found in (("liis", 1), ("jaan", 0), ("desk", 0), ("operator", 1)):
        status, listed = await counter.ask("GET", "/visits", who)
        assert (status, len(listed["visits"])) == (200, found), who
        assert (await counter.ask("GET", one, who))[0] == (200 if found else 404), who
    assert (await counter.ask("POST", f"{one}/cancel", "jaan", {}))[0] == 404
    for stage, found in (("waiting", 1), ("coming", 0), ("over", 0)):
        status, listed = await counter.ask("GET", f"/visits?stage={stage}", "liis")
        assert (status, len(listed["visits"])) == (200, found), stage
    status, gone = await counter.ask("POST", f"{one}/cancel", "liis", {"note": "We are ill"})
    assert (status, gone["state"], gone["moves"][-1]["note"]) == (200, "cancelled", "We are ill")


async def test_without_a_token_or_with_too_low_a_role_nobody_gets_anywhere(counter: Counter) -> None:
    _, made = await counter.ask("POST", "/visits", "liis", counter.request())
    one = f"/visits/{made['visit']}"
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/visits", counter.request()), ("GET", "/visits", None), ("GET", one, None),
        ("POST", f"{one}/cancel", {}), ("POST", f"{one}/agree", {}), ("POST", f"{one}/answer", {"answer": "accept"}),
        ("GET", f"{one}/passes", None), ("GET", f"{one}/pack", None), ("GET", "/reciprocity", None),
        ("POST", f"{one}/confirm", None),
    ]  # fmt: skip
    for method, path, body in calls:
        assert (await counter.ask(method, path, "", body))[0] == 401, path
    assert (await counter.ask("POST", f"{one}/answer", "liis", {"answer": "accept"}))[0] == 403
    for who in ("liis", "desk"):
        assert (await counter.ask("GET", "/reciprocity", who))[0] == 403


async def test_only_who_asked_for_a_visit_confirms_that_they_came_once_the_host_says_so(counter: Counter) -> None:
    _, made = await counter.ask("POST", "/visits", "liis", counter.request())
    path = f"/visits/{made['visit']}/confirm"
    for who in ("jaan", "desk"):
        assert (await counter.ask("POST", path, who))[0] == 404, who
    for who in ("liis", "operator"):
        status, answer = await counter.ask("POST", path, who)
        assert (status, "has not said that you came" in answer["detail"]) == (400, True), who


WRONG: dict[str, tuple[Any, str]] = {
    "a list": ([], "body"),
    "nothing": ({}, "venue"),
    "days that are none": ({"days": ["2027-06-31", "2027-07-01"]}, "days"),
    "no way to write back": ({"people": [{"name": "Liis"}]}, "people"),
    "a venue that there isn't": ({"venue": "bra1" + "a" * 32 + "/desk"}, "venue"),
    "who asks for another": ({"asker": "jaan"}, "asker"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_question_is_refused_by_the_name_of_what_is_wrong(what: str, counter: Counter) -> None:
    given, field = WRONG[what]
    body = given if not given else {**counter.request(), **given}
    status, answer = await counter.ask("POST", "/visits", "liis", body)
    assert status in (400, 422)
    assert field in json.dumps(answer["errors"]), answer


BAD = [
    {},
    {"answer": "cancel"},
    {"answer": "accept", "asker": ""},
    {"answer": 1},
    {"answer": "propose", "days": "x"},
    [],
]


@pytest.mark.parametrize("body", BAD)
async def test_an_answer_that_is_none_is_refused(body: Any, counter: Counter) -> None:
    assert (await counter.ask("POST", "/visits/v1/answer", "desk", body))[0] == 422


async def test_only_an_accepted_visit_has_a_pack_and_the_desk_answers_only_its_own(
    counter: Counter,
) -> None:
    _, made = await counter.ask("POST", "/visits", "liis", counter.request())
    one = f"/visits/{made['visit']}"
    assert (await counter.ask("GET", f"{one}/pack", "liis"))[0] == 400
    # It was asked from here, so the answer isn't this desk's.
    assert (await counter.ask("POST", f"{one}/answer", "desk", {"answer": "accept"}))[0] == 404
    host = counter.place.partition("/")[0]
    move = {"no": 1, "seen": 1, "event": "accept", "at": "2026-01-15T09:00:00Z"}
    await counter.town.app.database.write(
        lambda db: counter.town.app.parts.visits._hear(db, host, {"visit": made["visit"], "move": move}, 0.0)
    )
    status, passes = await counter.ask("GET", f"{one}/passes", "liis")
    assert (status, [each["name"] for each in passes["passes"]]) == (200, ["Liis Tamm"])
    status, page = await counter.ask("GET", f"{one}/pack", "liis")
    assert status == 200 and passes["passes"][0]["token"].encode() in page and b"data:image/png;base64," in page
    assert b"staff-only" not in page and b"staff-only" in (await counter.ask("GET", f"{one}/pack", "operator"))[1]
    # A tablet at the reception holds nobody's pass but those that it is shown.
    for what in ("passes", "pack"):
        assert (await counter.ask("GET", f"{one}/{what}", "desk"))[0] == 404
    status, file = await counter.ask("GET", f"{one}/pack?form=ics", "liis")
    assert status == 200 and b"STATUS:CONFIRMED" in file
    assert (await counter.ask("GET", f"{one}/pack?form=zip", "liis"))[1].startswith(b"PK")
    assert (await counter.ask("GET", f"{one}/pack?form=vcf", "liis"))[1].count(b"BEGIN:VCARD") == 2
    assert (await counter.ask("GET", f"{one}/pack", "jaan"))[0] == 404
    lost = passes["passes"][0]["token"]
    revoking = {"id": Token.parse(lost).claims.id}
    await counter.town.app.operations.run("pass-revoke", revoking, unreported)
    status, passes = await counter.ask("GET", f"{one}/passes", "liis")
    assert (status, passes) == (200, {"passes": [{"name": "Liis Tamm", "revoked": True}]})
    status, page = await counter.ask("GET", f"{one}/pack", "liis")
    assert status == 200 and b"This pass was revoked" in page and lost.encode() not in page


async def test_whom_to_call_is_told_to_whom_may_see_them(counter: Counter) -> None:
    path = f"/venue/{counter.place}/contacts"
    for who, seen in (("", 0), ("liis", 1)):
        status, found = await counter.ask("GET", f"{path}?topic=visas&language=et", who)
        assert (status, len(found["contacts"])) == (200, seen), who
        assert found["local_time"][:2] == "20" and "honour" not in found
    assert found["contacts"][0]["topical"]
    assert (await counter.ask("GET", f"/venue/{counter.place}x/contacts", "liis"))[0] == 404


async def test_strangers_who_ask_whom_to_call_take_no_reader_from_others(counter: Counter) -> None:
    taken = threading.Event()
    busy = [asyncio.create_task(counter.town.app.database.read(lambda _: taken.wait(20))) for _ in range(READERS)]
    try:
        async with asyncio.timeout(10):
            assert (await counter.ask("GET", f"/venue/{counter.place}/contacts"))[0] == 200
        assert not any(each.done() for each in busy)
    finally:
        taken.set()
        await asyncio.gather(*busy)
