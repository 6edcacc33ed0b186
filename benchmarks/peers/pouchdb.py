"""PouchDB with express-pouchdb: the CouchDB replication protocol over HTTP (npm: pouchdb, express-pouchdb)."""

from typing import Any, ClassVar

from benchmarks.peers.ground import Records
from benchmarks.peers.scripted import Scripted
from tests.nodes import free_port

BATCH = 1000
"""Documents in one request: ten times the default, and faster."""


class PouchDb(Scripted):
    name: ClassVar[str] = "PouchDB, 1,000 a batch"
    verifies: ClassVar[str] = "nothing"
    durable: ClassVar[str] = "not the newest: its log is not fsynced"
    packages: ClassVar[tuple[str, ...]] = ("pouchdb", "express-pouchdb")
    round: ClassVar[str] = "replicate again"

    def serve(self, records: Records) -> dict[str, Any]:
        self.sender.ask("seed", file=str(records.path), batch=BATCH)
        port = free_port()
        self.sender.ask("serve", port=port)
        return {"url": f"http://127.0.0.1:{port}/records", "batch": BATCH}

    def requests(self) -> int | None:
        return int(self.sender.ask("requests")["requests"])
