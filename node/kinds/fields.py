"""What the fields of records are made of: the types that several kinds share.

Rules (the product, "Record kinds"; SPEC, "Canonical JSON"):

- names are plain strings, without characters that nobody sees; titles and prose are language maps,
  `{"en": "...", "et": "..."}`, keyed by BCP 47 tags
- places are `{"lat_e6", "lon_e6"}` in microdegrees of WGS 84; 0,0 is refused: it is what an empty form gives
- countries, currencies, languages by the lists in `codes`; phones E.164; zones IANA; hours OSM syntax; addresses https
- money is a decimal string, never a number; a price and its currency come together or not at all

Each type's `description` completes two sentences, `"x" is not ...` and `missing: give ...`, and is shown in the schema.

    >>> from pydantic import TypeAdapter
    >>> TypeAdapter(Price).validate_python("12.50"), TypeAdapter(Zone).validate_python("Europe/Tallinn")
    ('12.50', 'Europe/Tallinn')
"""

import re
import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined] # its stub forgets the error
from pydantic import AfterValidator, Field

from node.errors import Malformed
from node.kinds.body import Maybe, Part, quoted
from node.kinds.codes import COUNTRIES, CURRENCIES, LANGUAGES, SLIPS_OF_COUNTRY, SLIPS_OF_LANGUAGE
from node.plain import HOLLOW, SHAPING
from node.protocol.names import parse_time
from node.sentence import said

# --- text --------------------------------------------------------------------------------------------------------

# Control characters and the two overrides that make a line read backwards. Prose may have lines and tabs.
_IN_LINE = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e"
_IN_PROSE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e"
_LINE = rf"^[^{_IN_LINE}]*[^\s{_IN_LINE}][^{_IN_LINE}]*$"
# Two names that differ only in what nobody sees would be one to every reader.
_IN_NAME = _IN_LINE + HOLLOW
_NAME = rf"^[^{_IN_NAME}]*[^\s{_IN_NAME}{SHAPING}][^{_IN_NAME}]*$"
_PROSE = rf"^[^{_IN_PROSE}]*[^\s{_IN_PROSE}][^{_IN_PROSE}]*$"

Name = Annotated[str, Field(max_length=200, pattern=_NAME, description="a line of plain text")]
Address = Annotated[str, Field(max_length=300, pattern=_LINE, description="the street and house number on one line")]
Prose = Annotated[
    str,
    Field(max_length=10_000, pattern=_PROSE, description="plain text", json_schema_extra={"format": "prose"}),
]
Title = Annotated[str, Field(max_length=200, pattern=_LINE, description="a title on one line")]

Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9_-]{1,64}$",
        description="a short code of a-z, 0-9, '_' and '-', such as meeting_room",
        json_schema_extra={"format": "slug"},
    ),
]
RecordId = Annotated[
    str, Field(pattern=r"^[a-z0-9_-]{1,64}$", description="a record's id: 1 to 64 characters of a-z, 0-9, '_' and '-'")
]
NodeId = Annotated[
    str, Field(pattern="^bra1[a-z2-7]{32}$", description="a node id: 'bra1' and 32 characters of a-z and 2-7")
]
RecordRef = Annotated[
    str,
    Field(
        pattern=r"^(bra1[a-z2-7]{32}/)?[a-z0-9_-]{1,64}$",
        description="a record's id, with the author's node id and '/' before it where the record is another's",
    ),
]
ForeignRef = Annotated[
    str,
    Field(
        pattern=r"^bra1[a-z2-7]{32}/[a-z0-9_-]{1,64}$",
        description="the author's node id, '/' and the record's id",
    ),
]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="a SHA-256: 64 lower-case hex digits")]


_TAG = re.compile(
    r"([a-z]{2,3})(-[a-z]{3}){0,3}(-[a-z]{4})?(-(?:[a-z]{2}|\d{3}))?(-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*",
    re.ASCII | re.IGNORECASE,
)


