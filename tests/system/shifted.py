"""`bra` with a clock that is wrong: python -m tests.system.shifted SECONDS ARGUMENT...

Everything else is the program as it is; only the time that is handed to the node is another.
"""

import sys
import time

import node.app
from node.cli.main import main
from node.world import World


def shifted_by(seconds: float) -> type[World]:
    def world() -> World:
        return World(now=lambda: time.time() + seconds)

    return world  # type: ignore[return-value]


if __name__ == "__main__":
    node.app.World = shifted_by(float(sys.argv[1]))  # type: ignore[misc]
    sys.exit(main(sys.argv[2:]))
