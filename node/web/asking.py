"""A question as the address of a page: what is asked stands in it, under the names that the API has for it.

Rules:

- an address says what was asked and nothing else: it can be kept, sent to others, and asked of the API as it is
- what is changed begins with the first page again
- nothing here asks the directory: what is offered comes from its answer

    >>> address("/search", Question.parse({"q": "desk", "country": ["DE", "AT"]}), near="Munich")
    '/search?q=desk&near=Munich&country=DE,AT'
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from node.directory.search import Question

FACETS = ("kind", "type", "country", "category", "facilities", "languages", "organisation")
"""What can be narrowed down by what was found, in the order in which it is offered."""
HIDDEN = (*FACETS, "bbox")
"""What no field of the form shows, and is kept by it."""
FAR_KM = 100
"""Kilometres: what is suggested where nothing is near."""

_OF_A_PAGE = frozenset(("limit", "after", "facets"))
"""Fields that say how an answer is told, not what is asked."""


def pairs(question: Question, **changes: Any) -> list[tuple[str, str]]:
    """The names and values of a question's address, with these fields changed; None or () takes one out."""
    told = set(_OF_A_PAGE) - changes.keys()
    said = question.model_copy(update=changes).model_dump(by_alias=True, exclude_defaults=True, exclude=told)
    return [(name, _text(value)) for name, value in said.items() if value not in (None, (), [])]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else ",".join(value)


def address(path: str, question: Question, more: Mapping[str, str] | None = None, **changes: Any) -> str:
    """The address at which `path` answers the question. `more`: what else stands in it, for the page alone."""
    query = urlencode([*pairs(question, **changes), *(more or {}).items()], safe=":,")
    return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet; `changes` make the question that it leads to. `called`: its name, where it isn't a code."""

    facet: str
    value: str
    changes: Mapping[str, Any]
    count: int = 0
    called: str = ""


def chosen(question: Question) -> Iterator[Choice]:
    """What the question is narrowed down by; each leads to the question without it."""
    for facet in FACETS:
        given = getattr(question, facet)
        if isinstance(given, str):
            yield Choice(facet, given, {facet: None})
        for value in given if isinstance(given, tuple) else ():
            yield Choice(facet, value, {facet: tuple(each for each in given if each != value)})
    if question.bbox is not None:
        yield Choice("bbox", question.bbox, {"bbox": None})


def offered(question: Question, facets: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[Choice]]:
    """What the question can be narrowed down by, as the answer's facets have it; each leads to the narrower one.

    What all that was found has in common narrows nothing, and is left out.
    """
    found: dict[str, list[Choice]] = {}
    for facet in FACETS:
        given = getattr(question, facet) or ()
        counted = [each for each in facets.get(facet, ()) if each["value"] not in given]
        if not counted or (len(counted) == 1 and not given and _all_have(facets, counted[0]["count"])):
            continue
        found[facet] = [
            Choice(facet, each["value"], _with(question, facet, each["value"]), each["count"], each.get("name", ""))
            for each in counted
        ]
    return found


def _with(question: Question, facet: str, value: str) -> dict[str, Any]:
    given = getattr(question, facet)
    if facet == "organisation":
        return {facet: value}
    # Facilities are wanted all. Of the others one would do: the new one is what is wanted.
    return {facet: (*given, value) if facet == "facilities" else (value,)}


def _all_have(facets: Mapping[str, Sequence[Mapping[str, Any]]], count: int) -> bool:
    return bool(count == sum(each["count"] for each in facets.get("kind", ())))


def eased(question: Question) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Questions that ask for less, by what each leaves out: what is suggested where nothing was found."""
    if question.q is not None:
        yield "q", {"q": None}
    if question.open_at is not None:
        yield "open_at", {"open_at": None}
    if question.from_ is not None or question.until is not None:
        yield "days", {"from_": None, "until": None}
    if question.near is not None:
        if question.radius_km < FAR_KM:
            yield "radius_km", {"radius_km": float(FAR_KM)}
        yield "near", {"near": None, "radius_km": Question.model_fields["radius_km"].default, **_unsorted(question)}
    if narrowed := [facet for facet in HIDDEN if getattr(question, facet)]:
        yield "facets", {facet: Question.model_fields[facet].default for facet in narrowed}


def _unsorted(question: Question) -> dict[str, None]:
    """A distance is from somewhere."""
    return {"sort": None} if question.sort == "distance" else {}
