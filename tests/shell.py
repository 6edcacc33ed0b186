"""The program in processes of its own, without paying for its imports each time.

A process that has imported the program forks for each of them: what it sees (arguments, standard input, environment,
exit, what is left open) is as if it had been started alone, in a tenth of the time.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from itertools import count
from pathlib import Path

PATIENCE = 120.0
"""Seconds for one command."""

_SERVER = """
import atexit, json, os, runpy, sys, threading, time
import node.app, node.cli.main, node.web.site
requests, answers = os.fdopen(int(sys.argv[1]), "rb"), int(sys.argv[2])
for line in requests:
    asked = json.loads(line)
    if "reap" in asked:
        answer = os.waitstatus_to_exitcode(os.waitpid(asked["reap"], 0)[1])
    elif not (answer := os.fork()):
        break
    os.write(answers, b"%d\\n" % answer)
else:
    sys.exit()
os.close(answers)
requests.close()
read, write = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND
for number, (name, flags) in enumerate((("in", read), ("out", write), ("err", write))):
    os.dup2(os.open(asked[name], flags), number)
os.closerange(3, 100)
os.environ.clear()
os.environ.update(asked["environment"])
time.tzset()
os.chdir(asked["folder"])
sys.argv = ["bra", *asked["arguments"]]
code = 0
try:
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
except SystemExit as end:
    if not isinstance(end.code, int):
        raise
    code = end.code
# All that a program does at its end, but for taking each object apart: that took longer than most commands.
threading._shutdown()
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""


class Running:
    """A process that a shell started: what tests use of `subprocess.Popen`."""

    def __init__(self, shell: "Shell", pid: int) -> None:
        self.pid = pid
        self._shell = shell
        self._end = os.pidfd_open(pid)
        self._reaping = threading.Lock()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._ended(0.0)

    def wait(self, timeout: float = PATIENCE) -> int:
        if (code := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return code

    def send_signal(self, which: int) -> None:
        # Until it is reaped its number is nobody else's.
        with self._reaping:
            if self.returncode is None:
                os.kill(self.pid, which)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float) -> int | None:
        if self.returncode is None:
            # Not select(), which takes no file above 1,023.
            poll = select.poll()
            poll.register(self._end, select.POLLIN)
            ended = poll.poll(timeout * 1_000)
            with self._reaping:
                if ended and self.returncode is None:
                    self.returncode = self._shell.ask(reap=self.pid)
                    os.close(self._end)
        return self.returncode


class Shell:
    """Starts processes, any number at a time, from any thread; `close` ends the one that they fork from."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._numbers = count()
        self._asking = threading.Lock()
        asked, self._ask = os.pipe()
        self._answers, answered = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(asked), str(answered)],
            pass_fds=(asked, answered),
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        os.close(asked)
        os.close(answered)

    def start(
        self, module: str, *arguments: str, stdin: Path | None = None, out: Path, err: Path,
        folder: Path | None = None, environment: dict[str, str] | None = None,
    ) -> Running:  # fmt: skip
        """`python -m MODULE ARGUMENT...`; what it says is added to two files."""
        pid = self.ask(
            module=module, arguments=arguments, out=str(out), err=str(err), folder=str(folder or Path.cwd()),
            environment={**os.environ, **(environment or {})}, **{"in": str(stdin or os.devnull)},
        )  # fmt: skip
        return Running(self, pid)

    def run(
        self, *arguments: str, stdin: bytes = b"", folder: Path | None = None, environment: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """`bra ARGUMENT...`, once it has ended."""
        place = Path(self._folder.name) / str(next(self._numbers))
        paths = {name: place / name for name in ("in", "out", "err")}
        place.mkdir()
        for name, path in paths.items():
            path.write_bytes(stdin if name == "in" else b"")
        running = self.start(
            "node", *arguments, stdin=paths["in"], out=paths["out"], err=paths["err"],
            folder=folder, environment=environment,
        )  # fmt: skip
        try:
            code = running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            raise AssertionError(f"bra {' '.join(arguments)} did not end within {PATIENCE} s") from None
        done = subprocess.CompletedProcess(arguments, code, paths["out"].read_bytes(), paths["err"].read_bytes())
        for path in paths.values():
            path.unlink()
        place.rmdir()
        return done

    def ask(self, **request: object) -> int:
        """The answer of the process that forks: a process's number, or its exit code."""
        with self._asking:
            os.write(self._ask, json.dumps(request).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                read = os.read(self._answers, 100)
                assert read, "the process that all others are forked from has ended: it said why on standard error"
                answer += read
        return int(answer)

    def close(self) -> None:
        os.close(self._ask)
        self._process.wait(PATIENCE)
        os.close(self._answers)
        self._folder.cleanup()
