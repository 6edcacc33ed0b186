"""Sessions: `bra session list`, `bra session end`."""

from cyclopts import App as Commands

from node.cli.common import HERE, HomeOption, JsonFlag, operate, print_json, say

session = Commands(name="session", help="Sessions: who is logged in at this node's pages.")


def register(app: Commands) -> None:
    app.command(session)


@session.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Who is logged in, and as what."""
    found = operate(home, "session-list")
    if json:
        print_json(found)
        return
    if not found["sessions"]:
        say("Nobody is logged in.")
    for each in found["sessions"]:
        times = f"since {each['since']}, until {each['until']}, last used on {each['used']}"
        say(f"{each['id']}  {each['role']}  {times}  {each['label']}")


@session.command
def end(id: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Log somebody out at once, by the session's id. Whoever has a token can log in again: revoke that, too."""
    found = operate(home, "session-end", id=id)
    if json:
        print_json(found)
    else:
        say(f"The session {found['id']} ({found['label']}) is over.")
