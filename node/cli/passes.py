"""Passes: `bra pass issue`, `bra pass list`, `bra pass render`, `bra pass revoke`."""

import base64
from pathlib import Path
from typing import Annotated

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, operate, print_json, say, write_private
from node.cli.desk import TokenArgument, scanned

passes = Commands(name="pass", help="Passes for your members, which other organisations' desks verify.")


def register(app: Commands) -> None:
    app.command(passes)


@passes.command
def issue(
    *,
    venue: Annotated[str, Parameter(help="The host's node id, '/' and the venue's id.")],
    from_: Annotated[str, Parameter(name="--from", help="The first day there, such as 2027-06-02.")],
    until: Annotated[str | None, Parameter(help="The last day; the first, if left out.")] = None,
    name: Annotated[str, Parameter(help="The person's name, as the desk reads it.")],
    company: Annotated[str, Parameter(help="The person's company.")],
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Make a pass for one person and print it, this once: it is kept nowhere. Ask the host first ('bra visit ask')."""
    made = operate(home, "pass-issue", venue=venue, days=[from_, until or from_], person=name, company=company)
    if json:
        print_json(made)
        return
    # It alone goes to standard output: bra pass issue … | bra pass render - --to pass.pdf
    print(made["token"], flush=True)
    say(f"\nPass {made['id']}, good until {made['ends']}. 'bra pass render' makes a page with its code.", error=True)


@passes.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """The passes that haven't ended. They name nobody."""
    found = operate(home, "pass-list")
    if json:
        print_json(found)
        return
    if not found["passes"]:
        say("There are no passes.")
    for each in found["passes"]:
        state = f"revoked at {each['revoked']}" if "revoked" in each else f"until {each['ends']}"
        say(f"{each['id']}  visit {each['visit']}  {state}")


@passes.command
def render(
    token: TokenArgument,
    /,
    *,
    to: Annotated[Path, Parameter(help="A new file: .pdf is a page to print, .png and .svg the code alone.")],
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Write an own pass as a page or a picture."""
    made = operate(home, "pass-render", token=scanned(token), form=to.suffix.removeprefix("."))
    # Whoever has the picture has the pass.
    write_private(to, base64.b64decode(made["data"]), json=json)


@passes.command
def revoke(id: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """End a pass by its id, at once; desks refuse it when this node's new state has come to them."""
    found = operate(home, "pass-revoke", id=id)
    if json:
        print_json(found)
    else:
        say(f"The pass {found['id']} is revoked.")
