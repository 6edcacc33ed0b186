"""The agreement: its text, and the signature of this organisation under it.

Signing is the act of a person with a role: the box has to be ticked each time.
"""

from node.api.refusals import Refused
from node.api.role import Role
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see


class AgreementPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/operate/agreement", show=self._show, do=self._sign, role=Role.OPERATOR)]

    async def _show(self, _: Asked) -> Answer:
        return View("operate/agreement.html", {"found": await self._ground.operate("agreement", {})})

    async def _sign(self, asked: Asked) -> Answer:
        role, place = asked.form.get("role", "").strip(), asked.form.get("place", "").strip()
        if not role:
            raise Refused.fields([("role", "write your role, such as Managing director")], 422)
        if "read" not in asked.form:
            raise Refused.fields([("read", "tick the box: whoever signs has read the text, and may sign")], 422)
        await self._ground.operate("agreement-sign", {"role": role, **({"place": place} if place else {})})
        return see("/operate/agreement", done="signed")
