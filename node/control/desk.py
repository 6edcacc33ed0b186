"""Operations of a desk: what a pass that is shown there is worth, and that its bearer has arrived."""

from typing import Any

from node.control.parts import Operation, Parts, Report


class PassDesk:
    """desk-arrived, desk-told, desk-verify."""

    def __init__(self, parts: Parts) -> None:
        self._desk = parts.desk

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"desk-arrived": self.arrived, "desk-told": self.told, "desk-verify": self.verify}

    async def verify(self, *, token: str, venue: str | None = None) -> dict[str, Any]:
        """The verdict on a pass, at an own venue (the only one, if none is named)."""
        return await self._desk.verify(token, venue)

    async def arrived(self, *, token: str, venue: str | None = None, at: int | None = None) -> dict[str, Any]:
        """The same; where it is OK, the arrival is written down, at `at` where it was noted while out of reach."""
        return await self._desk.arrive(token, venue, at)

    async def told(self) -> dict[str, Any]:
        """What a desk needs to judge passes by itself while this node is out of its reach."""
        return await self._desk.told()
