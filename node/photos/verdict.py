"""What the decoder and this node agree on: the caps, and what an exit code means."""

from enum import IntEnum

MOST_PIXELS = 40_000_000
MEMORY = 1024 * 1024 * 1024
"""Bytes of addresses: 40 megapixels with an alpha channel, three times, and the program itself."""
SECONDS = 20
"""Seconds of the processor."""


class Verdict(IntEnum):
    """The decoder's exit codes."""

    TAKEN = 0
    NO_PICTURE = 10
    TOO_MANY_PIXELS = 11
    ANIMATED = 12
    DAMAGED = 13
