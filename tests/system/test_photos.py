"""Photos between real nodes: added at one, looked at through another, gone from the files of both when withdrawn."""

import hashlib
import json
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.nodes import Failed, Node, until, venue
from tests.photos.pictures import encoded, exif, noise
from tests.system.conftest import Make
from tests.system.inside import check, reading

PROMPTLY = 25.0
"""Seconds: a look every ten for what no record names, and then the log."""


def looked_at(node: Node, photo: str) -> bytes | None:
    """What the node's API shows for a photo."""
    try:
        with urllib.request.urlopen(f"{node.url}/api/v1/photo/{photo.removeprefix('sha256:')}", timeout=30) as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert "max-age=86400" in answer.headers["Cache-Control"]
            data: bytes = answer.read()
            return data
    except urllib.error.HTTPError as error:
        assert error.code == 404, error.read()
        return None


def in_files(node: Node, photo: bytes) -> bool:
    """Whether a piece from the middle of the photo stands in any file of the node's home."""
    middle = len(photo) // 2
    needle = photo[middle : middle + 64]
    return any(needle in path.read_bytes() for path in node.home.rglob("*") if path.is_file())


def shows(node: Node, photo: str) -> bool:
    return any(photo in each["body"].get("photos", ()) for each in node.json("list", "venue")["records"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "desk.jpg"
    path.write_bytes(encoded(noise(1_000, 700), exif=exif(6)))
    return path


def test_a_photo_is_looked_at_through_another_node_and_gone_from_both_when_it_is_withdrawn(
    make: Make, file: Path
) -> None:
    author, other = make("Ahti Park"), make("Bergen Park")
    author.befriend(other)
    for node in (author, other):
        node.serve()
    [desk] = author.publish("venue", [venue("desk")])["ids"]
    photo = author.json("photo", "add", str(file), "--venue", desk)["photo"]
    until(partial(shows, other, photo), "the venue with its photo never comes")
    data = looked_at(other, photo)
    assert data is not None
    assert hashlib.sha256(data).hexdigest() == photo.removeprefix("sha256:")
    assert b"Zephyrina" not in data
    for node in (author, other):
        assert in_files(node, data), f"{node.name} shows what is in none of its files"
    # Where its author is off, it is still there.
    author.stop()
    assert looked_at(other, photo) == data
    author.serve()
    author.bra("withdraw", "venue", desk)
    for node in (author, other):
        until(lambda node=node: not in_files(node, data), f"{node.name} keeps the photo", PROMPTLY)
        assert looked_at(node, photo) is None


def test_a_photo_of_a_venue_for_members_is_not_shown_to_everybody(make: Make, file: Path) -> None:
    author, other = make("Ahti Park"), make("Bergen Park")
    author.befriend(other)
    photo = author.json("photo", "add", str(file))["photo"]
    author.publish("venue", [venue("desk", photos=[photo], visibility="members")])
    for node in (author, other):
        node.serve()
    until(lambda: photo in json.dumps(other.json("list", "venue")), "the venue never comes")
    assert looked_at(author, photo) is None
    assert looked_at(other, photo) is None
    with reading(other) as db:
        assert db.execute("SELECT count(*) FROM photos").fetchone() == (0,), "nobody who may see it has asked"


def test_the_commands_add_list_and_remove(make: Make, file: Path) -> None:
    node = make("Ahti Park")
    assert "no photos" in node.bra("photo", "list")
    [desk] = node.publish("venue", [venue("desk")])["ids"]
    added = node.json("photo", "add", str(file), "--venue", desk)
    [listed] = node.json("photo", "list")["photos"]
    assert listed["photo"] == added["photo"]
    assert listed["records"] == [{"kind": "venue", "id": desk}]
    assert f"venue {desk}" in node.bra("photo", "list")
    removed = node.json("photo", "remove", added["photo"])
    assert removed == {"photo": added["photo"], "records": 1}
    assert node.json("photo", "list") == {"photos": []}
    [shown] = node.json("list", "venue")["records"]
    assert shown["body"]["photos"] == []


WRONG = {
    "a file that is no picture": (("add", "{text}"), 1, "the file is no picture that can be read"),
    "a file that isn't there": (("add", "{text}.none"), 2, "can't be read"),
    "a venue that isn't there": (("add", "{file}", "--venue", "nowhere"), 1, "there is no venue 'nowhere'"),
    "a photo that isn't there": (("remove", "ab" * 32), 1, "no photo of this node's own"),
    "a hash that is none": (("remove", "desk.jpg"), 1, "is no photo: name it as 'bra photo list' does"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_sentence_says_what_to_do_with(what: str, make_once: Make, tmp_path: Path, file: Path) -> None:
    arguments, code, sentence = WRONG[what]
    node = make_once("Ahti Park")
    text = tmp_path / "text.jpg"
    text.write_text("good morning")
    told = node.bra("photo", *(each.format(text=text, file=file) for each in arguments), code=code)
    assert sentence in told
    assert told.count("\n") == 1


def test_a_node_that_is_killed_while_photos_are_added_holds_each_whole_or_not_at_all(
    make: Make, tmp_path: Path
) -> None:
    node = make("Ahti Park")
    node.serve()
    [desk] = node.publish("venue", [venue("desk")])["ids"]
    told: list[str] = []

    def add(number: int) -> None:
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(encoded(noise(400, 200 + number)))
        with suppress(Failed):
            told.append(node.json("photo", "add", str(path), "--venue", desk)["photo"])

    adding = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in adding:
        thread.start()
    # Six decoders at once on two processors.
    until(lambda: len(told) >= 2, "no photo is ever added", 90)
    node.kill()
    for thread in adding:
        thread.join()
    check(node.home / "var" / "node.db", tmp_path / "scratch")
    with reading(node) as db:
        rows = db.execute("SELECT hash, photo FROM photos").fetchall()
        named = {photo for (photo,) in db.execute("SELECT photo FROM photo_uses")}
    held = {hash_ for hash_, _ in rows}
    assert all(hashlib.sha256(photo).hexdigest() == hash_ for hash_, photo in rows)
    assert named <= held, "a record names what isn't held"
    assert {photo.removeprefix("sha256:") for photo in told} <= named, "what was told to be there is there"
    node.serve()
    assert looked_at(node, told[0]) is not None
