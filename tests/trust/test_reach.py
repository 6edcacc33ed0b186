"""Who is accepted: a table of small neighbourhoods, and what holds in all of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.protocol.names import NodeId
from node.trust.reach import Known, Rules, Standing, reach
from node.trust.vouches import Endorsement, Vouches

ME = NodeId("me")
UNKNOWN, REACHED, LISTED, HONOURED = Standing


def vouches(*pairs: str) -> list[Endorsement]:
    """`"p>a"` is: p endorses a."""
    return [Endorsement(*map(NodeId, pair.split(">"))) for pair in pairs]


@dataclass(frozen=True)
class Case:
    """A neighbourhood; everybody in it has signed but `unsigned`."""

    partners: str
    endorsements: Sequence[str]
    expected: dict[str, Standing]
    rules: Rules = field(default_factory=Rules)
    unsigned: str = ""
    blocked: str = ""
    by_hand: str = ""
    silent: str = ""

    def known(self) -> dict[NodeId, Known]:
        endorsements = vouches(*self.endorsements)
        everybody = {ME, *self.partners, *(name for each in endorsements for name in each[:2])}
        return reach(
            ME,
            partners=[NodeId(each) for each in self.partners],
            vouches=Vouches(endorsements),
            signatories={NodeId(each) for each in everybody - set(self.unsigned)},
            rules=self.rules,
            blocked=frozenset(map(NodeId, self.blocked)),
            by_hand=frozenset(map(NodeId, self.by_hand)),
            silent=frozenset(map(NodeId, self.silent)),
        )


CASES = [
    pytest.param(Case("p", [], {"me": HONOURED, "p": HONOURED, "a": UNKNOWN}), id="a partner is honoured"),
    pytest.param(
        Case("p", [], {"p": HONOURED}, unsigned="p", rules=Rules(vouches_listed=9, vouches_honoured=9)),
        id="a partner is honoured before it signed and whatever the rules ask for",
    ),
    pytest.param(Case("p", ["p>a"], {"a": LISTED}), id="whom a partner endorses is listed"),
    pytest.param(
        Case("p", ["p>a", "a>b", "b>c", "c>d"], {"a": LISTED, "b": LISTED, "c": LISTED, "d": UNKNOWN}),
        id="four steps are the default and a partner is the first",
    ),
    pytest.param(
        Case("p", ["p>a"], {"p": HONOURED, "a": UNKNOWN}, rules=Rules(depth=1)), id="depth 1 is partners alone"
    ),
    pytest.param(
        Case("p", ["p>a", "a>b"], {"a": LISTED, "b": UNKNOWN}, rules=Rules(depth=2)), id="depth 2 ends after one"
    ),
    pytest.param(
        Case("p", ["p>a", "a>b"], {"a": REACHED, "b": UNKNOWN}, unsigned="a"),
        id="who has not signed is reached and introduces nobody",
    ),
    pytest.param(
        Case("p", ["p>a", "p>b"], {"a": REACHED, "b": REACHED}, rules=Rules(vouches_listed=2)),
        id="one vouch is not two",
    ),
    pytest.param(
        Case("pq", ["p>a", "q>a"], {"a": HONOURED}, rules=Rules(vouches_listed=2)), id="two partners' vouches are two"
    ),
    pytest.param(
        Case("p", ["p>a", "p>a"], {"a": REACHED}, rules=Rules(vouches_listed=2)), id="saying it twice is one vouch"
    ),
    pytest.param(
        Case("p", ["p>a", "b>a"], {"a": REACHED, "b": UNKNOWN}, rules=Rules(vouches_listed=2)),
        id="the vouch of a stranger does not count",
    ),
    pytest.param(
        Case("p", ["p>a", "p>b", "b>a"], {"a": REACHED}, unsigned="b", rules=Rules(vouches_listed=2)),
        id="the vouch of one who is merely reached does not count",
    ),
    pytest.param(Case("pq", ["p>a", "q>a"], {"a": HONOURED}), id="two partners honour"),
    pytest.param(Case("p", ["p>a", "p>b", "b>a"], {"a": LISTED}), id="a listed node's vouch does not honour"),
    pytest.param(
        Case("p", ["p>a", "p>b", "a>x", "b>x"], {"a": HONOURED, "b": HONOURED, "x": LISTED}, by_hand="ab"),
        id="two honoured nodes reached through one partner are one vouch",
    ),
    pytest.param(
        Case("pq", ["p>a", "q>a", "p>b", "q>b", "a>x", "b>x"], {"a": HONOURED, "b": HONOURED, "x": HONOURED}),
        id="two honoured nodes that are reached through the same two partners are two vouches",
    ),
    pytest.param(
        Case("pqr", ["p>a", "q>a", "r>a", "a>x"], {"a": HONOURED, "x": LISTED}),
        id="one voucher is one vouch by however many ways it is reached",
    ),
    pytest.param(
        Case(
            "pqr",
            ["p>a", "q>a", "p>b", "r>b", "p>x", "a>x", "b>x"],
            {"x": HONOURED},
            rules=Rules(vouches_honoured=3),
            by_hand="ab",
        ),
        id="vouchers make room for each other until each has a first hop of its own",
    ),
    pytest.param(
        Case("pq", ["p>q", "q>p", "q>a", "q>b", "a>x", "b>x"], {"a": HONOURED, "x": LISTED}, by_hand="ab"),
        id="what stands behind one partner is not reached through another that endorses it",
    ),
    pytest.param(
        Case("p", ["me>a", "p>b", "a>x", "b>x"], {"x": HONOURED}, by_hand="ab"),
        id="whom I endorse myself is a first hop like a partner",
    ),
    pytest.param(Case("p", ["me>a", "p>a"], {"a": LISTED}), id="my own endorsement takes no part in honouring"),
    pytest.param(
        Case("pq", ["p>a", "a>b", "b>c", "q>c", "c>x", "q>x"], {"c": HONOURED, "x": HONOURED}, by_hand="bc"),
        id="a way as long as the depth makes a first hop",
    ),
    pytest.param(
        Case("pq", ["p>a", "a>b", "b>c", "c>d", "q>d", "d>x", "q>x"], {"d": HONOURED, "x": LISTED}, by_hand="cd"),
        id="a way longer than the depth makes none",
    ),
    pytest.param(
        Case("pqr", ["p>a", "r>a", "q>b", "r>b", "a>x", "b>x"], {"a": HONOURED, "b": HONOURED, "x": HONOURED}),
        id="two honoured nodes reached through two partners honour",
    ),
    pytest.param(
        Case("pqr", ["p>a", "q>a", "a>b", "r>b", "b>c", "q>c"], {"a": HONOURED, "b": HONOURED, "c": HONOURED}),
        id="who was honoured in one pass honours in the next",
    ),
    pytest.param(
        Case("pq", ["p>a", "q>a"], {"a": LISTED}, rules=Rules(vouches_honoured=3)), id="three are more than two"
    ),
    pytest.param(Case("p", ["p>a"], {"a": HONOURED}, by_hand="a"), id="by hand a listed node is honoured"),
    pytest.param(
        Case("p", ["p>a"], {"a": REACHED}, by_hand="a", unsigned="a"), id="by hand does not stand in for signing"
    ),
    pytest.param(Case("p", [], {"z": UNKNOWN}, by_hand="z"), id="by hand does not make anybody reached"),
    pytest.param(
        Case("pq", ["p>a", "p>b", "a>x", "q>x"], {"a": HONOURED, "x": HONOURED}, by_hand="a"),
        id="who is honoured by hand honours like everybody",
    ),
    pytest.param(
        Case("p", ["p>a", "a>b", "b>a", "b>p", "a>p"], {"p": HONOURED, "a": LISTED, "b": LISTED}),
        id="loops end",
    ),
    pytest.param(
        Case("p", ["p>a", "a>a"], {"a": REACHED}, rules=Rules(vouches_listed=2)), id="nobody vouches for itself"
    ),
    pytest.param(
        Case("p", ["p>a", "a>b", "b>c", "c>b"], {"b": REACHED, "c": UNKNOWN}, unsigned="b"),
        id="a ring behind one who has not signed lifts nobody",
    ),
    pytest.param(
        Case("p", ["p>a", "a>b", "b>c", "c>a", "c>b"], {"a": LISTED, "b": LISTED, "c": LISTED}),
        id="a ring behind one partner is listed and not honoured",
    ),
    pytest.param(
        Case("pq", ["p>a", "q>a"], {"a": UNKNOWN}, blocked="a"), id="a blocked node is nothing whoever endorses it"
    ),
    pytest.param(Case("pa", ["p>a"], {"a": UNKNOWN}, blocked="a"), id="a blocked partner is nothing"),
    pytest.param(
        Case("p", ["p>a", "a>b"], {"a": UNKNOWN, "b": UNKNOWN}, blocked="a"), id="a blocked node introduces nobody"
    ),
    pytest.param(Case("pq", ["p>a", "q>a"], {"a": LISTED}, blocked="q"), id="a blocked node's vouch does not honour"),
    pytest.param(Case("p", ["me>a"], {"a": LISTED}), id="my own endorsement lists and makes nobody a partner"),
    pytest.param(
        Case("p", ["p>a"], {"p": HONOURED, "a": UNKNOWN}, silent="p"),
        id="a silent partner stays one and introduces nobody",
    ),
    pytest.param(
        Case("p", ["p>a", "a>b"], {"a": LISTED, "b": UNKNOWN}, silent="a"),
        id="a silent node is listed by others and introduces nobody",
    ),
    pytest.param(
        Case("pq", ["p>a", "q>a"], {"a": REACHED}, silent="q", rules=Rules(vouches_listed=2)),
        id="a silent node's vouch does not list",
    ),
    pytest.param(Case("pq", ["p>a", "q>a"], {"a": LISTED}, silent="q"), id="a silent node's vouch does not honour"),
    pytest.param(
        Case("pqr", ["p>s", "r>s", "p>a", "s>b", "q>b", "a>x", "b>x"], {"x": HONOURED}, silent="s", by_hand="ab"),
        id="a way over a silent node is none but others are",
    ),
    pytest.param(Case("p", ["me>a"], {"a": LISTED}, silent="pa"), id="my own vouch counts for one who is silent"),
]


@pytest.mark.parametrize("case", CASES)
def test_standings_follow_the_rules(case: Case) -> None:
    known = case.known()
    assert {name: known[name].standing if name in known else UNKNOWN for name in case.expected} == case.expected


def test_the_path_is_the_shortest_and_tells_the_date_of_its_last_step() -> None:
    p, a, b = map(NodeId, "pab")
    endorsements = [Endorsement(p, a, "2026-01-01"), Endorsement(a, b, "2026-05-03"), Endorsement(b, a, "2026-02-02")]
    known = reach(ME, partners=[p], vouches=Vouches(endorsements), signatories={a, b}, rules=Rules())
    assert (known[b].path, known[b].since) == ((p, a, b), "2026-05-03")
    assert (known[a].path, known[a].since) == ((p, a), "2026-01-01")
    assert known[ME].path == ()


NAMES = "pqabcdef"
EDGES = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).map(lambda pair: Endorsement(*map(NodeId, pair)))
MINE = st.sampled_from(NAMES).map(lambda name: Endorsement(ME, NodeId(name)))
GRAPHS = st.lists(EDGES, max_size=24)
SIGNED = st.sets(st.sampled_from(NAMES)).map(lambda names: set(map(NodeId, names)))


def standings(
    endorsements: Sequence[Endorsement], signatories: Collection[NodeId], rules: Rules, *, blocked: str = ""
) -> dict[str, Standing]:
    known = reach(
        ME,
        partners=[NodeId("p"), NodeId("q")],
        vouches=Vouches(endorsements),
        signatories=signatories,
        rules=rules,
        blocked=frozenset(map(NodeId, blocked)),
    )
    return {name: known[NodeId(name)].standing if name in known else UNKNOWN for name in NAMES}


@settings(max_examples=300)
@given(
    GRAPHS, EDGES | MINE, SIGNED, st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.lists(MINE, max_size=4)
)
def test_one_more_endorsement_never_costs_anybody_anything(
    graph: list[Endorsement],
    more: Endorsement,
    signed: set[NodeId],
    depth: int,
    lists: int,
    honours: int,
    mine: list[Endorsement],
) -> None:
    rules = Rules(depth=depth, vouches_listed=lists, vouches_honoured=honours)
    graph = [*graph, *mine]
    before, after = standings(graph, signed, rules), standings([*graph, more], signed, rules)
    assert all(before[name] <= after[name] for name in NAMES)


@settings(max_examples=150)
@given(GRAPHS.flatmap(lambda graph: st.tuples(st.just(graph), st.permutations(graph))), SIGNED, st.integers(1, 3))
def test_the_order_of_endorsements_changes_no_standing(
    graphs: tuple[list[Endorsement], list[Endorsement]], signed: set[NodeId], needed: int
) -> None:
    first, second = graphs
    rules = Rules(vouches_listed=needed)
    assert standings(first, signed, rules) == standings(second, signed, rules)


@settings(max_examples=100)
@given(GRAPHS, SIGNED)
def test_blocking_is_as_if_the_node_had_never_been(graph: list[Endorsement], signed: set[NodeId]) -> None:
    without = [each for each in graph if "a" not in each[:2]]
    assert standings(graph, signed, Rules(), blocked="a") == standings(without, signed, Rules()) | {"a": UNKNOWN}


@settings(max_examples=100)
@given(GRAPHS, SIGNED)
def test_without_a_way_from_a_partner_nobody_is_known(graph: list[Endorsement], signed: set[NodeId]) -> None:
    strangers = [each for each in graph if each.by not in "pq"]
    found = standings(strangers, signed, Rules())
    assert all(found[name] is UNKNOWN for name in NAMES if name not in "pq")


def test_one_more_endorsement_of_a_voucher_does_not_cost_whom_it_vouches_for() -> None:
    signed = set(map(NodeId, "abx"))
    base = vouches("q>a", "r>a", "p>b", "r>b", "a>x", "b>x")
    assert _standing_of("x", base, signed, Rules()) is HONOURED
    assert _standing_of("x", [*base, *vouches("p>a")], signed, Rules()) is HONOURED


RING = "uvwxyz"
RINGS = st.lists(st.tuples(st.sampled_from("q" + RING), st.sampled_from("pq" + RING + "ab")), max_size=40)
HONEST = st.lists(st.tuples(st.sampled_from("pab"), st.sampled_from("pqab")), max_size=12)


@settings(max_examples=300)
@given(RINGS, HONEST, st.integers(1, 6), st.integers(2, 3))
def test_a_ring_behind_one_partner_is_never_honoured_whatever_its_shape(
    ring: list[tuple[str, str]], honest: list[tuple[str, str]], depth: int, needed: int
) -> None:
    graph = [Endorsement(NodeId(by), NodeId(of)) for by, of in (*ring, *honest)]
    known = reach(
        ME,
        partners=[NodeId("p"), NodeId("q")],
        vouches=Vouches(graph),
        signatories=set(map(NodeId, RING + "pqab")),
        rules=Rules(depth=depth, vouches_honoured=needed),
    )
    assert all(known[NodeId(name)].standing < HONOURED for name in RING if name in known)


@settings(max_examples=200)
@given(
    GRAPHS, st.sets(st.sampled_from("abcdef")), st.integers(1, 4), st.integers(1, 3), st.sets(st.sampled_from("pqabc"))
)
def test_honoured_is_who_a_search_through_all_ways_and_choices_finds(
    graph: list[Endorsement], own: set[str], depth: int, needed: int, silent: set[str]
) -> None:
    graph = [*graph, *(Endorsement(ME, NodeId(name)) for name in own)]
    known = reach(
        ME,
        partners=[NodeId("p"), NodeId("q")],
        vouches=Vouches(graph),
        signatories=set(map(NodeId, NAMES)),
        rules=Rules(depth=depth, vouches_honoured=needed),
        silent=silent,
    )
    said = {(each.by, each.of) for each in graph if each.by not in silent}
    listed = {name for name in NAMES if name in known and known[NodeId(name)].standing >= LISTED}
    first = {name for name in NAMES if name in "pq" or name in own & listed}
    hops = {name: {hop for hop in first if _way(hop, name, said, listed, depth)} for name in listed}
    found = {"p", "q"}
    while more := {
        name for name in listed - found if _choices([hops[by] for by in found if (by, name) in said]) >= needed
    }:
        found |= more
    assert {name for name in NAMES if name in known and known[NodeId(name)].standing is HONOURED} == found


def _way(hop: str, to: str, said: Collection[tuple[str, str]], listed: Collection[str], depth: int) -> bool:
    """Whether a way of at most `depth` steps, the first to `hop`, passes listed nodes and no other partner."""
    here = {hop}
    for _ in range(depth - 1):
        here |= {of for of in set(listed) - {"p", "q"} if any((by, of) in said for by in here)}
    return to in here


def _choices(hops: list[set[str]]) -> int:
    """How many can be given a different hop at most, by trying everything."""
    if not hops:
        return 0
    first, *others = hops
    return max([_choices(others), *(1 + _choices([each - {hop} for each in others]) for hop in first)])


def test_the_bound_on_introductions_counts_all_behind_a_first_hop_the_nearer_and_earlier_first() -> None:
    p, q, a = map(NodeId, "pqa")
    far = [Endorsement(a, NodeId(f"far{n}"), "2020-01-01", arrival=n) for n in range(5)]
    late = [Endorsement(p, NodeId(f"late{n}"), "2020-01-01", arrival=20 + n) for n in range(5)]
    early = [Endorsement(p, NodeId(f"early{n}"), "2026-01-01", arrival=10 + n) for n in range(2)]
    base = [Endorsement(p, a, arrival=9), *far, *late, *early, Endorsement(q, NodeId("late4"), arrival=90)]
    known = reach(
        ME,
        partners=[p, q],
        vouches=Vouches(base),
        signatories={a},
        rules=Rules(introductions=5),
    )
    assert set(known) - {ME, p, q, a} == {"early0", "early1", "late0", "late1", "late4"}
    assert known[NodeId("late4")].path == (q, "late4")
    more = reach(ME, partners=[p], vouches=Vouches(base), signatories={a}, rules=Rules(introductions=11))
    assert [name for name in more if name.startswith("far")] == ["far0", "far1", "far2"]


def test_among_equally_near_ways_the_endorsement_that_came_first_is_shown() -> None:
    p, q, a = map(NodeId, "pqa")
    graph = [Endorsement(p, a, "2020-01-01", arrival=7), Endorsement(q, a, "2026-01-01", arrival=3)]
    known = reach(ME, partners=[p, q], vouches=Vouches(graph), signatories={a}, rules=Rules())
    assert known[a].path == (q, a)


def _standing_of(name: str, endorsements: Sequence[Endorsement], signed: Collection[NodeId], rules: Rules) -> Standing:
    partners = [NodeId(each) for each in "pqr"]
    return reach(ME, partners=partners, vouches=Vouches(endorsements), signatories=signed, rules=rules)[
        NodeId(name)
    ].standing
