"""Whether a venue can take a visit: its notice, its hours, its room. Pure: the venue's record and `now` come in.

Rules:

- the venue's own clock counts. A visit begins at its arrival, or when the venue opens on the first day
- the first and the last day are open ones; those between needn't be: who stays over a weekend is no trouble
- where the hours can't be read, nobody is kept out by them: the host sees the request anyhow
- `hindrance` is one sentence for the guest, which says what to ask for instead
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from opening_hours import State as Opening

from node.directory.search.hours import read
from node.protocol.names import format_time
from node.roaming.request import Request
from node.roaming.visit import Days
from node.sentence import Sentence, said

FARTHEST_DAYS = 366
"""Days ahead for which a visit can be asked."""
_DAY = timedelta(days=1)


def hindrance(
    venue: Mapping[str, Any], request: Request, now: float, *, taken: Callable[[str], int] = lambda _: 0
) -> Sentence | None:
    """Why the venue, whose record's body this is, can't take the visit; None where nothing is in the way.

    `taken`: how many people are expected on a local day already; only the host knows.
    """
    days, zone = request.period, ZoneInfo(venue["time_zone"])
    here, city, hours = datetime.fromtimestamp(now, zone), venue["city"], venue["hours"]
    if date.fromisoformat(days.first) < here.date():
        return said(
            "{when} is over there: it is {now} in {city}", when=days.first, now=f"{here:%Y-%m-%d %H:%M}", city=city
        )
    if date.fromisoformat(days.last) > here.date() + FARTHEST_DAYS * _DAY:
        return said("{day} is too far away: ask for days within a year", day=days.last)
    for day in dict.fromkeys(days):
        if opening(venue, day) == []:
            return said("it is closed on {day}: its hours are {hours}", day=day, hours=hours)
    if request.arrival and not _open_then(venue, days.first, request.arrival):
        return said(
            "it is closed on {day} at {time}: its hours are {hours}", day=days.first, time=request.arrival, hours=hours
        )
    start, notice = begins(venue, days, request.arrival), venue["terms"]["notice_hours"]
    if request.arrival and start < now:
        when = f"{days.first} {request.arrival}"
        return said("{when} is over there: it is {now} in {city}", when=when, now=f"{here:%Y-%m-%d %H:%M}", city=city)
    # Who names no time may come at once, where the venue is open already.
    if notice and start < now + notice * 3600:
        return said(
            "it wants to be asked {hours} hours ahead, and that is from {time} on: take later days",
            hours=notice,
            time=format_time(start),
        )
    room, people = venue.get("capacity"), len(request.people)
    if room is not None:
        for day in each_day(days):
            if (left := max(room - taken(day), 0)) < people:
                return said(
                    "it has room for {left} more on {day}, and you are {people}: take other days, or fewer people",
                    left=left,
                    day=day,
                    people=people,
                )
    return None


def unasked_days(venue: Mapping[str, Any]) -> int:
    """For how many days guests may come without having asked: those that are free, where no notice is wanted."""
    free_days: int = venue["terms"]["free_days"]
    return 0 if venue["terms"]["notice_hours"] else free_days


def within(venue: Mapping[str, Any], now: float) -> Days:
    """The first and the last day, by the venue's own calendar, for which it can be asked at `now`."""
    zone, notice = ZoneInfo(venue["time_zone"]), venue["terms"]["notice_hours"]
    first = datetime.fromtimestamp(now + notice * 3600, zone).date()
    last = datetime.fromtimestamp(now, zone).date() + FARTHEST_DAYS * _DAY
    return Days(first.isoformat(), last.isoformat())


def begins(venue: Mapping[str, Any], days: Days, arrival: str | None) -> float:
    """The moment at which a visit begins, in seconds: at its arrival, or when the venue opens."""
    hours = opening(venue, days.first)
    clock = f"{days.first}T{arrival}" if arrival else hours[0][0].isoformat() if hours else f"{days.first}T00:00"
    return datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(venue["time_zone"])).timestamp()


def too_far(zone: str, days: Days, now: float) -> bool:
    """Whether no visit can be about these days yet, whatever its venue says.

    What names people is kept until some time after a visit's last day, so nobody may choose that day freely.
    """
    return starts(zone, days) > now + (FARTHEST_DAYS + 1) * _DAY.total_seconds()


def starts(zone: str, days: Days) -> float:
    """The moment at which the first day begins there."""
    return datetime.fromisoformat(days.first).replace(tzinfo=ZoneInfo(zone)).timestamp()


def ends(zone: str, days: Days) -> float:
    """The moment at which the last day is over there."""
    return (datetime.fromisoformat(days.last) + _DAY).replace(tzinfo=ZoneInfo(zone)).timestamp()


def each_day(days: Days) -> list[str]:
    first, last = date.fromisoformat(days.first), date.fromisoformat(days.last)
    return [(first + number * _DAY).isoformat() for number in range((last - first).days + 1)]


def opening(venue: Mapping[str, Any], day: str) -> list[tuple[datetime, datetime]] | None:
    """When the venue is open on a local day, by its own clock; None where its hours can't be read."""
    hours = read(venue["hours"], venue["country"])
    if hours is None:
        return None
    start = datetime.fromisoformat(day)
    found = hours.intervals(start, start + _DAY)
    return [(max(since, start), min(until, start + _DAY)) for since, until, state, _ in found if state == Opening.OPEN]


def _open_then(venue: Mapping[str, Any], day: str, time: str) -> bool:
    then, hours = datetime.fromisoformat(f"{day}T{time}"), opening(venue, day)
    return hours is None or any(since <= then < until for since, until in hours)
