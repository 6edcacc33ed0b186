"""The letters of a visit: what hosts and guests are told by e-mail. Pure: what is true comes in, a message goes out.

Rules:

- a letter says what is true when it is written, not what was when it was queued
- whatever strangers gave is one plain line in a header (an `EmailMessage` refuses line ends there), and plain text in
  the body; nothing is HTML
- the calendar file comes with each letter that is about a date
- who may answer gets a link whose secret is in no other place: whoever has the letter can answer, so it says so
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from node.errors import InputError
from node.plain import plain


@dataclass(frozen=True, slots=True)
class About:
    """What a letter is about: a visit as it is shown, its venue, and what goes beyond them.

    `venue`: the body of its record; `home`, `host`: what the two organisations are called; `link`: where the host
    answers, empty where this node can't be reached; `until`: when it ends; `remarks`: what the node found out itself.
    """

    visit: Mapping[str, Any]
    venue: Mapping[str, Any]
    home: str
    host: str
    calendar: bytes
    link: str = ""
    until: str = ""
    remarks: Sequence[str] = ()
    others: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @property
    def days(self) -> str:
        first, last = self.visit["days"]
        return first if first == last else f"{first} to {last}"


def letter(what: str, about: About, *, to: str, sender: str, name: str, now: float) -> EmailMessage:
    """The letter `what` ("request", "reminder", "news", "silence" or "arrival"). `name`: the same at each try.

    InputError where an address can't stand in a header.
    """
    text, host = _TEXTS[what](about), about.visit["side"] == "host"
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender, "Business Roaming")
    message["To"] = _address(to)
    message["Subject"] = plain(_subject(what, about, host=host), 150)
    message["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    # RFC 3834: no automatic answer is wanted, and none of them is read.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(plain(line, 2_000) for line in text.split("\n")) + "\n")
    message.add_attachment(
        about.calendar, maintype="text", subtype="calendar", filename="visit.ics", params={"method": "PUBLISH"}
    )
    return message


def _address(text: str, name: str = "") -> Address:
    try:
        return Address(name, addr_spec=text)
    except (ValueError, IndexError, MessageError) as error:
        # What is no address may still be somebody's: it isn't repeated.
        raise InputError("this is no address that a letter can be sent to: correct the venue's contact") from error


def _subject(what: str, about: About, *, host: bool) -> str:
    company, venue = about.visit["request"]["company"], about.venue["name"]
    match what:
        case "request":
            return f"{company} asks to visit {venue}: {about.days}"
        case "reminder":
            return f"Still waiting: {company} asks to visit {venue}: {about.days}"
        case "silence":
            return f"No answer yet: {venue}, {about.days}"
        case "arrival":
            return f"Were you there? {venue}, {about.days}"
    who = company if host else venue
    return f"{_SAID.get(about.visit['state'], 'News')}: {who}, {about.days}"


_SAID = {
    "accepted": "Accepted",
    "offered-another-date": "Another date",
    "declined": "Declined",
    "cancelled": "Cancelled",
    "arrived": "Arrived",
}


def _facts(about: About) -> list[str]:
    request = about.visit["request"]
    arrival = f", arriving at {request['arrival']}" if "arrival" in request else ""
    return [
        f"Where: {about.venue['name']}, {about.venue['address']}, {about.venue['city']} ({about.host})",
        f"When: {about.days}{arrival} (by the clock of {about.visit['time_zone']})",
        f"Who: {', '.join(each['name'] for each in request['people'])}; {request['company']}, at home at {about.home}",
        f"E-mail: {', '.join(each['email'] for each in request['people'] if 'email' in each)}",
        f"Language: {request['language']}",
        "What for: " + " ".join(request["purpose"].split()),
    ]


def _how(about: About) -> list[str]:
    if not about.link:
        return [f"Answer with: bra visit answer {about.visit['visit']} accept (or decline, or propose)"]
    return [
        "Answer here, without an account; to open the page decides nothing:",
        about.link,
        f"The link is good for one answer until {about.until}. Whoever has it can answer: don't pass it on.",
    ]


def _request(about: About) -> str:
    return "\n".join(
        [
            f"{about.visit['request']['company']} asks to visit you.",
            "",
            *_facts(about),
            *about.remarks,
            "",
            *_how(about),
        ]
    )


def _reminder(about: About) -> str:
    return "Nobody has answered this for two days; the guests are looking at other venues, too.\n\n" + _request(about)


def _news(about: About) -> str:
    state, visit = about.visit["state"], about.visit
    welcome = f"You are welcome. Your organisation's node has your passes: visit {visit['visit']}."
    said = {
        "accepted": "The visit is agreed." if visit["side"] == "host" else welcome,
        "offered-another-date": f"The host offers another date, {about.days}: agree to it, or cancel the visit.",
        "declined": "The visit is declined.",
        "cancelled": "The visit is cancelled.",
    }.get(state, f"The visit is {state}.")
    # One line: the others are this node's own word.
    said_there = [move["note"] for move in visit["moves"] if "note" in move and move["by"] != visit["side"]]
    notes = [" ".join(note.split()) for note in said_there[-1:]]
    return "\n".join([said, *(f'They write: "{note}"' for note in notes), "", *_facts(about), *_also(about)])


def _silence(about: About) -> str:
    return "\n".join(
        ["The host has not answered for two days, and was reminded once.", "", *_facts(about), *_also(about)]
    )


def _arrival(about: About) -> str:
    told = [
        "The host says that you came, and was shown no pass.",
        f"If you were there, confirm it at your organisation's node: visit {about.visit['visit']}.",
        "If you were not, do nothing: without your word it is not counted.",
    ]
    return "\n".join([*told, "", *_facts(about)])


def _also(about: About) -> list[str]:
    if not about.others:
        return []
    found = [f"- {each['name']} ({each['organisation']}): {each['venue']}" for each in about.others]
    return ["", "Other venues near, open on these days:", *found]


_TEXTS = {"request": _request, "reminder": _reminder, "news": _news, "silence": _silence, "arrival": _arrival}
