"""`bra passphrase`: the passphrase of this node's signing key."""

from pathlib import Path
from typing import Annotated

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli import secret
from node.cli.common import HERE, HomeOption, JsonFlag, UsageError, print_json, say
from node.home import Home


def register(app: Commands) -> None:
    app.command(passphrase)


def passphrase(
    *,
    new_file: Annotated[Path | None, Parameter(help="A file with the new one, for programs; empty: none.")] = None,
    old_file: Annotated[Path | None, Parameter(help="A file with the one it has now, for programs.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Set, change or (with an empty one) remove the passphrase of the signing key. Stop the node first."""
    if new_file is None and not secret.at_terminal():
        raise UsageError("nobody can be asked here: name a --new-file with the new passphrase")
    place = Home(home)
    place.require()
    # Held while somebody types: no other command may put another key there meanwhile.
    with place.lock():
        place.require_settled()
        old = secret.from_file(old_file) if old_file else secret.passphrase(place)
        key = place.load_signing_key(old)
        new = secret.from_file(new_file) if new_file else secret.new_passphrase()
        place.change_passphrase(key, old, new or None)
    if json:
        print_json({"passphrase": bool(new)})
    elif new:
        say("The signing key is encrypted. 'bra serve' asks for the passphrase, or reads the file that")
        say(f"{secret.PASSPHRASE_FILE} names. Backups made until now hold the key as it was before.")
    else:
        say("The signing key is not encrypted any more: whoever reads the file has the key.")
