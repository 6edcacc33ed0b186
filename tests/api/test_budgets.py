"""Budgets: what each may ask in a minute, counted in bounded memory, and whose address a request comes from."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.api.address import client
from node.api.budgets import Budget, Budgets


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def budgets(clock: Clock, reads: int = 3, *, most: int = 100) -> Budgets:
    return Budgets({Budget.READ: reads, Budget.SEARCH: 1}, clock, most=most)


def test_a_budget_is_spent_and_whole_again_after_a_minute() -> None:
    clock = Clock()
    spent = budgets(clock)
    assert [spent.spend(Budget.READ, "a").allowed for _ in range(5)] == [True, True, True, False, False]
    clock.time = 59.9
    assert not spent.spend(Budget.READ, "a").allowed
    clock.time = 60.0
    assert spent.spend(Budget.READ, "a").left == 2


def test_callers_and_budgets_are_counted_each_for_itself() -> None:
    spent = budgets(Clock())
    assert spent.spend(Budget.SEARCH, "a").allowed
    assert not spent.spend(Budget.SEARCH, "a").allowed
    assert spent.spend(Budget.SEARCH, "b").allowed
    assert spent.spend(Budget.READ, "a").left == 2


def test_the_headers_tell_what_is_left_and_when_to_go_on() -> None:
    clock = Clock()
    spent = budgets(clock, 1)
    first = spent.spend(Budget.READ, "a")
    assert first.headers() == {"RateLimit-Policy": '"reads";q=1;w=60', "RateLimit": '"reads";r=0;t=60'}
    clock.time = 20.5
    assert spent.spend(Budget.READ, "a").headers() == {
        "RateLimit-Policy": '"reads";q=1;w=60',
        "RateLimit": '"reads";r=0;t=40',
        "Retry-After": "40",
    }


def test_a_crowd_is_counted_in_bounded_memory_and_lets_nobody_who_goes_on_asking_escape() -> None:
    spent = budgets(Clock(), 3, most=10)
    refused = 0
    for number in range(10_000):
        spent.spend(Budget.READ, f"crowd {number}")
        refused += not spent.spend(Budget.READ, "greedy").allowed
    assert refused == 9_997
    assert len(spent._counts._windows) == 20


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 100)), max_size=60), st.integers(1, 5))
def test_nobody_gets_more_than_the_budget_from_any_first_request_on(asked: list[tuple[str, float]], most: int) -> None:
    clock = Clock()
    spent = budgets(clock, most)
    begun: dict[str, float] = {}
    counts: dict[str, int] = {}
    for who, pause in asked:
        clock.time += pause
        if who not in begun or clock.time >= begun[who] + 60:
            begun[who], counts[who] = clock.time, 0
        counts[who] += 1
        found = spent.spend(Budget.READ, who)
        assert found.allowed == (counts[who] <= most)
        assert found.left == max(0, most - counts[who])
        assert 1 <= found.resets <= 60


TRUSTED = ("127.0.0.1/32", "10.0.0.0/8", "::1/128")

CLIENTS = {
    "a client without a proxy": ("192.0.2.7", [], "192.0.2.7"),
    "a client that claims to be another": ("192.0.2.7", ["6.6.6.6"], "192.0.2.7"),
    "one behind a trusted proxy": ("127.0.0.1", ["192.0.2.7"], "192.0.2.7"),
    "one behind two of them": ("127.0.0.1", ["192.0.2.7, 10.1.2.3"], "192.0.2.7"),
    "one that made up what stands before": ("127.0.0.1", ["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
    "one that sent a header of its own": ("127.0.0.1", ["6.6.6.6", "192.0.2.7"], "192.0.2.7"),
    "one that claims to be a proxy": ("127.0.0.1", ["6.6.6.6, 10.0.0.9, 192.0.2.7"], "192.0.2.7"),
    "the proxy itself": ("127.0.0.1", [], "127.0.0.1"),
    "the proxy where nobody can be read": ("127.0.0.1", ["unknown"], "127.0.0.1"),
    "the nearest proxy that could be read": ("127.0.0.1", ["6.6.6.6, _hidden, 10.0.0.9"], "10.0.0.9"),
    "one of very many hops": ("127.0.0.1", ["6.6.6.6, " + ", ".join(["10.0.0.9"] * 99)], "10.0.0.9"),
    "an IPv6 network": ("2001:db8:1:2:3::4", [], "2001:db8:1:2::/64"),
    "an IPv6 network behind a proxy": ("::1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
    "an IPv4 client that is written as IPv6": ("::ffff:192.0.2.7", [], "192.0.2.7"),
    "a trusted proxy that is written as IPv6": ("::ffff:10.0.0.9", ["192.0.2.7"], "192.0.2.7"),
    "one with a zone": ("fe80::1%eth0", [], "fe80::/64"),
    "nobody with an address": (None, ["192.0.2.7"], ""),
}


@pytest.mark.parametrize("who", CLIENTS)
def test_the_client_is(who: str) -> None:
    peer, forwarded, expected = CLIENTS[who]
    assert client(peer, forwarded, tuple(map(ip_network, TRUSTED))) == expected


@given(st.ip_addresses(), st.lists(st.text(max_size=40), max_size=5))
def test_whatever_a_client_writes_without_a_proxy_changes_nothing(peer: object, forwarded: list[str]) -> None:
    assert client(str(peer), forwarded, ()) == client(str(peer), [], ())
