"""The first page and the search: one box, what was found, and what to change where that isn't it.

Rules:

- the address says what was asked (see `asking`), whether a form, a link or a script has sent it
- a question that can't be answered is shown again with what was wrong, and with all that was typed
- how many records there are is counted anew once a minute: it is the same for all who may see the same
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from node.api.access import Budget
from node.api.guestbook import Guestbook
from node.api.reading import MOST_EXPORTED
from node.api.role import Role
from node.directory import companions
from node.directory.reader import Reader
from node.directory.search import Found, Question, census, search
from node.directory.search.facets import MOST_COUNTED
from node.errors import InputError
from node.exports import FORMATS
from node.roaming.visit import Stage
from node.web import asking
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View

PAGE = 20
"""Records that are shown at once."""
COUNTED_FOR = 60
"""Seconds."""
MOST_VISITS = 3
"""Of those to come, on the first page."""

_LOOKED_FOR = frozenset(("organisation", "venue", "event", "offer", "contact", "culture_guide", "practice", "need"))
"""Kinds that people look for. Of the others, keys and signatures, machines know what to make."""

Census = Mapping[str, Sequence[Mapping[str, Any]]]


class SearchPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._book = Guestbook(ground.operate)
        self._counted: dict[Collection[str], tuple[float, Census]] = {}

    def pages(self) -> list[Page]:
        return [Page("/", show=self._home), Page("/search", show=self._search, budget=Budget.SEARCH)]

    # --- the first page -----------------------------------------------------------------------------------------

    async def _home(self, asked: Asked) -> Answer:
        there = await self._census(asked)
        visits = await self._visits(asked) if asked.visitor.caller.role >= Role.MEMBER else []
        values = {
            "kinds": [each for each in there["kind"] if each["value"] in _LOOKED_FOR],
            "countries": there["country"],
            "visits": visits,
            "all_of": partial(asking.address, "/search", Question()),
        }
        return View("home.html", values)

    async def _census(self, asked: Asked) -> Census:
        eyes, now = asked.visitor.caller.visibilities, self._ground.directory.world.now()
        until, there = self._counted.get(eyes, (0.0, {}))
        if now >= until:
            there = await self._ground.ask(asked, partial(census, reader=self._ground.reader(asked)))
            self._counted[eyes] = now + COUNTED_FOR, there
        return there

    async def _visits(self, asked: Asked) -> list[dict[str, Any]]:
        """The visits to come that the visitor may see, the next first."""
        found = await self._book.listing(asked.visitor.caller, side="guest", stage=Stage.COMING, limit=PAGE)
        return sorted(found["visits"], key=lambda visit: str(visit["days"][0]))[:MOST_VISITS]

    # --- the search ---------------------------------------------------------------------------------------------

    async def _search(self, asked: Asked) -> Answer:
        # What was typed stays in the form, also what can't be asked.
        asked = replace(asked, form=dict(asked.request.query))
        view = {"view": "map"} if asked.form.get("view") == "map" else {}
        try:
            question = asked.query(Question)
            page = question.model_copy(update={"limit": PAGE, "facets": question.after is None})
            job = partial(with_venues, reader=self._ground.reader(asked), question=page)
            found, venues = await self._ground.ask(asked, job)
        except InputError as error:
            return View("search.html", {"asked": asked.wrong(error), "found": None, "hidden": (), "view": view}, 400)
        here = partial(asking.address, "/search", question, view)
        values = {
            "asked": asked,
            "question": question,
            "found": found,
            "venues": venues,
            "view": view,
            "here": here,
            "elsewhere": partial(asking.address, question=question, explain=False),
            "chosen": list(asking.chosen(question)),
            "offered": asking.offered(question, found.facets),
            "eased": list(asking.eased(question)),
            "hidden": _hidden(question, view),
            "counted": MOST_COUNTED,
            "formats": _formats(question, found),
            "query": urlencode(asking.pairs(question, explain=False)),
        }
        # What is added to the list is no other address.
        headers = {"HX-Push-Url": here()} if question.after is None else {}
        return View("search.html", values, parts=("results", "more"), headers=headers)


def with_venues(
    db: sqlite3.Connection, *, reader: Reader, question: Question
) -> tuple[Found, dict[str, dict[str, Any]]]:
    """An answer, and the venues that its events are at, by `author/id`."""
    found = search(db, reader, question)
    return found, companions.venues_of(db, reader, found.records)


def _hidden(question: Question, view: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the form sends along without showing it."""
    return [pair for pair in asking.pairs(question) if pair[0] in (*asking.HIDDEN, "explain")] + [*view.items()]


def _formats(question: Question, found: Found) -> list[tuple[str, str]]:
    """The names and extensions of the formats that have words for what was found."""
    kinds = {*question.kind, *(each["value"] for each in found.facets.get("kind", ()))}
    # A table has the columns of one kind, and JSON alone comes in pages.
    return [
        (form.name, form.extension)
        for form in FORMATS.values()
        if kinds & form.kinds
        and (form.extension != "csv" or len(question.kind) == 1)
        and (form.extension == "json" or found.total <= MOST_EXPORTED)
    ]
