"""A record: one of an author's set, as its canonical line says it. The head over the set signs them all at once.

Rules (SPEC, "Records"):

- its place in the tree follows from kind and id alone, so that a changed record takes the place of the one before
- form is checked here, bodies aren't looked into: `kinds` does that, once the root has been verified

    >>> Record.parse(b'{"author":"bra1…","body":{…},"id":"room-1","kind":"venue",…}').key == tree_key("venue", "room-1")
    True
"""

import hashlib
import re
from functools import lru_cache
from typing import Any, NamedTuple, Self

import orjson

from node.errors import Malformed
from node.protocol import names
from node.protocol.canonical import DEEPEST, decode, encode
from node.protocol.names import Kind, NodeId, RecordId, Seconds

VISIBILITIES = ("public", "members", "partners", "local")

_SALT = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII).fullmatch


class Record(NamedTuple):
    """One record of an author's set. `line` is its canonical form, exactly as it was made or received.

    `key`: where it stands in its author's tree; `value`: SHA-256 of the line (32 bytes each).
    """

    line: bytes
    author: NodeId
    kind: Kind
    id: RecordId
    seq: int
    visibility: str
    expires: Seconds | None
    key: bytes
    value: bytes

    @property
    def updated(self) -> str:
        """The time that its author gave it, by which two changes are ordered: 2026-11-21T12:00:00Z."""
        updated: str = orjson.loads(self.line)["updated"]
        return updated

    @property
    def body(self) -> dict[str, Any]:
        """What it says, read from its line each time: parsed, a set of records would take four times the memory."""
        body: dict[str, Any] = orjson.loads(self.line)["body"]
        return body

    @classmethod
    def make(
        cls,
        *,
        author: NodeId,
        kind: str,
        id: str,  # noqa: A002 - the member's own name
        seq: int,
        salt: bytes,
        updated: float,
        visibility: str,
        body: object,
        **optional: str,
    ) -> Self:
        """A record with `optional` among checked, expires (times) and licence. `salt`: 16 random bytes."""
        return cls.parse(
            encode(
                {
                    "type": "record",
                    "author": author,
                    "kind": kind,
                    "id": id,
                    "seq": seq,
                    "salt": names.encode_base64(salt),
                    "updated": names.format_time(updated),
                    "visibility": visibility,
                    "body": body,
                    **optional,
                }
            )
        )

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """The record that this canonical line is; Malformed otherwise."""
        return cls.of(decode(line, deepest=DEEPEST - 1), line)  # the level that is left is the line's own

    @classmethod
    def of(cls, value: Any, line: bytes) -> Self:
        """The record that `line`, already decoded to `value`, is. Bodies are not looked into: the root comes first."""
        if type(value) is not dict or value.get("type") != "record":
            raise Malformed('a record is an object whose type is "record"')
        if len(line) > names.LARGEST_RECORD:
            raise Malformed(f"a record has at most {names.LARGEST_RECORD} bytes: shorten its texts")
        get = value.get
        salt, visibility = get("salt"), get("visibility")
        names.check_time(get("updated"))
        kind, id_ = names.parse_kind(get("kind")), names.parse_record_id(get("id"))
        if type(salt) is not str or not _SALT(salt):
            raise Malformed("a record's salt is 16 bytes as base64url without padding")
        if visibility not in VISIBILITIES:
            raise Malformed(f"a record's visibility is one of {', '.join(VISIBILITIES)}")
        if type(get("body")) is not dict:
            raise Malformed("a record's body is an object")
        if "checked" in value:
            names.check_time(value["checked"])
        expires = names.parse_time(value["expires"]) if "expires" in value else None
        if type(get("licence", "")) is not str:
            raise Malformed("a record's licence is a string")
        author, seq = names.parse_node_id(get("author")), names.parse_integer(get("seq"))
        if (seq == 0) != (visibility == "local"):
            raise Malformed("a record's seq starts at 1; one for its own node alone has seq 0")
        key, hash_ = tree_key(kind, id_), hashlib.sha256(line).digest()
        return cls(line, author, kind, id_, seq, visibility, expires, key, hash_)


def tree_key(kind: str, record_id: str) -> bytes:
    """The key k = H(kind)[0:1] || H(kind || 0x00 || id)[0:31] (SPEC, "The tree")."""
    first, beginning = _kind(kind)
    return first + hashlib.sha256(beginning + record_id.encode()).digest()[:31]


@lru_cache(maxsize=256)
def _kind(kind: str) -> tuple[bytes, bytes]:
    return hashlib.sha256(kind.encode()).digest()[:1], b"%b\x00" % kind.encode()


def kind_byte(kind: str) -> bytes:
    """The first byte of the keys of a kind's records; two kinds may share one."""
    return _kind(kind)[0]
