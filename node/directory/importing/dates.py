"""Cells about when: days, local times, moments.

Rules: ISO is taken as it is, `2.6.2027 9:00` too (with points, everybody puts the day first). With slashes the world is
divided, so they are asked about. Whether the day is in the calendar, the kind says.

    >>> day("2.6.2027"), local_time("2027-06-02 9:00"), moment("2027-06-02 09:00Z")
    ('2027-06-02', '2027-06-02T09:00', '2027-06-02T09:00:00Z')
"""

import re

from node.directory.importing.outcome import Unreadable
from node.kinds.body import quoted

_DAY = re.compile(
    r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})|(?P<d2>[0-9]{1,2})\.\s?(?P<m2>[0-9]{1,2})\.\s?(?P<y2>[0-9]{4})"
)
_CLOCK = re.compile(r"(?P<h>[0-9]{1,2})[:.](?P<min>[0-9]{2})(?P<sec>:[0-9]{2}(?:\.0+)?)?")


def day(text: str) -> str:
    # A spreadsheet adds a midnight to a day that was typed without a time.
    return _day(re.sub(r"[T ]+0?0:00(?::00(?:\.0+)?)?$", "", text), text, "2027-06-02")


def day_or_moment(text: str) -> str:
    return moment(text) if text.endswith("Z") else day(text)


def local_time(text: str) -> str:
    date, _, clock = text.replace("T", " ").partition(" ") if " " not in text else text.rpartition(" ")
    match = _CLOCK.fullmatch(clock.strip())
    if not match or match["sec"] not in (None, ":00", ":00.0", ":00.000"):
        raise Unreadable(f"{quoted(text)} is not a local time: write it like 2027-06-02T09:00")
    return f"{_day(date.strip(), text, '2027-06-02T09:00')}T{int(match['h']):02}:{match['min']}"


def moment(text: str) -> str:
    if not text.endswith("Z"):
        raise Unreadable(f"{quoted(text)} is not a moment in UTC: write it like 2027-06-02T09:00:00Z")
    date, _, clock = text[:-1].replace("T", " ").partition(" ")
    match = _CLOCK.fullmatch(clock.strip())
    if not match:
        raise Unreadable(f"{quoted(text)} is not a moment in UTC: write it like 2027-06-02T09:00:00Z")
    return (
        f"{_day(date, text, '2027-06-02T09:00:00Z')}T{int(match['h']):02}:{match['min']}{(match['sec'] or ':00')[:3]}Z"
    )


def _day(date: str, text: str, example: str) -> str:
    if match := _DAY.fullmatch(date):
        year, month, number = (match["y"] or match["y2"], match["m"] or match["m2"], match["d"] or match["d2"])
        return f"{year}-{int(month):02}-{int(number):02}"
    if match := re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", date):
        first, second, year = int(match[1]), int(match[2]), match[3]
        ways = {f"{year}-{month:02}-{number:02}" for month, number in ((second, first), (first, second)) if month <= 12}
        how = "can be read in two ways" if len(ways) == 2 else "is not a day as written here"
        raise Unreadable(f"{quoted(text)} {how}: write {' or '.join(sorted(ways)) or example}")
    raise Unreadable(f"{quoted(text)} is not a day: write it like {example}")
