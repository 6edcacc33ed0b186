"""Keeping somebody out: `bra partner remove`, `bra block`, `bra unblock`, `bra expel`."""

from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, UsageError, confirm, operate, print_json, say
from node.cli.partner import partner
from node.cli.trust import WhichNode, title, what_if_lines

Yes = Annotated[bool, Parameter(negative="", help="Don't ask.")]


def register(app: Commands) -> None:
    for command in (block, unblock, expel):
        app.command(command)


@partner.command
def remove(
    node: WhichNode,
    /,
    *,
    reason: Annotated[str | None, Parameter(help="Why, in English: everybody may read it.")] = None,
    yes: Yes = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """End the partnership, and take the endorsement back; others may still vouch for it."""
    _ask(home, node, yes=yes, blocked=False)
    _tell(operate(home, "partner-remove", node=node, reason=reason), "is no partner any more", json=json)


def block(
    node: WhichNode | None = None,
    /,
    *,
    reason: Annotated[str | None, Parameter(help="Why: for this node alone.")] = None,
    list_: Annotated[bool, Parameter(name="--list", negative="", help="Show who is blocked.")] = False,
    yes: Yes = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Accept nothing of a node, whoever vouches for it, until you unblock it. Nobody else is told."""
    if list_ == (node is not None):
        raise UsageError("name the node to block, or give --list to see who is blocked")
    if node is not None:
        _ask(home, node, yes=yes)
        _tell(operate(home, "block", node=node, reason=reason), "is blocked", json=json)
        return
    found = operate(home, "block-list")
    if json:
        print_json(found)
        return
    if not found["blocked"]:
        say("Nobody is blocked.")
    for each in found["blocked"]:
        since = f"since {each['at']}" if "at" in each else "in config/node.toml"
        why = f": {each['reason']}" if each.get("reason") else ""
        say(f"{each['node_id']}  {each['organisation'] or '(no name)'}  {since}{why}")


def unblock(node: WhichNode, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Take a block back."""
    found = operate(home, "unblock", node=node)
    if json:
        print_json(found)
        return
    say(f"{title(found)} is blocked no more; here it is {found['standing']} now.")


def expel(
    node: WhichNode,
    /,
    *,
    reason: Annotated[str, Parameter(help="Why, in English: everybody may read it.")],
    yes: Yes = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """All in one: take the endorsement back, end the partnership, and block the node."""
    _ask(home, node, yes=yes)
    _tell(operate(home, "expel", node=node, reason=reason), "is expelled: no partner, and blocked", json=json)


def _ask(home: HomeOption, node: str, *, yes: bool, blocked: bool = True) -> None:
    """Shows what follows, of no partnership or of a block, and goes on only with a yes."""
    if yes:
        return
    for line in what_if_lines(operate(home, "trust-what-if", without=[node], blocked=blocked)):
        say(line, error=True)
    confirm("Type yes to go on:")


def _tell(found: dict[str, Any], what: str, *, json: bool) -> None:
    if json:
        print_json(found)
        return
    say(f"{title(found)} {what}.")
    if found["standing"] != "unknown":
        through = " and ".join(each["organisation"] or each["author"] for each in found["path"][:-1])
        way = f", through {through}" if through else ""
        say(f"It is still {found['standing']} here{way}: 'bra block {found['node_id']}' keeps it out.")
