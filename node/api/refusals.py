"""What the members' API answers where it can't do what it was asked: a status, one sentence, and the fields at fault.

raise Refused("there is no venue desk-1 of this node: look at 'GET /api/v1/venue'", 404)
raise Refused.fields([("terms.price", "missing: give a decimal in quotes")], 422)
"""

from collections.abc import Mapping, Sequence
from typing import Self

from node.errors import InputError
from node.sentence import at, said

Faults = Sequence[tuple[str, str]]
"""(field, sentence) pairs; a field is written as in a program: `limit`, `body.terms.price`, `photos[2]`."""

MOST_FAULTS = 50
"""Faults that are told one by one: of more, the first."""


class Refused(InputError):
    """A refusal with its HTTP status, and perhaps the fields that were wrong, and headers that say more."""

    def __init__(
        self, sentence: str, status: int, *, faults: Faults = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.faults = tuple(faults[:MOST_FAULTS])
        self.headers = dict(headers or {})

    @classmethod
    def fields(cls, faults: Faults, status: int) -> Self:
        """One refusal for all that is wrong with what was given; the sentence is the first fault's."""
        field, sentence = faults[0]
        first = at(field, sentence)
        if more := len(faults) - 1:
            first = said("{fault} ({number} more in 'errors')", fault=first, number=more)
        return cls(first, status, faults=faults)
