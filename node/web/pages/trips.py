"""Planning a trip: a place and days, and what there is of venues, events and people to call.

Rules:

- the address is the plan: it can be kept, sent to a colleague who is a member here, and opened again
- a place that nobody knows is said above the form, with what was typed still in it

    GET /trip?near=Munich&from=2027-06-02&until=2027-06-03
"""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from node.api.access import Budget
from node.api.role import Role
from node.directory.search.question import LONGEST_TEXT
from node.errors import InputError, Malformed
from node.roaming import planning
from node.roaming.visit import Days
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View
from node.web.pages.visiting import Wanted

RADIUS = 25.0
"""Kilometres."""


class Trip(Wanted):
    near: Annotated[str, Field(max_length=LONGEST_TEXT, description="a city such as Munich")] | None = None
    radius_km: float = Field(RADIUS, gt=0, le=500, allow_inf_nan=False, description="a distance up to 500 km")


class TripPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/trip", show=self._show, role=Role.MEMBER, budget=Budget.SEARCH)]

    async def _show(self, asked: Asked) -> Answer:
        trip = asked.query(Trip)
        values: dict[str, Any] = {"trip": trip, "me": self._ground.directory.acceptance.me}
        if trip.near is None or trip.from_ is None:
            return View("visits/trip.html", {**values, "plan": None, "days": None})
        try:
            days = Days.parse([trip.from_, trip.until or trip.from_])
            plan = await self._ground.ask(
                asked,
                partial(
                    planning.plan,
                    reader=self._ground.reader(asked),
                    near=trip.near,
                    days=days,
                    radius_km=trip.radius_km,
                    languages=asked.language.wanted,
                ),
            )
        except (InputError, Malformed) as error:
            return View("visits/trip.html", {**values, "asked": asked.wrong(error), "plan": None, "days": None}, 422)
        return View("visits/trip.html", {**values, "plan": plan, "days": days})
