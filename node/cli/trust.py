"""Trust: `bra trust why` and `bra trust what-if`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, operate, print_json, say

trust = Commands(name="trust", help="Who is accepted here, and why.")

WhichNode = Annotated[str, Parameter(help="A node id or its beginning, or an organisation's name.")]
_MOST_NAMED = 20


def register(app: Commands) -> None:
    app.command(trust)


@trust.command
def why(node: WhichNode, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Why an organisation is known here, and every way by which it is, with dates and methods."""
    found = operate(home, "trust-why", node=node)
    if json:
        print_json(found)
        return
    say(f"{title(found)} is {found['standing']} here.")
    for reason in _reasons(found):
        say(f"  {reason}")
    if found["ways"]:
        say("Known by these ways, the nearest first; with each step, how and when the one before came to know it:")
    for way in found["ways"]:
        honoured = "" if way["honours"] or len(way["path"]) == 1 else "; its word lists, it doesn't honour"
        say(f"  {_path(way['path'])}{honoured}")


@trust.command(name="what-if")
def what_if(
    *,
    without: Annotated[list[str], Parameter(help="Who would be no partner any more, and blocked; may be repeated.")],
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Who would be lost without a node, or without several. Nothing is changed."""
    found = operate(home, "trust-what-if", without=without)
    if json:
        print_json(found)
        return
    for line in what_if_lines(found):
        say(line)


def what_if_lines(found: Mapping[str, Any]) -> Iterable[str]:
    """The result of trust-what-if, in words."""
    losses = (
        ("unreachable", "becomes unreachable", "become unreachable"),
        ("unlisted", "is listed no more", "are listed no more"),
        ("unhonoured", "is honoured no more, but listed", "are honoured no more, but listed"),
    )
    gone = " and ".join(map(title, found["without"]))
    if not any(found[kind] for kind, _, _ in losses):
        yield f"Without {gone}, nobody else is lost."
    for kind, one, many in losses:
        if lost := found[kind]:
            what = f"1 organisation {one}" if len(lost) == 1 else f"{len(lost)} organisations {many}"
            yield f"Without {gone}, {what}:"
            yield from (f"  {title(each)}" for each in lost[:_MOST_NAMED])
            if len(lost) > _MOST_NAMED:
                yield f"  and {len(lost) - _MOST_NAMED} more"


def title(found: Mapping[str, Any]) -> str:
    """An organisation's name and its node id."""
    return f"{found['organisation']} ({found['node_id']})" if found["organisation"] else str(found["node_id"])


def _reasons(found: Mapping[str, Any]) -> Iterable[str]:
    if found["blocked"]:
        yield "It is blocked here, whoever vouches for it."
    elif found["partner"]:
        yield "It is a partner: keys were exchanged directly."
    elif not found["ways"]:
        yield "Nobody whose word counts here vouches for it."
    if found["by_hand"]:
        yield "config/node.toml honours it once it is listed."
    if found["standing"] == "reached" and not found["signed"]:
        yield "It has not signed an agreement that is recognised here, as far as its records have come."
    if found["silent"]:
        yield "It was not heard from for 60 days: it vouches for nobody."
    if "warning" in found:
        yield f"WARNING: {found['warning']}."


def _path(path: list[dict[str, Any]]) -> str:
    """Each step with how the one before came to know it."""
    return " > ".join(
        (step["organisation"] or step["author"])
        + (f" ({step['method'].replace('_', ' ')}, {step['date']})" if "date" in step else "")
        for step in path
    )
