"""Records: `bra list`, `bra search`, `bra withdraw`, `bra export`."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node import kinds
from node.cli.common import (
    HERE,
    HomeOption,
    JsonFlag,
    UsageError,
    known_kind,
    last_heard,
    named,
    operate,
    print_json,
    say,
)
from node.exports import FORMATS
from node.protocol.canonical import encode


def register(app: Commands) -> None:
    app.command(list_, name="list")
    for command in (search, withdraw, export):
        app.command(command)


def list_(
    kind: str,
    /,
    *,
    format: Annotated[str | None, Parameter(help=f"Write a file: {', '.join(FORMATS)}.")] = None,  # noqa: A002
    language: Annotated[
        list[str] | None, Parameter(help="Languages to take texts in, such as et.", negative="")
    ] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """All records of KIND that this node knows and shows."""
    known_kind(kind)
    if format is not None:
        _write(home, kind, format, language or ["en"])
        return
    _show(operate(home, "list", kind=kind), json=json)


def search(
    text: Annotated[str | None, Parameter(help="Words, in any language.")] = None,
    /,
    *,
    near: Annotated[str | None, Parameter(help="A city, such as Munich, DE; or latitude,longitude.")] = None,
    radius: Annotated[str | None, Parameter(help="Kilometres round it; 25 if not given.")] = None,
    bbox: Annotated[str | None, Parameter(help="west,south,east,north in degrees.", allow_leading_hyphen=True)] = None,
    country: Annotated[str | None, Parameter(help="Countries' codes, such as EE,DE.")] = None,
    kind: Annotated[str | None, Parameter(help="Kinds of records, such as venue,event.")] = None,
    type: Annotated[str | None, Parameter(help="Types of venues or needs, such as desk.")] = None,  # noqa: A002
    category: Annotated[str | None, Parameter(help="Categories of offers and practices.")] = None,
    facilities: Annotated[str | None, Parameter(help="What the venue has, such as wifi,lift.")] = None,
    languages: Annotated[str | None, Parameter(help="Languages of which one will do, such as en,et.")] = None,
    organisation: Annotated[str | None, Parameter(help="A node id, or words of the organisation's name.")] = None,
    open_at: Annotated[
        str | None, Parameter(help="Venues open then by their own clock: 2027-06-02T10:00; or now.")
    ] = None,
    from_: Annotated[str | None, Parameter(name="--from", help="Events that end after this day or time.")] = None,
    until: Annotated[
        str | None, Parameter(help="Events that start before this time, or on this day or before.")
    ] = None,
    sort: Annotated[str | None, Parameter(help="relevance, distance, start or name.")] = None,
    limit: Annotated[int, Parameter(help="How many at most.")] = 20,
    after: Annotated[str | None, Parameter(help="The cursor that the page before ended with.")] = None,
    facets: Annotated[bool, Parameter(negative="", help="Count the hits by kind, country and so on.")] = False,
    explain: Annotated[bool, Parameter(negative="", help="Say why each stands where it stands.")] = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """The records that hold every word of TEXT, at a place and time and of a kind, as far as these are given."""
    asked = {
        "q": text, "near": near, "radius_km": radius, "bbox": bbox, "country": country, "kind": kind, "type": type,
        "category": category, "facilities": facilities, "languages": languages, "organisation": organisation,
        "open_at": open_at, "from": from_, "until": until, "sort": sort, "limit": str(limit), "after": after,
        "facets": str(facets).lower(), "explain": str(explain).lower(),
    }  # fmt: skip
    found = operate(home, "search", question={name: value for name, value in asked.items() if value is not None})
    if json:
        print_json(found)
    else:
        _tell_answer(found)


def _write(home: Path, kind: str, format_: str, languages: list[str]) -> None:
    if format_ not in FORMATS:
        raise UsageError(f"there is no format {format_!r}: the formats are {', '.join(FORMATS)}")
    found = operate(home, "write", kind=kind, format=format_, languages=languages)
    sys.stdout.buffer.write(found["text"].encode())
    if found["left_out"]:
        say(f"{found['left_out']} left out: nothing proves what never leaves this node or was damaged here", error=True)


def withdraw(kind: str, id: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Take back an own record: it leaves the signed state, and every node that follows it."""
    known_kind(kind)
    named(id)
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
    named(id, author)
    found = operate(home, "export", kind=kind, id=id, author=author)
    print(encode(found["signed_record"]).decode())


def _tell_answer(found: dict[str, Any]) -> None:
    understood = found["understood"]
    for word, meant in understood.get("corrected", {}).items():
        say(f"Nothing holds {word!r}: searched for {' or '.join(meant)}.")
    if "name" in (place := understood.get("place", {})):
        others = f"; also: {'; '.join(place['others'])}" if "others" in place else ""
        say(f"Near {place['name']}, {place['country']}, within {place['radius_km']:g} km{others}.")
    if passed_over := understood.get("open_at", {}).get("passed_over"):
        say(f"{passed_over} opening hours were not looked at: ask for fewer venues' at once, by organisation or place.")
    _tell_records(found["records"])
    for name, values in found.get("facets", {}).items():
        say(f"{name}: " + ", ".join(f"{each.get('name') or each['value']} ({each['count']})" for each in values))
    if "counted" in found:
        say(f"Counted are {found['counted']} of {found['total']}: ask for fewer to have all of them counted.")
    if "after" in found:
        say(f"These are {len(found['records'])} of {found['total']}: go on with --after {found['after']}")


def _show(found: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        _tell_records(found["records"])


def _tell_records(found: list[dict[str, Any]]) -> None:
    if not found:
        say("Nothing found.")
    for each in found:
        known = each["known"]
        through = f", through {known['path'][0]['organisation']}" if len(known["path"]) > 1 else ""
        warning = f"  ! {each['warning']}" if "warning" in each else ""
        stale = f", {last_heard(each)}" if each["stale"] else ""
        heading = _heading(each)
        far = f"  {each['distance_km']:.1f} km" if "distance_km" in each else ""
        hours = "" if "open" not in each else "  open" if each["open"] else "  closed"
        source = f"({each['organisation']}{through}{stale})"
        say(f"{each['kind']} {each['id']}  {heading}  {source}{far}{hours}{warning}")
        if "why" in each:
            say(f"    {_reasons(each['why'])}")


def _reasons(why: dict[str, Any]) -> str:
    words = [f"{each['word']}: {each['found']} in the {each['in']} ({each['as']})" for each in why.get("words", ())]
    return "; ".join([*words, *(f"{name} {worth:+g}" for name, worth in why.get("points", {}).items())])


def _heading(record: dict[str, Any]) -> str:
    body = kinds.interpret(record["kind"], record["body"])
    city = record["body"].get("city")
    heading = body.heading() if body else ""
    if record["kind"] == "farewell":
        return f"left on {record['body']['date']}: {heading}"
    return f"{heading}, {city}" if isinstance(city, str) and city not in heading else heading
