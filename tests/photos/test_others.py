"""Photos of others: who is shown them, what is believed of who sends them, and whose make room."""

import asyncio
import gzip
import hashlib
import sqlite3
import time
from pathlib import Path
from typing import NoReturn

import pytest

from node.config import Photos as Caps
from node.photos import fetching
from node.photos.photos import Photo
from node.storage import photos as stored
from node.storage.photos import LARGEST
from tests.directory.small_node import signatory
from tests.photos.ground import ALL, HASH, PHOTO, Ground, ground, shown, venue_body
from tests.photos.lying import Behaviour, answer, endless, lying, silent, slow
from tests.photos.pictures import small_jpeg
from tests.protocol.builders import NOW


async def test_a_photo_is_fetched_once_and_then_held(here: Ground) -> None:
    async with shown(here, answer(PHOTO)) as lund:
        for _ in range(3):
            found = await here.get()
            assert found == Photo(HASH, "image/jpeg", PHOTO, public=True)
    assert lund.paths == [f"/federation/v1/photos/{HASH}"]
    assert here.held() == {HASH}


async def test_who_may_not_see_the_record_is_not_shown_its_photo_and_nobody_is_asked(here: Ground) -> None:
    async with shown(here, answer(PHOTO), visibility="members") as lund:
        assert await here.get() is None
        assert lund.paths == []
        found = await here.get(sees=("public", "members"))
        assert found is not None
        assert not found.public
        assert await here.get() is None, "held, and still not for everybody"


async def test_a_photo_that_no_record_names_is_not_asked_for(here: Ground) -> None:
    async with shown(here, answer(PHOTO)) as lund:
        assert await here.get("ab" * 32, sees=ALL) is None
        assert lund.paths == []


LIES = {
    "other bytes": answer(PHOTO + b"\0"),
    "no bytes": answer(b""),
    "bytes without end": endless,
    "a length beyond the cap": answer(bytes(LARGEST + 1)),
    "a bomb": answer(gzip.compress(bytes(200_000_000), 9), headers="Content-Encoding: gzip\r\n"),
    "an encoding that nodes don't use": answer(PHOTO, headers="Content-Encoding: br\r\n"),
    "another place": answer(b"", status="302 Found", headers="Location: /elsewhere\r\n"),
    "an error": answer(b"", status="500 Internal Server Error"),
    "no": answer(b"", status="404 Not Found"),
    "half of it": answer(PHOTO[:100], headers=""),
    "no HTTP": answer(b"", status="\0"),
}


@pytest.mark.parametrize("what", LIES)
async def test_nothing_is_shown_or_kept_where_a_node_gives(what: str, here: Ground) -> None:
    async with shown(here, LIES[what]) as lund:
        began = time.monotonic()
        assert await here.get() is None
        assert time.monotonic() - began < 5
        assert await here.get() is None
    assert len(lund.paths) == 1, "it is left alone for a while, and no redirect is followed"
    assert here.held() == set()


@pytest.mark.parametrize("behaviour", [slow, silent], ids=["drips", "says nothing"])
async def test_a_node_that_takes_too_long_is_given_up_and_left_alone(
    behaviour: Behaviour, here: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.4)
    async with shown(here, behaviour) as lund:
        began = time.monotonic()
        assert await here.get() is None
        assert time.monotonic() - began < 3
        assert await here.get() is None
        assert len(lund.paths) == 1
        here.uptime = fetching.AGAIN_AFTER + 1
        assert await here.get() is None
        assert len(lund.paths) == 2


async def test_what_has_the_right_hash_but_is_no_picture_is_not_passed_on(here: Ground) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    lund = signatory("lund")
    lund.put("venue", venue_body(hashlib.sha256(page).hexdigest()))
    async with lying(answer(page, headers="Content-Type: image/jpeg\r\n")) as liar:
        await here.know(lund, liar.url)
        assert await here.get(hashlib.sha256(page).hexdigest()) is None
        assert len(liar.paths) == 1
    assert here.held() == set()


async def test_those_who_ask_at_the_same_time_wait_for_one_call(here: Ground) -> None:
    async with shown(here, answer(PHOTO)) as lund:
        lund.go.clear()
        asking = [asyncio.create_task(here.get()) for _ in range(20)]
        while not lund.paths:
            await asyncio.sleep(0.01)
        # One that hangs up takes it from nobody else.
        asking[0].cancel()
        lund.go.set()
        found = await asyncio.gather(*asking[1:])
    assert all(each is not None and each.data == PHOTO for each in found)
    assert len(lund.paths) == 1


