"""The disk: `bra check`."""

import sys
from typing import Any

from cyclopts import App as Commands
from rich.console import Console
from rich.progress import Progress

from node.cli.common import HERE, HomeOption, JsonFlag, operate, print_json, say
from node.directory.authority import SENTENCES, State


def register(app: Commands) -> None:
    app.command(check)


def check(*, home: HomeOption = HERE, json: JsonFlag = False) -> int:
    """Check all that is held against what its authors signed; exit code 1 where the disk damaged some."""
    with Progress(console=Console(stderr=True), disable=json or not sys.stderr.isatty()) as bar:
        task = bar.add_task("organisations checked", total=None)

        def report(piece: dict[str, Any]) -> None:
            bar.update(task, completed=piece["checked"], total=piece["of"])

        found = operate(home, "check", report)
    if json:
        print_json(found)
        return 1 if found["damaged"] else 0
    say(f"{found['checked']} organisations checked, {len(found['damaged'])} damaged here.")
    for each in found["damaged"]:
        say(f"  {each['organisation'] or each['node_id']}: {each['sentence']}")
        if each["own"] and not each["whole"]:
            say(f"    {SENTENCES[State.DAMAGED]}")
    if not found["damaged"]:
        return 0
    say("'bra sync' brings back what a partner still holds. Look at the disk: it didn't keep what it was given.")
    return 1
