"""Changing keys on disk: whenever the process is killed, one key is in use, and the database agrees with it."""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from node import founding
from node.app import App
from node.cli.passphrase import passphrase
from node.control.parts import unreported
from node.custody import recovery, rotation
from node.custody.keys import Request, check_card, signed_card
from node.directory.authority import NotOpen
from node.errors import HomeError, InputError
from node.founding import Founded, Organisation
from node.home import Home
from node.protocol.keys import PrivateKey, recovery_words
from node.protocol.statements import Card
from node.storage import authors, partners
from tests.nodes import free_port
from tests.protocol.builders import NOW, Author

TARTU = Organisation("Tartu Park", "EE", "Tartu", "https://park.example/")


@pytest.fixture
async def founded(tmp_path: Path) -> tuple[Home, Founded]:
    """A home with a partner, who can't be reached."""
    home = Home(tmp_path / "tartu")
    made = await founding.found(home, TARTU, url="http://127.0.0.1:9", network="test")
    async with App.opened(home) as app:
        await app.database.write(befriend)
    return home, made


def befriend(db: sqlite3.Connection) -> None:
    lund = Author("lund")
    authors.introduce(db, lund.card)
    partners.add(db, lund.id, f"http://127.0.0.1:{free_port()}", NOW)


async def opened(home: Home) -> tuple[int, int, bytes]:
    """Epochs of the card file and of the head in the database, and the public signing key in use."""
    async with App.opened(home) as app:
        author = app.database.read_now(lambda db: authors.find(db, app.authority.card.author))
        assert author is not None
        return app.authority.card.epoch, author.epoch, app.key.public


async def publish(home: Home) -> None:
    body = {"practice": "p", "by": "Tartu", "since": "2027-01-15"}
    async with App.opened(home) as app:
        await app.operations.run("publish", {"changes": [{"kind": "adoption", "body": body}]}, unreported)


async def test_a_rotation_replaces_key_card_and_head_together(founded: tuple[Home, Founded]) -> None:
    home, made = founded
    before = (await opened(home))[2]
    renewed = await rotation.rotate(home, rotation.from_words(made.words), stolen=False)
    assert renewed.epoch == 2
    card, head, key = await opened(home)
    assert (card, head) == (2, 2)
    assert key != before
    assert home.signing_key.stat().st_mode & 0o777 == 0o600
    await publish(home)


async def test_killed_before_the_database_has_it_a_new_key_is_dropped(founded: tuple[Home, Founded]) -> None:
    home, made = founded
    before = await opened(home)
    async with App.opened(home) as app:
        home.stage(*rotation.from_words(made.words)(app), None)
    assert await opened(home) == before
    assert not list(home.signing_key.parent.glob("*.next"))


@pytest.mark.parametrize("renamed", [0, 1], ids=["no file", "the key alone"])
async def test_killed_after_the_database_has_it_a_new_key_is_taken(founded: tuple[Home, Founded], renamed: int) -> None:
    home, made = founded
    async with App.opened(home) as app:
        key, card = rotation.from_words(made.words)(app)
        home.stage(key, card, None)
        await app.publisher.begin_epoch(key, card)
    if renamed:
        (home.signing_key.parent / "signing.key.next").replace(home.signing_key)
    assert await opened(home) == (2, 2, key.public)
    assert not list(home.signing_key.parent.glob("*.next"))
    await publish(home)


async def test_while_a_change_of_keys_is_unsettled_the_passphrase_stays(
    founded: tuple[Home, Founded], tmp_path: Path
) -> None:
    home, made = founded
    async with App.opened(home) as app:
        key, card = rotation.from_words(made.words)(app)
        home.stage(key, card, None)
        await app.publisher.begin_epoch(key, card)
    new = tmp_path / "new"
    new.write_text("correct horse")
    new.chmod(0o600)
    with pytest.raises(HomeError, match="run any other command first"):
        passphrase(new_file=new, home=home.path)
    assert not home.needs_passphrase
    assert await opened(home) == (2, 2, key.public)
    passphrase(new_file=new, home=home.path)
    assert home.load_signing_key(b"correct horse").public == key.public


