"""The languages of the pages: which one a visitor reads, its catalogue of texts, its ways to write dates and numbers.

Rules:

- a visitor's own choice (a cookie) goes before what the browser asks for (RFC 9110, 12.5.4), and that before English
- texts of the pages are translated (gettext), and so are the core's sentences (see `node.sentence`). What the catalogue
  lacks is shown in English and says so
- texts of records are shown in the language that the visitor likes best of those they have, and say which it is where
  nobody asked for it
- dates, numbers, countries and languages are written by CLDR

    language = Language.of(request)
    language.gettext("Search"), language.country("EE")
"""

import gettext
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from babel import Locale, UnknownLocaleError, dates, numbers, units
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from node.api import answers
from node.exports.collection import chosen, heading, prose
from node.sentence import PLACE, Sentence, filled

SPOKEN = {
    "en": "English", "de": "Deutsch", "fr": "Français", "et": "Eesti", "sv": "Svenska", "lv": "Latviešu",
    "lt": "Lietuvių", "pl": "Polski",
}  # fmt: skip
"""The languages of the pages, each by its own name."""
COOKIE = "language"

_SIZES = ((10**9, "gigabyte"), (10**6, "megabyte"), (10**3, "kilobyte"), (1, "byte"))

CATALOGUES = Path(__file__).parent / "locale"
_WORD = re.compile(r"[^\W\d_]")


def N_(text: str) -> str:  # noqa: N802 - gettext's name
    """Marks a text to be translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Said:
    """A text, its language where it may be another, and that language's name where the visitor didn't ask for it."""

    text: str
    tag: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """What one visitor reads. `tag`: of the pages; `wanted`: BCP 47 tags, the best first."""

    tag: str
    wanted: tuple[str, ...]

    @classmethod
    def of(cls, request: web.Request) -> "Language":
        asked = answers.languages(request)
        own = request.cookies.get(COOKIE, "")
        wanted = (*((own,) if own in SPOKEN else ()), *asked)
        tag = next((each for each in (tag.lower().split("-")[0] for tag in wanted) if each in SPOKEN), "en")
        return cls(tag, wanted)

    @property
    def locale(self) -> Locale:
        return _locale(self.tag)

    def gettext(self, text: str) -> str:
        return _catalogue(self.tag).gettext(text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        return _catalogue(self.tag).ngettext(one, many, number)

    def pgettext(self, context: str, text: str) -> str:
        return _catalogue(self.tag).pgettext(context, text)

    def npgettext(self, context: str, one: str, many: str, number: int) -> str:
        return _catalogue(self.tag).npgettext(context, one, many, number)

    # --- what the program says ----------------------------------------------------------------------------------

    def told(self, text: str) -> Said:
        """A sentence of the program's: in this language where its catalogue has it, else as it is, and `en`."""
        found = text if self.tag == "en" else self._told(text)
        return Said(text, "en") if found is None else Said(found)

    def _told(self, text: str) -> str | None:
        """The sentence with all that it is made of; None where the catalogue lacks any of it."""
        template = text.template if isinstance(text, Sentence) else text
        # What only holds others together has no words to be translated.
        wordless = not _WORD.search(PLACE.sub("", template))
        found = template if wordless else self.gettext(template)
        if found == template and not wordless:
            return None
        if not isinstance(text, Sentence):
            return found
        values: dict[str, object] = {}
        for name, value in text.values.items():
            values[name] = self._told(value) if isinstance(value, Sentence) else value
            if values[name] is None:
                return None
        return filled(found, values)

    # --- what records say ---------------------------------------------------------------------------------------

    def said(self, texts: Mapping[str, str] | str | None) -> Said:
        """The text that suits the visitor best."""
        if not texts:
            return Said("")
        if isinstance(texts, str):
            return Said(prose(texts))
        tag, text = chosen(texts, self.wanted)
        return Said(prose(text), tag, self._unasked(tag))

    def heading(self, record: Mapping[str, Any]) -> Said:
        """The line that names a record, as `node.directory.views` shows it."""
        tag, text = heading(record, self.wanted)
        return Said(text, tag, self._unasked(tag))

    def _unasked(self, tag: str) -> str:
        """The name of a language that the visitor didn't ask for; empty for one that they did, and for none."""
        asked = {each.lower().split("-")[0] for each in self.wanted}
        return self.language(tag) if tag and tag.lower().split("-")[0] not in asked else ""

    # --- CLDR ---------------------------------------------------------------------------------------------------

    def country(self, code: str) -> str:
        return str(self.locale.territories.get(code.upper(), code))

    def language(self, tag: str) -> str:
        """The name of a language in this one: `zh-Hant` is "Chinese (Traditional)"."""
        try:
            return Locale.parse(tag, sep="-").get_display_name(self.locale) or tag
        except (ValueError, UnknownLocaleError):
            return str(self.locale.languages.get(tag.split("-", maxsplit=1)[0].lower(), tag))

    def languages(self, tags: Sequence[str]) -> str:
        return ", ".join(map(self.language, tags))

    def number(self, value: float) -> str:
        return numbers.format_decimal(value, locale=self.locale)

    def size(self, count: int) -> str:
        """Bytes as people say them: 1.5 GB."""
        unit = next((each for each in _SIZES if count >= each[0]), _SIZES[-1])
        value = round(count / unit[0], 1)
        return units.format_unit(value, f"digital-{unit[1]}", "short", locale=self.locale)

    def money(self, amount: str, currency: str) -> str:
        return numbers.format_currency(amount, currency, locale=self.locale)

    def month(self, value: date) -> str:
        """A month and its year: `June 2027`."""
        return dates.format_skeleton("yMMMM", value, locale=self.locale)

    def date(self, value: date | datetime | str, form: str = "medium") -> str:
        """A day; a text is ISO 8601, of which the day counts. `form`: short, medium, long, full, or a CLDR pattern."""
        day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return dates.format_date(day, form, locale=self.locale)

    def moment(self, value: datetime | str | float, zone: str = "UTC", form: str = "medium") -> str:
        """A moment by the clock of a zone. A text is RFC 3339; a number is seconds since 1970."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        elif isinstance(value, int | float):
            value = datetime.fromtimestamp(value, UTC)
        return dates.format_datetime(value, form, tzinfo=ZoneInfo(zone), locale=self.locale)

    def clock(self, value: time | datetime | str) -> str:
        """Hours and minutes, as they stand: `2027-06-02T09:00` is 09:00 wherever it is."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value) if "T" in value else time.fromisoformat(value)
        return dates.format_time(value.replace(tzinfo=None), "short", locale=self.locale)

    def zone(self, name: str) -> str:
        """A time zone as people call it: `Europe/Tallinn` is "Eastern European Time"."""
        return dates.get_timezone_name(ZoneInfo(name), zone_variant="generic", locale=self.locale)

    def since(self, seconds: float) -> str:
        """How long ago, in words: 3 weeks ago."""
        return dates.format_timedelta(timedelta(seconds=-seconds), add_direction=True, locale=self.locale)

    def lasting(self, seconds: float) -> str:
        """How long something takes, in words: 10 hours."""
        return dates.format_timedelta(timedelta(seconds=seconds), locale=self.locale)


@lru_cache(len(SPOKEN))
def _locale(tag: str) -> Locale:
    # English as most of its readers here write it: days before months, 24 hours.
    return Locale.parse("en_GB" if tag == "en" else tag)


@lru_cache(len(SPOKEN))
def _catalogue(tag: str) -> gettext.NullTranslations:
    path = CATALOGUES / tag / "pages.po"
    if tag == "en" or not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=tag)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
