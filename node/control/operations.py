"""What an operator can have a node do: the one list of operations, the same whether the node serves or not.

A command line calls them through a serving node's control socket, or in its own process where none serves.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from node.control.check import Check
from node.control.custody import Custody
from node.control.desk import PassDesk
from node.control.endorsing import Endorsing
from node.control.exclusion import Exclusion
from node.control.importing import Importing
from node.control.issuing import Issuing
from node.control.joining import Joining
from node.control.membership import Membership
from node.control.overview import Overview
from node.control.partnership import Partnership
from node.control.parts import Noun, Report
from node.control.passing import Passing
from node.control.photos import Album
from node.control.records import Records
from node.control.status import Status
from node.control.trust import Trust
from node.control.visiting import Visiting
from node.errors import InputError

NOUNS = (
    Album, Records, Importing, Partnership, Joining, Endorsing, Exclusion, Membership, Trust, Custody, Check, Status,
    Issuing, PassDesk, Passing, Visiting, Overview,
)  # fmt: skip


class Operations:
    """All operations of a node, from the nouns that they stand with."""

    def __init__(self, nouns: Sequence[Noun]) -> None:
        self._nouns = nouns

    async def run(self, name: str, parameters: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Does the operation `name`; BraError with a sentence where it can't be done."""
        for noun in self._nouns:
            if operation := noun.operations(report).get(name):
                return await operation(**parameters)
        raise InputError(f"this node knows no operation {name!r}: is it an older version? Restart it")
