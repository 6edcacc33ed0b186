"""The points of a map over HTTP: where they lead, and that nobody is sent again what they have.

Who is told of what: see `test_page_visibility`.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from node.api.role import Role
from node.directory.draft import OWN_ORGANISATION
from tests.directory.small_node import adoption
from tests.web.served import NAME, Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A node in Tartu with much to show there."""
    async with served(Path(tmp_path_factory.mktemp("points"))) as node:
        await node.publish(*(adoption(f"number {number}", id=f"a{number}") for number in range(40)))
        await node.publish(adoption("members alone", id="hidden", visibility="members"))
        yield node


async def test_a_point_says_where_and_what_it_is_and_leads_to_its_page(node: Served) -> None:
    _, text = await node.get("/points?kind=organisation")
    [[latitude, longitude, *others]] = json.loads(text)["points"]
    assert abs(latitude - 58_378_000) + abs(longitude - 26_729_000) < 20_000
    assert others == ["organisation", NAME, f"/organisation/{node.id}/{OWN_ORGANISATION}"]
    assert (await node.get(others[-1]))[0].status == 200


async def test_the_query_of_a_search_is_taken_whatever_else_stands_in_it(node: Served) -> None:
    _, text = await node.get("/points?q=number&kind=adoption&limit=1&sort=name&facets=true&country=&view=map")
    assert len(json.loads(text)["points"]) == 40
    assert not json.loads(text)["more"]


async def test_what_a_browser_has_is_not_sent_again_and_nobody_else_s_is_taken_for_it(node: Served) -> None:
    first, _ = await node.get("/points", Role.MEMBER)
    assert (first.headers["Cache-Control"], first.headers["Vary"]) == ("private, no-cache", "Cookie")
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    again, text = await node.get("/points", Role.MEMBER, If_None_Match=first.headers["ETag"])
    assert (again.status, text) == (304, "")
    public, _ = await node.get("/points", If_None_Match=first.headers["ETag"])
    assert public.status == 200


async def test_many_points_come_packed(node: Served) -> None:
    answer, text = await node.get("/points", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(text)["points"]) > 40


@pytest.mark.parametrize(("query", "word"), [("near=Nowherexyz", "no city"), ("kind=castle", "no kind")])
async def test_a_question_that_makes_no_sense_is_refused_with_a_sentence(node: Served, query: str, word: str) -> None:
    answer, text = await node.get(f"/points?{query}")
    assert (answer.status, word in text.lower()) == (400, True)