async def test_a_new_passphrase_is_that_of_the_key_that_waits_for_its_card_too(
    founded: tuple[Home, Founded],
) -> None:
    home, made = founded
    asked = await rotation.ask_card(home)
    home.change_passphrase(home.load_signing_key(), None, b"first")
    home.change_passphrase(home.load_signing_key(b"first"), b"first", b"second")
    assert b"OPENSSH" in (home.signing_key.parent / "signing.key.asked").read_bytes()
    card = signed_card(made.words, asked, now=NOW)
    await rotation.rotate(home, rotation.from_card(card, b"second"), stolen=True, passphrase=b"second")
    assert home.load_signing_key(b"second").public == asked.signing


async def test_a_key_that_waits_under_a_forgotten_passphrase_stops_no_change_of_it(
    founded: tuple[Home, Founded],
) -> None:
    home, _ = founded
    home.ask_card(KEY, b"of a change that was broken off")
    home.change_passphrase(home.load_signing_key(), None, b"new")
    home.load_signing_key(b"new")
    with pytest.raises(HomeError, match="no key waits"):
        home.load_asked_key(b"new")


async def test_half_written_keys_are_removed_when_the_home_is_opened(founded: tuple[Home, Founded]) -> None:
    home, _ = founded
    before = await opened(home)
    for name in ("signing.key.new", "signing.key.asked.new"):
        (home.signing_key.parent / name).write_bytes(b"-----BEGIN PRIVATE KEY-----")
    assert await opened(home) == before
    assert not list(home.signing_key.parent.glob("*.new"))


class Killed(BaseException):
    """Nothing that the program does about errors is done any more."""


@pytest.mark.parametrize("last", ["agreement-1.txt", "node.toml", "card.json", "signing.key"])
async def test_killed_while_a_home_is_made_it_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Killed just before a file is in its place."""
    home, rename = Home(tmp_path / "tartu"), Path.replace

    def kill(new: Path, target: Path) -> Path:
        if target.name == last:
            raise Killed
        return rename(new, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", kill)
        with pytest.raises(Killed):
            await founding.found(home, TARTU, url="", network="test")
    assert not home.exists
    made = await founding.found(home, TARTU, url="", network="test")
    async with App.opened(home) as app:
        assert app.authority.card.author == made.node_id


async def test_what_is_left_of_a_node_that_lost_its_key_becomes_no_other_node(founded: tuple[Home, Founded]) -> None:
    home, _ = founded
    card = home.card.read_bytes()
    home.signing_key.unlink()
    with pytest.raises(HomeError, match="bring it back with 'bra recover'"):
        await founding.found(home, TARTU, url="", network="test")
    assert not home.exists
    assert home.card.read_bytes() == card


async def test_a_staged_key_outlasts_a_power_cut(
    founded: tuple[Home, Founded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is on the disk after the file, before the database says that it counts."""
    home, made = founded
    synced: list[tuple[int, bool]] = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        found = os.fstat(descriptor)
        synced.append((found.st_ino, (home.signing_key.parent / "signing.key.next").exists()))
        fsync(descriptor)

    async with App.opened(home) as app:
        key, card = rotation.from_words(made.words)(app)
        monkeypatch.setattr(os, "fsync", watch)
        home.stage(key, card, None)
    assert synced[-1] == (home.signing_key.parent.stat().st_ino, True)


async def test_whatever_fails_after_the_database_has_it_a_new_key_is_not_lost(founded: tuple[Home, Founded]) -> None:
    home, made = founded

    def fail() -> None:
        raise HomeError("the disk is full")

    async with App.opened(home) as app:
        app.authority.on_open(fail)
        with pytest.raises(HomeError, match="full"):
            await rotation.renew(app, rotation.from_words(made.words), None)
    card, head, _ = await opened(home)
    assert (card, head) == (2, 2)
    await publish(home)


async def test_what_is_published_is_answered_though_the_mark_cannot_be_written(founded: tuple[Home, Founded]) -> None:
    home, _ = founded
    home.mark.with_name("mark.json.new").mkdir()
    async with asyncio.timeout(5):
        await publish(home)


async def test_whoever_was_only_asked_during_a_recovery_is_no_partner_after_it(founded: tuple[Home, Founded]) -> None:
    home, _ = founded
    async with App.opened(home) as app:
        assert await app.database.read(partners.everyone)
        await app.database.write(lambda db: recovery._restore_names(db, app))
        # Lund was never endorsed by this node.
        assert await app.database.read(partners.everyone) == []


