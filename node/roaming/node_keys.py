"""The keys of a node besides its signing key: one signs passes (Ed25519), one opens what is sealed to it (X25519).

Rules (SPEC, "Node keys"; the product, "Record kinds"):

- each belongs to one epoch, and its number is in its name: `pass-3`, `sealing-3`. Another epoch has other keys, so a
  stolen home's count no more once its card was replaced
- the public one is published as a `node_key` record, whose id is that name; a key of another use or name is none
- another's keys are read from its verified set, and only those of its newest card's epoch: whoever replaced a key means
  it, also before the first state under the new one has come here
- an old sealing key stays for 30 days in the home, and is out of the directory at once: it opens what is on its way. An
  old pass key goes at once

    kid, key = node_keys.pass_key
    kid, public = sealing_key(db, author)       # another's
    private = node_keys.opening_key(kid)        # one's own, of an X25519 box that names its key
"""

import sqlite3
import threading

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from node.directory.authority import Authority
from node.directory.draft import Change, own
from node.home import Home
from node.protocol.keys import PrivateKey
from node.protocol.names import decode_base64, encode_base64, format_time, parse_time
from node.protocol.record import Record
from node.storage import authors, records
from node.world import World

PASS, SEALING = "pass", "sealing"
OLD_SEALING_DAYS = 30


class NodeKeys:
    """A node's own, of the epoch that it is in. They are made when they are first needed, and then kept in the home.

    Whoever opened the home holds its lock; `passphrase` is that of the signing key.
    """

    def __init__(self, home: Home, authority: Authority, passphrase: bytes | None, world: World) -> None:
        self._home = home
        self._authority = authority
        self._passphrase = passphrase
        self._world = world
        self._loaded: dict[str, PrivateKey] = {}
        # Asked for from several threads, because a passphrase takes a quarter of a second.
        self._lock = threading.Lock()

    @property
    def pass_key(self) -> tuple[str, PrivateKey]:
        """What signs passes now, and its name."""
        return self._current(PASS)

    @property
    def sealing_key(self) -> tuple[str, bytes]:
        """The 32 public bytes that messages to this node are sealed to now, and their key's name."""
        name, key = self._current(SEALING)
        return name, _x25519(key).public_key().public_bytes_raw()

    def opening_key(self, name: str) -> X25519PrivateKey | None:
        """What opens a message that was sealed to the key of this name; None where there is none here (any more)."""
        if name != self._name(SEALING) and name not in self._home.node_keys():
            return None
        use, _, _ = name.partition("-")
        return _x25519(self._key(name)) if use == SEALING else None

    def first(self) -> list[Change]:
        """What a new node publishes."""
        return [self._change(use) for use in (PASS, SEALING)]

    def changes(self, db: sqlite3.Connection) -> list[Change]:
        """What to publish so that the directory names the current keys, and no others."""
        me = self._authority.card.author
        there: dict[str, Record] = {record.id: record for record in own(db, me, "node_key")}
        wanted = {self._name(use): use for use in (PASS, SEALING)}
        changes = [self._change(use) for name, use in wanted.items() if not self._says(there.get(name), use)]
        return changes + [Change("node_key", None, id=name) for name in there.keys() - wanted.keys()]

    def _says(self, record: Record | None, use: str) -> bool:
        """Whether the record is what others need to know of the key."""
        public = encode_base64(self._public(use))
        return record is not None and record.body["use"] == use and record.body["public_key"] == public

    def _change(self, use: str) -> Change:
        body = {"use": use, "public_key": encode_base64(self._public(use)), "since": format_time(self._world.now())}
        return Change("node_key", body, id=self._name(use), visibility="public")

    def _public(self, use: str) -> bytes:
        return self.sealing_key[1] if use == SEALING else self.pass_key[1].public

    def forget(self, db: sqlite3.Connection) -> None:
        """Drops old keys from the home, once others know the new ones, and for sealing long enough."""
        there = own(db, self._authority.card.author, "node_key")
        since = next((record.body["since"] for record in there if record.id == self._name(SEALING)), None)
        if since is None:
            return
        settled = self._world.now() - parse_time(since) > OLD_SEALING_DAYS * 86_400
        for name in self._home.node_keys():
            use, _, _ = name.partition("-")
            if name != self._name(use) and (use == PASS or settled):
                self._loaded.pop(name, None)
                self._home.drop_node_key(name)

    def _name(self, use: str) -> str:
        return f"{use}-{self._authority.card.epoch}"

    def _current(self, use: str) -> tuple[str, PrivateKey]:
        name = self._name(use)
        return name, self._key(name)

    def _key(self, name: str) -> PrivateKey:
        with self._lock:
            if name not in self._loaded:
                key = self._home.load_node_key(name, self._passphrase)
                if key is None:
                    key = PrivateKey(self._world.random(32))
                    self._home.keep_node_key(name, key, self._passphrase)
                self._loaded[name] = key
            return self._loaded[name]


def pass_keys(db: sqlite3.Connection, author: str) -> dict[str, bytes]:
    """The public keys (32 bytes) with which an author signs passes now, by their names: one, or none."""
    found = _published(db, author, PASS)
    return dict((found,)) if found else {}


def sealing_key(db: sqlite3.Connection, author: str) -> tuple[str, bytes] | None:
    """The name and the 32 public bytes of the key to which messages to an author are sealed; None where it has none."""
    return _published(db, author, SEALING)


def _published(db: sqlite3.Connection, author: str, use: str) -> tuple[str, bytes] | None:
    found = authors.find(db, author)
    if found is None:
        return None
    name = f"{use}-{found.newest_epoch}"
    said = records.body(db, found.no, "node_key", name)
    return (name, decode_base64(said["public_key"], 32)) if said and said["use"] == use else None


def _x25519(key: PrivateKey) -> X25519PrivateKey:
    """The 32 secret bytes as what they are: their file is an Ed25519 key's, since OpenSSH's form knows no X25519."""
    return X25519PrivateKey.from_private_bytes(key.raw())
