"""PostgreSQL: logical replication of one table between two clusters (from the distribution).

A record is a row: author, id, and the record as jsonb. The subscription's `synchronous_commit` is on, because the
receiver has to hold it durably; its default is off.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from benchmarks.harness import waited
from benchmarks.peers.ground import Peak, Records, Wire, answers, process
from benchmarks.peers.peer import ColdSync, Idle, Peer, Update
from tests.nodes import free_port

OWNER = "postgres"
"""Who runs the servers where this is root."""
QUIET = 20
"""Seconds of a quiet connection that count as a round."""
TABLE = "CREATE TABLE records (author text, id text, record jsonb, PRIMARY KEY (author, id))"
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
wal_level = logical
max_wal_size = 4GB
wal_retrieve_retry_interval = 100ms
"""


def programs() -> Path | None:
    """The folder of the newest PostgreSQL on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class PostgreSql(Peer):
    name: ClassVar[str] = "PostgreSQL, logical replication"
    verifies: ClassVar[str] = "nothing"
    durable: ClassVar[str] = "all"

    @classmethod
    def missing(cls) -> str | None:
        return None if programs() else "PostgreSQL is not installed: run `apt-get install postgresql`."

    def version(self) -> str:
        return f"PostgreSQL {self.source.ask('SHOW server_version').split()[0]}"

    def seed(self, records: Records) -> None:
        self.records = records
        if not os.geteuid():
            shutil.chown(self.folder, OWNER)
            self.folder.parent.chmod(0o711)
        self.source, self.target = (
            self.running.enter_context(Cluster.started(self.folder / side)) for side in ("sender", "receiver")
        )
        for each in (self.source, self.target):
            each.ask(TABLE)
        rows = self.folder / "sender.tsv"
        rows.write_bytes(b"".join(_row(line.author, line.id, line.line) for line in records.lines))
        rows.chmod(0o644)
        self.source.ask(f"COPY records FROM '{rows}'")
        self.source.ask("CREATE PUBLICATION records FOR TABLE records")
        self.source.ask("CHECKPOINT")

    def cold_sync(self) -> ColdSync:
        self._forget()
        wire, start = Wire(), time.perf_counter()
        with Peak(self.target.pid) as peak:
            self.target.ask(
                f"CREATE SUBSCRIPTION records CONNECTION 'host=127.0.0.1 port={self.source.port} user=postgres' "
                "PUBLICATION records WITH (synchronous_commit = on)"
            )
            # The first copy is one transaction: any row is all rows.
            waited(lambda: self.target.ask("SELECT EXISTS (SELECT FROM records)") == "t", "the copy does not end")
            took = time.perf_counter() - start
        sent = wire.bytes
        assert int(self.target.ask("SELECT count(*) FROM records")) == len(self.records.lines)
        waited(lambda: self.target.ask("SELECT srsubstate FROM pg_subscription_rel") == "r", "it does not go on")
        self.target.ask("ALTER SUBSCRIPTION records DISABLE")
        return ColdSync(took, sent, peak.megabytes)

    def updates(self, count: int) -> list[Update]:
        times = []
        with self._connected():
            for number, each in enumerate(self.records.venues(count)):
                where = f"author = '{each.author}' AND id = '{each.id}'"
                name = f"Changed {number}"
                called = time.perf_counter()
                self.source.ask(
                    f"UPDATE records SET record = jsonb_set(record, '{{body,name}}', '\"{name}\"') WHERE {where}"
                )
                returned = time.perf_counter()
                question = f"SELECT record->'body'->>'name' FROM records WHERE {where}"
                waited(lambda q=question, n=name: self.target.ask(q) == n, "the update does not arrive", every=0)
                seen = time.perf_counter()
                times.append(Update(seen - returned, seen - called))
                time.sleep(0.05)
        return times

    def idle(self) -> Idle:
        with self._connected():
            wire = Wire()
            time.sleep(QUIET)
            return Idle(wire.bytes, f"{QUIET} s of a quiet connection")

    @contextmanager
    def _connected(self) -> Iterator[None]:
        self.target.ask("ALTER SUBSCRIPTION records ENABLE")
        time.sleep(2)
        yield
        self.target.ask("ALTER SUBSCRIPTION records DISABLE")

    def _forget(self) -> None:
        if self.target.ask("SELECT count(*) FROM pg_subscription") != "0":
            self.target.ask("DROP SUBSCRIPTION records")
        self.target.ask("TRUNCATE records")
        self.target.ask("CHECKPOINT")


class Cluster:
    """A PostgreSQL server of its own, and one session with it. It runs as `postgres` where this is root."""

    pid: int
    session: "subprocess.Popen[bytes]"

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Iterator[Self]:
        made, bin_ = cls(folder), programs()
        assert bin_
        log = folder.with_suffix(".log")
        made_by = [*_as_owner(), bin_ / "initdb", "-D", folder, "-U", "postgres", "-A", "trust", "--no-instructions"]
        with process(made_by, log=log) as making:
            making.communicate()
            assert making.returncode == 0, log.read_text()
        with (folder / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION.format(port=made.port))
        with process([*_as_owner(), bin_ / "postgres", "-D", folder], log=log) as server:
            made.pid = server.pid
            waited(lambda: answers(made.port), "PostgreSQL does not answer")
            waited(lambda: "ready to accept connections" in log.read_text(), "PostgreSQL does not get ready")
            session = [bin_ / "psql", "-h", "127.0.0.1", "-p", str(made.port), "-U", "postgres", "-XAtq"]
            with process(session, log=log, talks=True) as made.session:
                yield made

    def ask(self, sql: str) -> str:
        """What a statement answers; its end is marked by an empty comment of psql's own."""
        assert self.session.stdin is not None
        assert self.session.stdout is not None
        self.session.stdin.write(f"{sql};\n\\echo done\n".encode())
        self.session.stdin.flush()
        lines = []
        while (line := self.session.stdout.readline().decode().rstrip("\n")) != "done":
            assert self.session.poll() is None, self.folder.with_suffix(".log").read_text()
            lines.append(line)
        return "\n".join(lines)


def _row(author: str, id_: str, line: bytes) -> bytes:
    return b"%s\t%s\t%s\n" % (author.encode(), id_.encode(), line.replace(b"\\", b"\\\\"))


def _as_owner() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return []
    return ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups", "--"]
