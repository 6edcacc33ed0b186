"""The network: its organisations by country, how each is known, and what it opens to others.

GET /network?country=EE&language=et&standing=honoured
"""

import sqlite3
from itertools import groupby
from typing import Annotated, Any, Literal, get_args

from markupsafe import Markup
from pydantic import BeforeValidator, Field

from node.api.access import Budget
from node.api.endpoint import Query
from node.api.role import Role
from node.directory import companions
from node.directory.draft import OWN_ORGANISATION
from node.directory.network import Listed, Network, network
from node.directory.reader import Reader
from node.exports import Collection, linked
from node.kinds.fields import Country, LanguageTag
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View
from node.web.words import called

MOST_LINKED = 100
"""Organisations that the page says in JSON-LD, too; each has a page that does."""
Standing = Literal["honoured", "listed", "reached"]
STANDINGS: tuple[str, ...] = get_args(Standing)


class NetworkQuery(Query):
    """Which organisations."""

    country: Annotated[Country, BeforeValidator(str.upper)] | None = Field(None, description="where they are")
    language: LanguageTag | None = Field(None, description="a language that they speak")
    standing: Standing | None = Field(None, description="how they are known")


class NetworkPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/network", show=self._show, budget=Budget.SEARCH)]

    async def _show(self, asked: Asked) -> Answer:
        query, reader = asked.query(NetworkQuery), self._ground.reader(asked)
        # To whom they are shown in JSON-LD, the public, nothing is shown that isn't.
        told = asked.visitor.caller.role is Role.PUBLIC and query == NetworkQuery()
        found, things = await self._ground.ask(asked, lambda db: _found(db, reader, linked_too=told))
        shown = [each for each in found.organisations if _answers(each, query)]
        return View(
            "network.html",
            {
                "query": query,
                "countries": _by_country(shown, asked),
                "total": len(shown),
                "more": found.more,
                "choices": _choices(found.organisations, asked),
                "me": reader.me,
                "canonical": f"{self._ground.directory.url}/network" if self._ground.directory.url else "",
                "linked": things,
            },
        )


def _found(db: sqlite3.Connection, reader: Reader, *, linked_too: bool) -> tuple[Network, Markup]:
    found = network(db, reader)
    if not linked_too:
        return found, Markup()
    refs = [f"{each.author}/{OWN_ORGANISATION}" for each in found.organisations if not each.warning][:MOST_LINKED]
    records = companions.named(db, reader, "organisation", refs)
    # It is JSON in which no '<', '>' or '&' stands: see `exports.linked`.
    return found, Markup(b"".join(linked.write(records, Collection(""))).decode())  # noqa: S704


def _answers(each: Listed, query: NetworkQuery) -> bool:
    language = (query.language or "").partition("-")[0].lower()
    return (
        query.country in (None, each.country)
        and language in ("", *each.languages)
        and query.standing in (None, each.standing)
    )


def _by_country(shown: list[Listed], asked: Asked) -> list[tuple[str, list[Listed]]]:
    """The countries by their names in the visitor's language."""
    grouped = [(country, list(those)) for country, those in groupby(shown, key=lambda each: each.country)]
    return sorted(grouped, key=lambda each: asked.language.country(each[0]).casefold())


def _choices(found: list[Listed], asked: Asked) -> dict[str, list[tuple[str, str]]]:
    """What there is to choose from, as pairs of value and text."""
    language = asked.language

    def named(codes: set[str], name: Any) -> list[tuple[str, str]]:
        return sorted(((code, name(code)) for code in codes), key=lambda each: each[1].casefold())

    return {
        "country": named({each.country for each in found}, language.country),
        "language": named({tag for each in found for tag in each.languages}, language.language),
        "standing": [
            (each, called(language, each, "standing_short"))
            for each in STANDINGS
            if any(one.standing == each for one in found)
        ],
    }
