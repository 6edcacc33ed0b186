"""git: one repository, a file a record in a folder an author, a signed commit, over git:// (from the distribution)."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import BinaryIO, ClassVar

from benchmarks.harness import waited
from benchmarks.peers.ground import Line, Peak, Records, Wire, answers, process
from benchmarks.peers.peer import ColdSync, Idle, Peer, Update
from tests.nodes import free_port

ENVIRONMENT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
CAREFUL = ("-c", "core.fsync=all", "-c", "transfer.fsckObjects=true")


class Git(Peer):
    """A bare clone: packed objects, no files."""

    name: ClassVar[str] = "git, bare"
    verifies: ClassVar[str] = "hashes, and one signature of the commit"
    durable: ClassVar[str] = "all (core.fsync=all)"
    clone: ClassVar[tuple[str, ...]] = ("--bare",)

    @classmethod
    def missing(cls) -> str | None:
        if shutil.which("git") and shutil.which("ssh-keygen"):
            return None
        return "git or ssh-keygen is not installed: run `apt-get install git openssh-client`."

    def version(self) -> str:
        return self._git("--version", cwd=self.folder)

    def seed(self, records: Records) -> None:
        self.records, self.source = records, self.folder / "served" / "records"
        self.source.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main", cwd=self.source)
        self._sign_with(self.folder / "key")
        self._import(records)
        self.port = free_port()
        self.running.enter_context(process(
            ["git", "daemon", "--listen=127.0.0.1", f"--port={self.port}", "--export-all", "--reuseaddr",
             f"--base-path={self.folder / 'served'}"],
            env=ENVIRONMENT, log=self.folder / "daemon.log",
        ))  # fmt: skip
        waited(lambda: answers(self.port), "git daemon does not answer")

    def cold_sync(self) -> ColdSync:
        self.last = self.receiver()
        command = [
            "git",
            *CAREFUL,
            "clone",
            "--quiet",
            *self.clone,
            f"git://127.0.0.1:{self.port}/records/.git",
            self.last,
        ]
        wire, start = Wire(), time.perf_counter()
        with process(command, env=ENVIRONMENT, log=self.folder / "clone.log") as cloning, Peak(cloning.pid) as peak:
            assert cloning.wait() == 0
        self._git("verify-commit", "HEAD", cwd=self.last)
        took, sent = time.perf_counter() - start, wire.bytes
        held = self._git("ls-tree", "-r", "--name-only", "HEAD", cwd=self.last)
        assert held.count("\n") + 1 == len(self.records.lines)
        return ColdSync(took, sent, peak.megabytes)

    def updates(self, count: int) -> list[Update]:
        times = []
        for number, each in enumerate(self.records.venues(count)):
            line, file = each.changed(number), self._file(self.source, each)
            file.parent.mkdir(exist_ok=True)
            called = time.perf_counter()
            file.write_bytes(line)
            self._git("commit", "--quiet", "--message=one", "--", file, cwd=self.source)
            returned = time.perf_counter()
            self._git(*CAREFUL, "fetch", "--quiet", "origin", "main", cwd=self.last)
            found = self._git("show", f"FETCH_HEAD:{file.relative_to(self.source)}", cwd=self.last)
            seen = time.perf_counter()
            assert found.encode() == line
            times.append(Update(seen - returned, seen - called))
        return times

    def idle(self) -> Idle:
        wire = Wire()
        self._git("fetch", "--quiet", "origin", "main", cwd=self.last)
        return Idle(wire.bytes, "git fetch", 1)

    def _import(self, records: Records) -> None:
        """One signed commit of all files, packed as git would by itself; the files are only in the index."""
        stream = self.folder / "import"
        with stream.open("wb") as commit:
            commit.write(b"commit refs/heads/all\ncommitter Park <park@park.example> now\ndata 3\nall\n")
            for each in records.lines:
                path = self._file(Path(), each)
                commit.write(b"M 100644 inline %s\ndata %d\n%s\n" % (bytes(path), len(each.line), each.line))
        with stream.open("rb") as commit:
            self._git("fast-import", "--quiet", "--date-format=now", cwd=self.source, stdin=commit)
        signed = self._git("commit-tree", "-S", "-m", "all", "all^{tree}", cwd=self.source)
        self._git("reset", "--quiet", "--mixed", signed, cwd=self.source)
        self._git("branch", "--quiet", "-D", "all", cwd=self.source)
        self._git("repack", "-a", "-d", "-f", "--quiet", cwd=self.source)

    def _file(self, folder: Path, each: Line) -> Path:
        return folder / each.author / f"{each.id}.json"

    def _sign_with(self, key: Path) -> None:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.allowed = self.folder / "allowed"
        self.allowed.write_text(f"park@park.example {key.with_suffix('.pub').read_text()}")
        for name, value in {
            "user.name": "Park",
            "user.email": "park@park.example",
            "gpg.format": "ssh",
            "user.signingkey": str(key),
            "commit.gpgsign": "true",
        }.items():
            self._git("config", name, value, cwd=self.source)

    def _git(self, *arguments: str | Path, cwd: Path, stdin: BinaryIO | None = None) -> str:
        trusting = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={self.folder / 'allowed'}")
        done = subprocess.run(
            ["git", *trusting, *arguments],
            cwd=cwd, env={**os.environ, **ENVIRONMENT}, stdin=stdin, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().rstrip("\n")


class GitCheckout(Git):
    """A clone with its files: a record can be read without git, and searched with grep."""

    name: ClassVar[str] = "git, checked out"
    durable: ClassVar[str] = "the objects; files are not fsynced"
    clone: ClassVar[tuple[str, ...]] = ()
