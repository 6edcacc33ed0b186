"""The shortest story in which the same invariant still breaks: parts of a plan are left out as long as it fails.

Delta debugging over steps, from large parts to single ones; then over nodes, lies, and time in which nothing happens.

    shortest = shrink(plan, "equal", seconds=60)
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.plan import FOUNDING, Plan
from tests.simulation.simulation import simulate

Fails = Callable[[Plan], bool]


def shrink(plan: Plan, invariant: str, *, seconds: float, fails: Fails | None = None) -> Plan:
    """The smallest plan found in so much real time that breaks the invariant; `plan` itself if none is smaller."""
    ends = time.monotonic() + seconds
    broken = fails or (lambda smaller: _breaks(smaller, invariant))
    while time.monotonic() < ends:
        smaller = next((each for each in _smaller(plan) if time.monotonic() < ends and broken(each)), None)
        if smaller is None:
            break
        plan = smaller
    return plan


def _breaks(plan: Plan, invariant: str) -> bool:
    violation = simulate(plan).violation
    return violation is not None and violation.invariant == invariant


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Plans with something left out, the boldest first."""
    size = len(plan.steps)
    while size:
        for start in range(0, len(plan.steps), size):
            yield plan.without(plan.steps[start : start + size])
        size //= 2
    names = [member.name for member in plan.members]
    for name in names if len(names) > 2 else ():
        yield plan.only([each for each in names if each != name])
    for pair in plan.pairs:
        yield replace(plan, pairs=tuple(each for each in plan.pairs if each != pair))
    for place, member in enumerate(plan.members):
        for simpler in (replace(member, lie=""), replace(member, outbound_only=False), replace(member, depth=4)):
            if simpler != member:
                yield replace(plan, members=(*plan.members[:place], simpler, *plan.members[place + 1 :]))
    last = max((step.at + step.seconds for step in plan.steps), default=FOUNDING) + 1.0
    if last < plan.ends:
        yield replace(plan, ends=last)
