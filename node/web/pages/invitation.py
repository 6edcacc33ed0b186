"""The page that an invitation's link opens, for somebody who has no node at hand.

Rules:

- it does nothing: a mail scanner may open it
- the secret stands behind the `#`, which a browser keeps to itself: so no script runs that could send it, and there is
  no choice of a language, which would lose it: the one that the browser asks for counts
"""

from node.joining.invitation import PAGE
from node.web.page import Answer, Asked, Page, View

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class InvitationPages:
    def pages(self) -> list[Page]:
        return [Page(PAGE, show=self._show)]

    async def _show(self, asked: Asked) -> Answer:
        del asked
        return View("invitation.html", headers=_HEADERS)
