"""A question to the directory, as it is asked over HTTP and on the command line: flat, each value a text.

Rules:

- every field is optional; without any, the question is for the whole directory
- a list is given by commas, or repeated; `facilities` are wanted all, of every other list any
- a time without an offset is the place's own: of the venue, or of the event; with one (or Z) it is a moment
- what is wrong is an InputError that names its field

    >>> Question.parse({"q": "desk", "near": "Munich, DE", "country": "DE,AT", "from": "2027-06-02"}).country
    ('DE', 'AT')
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Self

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from node.errors import InputError
from node.kinds import KINDS, sentences
from node.kinds.body import quoted
from node.kinds.catalogue import Category
from node.kinds.fields import Country, LanguageTag, Slug
from node.sentence import at, said

LONGEST_TEXT = 200
LONGEST_PAGE = 1_000
MOST_VALUES = 20
"""Values of one list."""
FARTHEST = 20_040.0
"""Kilometres: as far as two places on the Earth can be."""

TYPES = ("office", "desk", "meeting", "event", "lab")


class Moment(NamedTuple):
    """`seconds` since 1970; `there`: by a place's own clock, as if that were UTC."""

    seconds: int
    there: bool


class Box(NamedTuple):
    """Degrees; where `west` > `east` it lies across the antimeridian."""

    west: float
    south: float
    east: float
    north: float


_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(Z|[+ -](?:0\d|1[0-4]):[0-5]\d)?)?", re.ASCII
)


def moment(text: str, *, day_ends: bool = False) -> Moment:
    """A time as a question gives it; ValueError with a sentence.

    A day alone is its first second, or with `day_ends` the first after it.
    """
    match, shown = _TIME.fullmatch(text), quoted(text)
    if match is None:
        sentence = said("{text} is not a time: write it like 2027-06-02T10:00, or 2027-06-02T10:00+02:00", text=shown)
        raise ValueError(sentence)
    # In an address '+' is a blank, and many who write one forget it.
    offset = (match[5] or "").replace(" ", "+").replace("Z", "+00:00")
    clock = f"{match[2] or '00'}:{match[3] or '00'}:{match[4] or '00'}"
    try:
        when = datetime.fromisoformat(f"{match[1]}T{clock}{offset or '+00:00'}")
    except ValueError:
        raise ValueError(said("{text} is not in the calendar: check the day and the month", text=shown)) from None
    if not 1970 < when.year < 2200:
        raise ValueError(said("{text} is too far away: give a year from 1971 to 2199", text=shown))
    later = 86_400 if day_ends and match[2] is None else 0
    return Moment(int(when.astimezone(UTC).timestamp()) + later, not offset)


def box(text: str) -> Box:
    """A bounding box as a question gives it; ValueError with a sentence."""
    numbers = [_number(each) for each in text.split(",", 5)]
    if len(numbers) != 4 or any(number is None for number in numbers):
        raise ValueError(
            said(
                "{text} is not a box: give west,south,east,north in degrees, such as 5.9,47.3,15.1,55",
                text=quoted(text),
            )
        )
    west, south, east, north = (number or 0.0 for number in numbers)
    if abs(south) > 90 or abs(north) > 90 or abs(west) > 180 or abs(east) > 180:
        sentence = said("{text} is not on the Earth: give west,south,east,north, latitudes up to 90", text=quoted(text))
        raise ValueError(sentence)
    if south > north:
        raise ValueError(said("{text} has its south above its north: give west,south,east,north", text=quoted(text)))
    return Box(west, south, east, north)


