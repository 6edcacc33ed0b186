"""Records to look at: what ends soon, and what nobody confirmed for long.

Rules:

- confirming says that somebody looked: what is confirmed is what the page showed, in the version that it showed
- what ends is given a new end by whoever changes it; and a person's consent to be named is asked of that person, so
  neither is done by a click here
"""

from functools import partial

from node.api.access import Budget
from node.api.refusals import Refused
from node.api.role import Role
from node.directory import own
from node.sentence import said
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see
from node.web.rendering import fields

EXPIRING = "/operate/expiring"


class ExpiringPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page(EXPIRING, show=self._show, do=self._confirm, role=Role.OPERATOR, budget=Budget.SEARCH)]

    async def _show(self, asked: Asked) -> Answer:
        reader = self._ground.reader(asked)
        due = await self._ground.ask(asked, partial(own.due, reader=reader))
        shown = fields(await self._ground.ask(asked, partial(own.shown, reader=reader, listed=due)))
        values = {
            "total": len(due),
            "confirm": [each for each in shown if each["why"] == "confirm"],
            "others": [each for each in shown if each["why"] != "confirm"],
            "now": self._ground.directory.world.now(),
        }
        return View("operate/expiring.html", values)

    async def _confirm(self, asked: Asked) -> Answer:
        named = asked.several.get("shown" if asked.form.get("what") == "all" else "record", ())
        records = [dict(zip(("kind", "id", "version"), each.split("/"), strict=False)) for each in named]
        if not records or any(len(each) < 3 for each in records):
            raise Refused(said("tick the records that you looked at"), 422)
        await self._ground.operate("confirm", {"records": records})
        return see(EXPIRING, done="confirmed")
