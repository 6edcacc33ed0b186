"""The tables of docs/performance.md, made of results. Every row is shown, also those that the node loses.

`results` is what `runs.py` saves: machine, date, command, and the runs with the lines that benchmarks printed.
Ratios to a peer are of times in the same lap: how many times as fast the node was, so above 1 it won.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

BEGIN, END = "<!-- measured: begin (make bench) -->", "<!-- measured: end -->"
OURS = "this node"
FLOOR = "floor: SHA-256, and one transaction from memory"
MOMENTS = ("durable", "searchable")
COST = ("Wire MB", "Peak MB", "Verifies", "Survives a loss of power")

Line = Mapping[str, Any]


def written(page: str, results: Mapping[str, Any]) -> str:
    """The page with these results between its two markers; ValueError if it doesn't have them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"put the lines {BEGIN} and {END} where the tables belong")
    return f"{before}{BEGIN}\n\n{tables(results)}\n\n{END}{after}"


def tables(results: Mapping[str, Any]) -> str:
    lines = [line for run in results["runs"] for line in run["lines"]]
    race = [line for line in lines if line["name"] == "race" and "missing" not in line]
    own = [line for line in lines if line["name"] != "race" and "missing" not in line]
    absent = {line.get("system", line["name"]): line["missing"] for line in lines if "missing" in line}
    parts = [_where(results, lines)]
    sizes = sorted({line["records"] for line in race if line["system"] == OURS})
    parts += [_cold_sync(race, records) for records in sizes]
    parts += [_rounds(race, own), _own(own)]
    if absent:
        told = "\n".join(f"- {name}: {why}" for name, why in absent.items())
        parts.append(f"Left out:\n\n{told}")
    return "\n\n".join(part for part in parts if part)


def seconds_of_ours(race: Iterable[Line], records: int, moment: str) -> list[float]:
    """All times of the node in a race over so many records; `moment`: "durable" or "searchable"."""
    key = "seconds" if moment == "durable" else "searchable_seconds"
    return [each for line in race if line["system"] == OURS and line["records"] == records for each in line[key]]


def peers(race: Sequence[Line], records: int) -> dict[str, Line]:
    """The others in a race over so many records, by name; also those that only ever got fewer than the node."""
    sizes = {line["records"] for line in race if line["system"] == OURS}
    found = {}
    for line in race:
        if line["system"] != OURS and (line["records"] == records or line["records"] not in sizes):
            fewer = "" if line["records"] == records else f", {line['records']:,} only"
            found[line["system"] + fewer] = line
    return found


def _where(results: Mapping[str, Any], lines: Iterable[Line]) -> str:
    where = results["machine"]
    load = max((line["load"] for line in lines if "load" in line), default=0)
    return (
        f"Measured on {results['date']} with `{results['command']}`: {where['cores']} cores ({where['cpu']}), "
        f"{where['memory_gib']} GiB, {where['kernel']}, {where['python']}, SQLite {where['sqlite']}; "
        f"load average at most {load:.2g}."
    )


def _cold_sync(race: Sequence[Line], records: int) -> str:
    ours = next(line for line in race if (line["system"], line["records"]) == (OURS, records))
    moments = {moment: seconds_of_ours(race, records, moment) for moment in MOMENTS}
    rows: dict[str, Line] = {f"**{OURS}, {moment}**": {**ours, "seconds": times} for moment, times in moments.items()}
    rows[FLOOR] = {"records": records, "seconds": ours["floors"], "beside": moments}
    rows |= peers(race, records)
    fastest = sorted(rows, key=lambda name: -_rate(rows[name]))
    return _table(
        f"An empty receiver gets {records:,} records of 50 authors",
        ["System", "Records/s", "Seconds (spread)", *(f"Ours, {moment}" for moment in MOMENTS), *COST],
        [[name, f"{_rate(rows[name]):,}", _seconds(rows[name]["seconds"]), *_versus(rows[name])] for name in fastest],
    )


def _rounds(race: Sequence[Line], own: Sequence[Line]) -> str:
    rows = [*_own_rounds(own)]
    for line in race:
        if "update_ms" in line:
            idle = line["idle"]
            asked = {None: "", 1: "1 request, "}.get(idle["requests"], f"{idle['requests']} requests, ")
            spreads = [
                f"{spread['median']:.3g} ({spread['least']:.3g} to {spread['most']:.3g})"
                for spread in (line["update_ms"], line["update_with_write_ms"])
            ]
            nothing = f"{asked}{idle['wire']:,} bytes"
            rows.append([line["system"], *spreads, nothing, idle["round"], line.get("version", "")])
    return _table(
        "One update, and a round with nothing new",
        [
            "System",
            "ms from the write's return until it can be read",
            "with the write",
            "Nothing new",
            "Round",
            "Version",
        ],
        rows,
    )


def _own_rounds(own: Sequence[Line]) -> Iterator[list[str]]:
    """The node's row, if both of its benchmarks ran: it is found by a search, at the partner's API."""
    updates = [line for line in own if line["name"] == "one_update" and line["hops"] == 1]
    rounds = [line for line in own if line["name"] == "idle_round"]
    for update, idle in zip(updates, rounds, strict=False):
        waited = f"{update['figure']:.3g} (at most {update['worst']:.3g})"
        nothing = f"1 request, {idle['figure']:,.0f} bytes"
        yield [f"**{OURS}**", waited, "", nothing, "a long poll, without headers of TCP", ""]


def _own(lines: Sequence[Line]) -> str:
    known = {"name", "figure", "unit", "floor", "ratio", "load", "cores"}
    rows = []
    for line in lines:
        more = ", ".join(
            f"{name.replace('_', ' ')} {_number(value)}"
            for name, value in line.items()
            if name not in known and isinstance(value, str | int | float)
        )
        floor = _number(line["floor"]) if "floor" in line else ""
        ratio = _number(line["ratio"]) if "ratio" in line else ""
        rows.append([line["name"], f"{_number(line['figure'])} {line['unit']}", floor, ratio, more])
    return _table("The node alone", ("Benchmark", "Figure", "Floor", "Ratio", "With"), rows)


def _rate(line: Line) -> int:
    return round(line["records"] / median(line["seconds"]))


def _seconds(times: Sequence[float]) -> str:
    return f"{median(times):.3g} ({min(times):.3g} to {max(times):.3g})"


def _versus(line: Line) -> list[str]:
    """How many times as fast as this system the node was, lap by lap, and what the system's receiver cost."""
    ratios = [
        f"{median(theirs / ours for theirs, ours in zip(line['seconds'], line['beside'][moment], strict=True)):.2g}×"
        if "beside" in line
        else ""
        for moment in MOMENTS
    ]
    if "wire" not in line:
        return [*ratios, *("" for _ in COST)]
    wire = f"{line['wire'] / 1e6:.1f}" if line["alone"] else f"{line['wire'] / 1e6:.1f} or less"
    return [*ratios, wire, f"{line['memory_mb']:.0f}", line["verifies"], line["durable"]]


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)
