"""What search engines are told: where they may look, and which pages of this organisation's own there are.

Rules:

- listed are own records that everybody may see; what others publish, their own nodes list
- a node that has no address of its own lists nothing: nobody could come back to it
"""

from functools import partial
from xml.sax.saxutils import escape

from aiohttp import web

from node import kinds
from node.api.access import Budget, Caller
from node.api.refusals import Refused
from node.api.role import Role
from node.directory import companions
from node.exports import linked
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, record_path

MOST = 1_000
"""Records of one kind that are listed."""
_CLOSED = ("/api/", "/search", "/points", "/calendar?", "/login", "/photo/")
"""Addresses that lead to the same again, or to nothing for them."""
_LISTED = linked.KINDS - kinds.PERSONAL


class CrawlerPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._url = ground.directory.url

    def pages(self) -> list[Page]:
        return [
            Page("/robots.txt", show=self._robots),
            Page("/sitemap.xml", show=self._map, budget=Budget.SEARCH),
        ]

    async def _robots(self, asked: Asked) -> Answer:
        del asked
        lines = ["User-agent: *", *(f"Disallow: {path}" for path in _CLOSED)]
        lines += [f"Sitemap: {self._url}/sitemap.xml"] if self._url else []
        return web.Response(text="\n".join([*lines, ""]), headers={"Cache-Control": "public, max-age=3600"})

    async def _map(self, asked: Asked) -> Answer:
        if not self._url:
            raise Refused("this node has no address of its own to list its pages under", 404)
        # Whoever asks: nobody's own eyes belong into a list for everybody.
        reader = self._ground.directory.reader(Caller(Role.PUBLIC))
        has = await self._ground.ask(asked, partial(companions.of_author, reader=reader, author=reader.me, few=MOST))
        paths = ["/", "/network"]
        paths += [
            record_path(kind, record["author"], record["id"])
            for kind in sorted(_LISTED & has.keys())
            for record in has[kind].first
        ]
        urls = "".join(f"<url><loc>{escape(self._url + path)}</loc></url>\n" for path in paths)
        return web.Response(
            text=f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n',
            content_type="application/xml",
            headers={"Cache-Control": "public, max-age=3600"},
        )
