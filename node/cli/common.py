"""What the commands share: the home, how an operation is done, and how results and errors are told.

Exit codes: 0 done, 1 it could not be done, 2 wrong usage. An error is one sentence on standard error.
"""

import asyncio
import io
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import segno
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from node import kinds
from node.app import App
from node.cli import secret
from node.control import socket
from node.control.parts import Report, unreported
from node.control.socket import NotServing
from node.errors import BraError, HomeError, InputError, Malformed
from node.federation.wire import parse_url
from node.home import Home, HomeLocked, write_new
from node.plain import plain, span
from node.protocol.names import parse_node_id, parse_record_id, parse_time

T = TypeVar("T")

HomeOption = Annotated[Path, Parameter(name="--home", help="The node's home.", env_var="BRA_HOME")]
JsonFlag = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, for programs.")]

FileArgument = Annotated[Path, Parameter(help="A file; - is standard input.", allow_leading_hyphen=True)]

KindOption = Annotated[str, Parameter(help="What each row is: venue, event, contact, ...")]

HERE = Path()
LOCK_PATIENCE = 10.0
"""Seconds to wait for a home that another command works in, or a node that is just starting."""


class UsageError(InputError):
    """The command was called in a way that can't work: exit code 2."""


def operate(home_path: Path, name: str, report: Report = unreported, **parameters: Any) -> dict[str, Any]:
    """The result of an operation: of the node that serves the home, or in this process where none does."""
    home = Home(home_path)
    home.require()
    if not home.needs_passphrase:
        return run(_operate(home, name, report, parameters))
    try:
        return run(socket.call(home, name, parameters, report))
    except NotServing:
        return run(_operate(home, name, report, parameters, secret.passphrase(home)))


async def _operate(
    home: Home, name: str, report: Report, parameters: dict[str, Any], passphrase: bytes | None = None
) -> dict[str, Any]:
    ends = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            return await socket.call(home, name, parameters, report)
        except NotServing:
            pass
        try:
            async with App.opened(home, passphrase=passphrase) as app:
                return await app.operations.run(name, parameters, report)
        except HomeLocked:
            if time.monotonic() > ends:
                raise
        await asyncio.sleep(0.05)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's asynchronous part."""
    return asyncio.run(work)


def known_kind(kind: str) -> None:
    """UsageError for a kind of record that there is none of."""
    if kind not in kinds.KINDS:
        raise UsageError(f"there is no kind {kind!r}: the kinds are {', '.join(kinds.KINDS)}")


def read_file(path: Path) -> bytes:
    """A file's bytes, `-` being standard input; UsageError where it can't be read."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {(error.strerror or 'unknown error').lower()}") from error


def write_private(to: Path, data: bytes, *, json: bool) -> None:
    """Writes a new file that nobody else may read, and says so; UsageError where there is one of that name."""
    try:
        write_new(to, data, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{to} is there already: name a new file") from error
    if json:
        print_json({"file": str(to), "size": len(data)})
    else:
        say(f"{to}: {len(data)} bytes")


def named(id_: str, author: str | None = None) -> None:
    """UsageError for what can't be a record's id, or its author's node id."""
    for text, parse in ((id_, parse_record_id), (author, parse_node_id)):
        try:
            if text is not None:
                parse(text)
        except Malformed as error:
            raise UsageError(f"{text!r}: {error}") from error


def progress_bar(*, json: bool, transient: bool = False) -> Progress:
    """A bar on standard error, for people who watch. `transient`: gone when it is full."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=json or not sys.stderr.isatty(),
        transient=transient,
    )


def node_url(url: str) -> str:
    """A node's URL as it was typed; UsageError where it is none."""
    try:
        return parse_url(url)
    except InputError as error:
        raise UsageError(str(error)) from error


def say(text: str = "", *, error: bool = False) -> None:
    """Prints what may hold text of others: no line of it can steer a terminal."""
    lines = text.split("\n")
    print("\n".join(plain(line, 2_000) for line in lines), file=sys.stderr if error else sys.stdout, flush=True)


def confirm(question: str, answer: str = "yes") -> None:
    """Asks, and returns if `answer` is typed; InputError, and nothing was changed, where it isn't."""
    say(question, error=True)
    if sys.stdin.readline().strip().casefold() != answer.casefold():
        raise InputError(f"nothing was changed: answer {answer!r} to go on, or give --yes")


def last_heard(of: Mapping[str, Any]) -> str:
    """When an author, as views and the status show it, was last heard from, as people say it."""
    if "heard" not in of:
        return "not heard from yet"
    return f"last heard from {span(max(time.time() - parse_time(of['heard']), 0))} ago"


def print_json(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.flush()


def qr_code(link: str) -> segno.QRCode:
    return segno.make(link, error="m", micro=False)


def print_link(link: str, code: segno.QRCode) -> None:
    """Prints a link, below its QR code on a terminal; elsewhere it is all that goes out: link=$(bra invite)."""
    if sys.stdout.isatty():
        drawn = io.StringIO()
        code.terminal(drawn, compact=True)
        print(drawn.getvalue())
    print(link, flush=True)


def exit_code(command: Callable[[], T | Awaitable[T]]) -> int:
    """Runs a command and tells its errors."""
    try:
        result = command()
        sys.stdout.flush()
    except UsageError as error:
        return _told(error, 2)
    except BraError as error:
        return _told(error, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough. What is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _told(HomeError(f"{error.filename or 'a file'}: {(error.strerror or str(error)).lower()}"), 1)
    return result if isinstance(result, int) else 0


def _told(error: BraError, code: int) -> int:
    say(f"bra: {error}", error=True)
    return code
