"""Nodes in processes of their own for these tests, and how long their campaigns are."""

from tests.system.conftest import make, make_once, shell

__all__ = ["make", "make_once", "shell"]
