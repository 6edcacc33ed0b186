"""Own records over the API: made, changed and withdrawn, each with the version that is meant."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from node import kinds
from node.api import endpoint
from node.api.role import Role
from tests.api.conftest import Asked
from tests.directory.small_node import signatory
from tests.kinds.kind_examples import example

VENUE = example("venue")
OPERATOR = Role.OPERATOR


async def create(asked: Asked, body: Any = VENUE, **more: Any) -> tuple[str, dict[str, Any], str]:
    """The path, record and ETag of a new venue."""
    response, _ = await asked.ask("POST", "/api/v1/venue", role=OPERATOR, json={"body": body, **more})
    record = await response.json()
    assert response.status in (200, 201), record
    path = response.headers.get("Location", f"/api/v1/venue/{record['author']}/{record['id']}")
    return path, record, response.headers["ETag"]


async def test_a_record_is_made_changed_and_withdrawn(asked: Asked) -> None:
    path, record, etag = await create(asked)
    assert (record["body"], record["visibility"]) == (VENUE, "public")
    assert await asked.found(path) == record
    asked.node.clock.pass_by(2)
    changed = {**VENUE, "name": "Another room"}
    response, _ = await asked.ask("PUT", path, role=OPERATOR, headers={"If-Match": etag}, json={"body": changed})
    assert response.status == 200
    assert (await asked.found(path))["body"]["name"] == "Another room"
    asked.node.clock.pass_by(2)
    withdrawn = {"If-Match": response.headers["ETag"]}
    response, body = await asked.ask("DELETE", path, role=OPERATOR, headers=withdrawn)
    assert (response.status, body) == (204, b"")
    assert (await asked.get(path))[0] == 404


async def test_what_another_changed_meanwhile_is_not_overwritten(asked: Asked) -> None:
    path, _, etag = await create(asked)
    for name, status in (("first", 200), ("second", 412)):
        asked.node.clock.pass_by(2)
        body = {"body": {**VENUE, "name": name}}
        response, _ = await asked.ask("PUT", path, role=OPERATOR, headers={"If-Match": etag}, json=body)
        assert response.status == status
    response, _ = await asked.ask("DELETE", path, role=OPERATOR, headers={"If-Match": etag})
    assert response.status == 412
    assert (await asked.found(path))["body"]["name"] == "first"


async def test_a_record_that_never_leaves_the_node_has_versions_too(asked: Asked) -> None:
    path, record, etag = await create(asked, visibility="local")
    assert record["seq"] == 0
    for name, status in (("first", 200), ("second", 412)):
        body = {"body": {**VENUE, "name": name}}
        response, _ = await asked.ask("PUT", path, role=OPERATOR, headers={"If-Match": etag}, json=body)
        assert response.status == status


async def test_hearing_from_an_organisation_is_no_change_of_its_records(asked: Asked) -> None:
    path, _, etag = await create(asked)
    asked.node.clock.pass_by(3600)
    await asked.node.publisher.beat()
    response, _ = await asked.ask("GET", path)
    assert response.headers["ETag"] != etag
    body = {"body": {**VENUE, "name": "Another room"}}
    response, _ = await asked.ask("PUT", path, role=OPERATOR, headers={"If-Match": etag}, json=body)
    assert response.status == 200


async def test_made_again_under_the_same_ref_it_is_changed_and_not_made_twice(asked: Asked) -> None:
    _, first, _ = await create(asked, ref="desk-1")
    asked.node.clock.pass_by(2)
    _, second, _ = await create(asked, {**VENUE, "name": "Another room"}, ref="desk-1")
    assert first["id"] == second["id"]
    assert second["body"]["name"] == "Another room"


async def test_what_is_wrong_with_a_body_is_looked_for_beside_the_event_loop(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()

    def problems(*given: Any, **more: Any) -> Any:
        threads.add(threading.current_thread())
        return known(*given, **more)

    known = kinds.problems
    monkeypatch.setattr(kinds, "problems", problems)
    response, _ = await asked.ask("POST", "/api/v1/venue", role=OPERATOR, json={"body": {"name": ""}})
    assert response.status == 422
    assert len(threads) == 1
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("role", [Role.PUBLIC, Role.MEMBER, Role.DESK])
async def test_only_an_operator_writes(asked: Asked, role: Role) -> None:
    path, _, etag = await create(asked)
    wanted = 401 if role is Role.PUBLIC else 403
    for method, where in (("POST", "/api/v1/venue"), ("PUT", path), ("DELETE", path)):
        body = {"json": {"body": VENUE}} if method != "DELETE" else {}
        response, _ = await asked.ask(method, where, role=role, headers={"If-Match": etag}, **body)
        assert response.status == wanted, method


async def test_another_organisations_record_is_left_to_its_own_node(asked: Asked) -> None:
    lund = signatory("lund")
    asked.node.befriend(lund)
    await asked.node.take(lund.block_lines(), lund)
    path = f"/api/v1/organisation/{lund.id}/self"
    response, _ = await asked.ask("GET", path)
    headers = {"If-Match": response.headers["ETag"]}
    response, _ = await asked.ask("DELETE", path, role=OPERATOR, headers=headers)
    assert response.status == 403
    assert "only its own node" in (await response.json())["detail"]


REFUSED = [
    pytest.param({"json": []}, 422, "no object", id="no object"),
    pytest.param({"json": {}}, 422, "body: missing", id="no body"),
    pytest.param({"json": {"body": []}}, 422, "body: a list is not a body", id="a body that is a list"),
    pytest.param({"json": {"body": {}}}, 422, "body.name: missing", id="an empty body"),
    pytest.param({"json": {"body": VENUE, "colour": 1}}, 422, '"colour": not known', id="an unknown member"),
    pytest.param({"json": {"body": VENUE, "visibility": "all"}}, 422, "visibility: write one of", id="visibility"),
    pytest.param({"json": {"body": VENUE, "ref": ""}}, 422, "ref:", id="an empty ref"),
    pytest.param({"json": {"body": {**VENUE, "capacity": "9"}}}, 422, "body.capacity: ", id="text for a number"),
    pytest.param({"json": {"body": {**VENUE, "capacity": 1.5}}}, 400, "a number is an integer here", id="a fraction"),
    pytest.param({"json": {"body": {**VENUE, "wifi": None}}}, 400, "null is not used", id="null"),
    pytest.param({"data": b"{"}, 415, "application/json", id="no media type"),
    pytest.param({"data": b"{", "json_type": True}, 400, "not JSON", id="no JSON"),
    pytest.param({"data": b'{"body":{},"body":{}}', "json_type": True}, 400, "same key twice", id="a key twice"),
    pytest.param({"data": b'{"a":' * 5000, "json_type": True}, 400, "not JSON", id="nested without an end"),
    pytest.param({"data": b" " * 300_000, "json_type": True}, 413, "send less", id="too large"),
]


@pytest.mark.parametrize(("sent", "status", "sentence"), REFUSED)
async def test_what_cannot_be_published_says_why(
    asked: Asked, sent: dict[str, Any], status: int, sentence: str
) -> None:
    sent = dict(sent)
    headers = {"Content-Type": "application/json"} if sent.pop("json_type", False) else {}
    response, _ = await asked.ask("POST", "/api/v1/venue", role=OPERATOR, headers=headers, **sent)
    problem = await response.json(content_type=None)
    assert (response.status, response.content_type) == (status, "application/problem+json"), problem
    assert sentence in problem["detail"]


async def test_all_that_is_wrong_is_told_field_by_field(asked: Asked) -> None:
    body = {**VENUE, "country": "XX", "hours": "whenever", "terms": {"free_days": -1, "notice_hours": 1}}
    response, _ = await asked.ask("POST", "/api/v1/venue", role=OPERATOR, json={"body": body})
    problem = await response.json(content_type=None)
    assert response.status == 422
    assert [each["field"] for each in problem["errors"]] == ["body.country", "body.hours", "body.terms.free_days"]
    assert "(2 more in 'errors')" in problem["detail"]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 428),
        ("*", 400),
        ('W/"7-0123456789ab"', 400),
        ('"a", "b"', 400),
        ("seven", 400),
        ('"7-0123456789ab"', 412),
    ],
)
async def test_who_changes_says_which_version_is_meant(asked: Asked, header: str | None, status: int) -> None:
    path, _, _ = await create(asked)
    headers = {"If-Match": header} if header else {}
    response, _ = await asked.ask("DELETE", path, role=OPERATOR, headers=headers)
    assert response.status == status
    assert (await asked.get(path))[0] == 200


async def test_a_version_of_a_record_that_is_gone_cannot_be_changed(asked: Asked) -> None:
    path, _, etag = await create(asked)
    asked.node.clock.pass_by(2)
    assert (await asked.ask("DELETE", path, role=OPERATOR, headers={"If-Match": etag}))[0].status == 204
    asked.node.clock.pass_by(2)
    for method, body in (("PUT", {"json": {"body": VENUE}}), ("DELETE", {})):
        response, _ = await asked.ask(method, path, role=OPERATOR, headers={"If-Match": etag}, **body)
        assert response.status == 412


async def test_a_body_that_trickles_is_given_up(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "BODY_SECONDS", 0.2)

    async def without_end() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(10)

    headers = {"Content-Type": "application/json"}
    async with asyncio.timeout(5):
        response, _ = await asked.ask("POST", "/api/v1/venue", role=OPERATOR, headers=headers, data=without_end())
    assert response.status == 408
