"""A look into the calendar that a venue's record names, before its host is asked.

Rules:

- the address is of this node's own record; https, on no machine of this node's own network (see `federation.outward`),
  no redirect followed, bounded in bytes and time
- what comes is read apart (see `free_busy`); of what is answered nothing is believed but times

    taken = await look(http, "https://calendar.park.example/busy.ics", "Europe/Tallinn", ("2027-06-02", "2027-06-03"))
    is_full(availability.opening(venue, "2027-06-02"), taken, "Europe/Tallinn")
"""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import aiohttp

from node import apart
from node.errors import Malformed, PeerError
from node.federation.outward import LeadsInside
from node.federation.wire import is_here
from node.roaming.free_busy import MOST_TIMES, SECONDS, Busy, Verdict

LARGEST = 1_000_000
"""Bytes of a calendar."""
FETCH_SECONDS = 10.0
READ_SECONDS = SECONDS + 10.0
"""On a machine that is busy with other things."""
READER = ("-m", "node.roaming.free_busy")
_OF_TIME = 32
"""Bytes of a busy time as the reader writes it."""


async def look(http: aiohttp.ClientSession, address: str, zone: str, days: tuple[str, str]) -> list[Busy]:
    """When a calendar is taken on these local days (the first and the last), in order.

    PeerError where it doesn't come as it should, Malformed where it can't be read in time.
    """
    if is_here(address):
        raise PeerError("its free_busy_url names this very machine, or its network: give an address outside")
    return await read(await fetch(http, address), zone, days)


async def fetch(http: aiohttp.ClientSession, address: str) -> bytes:
    """A calendar's bytes; PeerError where none comes as it should."""
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    try:
        # Compressed bytes would have to be unpacked with a bound of their own.
        told = {"Accept": "text/calendar", "Accept-Encoding": "identity"}
        async with http.get(address, allow_redirects=False, timeout=timeout, headers=told) as answer:
            if answer.status != 200 or answer.headers.get("Content-Encoding", "identity") != "identity":
                raise PeerError(f"it answered {answer.status}: check the venue's free_busy_url")
            data = bytearray()
            async for chunk in answer.content.iter_chunked(64 * 1024):
                data += chunk
                if len(data) > LARGEST:
                    raise PeerError(f"it has more than {LARGEST} bytes: give the address of a smaller one")
            return bytes(data)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, LeadsInside):
            raise PeerError(f"{error.os_error}: give a free_busy_url outside") from error
        raise PeerError("it didn't answer: check the venue's free_busy_url") from error


async def read(data: bytes, zone: str, days: tuple[str, str]) -> list[Busy]:
    """What `free_busy.busy` makes of a calendar, apart from this process; Malformed where it can't be read in time."""
    asked = json.dumps({"zone": zone, "days": list(days)}).encode() + b"\n"
    try:
        code, answer = await apart.run(READER, asked + data, most=_OF_TIME * MOST_TIMES, seconds=READ_SECONDS)
    except TimeoutError as error:
        raise Malformed("it takes too long to read: give the address of a VFREEBUSY, or of fewer entries") from error
    if code != Verdict.READ:
        raise Malformed("it can't be read, or takes too long: give the address of a VFREEBUSY, or of fewer entries")
    try:
        found = [(float(start), float(end)) for start, end in json.loads(answer)]
        return [(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)) for start, end in found]
    except (TypeError, ValueError, OverflowError, OSError, RecursionError) as error:
        raise Malformed("it was not read: try again") from error


def is_full(opening: list[tuple[datetime, datetime]], taken: list[Busy], zone: str) -> bool:
    """Whether nothing is left of the hours in which a venue is open on a day, by its own clock."""
    there = ZoneInfo(zone)
    for since, until in opening:
        free = since.replace(tzinfo=there).astimezone(UTC)
        end = until.replace(tzinfo=there).astimezone(UTC)
        for start, over in taken:
            if start <= free:
                free = max(free, over)
        if free < end:
            return False
    return bool(opening)