@lru_cache(4096)
def _language(tag: str) -> str:
    match = _TAG.fullmatch(tag)
    primary = match[1].lower() if match else ""
    if match and (len(primary) == 3 or primary in LANGUAGES):
        return tag
    slip = SLIPS_OF_LANGUAGE.get(primary)
    meant = slip or said("a BCP 47 tag such as en, et or zh-Hant")
    raise ValueError(said("{text} is not a language: write {meant}", text=quoted(tag), meant=meant))


LanguageTag = Annotated[
    str,
    Field(max_length=35, description="a language as a BCP 47 tag such as en, et or zh-Hant"),
    AfterValidator(_language),
    Field(json_schema_extra={"format": "bcp47"}),
]
Languages = Annotated[
    tuple[LanguageTag, ...],
    Field(strict=False, min_length=1, max_length=40, description="a list of BCP 47 tags such as en, et"),
]

_MAP = {"format": "language-map"}
ProseMap = Annotated[
    dict[LanguageTag, Prose],
    Field(min_length=1, max_length=40, description='text by language, such as {"en": "..."}', json_schema_extra=_MAP),
]
TitleMap = Annotated[
    dict[LanguageTag, Title],
    Field(
        min_length=1, max_length=40, description='a title by language, such as {"en": "..."}', json_schema_extra=_MAP
    ),
]


def first_of(texts: Mapping[str, str]) -> str:
    """The English text, or the first in the map: what a list shows when nobody said which language."""
    return texts.get("en") or next(iter(texts.values()))


# --- places ------------------------------------------------------------------------------------------------------


@lru_cache(1024)
def _country(code: str) -> str:
    if code in COUNTRIES:
        return code
    slip = SLIPS_OF_COUNTRY.get(code.upper()) or (code.upper() if code.upper() in COUNTRIES else None)
    raise ValueError(f"{quoted(code)} is not a country code: write " + (slip or "the ISO 3166 code, such as EE or DE"))


Country = Annotated[
    str,
    Field(description="the country's ISO 3166 code, such as EE or DE", json_schema_extra={"format": "country"}),
    AfterValidator(_country),
]


class Geo(Part):
    """A place on WGS 84, in millionths of a degree."""

    lat_e6: Annotated[
        int, Field(ge=-90_000_000, le=90_000_000, description="latitude in microdegrees, -90 to 90 million")
    ]
    lon_e6: Annotated[
        int, Field(ge=-180_000_000, le=180_000_000, description="longitude in microdegrees, -180 to 180 million")
    ]

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if has.get("lat_e6") == 0 == has.get("lon_e6"):
            yield "", "0,0 is in the sea off Ghana: give the venue's own coordinates"


