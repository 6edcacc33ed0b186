"""What a guest asks for: the venue, the days, who comes and why. Read strictly, wherever it comes from. Pure.

    {"venue": "bra1.../delta-desk", "days": ["2027-06-02", "2027-06-03"], "arrival": "09:30",
     "company": "Nordic Sensors", "people": [{"name": "Liis Tamm", "email": "liis@sensors.example"}],
     "purpose": "Meeting a first customer", "language": "en"}

- somebody can be written to: one of the people at least has an e-mail
- whatever is in here but the venue and the days is personal data: it is deleted some time after the visit
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, ValidationError

from node.errors import InputError, Malformed
from node.kinds import sentences
from node.kinds.body import Maybe, Part
from node.kinds.fields import Day, Email, ForeignRef, LanguageTag, Name, Prose
from node.roaming.visit import Days
from node.sentence import at, said

MOST_PEOPLE = 20
LONGEST_PURPOSE = 2_000
"""Characters."""


class Person(Part):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(description=said("the person's name"))]
    email: Maybe[Email] = None


class Request(Part):
    model_config = ConfigDict(extra="forbid")

    venue: ForeignRef
    days: Annotated[
        tuple[Day, Day],
        Field(strict=False, description=said('the first and the last day, such as ["2027-06-02", "2027-06-03"]')),
    ]
    company: Annotated[Name, Field(description=said("the name of the company that comes"))]
    people: Annotated[
        tuple[Person, ...],
        Field(strict=False, min_length=1, max_length=MOST_PEOPLE, description=said("a list of the people who come")),
    ]
    purpose: Annotated[Prose, Field(max_length=LONGEST_PURPOSE, description=said("what the visit is for"))]
    language: LanguageTag = "en"
    arrival: Maybe[
        Annotated[
            str,
            Field(
                pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
                description=said(
                    "the time of the first day at which they come, by the venue's own clock, such as 09:30"
                ),
            ),
        ]
    ] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        days, people = has.get("days"), has.get("people")
        if isinstance(days, list | tuple):
            try:
                Days.parse(days)
            except Malformed as error:
                yield "days", str(error)
        if isinstance(people, list | tuple) and not any(_email(each) for each in people):
            yield "people", said("nobody can be written to: give at least one of them an e-mail")

    @classmethod
    def parse(cls, value: object) -> Self:
        """InputError, naming the field, for the first thing that is wrong."""
        for where, sentence in cls.problems(value):
            raise InputError(at(where, sentence), where)
        return cls.model_validate(value)

    @classmethod
    def problems(cls, value: object) -> list[tuple[str, str]]:
        """All that is wrong, as (field, sentence): `days`, `people[0].email`."""
        try:
            cls.model_validate(value)
        except ValidationError as error:
            return list(dict.fromkeys((*sentences.of(schema(), error), *sentences.misfits(cls, value, error))))
        return []

    @property
    def period(self) -> Days:
        return Days(*self.days)

    @property
    def host(self) -> str:
        """The node id of the venue's organisation."""
        return self.venue.partition("/")[0]

    @property
    def venue_id(self) -> str:
        return self.venue.partition("/")[2]

    @property
    def email(self) -> str:
        """Where the guests are written to."""
        return next(each.email for each in self.people if each.email)

    def as_value(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def _email(person: object) -> object:
    return person.get("email") if isinstance(person, dict) else getattr(person, "email", None)


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a request."""
    return Request.model_json_schema()
