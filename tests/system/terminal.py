"""A terminal, and somebody who types."""

import contextlib
import os
import pty
import sys

from tests.nodes import until


class Terminal:
    """A command on a terminal of its own, where somebody types."""

    def __init__(self, *arguments: str) -> None:
        pid, self._screen = pty.fork()
        if not pid:
            os.execv(sys.executable, [sys.executable, "-m", "node", *arguments])
        self._pid = pid
        self.shown = ""

    def answers(self, question: str, answer: str) -> None:
        until(lambda: self._reads() and question in self.shown, f"{question!r} is not asked")
        self.shown = self.shown.replace(question, "", 1)
        os.write(self._screen, answer.encode() + b"\n")

    def _reads(self) -> bool:
        # An error is the end of what it says.
        with contextlib.suppress(OSError):
            self.shown += os.read(self._screen, 4096).decode(errors="replace")
        return True

    def ended(self) -> int:
        """Its exit code, after all that it still had to say."""
        while True:
            before = self.shown
            self._reads()
            if self.shown == before:
                break
        os.close(self._screen)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
