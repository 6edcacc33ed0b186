"""The names and scalars of the protocol, parsed into types at the door.

Rules (SPEC, "Names and scalars"):

- node id: `"bra1"` + lower-case base32 without padding of the first 20 bytes of SHA-256(root public key)
- kind, record id, network: `[a-z0-9_-]{1,64}`
- hash: 64 lower-case hex digits; key, salt and signature: base64url without padding, in its one canonical spelling
- time: RFC 3339, UTC, `Z`, whole seconds
- seq, count, bytes: integers, 0 <= n < 2^53

    >>> parse_time("2026-11-21T12:00:00Z")
    1795262400
    >>> format_time(1795262400)
    '2026-11-21T12:00:00Z'
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NewType

from node.errors import Malformed

NodeId = NewType("NodeId", str)
Kind = NewType("Kind", str)
RecordId = NewType("RecordId", str)
Seconds = NewType("Seconds", int)
"""A moment: whole seconds since 1970-01-01T00:00:00Z."""

LARGEST_INTEGER = 2**53 - 1
LONGEST_BEAT = 14 * 86_400
"""Seconds that a beat may last at most (SPEC, "Beats")."""
LARGEST_RECORD = 64 * 1024
"""Bytes of a record's canonical form (SPEC, "Records")."""
LARGEST_HEAD = 1024
"""Bytes of a head's canonical form: an author's chain is kept for months."""

LARGEST_STATEMENT = 8 * 1024
"""Bytes of any other statement's canonical form: evidence holds four of them in one line (SPEC, "Limits")."""

_NAME = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII).fullmatch
_NODE_ID = re.compile(r"bra1[a-z2-7]{32}", re.ASCII).fullmatch
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII).fullmatch
# Newer Pythons read 24:00.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII).fullmatch


def node_id(root_public: bytes) -> NodeId:
    """The id of the node whose root public key (32 bytes) this is; it outlives every signing key."""
    return NodeId("bra1" + base64.b32encode(hashlib.sha256(root_public).digest()[:20]).decode().lower())


# Written out, because each record that comes passes through the next four.


def parse_node_id(value: object) -> NodeId:
    if type(value) is not str or not _NODE_ID(value):
        raise Malformed("a node id is 'bra1' and 32 characters of a-z and 2-7")
    return value  # type: ignore[return-value]


def parse_kind(value: object) -> Kind:
    if type(value) is not str or not _NAME(value):
        raise Malformed("a kind is 1 to 64 characters of a-z, 0-9, '_' and '-'")
    return value  # type: ignore[return-value]


def parse_record_id(value: object) -> RecordId:
    if type(value) is not str or not _NAME(value):
        raise Malformed("a record id is 1 to 64 characters of a-z, 0-9, '_' and '-'")
    return value  # type: ignore[return-value]


def parse_network(value: object) -> str:
    return _matched(_NAME, value, "a network is 1 to 64 characters of a-z, 0-9, '_' and '-'")


def parse_hash(value: object) -> bytes:
    """The 32 bytes that 64 lower-case hex digits spell."""
    return bytes.fromhex(_matched(_HASH, value, "a hash is 64 lower-case hex digits"))


def parse_integer(value: object) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_INTEGER:
        raise Malformed("a number here is an integer from 0 to 2^53 - 1")
    return value


def check_time(value: object) -> str:
    """The text of a moment that there is."""
    if type(value) is not str or not _TIME(value):
        raise Malformed("a time looks like 2026-11-21T12:00:00Z")
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise Malformed(f"{value} is not a moment in the calendar") from error
    return value


def parse_time(value: object) -> Seconds:
    return Seconds(int(datetime.fromisoformat(check_time(value)).timestamp()))


def format_time(moment: float) -> str:
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decode_base64(value: object, length: int) -> bytes:
    """Exactly `length` bytes from base64url without padding; a second spelling of the same bytes is refused."""
    if not isinstance(value, str) or len(value) != (length * 8 + 5) // 6:
        raise Malformed(f"expected {length} bytes as base64url without padding")
    try:
        raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"expected {length} bytes as base64url without padding") from error
    if len(raw) != length or encode_base64(raw) != value:
        raise Malformed(f"expected {length} bytes as base64url without padding")
    return raw


def encode_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _matched(match: Callable[[str], object], value: object, rule: str) -> str:
    if type(value) is not str or not match(value):
        raise Malformed(rule)
    return value
