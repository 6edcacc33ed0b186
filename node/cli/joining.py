"""Joining: `bra invite` and `bra join`."""

import io
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import segno
from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, UsageError, operate, print_json, print_link, qr_code, say
from node.cli.pairing import CALL, ask, settled, tell
from node.errors import HomeError
from node.home import write_new

_LOOK_EVERY = 1.0


def register(app: Commands) -> None:
    app.command(invite)
    app.command(join)


def invite(
    *,
    label: Annotated[str, Parameter(help="Whom it is for; only you see it.")] = "",
    png: Annotated[Path | None, Parameter(help="A new file for the link as a QR code.")] = None,
    list_: Annotated[bool, Parameter(name="--list", negative="", help="Show the invitations instead.")] = False,
    cancel: Annotated[str | None, Parameter(help="Cancel the invitation of this id instead.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Invite one partner: a link and QR code, good for a day, that its operator gives to 'bra join'."""
    if list_ or cancel is not None:
        if list_ and cancel is not None:
            raise UsageError("--list and --cancel are two commands: give one of them")
        _list(home, json=json) if cancel is None else _cancel(home, cancel, json=json)
        return
    if png is not None and png.exists():
        raise _taken(png)
    made = operate(home, "invite", label=label)
    code = qr_code(made["link"])
    if png is not None:
        _write(png, code)
    if json:
        print_json(made)
        return
    _show(made, code)
    if sys.stdin.isatty() and sys.stdout.isatty() and made["serving"]:
        _wait(home, made)


def join(
    link: Annotated[str, Parameter(help="The whole link, in quotes; - is standard input.", allow_leading_hyphen=True)],
    /,
    *,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Join by a partner's invitation: both sides then compare eight words, and confirm."""
    found = operate(home, "join", link=sys.stdin.readline() if link == "-" else link)
    if json:
        print_json(found)
        return
    tell(found)
    if found["confirmed_here"]:
        settled(found)
    elif sys.stdin.isatty():
        settled(ask(home, found))
    else:
        say(f"{CALL}. Compare the words, and then type 'bra partner confirm'.")


def _show(made: dict[str, Any], code: segno.QRCode) -> None:
    print_link(made["link"], code)
    say(
        f"\nGood until {made['expires']}, for one partner. Whoever has it can use it: send it to them alone.",
        error=True,
    )
    if not made["serving"]:
        say("This node does not serve now: nobody can use the link until 'bra serve' runs.", error=True)
    elif not sys.stdout.isatty():
        say("When it was used, 'bra partner confirm' shows who they are.", error=True)


def _wait(home: Path, made: dict[str, Any]) -> None:
    """Waits until the newcomer is there, and asks at once, as when two phones are paired."""
    say("\nWaiting for them; Ctrl-C leaves the invitation standing, and 'bra partner confirm' goes on later.\n")
    with _ctrl_c() as pressed:
        while not (found := _came(home, made["id"])):
            if pressed():
                say(f"\nThe invitation stands until {made['expires']}; 'bra invite --cancel {made['id']}' ends it.")
                return
            time.sleep(_LOOK_EVERY)
    shown = operate(home, "join-show", who=found["node_id"])
    tell(shown)
    settled(ask(home, shown))


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed; pressed again it ends the command where it is.

    As an exception it could come at the end of a look, when asyncio has nothing left to cancel, and be lost.
    """
    times = 0

    def count(*_: object) -> None:
        nonlocal times
        times += 1
        if times > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, count)
    try:
        yield lambda: bool(times)
    finally:
        signal.signal(signal.SIGINT, before)


def _came(home: Path, invitation: str) -> dict[str, Any] | None:
    joins: list[dict[str, Any]] = operate(home, "join-list")["joins"]
    return next((each for each in joins if each["side"] == "inviter" and each["invitation"] == invitation), None)


def _write(path: Path, code: segno.QRCode) -> None:
    drawn = io.BytesIO()
    code.save(drawn, kind="png", scale=8)
    try:
        write_new(path, drawn.getvalue(), 0o600)
    except FileExistsError as error:
        raise _taken(path) from error


def _taken(path: Path) -> HomeError:
    return HomeError(f"{path} is there already: name a new file for the QR code")


def _list(home: Path, *, json: bool) -> None:
    found = operate(home, "invitation-list")
    if json:
        print_json(found)
        return
    for each in found["invitations"]:
        by = f" by {each['used_by']}" if "used_by" in each else ""
        say(f"{each['id']}  {each['state']}{by}, until {each['expires']}  {each['label']}".rstrip())


def _cancel(home: Path, id_: str, *, json: bool) -> None:
    found = operate(home, "invitation-cancel", id=id_)
    if json:
        print_json(found)
    else:
        say(f"The invitation {id_} is cancelled: nobody can use its link any more.")
