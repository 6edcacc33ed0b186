"""`python -m node` is `bra`."""

from node.cli.main import run

run()
