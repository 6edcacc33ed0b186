"""A culture guide: how people do business in a place.

    {"place": "Munich", "language": "en", "reviewed": "2027-01-15",
     "sections": {"punctuality": "Five minutes early is on time.", "greeting": {"en": "...", "de": "..."}}}

A section is prose in the guide's `language`, or a language map. At least one section is there.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from node.kinds.body import Body, Maybe, Part
from node.kinds.fields import Day, HttpsUrl, LanguageTag, Name, Prose, ProseMap


def _form(value: object) -> str:
    return "<by-language>" if isinstance(value, dict) else "<prose>"


Section = Annotated[Annotated[Prose, Tag("<prose>")] | Annotated[ProseMap, Tag("<by-language>")], Discriminator(_form)]


class Sections(Part):
    greeting: Maybe[Section] = None
    punctuality: Maybe[Section] = None
    meetings: Maybe[Section] = None
    decisions: Maybe[Section] = None
    hierarchy: Maybe[Section] = None
    gifts_and_meals: Maybe[Section] = None
    contracts_and_payment: Maybe[Section] = None
    holidays: Maybe[Section] = None
    dress: Maybe[Section] = None
    taboos: Maybe[Section] = None
    first_people_to_meet: Maybe[Section] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if all(section is None for section in has.values()):
            yield "", f"none is written: write at least one of {', '.join(SECTIONS)}"


SECTIONS: tuple[str, ...] = tuple(Sections.model_fields)
"""The slugs of the sections, in the order that a page shows them."""


class CultureGuide(Body):
    place: Annotated[Name, Field(description="the place's name, such as Munich")]
    language: LanguageTag
    sections: Annotated[Sections, Field(description="at least one section, such as greeting")]
    reviewed: Day
    author: Maybe[Name] = None
    links: Annotated[
        tuple[HttpsUrl, ...], Field(strict=False, max_length=40, description="a list of https addresses")
    ] = ()

    def heading(self) -> str:
        return f"{self.place} ({self.language})"
