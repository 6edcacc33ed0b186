"""What the README tells a newcomer to type works."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.nodes import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def typed(tmp_path):
    """A folder as the README's reader has it, and a way to run its lines in one shell there."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    started = []

    def run(script: str) -> str:
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        with (tmp_path / "output").open("w+") as output:
            # In a session of its own, so that what it leaves serving in the background is ended with it.
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=tmp_path,
                env={"PATH": path, "HOME": str(tmp_path)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            started.append(process)
            code = process.wait(60)
            output.seek(0)
            said = output.read()
        assert code == 0, said
        return said

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def test_two_organisations_find_each_others_rooms_by_the_readmes_own_commands(typed):
    founding, asking = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    script = founding + asking.replace("curl ", "echo; curl --silent --show-error --fail ")
    # A person takes longer to type a line than a node to start.
    listens = "until (exec 3<>/dev/tcp/127.0.0.1/{}) 2>&-; do sleep 0.1; done\n"
    script = script.replace("link=", listens.format(8471) + listens.format(8472) + "link=")
    # Two ports that are free here stand for the README's.
    for port in ("8471", "8472"):
        script = script.replace(port, str(free_port()))
    said = typed(script)
    assert "Published: 2 new" in said
    assert "Ideon Science Park (bra1" in said
    asked = said[said.index('{"records":') :]
    near, slip = asked.split('{"type":"FeatureCollection"')[0].split('{"records":')[1:]
    assert "Sõbra meeting room" in near
    assert "Sõbra meeting room" in slip
    assert '"corrected":{"meting":["meeting"]}' in slip, slip
    assert asked.count('"type":"Feature"') == 2
    assert "Sõbra meeting room, Tartu  (Tartu Science Park)" in said


def test_every_make_target_that_the_readme_names_exists():
    targets = set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test", "install", "bench"} <= targets
    for target in targets:
        arguments = ["NAME=cold_sync"] if target == "bench" else []
        done = subprocess.run(["make", "-n", target, *arguments], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_place_that_the_readme_links_to_exists():
    for place in re.findall(r"\]\(((?!https?:)[^)#]+)\)", README):
        assert (ROOT / place).exists(), place