async def test_one_authors_slow_node_leaves_room_for_others(here: Ground) -> None:
    slow_one, quick = signatory("lund"), signatory("riga")
    many = [f"{number:064x}" for number in range(20)]
    slow_one.put("venue", venue_body(*many))
    quick.put("venue", venue_body(HASH))
    async with lying(silent) as stuck, lying(answer(PHOTO)) as sound:
        await here.know(slow_one, stuck.url)
        await here.know(quick, sound.url)
        waiting = [asyncio.create_task(here.get(each)) for each in many]
        while not stuck.paths:
            await asyncio.sleep(0.01)
        assert await here.get() is not None
        assert len(stuck.paths) <= fetching.AT_ONCE_OF_AUTHOR
        for each in waiting:
            each.cancel()


async def test_the_partner_is_asked_where_the_author_does_not_answer(here: Ground) -> None:
    lund = signatory("lund")
    lund.put("venue", venue_body(HASH))
    async with lying(answer(b"", status="404 Not Found")) as author, lying(answer(PHOTO)) as partner:
        await here.know(lund, author.url)
        here.node.database.write_now(lambda db: db.execute("UPDATE partners SET url = ?", (partner.url,)))
        assert await here.get() is not None
        assert (len(author.paths), len(partner.paths)) == (1, 1)


@pytest.mark.parametrize("scheme", ["http://127.0.0.1", "http://localhost", "http://[::1]", "https://127.0.0.1"])
async def test_an_authors_address_on_this_very_machine_is_not_called_by_a_node_in_the_world(
    scheme: str, tmp_path: Path
) -> None:
    async with ground(tmp_path, own_url="https://node.tartu.example") as here, lying(answer(PHOTO)) as liar:
        lund = signatory("lund")
        lund.put("venue", venue_body(HASH))
        await here.know(lund, f"{scheme}:{liar.url.rpartition(':')[2]}")
        assert await here.get() is None
        assert liar.paths == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "localhost.",
        "LOCALHOST", "node.localhost", "169.254.169.254", "[fe80::1]",
    ],
)  # fmt: skip
async def test_no_spelling_of_this_very_machine_is_called_by_a_node_in_the_world(host: str, here: Ground) -> None:
    def called(url: str, node: str) -> NoReturn:
        raise AssertionError(f"{url} is called")

    async def keep(data: bytes) -> NoReturn:
        raise AssertionError("something came")

    lund = signatory("lund").id
    abroad = fetching.Fetching(called, own_url="https://node.tartu.example", world=here.node.world)
    assert await abroad.fetch(HASH, lund, [fetching.Source(lund, f"https://{host}:8443")], keep) is None
    with pytest.raises(AssertionError, match="is called"):
        await abroad.fetch("ab" * 32, lund, [fetching.Source(lund, "https://node.lund.example")], keep)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "ftp://127.0.0.1", "https://user@lund.example", "", "file:///etc"])
async def test_an_address_that_no_node_has_is_left_out(url: str, here: Ground) -> None:
    lund = signatory("lund")
    lund.put("venue", venue_body(HASH))
    await here.know(lund, url)
    assert await here.get() is None


async def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    pictures = {hashlib.sha256(each).hexdigest(): each for each in (small_jpeg() + bytes([n]) for n in range(4))}
    first, second, third, fourth = pictures
    size = len(small_jpeg()) + 1
    async with ground(tmp_path, others_bytes=3 * size) as here, lying(silent) as liar:
        lund = signatory("lund")
        lund.put("venue", venue_body(*pictures))
        await here.know(lund, liar.url)

        async def keep(hash_: str) -> None:
            here.node.clock.pass_by(stored.USED_EVERY + 1)
            me = here.node.mine().no
            await here.node.database.write(
                lambda db: stored.keep(
                    db, me, lund.id, hash_, pictures[hash_], here.node.clock.time, Caps(others_bytes=3 * size)
                )
            )

        for each in (first, second, third):
            await keep(each)
        here.node.clock.pass_by(stored.USED_EVERY + 1)
        assert await here.get(first) is not None
        await keep(fourth)
        assert here.held() == {first, third, fourth}


async def test_an_author_with_many_photos_takes_no_room_from_others(tmp_path: Path) -> None:
    lund, riga = signatory("lund"), signatory("riga")
    pictures = {hashlib.sha256(each).hexdigest(): each for each in (small_jpeg() + bytes([n]) for n in range(6))}
    lund.put("venue", venue_body(*pictures))
    riga.put("venue", venue_body(HASH))
    async with ground(tmp_path) as here:
        await here.know(lund)
        await here.know(riga)
        me, caps = here.node.mine().no, Caps(per_author=2)

        def keep(db: sqlite3.Connection) -> None:
            stored.keep(db, me, riga.id, HASH, PHOTO, NOW, caps)
            for place, (hash_, data) in enumerate(pictures.items()):
                stored.keep(db, me, lund.id, hash_, data, NOW + 1 + place, caps)

        here.node.database.write_now(keep)
        assert here.held() == {HASH, *list(pictures)[-2:]}
