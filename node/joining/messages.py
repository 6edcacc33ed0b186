"""What is said at joining: a newcomer's request and the inviter's answer, read strictly. Pure.

Rules (SPEC, "Joining"): canonical JSON with exactly these members; `key_card` is a signed record, verified by whoever
knows whom it should be of (see `key_card`).

    {"confirmed": false, "invitation": "9f86d081884c7d65", "key_card": {…}, "proof": "…"}      the newcomer's
    {"confirmed": false, "key_card": {…}, "proof": "…"}                                        the inviter's
"""

import re
from dataclasses import dataclass
from typing import Any, Self

from node.errors import Malformed
from node.protocol import names
from node.protocol.canonical import decode, encode

LONGEST = 128 * 1024
"""Bytes of a request or an answer: a key card has a record of at most 64 KiB and what proves it."""

_INVITATION = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A newcomer's request. `invitation`: its id, 16 hex digits; `confirmed`: by the newcomer's operator."""

    invitation: str
    key_card: Any
    confirmed: bool
    proof: str

    @classmethod
    def parse(cls, body: bytes) -> Self:
        value = _members(body, {"invitation", "key_card", "confirmed", "proof"})
        if not isinstance(value["invitation"], str) or not _INVITATION.fullmatch(value["invitation"]):
            raise Malformed("an invitation is named by 16 lower-case hex digits")
        return cls(value["invitation"], value["key_card"], _flag(value["confirmed"]), _proof(value["proof"]))

    @property
    def line(self) -> bytes:
        return encode({name: getattr(self, name) for name in ("invitation", "key_card", "confirmed", "proof")})


@dataclass(frozen=True, slots=True)
class JoinAnswer:
    """The inviter's answer. `confirmed`: by the inviter's operator."""

    key_card: Any
    confirmed: bool
    proof: str

    @classmethod
    def parse(cls, body: bytes) -> Self:
        value = _members(body, {"key_card", "confirmed", "proof"})
        return cls(value["key_card"], _flag(value["confirmed"]), _proof(value["proof"]))

    @property
    def line(self) -> bytes:
        return encode({name: getattr(self, name) for name in ("key_card", "confirmed", "proof")})


def _members(body: bytes, expected: set[str]) -> dict[str, Any]:
    if len(body) > LONGEST:
        raise Malformed(f"a message of joining has at most {LONGEST} bytes")
    value = decode(body)
    if not isinstance(value, dict) or value.keys() != expected:
        raise Malformed(f"a message of joining has exactly the members {', '.join(sorted(expected))}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Malformed("`confirmed` is true or false")
    return value


def _proof(value: object) -> str:
    return names.encode_base64(names.decode_base64(value, 32))
