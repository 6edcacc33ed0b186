"""Hypercore: a signed append-only log an author, over one encrypted connection (npm: hypercore, corestore)."""

from typing import Any, ClassVar

from benchmarks.peers.ground import Records
from benchmarks.peers.scripted import Scripted
from tests.nodes import free_port


class Hypercore(Scripted):
    """A record a block, as addressable as the node's."""

    name: ClassVar[str] = "Hypercore, a record a block"
    verifies: ClassVar[str] = "signatures and hashes"
    durable: ClassVar[str] = "not the newest: its log is not fsynced"
    packages: ClassVar[tuple[str, ...]] = ("hypercore", "hypercore-storage")
    round: ClassVar[str] = "connect and ask 50 cores"
    pack: ClassVar[int] = 1

    def serve(self, records: Records) -> dict[str, Any]:
        keys = self.sender.ask("seed", file=str(records.path), pack=self.pack)["keys"]
        port = free_port()
        self.sender.ask("serve", port=port)
        return {"port": port, "keys": keys}


class Packed(Hypercore):
    """A hundred records a block: no single one can be had or proven."""

    name: ClassVar[str] = "Hypercore, 100 records a block"
    pack: ClassVar[int] = 100
