"""`bra demo`: five nodes on this machine that find each other's venues."""

from cyclopts import App as Commands


def register(app: Commands) -> None:
    del app
