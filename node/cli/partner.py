"""Partners: `bra partner add`, `bra partner confirm`, `bra partner refuse`, `bra partner list`."""

from typing import Annotated, Any

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
from node.cli.pairing import WordsOption, ask, settled, tell
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
    words: WordsOption = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Add the partner whose key card is in FILE (- for standard input), once the safety words are confirmed."""
    try:
        key_card = decode_loose(read_file(file))
    except ProtocolError as error:
        raise UsageError(f"{file} is not a key card ({error}): ask the partner for the output of 'bra card'") from error
    if url is not None:
        node_url(url)
    found = operate(home, "partner-add", key_card=key_card, url=url, words=words)
    if not found["partner"]:
        tell(found, quiet=json)
        found = {**ask(home, found, quiet=json), "new": True}
    if json:
        print_json(found)
        return
    settled(found, already=not found["new"])
    if not found["url"]:
        say("No URL of it is known: it will have to connect to this node, or add one with --url.")


@partner.command
def confirm(
    who: Annotated[str | None, Parameter(help="A node id, or its or the name's beginning; if several wait.")] = None,
    /,
    *,
    words: WordsOption = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Confirm that the other side read the same safety words, so that it becomes a partner."""
    found = operate(home, "join-show", who=who)
    if found["confirmed_here"]:
        found = operate(home, "partner-confirm", node_id=found["node_id"])
    elif words is None:
        tell(found, quiet=json)
        found = ask(home, found, quiet=json)
    else:
        found = operate(home, "partner-confirm", node_id=found["node_id"], words=words, shown=found["shown"])
    if json:
        print_json(found)
    else:
        settled(found)


@partner.command
def refuse(
    who: Annotated[str, Parameter(help="A node id, or the beginning of it or of the name.")],
    /,
    *,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Drop a node that waits to become a partner."""
    found = operate(home, "partner-refuse", who=who)
    if json:
        print_json(found)
        return
    became = "it is a partner already: 'bra partner remove' ends that" if found["partner"] else "it is no partner"
    say(f"{found['organisation']} ({found['node_id']}) waits no more; {became}.")


@partner.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """The partners, how the last round with each went, and who waits to become one."""
    found = operate(home, "partner-list") | {"waiting": operate(home, "join-list")["joins"]}
    if json:
        print_json(found)
        return
    for each in found["partners"]:
        state = each.get("problem") or each.get("last_sync", "not synced yet")
        say(f"{each['node_id']}  {each['organisation'] or '(its records are not here yet)'}  {each['url']}  {state}")
    for each in found["waiting"]:
        say(f"{each['node_id']}  {each['organisation']}  {each['url']}  {_waiting(each)}")


def _waiting(join: dict[str, Any]) -> str:
    waits = "waits for the other side" if join["confirmed_here"] else "waits for you: 'bra partner confirm'"
    return f"{waits}; {join['problem']}" if "problem" in join else waits
