"""Health: what works and what doesn't, as far as the node can know it, and the settings that it goes by."""

from node.api.role import Role
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see


class HealthPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/operate/health", show=self._show, do=self._do, role=Role.OPERATOR)]

    async def _show(self, _: Asked) -> Answer:
        return await self._page(None)

    async def _do(self, asked: Asked) -> Answer:
        """Looks at all that is held, which takes as long as there is much of it; or asks all partners at once."""
        if "check" in asked.form:
            return await self._page(await self._ground.operate("check", {}))
        done = await self._ground.operate("sync", {})
        failed = sum("problem" in each for each in done["partners"])
        return see("/operate/health", done="failed" if failed else "synced")

    async def _page(self, checked: object) -> Answer:
        found, status = await self._ground.operate("health", {}), await self._ground.operate("status", {})
        return View(
            "operate/health.html", {"found": found, "status": status, "checked": checked}, parts=("health", "checked")
        )
