"""The campaign: each defence is taken out of a copy of the product, and the test of its attack has to fail there.

    make attacks                    all of them, some minutes
    make attacks ARGS="frozen"      those whose name has these words

A test that fails in anything but an assertion (an import, a fixture, a missing node) has shown nothing: that is told,
and fails the campaign as well as a test that passes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.attacks.defences import ATTACKS, Attack, Out

HERE = Path(__file__).parents[2]
COPIED = ("node", "tests", "config", "docs", "pyproject.toml", "Makefile")
SECONDS = 180


@contextmanager
def without(places: tuple[Out, ...]) -> Iterator[Path]:
    """A copy of the product without a defence."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = HERE / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        for place in places:
            path = copy / place.path
            text = path.read_text()
            assert text.count(place.old) == 1, f"{place.path} has no such place: {place.old}"
            path.write_text(text.replace(place.old, place.new))
        yield copy


def tried(attack: Attack, places: tuple[Out, ...]) -> str:
    """In which assertion the attack's test fails without the defence; empty, with what happened, where it doesn't."""
    with without(places) as copy:
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        found = run(copy, environment, "-c", "import node; print(node.__file__)")
        assert found.stdout.startswith(str(copy)), f"not the copy is run but {found.stdout}"
        pytest = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=short", f"tests/{attack.test}")
        done = run(copy, environment, *pytest)
    return judged(done.returncode, done.stdout)


def run(folder: Path, environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def judged(code: int, output: str) -> str:
    """Where and how the assertion failed; AssertionError where the run shows nothing about the defence."""
    if code == 0:
        raise AssertionError("the test passes without the defence")
    failures = re.findall(r"^(FAILED|ERROR) ", output, re.MULTILINE)
    where = re.findall(r"^tests/attacks/(test_\S+:\d+): in test_", output, re.MULTILINE)
    # A command that had to be refused and was done (exit 0) is an assertion of the test, too.
    said = re.findall(r"^E  +((?:AssertionError|assert |tests\.nodes\.Failed: .*: exit 0).*)$", output, re.MULTILINE)
    if failures != ["FAILED"] or not where or not said:
        raise AssertionError(f"the test did not come to its assertions:\n{output[-3000:]}")
    return f"{where[0]}: {said[0][:120]}"


def main() -> int:
    wanted = sys.argv[1:]
    undone = 0
    for attack in ATTACKS:
        if wanted and not all(word in attack.name for word in wanted):
            continue
        for places in attack.defences:
            name = " and ".join(dict.fromkeys(place.name for place in places))
            try:
                outcome = tried(attack, places)
                mark = "fails"
            except (AssertionError, subprocess.TimeoutExpired) as error:
                outcome, mark = str(error), "SHOWS NOTHING"
                undone += 1
            sys.stdout.write(f"{attack.name:50} without {name:24} {mark}: {outcome}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{undone} defences without proof.\n" if undone else "Each test fails without its defence.\n")
    return 1 if undone else 0


if __name__ == "__main__":
    sys.exit(main())
