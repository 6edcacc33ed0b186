"""Photos: `bra photo add`, `bra photo list`, `bra photo remove`."""

import base64
from typing import Annotated

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, FileArgument, HomeOption, JsonFlag, operate, print_json, read_file, say

photo = Commands(name="photo", help="Photos of your venues, and your logo: kept by this node, shown by all.")


def register(app: Commands) -> None:
    app.command(photo)


@photo.command
def add(
    file: FileArgument,
    /,
    *,
    venue: Annotated[str | None, Parameter(help="The id of an own venue that is to show it.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Add a JPEG, PNG or WebP FILE: made smaller, and without what it tells of the camera and the place."""
    made = operate(home, "photo-add", data=base64.b64encode(read_file(file)).decode(), venue=venue)
    if json:
        print_json(made)
        return
    say(f"{made['photo']}  {made['size']} bytes")
    if venue is None:
        say("Name it in a venue's photos within a day, or it is erased again.", error=True)


@photo.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """The photos of this node's own, and the records that name them."""
    found = operate(home, "photo-list")
    if json:
        print_json(found)
        return
    if not found["photos"]:
        say("There are no photos.")
    for each in found["photos"]:
        named = ", ".join(f"{record['kind']} {record['id']}" for record in each["records"]) or "named by no record"
        say(f"{each['photo']}  {each['size']} bytes, added {each['added']}  {named}")


@photo.command
def remove(hash: str, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Erase an own photo: the records that name it are published without it, and every node drops its copy."""
    found = operate(home, "photo-remove", photo=hash)
    if json:
        print_json(found)
    else:
        say(f"Erased: {found['photo']}; {found['records']} records were published without it.")
