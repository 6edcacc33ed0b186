"""A contact: whom to call, and in which language. The one kind that is personal data.

    {"role": "Soft-landing manager", "languages": ["et", "en"], "email": "landing@park.example"}

- an e-mail or a phone; a role's address is better than a person's
- a `name` only with `consent`, the day on which the person agreed to be named
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from node.kinds.body import Body, Maybe
from node.kinds.fields import Day, Email, Hours, Languages, Name, Phone


class Contact(Body):
    VISIBILITY: ClassVar[str] = "members"
    SEARCHED: ClassVar[tuple[str, ...]] = ("role", "topics", "languages")

    role: Annotated[Name, Field(description="the role, such as Soft-landing manager")]
    languages: Languages
    email: Maybe[Email] = None
    phone: Maybe[Phone] = None
    name: Maybe[Annotated[Name, Field(description="the person's name")]] = None
    consent: Maybe[Day] = None
    topics: Annotated[tuple[Name, ...], Field(strict=False, max_length=40, description="a list of topics")] = ()
    hours: Maybe[Hours] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if has.get("email") is None and has.get("phone") is None:
            yield "email", "missing: give an e-mail or a phone"
        if has.get("name") is not None and has.get("consent") is None:
            yield "consent", "missing: give the day on which this person agreed to be named, or leave name out"

    def heading(self) -> str:
        return f"{self.name}, {self.role}" if self.name else self.role
