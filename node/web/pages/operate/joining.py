"""Joining: how two nodes become partners, by a link or by card files, and the words that both operators compare.

Rules:

- an invitation's link is shown once, in the answer to the form that made it: it is in no address of this node, and kept
  by no cache and nowhere here
- nobody becomes a partner by a click on a link: both sides see who the other says it is and the same eight words, and
  each confirms what it was shown, no other
"""

import asyncio
from typing import Any

from aiohttp import web

from node.api.refusals import Refused
from node.api.role import Role
from node.directory.draft import OWN_ORGANISATION
from node.errors import InputError, ProtocolError
from node.federation.wire import parse_url
from node.protocol.canonical import decode_loose, encode
from node.sentence import said
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see
from node.web.pages.operate.codes import picture
from node.web.pages.operate.partners import NODE, PARTNERS

LARGEST_CARD = 128 * 1024
"""Bytes of a key card's file: one record with its proof."""


class JoiningPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [
            Page(f"{PARTNERS}/invite", show=self._inviting, do=self._invite, role=Role.OPERATOR),
            Page(f"{PARTNERS}/invite/cancel", do=self._cancel, role=Role.OPERATOR),
            Page(f"{PARTNERS}/join", show=self._joining, do=self._join, role=Role.OPERATOR),
            Page(f"{PARTNERS}/card", show=self._card, do=self._add, role=Role.OPERATOR, file=LARGEST_CARD),
            Page(f"{PARTNERS}/card.json", show=self._own_card, role=Role.OPERATOR),
            Page(f"{PARTNERS}/{NODE}/confirm", show=self._show, do=self._settle, role=Role.OPERATOR),
        ]

    async def _inviting(self, _: Asked) -> Answer:
        return View("operate/invite.html", {"reached": bool(self._ground.directory.url), "made": None})

    async def _invite(self, asked: Asked) -> Answer:
        made = await self._ground.operate("invite", {"label": asked.form.get("label", "").strip()})
        code = await asyncio.to_thread(picture, made["link"])
        return View("operate/invite.html", {"reached": True, "made": made, "code": code})

    async def _cancel(self, asked: Asked) -> Answer:
        await self._ground.operate("invitation-cancel", {"id": asked.form.get("id", "")})
        return see(PARTNERS, done="cancelled")

    async def _joining(self, _: Asked) -> Answer:
        return View("operate/join.html")

    async def _join(self, asked: Asked) -> Answer:
        join = await self._ground.operate("join", {"link": asked.form.get("link", "")})
        return see(f"{PARTNERS}/{join['node_id']}/confirm")

    async def _card(self, _: Asked) -> Answer:
        return View("operate/card.html")

    async def _add(self, asked: Asked) -> Answer:
        brought, url = asked.files.get("card"), asked.form.get("url", "").strip()
        if brought is None:
            raise Refused.fields([("card", "choose the file that your partner gave you")], 422)
        try:
            key_card = decode_loose(brought.data)
        except ProtocolError as error:
            sentence = f"this is not a key card ({error}): ask the partner for the file anew"
            raise Refused.fields([("card", sentence)], 422) from error
        if url:
            try:
                url = parse_url(url)
            except InputError as error:
                raise Refused.fields([("url", str(error))], 422) from error
        join = await self._ground.operate("partner-add", {"key_card": key_card, "url": url or None})
        return see(f"{PARTNERS}/{join['node_id']}/confirm")

    async def _own_card(self, _: Asked) -> Answer:
        found = await self._ground.operate("export", {"kind": "organisation", "id": OWN_ORGANISATION})
        name = self._ground.directory.acceptance.me
        return web.Response(
            body=encode(found["signed_record"]) + b"\n",
            content_type="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="{name}.json"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def _show(self, asked: Asked) -> Answer:
        join = await self._waiting(asked.path("node"))
        # The other side may have confirmed while this page was open.
        about = None if join else await self._ground.operate("partner-show", {"node": asked.path("node")})
        values = {"join": join, "about": about, "node": asked.path("node")}
        return View("operate/confirm.html", values, parts=("join",))

    async def _settle(self, asked: Asked) -> Answer:
        node = asked.path("node")
        join = await self._waiting(node)
        if join is None:
            sentence = said("{node} doesn't wait to become a partner any more: look at the list of partners", node=node)
            raise InputError(sentence)
        if asked.form.get("what") == "refuse":
            await self._ground.operate("partner-refuse", {"who": node})
            return see(PARTNERS, done="refused")
        if "same" not in asked.form:
            raise Refused.fields([("same", "tick the box when you have heard the same eight words")], 422)
        shown = asked.form.get("shown", "")
        done = await self._ground.operate(
            "partner-confirm", {"node_id": node, "words": " ".join(join["words"]), "shown": shown}
        )
        return see(f"{PARTNERS}/{node}" if done["partner"] else f"{PARTNERS}/{node}/confirm", done="confirmed")

    async def _waiting(self, node: str) -> dict[str, Any] | None:
        """The join in which a node waits, with what the two operators compare; None where it doesn't wait."""
        joins = (await self._ground.operate("join-list", {}))["joins"]
        if not any(each["node_id"] == node for each in joins):
            return None
        return await self._ground.operate("join-show", {"who": node})
