"""Visits as each caller may see and answer them, over the API and on the pages: the one place that says whose they are.

Rules:

- a member sees the visits that its own token asked for, and no other; the operator sees all of both sides
- the desk sees what is asked of this organisation, and of what was asked from here its own alone: a tablet at the
  reception needn't hold the passes of everybody who travels
- the guests' word (agree, cancel, confirm) is theirs who asked, the host's word (answer) any desk's here; which
  role may come so far, the endpoint or page says
- a visit that a caller may not see is not there

    book = Guestbook(operate)
    await book.answer(caller, "bra1.../mzxw6ytboi", "accept", note="Welcome")
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from node.api.access import Caller
from node.api.refusals import Refused
from node.api.role import Role
from node.api.writing import Operate
from node.roaming.journal import NoVisit
from node.roaming.visit import LONGEST_NOTE
from node.roaming.whom import NoVenue
from node.sentence import said

HOSTS = ("accept", "decline", "propose", "arrived", "no-show")
"""What a host may answer, or say of who came."""


class Guestbook:
    """`operate` does an operation of the node's (see `control.visiting`). A visit is named by its id, or `guest/id`."""

    def __init__(self, operate: Operate) -> None:
        self._operate = operate

    async def ask(self, caller: Caller, request: Mapping[str, Any], *, key: str = "") -> dict[str, Any]:
        """Asks for a visit; see `Visits.ask`."""
        seen = sorted(caller.visibilities)
        return await self._operate(
            "visit-ask", {"request": request, "visibilities": seen, "asker": _asker(caller), "key": key}
        )

    async def listing(
        self,
        caller: Caller,
        *,
        side: str | None = None,
        stage: str | None = None,
        before: int | None = None,
        limit: int,
    ) -> dict[str, Any]:
        """The newest visits first; see `showing.listing`."""
        asked = {"side": side, "stage": stage, "before": before, "limit": limit}
        if caller.role is Role.DESK and side != "guest":
            return await self._done("visit-list", {**asked, "side": "host"})
        return await self._done("visit-list", {**asked, "asker": _asker(caller)})

    async def one(self, caller: Caller, visit: str) -> dict[str, Any]:
        """One visit; see `showing.one`."""
        if caller.role is Role.DESK:
            found = await self._done("visit-show", {"visit": visit})
            if found["side"] == "host":
                return found
        return await self._done("visit-show", {"visit": visit, "asker": _asker(caller)})

    async def say(self, caller: Caller, visit: str, answer: str, *, note: str = "") -> dict[str, Any]:
        """The guests' word: agree or cancel."""
        said = {"visit": visit, "answer": answer, "note": _short(note)}
        return await self._done("visit-say", {**said, "asker": _asker(caller)})

    async def confirm(self, caller: Caller, visit: str) -> dict[str, Any]:
        """The guests' word that they came."""
        return await self._done("visit-confirm", {"visit": visit, "asker": _asker(caller)})

    async def answer(
        self, visit: str, answer: str, *, days: Sequence[str] | None = None, note: str = ""
    ) -> dict[str, Any]:
        """The host's word, one of `HOSTS`; of a visit that is asked of this organisation."""
        if answer not in HOSTS:
            raise Refused.fields([("answer", f"write one of {', '.join(HOSTS)}")], 422)
        return await self._done("visit-say", {"visit": visit, "answer": answer, "days": days, "note": _short(note)})

    async def passes(self, caller: Caller, visit: str) -> list[dict[str, Any]]:
        """The pass of each of the people of an accepted visit; see `visit_passes.given`."""
        found = await self._done("visit-passes", {"visit": visit, "asker": _asker(caller)})
        return list(found["passes"])

    async def pack(self, caller: Caller, visit: str, form: str) -> bytes:
        """The trip pack of an accepted visit, in one of `packing.FORMS`."""
        asked = {"visit": visit, "form": form, "visibilities": sorted(caller.visibilities), "asker": _asker(caller)}
        return base64.b64decode((await self._done("visit-pack", asked))["data"])

    async def contacts(
        self, caller: Caller, venue: str, *, topic: str = "", languages: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Whom to call about a venue (`node id/record id`); see `whom.to_call`."""
        asked = {"venue": venue, "topic": topic, "languages": languages, "visibilities": sorted(caller.visibilities)}
        return await self._done("visit-contacts", asked)

    async def keep_days(self) -> int:
        """For how many days after a visit this node keeps what was said of it."""
        return int((await self._operate("visit-rules", {}))["keep_days"])

    async def reciprocity(self) -> dict[str, Any]:
        """Visits and days with each other organisation; see `receipts.reciprocity`."""
        return await self._operate("reciprocity", {})

    async def _done(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self._operate(operation, asked)
        except (NoVisit, NoVenue) as error:
            raise Refused(str(error), 404) from error


def _asker(caller: Caller) -> str:
    """For whom a caller speaks: the operator for the organisation, everybody else for themselves."""
    return "" if caller.role is Role.OPERATOR else caller.id


def _short(note: str) -> str:
    if len(note) > LONGEST_NOTE:
        raise Refused.fields([("note", said("write at most {most} characters", most=LONGEST_NOTE))], 422)
    return note.strip()
