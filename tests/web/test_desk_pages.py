"""What the desk's page is made of: who gets what it is told, and what a browser may keep of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from node.api.role import Role
from node.directory.draft import Change
from tests.nodes import venue
from tests.web.forms import hidden
from tests.web.served import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder: Path = tmp_path_factory.mktemp("desk")
    async with served(folder) as node:
        await node.publish(Change("venue", {k: v for k, v in venue("desk").items() if k != "ref"}, id="desk"))
        yield node


async def test_what_a_desk_is_told_is_for_desks_alone_and_not_sent_twice(node: Served) -> None:
    for role, status in ((Role.PUBLIC, 303), (Role.MEMBER, 403)):
        assert (await node.get("/desk/bundle", role))[0].status == status
    answer, text = await node.get("/desk/bundle", Role.DESK)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    told = json.loads(text)
    assert (told["host"], list(told["venues"]), list(told["issuers"])) == (node.id, ["desk"], [node.id])
    again, text = await node.get("/desk/bundle", Role.DESK, If_None_Match=answer.headers["ETag"])
    assert (again.status, text) == (304, "")
    assert int(again.headers["Told-At"]) >= int(answer.headers["Told-At"])


async def test_the_worker_and_the_manifest_are_the_same_for_everybody_and_reach_no_further_than_the_desk(
    node: Served,
) -> None:
    for role in (Role.PUBLIC, Role.DESK):
        worker, script = await node.get("/desk/worker.js", role)
        assert worker.headers["Service-Worker-Allowed"] == "/desk"
        assert worker.headers["Content-Security-Policy"].startswith("default-src 'none'")
        kept = json.loads(script.partition(";")[0].removeprefix("const KEPT = "))
        for path in kept:
            assert (await node.get(path))[0].status == 200, path
        _, text = await node.get("/desk/manifest.webmanifest", role)
        assert {json.loads(text)[name] for name in ("id", "scope", "start_url")} == {"/desk"}
    _, page = await node.get("/desk", Role.DESK)
    needs = {part.partition('"')[0] for part in page.replace("data-decoder=", "src=").split('src="')[1:]}
    assert needs
    assert needs <= set(kept), "where the node is out of reach, the page lacks a script"


@pytest.mark.parametrize("at", ["-1", "1.5", "٣", "1e9", "9" * 40, "0" * 5_000], ids=lambda at: repr(at[:40]))
async def test_a_time_that_is_none_is_refused(node: Served, at: str) -> None:
    _, page = await node.get("/desk", Role.DESK)
    form = {**hidden(page, "/desk"), "token": "x", "venue": "desk", "arrived": "yes", "at": at}
    assert (await node.post("/desk/verdict", form, Role.DESK))[0].status == 422


async def test_a_verdict_for_the_pages_script_needs_the_form_of_this_session(node: Served) -> None:
    _, page = await node.get("/desk", Role.DESK)
    form = {"token": "x", "venue": "desk"}
    assert (await node.post("/desk/verdict", form, Role.DESK))[0].status == 403
    answer, text = await node.post("/desk/verdict", {**form, "csrf": hidden(page, "/desk")["csrf"]}, Role.DESK)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert json.loads(text)["verdict"] == "UNKNOWN ISSUER"
