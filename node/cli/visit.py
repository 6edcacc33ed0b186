"""Visits: `bra visit ask`, `list`, `show`, `answer`, `agree`, `cancel`, `arrived`, `confirm`, `no-show`, `pack`, …"""

import base64
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App as Commands
from cyclopts import Parameter

from node.cli.common import HERE, HomeOption, JsonFlag, UsageError, operate, print_json, say, write_private

visit = Commands(name="visit", help="Visits: ask other organisations for one, and answer what they ask.")

IdArgument = Annotated[str, Parameter(help="The visit's id; with the guest's node id and '/' before it if need be.")]
NoteOption = Annotated[str, Parameter(help="A word to the other side.")]

_ANSWERS = ("accept", "decline", "propose")


def register(app: Commands) -> None:
    app.command(visit)


@visit.command
def ask(
    *,
    venue: Annotated[str, Parameter(help="The host's node id, '/' and the venue's id.")],
    from_: Annotated[str, Parameter(name="--from", help="The first day there, such as 2027-06-02.")],
    until: Annotated[str | None, Parameter(help="The last day; the first, if left out.")] = None,
    arrival: Annotated[str | None, Parameter(help="When you come on the first day, by the clock there: 09:30.")] = None,
    name: Annotated[list[str], Parameter(help="Who comes; once for each.", negative="")],
    email: Annotated[list[str], Parameter(help="Their e-mails, in the same order; one will do.", negative="")],
    company: Annotated[str, Parameter(help="The company that comes.")],
    purpose: Annotated[str, Parameter(help="What the visit is for.")],
    language: Annotated[str, Parameter(help="The language to answer in, such as en.")] = "en",
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Ask for a visit. The host answers by e-mail, or its node at once where it can't be."""
    if len(email) > len(name):
        raise UsageError("there are more e-mails than people: give --name once for each of them")
    people = [{"name": each} for each in name]
    for person, address in zip(people, email, strict=False):
        person["email"] = address
    request: dict[str, Any] = {
        "venue": venue,
        "days": [from_, until or from_],
        "company": company,
        "people": people,
        "purpose": purpose,
        "language": language,
    }
    if arrival is not None:
        request["arrival"] = arrival
    _tell(operate(home, "visit-ask", request=request), json=json)


@visit.command(name="list")
def list_(
    *,
    side: Annotated[str | None, Parameter(help="guest: those asked from here; host: those asked of here.")] = None,
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """The newest visits, on both sides."""
    found = operate(home, "visit-list", side=side)
    if json:
        print_json(found)
        return
    if not found["visits"]:
        say("There are no visits.")
    for each in found["visits"]:
        _line(each)


@visit.command
def show(id: IdArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """One visit: what was asked, and what was said of it."""
    _tell(operate(home, "visit-show", visit=id), json=json)


@visit.command
def answer(
    id: IdArgument,  # noqa: A002
    how: Annotated[str, Parameter(help="accept, decline, or propose another date.")],
    /,
    *,
    from_: Annotated[str | None, Parameter(name="--from", help="With propose: the first day that you offer.")] = None,
    until: Annotated[str | None, Parameter(help="The last one; the first, if left out.")] = None,
    note: NoteOption = "",
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Answer a visit that is asked of you; to decline one that you accepted takes that back."""
    if how not in _ANSWERS:
        raise UsageError(f"{how!r} is no answer: give {', '.join(_ANSWERS)}")
    if (how == "propose") != (from_ is not None):
        raise UsageError("--from says which date you propose: give it with propose, and with no other answer")
    days = [from_, until or from_] if from_ else None
    _tell(operate(home, "visit-say", visit=id, answer=how, days=days, note=note), json=json)


@visit.command
def agree(id: IdArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Agree to the other date that the host offers."""
    _tell(operate(home, "visit-say", visit=id, answer="agree"), json=json)


@visit.command
def cancel(
    id: IdArgument,  # noqa: A002
    /,
    *,
    note: NoteOption = "",
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Cancel a visit that you asked for; its passes count no more."""
    _tell(operate(home, "visit-say", visit=id, answer="cancel", note=note), json=json)


@visit.command
def arrived(id: IdArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Say that the guests of a visit have come, where no pass was shown ('bra desk arrived')."""
    _tell(operate(home, "visit-say", visit=id, answer="arrived"), json=json)


@visit.command
def confirm(id: IdArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Confirm that your people came, where the host says so and was shown no pass; only then it is counted."""
    _tell(operate(home, "visit-confirm", visit=id), json=json)


@visit.command(name="no-show")
def no_show(id: IdArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """Say that nobody came."""
    _tell(operate(home, "visit-say", visit=id, answer="no-show"), json=json)


@visit.command
def receipt(id: IdArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """What both nodes signed when the guests came."""
    del json  # it is JSON anyhow
    print_json(operate(home, "visit-receipt", visit=id))


@visit.command
def passes(id: IdArgument, /, *, home: HomeOption = HERE, json: JsonFlag = False) -> None:  # noqa: A002
    """The passes of an accepted visit: 'bra pass render' makes a page of one."""
    found = operate(home, "visit-passes", visit=id)
    if json:
        print_json(found)
        return
    for each in found["passes"]:
        say(f"{each['name']}: this pass was revoked" if "revoked" in each else each["name"], error=True)
        if "token" in each:
            print(each["token"], flush=True)


@visit.command
def pack(
    id: IdArgument,  # noqa: A002
    /,
    *,
    to: Annotated[Path, Parameter(help="A new file: .html opens anywhere, .zip its parts, .ics dates, .vcf people.")],
    home: HomeOption = HERE,
    json: JsonFlag = False,
) -> None:
    """Write the trip pack of an accepted visit: venue, people, guide, events and passes, for without a network."""
    made = operate(home, "visit-pack", visit=id, form=to.suffix.removeprefix("."))
    # Whoever has the file has the passes.
    write_private(to, base64.b64decode(made["data"]), json=json)


@visit.command
def reciprocity(*, home: HomeOption = HERE, json: JsonFlag = False) -> None:
    """What you have hosted for each other organisation, and travelled to it; only you and it can see this."""
    found = operate(home, "reciprocity")
    if json:
        print_json(found)
        return
    if not found["partners"]:
        say("Nobody has come or gone yet.")
    for each in found["partners"]:
        hosted, travelled = each["hosted"], each["travelled"]
        say(
            f"{each['node_id']}  {each['organisation']}  hosted {hosted['visits']} ({hosted['days']} days), "
            f"travelled {travelled['visits']} ({travelled['days']} days)"
        )


def _line(each: dict[str, Any]) -> None:
    first, last = each["days"]
    days = first if first == last else f"{first} to {last}"
    way = "from" if each["side"] == "host" else "to"
    other = each["guest"] if each["side"] == "host" else each["venue"]
    say(f"{each['visit']}  {each['state']}  {days}  {each['request']['company']}  {way} {other}")


def _tell(found: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    request = found["request"]
    _line(found)
    say(f"    {', '.join(each['name'] for each in request['people'])}: {request['purpose']}")
    for move in found["moves"]:
        days = f" {' to '.join(dict.fromkeys(move['days']))}" if "days" in move else ""
        note = f': "{move["note"]}"' if "note" in move else ""
        say(f"    {move['at']}  {move['by']}: {move['event']}{days}{note}")
    if "unconfirmed" in found:
        say(f"    ! the host says that you came, without a pass: 'bra visit confirm {found['visit']}' if that is so")
    if "problem" in found:
        say(f"    ! {found['problem']}")
    for other in found.get("alternatives", ()):
        say(f"    instead: {other['venue']}  {other['name']} ({other['organisation']})")
