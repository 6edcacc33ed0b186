"""Secrets as a person types them or a program hands them over: from a terminal without echo, or from a file.

Never from an argument or the value of an environment variable: both are seen by whoever lists processes.
"""

import os
import stat
import sys
from getpass import getpass
from pathlib import Path

from node.errors import HomeError, InputError
from node.home import Home
from node.key_file import LONGEST_PASSPHRASE

PASSPHRASE_FILE = "BRA_PASSPHRASE_FILE"  # noqa: S105 - a name, not a secret
"""The environment variable that names a file with the passphrase: what systemd's LoadCredential= gives, say."""


def passphrase(home: Home) -> bytes | None:
    """What opens the home's signing key; None where it takes no passphrase, or where nobody can be asked.

    Blocks while somebody types: to be called outside an event loop, which would keep Ctrl-C to itself.
    """
    if not home.needs_passphrase:
        return None
    if name := os.environ.get(PASSPHRASE_FILE):
        return from_file(Path(name)) or None
    return typed(f"Passphrase of {home.signing_key}: ") if at_terminal() else None


def new_passphrase() -> bytes:
    """A passphrase typed twice; empty where there is to be none."""
    given = typed("New passphrase (empty for none): ")
    if typed("The same again: ") != given:
        raise InputError("the two were not the same, so nothing was changed: run the command again")
    return given


def words(path: Path | None) -> str:
    """The 24 recovery words, from a file (- for standard input) or typed without echo."""
    if path is None:
        if not at_terminal():
            raise InputError("nobody can be asked for the recovery words here: name a --words-file")
        return getpass("The 24 recovery words, in order: ", sys.stderr)
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(errors="replace")
    except OSError as error:
        raise InputError(f"{path} can't be read: {(error.strerror or 'unknown error').lower()}") from error
    # What 'bra init' writes has a line for people above the words.
    return text.strip().split("\n")[-1]


def from_file(path: Path) -> bytes:
    """The one line of a file that only its owner, or those whom its owner lets, may read."""
    try:
        with path.open("rb") as file:
            # The group's bits are left alone: systemd shows in them what the service's user may do.
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o007:
                raise HomeError(f"others may read {path}: run 'chmod o-rwx' on it, and choose another passphrase")
            found = file.read(LONGEST_PASSPHRASE + 3)
    except OSError as error:
        raise InputError(f"{path} can't be read: {(error.strerror or 'unknown error').lower()}") from error
    return _checked(found.removesuffix(b"\n").removesuffix(b"\r"))


def at_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stderr.isatty()


def typed(prompt: str) -> bytes:
    try:
        return _checked(getpass(prompt, sys.stderr).encode())
    except EOFError as error:
        raise InputError(f"nobody typed a passphrase: name a file with it in {PASSPHRASE_FILE}") from error


def _checked(given: bytes) -> bytes:
    if len(given) > LONGEST_PASSPHRASE or b"\n" in given:
        raise InputError(f"a passphrase is one line of at most {LONGEST_PASSPHRASE} bytes: choose a shorter one")
    return given
