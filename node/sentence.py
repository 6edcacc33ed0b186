"""A sentence for a person: English, and so made that a page can say it in another language.

Rules:

- it is a text like any other. What reads it as one has its English: programs, logs, commands, tests
- it keeps the `template` that it was made of, which is what the catalogues of the pages translate, and the `values` at
  the template's `{places}`. A value that is a Sentence itself is translated, too; any other stands there as it is
- an error keeps it: `str(error)` is the very Sentence that it was raised with

    >>> said("no city is called {name} here: {hint}", name="Tartuu", hint=said("did you mean {near}?", near="Tartu"))
    'no city is called Tartuu here: did you mean Tartu?'
"""

import re
from collections.abc import Mapping
from typing import Any, Self

PLACE = re.compile(r"\{(\w+)\}")
"""Where a value stands in a template."""
_AT = "{field}: {fault}"


class Sentence(str):
    """See the module. Made by `said`, so that its template is found for the catalogues."""

    template: str
    values: Mapping[str, object]

    __slots__ = ("template", "values")

    def __new__(cls, template: str, /, **values: object) -> Self:
        made = super().__new__(cls, filled(template, values))
        made.template = template
        made.values = values
        return made

    def __str__(self) -> str:
        # Not a plain copy, which `str(error)` would have made else.
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.template,), dict(self.values)


def said(template: str, /, **values: object) -> Sentence:
    """A sentence that is translated: `template` is a literal here, with `{name}` where the value `name` stands."""
    return Sentence(template, **values)


def at(field: str, fault: str) -> Sentence:
    """What is wrong with a field, as programs are told it: `near: no city is called …`. It has no words of its own."""
    return Sentence(_AT, field=field, fault=fault)


def without_field(text: str) -> str:
    """What is wrong, where `at` said of which field; any other text as it is."""
    return str(text.values["fault"]) if isinstance(text, Sentence) and text.template == _AT else text


def filled(template: str, values: Mapping[str, object]) -> str:
    """The template with its values. A value is no template: what looks like a place in it stays."""
    return PLACE.sub(lambda place: str(values.get(place[1], place[0])), template)
