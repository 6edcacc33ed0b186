"""Photos: files by the SHA-256 of their bytes, in the database, and which records name which.

Rules:

- whose photo it is says whose record named it, or who added it: it stays for as long as a record of that author names
  it, and one that no record ever named for a day
- `photo_uses` follows the records' rows: `bulk`, the one way of storing and dropping them, tells it
- rows are only ever added at the end, so that SQLite doesn't move them about, and what is erased leaves no copy (what
  it does to rows that move, `bulk` tells)
- others' make room for newer ones, the least recently used first; this node's own never do
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from node.errors import InputError
from node.protocol.names import NodeId

PREFIX = "sha256:"
"""Before the hash, in a record."""
MARK = b'"sha256:'
"""It is in every line that names a photo."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a photo, as it travels between nodes (SPEC, "Photos")."""
DAY = 86_400
"""Seconds for which a photo is kept before a record names it."""
USED_EVERY = 3_600
"""Seconds after which it is noted again that a photo is used."""
_ERASED_AT_ONCE = 8
"""Overwriting megabytes takes the writer's time."""

JPEG, PNG, WEBP = FORMS = ("image/jpeg", "image/png", "image/webp")


def form(data: bytes) -> str | None:
    """The media type by a file's first bytes; None for what isn't passed on."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    return None


def named(kind: str, body: Mapping[str, Any]) -> set[str]:
    """The hashes of the photos that a well-formed body names."""
    pictures: Iterable[str] = ()
    if kind == "venue":
        pictures = body.get("photos", ())
    elif kind == "organisation" and "logo" in body:
        pictures = (body["logo"],)
    return {each.removeprefix(PREFIX) for each in pictures if each.startswith(PREFIX)}


def note_uses(db: sqlite3.Connection, author: int, numbers: Collection[int]) -> None:
    """Notes which photos these records of an author name; what they name is kept as long as they do."""
    chosen = orjson.dumps(list(numbers)).decode()
    db.execute(
        "INSERT OR IGNORE INTO photo_uses SELECT substr(picture.value, 8), author, no FROM records, "
        "json_each(CAST(line AS TEXT), CASE kind WHEN 'venue' THEN '$.body.photos' ELSE '$.body.logo' END) AS picture "
        "WHERE no IN (SELECT value FROM json_each(?)) AND kind IN ('venue', 'organisation') "
        "AND picture.type = 'text' AND length(picture.value) = 71 AND picture.value GLOB 'sha256:*'",
        (chosen,),
    )
    db.execute(
        "UPDATE photos SET keep_until = 0 WHERE author = ? AND keep_until > 0 AND hash IN "
        "(SELECT photo FROM photo_uses WHERE record IN (SELECT value FROM json_each(?)))",
        (author, chosen),
    )


class Limits(Protocol):
    """Bytes of this node's own photos, and of others'; photos of one author."""

    @property
    def own_bytes(self) -> int: ...
    @property
    def others_bytes(self) -> int: ...
    @property
    def per_author(self) -> int: ...


class Held(NamedTuple):
    """A photo of an author; `size`: bytes with its preview."""

    hash: str
    size: int
    added: int
    records: tuple[tuple[str, str], ...]
    """Kind and id of each record of the author that names it."""


def add(
    db: sqlite3.Connection, author: int, hash_: str, photo: bytes, preview: bytes, now: float, most: Limits
) -> None:
    """Keeps one of this node's own, for a day at first; InputError where that would be too many."""
    if holds(db, author, hash_):
        db.execute("UPDATE photos SET keep_until = ? WHERE hash = ?", (int(now) + DAY, hash_))
        return
    total = "SELECT count(*), coalesce(sum(size), 0) FROM photos WHERE author = ?"
    count, size = db.execute(total, (author,)).fetchone()
    if count >= most.per_author or size + len(photo) + len(preview) > most.own_bytes:
        raise InputError(
            f"this node holds {count} photos of its own with {size} bytes, as many as it may: remove some "
            "('bra photo list'), or set more in [photos] of config/node.toml"
        )
    # One that came from another node gives way: it would be dropped with that node's record.
    db.execute("DELETE FROM photos WHERE hash = ?", (hash_,))
    _insert(db, author, hash_, photo, preview, keep_until=int(now) + DAY, now=now)


