"""The tables and plots of docs/performance.md, from results that don't change (results.json)."""

import json
from pathlib import Path

import pytest

from benchmarks.report import runs, table

RESULTS = json.loads(Path(__file__).with_name("results.json").read_text())
TEXT = table.tables(RESULTS)


def row(begins: str) -> list[str]:
    """The cells of the one row that begins so."""
    found = [line for line in TEXT.splitlines() if line.startswith(f"| {begins} |")]
    assert len(found) == 1, TEXT
    return [cell.strip() for cell in found[0].strip("|").split("|")]


@pytest.mark.parametrize(
    ("system", "cells"),
    [
        ("**this node, durable**", ["20,000", "1 (1 to 1)", "", "", "8.0", "160"]),
        ("**this node, searchable**", ["10,000", "2 (1.5 to 2)", "", "", "8.0", "160"]),
        ("Hypercore, a record a block", ["2,500", "8 (4 to 9)", "8×", "4×", "21.0", "300"]),
        # The node lost to this one, which is shown like all others.
        ("git, bare", ["40,000", "0.5 (0.5 to 0.5)", "0.5×", "0.25×", "9.0 or less", "40"]),
        ("A slow one, 2,000 only", ["500", "4 (4 to 4)", "40×", "20×", "3.0", "80"]),
        (table.FLOOR, ["40,000", "0.5 (0.5 to 0.5)", "0.5×", "0.25×", "", ""]),
    ],
)
def test_a_row_tells_the_rate_the_spread_and_how_the_node_did_beside_it(system: str, cells: list[str]) -> None:
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {system} |"))
    assert [cell.strip() for cell in line.strip("|").split("|")][1:7] == cells


def test_each_size_has_a_table_of_its_own_systems() -> None:
    _, small, large, *_ = TEXT.split("### ")
    assert small.startswith("An empty receiver gets 20,000 records")
    assert large.startswith("An empty receiver gets 100,000 records")
    assert ("Hypercore" in small, "Hypercore" in large) == (True, False)
    assert "| PostgreSQL |" not in small
    assert "| PostgreSQL |" in large
    assert "| A slow one, 2,000 only |" in small
    assert "| A slow one, 2,000 only |" in large


def test_the_fastest_comes_first() -> None:
    race = TEXT.partition("###")[2].partition("###")[0]
    names = [line.split("|")[1].strip(" *") for line in race.splitlines() if line.startswith("| ")][2:]
    assert names.index("git, bare") < names.index("this node, durable") < names.index("Hypercore, a record a block")


def test_what_did_not_run_is_told_and_has_no_row() -> None:
    _, _, told = TEXT.partition("Left out:")
    assert "Syncthing: Syncthing is not installed: run `make bench-peers`." in told
    assert "repair: it failed" in told
    assert "| Syncthing" not in TEXT


def test_a_benchmark_of_the_node_shows_its_floor_and_its_numbers() -> None:
    assert row("idle_round") == ["idle_round", "980 bytes", "304", "3.224", "records 2,000"]


def test_updates_and_idle_rounds_are_side_by_side() -> None:
    _, _, side = TEXT.partition("### One update")
    ours, hypercore, git = [line for line in side.splitlines() if line.startswith("| ")][2:5]
    assert ours.startswith("| **this node** | 4.5 (at most 9.1) |  | 1 request, 980 bytes |")
    assert hypercore.endswith(
        "| 3.1 (2.5 to 8) | 4.2 (3.5 to 9) | 11,107 bytes | connect and ask 50 cores | hypercore 1 |"
    )
    assert git == "| git, bare | 90 (80 to 99) | 140 (120 to 199) | 1 request, 2,891 bytes | git fetch | git 2 |"


def test_the_machine_is_told_without_a_path() -> None:
    first = TEXT.splitlines()[0]
    assert all(
        part in first
        for part in ("2026-11-22", "2 cores (Example CPU)", "23.5 GiB", "SQLite 3.40.1", "load average at most 0.4")
    )
    assert "/" not in first


def test_only_what_is_between_the_markers_changes() -> None:
    page = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    once = table.written(page, RESULTS)
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    assert table.written(once, RESULTS) == once


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="put the lines"):
        table.written("# Performance\n", RESULTS)


def test_docs_performance_has_its_markers() -> None:
    assert table.written((runs.ROOT / "docs" / "performance.md").read_text(), RESULTS)


def test_results_without_a_race_make_tables_too() -> None:
    alone = {**RESULTS, "runs": RESULTS["runs"][:1]}
    assert "idle_round" in table.tables(alone)
    assert "Records/s" not in table.tables(alone)


def test_a_benchmark_that_fails_is_told_and_the_next_one_runs(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    todo = [("none", ["benchmarks.there_is_none"]), ("machine", ["benchmarks.report.machine"])]
    runs.collect(path, todo, given="a test")
    found = runs.collect(path, todo, given="a test")
    assert [run["command"] for run in found["runs"]] == [command for _, command in todo]
    assert found["runs"][0]["lines"] == [
        {"name": "there_is_none", "missing": "it failed; see `benchmarks.there_is_none`"}
    ]
    assert json.loads(path.read_text()) == found


@pytest.mark.parametrize("quick", [True, False])
def test_every_benchmark_is_run_and_the_race_last(quick: bool) -> None:
    names = [name for name, _ in runs.commands(quick=quick)]
    assert {"idle_round", "one_update", "reach"} <= set(names)
    assert names[-1] == "race"


def test_the_plots_have_every_system_and_keep_text_as_text(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the plots' library comes with `make bench`")
    from benchmarks.report.plot import plot

    names = {path.name for path in plot(RESULTS, tmp_path)}
    assert names == {f"performance-{what}.{how}" for what in ("race", "growth") for how in ("svg", "png")}
    race = (tmp_path / "performance-race.svg").read_text()
    for text in ("this node, durable", "this node, searchable", "Hypercore, a record a block", "A slow one", "40,000"):
        assert f">{text}" in race, text
    assert "Syncthing" not in race
    assert (tmp_path / "performance-race.png").read_bytes().startswith(b"\x89PNG")
