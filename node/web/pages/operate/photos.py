"""Photos of this node's own: sent, named by the records that show them, and erased everywhere.

Rules:

- a photo that no record names is erased after a day: one is sent for a venue, or named in a record's form
- removing asks once more: it is taken out of the records that name it
"""

import asyncio
import base64
from functools import partial
from typing import Any

from node.api.refusals import Refused
from node.api.role import Role
from node.directory import own, views
from node.photos.reencoding import LARGEST_FILE
from node.sentence import said
from node.storage.photos import PREFIX
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see
from node.web.rendering import fields

PHOTOS = "/operate/photos"
_MOST_VENUES = 500
"""Venues that are offered for a new photo, the newest."""


class PhotosPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._me = ground.directory.acceptance.me

    def pages(self) -> list[Page]:
        return [
            Page(PHOTOS, show=self._list, do=self._add, role=Role.OPERATOR, file=LARGEST_FILE),
            Page(f"{PHOTOS}/{{hash:[0-9a-f]{{64}}}}/remove", show=self._ask, do=self._remove, role=Role.OPERATOR),
        ]

    async def _list(self, asked: Asked) -> Answer:
        job = partial(own.listing, reader=self._ground.reader(asked), kind="venue", limit=_MOST_VENUES)
        venues = await self._ground.ask(asked, job)
        values = {
            "photos": await self._photos(asked),
            "venues": [(each["id"], each["body"]["name"]) for each in venues.records],
            "megabytes": LARGEST_FILE // 1_000_000,
        }
        return View("operate/photos.html", values)

    async def _add(self, asked: Asked) -> Answer:
        file = asked.files.get("photo")
        if file is None:
            raise Refused.fields([("photo", "choose a picture: JPEG, PNG or WebP")], 422)
        data = await asyncio.to_thread(lambda: base64.b64encode(file.data).decode())
        await self._ground.operate("photo-add", {"data": data, "venue": asked.form.get("venue") or None})
        return see(PHOTOS, done="added")

    async def _ask(self, asked: Asked) -> Answer:
        for photo in await self._photos(asked):
            if photo["hash"] == asked.path("hash"):
                return View("operate/photo.html", {"photo": photo})
        raise Refused(said("there is no such photo of this node: look at the list of photos"), 404)

    async def _remove(self, asked: Asked) -> Answer:
        await self._ground.operate("photo-remove", {"photo": PREFIX + asked.path("hash")})
        return see(PHOTOS, done="removed")

    async def _photos(self, asked: Asked) -> Any:
        """The photos, each with what the records that name it are called."""
        found = (await self._ground.operate("photo-list", {}))["photos"]
        named = {(each["kind"], each["id"]) for photo in found for each in photo["records"]}
        called: dict[tuple[str, str], str] = {}
        for kind in {kind for kind, _ in named}:
            names = {f"{self._me}/{id_}": id_ for of, id_ in named if of == kind}
            headings = await self._ground.ask(asked, partial(views.headings, kind=kind, names=list(names)))
            called |= {(kind, names[name]): heading for name, heading in headings.items()}
        return fields([
            {
                **photo,
                "hash": photo["photo"].removeprefix(PREFIX),
                "records": [
                    {**each, "name": called.get((each["kind"], each["id"]), each["id"])} for each in photo["records"]
                ],
            }
            for photo in found
        ])  # fmt: skip
