"""All benchmarks and the race in one go, and what docs/performance.md shows of them.

`runs.py` starts each benchmark as a process and collects the lines of JSON that they print; `table.py` and `plot.py`
make text and pictures of such results; `machine.py` says where they were measured.
"""
