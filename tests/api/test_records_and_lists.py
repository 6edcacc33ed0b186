"""The members' local API: lists, single records and search over real HTTP, and errors that say what to do."""

from typing import Any

import pytest

from node.api.role import Role
from node.errors import HomeError
from node.storage import authors
from tests.api.conftest import Asked
from tests.directory.small_node import adoption, signatory


async def test_a_healthy_node_says_so(asked: Asked) -> None:
    assert await asked.found("/healthz") == {"status": "ok"}


async def test_only_public_records_are_shown(asked: Asked) -> None:
    me = asked.node.id
    assert [record["id"] for record in await asked.records("/api/v1/adoption")] == ["public"]
    assert [record["id"] for record in await asked.records("/api/v1/search?q=word")] == ["public"]
    assert await asked.records("/api/v1/contact") == []
    assert await asked.records("/api/v1/search?q=landing") == []
    for hidden in ("adoption", "members"), ("adoption", "partners"), ("adoption", "local"), ("contact", "c"):
        status, _, problem = await asked.get(f"/api/v1/{hidden[0]}/{me}/{hidden[1]}")
        assert (status, "here that you may see" in problem["detail"]) == (404, True)


async def test_a_record_comes_with_where_it_is_from(asked: Asked) -> None:
    record = await asked.found(f"/api/v1/organisation/{asked.node.id}/self")
    assert record["body"]["name"] == "Tartu Park"
    assert (record["organisation"], record["author"]) == ("Tartu Park", asked.node.id)
    assert record["known"] == {"standing": "honoured", "path": []}
    assert record["stale"] is False
    [listed] = await asked.records("/api/v1/organisation")
    [searched] = await asked.records("/api/v1/search?q=tartu+park&limit=1")
    assert listed == searched == record


async def test_records_of_others_are_shown_with_their_path(asked: Asked) -> None:
    lund = signatory("lund")
    asked.node.befriend(lund)
    await asked.node.take(lund.block_lines(), lund)
    found = await asked.records("/api/v1/organisation")
    assert {record["organisation"] for record in found} == {"Tartu Park", "Lund Park"}
    record = await asked.found(f"/api/v1/organisation/{lund.id}/self")
    assert record["known"]["path"] == [{"author": lund.id, "organisation": "Lund Park"}]


async def test_pages_follow_each_other_to_the_end(asked: Asked) -> None:
    asked.node.clock.pass_by(2)
    await asked.node.publish(*(adoption(str(number), id=f"r{number}") for number in range(6)))
    seen: list[str] = []
    query = "limit=3"
    pages = 0
    while query:
        page = await asked.found(f"/api/v1/adoption?{query}")
        seen += [record["id"] for record in page["records"]]
        query = f"limit=3&after={page['after']}" if "after" in page else ""
        pages += 1
    assert (sorted(seen), pages) == (["public", *(f"r{number}" for number in range(6))], 3)


async def test_a_kind_without_records_is_an_empty_list(asked: Asked) -> None:
    found = await asked.found("/api/v1/venue")
    assert (found["records"], found["total"]) == ([], 0)


REFUSED = [
    pytest.param("/api/v1/adoption?visibility=members", 400, "visibility: the query", id="unknown parameter"),
    pytest.param("/api/v1/adoption?Limit=3", 400, "known here: q, near", id="parameter in capitals"),
    pytest.param("/api/v1/adoption?limit=1&limit=2", 400, "limit: given twice: give it once", id="parameter twice"),
    pytest.param("/api/v1/adoption?limit=0", 400, "from 1 to 1000", id="no limit at all"),
    pytest.param("/api/v1/adoption?limit=1001", 400, "1 to 1000", id="limit too large"),
    pytest.param("/api/v1/adoption?limit=-1", 400, "from 1 to 1000", id="negative limit"),
    pytest.param("/api/v1/adoption?limit=1.5", 400, "from 1 to 1000", id="half a limit"),
    pytest.param("/api/v1/adoption?limit=", 400, "from 1 to 1000", id="empty limit"),
    pytest.param("/api/v1/adoption?after=x", 400, "leave 'after' out", id="a cursor that is none"),
    pytest.param(f"/api/v1/adoption?after={'9' * 40}", 400, "leave 'after' out", id="a cursor beyond numbers"),
    pytest.param("/api/v1/search?q=", 400, "give at least one word", id="search for nothing"),
    pytest.param("/api/v1/search?q=%22%2A%28", 400, "give at least one word", id="search for signs"),
    pytest.param(f"/api/v1/search?q={'x' * 201}", 400, "q: too long", id="search too long"),
    pytest.param("/api/v1/search?q=a&kinds=venue", 400, "known here: q, near", id="search with a misspelt filter"),
    pytest.param("/api/v1/adoption?kind=venue", 400, "kind: the query", id="a kind beside the path's"),
    pytest.param("/api/v1/dance", 404, "the page at /api lists", id="unknown kind"),
    pytest.param("/api/v1/adoption/nobody/public", 400, "a node id is", id="an author that is none"),
    pytest.param(f"/api/v1/adoption/bra1{'a' * 32}/public", 404, "there is no adoption public", id="unknown author"),
    pytest.param(f"/api/v1/adoption/bra1{'a' * 32}/Public", 400, "a record id is", id="an id that is none"),
    pytest.param(f"/api/v1/adoption/bra1{'a' * 32}/x?limit=1", 400, "none is known here", id="one record's parameters"),
    pytest.param("/api/v1/adoption.pdf", 404, "there is .json", id="unknown format"),
    pytest.param("/api/v1/contact.ics", 404, "there is no .ics of this", id="a format without words for the kind"),
    pytest.param("/api/v1/search.csv", 400, "records of one kind", id="a table of everything"),
    pytest.param("/api/v2/adoption", 404, "not found", id="another version"),
    pytest.param("/api/v1/", 404, "", id="no kind"),
]


