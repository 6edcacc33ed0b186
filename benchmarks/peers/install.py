"""Gets the systems of the race by name and pinned version into a scratch folder (BRA_PEERS), not into the repository.

From npm: Hypercore and PouchDB. From Debian: Syncthing, unpacked there without being installed. git, PostgreSQL and
Node.js are those of the machine. What can't be had is told, and the race runs without it.

    make bench-peers
"""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.ground import INSTALLED
from benchmarks.peers.race import PEERS

NPM = {
    "hypercore": ("hypercore@11.37.1", "corestore@7.12.5"),
    "pouchdb": ("pouchdb@9.0.0", "express-pouchdb@4.2.0"),
}
DEBIAN = ("syncthing",)


def npm(folder: Path, packages: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Both bring their native parts built, so no script of a package has to run.
    run("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *packages)


def debian(folder: Path, package: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    run("apt-get", "download", package, cwd=folder)
    for archive in folder.glob(f"{package}_*.deb"):
        run("dpkg-deb", "--extract", archive, folder)
        archive.unlink()


def run(*command: str | Path, cwd: Path | None = None) -> None:
    if shutil.which(str(command[0])) is None:
        print(f"{command[0]} is not on this machine: {' '.join(map(str, command))} was left out", file=sys.stderr)
        return
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    for name, packages in NPM.items():
        npm(INSTALLED / name, packages)
    for name in DEBIAN:
        debian(INSTALLED / name, name)
    for peer in PEERS.values():
        print(peer.missing() or f"{peer.name}: ready")


if __name__ == "__main__":
    main()
