"""A program not written here reads the OpenAPI document and tries to break the API: real process, real HTTP.

Of its checks one is left out: that whatever fits the schema is accepted. JSON Schema can't say that an hour is in the
calendar, that opening hours can be read, or that a cursor is of this question; what is refused says so in a sentence,
which other tests hold it to. `make fuzz` runs the same for longer.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.nodes import Node, venue

LONG = os.environ.get("BRA_FUZZ")
"""Requests made up for each operation, where it is to be many; then each boundary of the schema is tried, too."""


PLENTY = dict.fromkeys(("reads", "searches", "writes", "public_reads", "public_searches", "refused_tokens"), 1_000_000)


def test_a_fuzzer_finds_nothing_in_the_whole_document(tmp_path: Path) -> None:
    node = Node(tmp_path / "tartu", "Tartu Science Park", api=PLENTY)
    node.publish("venue", [venue("desk")])
    node.serve()
    try:
        token = node.json("token", "create", "--role", "operator", "--label", "fuzzer")["token"]
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")), "run", f"{node.url}/api/v1/openapi.json",
                "--header", f"Authorization: Bearer {token}", "--max-examples", LONG or "1", "--seed", "1",
                "--phases", "coverage,fuzzing" if LONG else "fuzzing", "--no-color",
                "--exclude-checks", "positive_data_acceptance",
            ],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        selected = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", done.stdout)
        assert selected is not None
        assert len(set(selected.groups())) == 1, "the whole document"
        assert "request failed" not in node.home.with_suffix(".log").read_text()
        assert node.healthy()
    finally:
        node.kill()