@pytest.mark.parametrize(("path", "status", "sentence"), REFUSED)
async def test_an_error_names_what_to_do(asked: Asked, path: str, status: int, sentence: str) -> None:
    found, form, problem = await asked.get(path)
    assert (found, form) == (status, "application/problem+json")
    assert (problem["status"], bool(problem["title"])) == (status, True)
    assert sentence in problem["detail"]


@pytest.mark.parametrize(
    "query", ["%00", "a%00b", "%ff", "%F0%9F%91%8D+word", "word%22+OR+%22", "NEAR(word)", "%ED%A0%80word", "word%0Ax"]
)
async def test_a_hostile_search_is_an_answer_or_a_refusal(asked: Asked, query: str) -> None:
    status, _, value = await asked.get(f"/api/v1/search?q={query}")
    assert status in (200, 400), value
    assert {record["id"] for record in value.get("records", [])} <= {"public"}


async def test_what_is_wrong_here_is_not_told_outside(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(job: Any) -> Any:
        raise HomeError("/secret/place is damaged")

    monkeypatch.setattr(asked.node.database, "read_now", broken)
    status, form, problem = await asked.get("/healthz")
    assert (status, form) == (503, "application/problem+json")
    assert "secret" not in problem["detail"]
    assert "try again later" in problem["detail"]


async def test_a_bug_is_not_told_outside(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(job: Any) -> Any:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(asked.node.database, "read_now", broken)
    status, form, problem = await asked.get("/api/v1/adoption")
    assert (status, form) == (500, "application/problem+json")
    assert "secret" not in problem["detail"]


async def test_a_blocked_or_forgotten_author_disappears(asked: Asked) -> None:
    lund = signatory("lund")
    asked.node.befriend(lund)
    await asked.node.take(lund.block_lines(), lund)
    assert len(await asked.records("/api/v1/organisation")) == 2
    asked.node.database.write_now(lambda db: db.execute("DELETE FROM partners"))
    asked.node.reconsider()
    assert len(await asked.records("/api/v1/organisation")) == 1
    assert asked.node.database.read_now(lambda db: authors.find(db, lund.id)) is not None


async def test_what_is_the_same_is_not_sent_again(asked: Asked) -> None:
    for path in ("/api/v1/adoption", "/api/v1/adoption.csv", f"/api/v1/adoption/{asked.node.id}/public"):
        response, body = await asked.ask("GET", path)
        again, nothing = await asked.ask("GET", path, headers={"If-None-Match": response.headers["ETag"]})
        assert (response.status, again.status, nothing) == (200, 304, b"")
        assert body
    asked.node.clock.pass_by(2)
    await asked.node.publish(adoption("word anew", id="public"))
    changed, _ = await asked.ask("GET", path, headers={"If-None-Match": response.headers["ETag"]})
    assert changed.status == 200


async def test_a_page_names_the_next_one_in_its_link(asked: Asked) -> None:
    response, _ = await asked.ask("GET", "/api/v1/search?q=word&limit=1", role=Role.MEMBER)
    [[following]] = [[link["url"]] for link in response.links.values()]
    second = await asked.found(following.raw_path_qs, Role.MEMBER)
    assert [record["id"] for record in second["records"]] == ["members"]


ACCEPTED = [
    (None, 200, "application/json"),
    ("*/*", 200, "application/json"),
    ("text/csv", 200, "text/csv"),
    ("application/json;q=0.1, text/csv;q=0.9", 200, "text/csv"),
    ("text/*", 200, "text/csv"),
    ("text/csv;q=0, */*", 200, "application/json"),
    ("image/png", 406, "application/problem+json"),
    ("image/png, application/*;q=0.2", 200, "application/json"),
    ("text/csv;q=nan", 406, "application/problem+json"),
    (";;;,,q=", 406, "application/problem+json"),
]


@pytest.mark.parametrize(("accept", "status", "form"), ACCEPTED)
async def test_the_format_that_the_caller_likes_best_is_given(
    asked: Asked, accept: str | None, status: int, form: str
) -> None:
    response, _ = await asked.ask("GET", "/api/v1/adoption", headers={"Accept": accept} if accept else {})
    assert (response.status, response.content_type) == (status, form)
