"""A person with a browser of their own, and a witness of all that it did.

Rules:

- every request is written down, also those of service workers: one that goes elsewhere than to the visitor's nodes is
  a fault, whether it was let through or not
- so is every error of a page or of its console, and whatever the page's own policy (CSP) forbade
- nothing is forgiven but what a test says that it expects, the answer to an address that was gone to (the test looks at
  that itself), and that there is no /favicon.ico, for which browsers ask without being told to

    visitor = await Visitor.enter(browser, node.url, token=park.token("member"), width=360, dark=True)
    await visitor.page.goto("/search?q=munich")
    visitor.faults      # []
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, expect

PATIENCE = 15_000.0
"""Milliseconds that a page has for whatever is waited for."""
expect.set_options(timeout=PATIENCE)

# Reports by the console, because pages without JavaScript have that, too.
_WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`forbidden by its own policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
}, true);
"""  # noqa: E501 - JavaScript
_HERE = ("data", "blob", "about")
"""Schemes of addresses that no request is sent for."""


@dataclass
class Visitor:
    """One browser context: cookies, language, window. `page` is its first; its `goto` takes paths of the first node."""

    context: BrowserContext
    page: Page
    urls: tuple[str, ...]
    """The addresses of its nodes, the one that it goes to by paths first."""
    expects: tuple[str, ...] = ()
    """Patterns of the faults that this test makes on purpose."""
    requests: list[str] = field(default_factory=list)
    """All addresses that were asked for, in order."""
    _found: list[str] = field(default_factory=list)
    _gone_to: set[str] = field(default_factory=set)

    @classmethod
    async def enter(
        cls,
        browser: Browser,
        *urls: str,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        locale: str = "en-GB",
        zone: str = "Europe/Tallinn",
        javascript: bool = True,
        offline: bool = False,
        token: str = "",
        expects: Sequence[str] = (),
    ) -> Self:
        """A visitor of the nodes at `urls`; with `token`, it is logged in at the first."""
        context = await browser.new_context(
            base_url=urls[0],
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale=locale,
            timezone_id=zone,
            java_script_enabled=javascript,
            offline=offline,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        await context.add_init_script(_WATCH)
        visitor = cls(context, await context.new_page(), urls, tuple(expects))
        context.on("request", visitor._asked)
        context.on("console", visitor._said)
        context.on("weberror", visitor._failed)
        if token:
            await visitor.log_in(token)
        return visitor

    def witnessed(self) -> list[str]:
        """What no page should have done, a sentence each."""
        elsewhere = [f"a request left the node: {url}" for url in self.requests if not self._is_own(url)]
        return [*elsewhere, *self._found]

    @property
    def faults(self) -> list[str]:
        """Those of them that were not expected."""
        return [each for each in self.witnessed() if not any(re.search(one, each) for one in self.expects)]

    async def log_in(self, token: str) -> None:
        """Logs in at the first node, without the page: what that looks like is its own tests' matter."""
        sent = {"form": {"token": token}, "headers": {"Origin": _origin(self.urls[0])}}
        answer = await self.context.request.post("/login", max_redirects=0, **sent)
        assert answer.status == 303, await answer.text()

    async def leave(self) -> None:
        await self.context.close()

    def _is_own(self, url: str) -> bool:
        return urlsplit(url).scheme in _HERE or _origin(url) in map(_origin, self.urls)

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        if request.service_worker is None and request.is_navigation_request():
            self._gone_to.add(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        url = message.location["url"]
        asked_for = url in self._gone_to or urlsplit(url).path == "/favicon.ico"
        answered = message.text.startswith("Failed to load resource: the server responded")
        if message.type == "error" and not (answered and asked_for):
            self._found.append(f"error in the console: {message.text} ({url})")

    def _failed(self, error: WebError) -> None:
        self._found.append(f"error of the page: {error.error}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}"
