"""The mark beside the database: tells an untouched home from a restored or copied one.

After each own state the home's place and that state are written down. A copy has files of its own (another inode,
another time of change, which no copying program can set), a restored database has an older state than the mark, and one
that was moved to another machine has another machine id. What it can't tell is a whole virtual machine set back to a
snapshot: the partners tell that, when they show a newer state.

It is no secret and proves nothing to others: it only decides whether to ask before signing.
"""

import json
import sqlite3
from contextlib import suppress
from pathlib import Path

from node.home import Home
from node.protocol.statements import Card
from node.storage import authors, partners

_MACHINE_ID = Path("/etc/machine-id")


def place(home: Home) -> list[str]:
    """What no copy of this home has in common with it. The lock file is never written to, so its change time stays."""
    lock = home.lock_file.stat()
    machine = ""
    with suppress(OSError):
        machine = _MACHINE_ID.read_text().strip()
    return [machine, f"{lock.st_ino}-{lock.st_ctime_ns}", str(home.database.stat().st_ino)]


def write(home: Home, head: bytes) -> None:
    """Marks the home as the one that signed `head` (its hash) last. A mark that is lost only makes the node ask."""
    home.replace_mark(json.dumps({"head": head.hex(), "place": place(home)}).encode())


def untouched(home: Home, db: sqlite3.Connection, card: Card) -> bool:
    """Whether this is the home that signed last, as far as this machine can tell."""
    author = authors.find(db, card.author)
    if author is None or author.head_hash is None:
        # New, and of a first key: nobody else can have signed with it. A later one belongs to a recovery.
        return card.epoch == 1 and not partners.everyone(db)
    try:
        mark = json.loads(home.mark.read_bytes())
        same_place, head = mark["place"] == place(home), bytes.fromhex(mark["head"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    # The state may be ahead of the mark, if the process was killed between the two; never behind it.
    return same_place and authors.has_head(db, author, head)
