"""The form that all kinds of body have.

Rules (SPEC, "Canonical JSON" and "Records"):

- a body holds objects, arrays, strings, booleans and integers |n| < 2^53; an absent field is left out, never null
- types are strict: `"1"` is no number, `1` is no text
- a field that this version doesn't know is kept if it can be carried at all: a newer node may know it

    >>> class Greeting(Body):
    ...     text: str
    ...     to: Maybe[str] = None
    >>> Greeting.model_validate({"text": "Tere", "tone": "warm"}).model_extra
    {'tone': 'warm'}
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic_core import PydanticCustomError, core_schema

from node.errors import Malformed
from node.protocol import canonical

T = TypeVar("T")


def quoted(value: str) -> str:
    """A value as a sentence shows it: short, on one line, without what a terminal would obey."""
    plain = "".join(c if c.isprintable() else " " for c in value[:41]).strip()
    return f'"{plain[:40]}…"' if len(value) > 40 else f'"{plain}"'


class _LeftOut:
    """Python says None for a field that is absent; JSON's null stays refused."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


Maybe = Annotated[T | None, _LeftOut()]


def _within_json(value: Any) -> Any:
    try:
        canonical.encode(value)
    except Malformed as error:
        raise ValueError(f"can't be carried: {error}") from error
    return value


def _key(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name, re.ASCII):
        raise ValueError(f"{quoted(name)} is no field's name: use letters, digits, '_' and '-'")
    return name


class Part(BaseModel):
    """An object inside a body. Strict, frozen; carries the fields that only a newer node knows."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_key)], Annotated[Any, AfterValidator(_within_json)]]

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # noqa: ARG003 - for those who look at it
        """Where fields don't fit together: (the one to change, sentence); "" is the object itself.

        A value that is wrong by itself is `...` here: there, but not to be compared with anything.
        """
        yield from ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.misfits.__func__ is _NOTHING_TO_FIT:  # type: ignore[attr-defined]
            return self
        for field, sentence in self.misfits(self.__dict__):
            raise PydanticCustomError("misfit", "fields don't fit together", {"field": field, "sentence": sentence})
        return self


_NOTHING_TO_FIT = Part.misfits.__func__  # type: ignore[attr-defined]


class Body(Part):
    """What a record says. Each kind is one subclass."""

    VISIBILITY: ClassVar[str] = "public"
    SEARCHED: ClassVar[tuple[str, ...]] = ()
    """The fields that are searched, the first as the heading; none named: all. A personal kind names some, because what
    is searched outlives its record for a while."""

    def heading(self) -> str:
        """The line that a list shows for this record."""
        raise NotImplementedError

    def at_publish(self, now: int) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - for the kinds that look at it
        """What is wrong only because of the day: (field, sentence) pairs; asked when a record is published."""
        yield from ()
