"""An offer: a service of the catalogue that an organisation gives to its partners' members.

    {"title": {"en": "Mentoring for newcomers"}, "category": "research_and_networking", "status": "available",
     "service": "mentorship_programme", "eligibility": {"en": "Members of any signatory"},
     "how_to_get": {"en": "Write to the desk"}}

`service`, where given, stands in `category`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from node.kinds.body import Body, Maybe
from node.kinds.catalogue import CATEGORIES, CATEGORY_OF, Category, Service
from node.kinds.fields import Languages, Priced, ProseMap, RecordRef, TitleMap, first_of

OfferStatus = Annotated[Literal["planned", "available", "paused", "ended"], Field(description="a status of an offer")]


class Offer(Body, Priced):
    title: TitleMap
    category: Category
    status: OfferStatus
    eligibility: ProseMap
    how_to_get: ProseMap
    service: Maybe[Service] = None
    practice: Maybe[RecordRef] = None
    venues: Annotated[
        tuple[RecordRef, ...], Field(strict=False, max_length=100, description="a list of venues' record ids")
    ] = ()
    languages: Maybe[Languages] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().misfits(has)
        category = CATEGORY_OF.get(has["service"]) if isinstance(has.get("service"), str) else None
        if category and has.get("category") in CATEGORIES and has["category"] != category:
            yield "category", f"{has['service']} is a service of another category: write {category}"

    def heading(self) -> str:
        return first_of(self.title)
