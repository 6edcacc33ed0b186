"""As a member would, with the documentation page alone: a desk in Munich, whom to call, and the culture guide."""

import html
import json
import re
import subprocess
import urllib.request
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from node.demo.made_up import load, records_of
from tests.nodes import Node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    node = Node(tmp_path_factory.mktemp("roam") / "munich", "WERK1", city="Munich", country="DE")
    rows: dict[str, list[dict[str, Any]]] = {}
    for organisation in load():
        for number, (kind, body) in enumerate(records_of(organisation)):
            rows.setdefault(kind, []).append({"ref": f"{organisation['name']} {number}", **body})
    for kind, bodies in rows.items():
        node.publish(kind, bodies)
    node.serve()
    yield node
    node.stop()


def shell(command: str, **environment: str) -> dict[str, Any]:
    """The JSON that a command prints."""
    environment["PATH"] = "/usr/bin:/bin"
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, timeout=60, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def asked(node: Node, tuesday: date) -> list[list[dict[str, Any]]]:
    """What the page's three requests answer, asked by curl as they stand there, for this Tuesday."""
    token = node.json("token", "create", "--role", "member", "--label", "a guest")["token"]
    with urllib.request.urlopen(f"{node.url}/api", timeout=30) as page:
        block = re.search(r"<pre[^>]*><code>(.*?)</code></pre>", page.read().decode(), re.DOTALL)
    assert block
    lines = html.unescape(block[1]).splitlines()
    answers = []
    for line in lines:
        command = re.sub(r"\d{4}-\d\d-\d\dT", f"{tuesday}T", line).replace("curl ", "curl --silent --fail ", 1)
        answers.append(shell(command, TOKEN=token)["records"])
    return answers


def test_three_requests_find_a_desk_whom_to_call_and_how_people_do_business(node: Node) -> None:
    today = datetime.now(UTC).date()
    desks, people, guides = asked(node, today + timedelta(days=(1 - today.weekday()) % 7 or 7))
    assert desks
    assert {(desk["body"]["type"], desk["open"]) for desk in desks} == {("desk", True)}
    assert desks[0]["body"]["city"] == "Munich"
    assert "welcome@werk1.example" in {person["body"]["email"] for person in people}
    assert [guide["body"]["place"] for guide in guides] == ["Munich"]


def test_without_a_token_nobody_is_told_whom_to_call(node: Node) -> None:
    found = node.json("search", "--near", "Munich", "--kind", "contact")
    assert found["total"], "the operator sees them"
    assert shell(f"curl --silent --fail '{node.url}/api/v1/contact?near=Munich'")["total"] == 0
