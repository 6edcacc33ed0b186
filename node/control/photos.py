"""Operations on this node's own photos."""

import base64
import binascii
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.directory import views
from node.directory.draft import Change
from node.errors import InputError, Malformed
from node.protocol.names import format_time, parse_hash
from node.storage.photos import PREFIX


class Album:
    """photo-add, photo-list, photo-remove."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"photo-add": self.add, "photo-list": self.list_own, "photo-remove": self.remove}

    async def add(self, *, data: str, venue: str | None = None) -> dict[str, Any]:
        """Adds a photo out of a file's bytes (base64), and names it in an own venue, if one is given."""
        shown = await self._own("venue", venue) if venue else None
        try:
            photo = await self._parts.photos.add(base64.b64decode(data, validate=True))
        except binascii.Error as error:
            raise InputError("the file didn't come whole: send it as base64") from error
        if shown is not None:
            named = (*shown["body"].get("photos", ()), PREFIX + photo.hash)
            await self._publish(shown, {**shown["body"], "photos": list(dict.fromkeys(named))})
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
            shown = await self._own(kind, id_)
            await self._publish(shown, _without(shown["body"], PREFIX + hash_))
        await self._parts.photos.remove(hash_)
        return {"photo": PREFIX + hash_, "records": len(held.records) if held else 0}

    async def _own(self, kind: str, id_: str) -> dict[str, Any]:
        """An own record as it is shown to the operator."""
        reader = self._parts.reader()
        found = await self._parts.database.read(lambda db: views.one(db, reader, kind, self._parts.acceptance.me, id_))
        if found is None:
            raise InputError(f"there is no {kind} {id_[:64]!r} of this node's own: look with 'bra list {kind}'")
        return found

    async def _publish(self, shown: dict[str, Any], body: dict[str, Any]) -> None:
        change = Change(shown["kind"], body, id=shown["id"], version=shown["version"])
        await self._parts.publisher.publish([change])


def _without(body: dict[str, Any], picture: str) -> dict[str, Any]:
    """The body without a picture."""
    left = {**body, "photos": [each for each in body["photos"] if each != picture]} if "photos" in body else dict(body)
    if left.get("logo") == picture:
        del left["logo"]
    return left
