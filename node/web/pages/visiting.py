"""Asking to visit, as a member: the form, and what it comes to.

Rules:

- whatever the venue wants to be asked ahead, and where what is typed goes, is said before it is typed
- the form works without scripts: one more person is one more row of the same form, sent and shown again
- it carries a key of its own: sent twice, it is one visit (see `Visits.ask`)
- what a member said last time is proposed again; the operator speaks for everybody, and is proposed nothing
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from node.api.guestbook import Guestbook
from node.api.refusals import Refused
from node.api.role import Role
from node.errors import InputError, Malformed
from node.protocol import names
from node.protocol.names import decode_base64, encode_base64
from node.roaming import availability
from node.roaming.request import LONGEST_PURPOSE, MOST_PEOPLE, Request
from node.sentence import said
from node.web.ground import Ground
from node.web.languages import SPOKEN, Language
from node.web.opening import week
from node.web.page import Answer, Asked, Page, View, see

LANGUAGES = (
    *SPOKEN, "bg", "cs", "da", "el", "es", "fi", "ga", "hr", "hu", "is", "it", "ja", "ko", "mt", "nb", "nl", "pt", "ro",
    "sk", "sl", "tr", "uk", "yue", "zh",
)  # fmt: skip
"""In which guests may ask to be answered."""
_KEY = 16
"""Bytes."""
_PLACE = re.compile(r"people\[(\d+)\](?:\.(\w+))?")

LocalDay = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", description="a day such as 2027-06-02")]


class Wanted(BaseModel):
    """The days that whoever follows a link to the form has in mind."""

    model_config = ConfigDict(frozen=True)

    from_: LocalDay | None = Field(None, alias="from")
    until: LocalDay | None = None


class VisitingPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._book = Guestbook(ground.operate)

    def pages(self) -> list[Page]:
        return [Page("/venue/{author}/{id}/visit", show=self._form, do=self._ask, role=Role.MEMBER)]

    async def _form(self, asked: Asked) -> Answer:
        author, id_ = names.parse_node_id(asked.path("author")), names.parse_record_id(asked.path("id"))
        venue = await self._ground.record(asked, "venue", author, id_)
        world = self._ground.directory.world
        wanted = asked.query(Wanted)
        before = {} if asked.form else await self._before(asked)
        people = _people(asked.form) + ("more" in asked.form)
        values = {
            "venue": venue,
            "own": author == self._ground.directory.acceptance.me,
            "bounds": availability.within(venue["body"], world.now()),
            "week": await asyncio.to_thread(week, venue["body"], world.now()),
            "wanted": wanted,
            "before": before,
            "people": range(1, min(people, MOST_PEOPLE) + 1),
            "more": people < MOST_PEOPLE,
            "longest": LONGEST_PURPOSE,
            "tongues": _tongues(asked.language),
            "key": asked.form.get("key") or encode_base64(world.random(_KEY)),
            "keep_days": await self._book.keep_days(),
        }
        return View("visits/ask.html", values, parts=("people",))

    async def _ask(self, asked: Asked) -> Answer:
        if "more" in asked.form:
            return await self._form(asked)
        author, id_ = names.parse_node_id(asked.path("author")), names.parse_record_id(asked.path("id"))
        request, rows = _request(f"{author}/{id_}", asked.form)
        if faults := list(_faults(Request.problems(request), rows)):
            several = said("some of the fields can't be taken as they are: look at each of them")
            raise Refused(faults[0][1] if len(faults) == 1 else several, 422, faults=faults)
        try:
            key = encode_base64(decode_base64(asked.form.get("key", ""), _KEY))
        except Malformed as error:
            raise Refused(said("this form was not whole: load the page again"), 400) from error
        try:
            found = await self._book.ask(asked.visitor.caller, request, key=key)
        except InputError as error:
            raise Refused(str(error), 422, faults=list(_faults([(error.field or "", str(error))], rows))) from error
        return see(f"/visits/{found['visit']}", done="asked")

    async def _before(self, asked: Asked) -> Mapping[str, Any]:
        """What the same member said when they asked last."""
        caller = asked.visitor.caller
        if caller.role is Role.OPERATOR:
            return {}
        found = (await self._book.listing(caller, side="guest", limit=1))["visits"]
        return found[0]["request"] if found else {}


def _people(form: Mapping[str, str]) -> int:
    """How many rows for people the form had."""
    said = form.get("people", "1")
    return min(max(int(said), 1), MOST_PEOPLE) if said.isascii() and said.isdigit() and len(said) < 3 else 1


def _request(venue: str, form: Mapping[str, str]) -> tuple[dict[str, Any], list[int]]:
    """What the form asks for, and the rows that its people stand in. Empty rows are nobody."""
    said = {name: text.strip() for name, text in form.items()}
    rows = [row for row in range(1, _people(form) + 1) if said.get(f"name{row}") or said.get(f"email{row}")]
    first = said.get("from", "")
    request: dict[str, Any] = {
        "venue": venue,
        "days": [first, said.get("until") or first],
        "company": said.get("company", ""),
        "people": [
            {"name": said.get(f"name{row}", ""), **({"email": email} if (email := said.get(f"email{row}")) else {})}
            for row in rows
        ],
        "purpose": said.get("purpose", ""),
        "language": said.get("language", ""),
    }
    if arrival := said.get("arrival"):
        request["arrival"] = arrival
    return request, rows


def _faults(problems: list[tuple[str, str]], rows: list[int]) -> Iterator[tuple[str, str]]:
    """What is wrong, by the fields of the form; a fault of none stands above it alone."""
    of_days = {where: sentence for where, sentence in problems if where.startswith("days[")}
    for where, sentence in problems:
        # An empty last day is the first once more; and that days don't fit together follows from one that is none.
        if (where == "days[1]" and sentence == of_days.get("days[0]")) or (where == "days" and of_days):
            continue
        if place := _PLACE.match(where):
            number = int(place[1])
            yield f"{place[2] or 'name'}{rows[number] if number < len(rows) else 1}", sentence
        elif where == "people":
            yield ("email1" if rows else "name1"), sentence
        elif where.startswith("days"):
            yield ("until" if where == "days[1]" else "from"), sentence
        elif where in ("company", "purpose", "language", "arrival"):
            yield where, sentence


def _tongues(language: Language) -> list[tuple[str, str]]:
    """The languages to be answered in, each with its name, by their names."""
    named = [(tag, language.language(tag)) for tag in LANGUAGES]
    return sorted(named, key=lambda each: each[1].casefold())
