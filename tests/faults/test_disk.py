"""A disk that takes no more while a node serves and publishes: it says so, answers on, and goes on when there is room.

A disk that fills while a node syncs is in `tests/attacks/test_disk.py`.
"""

import contextlib
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attacks.test_disk import NAMESPACE, ON_A_SMALL_DISK, small_disks
from tests.nodes import Node, until, venue
from tests.system.conftest import Make
from tests.system.inside import check

needs_a_mount = pytest.mark.skipif(not small_disks(), reason="this machine gives a user no mount of its own")


class Small(Node):
    """A node whose `var` is on a small disk of its own."""

    def bring_up(self) -> None:
        self.program = (*NAMESPACE, ON_A_SMALL_DISK, "sh", str(self.home / "var"), sys.executable, "-m", "node")
        self.serve()
        assert self.process is not None
        # What lies on the small disk is seen from within.
        self.home = Path(f"/proc/{self.process.pid}/root{self.home}")
        # A database on another disk is a copied one: it signs when the partner has answered.
        until(lambda: self.status()["authority"]["state"] == "open", f"it may not sign: {self.log()}")

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Nothing more can be written: not one byte is left."""
        ballast = self.home / "var" / "more"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(512)):
                pass
        yield
        ballast.unlink()


class Broken(Node):
    """A node whose files can't be written any more, as when the system has made a broken disk read-only."""

    def bring_up(self) -> None:
        self.serve()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        assert self.process is not None
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, hard))
        yield
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


TROUBLES: dict[str, tuple[type[Small | Broken], str]] = {
    "is full": (Small, "free some space"),
    "can't be written": (Broken, "check the disk"),
}


@pytest.mark.parametrize("what", [pytest.param("is full", marks=needs_a_mount), "can't be written"])
def test_a_node_answers_on_while_its_disk_says_so_and_goes_on_after(what: str, make: Make, tmp_path: Path) -> None:
    kind, advice = TROUBLES[what]
    node, partner = make("Izmir Park"), make("Jena Park")
    node.befriend(partner)
    partner.serve()
    node.__class__ = kind
    assert isinstance(node, Small | Broken)
    node.bring_up()
    publish(node, "before")
    until(lambda: shown(partner) == {"before"}, f"the partner gets nothing: {node.log()}")
    with node.trouble():
        said = node.bra("publish", "-", "--kind", "venue", stdin=row("meanwhile"), code=1)
        assert advice in said
        publish(partner, "elsewhere")
        if kind is Small:
            # Broken, it can't write its log either.
            until(lambda: advice in node.log(), f"the log says nothing: {node.log()}")
        until(lambda: "elsewhere" in shown(partner), f"the partner does not show its own: {partner.log()}")
        assert shown(node) == {"before"}
        assert "before" in shown(partner)
        check(node.home / "var" / "node.db", tmp_path / "look")
    publish(node, "after")
    for each in (node, partner):
        until(lambda: shown(each) == {"after", "elsewhere"}, f"it does not go on: {node.log()}")  # noqa: B023
    check(node.home / "var" / "node.db", tmp_path / "look")
    assert "Traceback" not in node.log()


_READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


@needs_a_mount
def test_a_node_that_may_not_write_its_folder_says_so_and_ends(make: Make) -> None:
    node = make("Kaunas Park")
    var = str(node.home / "var")
    command = (*NAMESPACE, _READ_ONLY, "sh", var, sys.executable, "-m", "node", "serve", "--home", str(node.home))
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr == f"bra: {var} can't be written: Read-only file system\n"


def publish(node: Node, name: str) -> None:
    node.bra("publish", "-", "--kind", "venue", stdin=row(name))


def row(name: str) -> bytes:
    """A node's one venue, as a file to publish."""
    return json.dumps(venue("v", name=name, directions={"en": "left " * 1_000})).encode()


def shown(node: Node) -> set[str]:
    return {each["body"]["name"] for each in node.listed("venue")}
