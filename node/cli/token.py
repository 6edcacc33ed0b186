"""Tokens: `bra token create`, `bra token list`, `bra token revoke`."""

import re
from typing import Annotated

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, UsageError, operate, print_json, print_link, qr_code, say

token = Commands(name="token", help="Tokens: by whom this node's API may be asked, and as what.")

_UNITS = {"h": 3_600, "d": 86_400}


def register(app: Commands) -> None:
    app.command(token)


@token.command
def create(
    *,
    role: Annotated[str, Parameter(help="What its bearer may see and do: member, desk or operator.")],
    label: Annotated[str, Parameter(help="Whom or what it is for, such as Reception; only operators see it.")],
    expires: Annotated[str, Parameter(help="How long it is good, in days or hours: 90d, 12h; at most 366d.")] = "90d",
    feed: Annotated[
        str | None,
        Parameter(help="Only to read the feed at this path, such as /api/v1/event.ics: for calendar programs."),
    ] = None,
    link: Annotated[
        bool, Parameter(negative="", help="Print the link that logs in at the pages, and its QR code.")
    ] = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    made = operate(home, "token-create", role=role, label=label, lasts=_seconds(expires), feed=feed, link=link)
    if json:
        print_json(made)
        return
    # It alone goes to standard output: token=$(bra token create …).
    if link:
        print_link(made["link"], qr_code(made["link"]))
    else:
        print(made.get("url", made["token"]), flush=True)
    say(f"\nToken {made['id']}, {made['role']}, good until {made['expires']}. It is not shown again.", error=True)
    if feed is not None:
        say("Whoever has this URL can read the feed: give it to one program.", error=True)
    elif link:
        say("Whoever has this link can log in: send it to one person, or open it on one tablet.", error=True)
    else:
        say("It is sent as a header: 'Authorization: Bearer' and the token.", error=True)


@token.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """The tokens there are, and when each was last used."""
    found = operate(home, "token-list")
    if json:
        print_json(found)
        return
    if not found["tokens"]:
        say("There are no tokens.")
    for each in found["tokens"]:
        used = f"last used on {each['used']}" if "used" in each else "never used"
        feed = f", for {each['feed']} alone" if "feed" in each else ""
        open_ = f", {each['sessions']} logged in" if "sessions" in each else ""
        said = f"{each['state']}, until {each['expires']}, {used}{feed}{open_}"
        say(f"{each['id']}  {each['role']}  {said}  {each['label']}")


@token.command
def revoke(id: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """End a token at once, by its id, and log out whoever logged in with it."""
    found = operate(home, "token-revoke", id=id)
    if json:
        print_json(found)
    else:
        say(f"The token {found['id']} ({found['label']}) opens nothing any more.")


def _seconds(text: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,4})([hd])", text)
    if match is None:
        raise UsageError(f"{text!r} is no length of time: write it like 90d or 12h")
    return int(match[1]) * _UNITS[match[2]]
