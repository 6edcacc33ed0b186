"""How the node is doing at a glance: what is left to set up, what waits, what went wrong."""

from node.api.role import Role
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see


class OverviewPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/operate", show=self._show, do=self._note, role=Role.OPERATOR)]

    async def _show(self, _: Asked) -> Answer:
        found = await self._ground.operate("overview", {})
        return View("operate/overview.html", {"found": found}, parts=("overview",))

    async def _note(self, _: Asked) -> Answer:
        """Somebody says that there is a backup: nothing here can know it."""
        await self._ground.operate("backup-noted", {})
        return see("/operate", done="backup")
