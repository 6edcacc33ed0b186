"""A practice: something that worked, written down so that others can take it over.

{"title": {"en": "Soft landing week"}, "category": "expansion", "summary": {"en": "..."}, "status": "tested",
 "field_tests": [{"tester": "Lund", "region": "Skåne", "period": "2026-03 to 2026-06", "result": {"en": "..."}}]}
"""

from typing import Annotated, Literal

from pydantic import Field

from node.kinds.body import Body, Maybe, Part
from node.kinds.catalogue import Category
from node.kinds.fields import Name, ProseMap, TitleMap, first_of

PracticeStatus = Annotated[
    Literal["proposed", "testing", "tested", "recommended", "retired"], Field(description="a status of a practice")
]


class FieldTest(Part):
    tester: Annotated[Name, Field(description="who tested it")]
    region: Maybe[Name] = None
    period: Maybe[Name] = None
    result: Maybe[ProseMap] = None
    lessons: Maybe[ProseMap] = None


class Practice(Body):
    title: TitleMap
    category: Category
    summary: ProseMap
    status: PracticeStatus
    field_tests: Annotated[
        tuple[FieldTest, ...],
        Field(strict=False, max_length=40, description="a list of field tests, each with its tester"),
    ] = ()

    def heading(self) -> str:
        return first_of(self.title)
