"""All benchmarks and the race: runs them, and writes what docs/performance.md shows of them.

Results are kept outside the repository (BRA_BENCH, by default in the system's temporary folder), and saved after each
process.

    make bench                              # all of it; hours
    make bench QUICK=1                      # small and once; minutes; beside its results, not into docs
    make bench ARGS="--only reach race"     # some, into the results that are there
    make bench ARGS="--only"                # none: the tables and the plots of the results that are there
"""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.report.plot import plot
from benchmarks.report.runs import ROOT, collect, commands
from benchmarks.report.table import written

PAGE = ROOT / "docs" / "performance.md"
OUTPUT = Path(os.environ.get("BRA_BENCH") or Path(tempfile.gettempdir()) / "bra-bench-results")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small and once, and not into docs")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these instead of all")
    options = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    results = OUTPUT / ("quick.json" if options.quick else "results.json")
    page = OUTPUT / "quick.md" if options.quick else PAGE
    todo = [each for each in commands(quick=options.quick) if options.only is None or each[0] in options.only]
    found = collect(results, todo, given="make bench QUICK=1" if options.quick else "make bench")
    page.write_text(written(PAGE.read_text(), found))
    plots = plot(found, page.parent)
    print(f"results: {results}; written: {', '.join(map(str, (page, *plots)))}")


if __name__ == "__main__":
    main()
