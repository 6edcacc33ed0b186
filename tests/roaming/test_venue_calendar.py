"""A venue's own calendar: how its busy times are read, by whose clock, and what is too much of it."""

import asyncio
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from node.errors import Malformed, PeerError
from node.roaming import free_busy, venue_calendar
from node.roaming.availability import opening
from node.roaming.free_busy import busy
from node.roaming.venue_calendar import fetch, is_full, read
from tests.nodes import free_port
from tests.roaming.parks import post, venue_body, weekday
from tests.roaming.test_letters import Reception, desk

__all__ = ["desk"]


def file(*entries: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *entries, "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


def event(*lines: str, uid: str = "1") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def times(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VFREEBUSY", "UID:1", "DTSTAMP:20260101T000000Z", *lines, "END:VFREEBUSY"])


BUSY = {
    "an event at the place's own time": (event("DTSTART:20270602T090000", "DTEND:20270602T170000"), True),
    "one in UTC": (event("DTSTART:20270602T060000Z", "DTEND:20270602T140000Z"), True),
    "one that lasts some days": (event("DTSTART;VALUE=DATE:20270601", "DTEND;VALUE=DATE:20270604"), True),
    "one by its duration": (event("DTSTART:20270602T090000", "DURATION:PT8H"), True),
    "half a day": (event("DTSTART:20270602T090000", "DTEND:20270602T130000"), False),
    "a cancelled one": (event("DTSTART:20270602T090000", "DTEND:20270602T170000", "STATUS:CANCELLED"), False),
    "one that takes no time": (event("DTSTART:20270602T090000", "DTEND:20270602T170000", "TRANSP:TRANSPARENT"), False),
    "one of the day before": (event("DTSTART:20270601T090000", "DTEND:20270601T170000"), False),
    "busy times": (times("FREEBUSY;FBTYPE=BUSY:20270602T060000Z/20270602T100000Z,20270602T100000Z/PT4H"), True),
    "busy times without a type": (times("FREEBUSY:20270602T060000Z/PT8H"), True),
    "free times": (times("FREEBUSY;FBTYPE=FREE:20270602T060000Z/PT8H"), False),
}


@pytest.mark.parametrize("what", BUSY)
def test_a_day_is_full_by(what: str) -> None:
    text, full = BUSY[what]
    taken = busy(file(text), "Europe/Tallinn", ("2027-06-02", "2027-06-02"))
    hours = opening(venue_body(), "2027-06-02")
    assert hours and is_full(hours, taken, "Europe/Tallinn") is full


PARIS = "TZID=Europe/Paris"
OWN_ZONE = [
    "BEGIN:VTIMEZONE", "TZID:Somewhere", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0500",
    "TZOFFSETTO:+0500", "END:STANDARD", "END:VTIMEZONE",
]  # fmt: skip
WEEKLY = ("DTSTART:20260107T090000", "DTEND:20260107T100000")
# Tallinn is two hours ahead in winter and three in summer; clocks are set on 28 March 2027.
REPEATED: dict[str, tuple[list[str], str, list[str]]] = {
    "every week": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY")], "2027-06-02", ["06:00-07:00"]),
    "every week of another weekday": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY;BYDAY=TH")], "2027-06-02", []),
    "until before": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY;UNTIL=20270602T055959Z")], "2027-06-02", []),
    "until then": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY;UNTIL=20270602T060000Z")], "2027-06-02", ["06:00-07:00"]),
    "until that day": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY;UNTIL=20270602")], "2027-06-02", ["06:00-07:00"]),
    "so many times": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=74")], "2027-06-02", ["06:00-07:00"]),
    "once too few": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=73")], "2027-06-02", []),
    "by its own clock before clocks are set": (
        [event(f"DTSTART;{PARIS}:20270101T090000", f"DTEND;{PARIS}:20270101T100000", "RRULE:FREQ=DAILY")],
        "2027-03-27", ["08:00-09:00"],
    ),
    "and after": (
        [event(f"DTSTART;{PARIS}:20270101T090000", f"DTEND;{PARIS}:20270101T100000", "RRULE:FREQ=DAILY")],
        "2027-03-28", ["07:00-08:00"],
    ),
    "in UTC also after": (
        [event("DTSTART:20270101T090000Z", "DTEND:20270101T100000Z", "RRULE:FREQ=DAILY")],
        "2027-03-28", ["09:00-10:00"],
    ),
    "by a zone that it brings itself": (
        [*OWN_ZONE, event("DTSTART;TZID=Somewhere:20270101T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY")],
        "2027-06-02", ["04:00-05:00"],
    ),
    "a whole day, which is an hour shorter then": (
        [event("DTSTART;VALUE=DATE:20270103", "DTEND;VALUE=DATE:20270104", "RRULE:FREQ=WEEKLY")],
        "2027-03-28", ["22:00-21:00"],
    ),
    "over midnight": (
        [event("DTSTART:20270101T220000", "DURATION:PT4H", "RRULE:FREQ=DAILY")],
        "2027-06-02", ["21:00-23:00", "19:00-21:00"],
    ),
    "all but that day": ([event(*WEEKLY, "RRULE:FREQ=WEEKLY", "EXDATE:20270602T090000")], "2027-06-02", []),
    "that day, too": ([event(*WEEKLY, "RDATE:20270602T110000")], "2027-06-02", ["08:00-09:00"]),
    "moved within the day": (
        [
            event(*WEEKLY, "RRULE:FREQ=WEEKLY"),
            event("RECURRENCE-ID:20270602T090000", "DTSTART:20270602T150000", "DTEND:20270602T160000"),
        ],
        "2027-06-02", ["12:00-13:00"],
    ),
    "cancelled that day": (
        [
            event(*WEEKLY, "RRULE:FREQ=WEEKLY"),
            event("RECURRENCE-ID:20270602T090000", *WEEKLY, "STATUS:CANCELLED"),
        ],
        "2027-06-02", [],
    ),
    "cancelled that day of another's": (
        [
            event(*WEEKLY, "RRULE:FREQ=WEEKLY"),
            event("RECURRENCE-ID:20270602T090000", *WEEKLY, "STATUS:CANCELLED", uid="2"),
        ],
        "2027-06-02", ["06:00-07:00"],
    ),
    "two that overlap": (
        [event("DTSTART:20270602T090000", "DURATION:PT2H"), event("DTSTART:20270602T100000", "DURATION:PT2H", uid="2")],
        "2027-06-02", ["06:00-09:00"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REPEATED)
def test_what_repeats_is_busy_when_it_takes_place(what: str) -> None:
    entries, day, expected = REPEATED[what]
    found = busy(file(*entries), "Europe/Tallinn", (day, day))
    assert [f"{start:%H:%M}-{end:%H:%M}" for start, end in found] == expected


async def test_a_rule_that_never_comes_to_a_day_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_calendar, "READ_SECONDS", 2.0)
    days = ("2027-06-02", "2027-06-02")
    endless = file(event(*WEEKLY, "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"))
    with pytest.raises(Malformed, match="takes too long"):
        await asyncio.wait_for(read(endless, "Europe/Tallinn", days), 20)
    known = await read(file(event(*WEEKLY, "RRULE:FREQ=WEEKLY")), "Europe/Tallinn", days)
    assert known == [(datetime(2027, 6, 2, 6, tzinfo=UTC), datetime(2027, 6, 2, 7, tzinfo=UTC))]


ANSWERS = {
    "nothing": "",
    "no list": "print(1)",
    "no numbers": "print('[[{}, 1]]')",
    "a time that there isn't": "print('[[1e300, 1]]')",
    "more than it may": "print('[' * 10_000_000)",
    "a failure": "print('[]'); sys.exit(1)",
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_a_reader_that_was_broken_is_not_believed(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_calendar, "READER", ("-c", f"import sys; sys.stdin.buffer.read(); {ANSWERS[what]}"))
    with pytest.raises(Malformed):
        await read(file(), "Europe/Tallinn", ("2027-06-02", "2027-06-02"))


BROKEN = {
    "no calendar": b"<html>",
    "nothing": b"",
    "a calendar cut short": file(event("DTSTART:20270602T090000"))[:80],
    "no date": file(event("DTSTART:tomorrow")),
    "an end before the start, and a duration": file(event("DTSTART:20270602T090000", "DTEND:1", "DURATION:-PT1H")),
    "bytes": bytes(range(256)),
    "too many entries": file(*[event("DTSTART:20270602T090000")] * (free_busy.MOST_ENTRIES + 1)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_calendar_is_refused_with(what: str) -> None:
    try:
        assert busy(BROKEN[what], "Europe/Tallinn", ("2027-06-02", "2027-06-02")) == []
    except Malformed:
        pass
    else:
        assert what in ("a calendar cut short", "no date", "an end before the start, and a duration"), what


async def answering(body: bytes, status: int = 200, **headers: str) -> tuple[web.AppRunner, str]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=headers)

    app = web.Application()
    app.router.add_get("/busy.ics", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, f"http://127.0.0.1:{port}/busy.ics"


FETCHED: dict[str, tuple[bytes, int, dict[str, str]]] = {
    "no such file": (b"", 404, {}),
    "more bytes than it may have": (b" " * (venue_calendar.LARGEST + 1), 200, {}),
    "packed bytes": (b"x", 200, {"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("what", FETCHED)
async def test_a_calendar_isnt_taken_from(what: str) -> None:
    body, status, headers = FETCHED[what]
    runner, address = await answering(body, status, **headers)
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        with pytest.raises(PeerError):
            await fetch(http, address)
    await runner.cleanup()


async def test_a_calendar_isnt_looked_for_where_its_address_leads_to() -> None:
    inside, secret = await answering(file())
    runner, address = await answering(b"", 302, Location=secret)
    async with aiohttp.ClientSession() as http:
        assert await fetch(http, secret) == file()
        with pytest.raises(PeerError, match="302"):
            await fetch(http, address)
    for each in (inside, runner):
        await each.cleanup()


async def test_a_day_that_the_hosts_own_calendar_says_is_full_is_declined_by_its_node(
    desk: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = weekday().replace("-", "")
    runner, address = await answering(file(event(f"DTSTART:{day}T080000", f"DTEND:{day}T180000")))
    real = venue_calendar.fetch
    # A record takes https addresses alone; all but the way to it is as it is.
    monkeypatch.setattr(venue_calendar, "fetch", lambda http, _: real(http, address))
    from node.directory.draft import Change

    busy = venue_body(free_busy_url="https://calendar.example/busy.ics")
    await desk.host.publish(Change("venue", busy, id="desk"))
    full, free = await desk.asked(), await desk.asked(days=[weekday(3), weekday(3)])
    await desk.mailing.send_due()
    await post(desk.guest, desk.host)
    shown = await desk.guest.visits.show(full)
    assert (shown["state"], f"full on {weekday()}" in shown["moves"][-1]["note"]) == ("declined", True)
    assert await desk.host.state(free) == "asked"
    assert len(desk.mail.letters) == 1
    await runner.cleanup()
