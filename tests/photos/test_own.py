"""Photos of this node's own, when a photo is erased, and to which nodes it is told."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from node.directory.draft import Change
from node.errors import InputError
from node.federation import sending
from node.protocol.record import tree_key
from node.storage import partners
from node.storage import photos as stored
from node.storage.photos import PREFIX
from tests.directory.small_node import organisation_body, signatory
from tests.photos.ground import ALL, HASH, PHOTO, VENUE, Ground, ground, shown, venue_body
from tests.photos.lying import answer, lying
from tests.photos.pictures import encoded, noise, small_jpeg

# --- its own -----------------------------------------------------------------------------------------------------


async def test_an_own_photo_is_shown_with_its_preview_once_a_record_names_it(here: Ground) -> None:
    photo = await here.photos.add(encoded(noise(2_000, 1_000)))
    assert await here.get(photo.hash) is None
    assert await here.get(photo.hash, sees=ALL) is not None, "the operator looks at what was added"
    await here.node.publish(Change("venue", venue_body(photo.hash), id="desk"))
    assert await here.get(photo.hash) == replace(photo, public=True)
    preview = await here.get(photo.hash, preview=True)
    assert preview is not None
    assert len(preview.data) < len(photo.data)


async def test_a_record_that_names_a_photo_that_is_not_held_is_not_published(here: Ground) -> None:
    with pytest.raises(InputError, match=f"this node holds no photo sha256:{HASH}: add its file first"):
        await here.node.publish(Change("venue", venue_body(HASH), id="desk"))
    with pytest.raises(InputError, match="this node holds no photo"):
        await here.node.publish(
            Change("organisation", {**organisation_body("Tartu Park"), "logo": PREFIX + HASH}, id="self")
        )
    assert here.node.rows() == []


async def test_anothers_photo_is_none_of_this_nodes_own(here: Ground) -> None:
    async with shown(here, answer(PHOTO)):
        assert await here.get() is not None
    with pytest.raises(InputError, match="this node holds no photo"):
        await here.node.publish(Change("venue", venue_body(HASH), id="desk"))


async def test_a_record_that_lost_its_photo_can_be_edited_all_the_same(here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    await here.node.publish(Change("venue", venue_body(photo.hash), id="desk"))
    here.node.database.write_now(lambda db: db.execute("DELETE FROM photos"))
    outcome = await here.node.publish(Change("venue", {**venue_body(photo.hash), "name": "Other desk"}, id="desk"))
    assert outcome.changed == 1


async def test_more_than_the_caps_are_not_added(tmp_path: Path) -> None:
    async with ground(tmp_path, per_author=1) as here:
        photo = await here.photos.add(small_jpeg())
        with pytest.raises(InputError, match="as many as it may: remove some"):
            await here.photos.add(encoded(noise()))
        assert await here.photos.add(small_jpeg()) == photo, "what is there already takes no more room"


async def test_more_bytes_than_the_cap_are_not_added(tmp_path: Path) -> None:
    async with ground(tmp_path, own_bytes=2_000) as here:
        with pytest.raises(InputError, match="as many as it may: remove some"):
            await here.photos.add(encoded(noise()))
        assert here.held() == set()


# --- erasing -----------------------------------------------------------------------------------------------------


async def test_an_own_photo_goes_with_the_last_record_that_names_it(here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    await here.node.publish(*(Change("venue", venue_body(photo.hash), id=each) for each in ("one", "two")))
    await here.node.publish(Change("venue", None, id="one"))
    await here.photos.erase()
    assert here.held() == {photo.hash}
    await here.node.publish(Change("venue", venue_body(), id="two"))
    await here.photos.erase()
    assert here.held() == set()
    assert await here.photos.own() == []


async def test_an_edit_that_still_names_it_keeps_a_photo(here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    await here.node.publish(Change("venue", venue_body(photo.hash), id="desk"))
    await here.node.publish(Change("venue", {**venue_body(photo.hash), "name": "Other desk"}, id="desk"))
    await here.photos.erase()
    assert here.held() == {photo.hash}


async def test_a_photo_that_was_never_named_goes_after_a_day(here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    here.node.clock.pass_by(stored.DAY - 60)
    await here.photos.erase()
    assert here.held() == {photo.hash}
    here.node.clock.pass_by(61)
    await here.photos.erase()
    assert here.held() == set()


async def test_anothers_photo_goes_when_its_record_is_withdrawn(here: Ground) -> None:
    lund = signatory("lund")
    lund.put("venue", venue_body(HASH), "desk")
    async with lying(answer(PHOTO)) as liar:
        await here.know(lund, liar.url)
        assert await here.get() is not None
        await here.photos.erase()
        assert here.held() == {HASH}
        lund.remove("venue", "desk")
        lund.commit()
        await here.node.take(lund.block_lines(here.node.want(lund)), lund)
        await here.photos.erase()
    assert here.held() == set()
    assert await here.get(sees=ALL) is None


async def test_a_foreign_record_that_names_an_own_photo_does_not_keep_it(here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    await here.node.publish(Change("venue", venue_body(photo.hash), id="desk"))
    lund = signatory("lund")
    lund.put("venue", venue_body(photo.hash))
    await here.know(lund)
    await here.node.publish(Change("venue", None, id="desk"))
    await here.photos.erase()
    assert here.held() == set()


async def test_a_copied_hash_shows_no_photo_of_a_record_that_the_reader_may_not_see(here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    await here.node.publish(Change("venue", venue_body(photo.hash), id="desk", visibility="members"))
    lund = signatory("lund")
    lund.put("venue", venue_body(photo.hash))
    await here.know(lund)
    assert await here.get(photo.hash) is None


async def test_every_photo_goes_however_many_there_are(here: Ground) -> None:
    hashes = [(await here.photos.add(encoded(noise(64, 32 + n)))).hash for n in range(11)]
    await here.node.publish(Change("venue", venue_body(*hashes), id="desk"))
    await here.node.publish(Change("venue", None, id="desk"))
    await here.photos.erase()
    assert here.held() == set()


# --- told to other nodes -----------------------------------------------------------------------------------------

TOLD = {
    "public": (True, True),
    "members": (False, True),
    "partners": (False, True),
    "local": (False, False),
}


@pytest.mark.parametrize("visibility", TOLD)
async def test_a_photo_is_told_to_whom_the_record_is_told(visibility: str, here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    await here.node.publish(
        Change("organisation", organisation_body("Tartu Park"), id="self"),
        Change("venue", venue_body(photo.hash), id="desk", visibility=visibility),
    )
    told = tuple(
        here.node.database.read_now(lambda db, honoured=honoured: sending.photo(db, photo.hash, honoured=honoured))
        is not None
        for honoured in (False, True)
    )
    assert told == TOLD[visibility]


async def test_a_photo_that_no_record_names_yet_is_told_to_nobody(here: Ground) -> None:
    photo = await here.photos.add(small_jpeg())
    assert here.node.database.read_now(lambda db: sending.photo(db, photo.hash, honoured=True)) is None


async def test_a_photo_of_an_author_who_is_accepted_no_more_is_told_to_nobody(here: Ground) -> None:
    async with shown(here, answer(PHOTO)):
        assert await here.get() is not None
    ask = lambda: here.node.database.read_now(lambda db: sending.photo(db, HASH, honoured=True))  # noqa: E731
    assert ask() == PHOTO
    lund = signatory("lund").id
    here.node.database.write_now(lambda db: partners.remove(db, lund))
    here.node.reconsider()
    assert ask() is None
    assert await here.get(sees=ALL) is None


def uses(db: sqlite3.Connection) -> list[tuple[str, int]]:
    return db.execute("SELECT photo, count(*) FROM photo_uses GROUP BY photo ORDER BY photo").fetchall()


ODD: dict[str, object] = {
    "no list": PREFIX + HASH,
    "an object": {"a": PREFIX + HASH},
    "lists in lists": [[PREFIX + HASH]],
    "numbers": [1, 2],
    "what is no hash": [PREFIX + "g"],
    "the same twice": [PREFIX + HASH, PREFIX + HASH],
}


@pytest.mark.parametrize("what", ODD)
async def test_whatever_an_author_writes_for_photos_its_block_is_taken(what: str, here: Ground) -> None:
    lund = signatory("lund")
    record = lund.put("venue", {**VENUE, "photos": ODD[what]}, "odd")
    await here.know(lund)
    assert tree_key("venue", "odd") == record.key
    assert record.key in {row.key for row in here.node.rows(lund.id)}
    assert len(here.node.database.read_now(uses)) <= 1
