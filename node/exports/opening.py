"""Opening hours in OSM syntax as schema.org's OpeningHoursSpecification, where both can say exactly the same.

Rules:

- what is exact: rules of weekdays and times of a day, `Mo-Fr 09:00-12:00,13:00-17:00; Sa 10:00-14:00`, and `PH off`;
  no day in two rules, because OSM's later rule takes the place of the earlier, and schema.org's adds to it
- everything else (months, weeks, comments, sunset, over midnight) is None: the caller shows the text

    >>> specification("Sa 10:00-14:00")
    [{'@type': 'OpeningHoursSpecification', 'dayOfWeek': ['Saturday'], 'opens': '10:00', 'closes': '14:00'}]
    >>> specification("Jun-Aug Mo-Fr 09:00-15:00") is None
    True
"""

import re
from typing import Any

_DAYS = {
    "Mo": "Monday",
    "Tu": "Tuesday",
    "We": "Wednesday",
    "Th": "Thursday",
    "Fr": "Friday",
    "Sa": "Saturday",
    "Su": "Sunday",
}
_NAMES = tuple(_DAYS)
_DAY = "(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_RULE = re.compile(rf"({_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*) ({_TIME}-{_TIME}(?:,{_TIME}-{_TIME})*)")


def specification(hours: str) -> list[dict[str, Any]] | None:
    """The hours as schema.org's objects; None where they can't be told exactly."""
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    for rule in re.split(r"\s*;\s*", hours.strip().rstrip(";").strip()):
        if rule == "PH off":
            # Opening and closing at once is how schema.org says closed.
            days, times = ["PublicHolidays"], [("00:00", "00:00")]
        elif match := _RULE.fullmatch(rule):
            days = [day for part in match[1].split(",") for day in _range(part)]
            times = [(opens, closes) for opens, _, closes in (part.partition("-") for part in match[2].split(","))]
            if any(closes <= opens for opens, closes in times):
                return None
        else:
            return None
        if seen & set(days) or len(set(days)) != len(days):
            return None
        seen |= set(days)
        found += [
            {"@type": "OpeningHoursSpecification", "dayOfWeek": days, "opens": opens, "closes": closes}
            for opens, closes in times
        ]
    return found


def _range(part: str) -> list[str]:
    """`Fr-Mo` goes round the week's end."""
    first, _, last = part.partition("-")
    start, end = _NAMES.index(first), _NAMES.index(last or first)
    length = (end - start) % 7 + 1
    return [_DAYS[_NAMES[(start + step) % 7]] for step in range(length)]
