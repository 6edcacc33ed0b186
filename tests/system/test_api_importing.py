"""A sheet sent over the API to a node in its own process: a look first, then all of it or nothing."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from tests.nodes import Node

SHEET = "ref;role;languages;email\na;Reception;et, en;desk@park.example\nb;Landing;en;landing@park.example\n"


class Desk:
    """A node, and an operator's token."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._token = node.json("token", "create", "--role", "operator", "--label", "sheets")["token"]

    def send(self, text: str, media: str = "text/csv", **query: str) -> tuple[int, Any]:
        return self.ask(f"/api/v1/contact/import?{urlencode(query)}", text.encode(), media)

    def ask(self, path: str, data: bytes | None = None, media: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", **({"Content-Type": media} if media else {})}
        request = urllib.request.Request(self.node.url + path, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.loads(response.read() or b"null")
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def refs(self) -> set[str]:
        status, page = self.ask("/api/v1/contact")
        assert status == 200
        return {record["body"]["role"] for record in page["records"]}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    node = Node(tmp_path / "tartu", "Tartu Science Park")
    node.serve()
    yield Desk(node)
    node.kill()


def test_a_sheet_is_looked_at_first_and_then_published_once(desk: Desk) -> None:
    status, looked = desk.send(SHEET)
    assert (status, looked["published"], looked["created"], desk.refs()) == (200, False, 2, set())
    status, done = desk.send(SHEET, commit="true", digest=looked["digest"])
    assert (status, done["published"], done["created"]) == (200, True, 2)
    assert desk.refs() == {"Reception", "Landing"}
    status, again = desk.send(SHEET, commit="true")
    assert (status, again["created"], again["unchanged"]) == (200, 0, 2)
    status, late = desk.send(SHEET, commit="true", digest=looked["digest"])
    assert status == 412, late


def test_a_sheet_with_one_problem_publishes_nothing_and_says_where(desk: Desk) -> None:
    status, problem = desk.send(SHEET.replace("landing@park.example", "landing"), commit="true")
    assert (status, problem["errors"][0]["field"]) == (422, "row 3, email")
    assert desk.refs() == set()


def test_rows_that_are_missing_are_asked_about(desk: Desk) -> None:
    assert desk.send(SHEET, commit="true", source="crm")[0] == 200
    shorter = "\n".join(SHEET.splitlines()[:2])
    status, asked = desk.send(shorter, commit="true", source="crm")
    assert (status, "missing=withdraw or missing=keep" in asked["detail"]) == (409, True)
    assert desk.refs() == {"Reception", "Landing"}
    assert desk.send(shorter, commit="true", source="crm", missing="withdraw")[0] == 200
    assert desk.refs() == {"Reception"}


@pytest.mark.parametrize(
    ("text", "media", "query", "status"),
    [
        (SHEET, "application/json", {}, 415),
        ("", "text/csv", {}, 400),
        ("\0\1\2", "text/csv", {}, 400),
        (SHEET, "text/csv", {"commit": "perhaps"}, 400),
        (SHEET, "text/csv", {"map": "no equals sign"}, 400),
        (SHEET, "text/csv", {"missing": "burn"}, 400),
        (SHEET, "text/csv", {"sauce": "crm"}, 400),
    ],
)
def test_what_is_no_sheet_is_refused_in_a_sentence(
    desk: Desk, text: str, media: str, query: dict[str, str], status: int
) -> None:
    found, problem = desk.send(text, media, **query)
    assert (found, bool(problem["detail"])) == (status, True), problem


def test_a_template_filled_in_as_it_is_can_be_looked_at(desk: Desk) -> None:
    request = urllib.request.Request(desk.node.url + "/api/v1/contact/template.csv")
    with urllib.request.urlopen(request, timeout=20) as response:
        status, looked = desk.send(response.read().decode("utf-8-sig"))
    assert (status, looked["problems"]) == (200, [])
    assert looked["created"] > 0