@lru_cache(1)
def zones() -> frozenset[str]:
    """Every zone this machine's tables know, without the two names that are not places."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _zone(name: str) -> str:
    if name not in zones():
        raise ValueError(f"{quoted(name)} is not a time zone: write an IANA name such as Europe/Tallinn")
    return name


Zone = Annotated[
    str,
    Field(max_length=64, description="an IANA time zone such as Europe/Tallinn", json_schema_extra={"format": "zone"}),
    AfterValidator(_zone),
]


@lru_cache(4096)
def _hours(text: str) -> str:
    try:
        OpeningHours(text)
    except ParserError as error:
        raise ValueError(f"{quoted(text)} is not in OSM syntax: write it like Mo-Fr 09:00-17:00; PH off") from error
    return text


Hours = Annotated[
    str,
    Field(
        max_length=500,
        description="opening hours such as Mo-Fr 09:00-17:00; PH off",
        json_schema_extra={"format": "opening-hours"},
    ),
    AfterValidator(_hours),
]


# --- ways to reach -----------------------------------------------------------------------------------------------

Phone = Annotated[
    str,
    Field(
        pattern=r"^\+[1-9][0-9]{6,14}$",
        description="a phone number with + and its country code, digits alone, such as +37256123456",
        json_schema_extra={"format": "phone"},
    ),
]
Email = Annotated[
    str,
    Field(
        max_length=254,
        pattern=r"^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@([\w-]{1,63}\.)+[\w-]{2,63}$",
        description=said("an e-mail address such as desk@park.example"),
        json_schema_extra={"format": "email"},
    ),
]

_HTTPS = re.compile(r"https://(?:[\w-]{1,63}\.)+[\w-]{2,63}\.?(?::[0-9]{1,5})?(?:[/?#][^\s\x00-\x20\x7f<>\"\\^`{|}]*)?")


@lru_cache(4096)
def _https(address: str) -> str:
    if _HTTPS.fullmatch(address):
        return address
    rest = re.sub(r"^(?:[a-z]+:/*)?", "", address, flags=re.IGNORECASE)
    better = f"https://{rest}"
    if _HTTPS.fullmatch(better):
        raise ValueError(f"{quoted(address)} is not an https address: write it like {better[:100]}")
    raise ValueError(f"{quoted(address)} is not an https address: write it like https://park.example/rooms")


HttpsUrl = Annotated[
    str,
    Field(
        max_length=2000,
        description="an https address such as https://park.example",
        json_schema_extra={"format": "uri"},
    ),
    AfterValidator(_https),
]


def _picture(address: str) -> str:
    return address if re.fullmatch("sha256:[0-9a-f]{64}", address) else _https(address)


Picture = Annotated[
    str,
    Field(
        max_length=2000,
        description="a picture: an https address, or sha256: and the hash of a file this node holds",
        json_schema_extra={"format": "uri"},
    ),
    AfterValidator(_picture),
]


# --- money, numbers, time ----------------------------------------------------------------------------------------

Count = Annotated[int, Field(ge=0, le=1_000_000, description="a whole number from 0 to 1000000")]

Price = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$",
        description='a decimal in quotes, such as "12.50"',
        json_schema_extra={"format": "decimal"},
    ),
]


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"{quoted(code)} is not a currency: write the ISO 4217 code, such as EUR or SEK")
    return code


Currency = Annotated[
    str,
    Field(description="the currency's ISO 4217 code, such as EUR or SEK", json_schema_extra={"format": "currency"}),
    AfterValidator(_currency),
]


class Priced(Part):
    """Whatever costs something: for nothing, or for a price in a currency."""

    price: Maybe[Price] = None
    currency: Maybe[Currency] = None

    @classmethod
    def misfits(cls, has: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield from super().misfits(has)
        if has.get("price") is not None and has.get("currency") is None:
            yield "currency", "missing: a price needs its currency, such as EUR"
        if has.get("currency") is not None and has.get("price") is None:
            yield "price", 'missing: a currency needs a price, such as "12.50"; or leave both out'


def _calendar(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            said("{text} is not in the calendar: check the day and the month", text=quoted(text))
        ) from error
    return text


def parse_day_or_moment(text: str) -> int:
    """The second at which it is over: a day lasts until its midnight in UTC."""
    return parse_time(text) if len(text) > 10 else parse_time(f"{text}T00:00:00Z") + 86_400


def _moment(text: str) -> str:
    try:
        parse_time(text)
    except Malformed as error:
        raise ValueError(f"{quoted(text)} is not in the calendar: check the day and the hour") from error
    return text


Day = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description=said("a day such as 2027-06-02"),
        json_schema_extra={"format": "date"},
    ),
    AfterValidator(_calendar),
]
Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="a month such as 2027-06")]
LocalTime = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$",
        description="the place's own time, such as 2027-06-02T09:00",
        json_schema_extra={"format": "local-time"},
    ),
    AfterValidator(_calendar),
]
Moment = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        description="a moment in UTC, such as 2027-06-02T09:00:00Z",
        json_schema_extra={"format": "date-time"},
    ),
    AfterValidator(_moment),
]
