"""Every way to a node, and what is lost without one."""

from node.protocol.names import NodeId
from node.trust.explain import MOST_WAYS, Lost, Step, Told, lost, ways
from node.trust.reach import Known, Rules, reach
from node.trust.vouches import Endorsement, Vouches

ME, P, Q, A, B, X = map(NodeId, ("me", "p", "q", "a", "b", "x"))
SIGNED = {P, Q, A, B, X}
GRAPH = [
    Endorsement(ME, P, "2026-01-01", "video", arrival=1),
    Endorsement(P, A, "2026-02-02", "phone", arrival=2),
    Endorsement(Q, B, "2026-03-03", "in_person", arrival=3),
    Endorsement(A, X, "2026-04-04", "phone", arrival=4),
    Endorsement(B, X, "2026-05-05", "video", arrival=5),
    Endorsement(Q, X, "2026-06-06", "other", arrival=6),
]


def known(graph: list[Endorsement], *, partners: tuple[NodeId, ...] = (P, Q), **others: object) -> dict[NodeId, Known]:
    return reach(ME, partners=partners, vouches=Vouches(graph), signatories=SIGNED, rules=Rules(), **others)  # type: ignore[arg-type]


def told(graph: list[Endorsement]) -> Told:
    said = {(each.by, each.of): each for each in graph}
    return lambda by, of: said.get((by, of))


def test_all_ways_are_told_with_dates_and_methods_the_shortest_first_then_the_first_that_came() -> None:
    found = ways(ME, X, Vouches(GRAPH), known(GRAPH), told(GRAPH), depth=4)
    assert [way.steps for way in found] == [
        (Step(Q), Step(X, "2026-06-06", "other")),
        (Step(P, "2026-01-01", "video"), Step(A, "2026-02-02", "phone"), Step(X, "2026-04-04", "phone")),
        (Step(Q), Step(B, "2026-03-03", "in_person"), Step(X, "2026-05-05", "video")),
    ]
    assert [way.honours for way in found] == [True, False, False]


def test_a_vouch_that_does_not_count_is_no_way() -> None:
    crowd = [*GRAPH, Endorsement(NodeId("stranger"), X, "2026-01-01")]
    assert len(ways(ME, X, Vouches(crowd), known(crowd), told(crowd), depth=4)) == 3
    assert len(ways(ME, X, Vouches(GRAPH), known(GRAPH, silent={A}), told(GRAPH), depth=4, silent={A})) == 2
    assert len(ways(ME, X, Vouches(GRAPH), known(GRAPH, blocked={A}), told(GRAPH), depth=4)) == 2
    assert [len(way.steps) for way in ways(ME, X, Vouches(GRAPH), known(GRAPH), told(GRAPH), depth=2)] == [2]


def test_no_way_to_a_node_leads_through_it() -> None:
    graph = [Endorsement(P, A, arrival=1), Endorsement(A, P, arrival=2), Endorsement(A, X), Endorsement(X, A)]
    assert ways(ME, P, Vouches(graph), known(graph), told(graph), depth=4) == []
    [way] = ways(ME, A, Vouches(graph), known(graph), told(graph), depth=4)
    assert [step.node for step in way.steps] == [P, A]


def test_of_many_ways_the_shortest_are_told() -> None:
    crowd = [NodeId(f"v{number}") for number in range(50)]
    graph = [Endorsement(P, node, arrival=n) for n, node in enumerate(crowd)]
    graph += [Endorsement(node, X, arrival=100 + n) for n, node in enumerate(crowd)]
    found = reach(ME, partners=[P], vouches=Vouches(graph), signatories=set(crowd), rules=Rules())
    shown = ways(ME, X, Vouches(graph), found, told(graph), depth=4)
    assert [way.steps[-2].node for way in shown] == crowd[:MOST_WAYS]


def test_an_unknown_node_has_no_way() -> None:
    assert ways(ME, NodeId("z"), Vouches(GRAPH), known(GRAPH), told(GRAPH), depth=4) == []


def test_what_is_lost_is_told_by_how_much_is_lost() -> None:
    graph = [*GRAPH, Endorsement(P, B, "2026-01-01", arrival=9)]
    before = known(graph)
    assert lost(before, known(graph, blocked={Q}), {Q}) == Lost(unreachable=(), unlisted=(), unhonoured=(B, X))
    assert lost(before, known(graph, blocked={P}), {P}) == Lost(unreachable=(A,), unlisted=(), unhonoured=(B, X))
    assert lost(before, before, {Q}) == Lost((), (), ())


def test_who_keeps_too_few_vouches_is_listed_no_more() -> None:
    rules, graph = Rules(vouches_listed=2), [Endorsement(P, A), Endorsement(Q, A)]
    both = reach(ME, partners=[P, Q], vouches=Vouches(graph), signatories=SIGNED, rules=rules)
    one = reach(ME, partners=[P], vouches=Vouches(graph), signatories=SIGNED, rules=rules, blocked={Q})
    assert lost(both, one, {Q}) == Lost(unreachable=(), unlisted=(A,), unhonoured=())
