"""Tokens as an operator and a member handle them: made by a command, sent with a request, revoked by a command."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.nodes import Node, venue

LEVELS = ("public", "members", "partners", "local")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "tartu", "Tartu Science Park", api={"refused_tokens": 3})
    node.publish("venue", [venue(level, visibility=level) for level in LEVELS])
    node.serve()
    yield node
    node.kill()


def ask(node: Node, path: str, token: str | None = None) -> tuple[int, Any]:
    request = urllib.request.Request(node.url + path)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["detail"]


def seen(node: Node, token: str | None = None) -> set[str]:
    status, page = ask(node, "/api/v1/venue", token)
    assert status == 200, page
    return {each["visibility"] for each in page["records"]}


def test_each_role_sees_its_records_until_its_token_is_revoked(node: Node) -> None:
    assert seen(node) == {"public"}
    for most, role in enumerate(("member", "desk", "operator"), 2):
        made = node.json("token", "create", "--role", role, "--label", f"the {role}", "--expires", "12h")
        assert seen(node, made["token"]) == set(LEVELS[:most])
        node.bra("token", "revoke", made["id"])
        status, said = ask(node, "/api/v1/venue", made["token"])
        assert (status, "was revoked: ask the node's operator for another" in said) == (401, True)
    listed = node.json("token", "list")["tokens"]
    assert [(each["label"], each["state"]) for each in listed] == [
        (f"the {role}", "revoked") for role in ("member", "desk", "operator")
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", each["used"]) for each in listed)


def test_a_token_is_good_for_the_next_run_too_and_stands_nowhere_on_the_disk(node: Node) -> None:
    token = node.bra("token", "create", "--role", "member", "--label", "Reception").strip()
    node.stop()
    other = node.bra("token", "create", "--role", "desk", "--label", "made while it is off").strip()
    node.serve()
    assert seen(node, token) == {"public", "members"}
    assert seen(node, other) == {"public", "members", "partners"}
    assert ask(node, "/api/v1/venue", f"{token}x")[0] == 401
    node.stop()
    for path in (*node.home.rglob("*"), node.home.with_suffix(".log")):
        if path.is_file():
            assert token.split("_")[2][:20].encode() not in path.read_bytes(), path


def test_a_feeds_token_reads_that_feed_alone(node: Node) -> None:
    path = "/api/v1/venue.json"
    url = node.bra("token", "create", "--role", "member", "--label", "my calendar", "--feed", path).strip()
    assert url.startswith(f"{node.url}{path}?token=bra_")
    status, page = ask(node, url.removeprefix(node.url))
    assert (status, {each["visibility"] for each in page["records"]}) == (200, {"public", "members"})
    token = url.partition("=")[2]
    for other in (f"/api/v1/event.json?token={token}", f"/api/v1/venue?token={token}"):
        assert ask(node, other)[0] in (400, 401)
    assert ask(node, "/api/v1/venue", token)[0] == 401
    assert f"for {path} alone  my calendar" in node.bra("token", "list")


def test_who_tries_tokens_is_answered_no_more(node: Node) -> None:
    assert [ask(node, "/api/v1/venue", "guessed")[0] for _ in range(4)] == [401, 401, 401, 429]
    assert seen(node) == {"public"}


WRONG = {
    "a role that is none": (("--role", "boss", "--label", "x"), 1, "give member, desk, operator"),
    "the public's role": (("--role", "public", "--label", "x"), 1, "give member, desk, operator"),
    "no length of time": (("--role", "member", "--label", "x", "--expires", "soon"), 2, "write it like 90d or 12h"),
    "too long a time": (("--role", "member", "--label", "x", "--expires", "400d"), 1, "at most 366 days"),
    "no label": (("--role", "member"), 2, "--label"),
}


def test_a_wrong_command_says_what_to_write(tmp_path: Path) -> None:
    node = Node(tmp_path / "tartu", "Tartu Science Park")
    for arguments, code, sentence in WRONG.values():
        assert sentence in node.bra("token", "create", *arguments, code=code)
    assert "'bra token list' shows" in node.bra("token", "revoke", "abcdefgh", code=1)
    assert node.bra("token", "list") == "There are no tokens.\n"
