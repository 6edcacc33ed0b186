"""Answers without pages: what they may take of this node, however many ask."""

import asyncio
import threading
from typing import Any

import pytest

from node.api import reading
from node.api.reading import Reading
from node.api.role import Role
from tests.api.conftest import Asked


async def test_more_bytes_than_an_export_may_have_are_refused(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_EXPORT", 1_000)
    assert (await asked.get("/api/v1/adoption.jsonl"))[0] == 200
    status, _, problem = await asked.get("/api/v1/adoption.jsonl", Role.OPERATOR)
    assert (status, "ask for fewer" in problem["detail"]) == (400, True)


async def test_a_page_of_more_bytes_than_the_loop_should_carry_is_refused(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_PAGE", 1_000)
    assert (await asked.get("/api/v1/adoption?limit=1"))[0] == 200
    status, _, problem = await asked.get("/api/v1/adoption", Role.OPERATOR)
    assert (status, problem["errors"][0]["field"]) == (400, "limit")


async def test_exports_are_made_one_at_a_time_and_the_publics_keep_no_member_waiting(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way: list[str] = []
    begun, goes_on = asyncio.Event(), asyncio.Event()
    whole = Reading._everything

    async def slow(self: Reading, *asked_for: Any) -> Any:
        if not goes_on.is_set() and asked_for[0].caller.role is Role.PUBLIC:
            under_way.append("public")
            begun.set()
            await goes_on.wait()
        return await whole(self, *asked_for)

    monkeypatch.setattr(Reading, "_everything", slow)
    crowd = [asyncio.create_task(asked.ask("GET", "/api/v1/adoption.csv")) for _ in range(5)]
    await begun.wait()
    async with asyncio.timeout(10):
        response, _ = await asked.ask("GET", "/api/v1/adoption.csv", role=Role.MEMBER)
    assert response.status == 200
    assert under_way == ["public"]
    goes_on.set()
    assert [response.status for response, _ in await asyncio.gather(*crowd)] == [200] * 5


async def test_slow_questions_of_the_public_leave_a_thread_to_those_with_a_token(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    whole = reading.search

    def slow(db: Any, reader: Any, question: Any) -> Any:
        if not goes_on.is_set() and reader.visibilities == {"public"}:
            begun.set()
            goes_on.wait(20)
        return whole(db, reader=reader, question=question)

    monkeypatch.setattr(reading, "search", slow)
    await asked.token(Role.MEMBER)
    crowd = [asyncio.create_task(asked.ask("GET", "/api/v1/search?q=word")) for _ in range(5)]
    try:
        assert await asyncio.to_thread(begun.wait, 10)
        async with asyncio.timeout(10):
            response, _ = await asked.ask("GET", "/api/v1/search?q=word", role=Role.MEMBER)
        assert response.status == 200
    finally:
        goes_on.set()
    await asyncio.gather(*crowd)
