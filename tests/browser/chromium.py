"""The browser that the pages are tried with: the system's Chromium. No package index has one.

python -m tests.browser.chromium     # installs it, where it isn't there yet
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.async_api import Browser, Playwright

MISSING = "there is no Chromium here: install the package 'chromium', or name the program of another in BRA_CHROMIUM"

_NAMES = ("chromium", "chromium-browser")
# Another apt-get may be at work.
_INSTALL = ("install", "--yes", "--no-install-recommends", "--option", "DPkg::Lock::Timeout=300", "chromium")


class NoChromium(AssertionError):
    """There is no browser to try the pages with."""


def program() -> Path:
    """The program of the browser; NoChromium where there is none."""
    named = os.environ.get("BRA_CHROMIUM")
    for name in (named,) if named else _NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise NoChromium(MISSING)


async def started(playwright: Playwright) -> Browser:
    """The browser, running without a window; NoChromium where there is none."""
    return await playwright.chromium.launch(executable_path=program())


def install() -> None:
    """Has Debian's package manager install it, where that may be done without a question; NoChromium where it can't."""
    apt_get = shutil.which("apt-get")
    may = () if os.geteuid() == 0 else ("sudo", "--non-interactive")
    if apt_get is None or not (may == () or (shutil.which("sudo") and _done(*may, "true"))):
        raise NoChromium(MISSING)
    command = (*may, "env", "DEBIAN_FRONTEND=noninteractive", apt_get)
    # A fresh machine has no lists of packages, and old ones name what is no longer there.
    if not _done(*command, *_INSTALL) and not (_done(*command, "update") and _done(*command, *_INSTALL)):
        raise NoChromium(MISSING)


def _done(*command: str) -> bool:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode == 0


def main() -> int:
    """Never fails: without a browser, its tests say what is missing, and all others go on."""
    try:
        program()
    except NoChromium:
        try:
            sys.stderr.write("installing Chromium for the tests of the pages\n")
            install()
            program()
        except NoChromium as error:
            sys.stderr.write(f"{error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
