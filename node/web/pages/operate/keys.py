"""Keys: how old they are, what guards them, and whether somebody still has the recovery words.

Rules:

- no key is made, shown or replaced here: whoever steals an operator's session must not get the node with it. What
  replaces one is a command on the machine itself, and the page says which
- of the recovery words three are asked and never more, and no field keeps what was typed
"""

from node.api.refusals import Refused
from node.api.role import Role
from node.sentence import said
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see


class KeysPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        return [Page("/operate/keys", show=self._show, do=self._check, role=Role.OPERATOR)]

    async def _show(self, _: Asked) -> Answer:
        now = self._ground.directory.world.now()
        return View("operate/keys.html", {"found": await self._ground.operate("keys", {}), "now": now})

    async def _check(self, asked: Asked) -> Answer:
        words = [text.strip() for text in asked.several.get("word", ())]
        if not all(words):
            raise Refused(said("type each of the words that are asked for"), 422)
        await self._ground.operate("words-check", {"words": words})
        return see("/operate/keys", done="words")
