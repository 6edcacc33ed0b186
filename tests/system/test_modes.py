"""What lies in a home is its owner's alone, however open the process that made it leaves its files."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.system.conftest import Make

OPENLY = (
    sys.executable, "-c", "import os, sys; os.umask(0); from node.cli.main import run; sys.argv[0] = 'bra'; run()",
)  # fmt: skip
"""The program in a process that would let everybody read and write what it makes."""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_nobody_else_gets_at_the_key_the_database_or_the_socket(make: Make) -> None:
    node = make("Ahti Park")
    home = node.home
    # As an operator might who unpacked a backup or made the folder by hand.
    shutil.rmtree(home)
    (home / "var").mkdir(parents=True, mode=0o777)
    (home / "var").chmod(0o777)
    node.words.unlink()
    arguments = (
        "init", "--name", "Ahti Park", "--country", "EE", "--city", "Tartu", "--url", node.url, "--network", "test",
        "--recovery-file", str(node.words), "--home", str(home),
    )  # fmt: skip
    subprocess.run([*OPENLY, *arguments], check=True, capture_output=True)
    assert mode(node.words) == 0o600
    assert mode(home / "keys" / "signing.key") == 0o600
    node.program = OPENLY
    node.serve()
    assert mode(home / "var") == 0o700, "what is inside needs no mode of its own"
    assert mode(home / "var" / "bra.sock") == 0o600
    assert mode(home / "var" / "lock") == 0o600
    node.bra("status")