def keep(db: sqlite3.Connection, me: int, of: NodeId, hash_: str, photo: bytes, now: float, most: Limits) -> None:
    """Keeps one that a record of another author names, if it still does and nobody's is held, and makes room for it."""
    naming = (
        "SELECT author FROM photo_uses JOIN authors ON authors.no = photo_uses.author WHERE photo = ? AND node_id = ? "
        "AND NOT EXISTS (SELECT 1 FROM photos WHERE photos.hash = photo_uses.photo)"
    )
    row = db.execute(naming, (hash_, of)).fetchone()
    if row is None:
        return
    author = row[0]
    _insert(db, author, hash_, photo, None, keep_until=0, now=now)
    db.execute(
        "DELETE FROM photos WHERE hash IN (SELECT hash FROM photos WHERE author = ? "
        "ORDER BY used DESC, added DESC LIMIT -1 OFFSET ?)",
        (author, most.per_author),
    )
    db.execute(
        "DELETE FROM photos WHERE hash IN (SELECT hash FROM ("
        "SELECT hash, sum(size) OVER (ORDER BY used DESC, added DESC, hash) AS reached FROM photos WHERE author != ?"
        ") WHERE reached > ?)",
        (me, most.others_bytes),
    )


def _insert(
    db: sqlite3.Connection, author: int, hash_: str, photo: bytes, preview: bytes | None, *, keep_until: int, now: float
) -> None:
    db.execute(
        "INSERT INTO photos (hash, author, added, used, keep_until, size, photo, preview) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (hash_, author, int(now), int(now), keep_until, len(photo) + len(preview or b""), photo, preview),
    )


def holds(db: sqlite3.Connection, author: int, hash_: str) -> bool:
    """Whether a photo is held as this author's."""
    return db.execute("SELECT 1 FROM photos WHERE hash = ? AND author = ?", (hash_, author)).fetchone() is not None


class Found(NamedTuple):
    """A photo's bytes, or those of its preview; whose it is; when it was noted last that it is used."""

    data: bytes
    author: NodeId
    used: int


def find(db: sqlite3.Connection, hash_: str, *, preview: bool = False) -> Found | None:
    """A photo that is held, or its preview where there is one."""
    row = db.execute(
        f"SELECT {'coalesce(preview, photo)' if preview else 'photo'}, node_id, used "
        "FROM photos JOIN authors ON authors.no = photos.author WHERE hash = ?",
        (hash_,),
    ).fetchone()
    return Found(*row) if row else None


def use(db: sqlite3.Connection, hash_: str, now: float) -> None:
    db.execute("UPDATE photos SET used = ? WHERE hash = ?", (int(now), hash_))


def of_author(db: sqlite3.Connection, author: int) -> list[Held]:
    """All photos of an author, the newest first."""
    rows = db.execute("SELECT hash, size, added FROM photos WHERE author = ? ORDER BY added DESC, hash", (author,))
    return [Held(hash_, size, added, tuple(_uses(db, author, hash_))) for hash_, size, added in rows.fetchall()]


def _uses(db: sqlite3.Connection, author: int, hash_: str) -> list[tuple[str, str]]:
    return db.execute(
        "SELECT kind, id FROM photo_uses JOIN records ON records.no = photo_uses.record "
        "WHERE photo = ? AND photo_uses.author = ? ORDER BY records.no",
        (hash_, author),
    ).fetchall()


def remove(db: sqlite3.Connection, author: int, hash_: str) -> bool:
    """Erases a photo of an author that no record of it names; whether there was one."""
    found = db.execute(f"DELETE FROM photos WHERE hash = ? AND author = ? AND {_UNNAMED}", (hash_, author))
    return found.rowcount > 0


_UNNAMED = "NOT EXISTS (SELECT 1 FROM photo_uses WHERE photo = photos.hash AND photo_uses.author = photos.author)"
_OVER = f"SELECT hash FROM photos WHERE keep_until <= ? AND {_UNNAMED} LIMIT {_ERASED_AT_ONCE}"


def any_over(db: sqlite3.Connection, now: float) -> bool:
    """Whether there are photos that no record of their author names any more."""
    return db.execute(_OVER, (int(now),)).fetchone() is not None


def erase(db: sqlite3.Connection, now: float) -> bool:
    """Erases a few of them; whether there may be more."""
    return db.execute(f"DELETE FROM photos WHERE hash IN ({_OVER})", (int(now),)).rowcount == _ERASED_AT_ONCE
