"""A node's home: the one place that knows where things lie, who may read them, and that one process works in them.

    config/node.toml            every setting, commented          config/agreement-1.txt   the text that was signed
    keys/signing.key            this node's signing key, 0600,    keys/card.json           its own public card
                                perhaps with a passphrase
    keys/partners/<id>.json     the partners' key cards
    keys/pass-<n>.key           what signs passes in epoch n, and
    keys/sealing-<n>.key        what opens sealed messages: 0600, under the same passphrase
    keys/*.next, *.asked        a key on its way in: see `stage` and `ask_card`
    var/node.db                 the database                      var/lock, var/bra.sock   held while a process works
    var/mark.json               which state this very home signed last: see `node.mark`

`keys/` and `config/` are data: the checkout of the project is itself a valid home.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from node import key_file
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
        self.mark = self.var / "mark.json"
        self._next_key = path / "keys" / "signing.key.next"
        self._next_card = path / "keys" / "card.json.next"
        self._asked_key = path / "keys" / "signing.key.asked"

    @property
    def exists(self) -> bool:
        return self.signing_key.exists()

    def require(self) -> None:
        """Raises HomeError unless a node was made here."""
        if not self.exists:
            raise HomeError(f"there is no node in {self.path}: make one with 'bra init', or name its home with --home")

    def make(self, *, settings: dict[str, str], signing: PrivateKey, card: Card) -> None:
        """Lays out a new home with its key and card; HomeError if there is one already. Never overwrites a key.

        The key comes last, because there is a node where it is: broken off before, this is done anew from the start.
        """
        try:
            for folder in (self.config.parent, self.signing_key.parent, self.partners, self.var):
                folder.mkdir(parents=True, exist_ok=True)
            self.var.chmod(0o700)
            with self.lock():
                self._refuse_another(card)
                if not self.agreement.exists():
                    _replace(self.agreement, example(AGREEMENT))
                template = self.config.read_bytes() if self.config.exists() else example("node.toml")
                _replace(self.config, with_settings(template.decode(), settings).encode())
                _replace(self.card, card.signed.line + b"\n")
                _replace(self.signing_key, key_file.encode(signing, None), 0o600)
        except OSError as error:
            raise HomeError(f"{self.path} can't be written: {error.strerror}") from error

    def _refuse_another(self, card: Card) -> None:
        """Raises HomeError where there is a node, or all of another one but its key: its database is no other's."""
        if self.exists:
            raise HomeError(f"{self.signing_key} is there already: a node's key is never overwritten")
        if self.database.exists() and self.card.exists() and self._read_card().author != card.author:
            raise HomeError(
                f"a node without its key is in {self.path}: bring it back with 'bra recover', or name another --home"
            )

    @property
    def needs_passphrase(self) -> bool:
        """Whether the signing key is encrypted."""
        return key_file.is_encrypted(self._read_signing_key())

    def load_signing_key(self, passphrase: bytes | None = None) -> PrivateKey:
        """The signing key; HomeError if others may read it, or if the passphrase doesn't open it."""
        pem = self._read_signing_key()
        try:
            return key_file.decode(pem, passphrase)
        except ValueError as error:
            # `from None` would hide the cause; the cause never holds the key itself.
            raise HomeError(
                f"{self.signing_key} can't be read as a private key: restore it from your backup"
            ) from error

    def replace_signing_key(self, key: PrivateKey, passphrase: bytes | None) -> None:
        """Writes `key` in place of the one there, in one step: whatever happens, one of the two is whole."""
        with self._told():
            _replace(self.signing_key, key_file.encode(key, passphrase), 0o600)

    def node_keys(self) -> list[str]:
        """The names of the keys for passes and sealing that lie here, such as `pass-1`."""
        return sorted(path.stem for path in self.signing_key.parent.glob("*-*.key"))

    def load_node_key(self, name: str, passphrase: bytes | None) -> PrivateKey | None:
        """One of them; None where it isn't here, HomeError where it can't be read or opened."""
        path = self._node_key(name)
        if not path.exists():
            return None
        try:
            return key_file.decode(_read_private(path), passphrase)
        except (ValueError, key_file.WrongPassphrase) as error:
            raise HomeError(f"{path} can't be opened: remove it, and this node makes itself a new one") from error

    def keep_node_key(self, name: str, key: PrivateKey, passphrase: bytes | None) -> None:
        """Keeps a new one. Never overwrites a key."""
        if self._node_key(name).exists():
            raise HomeError(f"{self._node_key(name)} is there already: a key is never overwritten")
        with self._told():
            _replace(self._node_key(name), key_file.encode(key, passphrase), 0o600)

    def drop_node_key(self, name: str) -> None:
        with self._told():
            self._node_key(name).unlink(missing_ok=True)

    def _node_key(self, name: str) -> Path:
        return self.signing_key.parent / f"{name}.key"

    def change_passphrase(self, key: PrivateKey, old: bytes | None, new: bytes | None) -> None:
        """Writes the signing key under its new passphrase, and before it all others that lie here.

        Broken off, it is done again: what has the new passphrase already stays as it is.
        """
        for name in self.node_keys():
            try:
                found = self.load_node_key(name, old)
            except HomeError:
                # Of a change that was broken off; or nobody's, and then this says so.
                self.load_node_key(name, new)
                continue
            assert found is not None
            with self._told():
                _replace(self._node_key(name), key_file.encode(found, new), 0o600)
        try:
            asked = self.load_asked_key(old)
        except HomeError:
            # None waits; or a change that was broken off left it under a passphrase that no command will ask for.
            self._asked_key.unlink(missing_ok=True)
        else:
            self.ask_card(asked, new)
        self.replace_signing_key(key, new)

    def require_settled(self) -> None:
        """Raises HomeError where a change of keys was broken off: only the database knows which key counts."""
        if self._next_key.exists() or self._next_card.exists():
            raise HomeError("a change of keys was broken off: run any other command first, then this one")

    def _read_signing_key(self) -> bytes:
        self.require()
        return _read_private(self.signing_key)

    def load_card(self) -> Card:
        self.require()
        return self._read_card()

    def _read_card(self) -> Card:
        try:
            return Card.parse(decode_loose(self.card.read_bytes()))
        except (OSError, ProtocolError) as error:
            raise HomeError(f"{self.card} can't be read: restore it from your backup") from error

    def configure(self, settings: dict[str, str]) -> None:
        """Sets these keys (`section.key` -> TOML value) in the configuration."""
        with self._told():
            _replace(self.config, with_settings(self.config.read_text(), settings).encode())

    def stage(self, key: PrivateKey, card: Card, passphrase: bytes | None) -> None:
        """Lays a new key and its card beside the old ones. They count once the database has the card: see `settle`."""
        self.drop_staged()
        write_new(self._next_card, card.signed.line + b"\n", 0o644)
        write_new(self._next_key, key_file.encode(key, passphrase), 0o600)
        _sync(self._next_key.parent)

    def settle(self, stored: Card | None) -> None:
        """Ends a change of keys that was broken off: forward where `stored`, the database's card, is the new one.

        The database's transaction is the moment at which a new key begins to count, so the files follow it.
        """
        with self._told():
            # Half written by a process that was killed: it may hold a key without a passphrase.
            for left in self.signing_key.parent.glob("*.new"):
                left.unlink()
            if not self._next_card.exists():
                self._next_key.unlink(missing_ok=True)
            elif stored is not None and self._next_card.read_bytes() == stored.signed.line + b"\n":
                if self._next_key.exists():
                    self._next_key.replace(self.signing_key)
                    # Without the staged card nobody would know that the staged key counts.
                    _sync(self.signing_key.parent)
                self._next_card.replace(self.card)
                self._asked_key.unlink(missing_ok=True)
            else:
                self.drop_staged()

    def drop_staged(self) -> None:
        for path in (self._next_key, self._next_card):
            path.unlink(missing_ok=True)

    def ask_card(self, key: PrivateKey, passphrase: bytes | None) -> None:
        """Keeps a signing key that waits for its card, which is signed on another machine."""
        with self._told():
            _replace(self._asked_key, key_file.encode(key, passphrase), 0o600)

    def load_asked_key(self, passphrase: bytes | None) -> PrivateKey:
        """The key that waits for its card; HomeError where none does."""
        try:
            return key_file.decode(self._asked_key.read_bytes(), passphrase)
        except (OSError, ValueError) as error:
            raise HomeError("no key waits for a card here: begin with 'bra rotate --request FILE'") from error

    def replace_mark(self, data: bytes) -> None:
        """Writes the mark, in one step. It needn't survive a power cut: one that is behind is good, too."""
        with self._told():
            new = self.mark.with_name(self.mark.name + ".new")
            new.write_bytes(data)
            new.replace(self.mark)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The system's errors as ours."""
        try:
            yield
        except OSError as error:
            raise HomeError(f"{error.filename or self.path} can't be written: {error.strerror}") from error

    def keep_partner_card(self, node_id: str, line: bytes) -> None:
        """Keeps a partner's key card as a file, for people and for the next reader of this home."""
        self.partners.mkdir(parents=True, exist_ok=True)
        _replace(self.partners / f"{node_id}.json", line + b"\n")

    def forget_partner_card(self, node_id: str) -> None:
        """The node is no partner any more."""
        (self.partners / f"{node_id}.json").unlink(missing_ok=True)

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


def _read_private(path: Path) -> bytes:
    """The bytes of a key's file; HomeError if others may read it."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise HomeError(f"others may read {path}: run 'chmod 600' on it, and consider it stolen")
        return path.read_bytes()
    except OSError as error:
        raise HomeError(f"{path} can't be read: {error.strerror}") from error


def write_new(path: Path, data: bytes, mode: int) -> None:
    """Writes a file that must not exist yet, never readable beyond `mode`, and on the disk before it returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Writes a file in one step and on the disk: a reader finds the old one or the new one, also after a power cut."""
    new = path.with_name(path.name + ".new")
    # One that a killed process left behind may hold anything.
    new.unlink(missing_ok=True)
    write_new(new, data, mode)
    new.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Makes what was created and renamed in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
