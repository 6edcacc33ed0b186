"""Operations on this node's own photos."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory import views
from node.directory.draft import Change, ChangedMeanwhile
from node.errors import InputError, Malformed
from node.protocol.names import format_time, parse_hash
from node.storage.photos import PREFIX

_TRIES = 20
"""Each that fails is somebody else's change that was made."""


class Album:
    """photo-add, photo-list, photo-remove."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"photo-add": self.add, "photo-list": self.list_own, "photo-remove": self.remove}

    async def add(self, *, data: str, venue: str | None = None) -> dict[str, Any]:
        """Adds a photo out of a file's bytes (base64), and names it in an own venue, if one is given."""
        if venue:
            await self._own("venue", venue)
        try:
            photo = await self._parts.photos.add(base64.b64decode(data, validate=True))
        except binascii.Error as error:
            raise InputError("the file didn't come whole: send it as base64") from error
        if venue:
            await self._change("venue", venue, lambda body: _with(body, PREFIX + photo.hash))
        return {"photo": PREFIX + photo.hash, "size": len(photo.data)}

    async def list_own(self) -> dict[str, Any]:
        """The photos of this node's own, the newest first, each with the records that name it."""
        return {
            "photos": [
                {
                    "photo": PREFIX + each.hash,
                    "size": each.size,
                    "added": format_time(each.added),
                    "records": [{"kind": kind, "id": id_} for kind, id_ in each.records],
                }
                for each in await self._parts.photos.own()
            ]
        }

    async def remove(self, *, photo: str) -> dict[str, Any]:
        """Takes an own photo out of the records that name it, which is a new state, and erases it."""
        try:
            hash_ = parse_hash(photo.removeprefix(PREFIX)).hex()
        except Malformed as error:
            raise InputError(f"{photo[:100]!r} is no photo: name it as 'bra photo list' does") from error
        held = next((each for each in await self._parts.photos.own() if each.hash == hash_), None)
        for kind, id_ in held.records if held else ():
            await self._change(kind, id_, lambda body: _without(body, PREFIX + hash_))
        await self._parts.photos.remove(hash_)
        return {"photo": PREFIX + hash_, "records": len(held.records) if held else 0}

    async def _own(self, kind: str, id_: str) -> dict[str, Any]:
        """An own record as it is shown to the operator."""
        reader = self._parts.reader()
        found = await self._parts.database.read(lambda db: views.one(db, reader, kind, self._parts.acceptance.me, id_))
        if found is None:
            raise InputError(f"there is no {kind} {id_[:64]!r} of this node's own: look with 'bra list {kind}'")
        return found

    async def _change(self, kind: str, id_: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Publishes an own record with its body changed; whoever changed it meanwhile loses nothing by that."""
        for left in reversed(range(_TRIES)):
            shown = await self._own(kind, id_)
            again = Change(kind, change(shown["body"]), id=id_, version=shown["version"])
            try:
                await self._parts.publisher.publish([again])
            except ChangedMeanwhile:
                if not left:
                    raise
            else:
                return


def _with(body: dict[str, Any], photo: str) -> dict[str, Any]:
    """The body with one more photo."""
    return {**body, "photos": list(dict.fromkeys((*body.get("photos", ()), photo)))}


def _without(body: dict[str, Any], picture: str) -> dict[str, Any]:
    """The body without a picture."""
    left = {**body, "photos": [each for each in body["photos"] if each != picture]} if "photos" in body else dict(body)
    if left.get("logo") == picture:
        del left["logo"]
    return left
