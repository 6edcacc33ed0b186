"""What proves itself: `bra verify`, of one signed record or of a bundle, with no node at hand.

A bundle is a signed record a line (`exports.lines`). Each line is judged for itself: one that doesn't hold is told by
its number, and the exit code is 1.
"""

from pathlib import Path
from typing import Any

from cyclopts import App as Commands

from node.cli.common import HERE, FileArgument, HomeOption, JsonFlag, print_json, read_file, say
from node.errors import ProtocolError
from node.protocol.canonical import decode_loose
from node.protocol.names import format_time
from node.protocol.signed_record import SignedRecord

_FAILURES_SHOWN = 50


def register(app: Commands) -> None:
    app.command(verify)


def verify(file: FileArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> int:
    """Verify a signed record, a key card or a bundle of them, offline. FILE may be - for standard input."""
    del home  # it proves itself: no node is needed
    data = read_file(file)
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    # Written over several lines, a single record has none that begins like a whole one.
    if len(lines) > 1 and any(line.startswith(b'{"') for _, line in lines):
        return _bundle(lines, json=json)
    _single(data, file, json=json)
    return 0


def _single(data: bytes, file: Path, *, json: bool) -> None:
    try:
        signed = SignedRecord.parse(decode_loose(data))
    except ProtocolError as error:
        raise type(error)(f"{file} does not hold: {error}") from error
    if json:
        print_json(_told(signed))
        return
    as_of = _as_of(signed)
    when = f"as of {as_of}" if as_of else "at some time (it carries no beat): ask its author for a newer one"
    say(f"It holds: {signed.record.kind} {signed.record.id} is in what {signed.card.author} signed, {when}.")


def _bundle(lines: list[tuple[int, bytes]], *, json: bool) -> int:
    held: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for number, line in lines:
        try:
            held.append({"line": number, **_told(SignedRecord.parse(decode_loose(line)))})
        except ProtocolError as error:
            failed.append({"line": number, "problem": str(error)})
    if json:
        print_json({"records": held, "failed": failed})
        return 1 if failed else 0
    for each in failed[:_FAILURES_SHOWN]:
        say(f"line {each['line']} does not hold: {each['problem']}", error=True)
    if len(failed) > _FAILURES_SHOWN:
        say(f"{len(failed) - _FAILURES_SHOWN} more lines do not hold", error=True)
    authors = len({each["author"] for each in held})
    moments = [each.get("as_of", "some time") for each in held]
    oldest = f", the oldest as of {min(moments)}" if moments else ""
    say(f"{len(held)} of {len(lines)} signed records hold; they are of {authors} authors{oldest}.")
    return 1 if failed else 0


def _told(signed: SignedRecord) -> dict[str, Any]:
    as_of = _as_of(signed)
    return {
        "author": signed.card.author,
        "kind": signed.record.kind,
        "id": signed.record.id,
        "seq": signed.record.seq,
        "epoch": signed.head.epoch,
        **({"as_of": as_of} if as_of else {}),
        "body": signed.record.body,
    }


def _as_of(signed: SignedRecord) -> str:
    return format_time(signed.beat.time) if signed.beat else ""
