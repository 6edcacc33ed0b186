"""The calendar: what is on in a month, as weeks or as a list, and the addresses to subscribe to it.

Rules:

- an event stands on its days by its own clock; where the visitor's shows another time, that stands beside it
- the address says what is shown, as that of a search does; what is cancelled stays, and says so
- of more than `MOST` events of a month the first are shown, and the page says so
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache, partial
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from node.api.access import Budget
from node.api.endpoint import Query
from node.directory.search import Question
from node.errors import InputError
from node.kinds.event import OpenTo
from node.kinds.fields import Zone, zones
from node.web import asking, month
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View
from node.web.pages.feeds import feed_address
from node.web.pages.search import with_venues
from node.web.words import called

MOST = 500
"""Events of a month that are shown."""
FEED = "event.ics"
_CIRCLES: tuple[str, ...] = get_args(get_args(OpenTo)[0])
_OTHERS = ("kind", "type", "category", "facilities", "open_at", "from_", "until", "sort", "after", "facets", "explain")
"""What a question may say that a calendar says itself, or that no event has."""


def _month(text: str) -> str:
    month.parse(text)
    return text


class CalendarQuery(Query):
    """What of the calendar is shown, beside what a question says."""

    month: Annotated[str, AfterValidator(_month)] | None = Field(None, description="a month such as 2027-06")
    view: Literal["month", "agenda"] = Field("month", description="month or agenda")
    zone: Zone | Literal["none"] | None = Field(None, description="your own time zone, such as Europe/Tallinn, or none")
    open_to: OpenTo | None = None


class CalendarPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/calendar", show=self._show, budget=Budget.SEARCH)]

    async def _show(self, asked: Asked) -> Answer:
        asked = replace(asked, form=dict(asked.request.query))
        choices = {"zones": _zones(), "circles": [(each, called(asked.language, each, "open_to")) for each in _CIRCLES]}
        today = datetime.fromtimestamp(self._ground.directory.world.now(), ZoneInfo(asked.zone or "UTC")).date()
        try:
            shown = asked.query(CalendarQuery)
            question = asked.query(Question).model_copy(update={name: _default(name) for name in _OTHERS})
            first = month.parse(shown.month) if shown.month else today.replace(day=1)
            job = partial(with_venues, reader=self._ground.reader(asked), question=_of_month(question, first))
            found, venues = await self._ground.ask(asked, job)
        except InputError as error:
            return View("calendar.html", {**choices, "asked": asked.wrong(error), "found": None, "countries": []}, 400)
        events = [each for each in found.records if shown.open_to in (None, each["body"]["open_to"])]
        here = partial(_address, question, {**shown.model_dump(exclude_defaults=True), "month": f"{first:%Y-%m}"})
        countries = sorted({*(each["value"] for each in found.facets.get("country", ())), *question.country})
        told: dict[str, Any] = {
            **choices,
            "asked": asked,
            "shown": shown,
            "found": found,
            "total": found.total if shown.open_to is None else len(events),
            "venues": venues,
            "month": first,
            "today": today,
            "before": month.beside(first, -1),
            "after": month.beside(first, 1),
            # The template asks for the one that it shows, beside the event loop.
            "weeks": partial(month.weeks, first, events, first=asked.language.locale.first_week_day),
            "agenda": partial(month.agenda, first, events),
            "mine": partial(month.by_clock_of, asked.zone),
            "here": here,
            "countries": [(code, asked.language.country(code)) for code in countries],
            "hidden": [pair for pair in asking.pairs(question) if pair[0] not in ("near", "country")],
            "query": urlencode(asking.pairs(question)),
            "feed": feed_address(self._ground, asked, FEED, question),
            "most": MOST,
        }
        return View("calendar.html", told, parts=("results",), headers={"HX-Push-Url": here()})


def _default(name: str) -> Any:
    return Question.model_fields[name].default


def _of_month(question: Question, first: date) -> Question:
    days = {"from_": first.isoformat(), "until": month.last(first).isoformat()}
    return question.model_copy(update={"kind": ("event",), **days, "sort": "start", "limit": MOST, "facets": True})


def _address(question: Question, said: Mapping[str, str], **changes: str | None) -> str:
    """The address of this calendar with something of it changed; None takes it out."""
    more = {name: value for name, value in {**said, **changes}.items() if value is not None}
    return asking.address("/calendar", question, more)


@cache
def _zones() -> list[tuple[str, str]]:
    """The time zones that are named for a place, to choose from."""
    return [(each, each) for each in sorted(zones()) if each.partition("/")[0] in _CONTINENTS]


_CONTINENTS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "UTC")
