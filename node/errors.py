"""Every error this program raises on purpose, sorted by whose fault it is.

    BraError
    ├── InputError        what the person at the keyboard or the member's request gave
    │   └── TooSlow       a question that takes too long to answer
    ├── ProtocolError     bytes that are not what the protocol says
    │   ├── Malformed     not canonical, wrong members, out of range, over a cap
    │   └── Forged        well formed, but a signature, hash or proof does not hold
    ├── PeerError         another node, or the way to it
    │   ├── Unreachable   no answer: refused, timed out, cut off
    │   └── Declined      an answer, and it says no (carries the HTTP status)
    └── HomeError         this machine: no home, a second process, no space, keys too open

A message is one sentence for a person and says what to do next. A *refused record or block* is not an error but a
value (`protocol.blocks.Refusal`): it must never stop the rest.
"""


class BraError(Exception):
    """The root; `str(error)` is fit to be shown."""


class InputError(BraError):
    """The caller gave something that can't be used. `field`: which part of it, where it has parts with names."""

    def __init__(self, sentence: str = "", field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class TooSlow(InputError):
    """The question would take longer than anybody's may."""


class ProtocolError(BraError):
    """A statement, line or proof that the protocol refuses."""


class Malformed(ProtocolError):
    """The bytes don't have the form that the specification gives."""


class Forged(ProtocolError):
    """The form is right, the mathematics is not."""


class PeerError(BraError):
    """A peer, or the network on the way to it, failed us."""


class Unreachable(PeerError):
    """No complete answer came."""


class Declined(PeerError):
    """The peer answered with a refusal."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class HomeError(BraError):
    """The node's home can't be used as it is."""
