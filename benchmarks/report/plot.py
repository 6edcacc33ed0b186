"""The pictures of docs/performance.md, as SVG with its text as text and as PNG.

The background is opaque and the ink dark, so that both can be read on a dark page and on a light one.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report.table import OURS, Line, peers, seconds_of_ours

OWN, PEER, INK, FAINT, PAPER = "#1f6fd0", "#a09e97", "#1b1b1a", "#6b6a66", "#fcfcfa"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bra",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": FAINT,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
RATIO = 100
"""Dots an inch of the PNG."""


def plot(results: Mapping[str, Any], folder: Path) -> list[Path]:
    """Writes what can be drawn of these results into a folder; the files."""
    lines = [line for run in results["runs"] for line in run["lines"] if "missing" not in line]
    race = [line for line in lines if line["name"] == "race" and not line["system"].startswith("floor")]
    rows = [row for line in lines if line["name"] == "growth" for row in line["rows"]]
    pictures: dict[str, Callable[[], Figure]] = {}
    if race:
        pictures["performance-race"] = lambda: _race(race)
    if rows:
        pictures["performance-growth"] = lambda: _growth(rows)
    written = []
    with mpl.rc_context(STYLE):
        for name, draw in pictures.items():
            figure = draw()
            for path in (folder / f"{name}.svg", folder / f"{name}.png"):
                # Without a date, the same results give the same bytes.
                figure.savefig(path, dpi=RATIO, metadata={"Date": None} if path.suffix == ".svg" else None)
                written.append(path)
            plt.close(figure)
    return written


def _race(race: Sequence[Line]) -> Figure:
    sizes = sorted({line["records"] for line in race if line["system"] == OURS})
    figure, panels = plt.subplots(1, len(sizes), figsize=(5.2 * len(sizes), 4.2), squeeze=False, layout="constrained")
    for axes, records in zip(panels[0], sizes, strict=True):
        rates = {
            f"{OURS}, {moment}": records / median(seconds_of_ours(race, records, moment))
            for moment in ("durable", "searchable")
        }
        rates |= {name: line["records"] / median(line["seconds"]) for name, line in peers(race, records).items()}
        _bars(axes, rates, f"{records:,} records of 50 authors")
    figure.supxlabel("records a second that an empty receiver takes in; longer is better", color=FAINT, fontsize=10)
    return figure


def _bars(axes: Axes, rates: Mapping[str, float], title: str) -> None:
    names = sorted(rates, key=lambda name: rates[name])
    bars = axes.barh(
        names,
        [rates[name] for name in names],
        height=0.6,
        color=[OWN if name.startswith(OURS) else PEER for name in names],
    )
    axes.bar_label(bars, [f"{rates[name]:,.0f}" for name in names], padding=4, fontsize=9)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name.startswith(OURS) else "normal")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlim(0, max(rates.values()) * 1.2)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _growth(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """What a difference costs, against what is already equal (flat is good) and against its own size."""
    fixed = {of: [row for row in rows if row["of"] == of] for of in ("records", "authors")}
    columns = {
        "records already equal": [(row["records"], row["warm"]) for row in fixed["records"]],
        "authors already known": [(row["authors"], row["warm"]) for row in fixed["authors"]],
        "records changed": [(row["changed"], row) for row in rows if row["of"] == "difference"],
    }
    figure, panels = plt.subplots(2, 3, figsize=(10.4, 5.4), sharex="col", sharey="row", layout="constrained")
    for place, (across, points) in enumerate(columns.items()):
        for axes, what in zip(panels[:, place], ("seconds", "bytes"), strict=True):
            axes.plot([at for at, _ in points], [each[what] for _, each in points], color=OWN, marker="o", linewidth=2)
            axes.set_xscale("log")
            axes.set_yscale("log")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter("{x:,g}")
                axis.set_minor_formatter("")
            axes.grid(axis="y", color=PEER, alpha=0.3, linewidth=0.6)
        panels[1, place].set_xlabel(across)
    for axes, what in zip(panels[:, 0], ("seconds", "bytes on the wire"), strict=True):
        axes.set_ylabel(what)
    panels[0, 0].set_title("the same difference, more that is equal", loc="left", fontsize=11)
    panels[0, 2].set_title("a larger difference", loc="left", fontsize=11)
    return figure
