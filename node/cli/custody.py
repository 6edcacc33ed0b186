"""Keeping the node one's own: `bra rotate`, `bra sign-card`, `bra recover`, `bra heal`, `bra resume`."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli import secret
from node.cli.common import (
    HERE,
    FileArgument,
    HomeOption,
    JsonFlag,
    UsageError,
    confirm,
    node_url,
    operate,
    print_json,
    read_file,
    run,
    say,
)
from node.custody import healing, recovery, rotation
from node.custody.healing import Plan
from node.custody.keys import Request, signed_card
from node.custody.rotation import CardSource, Renewed
from node.directory.word_check import Sample
from node.errors import InputError, ProtocolError
from node.home import Home, write_new
from node.protocol.canonical import decode_loose, encode
from node.protocol.keys import root_from_words
from node.protocol.names import encode_base64, node_id
from node.protocol.record import Record
from node.protocol.statements import Card
from node.world import World

_Words = Annotated[
    Path | None, Parameter(name="--words-file", help="A file with the 24 recovery words, instead of the terminal.")
]
_CardFile = Annotated[
    Path | None, Parameter(name="--card", help="The card that another machine signed, instead of the words.")
]
_Other = Annotated[Path | None, Parameter(name="--with", help="The other home itself, instead of what partners hold.")]
_Loss = Annotated[
    bool, Parameter(name="--accept-loss", negative="", help="Go on without records that nobody gave back.")
]
_SHOWN = 20


def register(app: Commands) -> None:
    for command in (rotate, recover, heal, resume, words):
        app.command(command)
    app.command(sign_card, name="sign-card")


def rotate(
    *,
    stolen: Annotated[
        bool, Parameter(negative="", help="The key may be stolen: only what this home holds stays published.")
    ] = False,
    request: Annotated[
        Path | None, Parameter(help="Write what 'bra sign-card' needs on another machine to this new file, and end.")
    ] = None,
    accept_loss: _Loss = False,
    card: _CardFile = None,
    words_file: _Words = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Replace the signing key: a new epoch. Stop the node first."""
    place = Home(home)
    place.require()
    passphrase = secret.passphrase(place)
    if request is not None:
        asked = run(rotation.ask_card(place, passphrase=passphrase))
        _write(request, encode(asked.as_value()) + b"\n")
        if json:
            print_json({"epoch": asked.epoch, "request": str(request), "signing": encode_base64(asked.signing)})
        else:
            _show_request(asked)
            say(f"Carry {request} to the other machine, run 'bra sign-card' there, and bring its output back:")
            say("'bra rotate --card FILE' then puts the new key to use. Until then the old one stays.")
        return
    source = _source(card, words_file, passphrase)
    renewed = run(rotation.rotate(place, source, stolen=stolen, accept_loss=accept_loss, passphrase=passphrase))
    if json:
        print_json(_as_json(renewed))
        return
    say(f"This node has a new key: epoch {renewed.epoch}. The old one counts no more.")
    _tell(renewed)


