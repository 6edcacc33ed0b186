"""One record at a time: `bra show`, `bra edit`."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import orjson
from cyclopts import App as Commands
from cyclopts import Parameter

from node import kinds
from node.cli.common import (
    HERE,
    HomeOption,
    JsonFlag,
    UsageError,
    known_kind,
    named,
    operate,
    print_json,
    read_file,
    say,
)
from node.errors import InputError, Malformed
from node.protocol.canonical import decode_loose


def register(app: Commands) -> None:
    app.command(show)
    app.command(edit)


def show(
    kind: str,
    id: str,  # noqa: A002
    /,
    *,
    author: Annotated[str | None, Parameter(help="Another author's node id; this node's own if not given.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """One record, with where it comes from and the version it has."""
    known_kind(kind)
    named(id, author)
    found = operate(home, "show", kind=kind, id=id, author=author)
    if json:
        print_json(found)
    else:
        say(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


def edit(
    kind: str,
    id: str,  # noqa: A002
    file: Annotated[Path | None, Parameter(help="The new body as JSON (- for standard input).")] = None,
    /,
    *,
    version: Annotated[str | None, Parameter(help="The version that you mean, as 'bra show' tells it.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Change an own record: in your editor ($VISUAL or $EDITOR), or to what FILE says.

    What somebody else changed since you looked is not overwritten: the command says so and changes nothing.
    """
    known_kind(kind)
    named(id)
    if file is not None:
        text = read_file(file)
        version = version or operate(home, "show", kind=kind, id=id)["version"]
    else:
        held = operate(home, "show", kind=kind, id=id)
        version = version or held["version"]
        text = _edited(orjson.dumps(held["body"], option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    change = {"kind": kind, "id": id, "body": _body(kind, text), "version": version}
    found = operate(home, "publish", changes=[change])
    if json:
        print_json(found)
    elif found["changed"]:
        say(f"Changed: {kind} {id}; this node's state is seq {found['seq']}.")
    else:
        say(f"Nothing to change: {kind} {id} says that already.")


def _body(kind: str, text: bytes) -> dict[str, Any]:
    """The body that a text in JSON is; InputError with all that is wrong with it."""
    try:
        body = decode_loose(text)
    except Malformed as error:
        raise InputError(f"nothing was changed: {error}") from error
    if problems := kinds.problems(kind, body):
        for field, sentence in problems:
            say(f"{field}: {sentence}", error=True)
        raise InputError(f"nothing was changed: {len(problems)} problems: mend them and edit again")
    found: dict[str, Any] = body
    return found


def _edited(text: bytes) -> bytes:
    """The text as it is when its editor is closed."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="bra-") as folder:
        path = Path(folder) / "record.json"
        path.write_bytes(text)
        try:
            done = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - the operator's own
        except (OSError, ValueError) as error:
            raise UsageError(f"the editor {editor!r} can't be started: set EDITOR, or give a FILE") from error
        if done.returncode:
            raise InputError("nothing was changed: the editor ended with an error")
        return path.read_bytes()
