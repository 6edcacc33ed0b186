"""Tokens and sessions: who may ask this node, and as what; who is logged in at its pages.

Rules:

- a token is shown once, in the answer to the form that made it: it is in no address, and kept by no cache
- revoking asks once more, and ends what was begun with the token
"""

import asyncio
import re
from typing import Any

from node.api.refusals import Refused
from node.api.role import Role
from node.sentence import said
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see
from node.web.pages.operate.codes import picture

TOKENS = "/operate/tokens"
LASTS = {"12h": 12 * 3_600, "7d": 7 * 86_400, "90d": 90 * 86_400, "366d": 366 * 86_400}
"""How long a token may be good, in seconds, as the form names it."""
_FEED = re.compile(r"/api/v1/[a-z_]+\.[a-z]+", re.ASCII)


class TokensPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [
            Page(TOKENS, show=self._list, do=self._create, role=Role.OPERATOR),
            Page(f"{TOKENS}/{{id}}/revoke", show=self._ask, do=self._revoke, role=Role.OPERATOR),
            Page("/operate/sessions/end", do=self._end, role=Role.OPERATOR),
        ]

    async def _list(self, _: Asked) -> Answer:
        return await self._shown(None)

    async def _create(self, asked: Asked) -> Answer:
        form = asked.form
        if (lasts := LASTS.get(form.get("lasts", ""))) is None:
            raise Refused.fields([("lasts", "choose how long it is to be good")], 422)
        if not (label := form.get("label", "").strip()):
            raise Refused.fields([("label", "say whom or what it is for")], 422)
        feed = form.get("feed", "").strip() or None
        if feed is not None and not _FEED.fullmatch(feed):
            raise Refused.fields([("feed", "give a feed's path, such as /api/v1/event.ics, or leave it empty")], 422)
        linked = feed is None and bool(self._ground.directory.url)
        wanted = {"role": form.get("role", ""), "label": label, "lasts": lasts, "feed": feed, "link": linked}
        return await self._shown(await self._ground.operate("token-create", wanted))

    async def _shown(self, made: dict[str, Any] | None) -> Answer:
        tokens = (await self._ground.operate("token-list", {}))["tokens"]
        sessions = (await self._ground.operate("session-list", {}))["sessions"]
        code = await asyncio.to_thread(picture, made["link"]) if made and "link" in made else ""
        return View("operate/tokens.html", {"tokens": tokens, "sessions": sessions, "made": made, "code": code})

    async def _ask(self, asked: Asked) -> Answer:
        for token in (await self._ground.operate("token-list", {}))["tokens"]:
            if token["id"] == asked.path("id"):
                return View("operate/revoke.html", {"token": token})
        raise Refused(said("there is no such token: look at the list of tokens"), 404)

    async def _revoke(self, asked: Asked) -> Answer:
        await self._ground.operate("token-revoke", {"id": asked.path("id")})
        return see(TOKENS, done="revoked")

    async def _end(self, asked: Asked) -> Answer:
        await self._ground.operate("session-end", {"id": asked.form.get("id", "")})
        return see(TOKENS, done="ended")
