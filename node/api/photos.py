"""Photos over HTTP: one by its hash, and a new one out of a file.

Rules:

- a browser is told the type that the first bytes have, and to believe no other; and as these bytes are a stranger's,
  that nothing in them may run
- the address is the content's hash, so what it answers never changes, and who has it needn't ask again that day; only
  what everybody may see is kept in between
"""

from typing import Literal

from aiohttp import web
from pydantic import Field

from node.api.access import Budget
from node.api.answers import json
from node.api.directory import Directory
from node.api.endpoint import JSON, Call, Endpoint, Gives, Query, Takes
from node.api.refusals import Refused
from node.api.role import Role
from node.directory.reader import Reader
from node.photos.photos import Photos
from node.photos.reencoding import LARGEST_FILE
from node.protocol.names import parse_hash
from node.storage.photos import FORMS, PREFIX

DAY = 86_400
"""Seconds for which what everybody may see is kept in between: an erased photo is gone from there after it."""


class PhotoQuery(Query):
    """How large a photo is asked for."""

    size: Literal["full", "preview"] = Field("full", description="preview: 400 pixels, where this node has it so small")


async def show(call: Call, photos: Photos, reader: Reader) -> web.StreamResponse:
    """The photo at `{hash}`; Refused with 404 where the reader may see none."""
    hash_ = parse_hash(call.path("hash")).hex()
    preview = call.query.size == "preview"
    found = await photos.get(hash_, reader, preview=preview)
    if found is None:
        raise Refused("there is no such photo here that you may see, or its organisation's node can't be reached", 404)
    tag = f"{hash_}-preview" if preview else hash_
    headers = {
        "ETag": f'"{tag}"',
        "Cache-Control": f"{'public' if found.public else 'private'}, max-age={DAY}",
        "Vary": "Authorization",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    if any(each.value in ("*", tag) for each in call.request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.data, content_type=found.form, headers=headers)


async def add(call: Call, photos: Photos) -> web.StreamResponse:
    """Adds the photo in the body, a JPEG, PNG or WebP file; 201, and how a record names it."""
    photo = await photos.add(call.body)
    value = {"photo": PREFIX + photo.hash, "size": len(photo.data)}
    return json(call, value, status=201, headers={"Location": f"{call.request.path}/{photo.hash}"})


class PhotoEndpoints:
    """GET and POST of photos."""

    def __init__(self, photos: Photos, directory: Directory) -> None:
        self._photos = photos
        self._directory = directory

    def endpoints(self) -> list[Endpoint]:
        pictures = {form: {"type": "string", "format": "binary"} for form in FORMS}
        said = {"photo": {"type": "string"}, "size": {"type": "integer"}}
        added = {"type": "object", "required": list(said), "properties": said}
        return [
            Endpoint(
                "GET", "/photo/{hash}", "photo", "A photo that a record names", self._show, query=PhotoQuery,
                gives={200: Gives("the photo", pictures, ("ETag",)), 304: Gives("it is what you have already")},
                tag="photo",
            ),
            Endpoint(
                "POST", "/photo", "add_photo", "Add a photo, for own records to name", self._add,
                gives={201: Gives("how a record names it, and its bytes", {JSON: added}, ("Location",))},
                takes=Takes("a JPEG, PNG or WebP file", media=FORMS, most=LARGEST_FILE),
                role=Role.OPERATOR, budget=Budget.WRITE, tag="photo",
            ),
        ]  # fmt: skip

    async def _show(self, call: Call) -> web.StreamResponse:
        return await show(call, self._photos, self._directory.reader(call.caller))

    async def _add(self, call: Call) -> web.StreamResponse:
        return await add(call, self._photos)
