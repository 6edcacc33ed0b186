"""A member's visits: those asked for, what comes next in each, and the passes.

Rules:

- whose visits somebody sees, the guestbook says. Here are those that were asked from this node
- what can't be taken back is asked once more, on a page of its own
- a pass is drawn when it is asked for, and kept by no cache; its text opens a door, so it is in no address
"""

import asyncio
import base64
from functools import partial

from aiohttp import web

from node.api.guestbook import Guestbook
from node.api.refusals import Refused
from node.api.role import Role
from node.api.visits import PACKS, packed
from node.errors import InputError
from node.roaming.visit import EXPECTED, LONGEST_NOTE
from node.sentence import said
from node.web.ground import Ground
from node.web.opening import week
from node.web.page import Answer, Asked, Page, View, see
from node.web.pages.stages import stages

CODES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}


class VisitsPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._book = Guestbook(ground.operate)

    def pages(self) -> list[Page]:
        page = partial(Page, role=Role.MEMBER)
        return [
            page("/visits", show=self._list),
            page("/visits/{visit}", show=self._one, do=self._say),
            page("/visits/{visit}/cancel", show=self._sure, do=self._cancel),
            page("/visits/{visit}/trip.{form}", show=self._pack),
            page("/visits/{visit}/pass", show=self._passes),
            page("/visits/{visit}/pass/{number}.{form}", show=self._code),
        ]

    async def _list(self, asked: Asked) -> Answer:
        found = await stages(asked, partial(self._book.listing, asked.visitor.caller, side="guest"))
        return View("visits/mine.html", {"stages": found})

    async def _one(self, asked: Asked) -> Answer:
        visit = await self._book.one(asked.visitor.caller, self._name(asked))
        about = hours = None
        try:
            wanted = [visit["request"]["language"], *asked.language.wanted]
            about = await self._book.contacts(asked.visitor.caller, visit["venue"], languages=wanted)
            hours = await asyncio.to_thread(week, about["venue"]["body"], self._ground.directory.world.now())
        except InputError:
            # The venue is gone, or not for these eyes any more; the visit is still theirs.
            pass
        values = {"visit": visit, "about": about, "week": hours, "expected": visit["state"] in EXPECTED}
        return View("visits/one.html", values)

    async def _say(self, asked: Asked) -> Answer:
        answer, name = asked.form.get("answer", ""), self._name(asked)
        if answer == "confirm":
            await self._book.confirm(asked.visitor.caller, name)
        elif answer == "agree":
            await self._book.say(asked.visitor.caller, name, "agree", note=asked.form.get("note", ""))
        else:
            raise Refused(said("choose one of the answers"), 400)
        return see(asked.request.path, done=answer)

    async def _sure(self, asked: Asked) -> Answer:
        visit = await self._book.one(asked.visitor.caller, self._name(asked))
        return View("visits/cancel.html", {"visit": visit, "longest": LONGEST_NOTE})

    async def _cancel(self, asked: Asked) -> Answer:
        await self._book.say(asked.visitor.caller, self._name(asked), "cancel", note=asked.form.get("note", ""))
        return see(f"/visits/{asked.path('visit')}", done="cancelled")

    async def _passes(self, asked: Asked) -> Answer:
        visit = await self._book.one(asked.visitor.caller, self._name(asked))
        passes = await self._book.passes(asked.visitor.caller, self._name(asked))
        venue = await self._venue(asked, visit["venue"])
        return View("visits/pass.html", {"visit": visit, "passes": passes, "venue": venue})

    async def _code(self, asked: Asked) -> Answer:
        form, number = asked.path("form"), asked.path("number")
        passes = await self._book.passes(asked.visitor.caller, self._name(asked))
        tokens = {str(number): each["token"] for number, each in enumerate(passes, 1) if "token" in each}
        if form not in CODES or number not in tokens:
            raise Refused(said("there is no such pass: go back to the visit"), 404)
        made = await self._ground.operate("pass-render", {"token": tokens[number], "form": form})
        headers = {
            "Content-Type": CODES[form],
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        if form == "pdf":
            headers["Content-Disposition"] = f'attachment; filename="pass-{number}.pdf"'
        return web.Response(body=base64.b64decode(made["data"]), headers=headers)

    async def _pack(self, asked: Asked) -> Answer:
        if (form := asked.path("form")) not in PACKS:
            forms = ", ".join(PACKS)
            raise Refused(said("there is no trip pack in this form: take {forms}", forms=forms), 404)
        return packed(await self._book.pack(asked.visitor.caller, self._name(asked), form), form)

    async def _venue(self, asked: Asked, name: str) -> dict[str, object] | None:
        author, _, id_ = name.partition("/")
        try:
            return await self._ground.record(asked, "venue", author, id_)
        except Refused:
            return None

    def _name(self, asked: Asked) -> str:
        """The visit's whole name: it was asked from here, whatever ids other guests draw."""
        return f"{self._ground.directory.acceptance.me}/{asked.path('visit')}"