CHANGES: dict[str, Callable[[Home, Path], None]] = {
    "a copy of the whole home": lambda home, folder: (
        shutil.copytree(home.path, folder),
        shutil.rmtree(home.path),
        shutil.copytree(folder, home.path),
    ),
    "a copy that keeps times and modes": lambda home, folder: (
        shutil.copytree(home.path, folder, copy_function=shutil.copy2),
        shutil.rmtree(home.path),
        folder.rename(home.path),
    ),
    "a database put back in place": lambda home, folder: (
        shutil.copy2(home.database, folder),
        shutil.copy2(folder, home.database),
        home.mark.write_text(json.dumps({**json.loads(home.mark.read_text()), "head": "ab" * 32})),
    ),
    "no mark": lambda home, folder: home.mark.unlink(),
    "a mark that can't be read": lambda home, folder: home.mark.write_text("{"),
    "another machine": lambda home, folder: home.mark.write_text(
        home.mark.read_text().replace('"place": ["', '"place": ["x')
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_home_that_is_not_the_one_that_signed_last_publishes_nothing(
    founded: tuple[Home, Founded], tmp_path: Path, change: Callable[[Home, Path], None]
) -> None:
    home, _ = founded
    change(home, tmp_path / "copy")
    with pytest.raises(NotOpen, match="restored from a backup or copied"):
        await publish(home)
    async with App.opened(home) as app:
        found = await app.operations.run("status", {}, unreported)
        assert found["authority"]["state"] == "restored"
        await app.operations.run("resume", {}, unreported)
    await publish(home)


async def test_a_copy_of_a_home_without_partners_asks_its_operator(tmp_path: Path) -> None:
    """It may be a backup from before the first partner came."""
    home = Home(tmp_path / "alone")
    await founding.found(home, TARTU, url="", network="test")
    shutil.copytree(home.path, tmp_path / "copy")
    with pytest.raises(NotOpen, match="bra resume"):
        await publish(Home(tmp_path / "copy"))


async def test_the_home_that_signed_last_may_be_renamed(founded: tuple[Home, Founded], tmp_path: Path) -> None:
    home, _ = founded
    home.path.rename(tmp_path / "renamed")
    await publish(Home(tmp_path / "renamed"))


AUTHOR = Author("tartu")
KEY = PrivateKey(b"k" * 32)
ASKED = Request("test", AUTHOR.id, 3, KEY.public)


def card(**others: object) -> Card:
    members = {"network": "test", "epoch": 3, "signing": KEY.public, "issued": NOW}
    return Card.make(AUTHOR.root_key, **{**members, **others})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (card(network="other"), "for another key"),
        (card(signing=PrivateKey(b"x" * 32).public), "for another key"),
        (card(epoch=2), "epoch 3 is needed by now"),
    ],
)
def test_a_card_is_taken_only_if_it_is_the_one_that_was_asked_for(given: Card, sentence: str) -> None:
    check_card(card(), ASKED)
    check_card(card(epoch=4), ASKED)
    with pytest.raises(InputError, match=sentence):
        check_card(given, ASKED)


@pytest.mark.parametrize("value", [None, [], {}, {**ASKED.as_value(), "more": 1}, {**ASKED.as_value(), "epoch": -1}])
def test_a_request_for_a_card_is_read_strictly(value: object) -> None:
    assert Request.parse(ASKED.as_value()) == ASKED
    with pytest.raises(InputError, match="rotate --request"):
        Request.parse(value)


def test_no_card_is_signed_after_which_there_is_no_next_epoch() -> None:
    words = recovery_words(AUTHOR.root_key)
    highest = replace(ASKED, epoch=1_000_000)
    assert signed_card(words, Request.parse(highest.as_value()), now=NOW).epoch == 1_000_000
    for epoch in (1_000_001, 2**53 - 1):
        beyond = replace(ASKED, epoch=epoch)
        with pytest.raises(InputError, match="find out who asks for it"):
            Request.parse(beyond.as_value())
        with pytest.raises(InputError, match="find out who asks for it"):
            signed_card(words, beyond, now=NOW)


def test_the_words_of_another_node_sign_nothing() -> None:
    words = "abandon " * 23 + "art"
    with pytest.raises(InputError, match="another node's"):
        signed_card(words, ASKED, now=NOW)


def test_without_a_request_no_key_waits_for_a_card(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="bra rotate --request"):
        Home(tmp_path).load_asked_key(None)
