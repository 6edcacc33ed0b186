"""The keys of a node for passes and sealing: made once, kept as the signing key is, published, replaced, forgotten."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from node.directory.draft import Change, own
from node.errors import HomeError
from node.home import Home
from node.key_file import NoPassphrase
from node.protocol.names import decode_base64, encode_base64, format_time
from node.protocol.statements import Card
from node.roaming.node_keys import OLD_SEALING_DAYS, NodeKeys, pass_keys, sealing_key
from node.storage import authors
from tests.directory.small_node import SmallNode
from tests.protocol.builders import DAY, NETWORK, NOW, Author, key_named

SECRET = b"correct horse"


class Keyed:
    """A small node with a home of its own for its keys."""

    def __init__(self, folder: Path, passphrase: bytes | None = None) -> None:
        self.node = SmallNode(folder)
        self.home = Home(folder / "home")
        self.home.partners.mkdir(parents=True)
        self.home.signing_key.touch(0o600)
        self.home.replace_signing_key(self.node.key, passphrase)
        self.passphrase = passphrase
        self.keys = self.opened()

    def opened(self) -> NodeKeys:
        """As the next start of the program has them."""
        return NodeKeys(self.home, self.node.authority, self.passphrase, self.node.world)

    async def publish(self) -> int:
        """What the program does in the background; how many changes there were."""
        changes = self.node.database.read_now(self.keys.changes)
        if changes:
            await self.node.publish(*changes)
        self.node.database.read_now(self.keys.forget)
        return len(changes)

    async def rotate(self) -> None:
        root, signing = key_named("tartu/root"), key_named("tartu/signing/2")
        card = Card.make(root, network=NETWORK, epoch=2, signing=signing.public, issued=NOW)
        await self.node.publisher.begin_epoch(signing, card)

    def published(self) -> dict[str, str]:
        found = self.node.database.read_now(lambda db: own(db, self.node.id, "node_key"))
        return {record.id: record.body["public_key"] for record in found}

    def files(self) -> set[str]:
        return {path.name for path in self.home.signing_key.parent.iterdir() if path.is_file()}


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Keyed]:
    made = Keyed(tmp_path)
    yield made
    made.node.close()


async def test_the_keys_are_made_once_kept_and_published_once(keyed: Keyed) -> None:
    assert await keyed.publish() == 2
    assert await keyed.publish() == 0
    name, key = keyed.keys.pass_key
    again = keyed.opened()
    assert (again.pass_key[0], again.pass_key[1].public, again.sealing_key) == (
        name,
        key.public,
        keyed.keys.sealing_key,
    )
    assert keyed.published() == {
        "pass-1": encode_base64(key.public),
        "sealing-1": encode_base64(keyed.keys.sealing_key[1]),
    }
    assert keyed.files() == {"signing.key", "pass-1.key", "sealing-1.key"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keyed.home.signing_key.parent.glob("*.key"))
    assert len({key.public, keyed.node.key.public, keyed.keys.sealing_key[1]}) == 3


async def test_what_is_sealed_to_the_published_key_is_opened_by_the_private_one(keyed: Keyed) -> None:
    await keyed.publish()
    found = keyed.node.database.read_now(lambda db: sealing_key(db, keyed.node.id))
    assert found == keyed.keys.sealing_key
    private = keyed.keys.opening_key(found[0])
    assert isinstance(private, X25519PrivateKey)
    assert private.public_key().public_bytes_raw() == found[1]


@pytest.mark.parametrize("name", ["pass-1", "sealing-2", "signing", "../keys/sealing-1", "sealing-1/../signing", ""])
async def test_a_message_can_name_no_other_file_as_its_key(keyed: Keyed, name: str) -> None:
    await keyed.publish()
    assert keyed.keys.opening_key(name) is None
    assert keyed.files() == {"signing.key", "pass-1.key", "sealing-1.key"}


async def test_a_new_epoch_has_new_keys_and_the_old_sealing_key_opens_what_is_on_its_way_for_a_month(
    keyed: Keyed,
) -> None:
    await keyed.publish()
    old_pass, old_sealing = keyed.keys.pass_key[1].public, keyed.keys.sealing_key[1]
    await keyed.rotate()
    assert await keyed.publish() == 4
    assert set(keyed.published()) == {"pass-2", "sealing-2"}
    assert old_pass != keyed.keys.pass_key[1].public
    assert keyed.files() == {"signing.key", "pass-2.key", "sealing-1.key", "sealing-2.key"}
    opening = keyed.keys.opening_key("sealing-1")
    assert opening is not None
    assert opening.public_key().public_bytes_raw() == old_sealing
    keyed.node.clock.pass_by(OLD_SEALING_DAYS * DAY + 1)
    await keyed.publish()
    assert keyed.keys.opening_key("sealing-1") is None
    assert keyed.files() == {"signing.key", "pass-2.key", "sealing-2.key"}


async def test_a_key_that_was_lost_is_made_anew_and_published(keyed: Keyed) -> None:
    await keyed.publish()
    before = keyed.published()
    (keyed.home.signing_key.parent / "pass-1.key").unlink()
    keyed.keys = keyed.opened()
    assert await keyed.publish() == 1
    after = keyed.published()
    assert before["pass-1"] != after["pass-1"]
    assert before["sealing-1"] == after["sealing-1"]


async def test_a_key_that_others_may_read_is_not_used(keyed: Keyed) -> None:
    await keyed.publish()
    (keyed.home.signing_key.parent / "pass-1.key").chmod(0o644)
    with pytest.raises(HomeError, match="others may read"):
        _ = keyed.opened().pass_key


def test_a_key_is_never_overwritten(keyed: Keyed) -> None:
    _ = keyed.keys.pass_key
    before = (keyed.home.signing_key.parent / "pass-1.key").read_bytes()
    with pytest.raises(HomeError, match="never overwritten"):
        keyed.home.keep_node_key("pass-1", key_named("other"), None)
    assert (keyed.home.signing_key.parent / "pass-1.key").read_bytes() == before


# The passphrase


def test_the_keys_are_under_the_passphrase_of_the_signing_key_and_change_with_it(tmp_path: Path) -> None:
    keyed = Keyed(tmp_path, SECRET)
    public = keyed.keys.pass_key[1].public
    assert b"OPENSSH" in (keyed.home.signing_key.parent / "pass-1.key").read_bytes()
    with pytest.raises(NoPassphrase):
        _ = NodeKeys(keyed.home, keyed.node.authority, None, keyed.node.world).pass_key
    for old, new in ((SECRET, b"another"), (b"another", None)):
        keyed.home.change_passphrase(keyed.node.key, old, new)
        keyed.passphrase = new
        assert keyed.opened().pass_key[1].public == public
    assert b"OPENSSH" not in (keyed.home.signing_key.parent / "pass-1.key").read_bytes()
    keyed.node.close()


def test_a_change_of_passphrase_that_broke_off_between_two_keys_is_done_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed = Keyed(tmp_path)
    public = keyed.keys.pass_key[1].public, keyed.keys.sealing_key[1]
    with monkeypatch.context() as broken:
        broken.setattr(keyed.home, "replace_signing_key", breaks)
        with pytest.raises(KeyboardInterrupt):
            keyed.home.change_passphrase(keyed.node.key, None, SECRET)
    assert keyed.home.load_signing_key().public == keyed.node.key.public, "the signing key is as it was"
    keyed.home.change_passphrase(keyed.node.key, None, SECRET)
    keyed.passphrase = SECRET
    again = keyed.opened()
    assert (again.pass_key[1].public, again.sealing_key[1]) == public
    keyed.node.close()


def breaks(*args: object) -> None:
    raise KeyboardInterrupt


def test_a_key_that_nobodys_passphrase_opens_says_what_to_do(tmp_path: Path) -> None:
    keyed = Keyed(tmp_path, SECRET)
    keyed.home.keep_node_key("pass-1", key_named("x"), b"forgotten")
    for trial in (lambda: keyed.keys.pass_key, lambda: keyed.home.change_passphrase(keyed.node.key, SECRET, b"new")):
        with pytest.raises(HomeError, match=r"pass-1\.key can't be opened: remove it"):
            trial()
    keyed.node.close()


# Others' keys


def author_with(*keys: tuple[str, str, bytes]) -> Author:
    """An author that publishes these keys: (use, record id, public key)."""
    author = Author("lund")
    for use, id_, public in keys:
        body = {"use": use, "public_key": encode_base64(public), "since": format_time(NOW)}
        author.put("node_key", body, id_)
    author.commit()
    author.beat(NOW)
    return author


async def read_keys(node: SmallNode, author: Author) -> tuple[dict[str, bytes], tuple[str, bytes] | None]:
    node.befriend(author)
    await node.take(author.block_lines(), author)

    def read(db: sqlite3.Connection) -> tuple[dict[str, bytes], tuple[str, bytes] | None]:
        return pass_keys(db, author.id), sealing_key(db, author.id)

    return node.database.read_now(read)


ONE, TWO = bytes([1]) * 32, bytes([2]) * 32

PUBLISHED = {
    "its own of this epoch": ((("pass", "pass-1", ONE), ("sealing", "sealing-1", TWO)), ONE, TWO),
    "none": ((("sealing", "x", ONE),), None, None),
    "those of another epoch": ((("pass", "pass-2", ONE), ("sealing", "sealing-0", TWO)), None, None),
    "a key under the name of another use": ((("sealing", "pass-1", ONE), ("pass", "sealing-1", TWO)), None, None),
}


@pytest.mark.parametrize(("keys", "signs", "seals"), PUBLISHED.values(), ids=PUBLISHED)
async def test_another_nodes_keys_are_those_it_published_for_this_epoch(
    tartu: SmallNode, keys: tuple[tuple[str, str, bytes], ...], signs: bytes | None, seals: bytes | None
) -> None:
    found = await read_keys(tartu, author_with(*keys))
    assert found == ({"pass-1": signs} if signs else {}, ("sealing-1", seals) if seals else None)


async def test_keys_of_an_epoch_that_is_over_are_none_before_the_first_state_of_the_new_one(tartu: SmallNode) -> None:
    author = author_with(("pass", "pass-1", ONE), ("sealing", "sealing-1", TWO))
    assert await read_keys(tartu, author) == ({"pass-1": ONE}, ("sealing-1", TWO))
    author.rotate()
    tartu.database.write_now(lambda db: authors.introduce(db, author.card))
    assert tartu.database.read_now(lambda db: (pass_keys(db, author.id), sealing_key(db, author.id))) == ({}, None)


async def test_a_key_that_the_disk_has_altered_is_none(tartu: SmallNode) -> None:
    author = author_with(("pass", "pass-1", ONE))
    await read_keys(tartu, author)
    other = encode_base64(TWO).encode()
    tartu.database.write_now(
        lambda db: db.execute(
            "UPDATE records SET line = CAST(replace(CAST(line AS TEXT), ?, ?) AS BLOB) WHERE kind = 'node_key'",
            (encode_base64(ONE), other.decode()),
        )
    )
    assert tartu.database.read_now(lambda db: pass_keys(db, author.id)) == {}


async def test_a_malformed_key_is_none(tartu: SmallNode) -> None:
    author = Author("lund")
    author.put("node_key", {"use": "pass", "public_key": "short", "since": format_time(NOW)}, "pass-1")
    author.commit()
    assert await read_keys(tartu, author) == ({}, None)


async def test_nobody_is_asked_about_who_is_unknown(tartu: SmallNode) -> None:
    assert tartu.database.read_now(lambda db: (pass_keys(db, "bra1x"), sealing_key(db, "bra1x"))) == ({}, None)


async def test_a_key_that_somebody_put_into_the_directory_by_hand_is_put_right(keyed: Keyed) -> None:
    await keyed.publish()
    body = {"use": "pass", "public_key": encode_base64(ONE), "since": format_time(NOW)}
    await keyed.node.publish(Change("node_key", body, id="pass-1"))
    assert await keyed.publish() == 1
    assert decode_base64(keyed.published()["pass-1"], 32) == keyed.keys.pass_key[1].public
