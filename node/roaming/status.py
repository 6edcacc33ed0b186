"""Status lists: one bit for each pass of an issuer, set where it was revoked (IETF Token Status List). Pure.

Rules (draft-ietf-oauth-status-list, sections 4 and 8.3):

- status number `index` of a list is bit `index % 8` of byte `index // 8`, counted from the least significant one
- the bytes are a zlib stream, in base64url without padding; what unpacks to more than `LARGEST` bytes isn't unpacked
- a list says nothing of how many passes there are: it always has `SIZE` places, and passes are given them at random
- a list of more bits a status is read, too: 0 is valid there, and whatever else revokes

    >>> pack([0, 3, 4, 5, 7, 8, 9, 13, 15], 16)
    'eNrbuRgAAhcBXQ'
    >>> read({"bits": 1, "list": "eNrbuRgAAhcBXQ", "issued": "2027-01-15T09:00:00Z", "ttl": 86400}).revoked(3)
    True
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from node.errors import Malformed
from node.protocol.names import decode_base64, encode_base64, parse_time

SIZE = 1 << 16
"""Places of the list that this program publishes: 8 KiB, which pack to some 30 bytes while none is revoked."""
LARGEST = 1 << 20
"""Bytes of another's list, unpacked."""


@dataclass(frozen=True, slots=True)
class StatusList:
    """An issuer's list; `expires`: seconds since 1970 after which a newer one should have come."""

    bits: int
    data: bytes = field(repr=False)
    expires: int

    def revoked(self, index: int) -> bool:
        """Whether a pass is revoked; one that has no place in the list is, because its issuer never gave it one."""
        place, shift = divmod(index * self.bits, 8)
        if not 0 <= place < len(self.data):
            return True
        return bool(self.data[place] >> shift & (1 << self.bits) - 1)

    def places(self) -> set[int]:
        """The numbers of all that are revoked, of a list of 1 bit a status."""
        held = re.finditer(rb"[^\x00]", self.data, re.DOTALL)
        return {found.start() * 8 + bit for found in held for bit in range(8) if found[0][0] >> bit & 1}


def pack(revoked: Iterable[int], size: int = SIZE) -> str:
    """The `list` of a record of kind status_list, of 1 bit a status, `size` of them."""
    data = bytearray((size + 7) // 8)
    for index in revoked:
        data[index // 8] |= 1 << index % 8
    return encode_base64(zlib.compress(bytes(data), 9))


def read(body: Mapping[str, Any]) -> StatusList:
    """What the body of a record of kind status_list says; Malformed where its list can't be unpacked."""
    text: str = body["list"]
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(decode_base64(text, len(text) * 6 // 8), LARGEST)
    except zlib.error as error:
        raise Malformed("the status list is no zlib stream") from error
    if not unpacking.eof or unpacking.unused_data:
        raise Malformed(f"the status list is cut short, or has more than {LARGEST} bytes")
    return StatusList(body["bits"], data, parse_time(body["issued"]) + body["ttl"])
