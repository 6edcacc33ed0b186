"""A need: what a member company offers or looks for, and for how long.

    {"type": "business_request", "summary": {"en": "A distributor in Bavaria"}, "partner_sought": {"en": "..."},
     "expires": "2027-06-30"}

`expires` is a day or a moment, at most twelve months after publishing; asked at publish, of the `now` handed in.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from node.errors import Malformed
from node.kinds.body import Body, quoted
from node.kinds.fields import Country, ProseMap, Slug, first_of, parse_day_or_moment

NeedType = Annotated[
    Literal["business_offer", "business_request", "technology_offer", "technology_request", "research_request"],
    Field(description="a type of need"),
]


def _expiry(text: str) -> str:
    try:
        parse_day_or_moment(text)
    except Malformed as error:
        raise ValueError(f"{quoted(text)} is not in the calendar: check the day and the month") from error
    return text


Expiry = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$",
        description="a day such as 2027-06-02, or a moment such as 2027-06-02T09:00:00Z",
        json_schema_extra={"format": "day-or-moment"},
    ),
    AfterValidator(_expiry),
]


class Need(Body):
    type: NeedType
    summary: ProseMap
    partner_sought: ProseMap
    expires: Expiry
    sectors: Annotated[
        tuple[Slug, ...], Field(strict=False, max_length=60, description="a list of sectors as short codes")
    ] = ()
    countries: Annotated[
        tuple[Country, ...], Field(strict=False, max_length=249, description="a list of ISO 3166 codes")
    ] = ()

    def heading(self) -> str:
        return first_of(self.summary)

    def at_publish(self, now: int) -> Iterator[tuple[str, str]]:
        today = datetime.fromtimestamp(now, UTC)
        # A year on, by the calendar; text compares like the day it spells. From 29 February that is "02-29" again,
        # a day that doesn't exist but sorts where it should.
        latest = f"{today.year + 1}-{today:%m-%d}"
        if parse_day_or_moment(self.expires) <= now:
            yield "expires", f"{self.expires} has passed: give a day to come"
        elif self.expires[:10] > latest:
            yield "expires", f"{self.expires} is more than twelve months away: give a day before {latest}"
