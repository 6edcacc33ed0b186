"""Checking what is held against what was verified when it came, as an operator asks for it."""

from collections.abc import Iterator
from typing import Any

from node.control.parts import Operation, Parts, Report
from node.control.who import names_of
from node.storage.scrub import Damage


class Check:
    """check."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self, report: Report) -> dict[str, Operation]:
        async def check() -> dict[str, Any]:
            return await self.check(report)

        return {"check": check}

    async def check(self, report: Report) -> dict[str, Any]:
        """Looks at all that is held; what was damaged is asked for again, of whoever has it."""
        parts, checked = self._parts, 0

        def progress(done: int, of: int) -> None:
            nonlocal checked
            checked = of
            report({"checked": done, "of": of})

        found = await parts.scrub.everybody(progress)
        whose = [damage.author for damage in found]
        names = await parts.database.read(lambda db: names_of(db, parts, whose))
        return {
            "checked": checked,
            "damaged": [
                {
                    "node_id": damage.author,
                    "organisation": names.get(damage.author, ""),
                    "own": damage.author == parts.acceptance.me,
                    "altered": len(damage.altered),
                    "whole": damage.whole,
                    "sentence": ", and ".join(_sentences(damage)),
                }
                for damage in found
            ],
        }


def _sentences(damage: Damage) -> Iterator[str]:
    if damage.altered:
        yield f"{len(damage.altered)} of its records are not what was verified"
    if not damage.whole:
        yield "its records are not the set that it signed"
    if not damage.counted:
        yield "its bytes were counted wrong"
