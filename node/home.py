"""A node's home: the one place that knows where things lie, who may read them, and that one process works in them.

    config/node.toml            every setting, commented          config/agreement-1.txt   the text that was signed
    keys/signing.key            this node's signing key, 0600     keys/card.json           its own public card
    keys/partners/<id>.json     the partners' key cards
    var/node.db                 the database                      var/lock, var/bra.sock   held while a process works

`keys/` and `config/` are data: the checkout of the project is itself a valid home.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.errors import HomeError, ProtocolError
from node.protocol.canonical import decode_loose
from node.protocol.keys import PrivateKey
from node.protocol.statements import Card

AGREEMENT = "agreement-1.txt"


class Home:
    """The home at `path`. Creating the object touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config" / "node.toml"
        self.agreement = path / "config" / AGREEMENT
        self.signing_key = path / "keys" / "signing.key"
        self.card = path / "keys" / "card.json"
        self.partners = path / "keys" / "partners"
        self.var = path / "var"
        self.database = self.var / "node.db"
        self.lock_file = self.var / "lock"
        self.socket = self.var / "bra.sock"

    @property
    def exists(self) -> bool:
        return self.signing_key.exists()

    def require(self) -> None:
        """Raises HomeError unless a node was made here."""
        if not self.exists:
            raise HomeError(f"there is no node in {self.path}: make one with 'bra init', or name its home with --home")

    def make(self, *, settings: dict[str, str], signing: PrivateKey, card: Card) -> None:
        """Lays out a new home with its key and card; HomeError if there is one already. Never overwrites a key."""
        try:
            for folder in (self.config.parent, self.signing_key.parent, self.partners, self.var):
                folder.mkdir(parents=True, exist_ok=True)
            self.var.chmod(0o700)
            write_new(self.signing_key, _pem(signing), 0o600)
            write_new(self.card, card.signed.line + b"\n", 0o644)
            if not self.agreement.exists():
                write_new(self.agreement, example(AGREEMENT), 0o644)
            template = self.config.read_bytes() if self.config.exists() else example("node.toml")
            _replace(self.config, with_settings(template.decode(), settings).encode())
        except FileExistsError as error:
            raise HomeError(f"{error.filename} is there already: a node's key is never overwritten") from error
        except OSError as error:
            raise HomeError(f"{self.path} can't be written: {error.strerror}") from error

    def load_signing_key(self) -> PrivateKey:
        """The signing key; HomeError if others may read it."""
        self.require()
        if stat.S_IMODE(self.signing_key.stat().st_mode) & 0o077:
            raise HomeError(f"others may read {self.signing_key}: run 'chmod 600' on it, and consider it stolen")
        try:
            key = serialization.load_pem_private_key(self.signing_key.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            # `from None` would hide the cause; the cause never holds the key itself.
            raise HomeError(
                f"{self.signing_key} can't be read as a private key: restore it from your backup"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise HomeError(f"{self.signing_key} is not an Ed25519 key: restore it from your backup")
        return PrivateKey(key.private_bytes_raw())

    def load_card(self) -> Card:
        self.require()
        try:
            return Card.parse(decode_loose(self.card.read_bytes()))
        except (OSError, ProtocolError) as error:
            raise HomeError(f"{self.card} can't be read: restore it from your backup") from error

    def keep_partner_card(self, node_id: str, line: bytes) -> None:
        """Keeps a partner's key card as a file, for people and for the next reader of this home."""
        self.partners.mkdir(parents=True, exist_ok=True)
        _replace(self.partners / f"{node_id}.json", line + b"\n")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the home against a second process; HomeError, at once, if one is there."""
        try:
            self.var.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HomeError(f"{self.var} can't be written: {error.strerror}") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise HomeLocked(f"another bra command works in {self.path}: wait for it, or end it") from error
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def short_socket(self) -> Iterator[str]:
        """A name of the control socket that fits the 107 bytes a Unix socket's address has."""
        name = str(self.socket.absolute())
        if len(os.fsencode(name)) <= 100:
            yield name
            return
        descriptor = os.open(self.var, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{descriptor}/{self.socket.name}"
        finally:
            os.close(descriptor)


class HomeLocked(HomeError):
    """Another process works in this home."""


def example(name: str) -> bytes:
    """A file of the example home: packed beside the code in a wheel, in `config/` of a checkout."""
    packed = resources.files("node") / "example" / "config" / name
    if packed.is_file():
        return packed.read_bytes()
    return (Path(__file__).parent.parent / "config" / name).read_bytes()


def with_settings(text: str, settings: dict[str, str]) -> str:
    """The example configuration with these keys (`section.key` -> TOML value) set in place of their defaults."""
    lines, section = text.splitlines(), ""
    waiting = dict(settings)
    for place, line in enumerate(lines):
        if line.startswith("["):
            section = line.strip("[]")
        key = line.removeprefix("# ").split(" = ")[0]
        if " = " in line and f"{section}.{key}" in waiting:
            lines[place] = f"{key} = {waiting.pop(f'{section}.{key}')}"
    assert not waiting, f"the example configuration has no {', '.join(waiting)}"
    return "\n".join(lines) + "\n"


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Writes a file that must not exist yet, never readable beyond `mode`, and on the disk before it returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    new.replace(path)


def _pem(key: PrivateKey) -> bytes:
    return key.ed25519().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
