"""Commands as processes of their own, without paying for the program's imports each time.

A process that has imported the program forks for every command: what the command sees (arguments, standard input,
exit, what is left open) is as if it had been started alone, at a tenth of the time.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PATIENCE = 120
"""Seconds for one command."""

_SERVER = """
import json, os, sys
from node.cli.main import run
requests, answers = os.fdopen(int(sys.argv[1]), "rb"), int(sys.argv[2])
for line in requests:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        break
    os.write(answers, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    sys.exit()
for number, name in enumerate(("in", "out", "err")):
    flags = os.O_RDONLY if name == "in" else os.O_WRONLY
    os.dup2(os.open(asked[name], flags), number)
os.environ.clear()
os.environ.update(asked["environment"])
os.chdir(asked["folder"])
sys.argv = ["bra", *asked["arguments"]]
run()
"""


class Shell:
    """Runs one command at a time; `close` ends its process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        asked, self._ask = os.pipe()
        self._answers, answered = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(asked), str(answered)],
            pass_fds=(asked, answered),
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        os.close(asked)
        os.close(answered)

    def run(
        self, *arguments: str, stdin: bytes = b"", folder: Path | None = None, environment: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        paths = {name: Path(self._folder.name) / name for name in ("in", "out", "err")}
        for name, path in paths.items():
            path.write_bytes(stdin if name == "in" else b"")
        asked: dict[str, Any] = {name: str(path) for name, path in paths.items()}
        seen = {**os.environ, **(environment or {})}
        asked |= {"arguments": arguments, "folder": str(folder or Path.cwd()), "environment": seen}
        os.write(self._ask, json.dumps(asked).encode() + b"\n")
        ready, _, _ = select.select([self._answers], [], [], PATIENCE)
        assert ready, f"bra {' '.join(arguments)} did not end within {PATIENCE} s"
        code = int(os.read(self._answers, 100))
        return subprocess.CompletedProcess(arguments, code, paths["out"].read_bytes(), paths["err"].read_bytes())

    def close(self) -> None:
        os.close(self._ask)
        self._process.wait(PATIENCE)
        os.close(self._answers)
        self._folder.cleanup()
