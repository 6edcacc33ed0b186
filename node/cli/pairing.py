"""What the commands of joining share: both sides shown, the question, and what came of it."""

import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from cyclopts import Parameter

from node.cli.common import operate, say
from node.errors import InputError

WordsOption = Annotated[
    str | None, Parameter(help="The eight safety words as the other side read them, in quotes; nothing is asked then.")
]

CALL = (
    "Call them on a number that you had before, or from a website that you looked up yourself; not the one shown here, "
    "which is what they say of themselves"
)


def tell(join: dict[str, Any], *, quiet: bool = False) -> None:
    """Shows both sides and the safety words; on standard error where standard output is a program's."""
    say("\n".join(_lines(join)), error=quiet)


def ask(home: Path, join: dict[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """Asks whether the other side reads the same words, and confirms; InputError unless the answer is yes."""
    say(
        f"{CALL}, and read these words to each other.\n"
        "Do they read the same eight words? Type yes, or anything else to leave it:",
        error=quiet,
    )
    answer = sys.stdin.readline()
    if answer.strip().lower() != "yes":
        none = "nothing was answered" if not answer.strip() else "the answer was not yes"
        raise InputError(
            f"{none}, so {join['organisation']} waits: 'bra partner confirm' goes on, 'bra partner refuse' ends it"
        )
    return operate(home, "partner-confirm", node_id=join["node_id"], words=" ".join(join["words"]), shown=join["shown"])


def settled(join: dict[str, Any], *, already: bool = False) -> None:
    """Says what came of it."""
    who = f"{join['organisation']} ({join['node_id']})"
    if already:
        say(f"{who} was a partner already.")
    elif join["partner"]:
        say(f"{who} is a partner now, and endorsed.")
    else:
        say(f"Confirmed here. {who} waits for the other side; this node goes on by itself while it serves.")
        if "problem" in join:
            say(f"The last time it was asked: {join['problem']}")


def _lines(join: dict[str, Any]) -> list[str]:
    words = [f"{place:2} {word:10}" for place, word in enumerate(join["words"], 1)]
    return [
        *_side("This node", join["me"]),
        *_side("The other", join),
        "",
        "Safety words, the same at both nodes:",
        "",
        "   " + "".join(words[:4]).rstrip(),
        "   " + "".join(words[4:]).rstrip(),
        "",
        *(f"CAREFUL: {warning}\n" for warning in join["warnings"]),
    ]


def _side(title: str, side: dict[str, Any]) -> list[str]:
    host = _host(side["website"])
    website, node = f"website {host}" if host else "no website", _host(side["url"]) or "(it connects to others)"
    return [
        f"{title}  {side['organisation']}",
        f"           {website}, node {node}, {side['node_id']}",
    ]


def _host(url: str) -> str:
    """What an operator compares of a URL, empty where it names no host; what can't be taken apart is shown whole."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    if host.rstrip(".").endswith(".invalid"):
        return ""
    return f"{host}:{port}" if port else host
