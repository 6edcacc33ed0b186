"""Photos over HTTP between nodes, asked by a raw client: who is answered, and who isn't."""

import hashlib
from pathlib import Path

import pytest

from node.config import Photos as Caps
from node.directory.draft import Change
from node.federation import wire
from node.storage import authors
from node.storage import photos as stored
from node.trust.reach import Standing
from tests.directory.small_node import signatory
from tests.federation.test_server import Served
from tests.nodes import venue
from tests.photos.pictures import small_jpeg
from tests.protocol.builders import Author

PHOTO = small_jpeg()
HASH = hashlib.sha256(PHOTO).hexdigest()
PATH = f"{wire.PREFIX}/photos/{HASH}"


async def hold(served: Served, visibility: str) -> None:
    """The node holds a photo that a venue of its own names."""
    node = served.node
    node.database.write_now(lambda db: stored.add(db, node.mine().no, HASH, PHOTO, PHOTO, node.clock.time, Caps()))
    body = {key: value for key, value in venue("desk", photos=[f"sha256:{HASH}"]).items() if key != "ref"}
    node.clock.pass_by(2)
    await node.publish(Change("venue", body, id="desk", visibility=visibility))


ASKED = {
    "a partner, for a photo of a public record": ("public", Standing.HONOURED, 200),
    "a partner, for one of a record for members": ("members", Standing.HONOURED, 200),
    "the merely listed, for one of a public record": ("public", Standing.LISTED, 200),
    "the merely listed, for one of a record for members": ("members", Standing.LISTED, 404),
    "a partner, for one of a record that never leaves": ("local", Standing.HONOURED, 404),
    "the merely reached": ("public", Standing.REACHED, 403),
}


@pytest.mark.parametrize("what", ASKED)
async def test_it_is_answered_as_the_body_of_the_record_would_be_to(what: str, tmp_path: Path) -> None:
    visibility, standing, expected = ASKED[what]
    riga = signatory("riga")
    async with Served.opened(tmp_path) as served:
        await hold(served, visibility)
        served.node.accept(riga, standing)
        status, body = await served.ask("GET", PATH, by=riga)
        assert status == expected, body
        assert (body == PHOTO) is (expected == 200)


async def test_a_stranger_and_who_signs_nothing_are_refused(tmp_path: Path) -> None:
    async with Served.opened(tmp_path) as served:
        await hold(served, "public")
        assert (await served.ask("GET", PATH, by=Author("nobody")))[0] == 403
        status, body = await served.ask("GET", PATH, headers={})
        assert status in (400, 401)
        assert body != PHOTO


@pytest.mark.parametrize("hash_", ["ab" * 32, HASH.upper(), "..%2f..%2fnode.db", "x", HASH + "0"])
async def test_what_is_not_held_or_no_hash_is_refused(hash_: str, tmp_path: Path) -> None:
    async with Served.opened(tmp_path) as served:
        await hold(served, "public")
        status, _ = await served.ask("GET", f"{wire.PREFIX}/photos/{hash_}")
        assert status == (404 if hash_ == "ab" * 32 else 400)


async def test_a_photo_of_a_damaged_set_is_told_to_nobody(tmp_path: Path) -> None:
    async with Served.opened(tmp_path) as served:
        await hold(served, "public")
        served.node.database.write_now(lambda db: authors.mark(db, served.node.mine().no, damaged=True))
        assert (await served.ask("GET", PATH))[0] == 404
