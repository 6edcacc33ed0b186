"""A node key: a key of this organisation for one use besides signing its heads.

    {"use": "pass", "public_key": "<32 bytes, base64url without padding>", "since": "2027-01-15T09:00:00Z"}

`pass` signs roaming passes; `sealing` is what messages to this node are sealed to.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from node.errors import Malformed
from node.kinds.body import Body
from node.kinds.fields import Moment
from node.protocol.names import decode_base64

Use = Annotated[Literal["pass", "sealing"], Field(description="a use of a key")]


def _key(text: str) -> str:
    try:
        decode_base64(text, 32)
    except Malformed as error:
        raise ValueError("not a public key: give its 32 bytes as base64url without padding") from error
    return text


PublicKey = Annotated[
    str,
    Field(max_length=43, description="a public key: 32 bytes as base64url without padding"),
    AfterValidator(_key),
]


class NodeKey(Body):
    use: Use
    public_key: PublicKey
    since: Moment

    def heading(self) -> str:
        return f"{self.use}, {self.since}"
