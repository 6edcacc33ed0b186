import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from node.demo import federation
from node.demo.convergence import compare
from node.demo.federation import NotConverged, standing
from node.demo.made_up import load
from node.demo.processes import NodeProcess, NotStarted, free_ports
from node.demo.sites import LINKS, sites
from node.directory.draft import OWN_ORGANISATION
from tests.nodes import until

PATIENCE = 90.0
RECORDS = sum(site.records for site in sites())


@pytest.fixture
def temporary(tmp_path):
    """A folder that a demonstration takes for its temporary files, and nobody else."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def demonstration(temporary: Path, *arguments: str, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "node", "demo", *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        text=True,
        **options,
    )


def processes_of(folder: Path) -> list[int]:
    """The pids of all processes that were started with something in `folder` as an argument."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and os.fsencode(folder) in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


@contextlib.contextmanager
def staying_up(temporary: Path, *arguments: str):
    """A demonstration that has said that it is up; killed with all its processes if the test leaves it so."""
    output = temporary.with_suffix(".out")
    with output.open("w") as file:
        process = demonstration(temporary, *arguments, stdout=file, stderr=subprocess.STDOUT)
    try:
        until(
            lambda: "Ctrl-C" in output.read_text() or process.poll() is not None,
            "the demonstration is not up",
            PATIENCE,
        )
        assert process.poll() is None, output.read_text()
        yield process, output
    finally:
        for pid in [*processes_of(temporary), *([process.pid] if process.poll() is None else [])]:
            os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE)


def test_the_demonstration_converges_says_so_in_one_line_of_json_and_leaves_nothing_behind(temporary):
    done = demonstration(temporary, "--once", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, told = done.communicate(timeout=PATIENCE)

    assert done.returncode == 0, told
    (line,) = printed.splitlines()
    summary = json.loads(line)
    sample, seconds = summary.pop("sample"), summary.pop("seconds")
    assert summary == {
        "nodes": 5,
        "organisations": len(load()),
        "records": RECORDS,
        "converged": True,
        "roots_equal": True,
    }
    assert 0 < seconds < PATIENCE
    assert sample["path"] == ["Ideon Science Park", "WERK1"]
    assert sample["organisation"] == "WERK1"
    assert sample["venue"].endswith(", Munich")
    assert "these organisations are not signatories" in told
    assert processes_of(temporary) == []
    assert list(temporary.iterdir()) == []


def test_a_demonstration_that_stays_up_answers_until_sigterm_and_then_ends_all_nodes_and_removes_their_homes(temporary):
    with staying_up(temporary) as (process, output):
        assert len(processes_of(temporary)) == 5
        question = next(word for word in output.read_text().split() if "/search?q=" in word)
        with urllib.request.urlopen(question, timeout=10) as answer:
            assert json.load(answer)["records"]
        page, _, token = next(word for word in output.read_text().split() if "/login#" in word).partition("#")
        with urllib.request.urlopen(page, timeout=10) as answer:
            assert 'name="token"' in answer.read().decode()
        asked = urllib.request.Request(f"{page.removesuffix('/login')}/api/v1/venue")
        asked.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.status == 200

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert processes_of(temporary) == []
        assert list(temporary.iterdir()) == []


def test_a_named_home_is_kept_with_all_five_nodes_in_it_and_never_used_twice(temporary):
    home = temporary / "kept"
    first = demonstration(temporary, "--once", "--home", str(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, told = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, told
    assert {path.name for path in home.iterdir() if path.is_dir()} == {site.slug for site in sites()}

    again = demonstration(temporary, "--once", "--home", str(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, told = again.communicate(timeout=PATIENCE)
    assert again.returncode == 1
    assert json.loads(printed)["converged"] is False
    assert "is not empty" in told


def test_sigterm_while_the_nodes_start_leaves_nothing_behind(temporary):
    process = demonstration(temporary, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until(lambda: processes_of(temporary), "no node was started", PATIENCE)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert "ended before it was complete" in told
    assert processes_of(temporary) == []
    assert list(temporary.iterdir()) == []


async def test_a_node_that_can_t_start_is_named_with_the_reason_and_the_others_are_ended(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(federation, "free_ports", lambda count: [taken.getsockname()[1], *free_ports(count - 1)])
        with pytest.raises(NotStarted, match=r"the node of Tartu ended with exit code 1: .+"):
            async with standing(tmp_path, lambda *_: None):
                pytest.fail("a federation without one of its nodes stood")
    assert processes_of(tmp_path) == []


async def test_nodes_that_don_t_converge_in_time_are_told_by_what_they_lack(tmp_path, monkeypatch):
    ask = NodeProcess.ask

    async def all_but_publishing_at_lund(self, operation, **parameters):
        if operation == "publish" and self.title == "Lund":
            return {}
        return await ask(self, operation, **parameters)

    monkeypatch.setattr(NodeProcess, "ask", all_but_publishing_at_lund)
    async with standing(tmp_path, lambda *_: None) as nodes:
        with pytest.raises(NotConverged, match=r"after 5 seconds .* Lund has published \d of its \d+ records"):
            await nodes.converge(seconds=5)
    assert processes_of(tmp_path) == []


def status(node_id: str, *authors: dict, without_body: int = 0):
    return {"node_id": node_id, "authors": list(authors), "without_body": without_body}


def author(node_id: str, records: int = 2, *, root: str = "aa", seq: int = 2, standing: str = "listed"):
    return {
        "node_id": node_id,
        "records": records,
        "root": root,
        "epoch": 1,
        "seq": seq,
        "standing": standing,
    }


COMPLETE = status("a", author("a"), author("b"))
COMPARISONS = {
    "the same on both sides is complete": (COMPLETE, ()),
    "an author that is not known": (status("a", author("a")), ("A lacks B (0 of 2 records)",)),
    "fewer records of an author": (status("a", author("a"), author("b", 1, seq=1)), ("A lacks B (1 of 2 records)",)),
    "another root": (
        status("a", author("a"), author("b", root="bb")),
        ("A holds another state of B than B itself",),
    ),
    "an author that is reached alone": (
        status("a", author("a"), author("b", standing="reached")),
        ("A holds B but does not list it",),
    ),
    "leaves without their records": (
        status("a", author("a"), author("b"), without_body=1),
        ("A lacks the text of 1 records",),
    ),
    "an author that has not published everything": (
        status("a", author("a", 1), author("b")),
        ("A has published 1 of its 2 records",),
    ),
}


@pytest.mark.parametrize(("first", "lacks"), COMPARISONS.values(), ids=COMPARISONS)
def test_a_comparison_names_who_lacks_what(first, lacks):
    found = compare({"a": first, "b": status("b", author("b"), author("a"))}, {"a": "A", "b": "B"}, {"a": 2, "b": 2})
    assert found.lacks == lacks
    assert found.complete is (not lacks)
    assert found.expected == 8


def test_the_sites_are_the_five_groups_of_the_made_up_data_and_each_has_a_partner():
    assert [site.slug for site in sites()] == ["tartu", "lund", "munich", "london", "hong-kong"]
    assert sum(len(site.entries) for site in sites()) == len(load())
    assert sum(len(site.partners) for site in sites()) == 2 * len(LINKS)
    assert all(site.partners for site in sites())


def test_a_site_publishes_its_own_organisation_once_under_the_id_that_it_was_founded_with():
    for site in sites():
        own = [change for change in site.changes if change["body"].get("name") == site.organisation.name]
        assert [change.get("id") for change in own] == [OWN_ORGANISATION]
        refs = [(change["kind"], change.get("ref")) for change in site.changes]
        assert len(set(refs)) == len(refs)
