"""Records: `bra publish`, `bra list`, `bra search`, `bra withdraw`, `bra export`."""

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node import kinds
from node.cli.common import (
    HERE,
    FileArgument,
    HomeOption,
    JsonFlag,
    UsageError,
    last_heard,
    operate,
    print_json,
    read_file,
    say,
)
from node.directory.importing import read_sheet
from node.errors import InputError, Malformed
from node.protocol.canonical import encode
from node.protocol.names import parse_node_id, parse_record_id

_PROBLEMS_SHOWN = 50


def register(app: Commands) -> None:
    app.command(publish)
    app.command(list_, name="list")
    for command in (search, withdraw, export):
        app.command(command)


def publish(
    file: FileArgument,
    /,
    *,
    kind: Annotated[str, Parameter(help="What each row is: venue, event, contact, ...")],
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> int:
    """Publish the rows of a CSV or JSON lines FILE (- for standard input), all or none."""
    _known(kind)
    sheet = read_sheet(read_file(file), kind, name=file.name, now=int(time.time()))
    if sheet.problems:
        _tell_problems(sheet.problems, file, json=json)
        return 1
    changes = [
        {"kind": kind, "body": draft.body, "ref": draft.ref, "visibility": draft.visibility} for draft in sheet.drafts
    ]
    found = operate(home, "publish", changes=changes)
    if json:
        print_json(found)
        return 0
    counts = f"{found['created']} new, {found['changed']} changed, {found['unchanged']} unchanged"
    say(f"Published: {counts}; this node's state is seq {found['seq']}.")
    return 0


def list_(kind: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """All records of KIND that this node knows and shows."""
    _known(kind)
    _show(operate(home, "list", kind=kind), json=json)


def search(
    text: str,
    /,
    *,
    limit: Annotated[int, Parameter(help="How many at most.")] = 20,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """The records that hold every word of TEXT."""
    _show(operate(home, "search", text=text, limit=limit), json=json)


def withdraw(kind: str, id: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Take back an own record: it leaves the signed state, and every node that follows it."""
    _known(kind)
    _form(id)
    found = operate(home, "withdraw", kind=kind, id=id)
    if json:
        print_json(found)
    else:
        say(f"Withdrawn: {kind} {id}; this node's state is seq {found['seq']}.")


def export(
    kind: str,
    id: str,  # noqa: A002
    /,
    *,
    author: Annotated[str | None, Parameter(help="Another author's node id; this node's own if not given.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Print a record with all that proves it: one line of JSON that 'bra verify' checks offline."""
    del json  # it is JSON anyhow
    _form(id)
    if author is not None:
        _form(author, node=True)
    found = operate(home, "export", kind=kind, id=id, author=author)
    print(encode(found["signed_record"]).decode())


def _known(kind: str) -> None:
    if kind not in kinds.KINDS:
        raise UsageError(f"there is no kind {kind!r}: the kinds are {', '.join(kinds.KINDS)}")


def _form(text: str, *, node: bool = False) -> None:
    try:
        (parse_node_id if node else parse_record_id)(text)
    except Malformed as error:
        raise UsageError(f"{text!r}: {error}") from error


def _tell_problems(problems: Any, file: Path, *, json: bool) -> None:
    if json:
        print_json(
            {"problems": [{"row": each.row, "column": each.column, "sentence": each.sentence} for each in problems]}
        )
    for each in problems[:_PROBLEMS_SHOWN]:
        say(str(each), error=True)
    more = f" ({len(problems) - _PROBLEMS_SHOWN} more are not shown)" if len(problems) > _PROBLEMS_SHOWN else ""
    raise InputError(f"nothing was published: {len(problems)} problems in {file}{more}: mend them and publish again")


def _show(found: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    if not found["records"]:
        say("Nothing found.")
    for each in found["records"]:
        known = each["known"]
        through = f", through {known['path'][0]['organisation']}" if len(known["path"]) > 1 else ""
        warning = f"  ! {each['warning']}" if "warning" in each else ""
        stale = f", {last_heard(each)}" if each["stale"] else ""
        heading = _heading(each)
        say(f"{each['kind']} {each['id']}  {heading}  ({each['organisation']}{through}{stale}){warning}")


def _heading(record: dict[str, Any]) -> str:
    body = kinds.interpret(record["kind"], record["body"])
    city = record["body"].get("city")
    heading = body.heading() if body else ""
    if record["kind"] == "farewell":
        return f"left on {record['body']['date']}: {heading}"
    return f"{heading}, {city}" if isinstance(city, str) and city not in heading else heading
