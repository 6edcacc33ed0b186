"""Belonging: `bra agreement show`, `bra agreement sign`, `bra endorse`, `bra leave`."""

from typing import Annotated, Literal

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, UsageError, confirm, operate, print_json, say
from node.cli.trust import WhichNode, title

Method = Literal["in-person", "video", "phone", "call", "invitation", "key-card", "introduction", "other"]
_METHODS = {"call": "phone"}
"""What people say for what the records say."""

agreement = Commands(name="agreement", help="The text that signatories sign.")


def register(app: Commands) -> None:
    app.command(agreement)
    app.command(endorse)
    app.command(leave)


@agreement.command
def show(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """Print the text in this home's config/, its SHA-256, and how it was signed here."""
    found = operate(home, "agreement")
    if json:
        print_json(found)
        return
    say(found["text"])
    known = "recognised here" if found["recognised"] else "NOT one that config/node.toml recognises"
    say(f"SHA-256 {found['text_sha256']}, {known}.")
    if signed := found.get("signed"):
        same = "" if signed["text_sha256"] == found["text_sha256"] else ", with another text"
        say(f"Signed on {signed['date']} as {signed['signatory_role']}{same}.")
    else:
        say("Not signed: 'bra agreement sign' does it.")


@agreement.command
def sign(
    *,
    role: Annotated[str, Parameter(help="The role of the person who signs: 'Managing director'. No name.")],
    place: Annotated[str | None, Parameter(help="Where it is signed.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Sign the text for this organisation, for everybody to see."""
    found = operate(home, "agreement-sign", role=role, place=place)
    if json:
        print_json(found)
    elif found["new"]:
        say(f"Signed as {found['signatory_role']}: the text with the SHA-256 {found['text_sha256']}.")
    else:
        say(f"Signed on {found['date']} as {found['signatory_role']} already: nothing was changed.")


def endorse(
    node: WhichNode,
    /,
    *,
    method: Annotated[Method | None, Parameter(help="How you compared the keys with them.")] = None,
    expires: Annotated[str | None, Parameter(help="The last day on which it counts: 2027-12-31.")] = None,
    organisation: Annotated[str | None, Parameter(help="Who it is, where its own record isn't here.")] = None,
    withdraw: Annotated[bool, Parameter(negative="", help="Take the endorsement back.")] = False,
    reason: Annotated[str | None, Parameter(help="Why it is taken back, in English: everybody may read it.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Say to everybody that you know this node to be that organisation's, or take it back."""
    if withdraw:
        if reason is None or method or expires or organisation:
            raise UsageError("to take an endorsement back, give --withdraw and a --reason, and nothing else")
        found = operate(home, "endorse-withdraw", node=node, reason=reason)
        said = f"The endorsement of {title(found)} is withdrawn."
    else:
        if method is None or reason is not None:
            raise UsageError("to endorse, say by --method how you compared the keys; a --reason belongs to --withdraw")
        found = operate(
            home,
            "endorse",
            node=node,
            method=_METHODS.get(method, method.replace("-", "_")),
            expires=expires,
            organisation=organisation,
        )
        so = "is endorsed now" if found["new"] else f"is endorsed so since {found['date']} already"
        said = f"{title(found)} {so}."
    if json:
        print_json(found)
        return
    say(said)
    if "warning" in found:
        say(f"WARNING: {found['warning']}.", error=True)


def leave(
    *,
    reason: Annotated[str, Parameter(help="Why, for everybody to read.")],
    language: Annotated[str, Parameter(help="The language of the reason (BCP 47).")] = "en",
    yes: Annotated[bool, Parameter(negative="", help="Don't ask.")] = False,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Leave: withdraw everything that this organisation shares, and say farewell."""
    if not yes:
        _tell_leaving(operate(home, "leave-what-if"))
    found = operate(home, "leave", reason=reason, language=language)
    if json:
        print_json(found)
        return
    say(f"{found['withdrawn']} records are withdrawn, and the farewell is published: partners hear it while this node")
    say(f"serves or syncs. 'bra withdraw farewell {found['id']}' takes the farewell back, not the rest.")


def _tell_leaving(what: dict[str, object]) -> None:
    records = what["records"]
    assert isinstance(records, dict)
    name = str(what["organisation"] or what["node_id"])
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(records.items()))
    say(f"{name} leaves: withdrawn at once and everywhere are {counts}.", error=True)
    say("Its signature and its endorsements go, too: whom it alone vouched for is no longer listed.", error=True)
    say("What only this node holds (visibility 'local') stays here.", error=True)
    confirm(f"Type its name, {name}, to leave:", name)