def sign_card(
    file: FileArgument,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Don't ask.")] = False,
    words_file: _Words = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Sign the card that FILE (of 'bra rotate --request') asks for. For a machine without a network or a node."""
    del home, json  # it needs no node, and it is JSON anyhow
    asked = Request.parse(_json(file))
    _show_request(asked)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody can be asked here: if 'bra rotate --request' showed the same, give --yes")
        confirm("Type yes if 'bra rotate --request' showed the same, to hand the node over to this key:")
    card = signed_card(secret.words(words_file), asked, now=time.time())
    print(card.signed.line.decode())


def recover(
    *,
    from_: Annotated[list[str], Parameter(name="--from", help="A partner's URL; may be repeated.")],
    accept_loss: _Loss = False,
    words_file: _Words = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Make a lost node anew in an empty home: its key, partners and shared records, from its words and its partners."""
    urls = [node_url(url) for url in from_]
    found = run(recovery.recover(Home(home), secret.words(words_file), urls, accept_loss=accept_loss))
    if json:
        print_json(
            {
                "node_id": found.node_id,
                "records": found.records,
                "lost": found.lost,
                "partners": found.partners,
                **_as_json(found.renewed),
            }
        )
        return
    came_back = f"{found.records} records, {found.partners} partners"
    say(f"This is {found.node_id} again, in epoch {found.renewed.epoch}: {came_back}.")
    if found.lost:
        say(f"{found.lost} records could not be given back by the nodes that were asked: they are gone.")
    _tell(found.renewed)
    say("config/node.toml is new: set in it what you had changed. Records of this node alone are gone.")


def heal(
    *,
    with_: _Other = None,
    yes: Annotated[bool, Parameter(negative="", help="Don't ask.")] = False,
    accept_loss: _Loss = False,
    card: _CardFile = None,
    words_file: _Words = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Merge what this node's key has signed elsewhere into this home, in a new epoch. Stop the node first."""
    place, other = Home(home), Home(with_) if with_ is not None else None
    place.require()
    passphrase = secret.passphrase(place)
    plan = run(healing.look(place, other, passphrase))
    _show(plan)
    if not plan.met:
        raise InputError(
            "nobody who could be asked holds another history of this node: if 'bra status' speaks of two all the same, "
            "'bra rotate --stolen' ends them"
        )
    if not yes:
        confirm("Type yes to merge it into this home and begin a new epoch:")
    source = _source(card, words_file, passphrase)
    renewed = run(healing.heal(place, source, plan, accept_loss=accept_loss, passphrase=passphrase))
    if json:
        merged = plan.merged
        counts = {"taken": len(merged.take), "withdrawn": len(merged.remove), "drafts": len(merged.drafts)}
        print_json({**counts, **_as_json(renewed)})
        return
    say(f"Both histories are one, in epoch {renewed.epoch}.")
    _tell(renewed)


def resume(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Let a restored home publish again although no partner could be asked: you know that nothing is newer."""
    found = operate(home, "resume")
    if json:
        print_json(found)
    else:
        say("This home publishes again." if found["resumed"] else "This home publishes: nothing had to be done.")


def words(*, words_file: _Words = None, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Check that you still have the 24 recovery words of this node. They are gone when this ends."""
    place = Home(home)
    author = place.load_card().author
    typed = secret.words(words_file)
    if node_id(root_from_words(typed).public) != author:
        raise InputError(f"these words are another node's, not {author}'s: look for the right sheet")
    # The node, which may serve the whole world, gets a hash of three of them.
    found = operate(home, "words-had", sample=str(Sample.of(typed, World().random)))
    if json:
        print_json(found)
    else:
        say(f"These are the words of {author}. The node keeps that you had them today.")


def _source(card: Path | None, words_file: Path | None, passphrase: bytes | None) -> CardSource:
    if card is None:
        return rotation.from_words(secret.words(words_file))
    try:
        return rotation.from_card(Card.parse(_json(card)), passphrase)
    except ProtocolError as error:
        raise UsageError(f"{card} is not a card ({error}): bring the output of 'bra sign-card' again") from error


def _json(file: Path) -> Any:
    try:
        return decode_loose(read_file(file))
    except ProtocolError as error:
        raise UsageError(f"{file} is not JSON as nodes write it ({error}): bring it over again") from error


def _show_request(asked: Request) -> None:
    """Whose card is asked for, and for which key, on standard error: what is the same on both machines."""
    say(f"A card of the node  {asked.author}, network {asked.network}", error=True)
    say(f"for its epoch       {asked.epoch}", error=True)
    say(f"and its public key  {encode_base64(asked.signing)}", error=True)


def _write(path: Path, data: bytes) -> None:
    try:
        write_new(path, data, 0o644)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already: name a new file") from error


def _tell(renewed: Renewed) -> None:
    if renewed.told:
        say(f"{len(renewed.told)} partners know the new key already.")
    for node in renewed.untold:
        say(f"{node} could not be reached: it will learn of the new key when it is.")
    say("'bra serve' brings the new state to everybody.")


def _as_json(renewed: Renewed) -> dict[str, Any]:
    return {"epoch": renewed.epoch, "told": renewed.told, "untold": renewed.untold}


def _show(plan: Plan) -> None:
    """What healing would do, on standard error, because it is asked about."""
    for node, problem in plan.silent.items():
        say(f"{node} could not be asked: {problem}", error=True)
    merged = plan.merged
    for what, found in (
        ("published elsewhere, to be taken", list(merged.take.values())),
        ("withdrawn elsewhere, to be withdrawn here", plan.removed),
        ("versions that don't stand, to be kept for this node alone", merged.drafts),
    ):
        if found:
            say(f"{len(found)} {what}:", error=True)
            _list(found)


def _list(found: list[Record]) -> None:
    for record in found[:_SHOWN]:
        say(f"  {record.kind} {record.id}, {record.updated}", error=True)
    if len(found) > _SHOWN:
        say(f"  and {len(found) - _SHOWN} more", error=True)
