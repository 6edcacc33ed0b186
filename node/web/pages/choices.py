"""What a visitor chooses for all pages: the language."""

from node.api.refusals import Refused
from node.sentence import said
from node.web.languages import COOKIE, SPOKEN
from node.web.page import Answer, Asked, Page, see
from node.web.sessions import own_path

_YEAR = 365 * 86_400


class ChoicePages:
    def pages(self) -> list[Page]:
        return [Page("/language", do=self._speak)]

    async def _speak(self, asked: Asked) -> Answer:
        if (tag := asked.form.get("language", "")) not in SPOKEN:
            raise Refused(said("the pages are not there in this language: choose another"), 400)
        answer = see(own_path(asked.form.get("next")))
        answer.set_cookie(COOKIE, tag, max_age=_YEAR, httponly=True, samesite="Lax", path="/")
        return answer
