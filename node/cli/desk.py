"""The desk: `bra desk verify`, `bra desk arrived`. Exit code 0 where the verdict is OK, 1 where it isn't."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, operate, print_json, say
from node.plain import plain
from node.roaming.passes import LONGEST
from node.roaming.verdicts import Word

desk = Commands(name="desk", help="Whoever shows a pass at one of your venues.")

TokenArgument = Annotated[
    str, Parameter(help="The pass, as it is scanned; - reads it from standard input.", allow_leading_hyphen=True)
]
VenueOption = Annotated[str | None, Parameter(help="The id of the venue whose desk this is, where you have several.")]

_GREEN, _YELLOW, _RED = 32, 33, 31
_LOOKS: Mapping[Word, tuple[int, str]] = {
    Word.OK: (_GREEN, "✓"),
    Word.NOT_YET: (_YELLOW, "◷"),
    Word.EXPIRED: (_RED, "✗"),
    Word.REVOKED: (_RED, "⊘"),
    Word.UNKNOWN_ISSUER: (_RED, "?"),
    Word.NOT_THIS_VENUE: (_YELLOW, "→"),
    Word.STALE: (_YELLOW, "!"),
}
"""Colour, icon and word each say it alone: nobody has to see colours."""


def register(app: Commands) -> None:
    app.command(desk)


@desk.command
def verify(
    token: TokenArgument, /, *, venue: VenueOption = None, home: HomeOption = HERE, json: JsonFlag = False
) -> int:
    """Say whether the bearer of a pass is welcome here today. Needs no network."""
    return _told(operate(home, "desk-verify", token=scanned(token), venue=venue), json=json)


@desk.command
def arrived(
    token: TokenArgument, /, *, venue: VenueOption = None, home: HomeOption = HERE, json: JsonFlag = False
) -> int:
    """Say it, and where it is OK write down that the bearer has arrived."""
    return _told(operate(home, "desk-arrived", token=scanned(token), venue=venue), json=json)


def scanned(token: str) -> str:
    """The pass that is meant; a scanner that sends without end is cut off, and what it sent is no pass."""
    return sys.stdin.read(LONGEST + 64) if token == "-" else token  # noqa: S105 - standard input


def _told(found: dict[str, Any], *, json: bool) -> int:
    word = Word(found["verdict"])
    code = 0 if word is Word.OK else 1
    if json:
        print_json(found)
        return code
    colour, icon = _LOOKS[word]
    line = f"{icon} {word.value}"
    # What a colour is switched on with would be taken out of what `say` prints; nothing here is another's text.
    print(f"\x1b[1;{colour}m{line}\x1b[0m" if sys.stdout.isatty() else line, flush=True)
    say(found["sentence"])
    if shown := found.get("pass"):
        say(f"name      {shown['name']}")
        say(f"company   {shown['company']}")
        say(f"days      {plain(' to '.join(dict.fromkeys(shown['days'])))}")
    if issuer := found.get("issuer"):
        say(f"home      {issuer['organisation']}{', ' + issuer['phone'] if issuer['phone'] else ''}")
    if "revocations_as_of" in found:
        say(f"revocations as of {found['revocations_as_of']}")
    return code
