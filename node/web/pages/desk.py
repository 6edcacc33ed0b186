"""The desk's page: a pass is scanned or typed, and one verdict shown.

Rules:

- it works without scripts: the form is sent, and the answer shows the verdict. It names somebody, so nothing keeps it,
  and no pass stands in an address
- the venue whose desk this is stands in the address: a tablet is set up once, by a link
- where the node can't be reached, the page judges by what it was told before (see `roaming.offline`), and says later
  who has arrived. Its worker keeps this page for that time, and no other; the page and the worker are for everybody's
  eyes, what the desk is told is not
- what it is told is made at most twice a minute, whoever asks, and not sent again to a device that has it (ETag)
"""

import asyncio
import re
import sqlite3
from functools import cache
from typing import Any

import orjson
from aiohttp import web

from node.api import answers
from node.api.endpoint import JSON, Call
from node.api.refusals import Refused
from node.api.role import Role
from node.protocol.names import LARGEST_INTEGER
from node.roaming.desk import WHY
from node.roaming.passes import LONGEST
from node.roaming.visit import CALLED
from node.sentence import said
from node.storage import authors, records
from node.web import assets
from node.web.ground import Ground
from node.web.languages import Language
from node.web.page import Answer, Asked, Page, View

TOLD_SECONDS = 30.0
"""For how long what desks are told is not made anew."""
_MOST_VENUES = 1_000
_KEPT = (
    "static/base.css", "static/desk.css", "static/base.js", "static/verdict.js", "static/scan.js", "static/desk.js",
    "static/icon.svg", "vendor/jsqr/jsQR.js",
)  # fmt: skip
"""What the page is made with."""
_SAID = re.compile(r'\bsaid\(\s*"([^"]+)"')


class DeskPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._told: tuple[float, bytes, str] = (0.0, b"", "")
        self._telling = asyncio.Lock()

    def pages(self) -> list[Page]:
        return [
            Page("/desk", show=self._show, do=self._judge, role=Role.DESK, camera=True),
            Page("/desk/verdict", do=self._verdict, role=Role.DESK),
            Page("/desk/bundle", show=self._bundle, role=Role.DESK),
            Page("/desk/worker.js", show=self._worker),
            Page("/desk/manifest.webmanifest", show=self._manifest),
        ]

    async def _show(self, asked: Asked) -> Answer:
        return await self._view(asked, asked.form.get("venue") or asked.request.query.get("venue", ""))

    async def _judge(self, asked: Asked) -> Answer:
        found, noted = await self._judged(asked), "arrived" in asked.form
        judged = {"found": found, "token": asked.form["token"].strip(), "noted": noted}
        return await self._view(asked, asked.form.get("venue", ""), judged)

    async def _verdict(self, asked: Asked) -> Answer:
        """The same for the page's script: what `/api/v1/desk/verify` answers, with the sentence in the page's language.

        `lang` is there where that isn't so.
        """
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        found = await self._judged(asked)
        told = asked.language.told(found["sentence"])
        lang = {"lang": told.tag} if told.tag else {}
        return web.json_response({**found, "sentence": told.text, **lang}, headers=headers)

    async def _judged(self, asked: Asked) -> dict[str, Any]:
        token, venue = asked.form.get("token", "").strip(), asked.form.get("venue", "")
        if not token:
            raise Refused.fields([("token", said("scan the pass, or type what stands below its code"))], 422)
        if len(token) > LONGEST:
            raise Refused.fields([("token", said("this is longer than any pass: scan it again"))], 422)
        shown: dict[str, Any] = {"token": token, "venue": venue or None}
        if "arrived" not in asked.form:
            return await self._ground.operate("desk-verify", shown)
        if at := asked.form.get("at", ""):
            if not (at.isascii() and at.isdigit() and len(at) <= 20 and int(at) <= LARGEST_INTEGER):
                raise Refused.fields([("at", said("say when it was in seconds since 1970"))], 422)
            shown["at"] = int(at)
        return await self._ground.operate("desk-arrived", shown)

    async def _view(self, asked: Asked, venue: str, judged: dict[str, Any] | None = None) -> Answer:
        venues = await self._ground.ask(asked, self._venues)
        values = {"venues": venues, "venue": venue, "found": None, "token": "", "noted": False, **(judged or {})}
        values["sentences"] = await asyncio.to_thread(sentences, asked.language)
        return View("desk.html", values, headers={"Cache-Control": "no-store"})

    async def _bundle(self, asked: Asked) -> Answer:
        """What the desk needs to judge by itself. `Told-At`: as of when, in seconds; it isn't news by itself."""
        at, data, tag = await self._newest()
        headers = {"Told-At": str(int(at)), "Cache-Control": "no-store", "Vary": "Cookie"}
        return answers.body(Call(asked.request, asked.visitor.caller, None), data, JSON, tag=tag, headers=headers)

    async def _newest(self) -> tuple[float, bytes, str]:
        now = self._ground.directory.world.now
        async with self._telling:
            if not 0 <= now() - self._told[0] < TOLD_SECONDS:
                at = now()
                told = await self._ground.operate("desk-told", {})
                data, tag = await asyncio.to_thread(_written, told)
                self._told = at, data, tag
            return self._told

    async def _worker(self, asked: Asked) -> Answer:
        del asked
        # It is another worker, and keeps all anew, when any of these files is another.
        kept = f"const KEPT = {orjson.dumps([assets.url(name) for name in _KEPT]).decode()};\n"
        script = await asyncio.to_thread((assets.FOLDER / "desk-worker.js").read_text)
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": assets.CONTENT_SECURITY_POLICY,
            "Service-Worker-Allowed": "/desk",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(text=kept + script, content_type="text/javascript", headers=headers)

    async def _manifest(self, asked: Asked) -> Answer:
        manifest = {
            "id": "/desk",
            "name": asked.language.gettext("Desk"),
            "start_url": "/desk",
            "scope": "/desk",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#0b5c7a",
            "icons": [{"src": assets.url("static/icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
        }
        headers = {"Cache-Control": "no-cache", "Vary": "Cookie, Accept-Language", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=orjson.dumps(manifest), content_type="application/manifest+json", headers=headers)

    def _venues(self, db: sqlite3.Connection) -> list[tuple[str, str]]:
        """The own venues, by id and name."""
        me = authors.find(db, self._ground.directory.acceptance.me)
        if me is None:
            return []
        found = [id_ for _, id_, _ in records.of_kind(db, me.no, "venue", most=_MOST_VENUES)]
        named = [(id_, body["name"]) for id_ in found if (body := records.body(db, me.no, "venue", id_))]
        return sorted(named, key=lambda each: each[1].casefold())


def sentences(language: Language) -> dict[str, str]:
    """What the page says where it judges by itself, each sentence's template with its translation."""
    return {each: found for each in _templates() if (found := language.gettext(each)) != each}


@cache
def _templates() -> tuple[str, ...]:
    """The templates in the page's script, and of what it was told: they are the core's, and in the catalogues."""
    script = (assets.FOLDER / "verdict.js").read_text()
    return (*_SAID.findall(script), *(each.template for each in (*CALLED.values(), *WHY.values())))


def _written(told: dict[str, Any]) -> tuple[bytes, str]:
    data = orjson.dumps(told)
    return data, answers.etag(data)
