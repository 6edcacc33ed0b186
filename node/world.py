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
    """`now`: seconds since 1970. `random(n)`: n bytes that nobody can guess."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[int], bytes] = secrets.token_bytes
