"""The program, killed before the n-th statement that its writer gives to SQLite, COMMIT among them.

    BRA_DIES_AT=n BRA_COUNTS_IN=file python -m tests.attacks.dying serve --home …

With n = 0 it is never killed. The file holds the number of statements so far, in 8 bytes.
"""

import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

from node.cli.main import run
from node.storage import database


def counted(
    open_: Callable[[Path], sqlite3.Connection], dies_at: int, counts: int
) -> Callable[..., sqlite3.Connection]:
    """Opens the writer's connection like `open_`, and counts from then on."""
    done = 0

    def step(_statement: str) -> None:
        nonlocal done
        done += 1
        if done == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        os.pwrite(counts, done.to_bytes(8), 0)

    def opened(path: Path) -> sqlite3.Connection:
        connection = open_(path)
        connection.set_trace_callback(step)
        return connection

    return opened


if __name__ == "__main__":
    counts_in = os.open(os.environ["BRA_COUNTS_IN"], os.O_RDWR | os.O_CREAT, 0o600)
    database._open = counted(database._open, int(os.environ["BRA_DIES_AT"]), counts_in)
    run()
