"""Whose address a request comes from, behind proxies or not; for rate limits alone, never for access. Pure.

Rules:

- X-Forwarded-For is read from its end, and only as far as trusted proxies wrote it: the client is the last hop that is
  not one of them. What stands before that, the client may have made up
- where a hop can't be read, the last one that could is the client: many then share a budget, and nobody escapes it
- an IPv6 client is its /64, because each has 2^64 addresses to ask from

    >>> client("10.0.0.1", ["6.6.6.6, 192.0.2.7"], (ip_network("10.0.0.0/8"),))
    '192.0.2.7'
    >>> client("2001:db8::1", [], ())
    '2001:db8::/64'
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

MOST_HOPS = 16


def client(peer: str | None, forwarded: Sequence[str], trusted: Iterable[Network]) -> str:
    """What names the client of a request in a budget.

    `peer`: the address at the other end of the connection; `forwarded`: the X-Forwarded-For headers in their order.
    """
    found = _read(peer or "")
    if found is None:
        return ""
    trusted = tuple(trusted)
    hops = ",".join(forwarded).split(",")[-MOST_HOPS:]
    while hops and any(found in network for network in trusted):
        hop = _read(hops.pop().strip())
        if hop is None:
            break
        found = hop
    return str(found) if found.version == 4 else str(ip_network((int(found), 64), strict=False))


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
