"""Visits that are asked of this organisation: the inbox, the answers, who came, and what is hosted and travelled.

Rules:

- the desk answers as the operator does; what was done for each other organisation is the operator's to see
- an answer is given in the list or on the visit's own page; what is wrong with it is said on the latter
- a visit is named by its guests' node, too: they choose their ids, and nobody should be able to hide behind another's
"""

from functools import partial
from typing import Any

from node.api.guestbook import Guestbook
from node.api.refusals import Refused
from node.api.role import Role
from node.errors import InputError
from node.protocol import names
from node.roaming import availability
from node.roaming.visit import LONGEST_NOTE, Days
from node.sentence import said
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see
from node.web.pages.stages import stages

LIST = "/host"


class HostingPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._book = Guestbook(ground.operate)

    def pages(self) -> list[Page]:
        return [
            Page(LIST, show=self._list, role=Role.DESK),
            Page("/host/reciprocity", show=self._reciprocity, role=Role.OPERATOR),
            Page("/host/{guest}/{visit}", show=self._one, do=self._answer, role=Role.DESK),
        ]

    async def _list(self, asked: Asked) -> Answer:
        found = await stages(asked, partial(self._book.listing, asked.visitor.caller, side="host"))
        for stage in found.values():
            stage["visits"] = [self._with_time_left(visit) for visit in stage["visits"]]
        return View("visits/inbox.html", {"stages": found, "longest": LONGEST_NOTE}, parts=("inbox",))

    async def _one(self, asked: Asked) -> Answer:
        visit = await self._book.one(asked.visitor.caller, _name(asked))
        if visit["side"] != "host":
            raise Refused(said("this visit was asked from here: look for it among your visits"), 404)
        begun = availability.starts(visit["time_zone"], Days(*visit["days"])) <= self._now()
        values = {"visit": self._with_time_left(visit), "begun": begun, "longest": LONGEST_NOTE}
        return View("visits/hosted.html", values)

    async def _answer(self, asked: Asked) -> Answer:
        said, form = asked.form.get("answer", ""), asked.form
        first = form.get("first", "")
        days = [first, form.get("last") or first] if said == "propose" else None
        try:
            await self._book.answer(_name(asked), said, days=days, note=form.get("note", ""))
        except InputError as error:
            if error.field == "days":
                raise Refused(str(error), 422, faults=[("first", str(error))]) from error
            raise
        return see(LIST if form.get("back") == "list" else asked.request.path, done=said)

    async def _reciprocity(self, asked: Asked) -> Answer:
        del asked
        return View("visits/reciprocity.html", {"partners": (await self._book.reciprocity())["partners"]})

    def _with_time_left(self, visit: dict[str, Any]) -> dict[str, Any]:
        """With `left`, the seconds until an answer is expected, where it is."""
        by = visit.get("answer_by")
        return {**visit, "left": names.parse_time(by) - self._now()} if by else visit

    def _now(self) -> float:
        return self._ground.directory.world.now()


def _name(asked: Asked) -> str:
    return f"{names.parse_node_id(asked.path('guest'))}/{names.parse_record_id(asked.path('visit'))}"
