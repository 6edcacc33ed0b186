"""The table of attacks stays true: each has a row, a test that exists, and a defence that stands where it stood."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.attacks.campaign import HERE
from tests.attacks.defences import ATTACKS

NAMED = """
forged, altered, replayed, rolled back, hidden, frozen, mixed and matched, fast-forwarded
endless data, slow data, decompression bomb, deep nesting, huge numbers, duplicate keys, lone surrogates, unknown types
equivocation seen at once, equivocation with skipped heads, two cards of one epoch
key substitution at join, safety words, replayed or expired invitation, link opened by a mail scanner
replayed request signature, request meant for another node, server with a bought domain
foreign cursor, foreign network
look-alike organisation, vouching ring, endorsement flood, introduced-then-removed node coming back
non-public bodies asked for by the merely listed
erased data coming back from a healed fork, erased data coming back from an old replica
author over quota, clock far off, disk full, kill at every write
"""
"""The attacks that the protocol was designed against. There may be more, never fewer."""


def rows() -> dict[str, list[str]]:
    """The table's rows by attack: what the attacker can do, what stops it, the test, the place of the defence."""
    lines = (HERE / "docs" / "attacks.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return {name: others for name, *others in cells[1:] if not name.startswith("-")}


@cache
def collected() -> frozenset[str]:
    """The tests below `tests/attacks`, as pytest names them, with and without their cases."""
    arguments = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/attacks")
    found = subprocess.run([sys.executable, *arguments], cwd=HERE, capture_output=True, text=True, check=True)
    names = [line.removeprefix("tests/") for line in found.stdout.splitlines() if "::" in line]
    return frozenset(names) | {name.partition("[")[0] for name in names}


def test_every_attack_has_a_row_and_every_row_an_attack() -> None:
    known = [attack.name for attack in ATTACKS]
    assert len(set(known)) == len(known)
    assert {name for line in NAMED.strip().splitlines() for name in line.split(", ")} <= set(known)
    assert list(rows()) == known


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_row_names_the_test_and_each_place_of_the_defence(attack) -> None:
    _, _, test, place = rows()[attack.name]
    assert test == f"`{attack.test.rpartition('/')[2]}`"
    assert attack.test in collected()
    assert attack.defences
    for out in (out for defence in attack.defences for out in defence):
        assert f"`{Path(out.path).name}`" in place
        assert (HERE / out.path).read_text().count(out.old) == 1, f"{out.path} has no such place any more: {out.old}"
