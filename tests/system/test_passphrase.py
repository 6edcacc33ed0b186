"""The passphrase of the signing key: set, asked for, changed and removed, by programs and on a terminal."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from node import key_file
from node.errors import HomeError
from node.home import Home
from node.key_file import NoPassphrase, WrongPassphrase
from tests.nodes import Node
from tests.protocol.builders import key_named
from tests.shell import Shell
from tests.system.conftest import Make
from tests.system.terminal import Terminal

SECRET = "correct horse battery staple, õ"
OTHER = "another one"

KEY = key_named("somebody")


def secret_file(folder: Path, text: str, mode: int = 0o600, name: str = "secret") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def encrypted(make: Make, folder: Path) -> tuple[Node, Path]:
    """A node whose key has a passphrase, and the file that holds it."""
    node, file = make("Ahti Park"), secret_file(folder, f"{SECRET}\n")
    assert node.json("passphrase", "--new-file", str(file)) == {"passphrase": True}
    return node, file


# The file


def test_an_encrypted_key_is_one_that_other_programs_read_too() -> None:
    pem = key_file.encode(KEY, SECRET.encode())
    read = serialization.load_ssh_private_key(pem, SECRET.encode())
    assert read.private_bytes_raw() == KEY.raw()  # type: ignore[union-attr]
    assert pem.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert pem != key_file.encode(KEY, SECRET.encode()), "the salt is always the same"


@pytest.mark.parametrize("passphrase", [b"x", b"\x00\xff", "õ".encode(), b"x" * key_file.LONGEST_PASSPHRASE])
def test_whatever_the_passphrase_is_it_opens_the_key(passphrase: bytes) -> None:
    assert key_file.decode(key_file.encode(KEY, passphrase), passphrase).public == KEY.public


def test_a_wrong_passphrase_is_told_as_one() -> None:
    pem = key_file.encode(KEY, b"right")
    assert key_file.decode(pem, b"right").public == KEY.public
    with pytest.raises(WrongPassphrase):
        key_file.decode(pem, b"wrong")
    with pytest.raises(NoPassphrase, match="BRA_PASSPHRASE_FILE"):
        key_file.decode(pem, None)


def test_a_key_without_a_passphrase_minds_none() -> None:
    assert key_file.decode(key_file.encode(KEY, None), b"whatever").public == KEY.public


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(key_file.encode(KEY, None)[:60], id="half a key"),
        pytest.param(
            b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAA==\n"
            b"-----END RSA PRIVATE KEY-----\n",
            id="another format",
        ),
    ],
)
def test_what_is_no_key_is_told_and_not_shown(pem: bytes, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.signing_key.parent.mkdir()
    home.signing_key.write_bytes(pem)
    home.signing_key.chmod(0o600)
    with pytest.raises(HomeError, match="can't be read as a private key: restore it from your backup"):
        home.load_signing_key(b"x")


def test_a_change_that_breaks_off_leaves_a_whole_key_and_stops_no_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, new = Home(tmp_path), key_named("new")
    home.signing_key.parent.mkdir()
    home.signing_key.touch()
    home.replace_signing_key(KEY, None)
    for step in ("fsync", "replace"):
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", breaks) if step == "fsync" else broken.setattr(Path, "replace", breaks)
            with pytest.raises(HomeError):
                home.replace_signing_key(new, b"x")
        assert home.load_signing_key().public == KEY.public
    home.replace_signing_key(new, b"x")
    assert home.load_signing_key(b"x").public == new.public
    assert home.signing_key.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.signing_key.parent.iterdir()] == ["signing.key"]


def breaks(*args: object) -> None:
    raise OSError(5, "Input/output error")


# Programs


def test_a_node_serves_with_the_passphrase_and_whoever_reaches_it_needs_none(
    make: Make, shell: Shell, tmp_path: Path
) -> None:
    node, file = encrypted(make, tmp_path)
    assert b"OPENSSH" in Home(node.home).signing_key.read_bytes()
    arguments = ("status", "--json", "--home", str(node.home))
    done = shell.run(*arguments)
    assert done.returncode == 1
    assert done.stderr.decode().startswith(
        "bra: this node's signing key has a passphrase: run the command on a terminal"
    )
    done = shell.run(*arguments, environment={"BRA_PASSPHRASE_FILE": str(file)})
    assert (done.returncode, done.stderr) == (0, b"")
    node.serve(BRA_PASSPHRASE_FILE=str(file), BRA_LOG__LEVEL="debug")
    node.publish("contact", [{"ref": "1", "role": "Manager", "languages": ["en"], "email": "desk@park.example"}])
    assert node.status()["serving"]
    told = node.bra("passphrase", "--old-file", str(file), "--new-file", str(file), code=1)
    assert "wait for it, or end it" in told
    node.stop()
    everything = [path.read_bytes() for path in node.home.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in data for data in (*everything, node.home.with_suffix(".log").read_bytes()))


def test_the_passphrase_is_changed_and_removed(make: Make, shell: Shell, tmp_path: Path) -> None:
    node, file = encrypted(make, tmp_path)
    home, key = Home(node.home), Home(node.home).load_signing_key(SECRET.encode())
    other, none = secret_file(tmp_path, OTHER, name="other"), secret_file(tmp_path, "\n", name="none")
    node.bra("passphrase", "--old-file", str(file), "--new-file", str(other))
    assert home.load_signing_key(OTHER.encode()).raw() == key.raw()
    told = node.bra("passphrase", "--old-file", str(file), "--new-file", str(none), code=1)
    assert told.startswith("bra: the passphrase does not open this node's signing key")
    environment = {"BRA_PASSPHRASE_FILE": str(other)}
    done = shell.run("passphrase", "--new-file", str(none), "--home", str(node.home), environment=environment)
    assert done.returncode == 0, done.stderr
    assert home.load_signing_key().raw() == key.raw()
    node.status()


@pytest.mark.parametrize(
    ("make_file", "sentence"),
    [
        pytest.param(lambda folder: folder / "none", "can't be read: no such file", id="that isn't there"),
        pytest.param(lambda folder: secret_file(folder, SECRET, 0o644), "others may read", id="that others may read"),
        pytest.param(lambda folder: secret_file(folder, SECRET, 0o602), "others may read", id="that others may write"),
        pytest.param(lambda folder: secret_file(folder, "a\nb\n"), "one line", id="of two lines"),
        pytest.param(lambda folder: secret_file(folder, "x" * 1024), "at most 1023 bytes", id="that is too long"),
        pytest.param(lambda folder: secret_file(folder, "wrong"), "does not open", id="with another passphrase"),
        pytest.param(lambda folder: secret_file(folder, ""), "has a passphrase", id="that is empty"),
    ],
)
def test_one_sentence_for_a_file(
    make_file: Callable[[Path], Path], sentence: str, shell: Shell, locked_home: Path, tmp_path: Path
) -> None:
    environment = {"BRA_PASSPHRASE_FILE": str(make_file(tmp_path))}
    done = shell.run("status", "--home", str(locked_home), environment=environment)
    assert done.returncode == 1
    assert sentence in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert SECRET.encode() not in done.stderr


@pytest.fixture(scope="module")
def locked_home(make_once: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encrypted(make_once, tmp_path_factory.mktemp("secrets"))[0].home


# A terminal


def test_on_a_terminal_it_is_typed_twice_and_never_shown(make: Make) -> None:
    node = make("Ahti Park")
    home = Home(node.home)
    terminal = Terminal("passphrase", "--home", str(node.home))
    terminal.answers("New passphrase (empty for none): ", SECRET)
    terminal.answers("The same again: ", OTHER)
    assert terminal.ended() == 1
    assert "the two were not the same, so nothing was changed" in terminal.shown
    home.load_signing_key()

    terminal = Terminal("passphrase", "--home", str(node.home))
    terminal.answers("New passphrase (empty for none): ", SECRET)
    terminal.answers("The same again: ", SECRET)
    assert terminal.ended() == 0
    assert SECRET not in terminal.shown
    home.load_signing_key(SECRET.encode())

    terminal = Terminal("status", "--home", str(node.home))
    terminal.answers(f"Passphrase of {home.signing_key}: ", SECRET)
    assert terminal.ended() == 0
    assert "Ahti Park" in terminal.shown
    assert SECRET not in terminal.shown
