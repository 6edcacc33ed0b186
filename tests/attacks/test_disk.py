"""A disk that is full, and a process that is killed at any write: each author's set is whole, and the node goes on."""

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.conftest import Scene, room, staged
from tests.directory.small_node import signatory
from tests.nodes import PYTHON, Node, get, until
from tests.protocol.builders import Author
from tests.system.conftest import Make
from tests.system.inside import check, moved

MIB = 1024 * 1024
KILLS = int(os.environ.get("BRA_KILLS", "3"))
"""At how many statements of one sync the node is killed, spread over all; 1000 is every one."""


@pytest.fixture(scope="module")
def stage(make_once: Make) -> Iterator[Scene]:
    yield from staged(make_once, "Dover")


# In a mount namespace of its own, so that nobody has to be root: a small disk in the place of the home's `var`.
ON_A_SMALL_DISK = """
cp -a "$1" "$1.before" && mount -t tmpfs -o size=16m,mode=700 small "$1" && cp -a "$1.before/." "$1" &&
head -c 14500000 /dev/zero > "$1/ballast" && shift && exec "$@"
"""
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec")


def small_disks() -> bool:
    probe = (*NAMESPACE, "mount -t tmpfs -o size=1m small /mnt")
    return (
        shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not small_disks(), reason="this machine gives a user no mount of its own, so no small disk")
def test_a_full_disk_is_told_harms_no_set_and_is_over_when_there_is_room_again(scene: Scene, tmp_path: Path) -> None:
    scene.victim.stop()
    victim = moved(scene.victim, tmp_path)
    victim.program = (*NAMESPACE, ON_A_SMALL_DISK, "sh", str(victim.home / "var"), sys.executable, "-m", "node")
    try:
        victim.serve()
        assert victim.process is not None
        # What lies on the small disk is seen from within; SQLite itself would not stay there.
        inside = copy.copy(victim)
        inside.home = Path(f"/proc/{victim.process.pid}/root{victim.home}")
        author = signatory("large")
        scene.intruder.endorse(author)
        until(lambda: seq(inside, author) == author.seq, f"nothing is taken: {victim.log()}")
        before = author.seq
        for number in range(60):
            author.put("dance", {"steps": "x" * 60_000}, f"d{number}")
        author.commit()
        scene.intruder.tell(author)
        until(lambda: "is full: free some space" in victim.log(), f"a full disk is not told: {victim.log()}", 10)
        assert seq(inside, author) == before
        assert get(f"{victim.url}/api/v1/organisation")["records"]
        check(inside.home / "var" / "node.db", tmp_path / "look")
        (inside.home / "var" / "ballast").unlink()
        until(lambda: seq(inside, author) == author.seq, f"it does not go on: {victim.log()}")
        check(inside.home / "var" / "node.db", tmp_path / "look")
    finally:
        victim.kill()
        scene.victim.serve()


def seq(node: Node, author: Author) -> int:
    """Of the state that a node says it holds of an author; 0 where it holds none."""
    return next((each["seq"] for each in node.status()["authors"] if each["node_id"] == author.id), 0)


class Dying(Node):
    """A node that is killed at a statement of its writer's."""

    program = (*PYTHON, "tests.attacks.dying")

    def dies(self, counts: Path, at: int = 0) -> None:
        """Starts it; it may be dead before it answers."""
        self.counts = counts
        self.begin(BRA_DIES_AT=str(at), BRA_COUNTS_IN=str(counts))

    @property
    def statements(self) -> int:
        return int.from_bytes(self.counts.read_bytes()) if self.counts.exists() else 0


def test_killed_before_any_statement_of_a_sync_a_node_holds_whole_sets_and_goes_on(
    scene: Scene, tmp_path: Path
) -> None:
    author = scene.introduce("killed")
    scene.victim.stop()
    author.put("venue", room("Room two"), "room")
    author.remove("venue", author.put("venue", room("Room three"), "three").id)
    for number in range(3):
        author.put("venue", room(f"Room {number}"), f"r{number}")
    author.commit()
    scene.intruder.tell(author)
    try:
        undisturbed = dying(scene.victim, tmp_path / "undisturbed")
        undisturbed.dies(tmp_path / "counts")
        until(lambda: Scene(undisturbed, scene.intruder).holds(author), f"no sync: {undisturbed.log()}")
        undisturbed.kill()
        whole = undisturbed.statements
        kills = min(KILLS, whole)
        for at in [1 + number * (whole - 1) // max(kills - 1, 1) for number in range(kills)]:
            twin = dying(scene.victim, tmp_path / f"at {at}")
            twin.dies(tmp_path / f"counts {at}", at)
            assert twin.process is not None
            assert twin.process.wait(10) < 0, f"it was not killed at {at}: {twin.log()}"
            check(twin.home / "var" / "node.db", tmp_path / "look")
            twin.dies(tmp_path / f"counts {at}")
            until(lambda: Scene(twin, scene.intruder).holds(author), f"after {at}: {twin.log()}")  # noqa: B023
            twin.kill()
            check(twin.home / "var" / "node.db", tmp_path / "look")
    finally:
        scene.victim.serve()


def dying(victim: Node, folder: Path) -> Dying:
    folder.mkdir()
    twin = moved(victim, folder)
    twin.__class__ = Dying
    assert isinstance(twin, Dying)
    return twin
