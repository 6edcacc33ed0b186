"""Where calls to addresses that others have told lead: outside, whatever a name is resolved to."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from node.errors import PeerError
from node.federation import client, outward
from node.federation.outward import LeadsInside, Outward
from node.federation.wire import is_outside
from node.roaming.venue_calendar import fetch
from node.storage import authors, partners
from node.storage.database import Database
from tests.directory.small_node import signatory

INSIDE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1",
)  # fmt: skip
OUTSIDE = ("9.9.9.9", "193.40.5.73", "2a00:1450:4026::1", "::ffff:9.9.9.9", "64:ff9b::909:909")


@pytest.mark.parametrize("address", [*INSIDE, *OUTSIDE])
def test_an_address_is_outside_or_not(address: str) -> None:
    assert is_outside(address) is (address in OUTSIDE)


class Names(AbstractResolver):
    """Names and their addresses, as somebody's name server has them."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in self.addresses
        ]

    async def close(self) -> None:
        pass


async def nobody(host: str) -> bool:
    del host
    return False


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside_is_not_resolved(address: str) -> None:
    with pytest.raises(LeadsInside):
        await Outward(nobody, Names(address)).resolve("calendar.park.example")


async def test_of_a_name_that_leads_to_both_only_what_is_outside_is_called() -> None:
    found = await Outward(nobody, Names("10.0.0.1", "9.9.9.9", "127.0.0.1")).resolve("calendar.park.example", 443)
    assert [(each["host"], each["port"]) for each in found] == [("9.9.9.9", 443)]


@pytest.fixture
async def listening() -> AsyncIterator[tuple[int, list[int]]]:
    """A port on this machine, and who called there."""
    calls: list[int] = []

    async def called(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(1)
        writer.close()

    server = await asyncio.start_server(called, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], calls
    server.close()
    await server.wait_closed()


async def test_a_calendar_whose_name_leads_to_this_machine_is_not_called(listening: tuple[int, list[int]]) -> None:
    port, calls = listening
    address = f"https://calendar.park.example:{port}/busy.ics"
    async with client.session(client.connector(Outward(nobody, Names("127.0.0.1")))) as http:
        with pytest.raises(PeerError, match="own network: give a free_busy_url outside"):
            await fetch(http, address)
    assert calls == []
    # It is the resolver that keeps the call in.
    async with client.session(client.connector(Names("127.0.0.1"))) as http:
        with pytest.raises(PeerError, match="didn't answer"):
            await fetch(http, address)
    assert calls == [1]


AT_HOME = {
    "a node that is reached outside": ("https://node.park.example", "calendar.park.example", False),
    "a node that can't be reached": ("", "calendar.park.example", False),
    "a rehearsal on this machine": ("http://127.0.0.1:8470", "calendar.park.example", True),
    "a rehearsal in a private network": ("https://10.0.0.7", "calendar.park.example", True),
    "the name of a partner": ("https://node.park.example", "lund.example", True),
    "a name that only ends like it": ("https://node.park.example", "not-lund.example", False),
}


@pytest.mark.parametrize("what", AT_HOME)
async def test_who_may_be_called_inside_for(
    what: str, tmp_path: Path, listening: tuple[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    own_url, host, allowed = AT_HOME[what]
    port, calls = listening
    store, lund = Database(tmp_path / "node.db"), signatory("lund")
    store.write_now(lambda db: authors.introduce(db, lund.card))
    store.write_now(lambda db: partners.add(db, lund.id, "https://lund.example/node", 0))
    monkeypatch.setattr(outward, "DefaultResolver", lambda: Names("127.0.0.1"))
    async with outward.session(store, own_url) as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(f"https://{host}:{port}/")
    store.close()
    assert bool(calls) is allowed
