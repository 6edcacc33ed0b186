"""How much each may ask in a minute: reads, searches, writes, each with a budget of its own.

Rules:

- a budget lasts a minute from the first request that is spent on it (fixed windows)
- time is the process's own, which goes on evenly however the clock is set
- at most `MOST` callers are counted; beyond that, whoever has asked nothing for longest is forgotten, so that one who
  goes on asking never is
- every answer tells what is left (`RateLimit`, `RateLimit-Policy`: draft-ietf-httpapi-ratelimit-headers)
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

MOST = 10_000
"""Callers that are counted at the same time, each budget for itself."""
WINDOW = 60
"""Seconds that a budget lasts."""


class Budget(Enum):
    """What a request is spent on."""

    READ = "reads"
    SEARCH = "searches"
    WRITE = "writes"
    REFUSED = "refused"
    """Tokens that were not good."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What is left of a budget after a request; `resets`: in so many seconds it is whole again."""

    budget: Budget
    limit: int
    left: int
    resets: int
    allowed: bool

    def headers(self) -> Mapping[str, str]:
        name = self.budget.value
        told = {
            "RateLimit-Policy": f'"{name}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{name}";r={self.left};t={self.resets}',
        }
        return told if self.allowed else {**told, "Retry-After": str(self.resets)}


class Budgets:
    """The budgets of one kind of caller: `limits` gives the requests a minute of each budget."""

    def __init__(self, limits: Mapping[Budget, int], uptime: Callable[[], float], *, most: int = MOST) -> None:
        self._items = {
            budget: RateLimitItemPerMinute(limit, namespace=budget.value) for budget, limit in limits.items()
        }
        self._uptime = uptime
        self._counts = _Counts(uptime, most * len(limits))
        self._limiter = FixedWindowRateLimiter(self._counts)

    def spend(self, budget: Budget, who: str) -> Spent:
        """Counts a request of `who`, and whether it is still within the budget."""
        item = self._items[budget]
        allowed = self._limiter.hit(item, who)
        ends, left = self._limiter.get_window_stats(item, who)
        return Spent(budget, item.amount, left, min(max(1, ceil(ends - self._uptime())), WINDOW), allowed)


class _Counts(Storage):
    """Counts in memory, as `limits` wants them kept; its own memory has no bound, and its time can be set."""

    STORAGE_SCHEME = None

    def __init__(self, uptime: Callable[[], float], most: int) -> None:
        super().__init__()
        self._uptime = uptime
        self._most = most
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        count, ends = self._window(key) or (0, self._uptime() + expiry)
        self._windows[key] = count + amount, ends
        self._windows.move_to_end(key)
        if len(self._windows) > self._most:
            self._windows.popitem(last=False)
        return count + amount

    def get(self, key: str) -> int:
        return window[0] if (window := self._window(key)) else 0

    def get_expiry(self, key: str) -> float:
        return window[1] if (window := self._window(key)) else self._uptime()

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    def check(self) -> bool:
        return True

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def _window(self, key: str) -> tuple[int, float] | None:
        window = self._windows.get(key)
        return window if window and self._uptime() < window[1] else None
