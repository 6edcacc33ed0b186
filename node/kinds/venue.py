"""A venue: a place that a partner opens to the members of the others.

    {"name": "Delta Centre, desk room", "type": "desk", "address": "Narva mnt 18", "city": "Tartu", "country": "EE",
     "geo": {"lat_e6": 58385000, "lon_e6": 26725000}, "time_zone": "Europe/Tallinn", "hours": "Mo-Fr 09:00-17:00",
     "contact": {"email": "desk@park.example"}, "terms": {"free_days": 3, "notice_hours": 24}}

- `hours` are by the zone's own clock
- `contact` gives at least one of an e-mail, a phone and the id of a contact record
- `terms`: so many days free, asked so many hours ahead; after them `price` a day in `currency`
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from node.kinds.body import Body, Maybe, Part
from node.kinds.fields import (
    Address,
    Count,
    Country,
    Email,
    Geo,
    Hours,
    HttpsUrl,
    Name,
    Phone,
    Picture,
    Priced,
    ProseMap,
    RecordRef,
    Slug,
    Zone,
)

VenueType = Annotated[Literal["office", "desk", "meeting", "event", "lab"], Field(description="a type of venue")]


class VenueContact(Part):
    email: Maybe[Email] = None
    phone: Maybe[Phone] = None
    record: Maybe[RecordRef] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if all(has.get(way) is None for way in ("email", "phone", "record")):
            yield "", "nobody can be reached: give an e-mail, a phone or a contact record's id"


class Terms(Priced):
    free_days: Annotated[int, Field(ge=0, le=366, description="a whole number of days from 0 to 366")]
    notice_hours: Annotated[int, Field(ge=0, le=8784, description="a whole number of hours from 0 to 8784")]


class Venue(Body):
    name: Annotated[Name, Field(description="the venue's name")]
    type: VenueType
    address: Address
    city: Annotated[Name, Field(description="the city's name")]
    country: Country
    geo: Annotated[Geo, Field(description="the venue's coordinates")]
    time_zone: Zone
    hours: Hours
    contact: Annotated[VenueContact, Field(description="an e-mail, a phone or a contact record's id")]
    terms: Annotated[Terms, Field(description="free_days and notice_hours")]
    capacity: Maybe[Count] = None
    area_m2: Maybe[Count] = None
    facilities: Annotated[
        tuple[Slug, ...], Field(strict=False, max_length=60, description="a list of facilities as short codes")
    ] = ()
    accessibility: Maybe[ProseMap] = None
    directions: Maybe[ProseMap] = None
    wifi: Maybe[ProseMap] = None
    photos: Annotated[tuple[Picture, ...], Field(strict=False, max_length=20, description="a list of pictures")] = ()
    free_busy_url: Maybe[HttpsUrl] = None
    alert: Maybe[ProseMap] = None

    def heading(self) -> str:
        return self.name
