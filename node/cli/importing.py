"""Sheets: `bra publish`, `bra template`, `bra mapping`."""

import base64
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import (
    HERE,
    FileArgument,
    HomeOption,
    JsonFlag,
    KindOption,
    UsageError,
    known_kind,
    operate,
    print_json,
    progress_bar,
    read_file,
    say,
)
from node.directory.importing import columns
from node.directory.importing import template as templates
from node.errors import InputError

_SHOWN = 50
_NAMED = 10
LONG = 1_000
"""Rows from which on the reading is shown as it goes."""

MapOption = Annotated[
    list[str] | None,
    Parameter(name="--map", negative="", help='What a header means: "Nimi=name"; "Nimi=" leaves the column out.'),
]
mapping = Commands(name="mapping", help="What the headers of your sheets were mapped to.")


def register(app: Commands) -> None:
    app.command(publish)
    app.command(template)
    app.command(mapping)


def publish(
    file: FileArgument,
    /,
    *,
    kind: KindOption,
    dry_run: Annotated[bool, Parameter(negative="", help="Only say what would be done.")] = False,
    map_: MapOption = None,
    source: Annotated[
        str | None, Parameter(help="What these rows are remembered under; if not given, the file's name.")
    ] = None,
    withdraw_missing: Annotated[
        bool, Parameter(negative="", help="Withdraw rows that are not in it any more.")
    ] = False,
    keep_missing: Annotated[bool, Parameter(negative="", help="Keep rows that are not in it any more.")] = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> int:
    """Publish the rows of a spreadsheet FILE (.xlsx, CSV, JSON lines; - for standard input), all or none."""
    known_kind(kind)
    if withdraw_missing and keep_missing:
        raise UsageError("--withdraw-missing and --keep-missing contradict each other: give one")
    said = {
        "kind": kind,
        "data": base64.b64encode(read_file(file)).decode(),
        "file": file.name,
        # What comes through a pipe has no name by which another could be the same sheet.
        "source": ("" if file.name == "-" else file.name) if source is None else source,
        "mapping": dict(map(_mapped, map_ or [])),
        "missing": "withdraw" if withdraw_missing else "keep" if keep_missing else None,
        "commit": not dry_run,
    }
    found = _import(home, said, json=json)
    if not found["published"] and not dry_run and not found["problems"]:
        said |= {"missing": _decided(found["missing"], str(said["source"])), "digest": found["digest"]}
        found = _import(home, said, json=json)
    if json:
        print_json(found)
    _tell(found, file, json=json)
    return 0


def template(
    *,
    kind: KindOption,
    xlsx: Annotated[bool, Parameter(negative="", help="An Excel workbook instead of CSV.")] = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Print a sheet to fill in, with an example of each sort: CSV, or with --xlsx a workbook."""
    del home  # the same in every home
    known_kind(kind)
    if json:
        print_json({"rows": templates.rows(kind)})
        return
    if xlsx and sys.stdout.isatty():
        raise UsageError(
            f"a workbook is no text: write it to a file, as in 'bra template --kind {kind} --xlsx > {kind}.xlsx'"
        )
    sys.stdout.buffer.write(templates.workbook(kind) if xlsx else templates.csv(kind))


@mapping.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """The headers that a mapping is remembered for, newest first."""
    found = operate(home, "mappings")
    if json:
        print_json(found)
        return
    if not found["mappings"]:
        say("Nothing is remembered: 'bra publish --map' makes a mapping.")
    for each in found["mappings"]:
        meant = ", ".join(f"{header}={column}" for header, column in each["mapping"].items())
        say(f"{each['id']}  {each['kind']}: {meant}  (of a sheet with {', '.join(each['headers'])})")


@mapping.command
def forget(id: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Forget a mapping: from now on its headers mean what they say."""
    found = operate(home, "forget-mapping", id=id)
    if json:
        print_json(found)
    else:
        say(f"Forgotten: {found['forgotten']}.")


def _import(home: Path, said: dict[str, Any], *, json: bool) -> dict[str, Any]:
    bar = progress_bar(json=json, transient=True)
    with bar:
        task = bar.add_task("rows read", total=None, visible=False)

        def report(piece: dict[str, Any]) -> None:
            bar.update(task, completed=piece["rows"], total=piece["of"], visible=piece["of"] >= LONG)

        return operate(home, "import", report, **said)


def _mapped(option: str) -> tuple[str, str]:
    header, separator, column = option.rpartition("=")
    if not separator or not header.strip():
        raise UsageError(f'{option!r} maps nothing: write --map "Nimi=name"')
    return header.strip(), column.strip()


def _decided(missing: list[str], source: str) -> str:
    """What becomes of the missing rows, as the person at the terminal says; InputError where there is none."""
    verb = "is" if len(missing) == 1 else "are"
    named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
    rows = f"{_count(len(missing), 'row')} that came from {source} before {verb} missing now ({named})"
    if not sys.stdin.isatty():
        raise InputError(f"nothing was published: {rows}: give --withdraw-missing or --keep-missing")
    say(f"{rows}. Type 'withdraw' or 'keep':", error=True)
    answer = sys.stdin.readline().strip().casefold()
    if answer not in ("withdraw", "keep"):
        raise InputError("nothing was published: answer 'withdraw' or 'keep'")
    return answer


def _tell(found: dict[str, Any], file: Path, *, json: bool) -> None:
    for sort in ("warnings", "problems"):
        for each in found[sort][:_SHOWN]:
            where = f"row {each['row']}, {each['column']}" if each["column"] else f"row {each['row']}"
            say(f"{'warning: ' if sort == 'warnings' else ''}{where}: {each['sentence']}", error=True)
    if problems := len(found["problems"]):
        more = f" ({problems - _SHOWN} more are not shown)" if problems > _SHOWN else ""
        raise InputError(
            f"nothing was published: {_count(problems, 'problem')} in {file}{more}: mend them and publish again"
        )
    if json:
        return
    if found["encoding"] not in ("utf-8", "xlsx"):
        say(f"Read as {found['encoding']}: where letters look wrong, save the file as UTF-8.")
    counts = f"{found['created']} new, {found['changed']} changed, {found['unchanged']} unchanged"
    if found["withdrawn"]:
        counts += f", {found['withdrawn']} withdrawn"
    if found["published"]:
        say(f"Published: {counts}; this node's state is seq {found['seq']}.")
        return
    for column in found["columns"]:
        if column["header"] and not column["column"]:
            say(f"  {column['header']} is left out")
        elif columns.normal(column["header"]) != (column["column"] or ""):
            say(f"  {column['header']} is {column['column']}")
    undecided = len(found["missing"]) - found["withdrawn"]
    say(f"Nothing was published. It would be: {counts}, {undecided} missing.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")
