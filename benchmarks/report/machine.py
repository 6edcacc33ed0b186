"""Where something was measured, as a reader has to know it to compare: no name, no path."""

import os
import platform
import sqlite3
from pathlib import Path


def machine() -> dict[str, str | int | float]:
    return {
        "cores": os.cpu_count() or 1,
        "cpu": _row("/proc/cpuinfo", "model name") or platform.machine(),
        "memory_gib": round(int(_row("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
    }


def _row(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")
