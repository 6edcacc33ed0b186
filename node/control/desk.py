"""Operations of a desk: what a pass that is shown there is worth, and that its bearer has arrived."""

from typing import Any

from node.control.parts import Operation, Parts, Report


class PassDesk:
    """desk-arrived, desk-verify."""

    def __init__(self, parts: Parts) -> None:
        self._desk = parts.desk

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"desk-arrived": self.arrived, "desk-verify": self.verify}

    async def verify(self, *, token: str, venue: str | None = None) -> dict[str, Any]:
        """The verdict on a pass, at an own venue (the only one, if none is named)."""
        return await self._desk.verify(token, venue)

    async def arrived(self, *, token: str, venue: str | None = None) -> dict[str, Any]:
        """The same; where it is OK, the arrival is written down."""
        return await self._desk.arrive(token, venue)
