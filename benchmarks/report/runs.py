"""Runs benchmarks, one process after the other, and keeps what they found.

A benchmark is a module of `benchmarks` with a `main`; each line that it prints and that is a JSON object with a `name`
is a result. One that fails is told in the results, and the others go on.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report.machine import machine

ROOT = Path(__file__).parents[2]
VARIANTS: dict[str, list[list[str]]] = {
    # Part of every turn of the race.
    "cold_sync": [],
    "one_update": [["--records", "20000"], ["--records", "20000", "--hops", "3"]],
    "reach": [["--records", "100000"]],
}
"""Where a benchmark runs otherwise than once, as it is by itself."""
SMALL = ["--records", "2000", "--repeat", "1"]
RACES = [["--records", "20000"], ["--records", "100000", "--updates", "0"]]
QUICK_RACES = [[*SMALL, "--updates", "5"]]

Command = tuple[str, list[str]]
"""The name that it is asked for by, and a module with its arguments."""


def commands(*, quick: bool) -> list[Command]:
    """Everything there is to run, the race last."""
    small = SMALL if quick else []
    found: list[Command] = [
        (path.stem, [f"benchmarks.{path.stem}", *given, *small])
        for path in sorted((ROOT / "benchmarks").glob("*.py"))
        if "\ndef main(" in path.read_text()
        for given in VARIANTS.get(path.stem, [[]])
    ]
    races = QUICK_RACES if quick else RACES
    return found + [("race", ["benchmarks.peers.race", *given]) for given in races]


def run(command: Sequence[str]) -> list[dict[str, Any]]:
    """The results that a module prints; one that tells its fault if it fails."""
    print("##", *command, flush=True)
    started = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    found = []
    with started:
        for line in started.stdout:
            print(line, end="", flush=True)
            if line.startswith('{"name"'):
                found.append(json.loads(line))
    if started.returncode:
        found.append(
            {"name": command[0].removeprefix("benchmarks."), "missing": f"it failed; see `{' '.join(command)}`"}
        )
    return found


def collect(path: Path, todo: Iterable[Command], *, given: str) -> dict[str, Any]:
    """Runs these and puts their results in place of older ones of the same commands."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"runs": []}
    for _, command in todo:
        lines = run(command)
        results |= {"machine": machine(), "date": time.strftime("%Y-%m-%d", time.gmtime()), "command": given}
        others = [each for each in results["runs"] if each["command"] != command]
        results["runs"] = [*others, {"command": command, "lines": lines}]
        path.write_text(json.dumps(results, indent=1))
    return results
