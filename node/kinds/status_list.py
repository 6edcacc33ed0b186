"""A status list: which passes of this organisation are revoked (IETF Token Status List).

    {"bits": 1, "list": "eNrbuRgAAhcBXQ", "issued": "2027-01-15T09:00:00Z", "ttl": 86400}

`list` is the draft's `lst`: a zlib stream in base64url without padding. It is not unpacked here: a verifier does that,
with its own bound on the size.
"""

from typing import Annotated, Literal

from pydantic import Field

from node.kinds.body import Body
from node.kinds.fields import Moment

Bits = Annotated[Literal[1, 2, 4, 8], Field(description="a number of bits for a status")]
PackedList = Annotated[
    str, Field(max_length=60_000, pattern="^[A-Za-z0-9_-]+$", description="a zlib stream as base64url without padding")
]
Ttl = Annotated[int, Field(ge=60, le=31_536_000, description="a whole number of seconds from 60 to 31536000")]


class StatusList(Body):
    bits: Bits
    list: PackedList
    issued: Moment
    ttl: Ttl

    def heading(self) -> str:
        return self.issued
