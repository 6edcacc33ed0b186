"""Content lines, the form that iCalendar (RFC 5545, section 3.1) and vCard (RFC 6350, section 3.2) share.

Rules:

- a line is `NAME;PARAMETER=value:value`, ends in CRLF, and is folded at 75 octets, never inside a character
- text values escape backslash, comma and line end; a semicolon is escaped in iCalendar, and inside a vCard's component
- numbers of degrees have six digits after the point: no exponent, which neither RFC knows

    >>> b"".join(lines([("SUMMARY", text("Tere, maailm"))]))
    b'SUMMARY:Tere\\\\, maailm\\r\\n'
"""

import re
from collections.abc import Iterable, Iterator

from node.exports.collection import prose

Property = tuple[str, str]
"""A name with its parameters, and a value that is escaped as its type wants."""

LONGEST = 75


def lines(properties: Iterable[Property]) -> Iterator[bytes]:
    """Each property as its folded line."""
    for name, value in properties:
        yield _folded(f"{name}:{value}".encode())


def _folded(rest: bytes) -> bytes:
    if len(rest) <= LONGEST:
        return rest + b"\r\n"
    pieces: list[bytes] = []
    while len(rest) > (most := LONGEST - bool(pieces)):
        while rest[most] & 0xC0 == 0x80:  # inside a character
            most -= 1
        pieces.append(rest[:most])
        rest = rest[most:]
    return b"\r\n ".join((*pieces, rest)) + b"\r\n"


def text(value: str) -> str:
    """A text value of vCard."""
    return re.sub(r"([\\,])", r"\\\1", prose(value)).replace("\n", r"\n")


def component(value: str) -> str:
    """A text value of iCalendar, or one component of a vCard's value."""
    return text(value).replace(";", r"\;")


def degrees(micro: int) -> str:
    return f"{micro / 1e6:.6f}"
