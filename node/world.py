"""What a node takes from the world besides its network and its disk: time and randomness, handed in.

A simulation hands in its own, so that one seed is one run.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class World:
    """`now`: seconds since 1970, as the clock is set. `random(n)`: n bytes that nobody can guess.

    `uptime`: seconds since some moment, which go on evenly however the clock is set.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[int], bytes] = secrets.token_bytes
    uptime: Callable[[], float] = time.monotonic

    def moment(self) -> Callable[[], float]:
        """The moment of this call, as `now` tells it by the clock as it is set later: it may be wrong until then."""
        began = self.uptime()
        return lambda: self.now() - (self.uptime() - began)