def coordinates(text: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees, if `text` is two numbers; ValueError where they are not on the Earth."""
    numbers = [_number(each) for each in text.split(",", 3)]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return None
    if abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
        sentence = said("{text} is not on the Earth: give latitude,longitude, such as 58.38,26.72", text=quoted(text))
        raise ValueError(sentence)
    return numbers[0], numbers[1]


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[+-]?\d{1,3}(\.\d{1,12})?\s*", text, re.ASCII) else None


def _near(text: str) -> str:
    coordinates(text)
    if not any(character.isalnum() for character in text):
        sentence = said("{text} is no place: give a city, or latitude,longitude such as 58.38,26.72", text=quoted(text))
        raise ValueError(sentence)
    return text


def _time(text: str) -> str:
    moment(text)
    return text


def _time_or_now(text: str) -> str:
    return text if text == "now" else _time(text)


def _box(text: str) -> str:
    box(text)
    return text


def _kind(text: str) -> str:
    if text not in KINDS:
        raise ValueError(f"there is no kind {quoted(text)}: the kinds are {', '.join(KINDS)}")
    return text


def _split(values: Any) -> Any:
    """A text, or a list of texts, each of which may hold several."""
    texts = [values] if isinstance(values, str) else values
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        return values
    if sum(len(text) for text in texts) > LONGEST_TEXT * MOST_VALUES:
        raise ValueError(said("too many: give at most {most}", most=MOST_VALUES))
    return tuple(dict.fromkeys(each.strip() for text in texts for each in text.split(",")))


_list = (BeforeValidator(_split), Field(strict=False, max_length=MOST_VALUES))

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Time = Annotated[str, Field(max_length=40, json_schema_extra={"format": "local-or-offset-time"})]
Kind = Annotated[str, Field(description="a kind", json_schema_extra={"enum": list(KINDS)}), AfterValidator(_kind)]
Sort = Literal["relevance", "distance", "start", "name"]


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class Question(BaseModel):
    """What is looked for. `from` is `from_` here, because Python keeps that word for itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: Text | None = Field(None, description="words, in any language; all are wanted, a word's beginning counts")
    near: Annotated[Text, AfterValidator(_near)] | None = Field(
        None, description="a city such as Munich, or Munich, DE; or latitude,longitude such as 58.38,26.72"
    )
    radius_km: float = Field(
        25.0,
        gt=0,
        le=FARTHEST,
        allow_inf_nan=False,
        description=said("a distance from `near` in kilometres, above 0 and up to 20040"),
    )
    bbox: Annotated[str, Field(max_length=100), AfterValidator(_box)] | None = Field(
        None, description="west,south,east,north in degrees, as in GeoJSON; west > east crosses the antimeridian"
    )
    country: Annotated[tuple[Annotated[Country, BeforeValidator(_upper)], ...], *_list] = Field(
        (), description="countries' ISO 3166 codes, such as EE,DE"
    )
    kind: Annotated[tuple[Kind, ...], *_list] = Field((), description="kinds of records, such as venue,event")
    type: Annotated[tuple[Slug, ...], *_list] = Field((), description=f"types of venues ({', '.join(TYPES)}) or needs")
    category: Annotated[tuple[Category, ...], *_list] = Field((), description="categories of offers and practices")
    facilities: Annotated[tuple[Slug, ...], *_list] = Field((), description="facilities that a venue has, all of them")
    languages: Annotated[tuple[LanguageTag, ...], *_list] = Field(
        (), description="languages such as en,et; one will do"
    )
    organisation: Text | None = Field(None, description="an author's node id, or words of its organisation's name")
    open_at: Annotated[Time, AfterValidator(_time_or_now)] | None = Field(
        None, description="venues open then: 2027-06-02T10:00 by the venue's own clock, with an offset or Z, or now"
    )
    from_: Annotated[Time, AfterValidator(_time)] | None = Field(
        None,
        alias="from",
        description="events that end after: a day, or a time by the event's own clock or with an offset",
    )
    until: Annotated[Time, AfterValidator(_time)] | None = Field(
        None, description="events that start before: a day with all its hours, or a time as in from"
    )
    sort: Sort | None = Field(
        None, description="an order: relevance, distance, start or name; without it what the question is about"
    )
    limit: int = Field(
        20, ge=1, le=LONGEST_PAGE, description=f"a number of records for the page, from 1 to {LONGEST_PAGE}"
    )
    after: Annotated[str, Field(max_length=600)] | None = Field(
        None, description="the cursor of the page before, for the same question"
    )
    facets: bool = Field(False, description="true or false: count the hits by kind, country and so on")
    explain: bool = Field(False, description="true or false: say of each record why it stands where it stands")

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """The question that these texts ask; InputError, naming its field, for the first that is wrong."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            field = str(fault["loc"][0])[:64]
            if fault["type"] == "extra_forbidden":
                known = ", ".join(_schema()["properties"])
                raise InputError(f"{quoted(field)} can't be asked for: give {known}", field) from None
            raise InputError(at(field, next(sentences.of(_schema(), error))[1]), field) from None

    @property
    def order(self) -> Sort:
        """By what the records stand: what was asked for, or what the question is about."""
        if self.sort is not None:
            return self.sort
        if self.q is None and self.near is not None:
            return "distance"
        return "start" if self.q is None and (self.from_ or self.until) else "relevance"

    def digest(self) -> str:
        """What all pages of one question have in common: its cursors are for no other."""
        asked = self.model_dump(exclude={"limit", "after", "facets", "explain"})
        return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


@cache
def _schema() -> dict[str, Any]:
    return Question.model_json_schema()
