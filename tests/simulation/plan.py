"""A plan: everything that happens in one run, drawn from a seed and written down as plain values.

Rules:

- the same seed draws the same plan; a plan can also be written by hand, and parts of it left out (see `shrink`)
- a step says when (virtual seconds), what, who, and as far as it needs them, with whom, how much and for how long
- faults end by themselves, or when the plan does; what follows is quiet

    plan = Plan.drawn(7)
    plan.steps[3]        # Step(at=41.5, what='partition', who='ahti', other='lund', seconds=30.0)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Self

NAMES = ("ahti", "brno", "cork", "delft", "espoo", "faro", "graz", "hull", "izola", "jena", "kiel", "lund")

LIES = ("forge", "hide", "roll back", "freeze", "equivocate", "flood")
"""What a byzantine node does to those who ask it."""

LARGE = "publish many"
"""More records than are searchable at once."""
OPERATIONS = (
    "publish",
    "edit",
    "withdraw",
    "contact",
    "befriend",
    "part",
    "block",
    "unblock",
    "endorse",
    "rotate",
    LARGE,
)
LINK_FAULTS = ("loss", "reset", "corruption", "delay", "slow", "replay", "one way", "partition")
NODE_FAULTS = ("crash", "kill", "backup", "restore", "skew", "damage")

FOUNDING = 10.0
"""Seconds in which the nodes are founded and become partners, before anything else happens."""


@dataclass(frozen=True, slots=True)
class Member:
    """One node. `lie`: what it does if it is byzantine, else empty."""

    name: str
    outbound_only: bool = False
    depth: int = 4
    lie: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens. What `amount` counts depends on `what`; `seconds`: how long it lasts."""

    at: float
    what: str
    who: str
    other: str = ""
    amount: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `pairs`: who are partners from the beginning; `ends`: when the last fault is over."""

    seed: int
    members: tuple[Member, ...]
    pairs: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    ends: float

    @classmethod
    def drawn(cls, seed: int, nodes: int | None = None) -> Self:
        """The plan of a seed; with `nodes`, of so many nodes."""
        random = Random(seed)
        count = nodes or _count(random)
        names = [NAMES[place] if place < len(NAMES) else f"node{place}" for place in range(count)]
        lies = _lies(random, names)
        # Whoever can't be reached needs partners who can.
        members = tuple(
            Member(
                name,
                outbound_only=count > 2 and place > 0 and name not in lies and random.random() < 0.12,
                depth=random.choice((1, 2, 4, 4, 4, 6)),
                lie=lies.get(name, ""),
            )
            for place, name in enumerate(names)
        )
        pairs = _topology(random, names)
        ends = FOUNDING + random.choice((30.0, 60.0, 90.0, 150.0))
        steps = [*_operations(random, names, ends), *_faults(random, names, lies, ends)]
        steps += _added(Random(f"added/{seed}"), names, lies, ends)
        return cls(seed, members, tuple(pairs), tuple(sorted(steps, key=lambda step: step.at)), ends)

    def without(self, steps: Sequence[Step]) -> Self:
        left_out = set(steps)
        return replace(self, steps=tuple(step for step in self.steps if step not in left_out))

    def only(self, names: Sequence[str]) -> Self:
        """The plan with these nodes alone, and what happens among them."""
        kept = set(names)
        return replace(
            self,
            members=tuple(member for member in self.members if member.name in kept),
            pairs=tuple(pair for pair in self.pairs if kept.issuperset(pair)),
            steps=tuple(step for step in self.steps if kept.issuperset((step.who, step.other or step.who))),
        )


def _count(random: Random) -> int:
    """Mostly a few, because a few show most of what can go wrong; sometimes many."""
    lot = random.random()
    if lot < 0.01:
        return random.randrange(30, 51)
    return random.randrange(6, 13) if lot < 0.12 else random.choice((2, 3, 3, 4, 4, 5))


def _lies(random: Random, names: Sequence[str]) -> dict[str, str]:
    """Which nodes are byzantine, and how; never the first two, so that there is somebody to agree."""
    if len(names) < 3 or random.random() < 0.6:
        return {}
    liars = random.sample(list(names[2:]), min(len(names) - 2, random.choice((1, 1, 1, 2))))
    return {name: random.choice(LIES) for name in liars}


def _topology(random: Random, names: Sequence[str]) -> list[tuple[str, str]]:
    count, places = len(names), range(1, len(names))
    shape = random.choice(("line", "ring", "star", "tree", "random", "clique"))
    if shape == "clique" and count > 8:
        shape = "random"
    pairs: dict[tuple[int, int], None] = {}
    for place in places:
        # A tree of some shape keeps everybody connected; the rest is added to it.
        parent = {"line": place - 1, "ring": place - 1, "star": 0}.get(shape, random.randrange(place))
        pairs[parent, place] = None
    if shape == "ring" and count > 2:
        pairs[0, count - 1] = None
    if shape == "clique":
        pairs |= {(a, b): None for a in range(count) for b in range(a + 1, count)}
    if shape == "random":
        for _ in range(count // 2):
            a, b = sorted(random.sample(range(count), 2)) if count > 1 else (0, 0)
            pairs[a, b] = None
    return [(names[a], names[b]) for a, b in pairs]


def _operations(random: Random, names: Sequence[str], ends: float) -> list[Step]:
    weights = {"publish": 5, "edit": 4, "withdraw": 2, "contact": 3}
    weights |= {"befriend": 1, "part": 0.5, "block": 0.4, "unblock": 0.4, "endorse": 0.5, "rotate": 0.3}
    steps = []
    for _ in range(random.randrange(3, 8 + len(names))):
        what = random.choices(list(weights), list(weights.values()))[0]
        who, other = random.choice(names), ""
        if what in ("befriend", "part", "block", "unblock", "endorse"):
            other = random.choice([name for name in names if name != who])
        steps.append(Step(_moment(random, ends), what, who, other, float(random.randrange(1, 6))))
    return steps


def _faults(random: Random, names: Sequence[str], lies: dict[str, str], ends: float) -> list[Step]:
    kinds = random.sample((*LINK_FAULTS, "crash", "kill", "restore", "skew"), random.choice((0, 1, 2, 3, 4)))
    steps = []
    for what in kinds:
        for _ in range(random.choice((1, 1, 2, 3))):
            at, seconds = _moment(random, ends), round(random.uniform(2, 60), 1)
            who = random.choice([name for name in names if name not in lies])
            other = random.choice([name for name in names if name != who])
            if what == "restore":
                steps.append(Step(round(random.uniform(FOUNDING, at), 2), "backup", who))
            amount = _AMOUNTS[what](random) if what in _AMOUNTS else 0.0
            if what not in LINK_FAULTS:
                other = ""
            steps.append(Step(at, what, who, other, amount, min(seconds, ends - at)))
    return steps


def _added(random: Random, names: Sequence[str], lies: dict[str, str], ends: float) -> list[Step]:
    """What plans have since the first thirty thousand were run: drawn apart, so that the rest of them stays."""
    steps = []
    if random.random() < 0.15:
        steps.append(Step(_moment(random, ends), LARGE, random.choice(names), amount=float(random.randrange(55, 90))))
    if random.random() < 0.15:
        who = random.choice([name for name in names if name not in lies])
        steps += [
            Step(_moment(random, ends), "damage", who, amount=float(random.randrange(1, 6)), seconds=5.0)
            for _ in range(random.choice((1, 1, 2)))
        ]
    return steps


def _moment(random: Random, ends: float) -> float:
    return round(random.uniform(FOUNDING, ends - 1), 2)


_AMOUNTS: dict[str, Callable[[Random], float]] = {
    "loss": lambda random: random.choice((0.02, 0.1, 0.3)),
    "reset": lambda random: random.choice((0.02, 0.1, 0.3)),
    "corruption": lambda random: random.choice((0.02, 0.1, 0.3)),
    "replay": lambda random: random.choice((0.2, 0.5)),
    "delay": lambda random: random.choice((0.1, 0.5, 2.0, 8.0)),
    "slow": lambda random: random.choice((200.0, 1_000.0, 10_000.0)),
    # Before the n-th statement that is written, or just after it where n is negative.
    "crash": lambda random: float(random.choice((1, 1, -1)) * random.randrange(1, 120)),
    # A whole machine (1), whose home can't tell, or the database's file.
    "restore": lambda random: float(random.random() < 0.3),
    "kill": lambda random: float(random.randrange(2)),
    "skew": lambda random: random.choice((1, -1)) * random.choice((3.0, 250.0, 400.0, 1_000.0, 90_000.0, 6_000_000.0)),
}
