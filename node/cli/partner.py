"""Partners: `bra partner add` and `bra partner list`."""

from typing import Annotated

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import (
    HERE,
    FileArgument,
    HomeOption,
    JsonFlag,
    UsageError,
    node_url,
    operate,
    print_json,
    read_file,
    say,
)
from node.errors import ProtocolError
from node.protocol.canonical import decode_loose

partner = Commands(name="partner", help="Whose keys were exchanged directly.")


def register(app: Commands) -> None:
    app.command(partner)


@partner.command
def add(
    file: FileArgument,
    /,
    *,
    url: Annotated[str | None, Parameter(help="Where the partner's node is reached, if its card doesn't say.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Add the partner whose key card is in FILE (- for standard input), and endorse it."""
    try:
        key_card = decode_loose(read_file(file))
    except ProtocolError as error:
        raise UsageError(f"{file} is not a key card ({error}): ask the partner for the output of 'bra card'") from error
    if url is not None:
        node_url(url)
    found = operate(home, "partner-add", key_card=key_card, url=url)
    if json:
        print_json(found)
        return
    what = "is a partner now, and endorsed" if found["new"] else "was a partner already"
    say(f"{found['organisation']} ({found['node_id']}) {what}.")
    if not found["url"]:
        say("No URL of it is known: it will have to connect to this node, or add one with --url.")


@partner.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """The partners, and how the last round with each went."""
    found = operate(home, "partner-list")
    if json:
        print_json(found)
        return
    for each in found["partners"]:
        state = each.get("problem") or each.get("last_sync", "not synced yet")
        say(f"{each['node_id']}  {each['organisation'] or '(its records are not here yet)'}  {each['url']}  {state}")
